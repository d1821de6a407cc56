"""`report_corpus`: every measure of the corpus, as numbers, figures and a page."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from semillero.curation import REASONS, variety_markers
from semillero.curation.pii import replace_in_rows
from semillero.digests import digest_json
from semillero.errors import AccountingError
from semillero.intervals import share_of
from semillero.project.models import CorpusSettings, ReportSettings
from semillero.reporting.figures import draw_report
from semillero.reporting.flags import measure_flags
from semillero.reporting.genders import measure_genders
from semillero.reporting.mitigation import measure_mitigations, measure_rows
from semillero.reporting.page import render_html, render_markdown
from semillero.reporting.parallel import measure_parallel
from semillero.reporting.rows import TEXTS, mark_rows, read_fates
from semillero.reporting.swapping import swap_artifacts
from semillero.reporting.vocabulary import count_words, measure_overlap, rank_words
from semillero.reporting.wording import MEASURES
from semillero.store import Artifact, Recipe, RunStore

VERSION = 1  # raised by hand when the stage's meaning changes
# Their prompts and replies are read by people for every variety; the others are tested on a scripted server.
TRIED = ("backtranslation", "self_instruct")
EXAMPLES = 2  # of kept rows a variety, and of rejected rows a reason


def report_corpus(
    store: RunStore, curated: Artifact, reviewed: Artifact, corpus: CorpusSettings, settings: ReportSettings
) -> Artifact:
    """Measure the corpus and write the report.

    Args:
        store: the run store.
        curated: ``accepted.parquet``, ``rejected.parquet``, ``curation.json``.
        reviewed: ``reviewed.parquet``.
        corpus: the varieties' names, and judge and generator for the swaps.
        settings: size of the sample, which swaps.

    Returns:
        Stage ``report``; counts answered, kept, looked_at. ``report.json`` has the keys

        - ``rows``: `answered`, `readable` (with both texts), `looked_at` (the sample), `kept`, `kept_looked_at`;
        - ``varieties``: by code `name`, `requested`, `answered`, `rejected` and `discarded` (shares with intervals),
          `kept`;
        - ``techniques``: kept rows by technique; ``untried``: those of them tested on a scripted server only;
        - ``markers``: by variety and text, shares of texts with `evidence` and `contradiction`, and `found` (kinds);
        - ``overlap``, ``words``: see `semillero.reporting.vocabulary`; ``parallel``: see `.parallel`;
        - ``genders``: see `.genders`; ``flags``: see `.flags`; ``swaps``: see `.swapping`;
        - ``mitigations``: see `.mitigation`; ``measures``: the names of its measures; ``kept``: the same measures of
          the finished corpus; ``replaced``: placeholders put in for personal data;
        - ``examples``: rows for the page.

        Shares are ``{"hits", "of", "rate", "low", "high"}`` with 95 % Wilson intervals.

    Raises:
        AccountingError: the tables do not hold the rows that curation counted.
        InputError, GenerationError, EvaluationError: the judge or generator that swaps are asked of fails.
    """
    swapped, not_run = swap_artifacts(store, corpus, settings.swaps)
    names = {v.code: v.name for v in corpus.varieties}
    recipe = Recipe(
        "report",
        VERSION,
        inputs={
            "curated": curated.content,
            "reviewed": reviewed.content,
            "swaps": [swapped[name].content for name in sorted(swapped)],
            "not_run": digest_json(not_run),
        },
        settings={"varieties": names, "sample": settings.sample},
    )
    if found := store.find(recipe):
        return found
    with store.draft(recipe) as draft:
        swaps: dict[str, Any] = {name: {"run": False, "reason": reason} for name, reason in not_run.items()}
        for name, artifact in swapped.items():
            text = (store.folder(artifact) / "swaps.json").read_text(encoding="utf-8")
            swaps[name] = {"run": True, **json.loads(text)}
        report = measure_corpus(store.folder(curated), store.folder(reviewed), names, settings.sample)
        report["swaps"] = swaps
        _write(draft.path, report)
        draft.counts.update({name: report["rows"][name] for name in ("answered", "kept", "looked_at")})
    return draft.artifact


def measure_corpus(curated: Path, reviewed: Path, names: dict[str, str], limit: int) -> dict[str, Any]:
    """Return ``report.json`` without its swaps; see `report_corpus`."""
    curation = json.loads((curated / "curation.json").read_text(encoding="utf-8"))
    decisions = count_decisions(reviewed)
    rows, readable = read_fates(curated, reviewed, limit)
    _check_rows(rows, readable, curation, limit)
    rows = mark_rows(rows)
    kept = rows.filter(pl.col("decision") == "kept")
    removed = dict(curation["reasons"])
    for (_, reason), count in decisions["reasons"].items():
        removed[reason] = removed.get(reason, 0) + count
    order = [*REASONS, *sorted(set(removed) - set(REASONS))]
    techniques = dict(kept.group_by("technique").len().sort("technique").iter_rows())
    bags = count_words(kept)
    return {
        "rows": {
            "answered": curation["counts"]["answered"], "readable": readable, "looked_at": rows.height,
            "kept": sum(decisions["kept"].values()), "kept_looked_at": kept.height,
        },
        "varieties": _describe_varieties(names, curation, decisions),
        "techniques": techniques,
        "untried": sorted(set(techniques) - set(TRIED)),
        "markers": {code: _describe_markers(kept, code) for code in names},
        "overlap": measure_overlap(bags),
        "words": rank_words(bags),
        "parallel": measure_parallel(kept),
        "genders": measure_genders(kept),
        "flags": measure_flags(kept),
        "measures": MEASURES,
        "mitigations": measure_mitigations(rows, order, removed, list(names)),
        "kept": measure_rows(kept, list(names)),
        "replaced": curation.get("placeholders", {}),
        "examples": _pick_examples(rows, order),
    }  # fmt: skip


def count_decisions(reviewed: Path) -> dict[str, Any]:
    """Return how many rows review kept and discarded, by variety, and discarded by variety and reason."""
    rows = pl.scan_parquet(reviewed / "reviewed.parquet").select("variety", "decision", "reason")
    counts = rows.group_by("variety", "decision", "reason").len().sort("variety", "decision", "reason").collect()
    found: dict[str, Any] = {"kept": {}, "discarded": {}, "reasons": {}}
    for variety, decision, reason, count in counts.iter_rows():
        if decision in ("kept", "discarded"):
            found[decision][variety] = found[decision].get(variety, 0) + count
        if decision == "discarded":
            key = (variety, reason or "discarded")
            found["reasons"][key] = found["reasons"].get(key, 0) + count
    return found


def _describe_varieties(names: dict[str, str], curation: Any, decisions: Any) -> dict[str, Any]:
    described = {}
    for code, name in names.items():
        counts = curation["varieties"].get(code, {})
        kept, discarded = decisions["kept"].get(code, 0), decisions["discarded"].get(code, 0)
        described[code] = {
            "name": name,
            "requested": counts.get("requested", 0),
            "answered": counts.get("answered", 0),
            "rejected": share_of(counts.get("rejected", 0), counts.get("answered", 0)),
            "discarded": share_of(discarded, counts.get("accepted", 0)),
            "kept": kept,
        }
    return described


def _describe_markers(kept: pl.DataFrame, variety: str) -> dict[str, Any] | None:
    part = kept.filter(pl.col("variety") == variety)
    described = {}
    # Apart: with back-translation the answers are the passages' own, and only the instructions are the model's.
    for column in TEXTS:
        rates = variety_markers(part[column].unique().sort().to_list(), variety)
        if rates is None:
            return None
        shares = {
            name: share_of(round(rate * rates.texts), rates.texts)
            for name, rate in (("evidence", rates.evidence), ("contradiction", rates.contradiction))
        }
        described[column] = {"texts": rates.texts, **shares, "found": rates.found}
    return described


def _pick_examples(rows: pl.DataFrame, order: list[str]) -> dict[str, Any]:
    """Return rows to look at, those with the smallest ids; personal data is replaced in rejected ones as well."""
    shown = rows.sort("id").select("variety", "reason", "decision", *TEXTS)
    kept = shown.filter(pl.col("decision") == "kept").group_by("variety", maintain_order=True).head(EXAMPLES)
    gone = shown.filter(pl.col("reason").is_not_null()).group_by("reason", maintain_order=True).head(EXAMPLES)
    gone, _ = replace_in_rows(gone.with_row_index("row"), TEXTS)
    place = {reason: number for number, reason in enumerate(order)}
    return {
        "kept": kept.select("variety", *TEXTS).sort("variety", maintain_order=True).to_dicts(),
        "rejected": sorted(
            gone.select("reason", "variety", *TEXTS).to_dicts(), key=lambda row: place.get(row["reason"], len(place))
        ),
    }


def _check_rows(rows: pl.DataFrame, readable: int, curation: Any, limit: int) -> None:
    unreadable = curation["reasons"].get("unparseable", 0)
    expected = curation["counts"]["answered"] - unreadable
    if readable != expected or rows.height != min(readable, limit):
        raise AccountingError(
            f"{readable} rows have both texts; curation counted {expected}",
            "accepted + rejected, less those that could not be read",
            "report this as a bug",
        )


def _write(folder: Path, report: dict[str, Any]) -> None:
    text = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    figures = draw_report(report, folder / "figures")
    (folder / "report.html").write_text(render_html(report, figures), encoding="utf-8")
    (folder / "report.md").write_text(render_markdown(report, figures), encoding="utf-8")
