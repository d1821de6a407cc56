"""The published folder: exactly what was planned, and nobody's own work overwritten."""

import json
import shutil
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.digests import digest_file
from semillero.errors import PublishError
from semillero.outputs import Outputs
from semillero.project import Project
from semillero.publishing import publish_project
from semillero.store import Artifact, Recipe, RunStore, WouldMake
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

DATASET = "published/datasets/equipo/prueba"
MODEL = "published/models/equipo/prueba"


class Published:
    """A project published once, and the means to publish it again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, RunStore(str(folder / ".semillero"))
        self.project: Project = fake_project(folder)
        self.outputs: Outputs = fake_outputs(self.store, self.project, plain_adapter, pairs=3)
        self.space: Artifact | None = fake_space(self.store)

    def publish(self, store: RunStore | None = None) -> Artifact:
        cards = write_cards(self.store, self.project, self.outputs)
        return publish_project(store or self.store, self.project, self.outputs, cards, self.space)

    def files(self) -> dict[str, str]:
        root = self.folder / "published"
        paths = [p for p in root.rglob("*") if p.is_file() and ".publishing" not in p.parts]
        return {path.relative_to(root).as_posix(): digest_file(path) for path in paths}


def fake_space(store: RunStore) -> Artifact:
    with store.draft(Recipe("demo", 1, {}, {})) as draft:
        (draft.path / "app.py").write_text("print('hola')\n")
        (draft.path / "README.md").write_text(
            "---\ntitle: x\nsdk: gradio\ndatasets: [equipo/prueba]\nmodels: [equipo/prueba]\n---\n# x\n"
        )
    return draft.artifact


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    Published(folder).publish()
    return folder


@pytest.fixture
def published(template: Path, tmp_path: Path) -> Published:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Published(tmp_path)


def test_the_folder_has_the_hubs_shape(published: Published) -> None:
    names = set(published.files())
    for name in (
        "datasets/equipo/prueba/README.md", "datasets/equipo/prueba/README_ES.md",
        "datasets/equipo/prueba/data/train.parquet", "datasets/equipo/prueba/data/preferences.parquet",
        "datasets/equipo/prueba/figures/rows_by_variety.png", "datasets/equipo/prueba/reproduction/project.yaml",
        "models/equipo/prueba/adapter_model.safetensors", "models/equipo/prueba/adapter_config.json",
        "models/equipo/prueba/README.md", "models/equipo/prueba/NOTICE", "models/equipo/prueba/evaluation.json",
        "models/equipo/prueba/figures/loss.png", "spaces/equipo/prueba/app.py",
    ):  # fmt: skip
        assert name in names
    config = json.loads((published.folder / MODEL / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "google/gemma-3-270m"  # PEFT had written a local path


def test_no_published_file_tells_where_it_was_made(published: Published) -> None:
    for path in (published.folder / "published").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(published.folder).encode() not in data, path
            assert b"/home/ana" not in data, path


def test_the_receipt_has_every_file_and_the_content_no_hash_of_a_card(published: Published) -> None:
    artifact = published.publish()
    assert artifact.reused
    folder = published.store.folder(artifact)
    assert json.loads((folder / "receipt.json").read_text())["files"] == published.files()
    assert json.loads((published.folder / "published/.publishing/receipt.json").read_text()) == {
        "begun": {}, "files": published.files(),
    }  # fmt: skip
    listed = json.loads((folder / "published.json").read_text())
    assert [r["kind"] for r in listed["repositories"]] == ["dataset", "model", "space"]
    assert set(artifact.files) == {"published.json"}
    assert not (published.folder / "published/.publishing/staging").exists()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes() + b"\xff\x00"),
    ],
    ids=["missing", "empty", "half", "garbage"],
)
@pytest.mark.parametrize("name", [f"{DATASET}/data/train.parquet", f"{DATASET}/README.md", f"{MODEL}/README_ES.md"])
def test_what_is_missing_or_damaged_is_written_again(published: Published, name: str, harm: object) -> None:
    before = published.files()
    harm(published.folder / name)  # type: ignore[operator]
    assert published.files() != before
    assert published.publish().reused
    assert published.files() == before


def test_damaged_bytes_are_put_aside_not_destroyed(published: Published) -> None:
    (published.folder / DATASET / "data" / "test.parquet").write_bytes(b"my own")
    published.publish()
    aside = published.folder / "published/.publishing/set-aside/datasets/equipo/prueba/data/test.parquet"
    assert aside.read_bytes() == b"my own"


def test_a_deleted_folder_is_published_again(published: Published) -> None:
    before = published.files()
    shutil.rmtree(published.folder / "published")
    assert published.publish().reused
    assert published.files() == before


def test_an_edit_by_hand_is_never_overwritten(published: Published) -> None:
    readme = published.folder / DATASET / "README.md"
    mine = readme.read_text() + "\nUna frase mía.\n"
    readme.write_text(mine)
    (published.folder / DATASET / "data" / "train.parquet").unlink()
    published.project = fake_project(published.folder, project={"title": "Otro título"})
    before = published.files()
    with pytest.raises(PublishError, match="changed or added by hand") as caught:
        published.publish()
    assert str(readme) in str(caught.value)
    assert "move them elsewhere or delete them" in str(caught.value)
    assert published.files() == before  # nothing else was touched either
    readme.unlink()
    published.publish()
    assert "Otro título" in readme.read_text()


def test_a_strangers_file_in_the_way_is_not_taken_for_ours(tmp_path: Path) -> None:
    made = Published(tmp_path)
    readme = tmp_path / DATASET / "README.md"
    readme.parent.mkdir(parents=True)
    readme.write_text("# mío\n")
    with pytest.raises(PublishError, match="changed or added by hand"):
        made.publish()
    assert readme.read_text() == "# mío\n"


def test_unknown_files_are_kept_and_ours_are_replaced_or_removed(published: Published) -> None:
    notes = published.folder / MODEL / "notas.txt"
    notes.write_text("mías")
    pairs = published.folder / DATASET / "data" / "preferences.parquet"
    assert pairs.exists()
    published.outputs = fake_outputs(published.store, published.project)  # corpus only, no pairs
    published.space = None
    again = published.publish()
    assert not again.reused
    assert notes.read_text() == "mías"
    assert not pairs.exists()
    assert not (published.folder / "published" / "spaces").exists()
    assert [p.name for p in (published.folder / MODEL).iterdir()] == ["notas.txt"]
    assert published.publish().reused


def test_new_energy_replaces_the_cards_and_nothing_else(published: Published) -> None:
    before = published.files()
    cards = write_cards(published.store, published.project, published.outputs)
    shutil.rmtree(published.store.folder(cards))
    (published.store.folder(published.outputs.dataset) / "run.json").write_text('{"seconds": 99, "energy_kwh": 5}')
    assert published.publish().reused  # the same content
    changed = {name for name, sha in published.files().items() if before[name] != sha}
    assert {Path(name).name for name in changed} == {"README.md", "README_ES.md"}


def test_a_lost_receipt_is_written_again(published: Published) -> None:
    receipt = published.folder / "published/.publishing/receipt.json"
    before = receipt.read_text()
    receipt.write_text("{")
    published.publish()
    assert receipt.read_text() == before


def test_looking_writes_nothing(published: Published) -> None:
    dry = RunStore(published.store.root, dry=True)
    assert published.publish(dry).reused
    (published.folder / DATASET / "README.md").unlink()
    with pytest.raises(WouldMake):
        published.publish(dry)
    assert not (published.folder / DATASET / "README.md").exists()


@pytest.mark.parametrize("place", ["README.md", "data", "data/train.parquet"])
def test_a_link_that_leads_elsewhere_is_refused(published: Published, tmp_path: Path, place: str) -> None:
    target = published.folder / DATASET / place
    moved = tmp_path / "elsewhere"
    target.rename(moved)
    target.symlink_to(moved)
    with pytest.raises(PublishError, match="a symbolic link"):
        published.publish()


def test_a_folder_in_a_files_place_is_refused(published: Published) -> None:
    readme = published.folder / DATASET / "README.md"
    readme.unlink()
    readme.mkdir()
    with pytest.raises(PublishError, match="a folder where a file is published"):
        published.publish()


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    made = Published(tmp_path)
    (tmp_path / "published").write_text("a file")
    with pytest.raises(PublishError, match="cannot be written"):
        made.publish()
