"""SIGKILL half-way through publishing, then the same call: complete, exact, and nothing taken for a stranger's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from semillero.cards import write_cards
from semillero.digests import digest_file
from semillero.publishing import publish_project
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

pytestmark = pytest.mark.chaos
ROOT = Path(__file__).parents[3]

CHILD = """
import os, signal, sys
from pathlib import Path
from semillero.cards import write_cards
from semillero.publishing import folder, publish_project
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

place, title, left, moment = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
replace = Path.replace

def die_at(path, target):
    global left
    if "staging" in path.parts:
        if left == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        replace(path, target)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
    else:
        replace(path, target)

Path.replace = die_at
store, project = RunStore(str(place / ".semillero")), fake_project(place, project={"title": title})
outputs = fake_outputs(store, project, plain_adapter)
publish_project(store, project, outputs, write_cards(store, project, outputs), None)
"""


def publish_and_die(folder: Path, title: str, files: int, moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), title, str(files), moment],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def publish(folder: Path, title: str) -> dict[str, str]:
    store, project = RunStore(str(folder / ".semillero")), fake_project(folder, project={"title": title})
    outputs = fake_outputs(store, project, plain_adapter)
    publish_project(store, project, outputs, write_cards(store, project, outputs), None)
    root = folder / "published"
    return {p.relative_to(root).as_posix(): digest_file(p) for p in root.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_killed_half_way_again_and_again(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    publish_and_die(folder, "Primero", 3, "after")
    # Other titles meanwhile: README files of publications that never ended must still count as ours.
    publish_and_die(folder, "Segundo", 9, "before")
    publish_and_die(folder, "Tercero", 4, "after")
    publish_and_die(folder, "Cuarto", 0, "before")
    found = publish(folder, "Quinto")
    receipt = found.pop(".publishing/receipt.json")
    assert receipt
    assert not [name for name in found if name.startswith(".publishing")]

    (folder / "published").rename(tmp_path / "away")
    undisturbed = publish(folder, "Quinto")
    undisturbed.pop(".publishing/receipt.json")
    assert found == undisturbed
