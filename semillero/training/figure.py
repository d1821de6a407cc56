"""The loss figure: training steps and validation, with the base model's loss as the line to beat.

Labels in Spanish, like the corpus figures. Equal reports give equal bytes: the user's matplotlib settings, the date and
the version of matplotlib stay out of the file.
"""

from pathlib import Path
from typing import Any

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": "#DDDDDD",
    "axes.labelcolor": "#666666",
    "xtick.color": "#666666",
    "ytick.color": "#222222",
    "grid.color": "#DDDDDD",
    "legend.frameon": False,
}
UNITS = {"sft": "nats por token de respuesta", "dpo": "pérdida de preferencia (DPO) por par"}
TRAIN, VALIDATION, BASE = "#9AA5B1", "#0072B2", "#D55E00"


def draw_loss(report: dict[str, Any], path: Path) -> None:
    """Write the figure of a run.

    Args:
        report: what ``training.json`` holds.
        path: of the PNG; its folder is made when it is missing.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    path.parent.mkdir(parents=True, exist_ok=True)
    curve = report["curve"]
    base, tuned = report["base_validation_loss"], report["validation_loss"]
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(7, 4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.plot(*zip(*curve["train"], strict=True), color=TRAIN, linewidth=1.5, label="entrenamiento")
        axes.plot(*zip(*curve["validation"], strict=True), "o-", color=VALIDATION, linewidth=2, label="validación")
        axes.axhline(base, color=BASE, linestyle="--", linewidth=1.2, label="modelo base (validación)")
        axes.annotate(
            f"{tuned:.2f}", (report["steps"], tuned), (0, 7), textcoords="offset points", ha="center", color=VALIDATION
        )
        axes.annotate(f"{base:.2f}", (0, base), (0, 5), textcoords="offset points", ha="center", color=BASE)
        axes.set_title(f"Pérdida: de {base:.2f} a {tuned:.2f} en {report['steps']} pasos", loc="left")
        axes.set_xlabel("paso de optimización")
        axes.set_ylabel(UNITS[report["objective"]])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
        axes.legend()
        figure.savefig(path, dpi=150, metadata={"Software": None})
