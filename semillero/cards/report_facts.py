"""What the dataset card tells of the report: the varieties, bias and mitigations, as measured."""

from typing import Any

Facts = dict[str, Any]
FIGURES = ("drops", "markers", "overlap", "genders", "swaps")


def describe_report(report: dict[str, Any], files: list[str]) -> Facts:
    """Return what the card tells of ``report.json``.

    Args:
        report: ``report.json`` (see `semillero.reporting.stage`).
        files: names of the report's files; those of its figures are told.
    """
    return {
        "varieties": [_describe_variety(report, code) for code in report["varieties"]],
        "overlap": report["overlap"],
        "parallel": report["parallel"],
        "techniques": report["techniques"],
        "untried": report["untried"],
        "genders": report["genders"]["all"],
        "flags": {"false_positives": report["flags"]["false_positives"]["all"]},
        "swaps": {name: _describe_swaps(found) for name, found in report["swaps"].items()},
        "measures": list(report["measures"].values()),
        "mitigations": [_describe_step(step, report["measures"]) for step in report["mitigations"]],
        "sampled": report["rows"]["looked_at"] < report["rows"]["readable"],
        "looked_at": report["rows"]["looked_at"],
        "figures": [f"figures/{name}.png" for name in FIGURES if f"figures/{name}.png" in files],
    }


def _describe_variety(report: dict[str, Any], code: str) -> Facts:
    markers = report["markers"][code]
    genders = report["genders"]["varieties"].get(code)
    return {
        "code": code,
        "rejected": report["varieties"][code]["rejected"],
        "discarded": report["varieties"][code]["discarded"],
        "markers": markers and {text: {k: markers[text][k] for k in ("evidence", "contradiction")} for text in markers},
        "words": [word["word"] for word in report["words"].get(code, [])[:5]],
        "feminine": genders and genders["feminine"],
        "offensive": report["flags"]["varieties"].get(code),
    }


def _describe_swaps(found: dict[str, Any]) -> Facts:
    """Return the effects whose interval leaves out 0, by axis; the rest may be chance."""
    if not found["run"]:
        return {"run": False, "reason": found["reason"]}
    clear = [
        {"axis": axis["es"], "axis_en": axis["en"], "variant": axis["variants"][name], "measure": measure, **effect}
        for axis in found["axes"].values()
        for measure, effects in axis["measures"].items()
        for name, effect in effects.items()
        if effect["low"] is not None and (effect["low"] > 0 or effect["high"] < 0)
    ]
    asked = {key: found[key] for key in ("model", "sentences", "unanswered", "unit")}
    return {"run": True, **asked, "effects": clear}


def _describe_step(step: dict[str, Any], measures: dict[str, Any]) -> Facts:
    before, after = step["before"], step["after"]
    values = [{"before": _value(before[n]), "after": _value(after[n]), **_moved(step, n)} for n in measures]
    return {"reason": step["reason"], "removed": step["removed"], "values": values, "worse": bool(step["worse"])}


def _value(measure: Any) -> float | None:
    return measure["rate"] if isinstance(measure, dict) else measure


def _moved(step: dict[str, Any], name: str) -> dict[str, Any]:
    moved = "better" if name in step["better"] else "worse" if name in step["worse"] else ""
    return {"moved": moved, "is_clear": name in step["clear"]}
