"""Keys are generated, private and never shown; the state file is believed only when it makes sense."""

import stat
from pathlib import Path

import pytest

from semillero.errors import InputError
from semillero.review.server.keys import NewOwner, load_keys, load_or_make_keys
from semillero.review.server.places import Home
from semillero.review.server.state import Started, State, read_state


def test_keys_are_made_once_and_differ_everywhere(tmp_path: Path) -> None:
    keys, new = load_or_make_keys(tmp_path / "a.json")
    again, new_again = load_or_make_keys(tmp_path / "a.json")
    other, _ = load_or_make_keys(tmp_path / "b.json")
    assert (new, new_again) == (True, False)
    assert keys == again
    mine, theirs = vars(keys).values(), vars(other).values()
    assert len({*mine, *theirs}) == 10
    assert min(map(len, mine)) >= 16


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    load_or_make_keys(tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_no_key_is_ever_in_a_representation(tmp_path: Path) -> None:
    keys, _ = load_or_make_keys(tmp_path / "keys.json")
    shown = repr(keys) + repr(NewOwner("semillero", keys.password))
    assert not any(key in shown for key in vars(keys).values())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"password": ""}', '{"password": 1, "api_key": 2}'])
def test_a_damaged_key_file_is_no_key_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    assert load_keys(tmp_path / "keys.json") is None
    assert load_or_make_keys(tmp_path / "keys.json")[1]


def test_a_state_survives_the_disk(tmp_path: Path) -> None:
    search = Started(12, 3456, "recipe")
    state = State({"argilla": 6900}, {"search": search}, indexed=search)
    state.write(tmp_path / "state.json")
    assert read_state(tmp_path / "state.json") == state
    assert state.index_is_complete


def test_an_index_belongs_to_one_search_process() -> None:
    assert not State().index_is_complete
    assert not State({}, {"search": Started(13, 3456, "r")}, indexed=Started(12, 3456, "r")).index_is_complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"ports": 1}',
        '{"ports": {}, "processes": {"search": {"pid": -1, "ticks": 1, "recipe": ""}}, "indexed": null}',
        '{"ports": {"argilla": "x"}, "processes": {}, "indexed": null}',
    ],
)
def test_a_damaged_state_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert read_state(tmp_path / "state.json") == State()


def test_the_home_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    home = Home.at(tmp_path / "home").open()
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot keep Argilla's data"):
        Home.at(tmp_path / "file" / "home").open()
    with pytest.raises(InputError, match="without"):
        Home.at(tmp_path / "what?").open()


def test_the_default_home_is_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Home.at(None).folder == tmp_path / "semillero" / "argilla"
