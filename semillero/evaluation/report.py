"""``evaluation.md``: the numbers of ``evaluation.json`` for people, Spanish and English side by side."""

import textwrap
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).with_name("evaluation.md.j2")
SHOWN = 8  # samples
NAMES = {
    "loss": {
        "es": "pérdida", "en": "loss",
        "how": "nats por token de la respuesta, menos es mejor · *nats per answer token, lower is better*",
    },
    "perplexity": {"es": "perplejidad", "en": "perplexity", "how": "exp(pérdida) · *exp(loss)*"},
    "chrf": {
        "es": "chrF", "en": "chrF",
        "how": "parecido con la referencia, 0–100, media por fila · *likeness to the reference, 0–100, mean over rows*",
    },
    "distinct_1": {
        "es": "palabras distintas", "en": "distinct words",
        "how": "parte de palabras no repetidas en cada respuesta · *share of words that are not repeats, per answer*",
    },
    "distinct_2": {
        "es": "pares distintos", "en": "distinct pairs",
        "how": "lo mismo con pares de palabras · *the same for word pairs*",
    },
    "answer_words": {
        "es": "palabras por respuesta", "en": "words an answer",
        "how": "ni más ni menos es mejor · *neither more nor less is better*",
    },
    "language": {
        "es": "en su lengua", "en": "in its language",
        "how": "parte de las respuestas en la lengua pedida, de las reconocibles · *share of answers in the language "
        "asked for, of those that could be told*",
    },
    "evidence": {
        "es": "marcas de la variedad", "en": "variety markers",
        "how": "parte de las respuestas con alguna; no tenerla no es un error · *share with at least one; none is no "
        "mistake*",
    },
    "contradiction": {
        "es": "marcas contrarias", "en": "contrary markers",
        "how": "parte con una forma de otra variedad · *share with a form of another variety*",
    },
}  # fmt: skip


def write_report(report: dict[str, Any], samples: list[dict[str, str]]) -> str:
    """Return the Markdown text of a report and its first samples."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    template = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    text: str = template.render(
        report=report,
        samples=samples[:SHOWN],
        names=NAMES,
        percent=f"{100 * report['confidence']:g}",
        verdict=_verdict(report),
        table=_table,
        label=_label,
        wrap=_wrap,
    )
    return text.rstrip() + "\n"


def _verdict(report: dict[str, Any]) -> dict[str, str]:
    loss = report["overall"]["loss"]
    figures = f"{loss['base']['value']:.3f} → {loss['tuned']['value']:.3f}"
    es, en = ("predice mejor", "is better") if report["better"] else ("**no** predice mejor", "is **not** better")
    doubt = ("", "") if report["conclusive"] else (
        "; con tan pocos datos puede ser azar", "; with so few rows this may be chance"
    )  # fmt: skip
    return {
        "es": f"El modelo afinado {es} las filas de prueba ({figures} nats por token){doubt[0]}.",
        "en": f"On held-out rows the tuned model {en} ({figures} nats a token){doubt[1]}.",
    }


def _table(section: dict[str, Any]) -> str:
    lines = [
        "| medida · measure | filas · rows | base | afinado · tuned | diferencia · difference |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, words in NAMES.items():
        if measure := section.get(name):
            cells = [_number(measure[part], signed=part == "difference") for part in ("base", "tuned", "difference")]
            lines.append(f"| {_label(words)} | {measure['rows']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _label(words: dict[str, str]) -> str:
    return words["es"] if words["es"] == words["en"] else f"{words['es']} · {words['en']}"


def _number(part: dict[str, float | None], signed: bool) -> str:
    form = "+.3f" if signed else ".3f"
    text = format(part["value"], form)
    return text if part["low"] is None else f"{text} [{format(part['low'], form)}, {format(part['high'], form)}]"


def _wrap(label: str, text: str) -> str:
    """Return a labelled text for a code block: records are text, never markup."""
    plain = " ".join(text.split()).replace("```", "'''") or "(nada)"
    return textwrap.fill(plain, 96, initial_indent=f"{label:11}", subsequent_indent=" " * 11)
