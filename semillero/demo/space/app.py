"""A page to compare a fine-tuned model with its base, and to talk to either.

What differs between projects is in ``config.json``; where the weights come from and what a vote looks like: see
``with_transformers.py``, ``with_llama.py``, ``votes.py``. On your own machine SEMILLERO_BASE and SEMILLERO_ADAPTER may
name local weights, SEMILLERO_VOTES a folder for votes.
"""

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
with contextlib.suppress(ImportError):  # on ZeroGPU, before anything that looks for a card
    import spaces  # noqa: F401

import gradio as gr
from page import Page
from settings import CONFIG, HERE, ON_SPACE
from votes import VoteBox, open_box

WAITING = 32  # whoever comes after them is told that the queue is full, instead of waiting for ever
# A browser that obeys this loads nothing from other hosts, whatever a model may write.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<meta name="referrer" content="no-referrer"><meta name="robots" content="noai">'
)
THEME = gr.themes.Soft(
    primary_hue="green", neutral_hue="stone", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
).set(checkbox_label_background_fill_selected="#2f6b3c", checkbox_label_background_fill_selected_dark="#2f6b3c")


def main() -> None:
    """Serve the page: to everybody on a Space, to this machine alone elsewhere."""
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line a request
    votes = open_box(CONFIG["votes"]) if CONFIG["votes"] else None
    signal.signal(signal.SIGTERM, _leave)  # a Space that is stopped or restarted gets this
    page = Page(votes).blocks
    page.queue(max_size=WAITING)
    port = os.environ.get("GRADIO_SERVER_PORT")
    try:
        page.launch(
            server_name="0.0.0.0" if ON_SPACE else "127.0.0.1",
            server_port=int(port) if port else None,
            theme=THEME,
            css_paths=HERE / "style.css",
            head=HEAD,
            footer_links=[],
            ssr_mode=False,
            enable_monitoring=False,
            share=False,
            max_file_size=0,
        )
    except SystemExit:
        _bring_away(votes)
        os._exit(0)  # native threads of a model are not waited for


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _bring_away(votes: VoteBox | None) -> None:
    if votes is None:
        return
    try:
        votes.flush()
    except Exception:
        logging.getLogger("space").exception("the last votes could not be sent; they are in %s", votes.folder)


if __name__ == "__main__":
    main()
