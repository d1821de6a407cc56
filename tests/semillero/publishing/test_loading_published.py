"""What was published loads with the libraries people will use."""

from pathlib import Path
from typing import Any

import pytest

from semillero.cards import write_cards
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.publishing import publish_project
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project

pytestmark = pytest.mark.slow


def tiny_llama() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=64, num_key_value_heads=2, **shape))


def tiny_adapter(folder: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(tiny_llama(), LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False))
    model.peft_config["default"].base_model_name_or_path = "/home/ana/cache/base"  # as PEFT does
    model.save_pretrained(folder)


def publish(folder: Path, project: Project, store: RunStore, outputs: Outputs) -> Path:
    publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    return folder / "published"


def test_datasets_loads_every_split_and_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    project, store = fake_project(tmp_path), RunStore(str(tmp_path / ".semillero"))
    root = publish(tmp_path, project, store, fake_outputs(store, project, pairs=3))
    folder, cache = str(root / "datasets" / "equipo" / "prueba"), str(tmp_path / "cache")
    loaded = load_dataset(folder, cache_dir=cache)
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 20, "validation": 4, "test": 6}
    assert loaded["train"][0]["messages"][0]["role"] == "user"
    pairs = load_dataset(folder, "preferences", cache_dir=cache)
    assert {name: split.num_rows for name, split in pairs.items()} == {"train": 3}


def test_peft_loads_the_published_adapter(tmp_path: Path) -> None:
    import torch
    from peft import PeftModel

    project, store = fake_project(tmp_path), RunStore(str(tmp_path / ".semillero"))
    root = publish(tmp_path, project, store, fake_outputs(store, project, tiny_adapter))
    ids = torch.arange(8)[None]
    plain = tiny_llama()(ids).logits
    model = PeftModel.from_pretrained(tiny_llama(), str(root / "models" / "equipo" / "prueba")).eval()
    assert not torch.allclose(model(ids).logits, plain)
    config = model.peft_config["default"]
    assert config.base_model_name_or_path == "google/gemma-3-270m"
