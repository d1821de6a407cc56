"""The demo: a Gradio Space that runs by itself.

In: the adapter, the held-out split (for example questions), the project file's demo section. Out: the Space's folder:
the modules as they lie in ``space/``, `requirements.txt` for the hardware, `config.json` and `README.md` written for
the project, and `adapter.gguf` where llama.cpp answers. `serve_space` runs that folder on this machine.
"""

from semillero.demo.building import build_space
from semillero.demo.serving import find_base, serve_space

__all__ = ["build_space", "find_base", "serve_space"]
