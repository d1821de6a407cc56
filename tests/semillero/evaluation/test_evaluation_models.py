"""Losses and answers of the tiny pair, against transformers itself."""

from pathlib import Path

import pytest

from semillero.evaluation.answering import answer_questions
from semillero.evaluation.losses import measure_losses
from semillero.evaluation.pair import acting_as, load_pair
from semillero.models.chat import render_example
from semillero.project import TrainingSettings
from tests.semillero.evaluation.conftest import PAIRS, write_adapter

CONVERSATIONS = [
    [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    for _, _, question, answer in PAIRS
]


@pytest.fixture(scope="module")
def pair(base: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("adapter")
    write_adapter(folder, base, moved=True)
    with load_pair(folder, TrainingSettings(base=str(base), method="lora")) as loaded:
        yield loaded


def test_losses_are_those_of_transformers_row_by_row(pair) -> None:  # type: ignore[no-untyped-def]
    import torch

    model, tokenizer = pair
    nats, tokens = measure_losses(model, tokenizer, CONVERSATIONS, batch_tokens=200)
    for which in ("base", "tuned"):
        for row, messages in enumerate(CONVERSATIONS):
            ids, labels = render_example(tokenizer, messages)
            with acting_as(model, which), torch.no_grad():
                mean = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss.item()
            assert nats[which][row] == pytest.approx(mean * tokens[row], rel=1e-4)
    assert not (nats["base"] == nats["tuned"]).any()


def test_answers_in_padded_batches_are_those_of_one_row_at_a_time(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    together, speed = answer_questions(model, tokenizer, CONVERSATIONS, max_new_tokens=12, batch=8)
    alone, _ = answer_questions(model, tokenizer, CONVERSATIONS, max_new_tokens=12, batch=1)
    assert together == alone
    assert together["base"] != together["tuned"]
    assert set(speed) == {"base", "tuned"}


def test_the_adapter_is_on_again_after_acting_as_base(pair) -> None:  # type: ignore[no-untyped-def]
    model, tokenizer = pair
    before, _ = measure_losses(model, tokenizer, CONVERSATIONS[:2], batch_tokens=200)
    with acting_as(model, "base"):
        pass
    after, _ = measure_losses(model, tokenizer, CONVERSATIONS[:2], batch_tokens=200)
    assert (before["tuned"] == after["tuned"]).all()
