"""A Space's life on the test server, seen through the real client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hub_server import Build, Hub, open_hub

NAME = "semillero/saberes"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with open_hub(tmp_path) as opened:
        yield opened


def test_a_space_is_built_when_it_changes_and_its_logs_can_be_read(hub: Hub) -> None:
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo(
        NAME,
        repo_type="space",
        space_sdk="gradio",
        private=True,
        space_hardware="t4-small",
        space_sleep_time=900,
        space_secrets=[{"key": "HF_TOKEN", "value": "hf_votes"}],
    )
    assert api.get_space_runtime(NAME).stage == "NO_APP_FILE"
    hub.spaces.build = lambda name, files: Build() if b"good" in files["app.py"] else Build("BUILD_ERROR", ("no pin",))
    hub.push("space", NAME, {"app.py": b"good"})
    assert [api.get_space_runtime(NAME).stage for _ in range(3)] == ["BUILDING", "APP_STARTING", "RUNNING"]
    runtime = api.get_space_runtime(NAME)
    assert (runtime.hardware, runtime.requested_hardware, runtime.sleep_time) == ("t4-small", "t4-small", 900)
    good = hub.commits("space", NAME)[0].oid
    hub.spaces.lag = 1
    hub.push("space", NAME, {"app.py": b"bad"})
    assert [api.get_space_runtime(NAME).stage for _ in range(4)] == [
        "RUNNING",  # not noticed yet
        "RUNNING_BUILDING",
        "RUNNING_BUILDING",
        "BUILD_ERROR",
    ]
    assert api.get_space_runtime(NAME).raw["sha"] == good
    hub.spaces.lag = 0
    assert list(api.fetch_space_logs(NAME, build=True)) == ["no pin\n"]
    api.pause_space(NAME)
    assert api.get_space_runtime(NAME).stage == "PAUSED"
    hub.push("space", NAME, {"app.py": b"good again"})
    api.restart_space(NAME)
    assert [api.get_space_runtime(NAME).stage for _ in range(3)][-1] == "RUNNING"


def test_secrets_can_be_set_but_not_read_and_variables_can(hub: Hub) -> None:
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo(NAME, repo_type="space", space_sdk="gradio")
    api.add_space_secret(NAME, "KEY", "hidden")
    api.add_space_variable(NAME, "BASE", "google/gemma")
    assert set(api.get_space_secrets(NAME)) == {"KEY"}
    assert {key: entry.value for key, entry in api.get_space_variables(NAME).items()} == {"BASE": "google/gemma"}
    assert hub.space(NAME).secrets["KEY"].value == "hidden"
    api.delete_space_variable(NAME, "BASE")
    api.request_space_hardware(NAME, "cpu-upgrade", sleep_time=3600)
    api.set_space_sleep_time(NAME, 7200)
    space = hub.space(NAME)
    assert (space.variables, space.requested, space.sleep) == ({}, "cpu-upgrade", 7200)
    with pytest.raises(HfHubHTTPError):
        api.request_space_hardware(NAME, "z80")
    reader = HfApi(endpoint=hub.url, token=hub.read_token)
    with pytest.raises(HfHubHTTPError) as refused:
        reader.restart_space(NAME)
    assert refused.value.response.status_code == 403
