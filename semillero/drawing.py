"""How our figures look: a canvas, one style, and files that are the same bytes for the same numbers.

Okabe and Ito's colours (told apart with any colour vision). The user's matplotlib settings, the date and the version of
matplotlib stay out of the files.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLUE, ORANGE, GREEN, SKY, RED, PINK = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7"
INK, MUTED, GRID, PAPER = "#222222", "#666666", "#DDDDDD", "#FFFFFF"
# The same ink on a dark page; what is not listed is a colour that stands out on both.
DARK = {INK: "#E6E6E6", MUTED: "#A3A8AE", GRID: "#3B4046", PAPER: "#15181C"}
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.color": INK,
    "ytick.major.size": 0,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "svg.hashsalt": "semillero",
}


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw in our style inside this block, whatever the user's settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def make_canvas(height: float, title: str) -> tuple[Any, Any]:
    """Return a figure (8 inches wide, at least 2.4 high) and its axes, with a title and vertical grid lines."""
    # Figure without pyplot: no global state, so several threads may draw at once.
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(8, max(height, 2.4)), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1))
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=13, fontweight="bold", pad=12)
    axes.grid(visible=True, axis="x")
    return figure, axes


def save_png(figure: Any, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=150, metadata={"Software": None})


def render_svg(figure: Any) -> tuple[str, str]:
    """Return a figure that has been drawn before as SVG without background, for a light and for a dark page.

    Its layout stays as it is (working it out again takes as long as drawing); text is drawn as paths.
    """
    figure.set_layout_engine("none")
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    light = dark = file.getvalue()
    for ink, other in DARK.items():
        dark = dark.replace(ink.lower(), other.lower())
    return light, dark
