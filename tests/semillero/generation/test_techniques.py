"""Every technique on the scripted server: what its rows hold, what it sends, what a failure in mid-item leaves."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from semillero.errors import GenerationError
from semillero.generation import generate_shards, plan_shards
from semillero.generation.ledger import parse_entries
from semillero.generation.prompts import FOLDER, read_grammar, render_prompt, say_in
from semillero.generation.techniques import TECHNIQUES
from semillero.project import CorpusSettings
from semillero.project.models import Techniques
from semillero.project.sources import Passage, Sources
from semillero.records import GENERATED, read_records
from semillero.store import RunStore
from tests.scripted_llm import scripted_llm
from tests.semillero.generation.conftest import make_corpus, make_sources

Corpus = Callable[..., CorpusSettings]
ROOT = Path(__file__).parents[3]
REQUESTS = {"evolved": 2, "critique": 3, "candidates": 4}  # a row; others one, conversations their turns
LANGUAGES = sorted(path.stem for path in (FOLDER / "languages").glob("*.j2"))


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semillero.generation.retries.FIRST_WAIT", 0.02)


def generate(
    folder: Path, techniques: dict[str, float], url: str, rows: int = 6, **generator: object
) -> tuple[pl.DataFrame, dict[str, int], list[str]]:
    """Return the rows, the summed counts, and the names of the answered requests."""
    corpus = make_corpus(rows, 4, techniques=techniques, generator={"base_url": url, **generator})
    store = RunStore(str(folder))
    made = generate_shards(store, plan_shards(corpus, make_sources()), corpus)
    frame = pl.concat([read_records(store.folder(a) / "records.parquet", GENERATED) for a in made])
    entries = [e for a in made for e in parse_entries(store.folder(a) / "ledger.jsonl")[0]]
    counts = {name: sum(a.counts[name] for a in made) for name in made[0].counts}
    return frame, counts, [entry.item for entry in entries if entry.status == "answered"]


def test_a_technique_is_known_everywhere_by_the_same_name() -> None:
    assert list(TECHNIQUES) == list(Techniques.model_fields)
    described = yaml.safe_load((ROOT / "semillero" / "cards" / "techniques.yaml").read_text(encoding="utf-8"))
    assert set(described) == set(TECHNIQUES)
    told = (ROOT / "docs" / "techniques.md").read_text(encoding="utf-8")
    assert [name for name in TECHNIQUES if f"`{name}`" not in told] == []


@pytest.mark.parametrize("constrain", ["none", "json_schema"])
@pytest.mark.parametrize("name", list(TECHNIQUES))
def test_each_technique_makes_whole_rows(tmp_path: Path, name: str, constrain: str) -> None:
    with scripted_llm() as server:
        rows, counts, answered = generate(
            tmp_path, {"backtranslation": 0.0, name: 1.0}, server.base_url, constrain=constrain
        )
        assert server.requests == len(set(answered)) == len(answered)
    assert counts == {"requested": 12, "answered": 12, "failed": 0, "repaired": 0}
    assert rows["technique"].unique().to_list() == [name]
    assert rows.select("instruction", "answer", "origin", "prompt", "model").null_count().row(0) == (0,) * 5
    for row in rows.iter_rows(named=True):
        turns = 1 + len(row["history"] or ()) // 2
        sent = REQUESTS.get(name, turns)
        asked = [request for request in answered if request.partition("#")[0] == row["item"]]
        assert len(asked) == sent
        assert row["prompt"].count("[") >= (sent if sent > 1 else 0)  # each prompt under its step's name
        assert (sent == 1) == (asked == [row["item"]])


def test_the_plan_tells_how_many_requests_it_sends(tmp_path: Path) -> None:
    techniques = dict.fromkeys(TECHNIQUES, 1.0)
    plans = plan_shards(make_corpus(18, techniques=techniques), make_sources())
    with scripted_llm() as server:
        _, _, answered = generate(tmp_path, techniques, server.base_url, rows=18)
        assert server.requests == sum(plan.requests for plan in plans) == len(answered)


def test_evolved_questions_differ_from_their_seed_in_four_ways(tmp_path: Path, sources: Sources) -> None:
    plans = plan_shards(make_corpus(36, 40, techniques={"backtranslation": 0.0, "evolved": 1.0}), sources)
    seeds = {seed.instruction for seed in sources.seeds}
    for plan in plans:
        ways = {(item.given, item.detail) for item in plan.items}
        assert len(ways) == 36  # nine seeds, each in every way, before any comes again
        assert {given for given, _ in ways} <= seeds
    with scripted_llm() as server:
        rows, _, _ = generate(tmp_path, {"backtranslation": 0.0, "evolved": 1.0}, server.base_url)
    assert not set(rows["instruction"]) & seeds


def test_grounded_rows_keep_their_passage_and_its_citation(tmp_path: Path, sources: Sources) -> None:
    plans = plan_shards(make_corpus(5, techniques={"backtranslation": 0.5, "grounded": 0.5}), sources)
    groups = {(plan.technique, item.group) for plan in plans for item in plan.items}
    assert {group for _, group in groups} <= {passage.id for passage in sources.passages}
    with scripted_llm() as server:
        rows, _, _ = generate(tmp_path, {"backtranslation": 0.0, "grounded": 1.0}, server.base_url)
    texts = {f"pasaje:{passage.id}": passage.text for passage in sources.passages}
    assert [texts[origin] for origin in rows["origin"]] == rows["source"].to_list()
    assert not set(rows["answer"]) & set(rows["source"])
    cited = Passage(id="p", variety="ca", topic="rios", text="x", origin="https://example.org/ebre")
    assert cited.citation == "https://example.org/ebre"


def test_parallel_rows_share_their_question_and_their_group(tmp_path: Path) -> None:
    with scripted_llm() as server:
        rows, _, _ = generate(tmp_path, {"backtranslation": 0.0, "parallel": 1.0}, server.base_url, rows=4)
    by_question = rows.group_by("parallel").agg("variety", pl.col("group").n_unique())
    assert by_question.height == 4
    assert all(sorted(codes) == ["ca", "es-MX"] for codes in by_question["variety"])
    assert set(by_question["group"]) == {1}
    assert rows["group"].n_unique() == 4


def test_personas_are_crossed_with_varieties(sources: Sources) -> None:
    plans = plan_shards(make_corpus(9, techniques={"backtranslation": 0.0, "persona": 1.0}), sources)
    met = {(plan.variety, item.detail, item.topic) for plan in plans for item in plan.items}
    assert len(met) == 18  # each of three personas asks about each of three topics, in both varieties
    for plan in plans:
        for item, row in zip(plan.items, plan.rows(), strict=True):
            step = TECHNIQUES["persona"].steps[0]
            prompt = render_prompt(step, plan.language, plan.variety_name, {**row, "found": {}}, "lines")
            assert f"{item.detail} ({plan.country})" in prompt


def test_conversations_have_two_or_three_turns(tmp_path: Path) -> None:
    with scripted_llm() as server:
        rows, _, _ = generate(tmp_path, {"backtranslation": 0.0, "conversation": 1.0}, server.base_url)
    assert sorted(set(rows["history"].list.len())) == [2, 4]
    assert set(rows["task"]) == {"dialogo"}
    for row in rows.iter_rows(named=True):
        roles = [turn["role"] for turn in row["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        last = row["prompt"].rsplit("[", 1)[-1]
        assert all(turn["content"] in last for turn in row["history"])  # a follow-up sees all that was said


def test_candidates_are_ranked_by_the_model_and_say_so(tmp_path: Path) -> None:
    with scripted_llm() as server:
        rows, _, _ = generate(tmp_path, {"backtranslation": 0.0, "candidates": 1.0}, server.base_url)
    paired = rows.filter(pl.col("alternative").is_not_null())
    assert paired.height > 6
    assert set(paired["ranked_by"]) == {"model:scripted"}
    assert (paired["answer"] != paired["alternative"]).all()
    assert rows.filter(pl.col("alternative").is_null())["ranked_by"].null_count() == rows.height - paired.height
    row = paired.row(0, named=True)
    shown = dict(line.split(": ", 1) for line in row["prompt"].rsplit("[rank]", 1)[1].splitlines() if ": " in line)
    label = next(name for name in shown if name.endswith(" 1")).removesuffix(" 1")
    best, *_, worst = (shown[f"{label} {place.strip()}"] for place in row["reply"].split(","))
    assert (row["answer"], row["alternative"]) == (best, worst)


@pytest.mark.parametrize("name", ["evolved", "conversation", "critique", "candidates"])
def test_a_failure_in_mid_item_fails_the_item_and_keeps_what_was_answered(tmp_path: Path, name: str) -> None:
    only = {"backtranslation": 0.0, name: 1.0}
    with scripted_llm() as server:
        calm, _, everything = generate(tmp_path / "calm", only, server.base_url)
    with scripted_llm(faults={"http-500": 0.3}, faulty_attempts=None) as server:
        rows, counts, answered = generate(
            tmp_path / "kept", only, server.base_url, attempts=1, max_failed=1.0
        )  # fmt: skip
        assert server.answered == len(answered) < len(everything)
    failed = rows.filter(status="failed")
    assert counts["failed"] == failed.height > 0
    assert failed["instruction"].null_count() == failed["reply"].null_count() == failed.height
    half = [request for request in answered if request.partition("#")[0] in set(failed["item"])]
    assert half  # a first request was answered although its item failed
    with scripted_llm(faults={"http-500": 0.3}, faulty_attempts=None) as server:
        with pytest.raises(GenerationError, match="http-500"):
            generate(tmp_path / "resumed", only, server.base_url, attempts=1)
        before = server.answered
    with scripted_llm() as server:
        again, _, _ = generate(tmp_path / "resumed", only, server.base_url, attempts=1)
        assert server.requests == len(everything) - before  # nothing answered is asked again
    assert again.equals(calm)


def test_an_unusable_first_reply_sends_no_second_request(tmp_path: Path) -> None:
    with scripted_llm(faults={"nonsense": 0.15}, faulty_attempts=None) as server:
        rows, counts, answered = generate(
            tmp_path, {"backtranslation": 0.0, "critique": 1.0}, server.base_url, rows=12
        )  # fmt: skip
        assert server.requests == len(answered)
    unusable = rows.filter(pl.col("instruction").is_null())
    assert counts["answered"] == 24 > unusable.height > 0
    assert set(unusable["reply"]) == {"……… ///"}
    drafts = [r for r in answered if r.endswith("#draft")]
    critiques = {r.partition("#")[0] for r in answered if r.endswith("#critique")}
    assert len(drafts) == 24 > len(critiques)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_words_every_step(language: str) -> None:
    own, spanish = say_in(language, "x"), say_in("es", "x")
    names = {name for name in dir(spanish) if not name.startswith("_") and name not in ("tongue",)}
    assert names - set(dir(own)) == set()
    assert set(own.label) == set(spanish.label)
    assert set(own.sample) == set(spanish.sample)
    assert set(own.sample["evolved"]) == set(own.ways) == set(spanish.ways)
    sentences = {}
    for technique in TECHNIQUES.values():
        for step in technique.steps:
            grammar = read_grammar(step, language)
            assert grammar.startswith(("root ::=", "#"))
            macro = getattr(own, step.file)
            sentences[step.file] = macro("deepen") if step.file == "evolve" else macro()
    assert len(set(sentences.values())) == len(sentences)
    assert all("{" not in sentence and len(sentence) > 60 for sentence in sentences.values())


def test_a_language_without_its_own_wording_is_named() -> None:
    for technique in TECHNIQUES.values():
        for step in technique.steps:
            macro = getattr(say_in("gn", "guaraní"), step.file)
            sentence = macro("deepen") if step.file == "evolve" else macro()
            assert "guaraní" in sentence
            assert sentence.endswith("Escribe en guaraní.") == (step.file != "rank")
