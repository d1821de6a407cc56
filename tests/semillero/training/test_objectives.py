"""Objectives: what a step minimises is the textbook's formula, however the step is cut."""

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from semillero.errors import TrainingError
from semillero.models.chat import load_tokenizer, render_example
from semillero.models.documents import attend_within_documents
from semillero.models.loading import load_base_model
from semillero.records import MESSAGES
from semillero.training.objectives import AnswerLikelihood, Objective, Preference, batch_of, count_won
from semillero.training.pairs import Pairs, encode_pairs, split_pairs
from tests.tiny_model import tiny_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def model(base: Path) -> Any:
    from peft import LoraConfig, get_peft_model

    plain = load_base_model(base, quantize=False, device="cpu")
    attend_within_documents(plain)
    torch.manual_seed(4)
    config = LoraConfig(r=4, target_modules=["q_proj", "up_proj"], init_lora_weights=False, lora_dropout=0.0)
    return get_peft_model(plain, config).train()


@pytest.fixture
def pairs() -> Pairs:
    draw = random.Random(3)

    def sequence(prompt: list[int], length: int) -> Any:
        answer = [draw.randrange(6, 300) for _ in range(length)]
        return prompt + answer, [-100] * len(prompt) + answer

    prompts = [[draw.randrange(6, 300) for _ in range(n)] for n in (5, 12, 3, 8)]
    return Pairs([(sequence(p, 9 + len(p)), sequence(p, 14)) for p in prompts], 0)


def log_probability(model: Any, ids: list[int], labels: list[int]) -> torch.Tensor:
    """The plain way: all logits, and a sum over the answer's tokens."""
    logits = model(input_ids=torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    wanted = torch.tensor(labels[1:])
    return logits.gather(1, wanted.clamp(min=0).unsqueeze(1)).squeeze(1)[wanted >= 0].sum()


def by_hand(model: Any, pairs: Pairs, beta: float) -> torch.Tensor:
    """The formula of the DPO paper, a pair at a time."""
    total = torch.zeros(())
    for better, worse in pairs.examples:
        ours = log_probability(model, *better) - log_probability(model, *worse)
        with torch.no_grad(), model.disable_adapter():
            theirs = log_probability(model, *better) - log_probability(model, *worse)
        total = total - torch.log(torch.sigmoid(beta * (ours - theirs)))
    return total


def gradients(model: Any) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("packed", [True, False])
def test_preference_loss_and_gradients_are_the_papers(model: Any, pairs: Pairs, packed: bool) -> None:
    expected = by_hand(model, pairs, 0.3)
    expected.backward()
    wanted = gradients(model)
    found = Preference(beta=0.3).loss(model, batch_of(pairs, range(4), 0, "cpu", packed))
    found.backward()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-3, atol=1e-6)


def test_an_untrained_adapter_is_the_reference(base: Path, pairs: Pairs) -> None:
    from peft import LoraConfig, get_peft_model

    plain = load_base_model(base, quantize=False, device="cpu")
    fresh = get_peft_model(plain, LoraConfig(r=4, target_modules=["q_proj"]))  # B = 0
    total, units = Preference().measure(fresh, batch_of(pairs, range(4), 0, "cpu", packed=False))
    assert units == 4
    assert total / units == pytest.approx(0.693147, abs=1e-5)


@pytest.mark.parametrize("objective", [AnswerLikelihood(), Preference(0.5), Preference(0.5, rpo_alpha=0.2)])
@pytest.mark.parametrize("packed", [True, False])
def test_how_a_step_is_cut_changes_nothing(model: Any, pairs: Pairs, objective: Objective, packed: bool) -> None:
    found = []
    for cut in ([[0, 1, 2, 3]], [[3], [0, 2], [1]]):
        units = objective.count(pairs, [row for rows in cut for row in rows])
        total = 0.0
        for rows in cut:
            part = objective.loss(model, batch_of(pairs, rows, 0, "cpu", packed)) / units
            part.backward()
            total += part.item()
        found.append((total, gradients(model)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for name, gradient in found[0][1].items():
        torch.testing.assert_close(gradient, found[1][1][name], rtol=1e-3, atol=1e-6)


def test_training_prefers_the_better_answer(model: Any, pairs: Pairs) -> None:
    objective = Preference(beta=0.5)
    batch = batch_of(pairs, range(4), 0, "cpu", packed=True)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    before, _ = objective.measure(model, batch)
    for _ in range(12):
        optimizer.zero_grad()
        objective.loss(model, batch).backward()
        optimizer.step()
    assert objective.measure(model, batch)[0] < before / 2
    assert count_won(objective, model, [batch]) == (4, 4)


def write(path: Path, rows: list[tuple[str, str, str]], history: list[dict[str, str]] | None = None) -> Path:
    schema = {"prompt": pl.String, "chosen": pl.String, "rejected": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    frame.with_columns(pl.Series("history", [history] * frame.height, dtype=MESSAGES)).write_parquet(path)
    return path


def test_a_pairs_earlier_turns_come_before_its_prompt(tmp_path: Path, base: Path) -> None:
    tokenizer, pair = load_tokenizer(base), ("¿Y el mate?", "Una infusión.", "Té.")
    before = [{"role": "user", "content": "¿Qué es el maíz?"}, {"role": "assistant", "content": "Un grano."}]
    alone = encode_pairs(write(tmp_path / "alone.parquet", [pair]), tokenizer, 128)
    after = encode_pairs(write(tmp_path / "after.parquet", [pair], before), tokenizer, 128)
    for better, turn in zip(after.examples[0], pair[1:], strict=True):
        ids, labels = render_example(
            tokenizer, [*before, {"role": "user", "content": pair[0]}, {"role": "assistant", "content": turn}]
        )
        assert better == (ids, labels)
    assert after.supervised == alone.supervised  # an earlier answer is read, not learned
    assert after.lengths[0] > alone.lengths[0]


def test_pairs_share_their_prompt_and_learn_their_answers(tmp_path: Path, base: Path) -> None:
    rows = [("¿Qué es el maíz?", "Un grano.", "No sé."), ("¿Y el mate?", "Una infusión " * 60, "Té.")]
    found = encode_pairs(write(tmp_path / "pairs.parquet", rows), load_tokenizer(base), 64)
    assert (len(found.examples), found.too_long) == (1, 1)
    (better, labels), (worse, _) = found.sequences([0])
    prompt = sum(label == -100 for label in labels)
    assert better[:prompt] == worse[:prompt]
    assert better != worse
    assert found.lengths == [len(better) + len(worse)]
    assert found.supervised == [len(better) + len(worse) - 2 * prompt]
    assert found.only([0]).examples == found.examples


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([], "has no pairs"),
        ([("¿Qué?", "Sí.", "Sí.")], "1 pairs whose answers are the same"),
        ([("¿Qué?", "Sí. " * 80, "No.")], "more than 64 tokens"),
    ],
)
def test_pairs_that_teach_nothing_are_refused(
    tmp_path: Path, base: Path, rows: list[tuple[str, str, str]], match: str
) -> None:
    with pytest.raises(TrainingError, match=match):
        encode_pairs(write(tmp_path / "pairs.parquet", rows), load_tokenizer(base), 64)


def test_pairs_of_one_prompt_stay_together_and_more_pairs_move_none(tmp_path: Path, base: Path) -> None:
    tokenizer = load_tokenizer(base)

    def split(prompts: int) -> tuple[set[str], set[str]]:
        rows = [(f"¿Qué es {n}?", f"Es {n}.", worse) for n in range(prompts) for worse in ("No sé.", "Nada.")]
        parts = split_pairs(encode_pairs(write(tmp_path / "pairs.parquet", rows), tokenizer, 64))
        train, validation = ({str(better[0]) for better, _ in part.examples} for part in parts)
        assert [2 * len(train), 2 * len(validation)] == [len(part.examples) for part in parts]
        assert not train & validation
        return train, validation

    train, validation = split(30)
    assert len(validation) == 3
    more_train, more_validation = split(40)
    assert len(more_validation) == 4
    assert len(validation & more_train) <= 3  # the lowest digests validate; new prompts may push one out, not shuffle
    assert len(train & more_train) >= 25
    one = write(tmp_path / "one.parquet", [("¿Qué?", "Sí.", "No."), ("¿Qué?", "Sí, claro.", "No.")])
    with pytest.raises(TrainingError, match="all 2 preference pairs have the same prompt"):
        split_pairs(encode_pairs(one, tokenizer, 64))
