"""The demo: a Gradio Space that runs by itself.

In: the adapter, the held-out split (for example questions), the project file's demo section. Out: the Space's folder
(`app.py`, `style.css`, `requirements.txt` as they lie in ``space/``; `config.json` and `README.md` written for the
project). `serve_space` runs that folder on this machine.
"""

from semillero.demo.building import build_space
from semillero.demo.serving import serve_space

__all__ = ["build_space", "serve_space"]
