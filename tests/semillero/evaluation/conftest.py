"""A tiny base, an adapter that moves it, and a dataset with a held-out split."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from semillero.evaluation.rows import MESSAGES
from semillero.project import EvaluationSettings, TrainingSettings
from semillero.project.sources import Pair, Sources
from semillero.store import Artifact, Recipe, RunStore
from tests.tiny_model import tiny_base

PAIRS = (
    ("es-MX", "p1", "¿Dónde nace el maíz?", "En Mesoamérica, hace unos nueve mil años."),
    ("es-MX", "p1", "¿Qué salen del maíz?", "Las tortillas, los tamales y el pozole."),
    ("es-MX", "p2", "¿Qué se come en la costa?", "Pescado frito con patacones y arroz con coco."),
    ("es-MX", "p4", "¿Y para el calor?", "Una limonada bien fría."),
    ("es-AR", "p3", "¿Qué es la yerba mate?", "Una infusión que se toma en ronda, con bombilla y agua caliente."),
    ("es-AR", "p5", "¿Cómo se toma?", "En ronda, y vos decidís si lleva azúcar."),
    ("ca", "p6", "Què és el pa amb tomàquet?", "Una llesca de pa torrat, fregada amb tomàquet madur."),
    ("ca", "p7", "Què hi va per sobre?", "Oli i sal per sobre, i res més, diuen els qui en saben."),
)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("evaluated") / "base")


def write_adapter(folder: Path, base: Path, moved: bool) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from semillero.models.chat import load_tokenizer
    from semillero.models.loading import load_base_model

    torch.manual_seed(3)
    # peft's own initialisation leaves the model as it is; without it both halves are random.
    settings = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=not moved)
    get_peft_model(load_base_model(base, quantize=False), settings).save_pretrained(str(folder))
    load_tokenizer(base).save_pretrained(str(folder))


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


@pytest.fixture
def training(base: Path) -> TrainingSettings:
    return TrainingSettings(base=str(base), method="lora")


@pytest.fixture
def evaluation() -> EvaluationSettings:
    return EvaluationSettings(generate_rows=5, max_new_tokens=8, bootstrap=200, batch_tokens=256)


@pytest.fixture
def put_adapter(store: RunStore, base: Path) -> Callable[..., Artifact]:
    def put(moved: bool = True) -> Artifact:
        with store.draft(Recipe("train", 1, {}, {"moved": moved})) as draft:
            write_adapter(draft.path / "adapter", base, moved)
        return draft.artifact

    return put


@pytest.fixture
def put_dataset(store: RunStore) -> Callable[..., Artifact]:
    def put(pairs: tuple[tuple[str, str, str, str], ...] = PAIRS) -> Artifact:
        rows = pl.DataFrame(
            [
                {
                    "id": f"r{number}",
                    "grupo": group,
                    "variedad": variety,
                    "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}],
                }
                for number, (variety, group, q, a) in enumerate(pairs)
            ],
            schema={"id": pl.String, "grupo": pl.String, "variedad": pl.String, "messages": MESSAGES},
        )
        with store.draft(Recipe("dataset", 1, {}, {"rows": [list(pair) for pair in pairs]})) as draft:
            rows.write_parquet(draft.path / "test.parquet")
        return draft.artifact

    return put


@pytest.fixture
def sources() -> Sources:
    reserved = tuple(
        Pair(id=f"h{n}", variety=v, topic="t", instruction=q, answer=a) for n, (v, _, q, a) in enumerate(PAIRS[:3])
    )
    return Sources(topics=(), seeds=(), passages=(), reserved=reserved, benchmarks=())
