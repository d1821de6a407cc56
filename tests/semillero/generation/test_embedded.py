"""The embedded model, for real: it starts, writes, is kept to its form, and dies with its parent."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from semillero.errors import GenerationError, InputError
from semillero.generation import embedded, generate_shards, plan_shards
from semillero.generation.endpoint import Endpoint, check_endpoint
from semillero.project import CorpusSettings
from semillero.project.sources import Sources
from semillero.records import GENERATED, read_records
from semillero.store import RunStore

ROOT = Path(__file__).parents[3]
needs_model = pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="the `local` extra is missing")


@needs_model
@pytest.mark.slow
@pytest.mark.timeout(600)  # seconds on an idle machine, minutes on one that does ten other things
def test_a_handful_of_items_end_to_end(tmp_path: Path, corpus: Callable[..., CorpusSettings], sources: Sources) -> None:
    generator = {"kind": "embedded", "base_url": None, "constrain": "grammar", "timeout": 500, "max_tokens": 60}
    settings = corpus(2, 2, generator=generator, techniques={"backtranslation": 1.0})
    store = RunStore(str(tmp_path))
    made = generate_shards(store, plan_shards(settings, sources), settings)
    rows = pl.concat([read_records(store.folder(a) / "records.parquet", GENERATED) for a in made])
    assert set(rows["status"]) == {"answered"}
    spanish = rows.filter(variety="es-MX")["reply"]
    assert all(reply.startswith(" ¿") for reply in spanish)  # the grammar holds, whatever the model would say
    assert "\n" not in "".join(rows["reply"].str.strip_chars())
    assert generate_shards(store, plan_shards(settings, sources), settings) == made


@needs_model
@pytest.mark.slow
def test_the_server_wants_its_key_and_is_gone_afterwards() -> None:
    with embedded.serve_embedded(threads=1) as endpoint:
        check_endpoint(endpoint)
        assert endpoint.key not in repr(endpoint)
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        with pytest.raises(GenerationError, match="refuses the API key"):
            check_endpoint(Endpoint(endpoint.base_url, endpoint.model, "x", "guessed"))
    with pytest.raises(GenerationError, match="cannot be reached"):
        check_endpoint(endpoint)


@needs_model
@pytest.mark.slow
@pytest.mark.chaos
def test_the_server_dies_with_its_parent() -> None:
    code = (
        "import time\nfrom semillero.generation.embedded import serve_embedded\n"
        "with serve_embedded(threads=1) as endpoint:\n    print(endpoint.base_url, flush=True)\n    time.sleep(600)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().decode().strip()
        parent.send_signal(signal.SIGKILL)
    time.sleep(1.0)
    with pytest.raises(GenerationError, match="cannot be reached"):
        check_endpoint(Endpoint(url, "m", "m"))


def test_a_missing_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"semillero\[local\]"), embedded.serve_embedded():
        pass
