"""The compose file of a team's servers: no default password, nothing but two pages on loopback, every image pinned.

It has not been run: there was no Docker engine where it was written. What can be read from the file is checked here.
"""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "docker"
KEY = re.compile(r"\$\{([A-Z_]+)")
WITH_DEFAULT = {"ARGILLA_API_URL"}  # an address, no key


@pytest.fixture(scope="module")
def text() -> str:
    return (FOLDER / "compose.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)["services"]


def test_the_whole_stack_is_there(services: dict[str, Any]) -> None:
    assert {"argilla", "argilla-worker", "argilla-postgres", "elasticsearch", "redis"} <= services.keys()
    assert {"prefect", "postgres", "worker"} <= services.keys()
    for service in services.values():
        needed = service.get("depends_on", [])
        assert set(needed) <= services.keys()


def test_every_published_port_is_on_loopback(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:4200:4200", "127.0.0.1:6900:6900"]


def test_every_image_is_pinned_by_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if "build" not in service:
            assert re.search(r":v?\d+(\.\d+)*", service["image"]), name


def test_every_secret_comes_from_a_generated_key(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|KEY|SECRET|TOKEN|AUTH_STRING", variable):
                assert KEY.search(value), f"{name}: {variable}"
            for address in re.findall(r"//([^/@]*)@", value):  # credentials inside a URL
                assert KEY.search(address), f"{name}: {variable}"


def test_no_key_has_a_default(text: str) -> None:
    with_default = set(re.findall(r"\$\{([A-Z_]+):?[-+]", text))
    assert with_default == WITH_DEFAULT


def test_each_key_is_demanded_before_anything_starts(text: str) -> None:
    demanded = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    assert demanded == set(KEY.findall(text)) - WITH_DEFAULT


def generate(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([folder / "new-keys.sh"], capture_output=True, text=True, check=False)


def test_the_key_file_has_every_key_and_is_private(tmp_path: Path, text: str) -> None:
    shutil.copy(FOLDER / "new-keys.sh", tmp_path)
    assert generate(tmp_path).returncode == 0
    file = tmp_path / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert set(keys) == set(KEY.findall(text)) - WITH_DEFAULT
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in keys.values())
    assert len(set(keys.values())) == len(keys)


def test_keys_are_never_replaced(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "new-keys.sh", tmp_path)
    generate(tmp_path)
    before = (tmp_path / ".env").read_text()
    again = generate(tmp_path)
    assert again.returncode == 1
    assert "kept" in again.stderr
    assert (tmp_path / ".env").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "new-keys.sh"]


def test_the_key_file_is_never_committed() -> None:
    ignored = (FOLDER.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/docker/.env" in ignored
