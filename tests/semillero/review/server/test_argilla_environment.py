"""Argilla's own environment is made once, whole or again, of packages pinned by hash."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from semillero.errors import SemilleroError
from semillero.review.server.environment import (
    STAMP,
    VARIABLE,
    Environment,
    ensure_environment,
    environment_folder,
    is_installed,
    requirements,
    schema_revision,
)
from tests.fake_argilla import write_program


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a fake uv, which is the only one to be found."""
    folder = tmp_path / "tools"
    folder.mkdir()
    write_program(folder / "uv", "fake_uv.py")
    write_program(folder / "part", "fake_argilla_part.py")
    monkeypatch.setitem(sys.modules, "uv", None)  # as if the package were not installed
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "environments"))
    return folder


def calls(uv: Path) -> list[str]:
    log = uv / "calls.txt"
    return log.read_text().splitlines() if log.exists() else []


def test_it_is_made_once(uv: Path) -> None:
    assert not is_installed()
    made = ensure_environment()
    assert is_installed()
    assert ensure_environment() == made
    assert [call.split()[0] for call in calls(uv)] == ["venv", "pip"]
    assert schema_revision(made.empty_database) == "r2"
    assert made.search.name == "osmem-server"
    assert made.redis.name == "valkey-server"


def test_packages_are_checked_and_run_nothing_while_they_are_installed(uv: Path) -> None:
    ensure_environment()
    for flag in ("--require-hashes", "--only-binary :all:", "--no-deps"):
        assert flag in calls(uv)[1]


def test_a_half_made_one_is_made_again(uv: Path) -> None:
    folder = environment_folder(requirements())
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("half")
    (folder / "left.txt").touch()
    made = ensure_environment()
    assert made.folder == folder
    assert (folder / STAMP).exists()
    assert not (folder / "left.txt").exists()


def test_one_whose_python_was_removed_is_made_again(uv: Path) -> None:
    made = ensure_environment()
    made.python.unlink()
    made.python.symlink_to("/nowhere/python3.11")
    assert not is_installed()
    assert ensure_environment() == made
    assert is_installed()


def test_a_failure_is_explained_and_leaves_no_stamp(uv: Path) -> None:
    (uv / "fault").touch()
    with pytest.raises(SemilleroError, match="No space left on device"):
        ensure_environment()
    assert not is_installed()
    (uv / "fault").unlink()
    ensure_environment()
    assert is_installed()


def test_without_uv_the_remedy_is_told(uv: Path) -> None:
    (uv / "uv").unlink()
    with pytest.raises(SemilleroError, match="pip install uv"):
        ensure_environment()


def test_two_at_once_install_once(uv: Path) -> None:
    code = (
        "import sys; sys.modules['uv'] = None; from semillero.review.server.environment import ensure_environment;"
        "print(ensure_environment().folder)"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert len(calls(uv)) == 2


def test_other_requirements_need_another_environment(uv: Path) -> None:
    assert environment_folder(requirements()) != environment_folder(requirements() + "\nmore==1\n")


def test_a_lost_program_is_explained(tmp_path: Path) -> None:
    with pytest.raises(SemilleroError, match="osmem-server"):
        _ = Environment(tmp_path).search


def test_every_package_is_pinned_by_hash_and_no_host_is_named() -> None:
    text = requirements()
    pinned = re.findall(r"^[A-Za-z0-9._-]+==\S+", text, re.MULTILINE)
    assert "argilla-server==2.8.0" in pinned
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pinned)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index" not in text
