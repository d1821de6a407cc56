"""The real clients against the test server: what goes in comes back byte for byte, on every path."""

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub_server import Hub, open_hub

NAME = "semillero/saberes"
LOAD_DATASET = """
import datasets, json, sys
found = {config: datasets.load_dataset(sys.argv[1], config) for config in ("default", "preferences")}
print(json.dumps({config: {split: rows.to_list() for split, rows in d.items()} for config, d in found.items()}))
"""
SNAPSHOT = """
import hashlib, json, pathlib, sys, huggingface_hub
folder = pathlib.Path(huggingface_hub.snapshot_download(sys.argv[1], repo_type=sys.argv[2]))
files = [path for path in folder.rglob("*") if path.is_file()]
print(json.dumps({str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}))
"""
LOAD_ADAPTER = """
import json, sys, torch, transformers, peft
torch.manual_seed(1)
base = transformers.LlamaForCausalLM(transformers.LlamaConfig(
    vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2))
model = peft.PeftModel.from_pretrained(base, sys.argv[1])
state = peft.get_peft_model_state_dict(model)
print(json.dumps({name: tensor.tolist() for name, tensor in state.items()}))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        yield opened


@pytest.fixture
def api(hub: Hub) -> HfApi:
    return HfApi(endpoint=hub.url, token=hub.token)


def run_cold(hub: Hub, cold: Path, code: str, *arguments: str, **environment: str) -> object:
    """Run a client in a process of its own, with nothing in its cache; return what it prints as JSON."""
    command = [sys.executable, "-c", code, *arguments]
    settings = hub.environment(cold) | environment
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def publish(api: HfApi, kind: str, files: dict[str, bytes]) -> None:
    operations = [CommitOperationAdd(path, data) for path, data in files.items()]
    api.create_commit(NAME, operations, commit_message="x", repo_type=kind)


def numbers(size: int) -> bytes:
    """Return bytes that do not compress, the same each time."""
    return hashlib.shake_128(b"semillero").digest(size)


@pytest.mark.parametrize("path", ["xet", "lfs", "lfs in parts"])
def test_large_files_come_back_whichever_way_they_went(
    hub: Hub, api: HfApi, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"data/train.parquet": numbers(300_000), "README.md": b"# Hola\n", "vac\u00edo.txt": b"", "s.parquet": b"s"}
    if path != "xet":
        monkeypatch.setattr("huggingface_hub._commit_api.is_xet_available", lambda: False)
    if path == "lfs in parts":
        hub.transfers.part_size = 100_000
    api.create_repo(NAME, repo_type="dataset")
    api.create_commit(
        NAME, [CommitOperationAdd(n, d) for n, d in files.items()], commit_message="x", repo_type="dataset"
    )
    assert hub.files("dataset", NAME).items() >= files.items()
    sent = " ".join(map(str, hub.requests))
    assert ("xet-write-token" in sent) == (path == "xet")
    assert ("/complete" in sent) == (path == "lfs in parts")
    expected = {name: hashlib.sha256(data).hexdigest() for name, data in hub.files("dataset", NAME).items()}
    for other_way in ("0", "1"):
        found = run_cold(hub, tmp_path / other_way, SNAPSHOT, NAME, "dataset", HF_HUB_DISABLE_XET=other_way)
        assert found == expected


@pytest.mark.slow
def test_a_dataset_of_two_configurations_loads_from_a_cold_cache(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    import polars

    rows = {"train": [{"id": "a", "pregunta": "¿Qué es el mate?"}], "test": [{"id": "b", "pregunta": "¿Y la chipa?"}]}
    pairs = [{"prompt": "p", "chosen": "c", "rejected": "r"}]
    card = """---
configs:
- config_name: default
  data_files: [{split: train, path: data/train.parquet}, {split: test, path: data/test.parquet}]
- config_name: preferences
  data_files: [{split: train, path: data/preferences.parquet}]
---
"""
    files = {"README.md": card.encode()}
    for name, table in (rows | {"preferences": pairs}).items():
        buffer = io.BytesIO()
        polars.DataFrame(table).write_parquet(buffer)
        files[f"data/{name}.parquet"] = buffer.getvalue()
    api.create_repo(NAME, repo_type="dataset", private=True)
    api.create_commit(
        NAME, [CommitOperationAdd(n, d) for n, d in files.items()], commit_message="x", repo_type="dataset"
    )
    found = run_cold(hub, tmp_path / "cold", LOAD_DATASET, NAME)
    assert found == {"default": rows, "preferences": {"train": pairs}}


@pytest.mark.slow
def test_an_adapter_loads_with_peft_and_has_the_tensors_that_were_saved(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    import numpy
    from safetensors.numpy import save

    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    shapes = {f"{layer}.lora_A.weight": (2, 16), f"{layer}.lora_B.weight": (16, 2)}
    tensors = {
        name: numpy.arange(32, dtype=numpy.float32).reshape(shape) / (place + 1)
        for place, (name, shape) in enumerate(shapes.items())
    }
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    weights = save(tensors)
    api.create_repo(NAME)
    files = {"adapter_config.json": json.dumps(config).encode(), "adapter_model.safetensors": weights}
    publish(api, "model", files)
    assert hub.files("model", NAME)["adapter_model.safetensors"] == weights
    found = run_cold(hub, tmp_path / "cold", LOAD_ADAPTER, NAME)
    assert found == {name: tensor.tolist() for name, tensor in tensors.items()}


def test_a_commit_on_an_old_parent_is_refused_and_adds_nothing(hub: Hub, api: HfApi) -> None:
    api.create_repo(NAME)
    head = api.model_info(NAME).sha
    theirs = hub.push("model", NAME, {"theirs.txt": b"t"})
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_commit(NAME, [CommitOperationAdd("ours.txt", b"o")], commit_message="x", parent_commit=head)
    assert refused.value.response.status_code == 412
    assert [commit.oid for commit in hub.commits("model", NAME)] == [theirs, head]
    made = api.create_commit(
        NAME,
        [CommitOperationAdd("ours.txt", b"o"), CommitOperationDelete("theirs.txt")],
        commit_message="ours",
        commit_description="why",
        parent_commit=theirs,
    )
    assert hub.commits("model", NAME)[0] == (made.oid, theirs, "ours", "ana")
    assert api.list_repo_commits(NAME)[0].message == "why"
    assert set(hub.files("model", NAME)) == {".gitattributes", "ours.txt"}
    assert "theirs.txt" in hub.files("model", NAME, revision=theirs)


def test_pages_references_and_single_paths(hub: Hub, api: HfApi) -> None:
    hub.repositories.page_size = 3
    hub.create("model", NAME)
    oid = hub.push("model", NAME, {f"a/b {n}/c.txt": b"%d" % n for n in range(7)} | {"big.safetensors": b"\0"})
    tree = list(api.list_repo_tree(NAME, recursive=True))
    assert [e.path for e in tree if hasattr(e, "size")] == sorted(hub.files("model", NAME))
    assert [e.path for e in api.list_repo_tree(NAME)] == [".gitattributes", "a", "big.safetensors"]
    assert [e.path for e in api.list_repo_tree(NAME, "a/b 0")] == ["a/b 0/c.txt"]
    info = {entry.path: entry for entry in api.get_paths_info(NAME, ["a/b 1/c.txt", "a", "missing", "big.safetensors"])}
    assert set(info) == {"a/b 1/c.txt", "a", "big.safetensors"}
    assert info["big.safetensors"].lfs.sha256 == hashlib.sha256(b"\0").hexdigest()
    api.create_tag(NAME, tag="v1")
    hub.push("model", NAME, {"later.txt": b""})
    api.create_tag(NAME, tag="v1", exist_ok=True)  # keeps the old target
    api.create_branch(NAME, branch="exp/1")
    refs = api.list_repo_refs(NAME)
    assert {tag.name: tag.target_commit for tag in refs.tags} == {"v1": oid}
    assert {branch.name for branch in refs.branches} == {"main", "exp/1"}
    assert "later.txt" not in [e.path for e in api.list_repo_tree(NAME, revision="v1")]
    assert "later.txt" in [e.path for e in api.list_repo_tree(NAME, revision="exp/1")]
    api.delete_tag(NAME, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.model_info(NAME, revision="v1")


def test_what_may_not_be_seen_is_not_there(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    hub.add_token("hf_other", "eva")
    other, reader = HfApi(endpoint=hub.url, token="hf_other"), HfApi(endpoint=hub.url, token=hub.read_token)
    nobody = HfApi(endpoint=hub.url, token=False)
    api.create_repo(NAME, private=True)
    for stranger in (other, nobody):
        with pytest.raises(RepositoryNotFoundError):
            stranger.model_info(NAME)
    assert reader.model_info(NAME).private
    for call in (lambda: reader.auth_check(NAME, write=True), lambda: reader.create_repo("semillero/x")):
        with pytest.raises(HfHubHTTPError) as refused:
            call()
        assert refused.value.response.status_code == 403
    api.update_repo_settings(NAME, private=False, gated="manual")
    assert other.model_info(NAME).gated == "manual"
    with pytest.raises(GatedRepoError):
        other.hf_hub_download(NAME, ".gitattributes", cache_dir=tmp_path)
    with pytest.raises(GatedRepoError):
        other.auth_check(NAME)
    hub.state.find("model", NAME).granted.add("eva")
    other.auth_check(NAME)
    with pytest.raises(EntryNotFoundError):
        other.hf_hub_download(NAME, "missing.txt", cache_dir=tmp_path)
    assert not hub.info("model", NAME)["private"]


def test_a_fine_grained_token_reaches_one_repository(hub: Hub, api: HfApi) -> None:
    votes = HfApi(endpoint=hub.url, token=hub.add_token("hf_v", "ana", "fineGrained", [f"datasets/{NAME}-votes"]))
    for name in (f"{NAME}-votes", NAME):
        api.create_repo(name, repo_type="dataset", private=True)
    votes.upload_file(path_or_fileobj=b"{}", path_in_repo="v.json", repo_id=f"{NAME}-votes", repo_type="dataset")
    with pytest.raises(RepositoryNotFoundError):
        votes.dataset_info(NAME)
    access = votes.whoami()["auth"]["accessToken"]
    assert [entry["entity"]["name"] for entry in access["fineGrained"]["scoped"]] == [f"{NAME}-votes"]


def test_repositories_are_made_once_moved_and_deleted(hub: Hub, api: HfApi) -> None:
    url = api.create_repo(NAME, repo_type="dataset")
    assert api.create_repo(NAME, repo_type="dataset", exist_ok=True) == url
    with pytest.raises(HfHubHTTPError):
        api.create_repo(NAME, repo_type="dataset")
    api.move_repo(NAME, "ana/other", repo_type="dataset")
    assert hub.exists("dataset", "ana/other")
    api.delete_repo("ana/other", repo_type="dataset")
    assert not api.repo_exists("ana/other", repo_type="dataset")


def test_cards_collections_and_discussions(hub: Hub, api: HfApi) -> None:
    from huggingface_hub import ModelCard

    hub.create("model", NAME)
    card = ModelCard("---\nlicense: gemma\nbase_model: google/gemma\ntags: [es]\n---\n# Hola")
    with pytest.raises(ValueError, match="Invalid metadata"):
        api._validate_yaml("---\n- a list\n---\n", repo_type="model")
    api.upload_file(path_or_fileobj=str(card).encode(), path_in_repo="README.md", repo_id=NAME)
    assert {"es", "license:gemma"} <= set(api.model_info(NAME).tags)
    made = api.create_collection("Saberes y sabores", namespace="semillero", private=True)
    assert api.create_collection("Saberes y sabores", namespace="semillero", exists_ok=True).slug == made.slug
    for _ in range(2):
        api.add_collection_item(made.slug, NAME, "model", exists_ok=True)
    assert hub.collections() == {"Saberes y sabores": [f"model {NAME}"]}
    api.update_collection_metadata(made.slug, private=False)
    item = api.get_collection(made.slug).items[0]
    api.delete_collection_item(made.slug, item.item_object_id)
    assert hub.collections() == {"Saberes y sabores": []}
    discussion = api.create_discussion(NAME, "Una duda", description="¿Qué variedad?")
    api.comment_discussion(NAME, discussion.num, "es-MX")
    found = api.get_discussion_details(NAME, discussion.num)
    assert [event.content for event in found.events] == ["¿Qué variedad?", "es-MX"]
