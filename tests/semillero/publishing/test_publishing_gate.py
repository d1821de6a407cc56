"""What the gate does not let out."""

import io
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.errors import PublishError
from semillero.project import Project
from semillero.publishing.gate import check_repositories
from semillero.publishing.planning import PlannedFile, Repository, plan_repositories
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

HF = "hf_" + "a1B2c3D4e5" * 3
SECRETS = [
    HF,
    "sk-" + "proj-a1b2c3d4e5f6g7h8",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a" * 36,
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "postgres://ana:clave@base.example/x",
]


def one_file(name: str, data: bytes) -> tuple[Repository, ...]:
    return (Repository("space", "equipo/prueba", (PlannedFile(name, "", data),)),)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return fake_project(tmp_path)


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_found_and_not_shown(project: Project, secret: str) -> None:
    with pytest.raises(PublishError) as caught:
        check_repositories(one_file("config.json", f'{{"key": "{secret}"}}'.encode()), project, "store")
    assert "spaces/equipo/prueba/config.json" in str(caught.value)
    assert secret not in str(caught.value)


def test_the_value_of_a_key_variable_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MI_API_KEY", "una clave sin forma conocida")
    with pytest.raises(PublishError, match="environment variable MI_API_KEY"):
        check_repositories(one_file("app.py", b"x = 'una clave sin forma conocida'"), project, "store")


def test_words_are_no_secrets(project: Project) -> None:
    text = "hf_hub_download y sk-learn y AKIA; https://example.com:8080/a@b; /inicio; hf_transfer"
    check_repositories(one_file("notas.txt", text.encode()), project, "store")


def torch_zip() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"a": 1}))
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("model.bin", b"x", "files of this kind"),
        ("model.pkl", pickle.dumps(1), "files of this kind"),
        ("script.sh", b"echo", "files of this kind"),
        ("page.html", b"<b>", "files of this kind"),
        ("adapter_model.safetensors", torch_zip(), "not a .safetensors file"),
        ("adapter_model.safetensors", pickle.dumps({"a": list(range(99))}), "not a .safetensors file"),
        ("data/train.parquet", pickle.dumps(1), "not a .parquet file"),
        ("figures/loss.png", b"GIF89a", "not a .png file"),
        ("tokenizer.model", pickle.dumps(1), "a pickle"),
        ("config.json", pickle.dumps({"a": b"\xff\xfe"}), "not UTF-8 text"),
        ("notas.txt", b"a\0b", "not text"),
        ("../fuera.txt", b"x", "not a plain relative path"),
        (".env", b"x", "not a plain relative path"),
        ("config.json", b'{"base": "/home/ana/base"}', "a local path"),
        ("config.json", b'{"base": "C:\\\\Users\\\\ana"}', "a local path"),
    ],
)
def test_kinds_of_files_that_are_not_published(project: Project, name: str, data: bytes, fault: str) -> None:
    with pytest.raises(PublishError, match=fault):
        check_repositories(one_file(name, data), project, "store")


def test_a_path_of_this_machine_is_found_in_any_text(project: Project) -> None:
    with pytest.raises(PublishError, match="a path of this machine"):
        check_repositories(one_file("notas.md", f"en {project.folder}/x".encode()), project, "store")


def test_a_symbolic_link_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    files = (PlannedFile("b.txt", "", tmp_path / "b.txt"),)
    with pytest.raises(PublishError, match="a symbolic link"):
        check_repositories((Repository("space", "equipo/prueba", files),), project, "store")


@pytest.mark.parametrize(
    "hide",
    [lambda secret: lambda number: f"¿Cuál es {secret}{number}?"],
    ids=["in a record"],
)
def test_a_secret_in_a_parquet_column_is_found(tmp_path: Path, hide: Callable[[str], Callable[[int], str]]) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project, text=hide(HF))
    cards = write_cards(store, project, outputs)
    with pytest.raises(PublishError) as caught:
        check_repositories(plan_repositories(store, project, outputs, cards, None), project, store.root)
    assert "train.parquet: column pregunta: a Hugging Face token" in str(caught.value)
    assert "train.parquet: column messages: a Hugging Face token" in str(caught.value)


def test_a_card_with_other_counts_than_its_files_is_refused(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project, plain_adapter)
    cards = write_cards(store, project, outputs)
    plan = plan_repositories(store, project, outputs, cards, None)
    check_repositories(plan, project, store.root)
    wrong = [replace(f, source=f.read().replace(b"| 20 |", b"| 21 |")) if f.name == "README.md" else f
             for f in plan[0].files]  # fmt: skip
    with pytest.raises(PublishError, match="train has 21 rows, its file has 20"):
        check_repositories((replace(plan[0], files=tuple(wrong)),), project, store.root)
