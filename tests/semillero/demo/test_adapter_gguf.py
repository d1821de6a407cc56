"""The adapter as a GGUF for llama.cpp."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semillero.demo.gguf import pair_neighbours, write_adapter_gguf
from semillero.errors import InputError


def test_queries_and_keys_meet_under_llamas_rotation_as_under_transformers() -> None:
    """Scores of halves rotated (transformers) equal those of neighbours rotated (llama.cpp) after the rows moved."""
    heads, size, width = 2, 8, 16
    random = np.random.default_rng(0)
    queries, keys = random.normal(size=(2, heads * size, width))
    states = random.normal(size=(5, width))
    angles = np.arange(5)[:, None] * (10_000.0 ** (-np.arange(size // 2) / (size // 2)))[None]

    def scores(query: Any, key: Any, first: Any, second: Any) -> Any:
        turned = []
        for matrix in (query, key):
            rows = (states @ matrix.T).reshape(5, heads, size)
            one, two = rows[:, :, first], rows[:, :, second]
            cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
            turned.append(np.stack([one * cos - two * sin, two * cos + one * sin], axis=-1).reshape(5, heads, -1))
        return np.einsum("qhd,khd->hqk", *turned)

    halves = scores(queries, keys, slice(0, size // 2), slice(size // 2, None))
    moved = (pair_neighbours(queries, heads), pair_neighbours(keys, heads))
    assert np.allclose(halves, scores(*moved, slice(0, None, 2), slice(1, None, 2)))


def test_every_matrix_has_its_place_and_equal_adapters_give_equal_files(
    tmp_path: Path, tiny_base_folder: Path, tiny_adapter_folder: Path
) -> None:
    import gguf
    from safetensors.numpy import load_file

    for name in ("one.gguf", "two.gguf"):
        write_adapter_gguf(tiny_adapter_folder, tiny_base_folder / "config.json", tmp_path / name)
    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()
    tensors = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "one.gguf").tensors}
    source = load_file(tiny_adapter_folder / "adapter_model.safetensors")
    assert len(tensors) == len(source)
    down = source["base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"]
    assert np.array_equal(tensors["blk.1.ffn_down.weight.lora_b"], down.astype(np.float16))
    query = source["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"]
    assert np.array_equal(tensors["blk.0.attn_q.weight.lora_b"], pair_neighbours(query, 2).astype(np.float16))


@pytest.mark.parametrize("change", [{"use_dora": True}, {"alpha_pattern": {"q_proj": 8}}])
def test_an_adapter_that_the_format_cannot_hold_is_refused(
    tmp_path: Path, tiny_base_folder: Path, tiny_adapter_folder: Path, change: dict[str, Any]
) -> None:
    adapter = shutil.copytree(tiny_adapter_folder, tmp_path / "adapter")
    settings = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(settings | change))
    with pytest.raises(InputError, match=r"cannot be written for llama\.cpp"):
        write_adapter_gguf(adapter, tiny_base_folder / "config.json", tmp_path / "x.gguf")
