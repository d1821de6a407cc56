"""Other forms of the adapter: merged with its proof, published beside it, and what cannot be converted is told."""

import json
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.cards.gate import split_card
from semillero.errors import PublishError
from semillero.publishing import exports, publish_project
from semillero.publishing.planning import name_repositories
from semillero.store import RunStore, WouldMake
from semillero.submission import write_submission
from semillero.training import devices
from semillero.training.plan import Device
from tests.fake_outputs import fake_outputs, fake_project
from tests.tiny_model import tiny_base

pytestmark = pytest.mark.slow


def adapter_of(base: Path, folder: Path) -> None:
    """A LoRA adapter as training leaves it: with tokenizer and chat template."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from semillero.models.chat import load_tokenizer

    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    load_tokenizer(base).save_pretrained(folder)


def test_a_merge_that_memory_cannot_hold_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_base(tmp_path / "base")
    training = {"base": str(base), "base_license": "apache-2.0", "method": "lora"}
    project = fake_project(tmp_path, training=training, publish={"merged": True})
    store = RunStore(str(tmp_path / ".semillero"))
    outputs = fake_outputs(store, project, lambda folder: adapter_of(base, folder))
    assert exports.outline_merge(project)[0]
    monkeypatch.setattr(devices, "this_device", lambda: Device("CPU", 0.5))
    with pytest.raises(PublishError, match=r"needs about 1\.0 GiB, CPU has 0\.5") as caught:
        publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    assert "publish.merged and publish.gguf: false" in str(caught.value)
    assert not (tmp_path / "published").exists()


def test_a_merged_model_is_made_proved_and_published(tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = tiny_base(tmp_path / "base")
    training = {"base": str(base), "base_license": "apache-2.0", "method": "lora"}
    project = fake_project(tmp_path, training=training, publish={"merged": True})
    store = RunStore(str(tmp_path / ".semillero"))
    outputs = fake_outputs(store, project, lambda folder: adapter_of(base, folder))
    cards = write_cards(store, project, outputs)
    with pytest.raises(WouldMake):
        publish_project(RunStore(store.root, dry=True), project, outputs, cards, None)
    published = publish_project(store, project, outputs, cards, None)

    merged = tmp_path / "published" / "models" / "equipo" / "prueba-merged"
    sheet = write_submission(store, project, outputs, published)  # whose link check knows each form's own folder
    assert sheet.counts["links"] > len(list(merged.iterdir()))
    assert json.loads((merged / "parity.json").read_text())["loss_difference"] <= 0.001
    front, _ = split_card((merged / "README.md").read_text())
    assert (front["base_model"], front["base_model_relation"]) == ("equipo/prueba", "merge")
    assert front["license"] == "apache-2.0"
    apart = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), str(tmp_path / "published" / "models" / "equipo" / "prueba")
    ).eval()
    ids = AutoTokenizer.from_pretrained(merged)("¿Qué es la yerba mate?", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        one, two = AutoModelForCausalLM.from_pretrained(merged).eval()(ids).logits, apart(ids).logits
    torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)
    assert [r.folder for r in name_repositories(project)][2] == "models/equipo/prueba-merged"

    project = fake_project(tmp_path, training=training, publish={"gguf": True})
    with pytest.raises(PublishError, match="could not be converted to GGUF") as caught:
        publish_project(store, project, outputs, cards, None)  # llama.cpp does not know a made-up tokenizer
    assert "publish.gguf: false" in str(caught.value)
