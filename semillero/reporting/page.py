"""The report as one HTML page and as Markdown. Rows are text, never markup.

The page has no scripts and loads nothing: its style is inside, figures are data, and its own policy forbids the rest.
"""

import base64
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from semillero.cards.rendering import render_template
from semillero.reporting.sections import Section, write_sections

Svg = tuple[str, str]
ALTERNATIVES = {
    "funnel": "Filas que quedan después de cada motivo de rechazo",
    "drops": "Proporción de filas rechazadas y descartadas por variedad",
    "markers": "Proporción de textos con marcas a favor y en contra de su variedad",
    "overlap": "Vocabulario compartido por cada dos variedades frente al azar",
    "genders": "Profesiones por género gramatical en cada variedad",
    "swaps": "Efecto de cambiar de quién se habla",
}


def render_html(report: dict[str, Any], figures: dict[str, Svg]) -> str:
    """Return the page.

    Args:
        report: ``report.json``.
        figures: SVG for a light and a dark page, by name.
    """
    addresses = {name: tuple(_as_data(svg) for svg in pair) for name, pair in figures.items()}
    template = _environment().get_template("report.html.j2")
    style = (files("semillero.reporting.templates") / "report.css").read_text(encoding="utf-8")
    return template.render(
        report=report, sections=write_sections(report), figures=addresses, alternatives=ALTERNATIVES, style=style
    )


def render_markdown(report: dict[str, Any], figures: Iterable[str]) -> str:
    """Return the report as Markdown; ``figures`` names the PNG files in ``figures/`` beside it."""
    return render_sections("Informe del corpus", write_sections(report), figures)


def render_sections(title: str, sections: Sequence[Section], figures: Iterable[str] = ()) -> str:
    """Return sections as Markdown under a title."""
    values = {"title": title, "sections": sections, "figures": set(figures), "alternatives": ALTERNATIVES}
    return render_template("report.md.j2", values, "semillero.reporting.templates")


def _as_data(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


@cache
def _environment() -> Any:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folder = files("semillero.reporting.templates")
    return ImmutableSandboxedEnvironment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
