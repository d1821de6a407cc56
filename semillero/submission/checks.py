"""The checks that a rubric can name: each reads the evidence and says how far it is met, why, and what would help.

A check measures what files can show. It never judges taste, truth or originality.
"""

from collections.abc import Callable
from dataclasses import dataclass

from semillero.cards import find_residue, missing_sections
from semillero.submission.evidence import Evidence

VARIETIES_WANTED = 4  # from here on more varieties gain nothing in this estimate
COLUMNS_WANTED = ("pregunta", "respuesta", "idioma", "registro", "periodo", "dominio", "tarea", "pais_origen",
                  "pais_referencia", "origen", "prompt", "modelo")  # fmt: skip
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Finding:
    """What a check found: share met (0 to 1), the evidence, and what to do where the share is below 1."""

    share: float
    evidence: str
    remedy: str = ""


def several_varieties(evidence: Evidence) -> Finding:
    """Four or more varieties have rows."""
    found = [code for code, rows in evidence.statistics.get("rows_by_variety", {}).items() if sum(rows.values())]
    return Finding(
        min(1.0, len(found) / VARIETIES_WANTED),
        f"{len(found)} varieties with rows" + (f": {', '.join(found)}" if found else ""),
        f"add varieties to corpus.varieties, up to {VARIETIES_WANTED} or more, each with seeds or passages of its own",
    )


def balanced_varieties(evidence: Evidence) -> Finding:
    """The smallest variety has its even share of the rows."""
    rows = [sum(splits.values()) for splits in evidence.statistics.get("rows_by_variety", {}).values()]
    if not rows:
        return Finding(0.0, "no corpus yet", "run the pipeline up to the dataset")
    share = min(rows) * len(rows) / sum(rows)
    return Finding(
        share,
        f"the smallest variety has {min(rows)} rows, {share:.0%} of an even share",
        "raise corpus.varieties[].requests of the smaller ones, or give them more passages",
    )


def corpus_columns(evidence: Evidence) -> Finding:
    """The card explains every column of SomosNLP's corpus structure."""
    card = evidence.card("dataset")
    found = [name for name in COLUMNS_WANTED if f"| `{name}` |" in card]
    return Finding(len(found) / len(COLUMNS_WANTED), f"{len(found)} of {len(COLUMNS_WANTED)} columns explained", _RUN)


def splits_present(evidence: Evidence) -> Finding:
    """Train, validation and test are published."""
    found = [name for name in SPLITS if evidence.has("dataset", f"data/{name}.parquet")]
    return Finding(len(found) / len(SPLITS), f"published splits: {', '.join(found) or 'none'}", _RUN)


def techniques_documented(evidence: Evidence) -> Finding:
    """The card names every technique that is used, and the generator."""
    card = evidence.card("dataset")
    corpus = evidence.project.corpus
    used = [name for name, share in corpus.techniques.model_dump().items() if share]
    named = [name for name in (*used, corpus.generator.model) if f"`{name}`" in card]
    return Finding(len(named) / (len(used) + 1), f"named on the card: {', '.join(named) or 'nothing'}", _RUN)


def filters_documented(evidence: Evidence) -> Finding:
    """The card tells the curation funnel."""
    has = bool(evidence.curation) and _has_section(evidence, "Curation funnel")
    return Finding(float(has), f"curation funnel {'on' if has else 'not on'} the card", _RUN)


def project_published(evidence: Evidence) -> Finding:
    """The settings of every step are published."""
    has = evidence.has("dataset", "reproduction/project.yaml")
    return Finding(float(has), f"settings {'' if has else 'not '}published (reproduction/project.yaml)", _RUN)


def digests_published(evidence: Evidence) -> Finding:
    """The digest of every step is published."""
    has = evidence.has("dataset", "reproduction/manifest.json")
    return Finding(float(has), f"digests {'' if has else 'not '}published (reproduction/manifest.json)", _RUN)


def dataset_sections(evidence: Evidence) -> Finding:
    """The dataset card has all sections, none empty, and no template text."""
    return _complete(evidence, "dataset", "README.md")


def dataset_spanish(evidence: Evidence) -> Finding:
    """The dataset card exists in Spanish, as complete as the English one."""
    return _complete(evidence, "dataset", "README_ES.md")


def columns_distributed(evidence: Evidence) -> Finding:
    """Every categorical column has its percentages on the card."""
    columns = list(evidence.statistics.get("distributions", {}).get("all", {}))
    card = evidence.card("dataset")
    shown = [name for name in columns if f"**`{name}`**" in card]
    share = len(shown) / len(columns) if columns else 0.0
    return Finding(share, f"{len(shown)} of {len(columns)} categorical columns with percentages", _RUN)


def licence_justified(evidence: Evidence) -> Finding:
    """The corpus has a licence, with a reason where it is not apache-2.0."""
    about, told = evidence.project.project, evidence.front_matter("dataset").get("license")
    good = bool(told) and (told == "apache-2.0" or bool(about.license_reason))
    return Finding(float(good), f"licence on the card: {told or 'none'}", _RUN)


def rows_judged(evidence: Evidence) -> Finding:
    """A judge scored the rows."""
    text = "rows have an automatic judge's score" if evidence.judged else "no judge scored the rows"
    return Finding(float(evidence.judged), text, "choose corpus.judge.kind: likelihood or rubric")


def human_reviewed(evidence: Evidence) -> Finding:
    """People reviewed the rows."""
    good = bool(evidence.agreement.get("human_reviewed"))
    text = "people reviewed the rows" if good else "not human-reviewed"
    return Finding(float(good), text, "have speakers of each variety review the rows (the review section)")


def personal_data_handled(evidence: Evidence) -> Finding:
    """Personal data was looked for and replaced."""
    good = "placeholders" in evidence.curation
    return Finding(float(good), f"personal data {'was' if good else 'was not'} looked for in curation", _RUN)


def adapter_trained(evidence: Evidence) -> Finding:
    """There is an adapter, published as safetensors."""
    has = evidence.has("model", "adapter_model.safetensors")
    share = 1.0 if has else 0.5 * evidence.trained
    text = "published" if has else "trained, not published" if evidence.trained else "none"
    return Finding(share, f"adapter: {text}", "set training.enabled: true and run the pipeline")


def training_documented(evidence: Evidence) -> Finding:
    """The model card tells procedure and hyperparameters."""
    has = _has_section(evidence, "Hyperparameters", "model")
    return Finding(float(has), f"hyperparameters {'on' if has else 'not on'} the model card", _TRAIN)


def training_settings_published(evidence: Evidence) -> Finding:
    """There is a model, and the settings it was trained with are published."""
    has = evidence.has("model", "training.json") and evidence.has("dataset", "reproduction/project.yaml")
    return Finding(float(has), f"training settings {'' if has else 'not '}published", _TRAIN)


def loading_documented(evidence: Evidence) -> Finding:
    """The model card has code that loads the model."""
    has = "PeftModel.from_pretrained" in evidence.card("model")
    return Finding(float(has), f"loading code {'on' if has else 'not on'} the model card", _TRAIN)


def model_sections(evidence: Evidence) -> Finding:
    """The model card has all sections, none empty, and no template text."""
    return _complete(evidence, "model", "README.md")


def model_spanish(evidence: Evidence) -> Finding:
    """The model card exists in Spanish, as complete as the English one."""
    return _complete(evidence, "model", "README_ES.md")


def dataset_linked(evidence: Evidence) -> Finding:
    """The model card names its dataset."""
    good = evidence.project.repository in (evidence.front_matter("model").get("datasets") or [])
    return Finding(float(good), f"the model card {'names' if good else 'does not name'} its dataset", _TRAIN)


def base_licence_declared(evidence: Evidence) -> Finding:
    """The model card declares the base model's licence."""
    told = evidence.front_matter("model").get("license")
    good = bool(told) and told != "unknown"
    return Finding(float(good), f"licence on the model card: {told or 'none'}", "declare training.base_license")


def evaluated(evidence: Evidence) -> Finding:
    """Base and tuned were compared on the held-out split."""
    good = bool(evidence.evaluation and evidence.evaluation["overall"])
    return Finding(float(good), "base against tuned was measured" if good else "no evaluation", _TRAIN)


def evaluated_by_variety(evidence: Evidence) -> Finding:
    """The comparison is told for every variety."""
    wanted = [code for code, rows in evidence.statistics.get("rows_by_variety", {}).items() if rows.get("test")]
    found = {v["code"] for v in evidence.evaluation["varieties"]} if evidence.evaluation else set()
    share = len(found & set(wanted)) / len(wanted) if wanted else 0.0
    return Finding(share, f"{len(found & set(wanted))} of {len(wanted)} varieties with results of their own", _TRAIN)


def tuned_beats_base(evidence: Evidence) -> Finding:
    """The tuned model's held-out loss is lower; fully met when the interval says so too."""
    rows = evidence.evaluation["overall"] if evidence.evaluation else []
    loss = next((row for row in rows if row["name"] == "loss"), None)
    remedy = "train longer or on more rows, and look at the loss curve"
    if loss is None:
        return Finding(0.0, "held-out loss not compared", remedy)
    sure = loss["high"] is not None and loss["high"] < 0
    share = 1.0 if sure else 0.5 if loss["difference"] < 0 else 0.0
    return Finding(share, f"held-out loss, tuned − base: {loss['difference']:+.3f}", remedy)


def space_published(evidence: Evidence) -> Finding:
    """The Space is published."""
    good = evidence.has("space", "app.py")
    return Finding(float(good), f"Space {'' if good else 'not '}published", "train a model and run the pipeline")


def space_links(evidence: Evidence) -> Finding:
    """The Space links its dataset and its model."""
    front, name = evidence.front_matter("space"), evidence.project.repository
    linked = [kind for kind in ("datasets", "models") if name in (front.get(kind) or [])]
    return Finding(len(linked) / 2, f"the Space links: {', '.join(linked) or 'nothing'}", "run the pipeline to the end")


def motivation_written(evidence: Evidence) -> Finding:
    """There is a motivation of some length."""
    words = len(evidence.project.project.motivation.split())
    return Finding(min(1.0, words / 30), f"{words} words of motivation", "write 30 words or more: project.motivation")


def impact_written(evidence: Evidence) -> Finding:
    """The expected social impact is told."""
    words = len(evidence.project.project.impact.split())
    return Finding(min(1.0, words / 10), f"{words} words on impact", "write 10 words or more: project.impact")


def sdgs_named(evidence: Evidence) -> Finding:
    """The project names its Sustainable Development Goals."""
    numbers = evidence.project.project.sdgs
    return Finding(float(bool(numbers)), f"SDGs {', '.join(map(str, numbers))}", "name them: project.sdgs")


def video_linked(evidence: Evidence) -> Finding:
    """A presentation video is linked."""
    good = bool(evidence.project.project.video)
    return Finding(float(good), "video linked" if good else "no video", "record one (at most 5:00): project.video")


_RUN = "run `semillero run` to the end; it writes and publishes this"
_TRAIN = "set training.enabled: true and run `semillero run` to the end"

Check = Callable[[Evidence], Finding]
# The names a rubric may use.
CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        several_varieties, balanced_varieties, corpus_columns, splits_present, techniques_documented,
        filters_documented, project_published, digests_published, dataset_sections, dataset_spanish,
        columns_distributed, licence_justified, rows_judged, human_reviewed, personal_data_handled, adapter_trained,
        training_documented, training_settings_published,
        loading_documented, model_sections, model_spanish, dataset_linked, base_licence_declared,
        evaluated, evaluated_by_variety, tuned_beats_base, space_published, space_links, motivation_written,
        impact_written, sdgs_named, video_linked,
    )
}  # fmt: skip


def _complete(evidence: Evidence, kind: str, name: str) -> Finding:
    card = evidence.card(kind, name)
    if not card:
        return Finding(0.0, f"no {kind} card {name}", _RUN if kind == "dataset" else _TRAIN)
    faults = [*missing_sections(card, kind), *find_residue(card)]
    text = f"{name}: " + ("complete" if not faults else f"lacks {', '.join(faults)}")
    return Finding(max(0.0, 1.0 - len(faults) / 10), text, "write what is missing in the project file and run again")


def _has_section(evidence: Evidence, heading: str, kind: str = "dataset") -> bool:
    card = evidence.card(kind)
    return bool(card) and f"# {heading}\n" in card and heading not in missing_sections(card, kind)
