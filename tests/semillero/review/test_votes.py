"""Visitors' votes: read and cleaned, offered to people first, and preference pairs only by what people say of them."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.corpus import drop_held_out
from semillero.errors import InputError
from semillero.project import Project
from semillero.records import ACCEPTED, PREFERENCES, write_records
from semillero.review import review_by_people
from semillero.review.people import ask, find_standing
from semillero.review.priority import plan_review
from semillero.review.team import prepare_team
from semillero.review.vote_sources import find_vote_folders, local_votes
from semillero.review.votes import keep_votes, newest_votes, read_kept_votes, read_votes, rows_to_review
from semillero.store import Recipe, RunStore
from tests.hub_server import open_hub
from tests.reviewed_rows import make_rows
from tests.reviewing import GOOD, answer_as, make_accepted, make_project, make_scores

CODES = ("es-MX", "es-AR", "ca")


def line(number: int, **changes: Any) -> dict[str, Any]:
    """A vote as the Space writes it."""
    return {
        "schema": 1, "id": f"{number:016x}", "time": "2026-11-20T10:00:00+00:00",
        "question": f"¿Qué se come en la fiesta número {number} del barrio?", "variety": "es-MX", "register": "",
        "answers": {"base": f"No sé la {number}.", "tuned": f"Tamales de rajas, los {number}."},
        "order": ["tuned", "base"], "vote": "first", "comment": "", "consent": "2026-11",
        "model": {"id": "equipo/saberes", "revision": "abc", "base": "b", "engine": "llama"}, **changes,
    }  # fmt: skip


def write(folder: Path, *votes: dict[str, Any], name: str = "2026-11-20/a.jsonl", tail: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(vote, ensure_ascii=False) + "\n" for vote in votes) + tail, encoding="utf-8")
    return folder


@pytest.fixture
def project() -> Project:
    return make_project("votado", CODES)


def test_votes_are_read_once_each_without_personal_data(tmp_path: Path, project: Project) -> None:
    private = line(1, question="Soy Ana, escríbeme a ana@example.org, ¿qué comemos?", comment="mi DNI: 12345678Z")
    write(tmp_path, private, line(2, order=["base", "tuned"]), tail='{"schema": 1, "id": "00')
    write(tmp_path, line(2), line(3, schema=9), line(4, answers={"base": "x"}), name="2026-11-21/b.jsonl")
    votes, counts = read_votes([tmp_path], project)
    assert counts == {"read": 6, "unreadable": 3, "doubled": 1}
    assert votes["id"].to_list() == [f"{n:016x}" for n in (1, 2)]
    assert "ana@example.org" not in votes.write_ndjson()
    assert "12345678" not in votes.write_ndjson()
    # Answers stand in the order that the visitor saw, and nothing tells which model wrote which.
    assert votes["first"].to_list() == ["Tamales de rajas, los 1.", "No sé la 2."]


def test_a_question_without_a_variety_goes_to_the_only_one_of_its_language(tmp_path: Path, project: Project) -> None:
    catalan = "Quins plats es mengen a la teva comarca per la festa major de l'estiu?"
    write(tmp_path, line(1, variety="", question=catalan), line(2, variety=""), line(3, variety="fr"))
    votes, _ = read_votes([tmp_path], project)
    assert votes["variety"].to_list() == ["ca", None, None]  # two varieties of Spanish: nobody can tell which
    assert rows_to_review(votes, project)["variety"].to_list() == ["ca"]


def test_only_a_preference_between_two_answers_is_worth_peoples_time(tmp_path: Path, project: Project) -> None:
    same = {"base": "Igual.", "tuned": "Igual."}
    write(tmp_path, line(1), line(2, vote="both_good"), line(3, vote="both_bad"), line(4, answers=same))
    rows = rows_to_review(read_votes([tmp_path], project)[0], project)
    assert list(rows.schema) == list(ACCEPTED)
    assert rows.select("instruction", "answer", "alternative", "technique").rows() == [
        (line(1)["question"], "Tamales de rajas, los 1.", "No sé la 1.", "space_vote")
    ]


def test_what_a_space_has_lost_is_kept(tmp_path: Path, project: Project) -> None:
    store = RunStore(str(tmp_path / "store"))
    first, _ = read_votes([write(tmp_path / "a", line(1), line(2))], project)
    later, _ = read_votes([write(tmp_path / "b", line(2), line(3))], project)
    assert keep_votes(store, first).counts == {"votes": 2, "decided": 2}
    kept = keep_votes(store, later)
    assert kept.counts["votes"] == 3
    assert keep_votes(store, first).content == kept.content  # the same votes, the same artifact
    assert read_kept_votes(store, newest_votes(store))["id"].to_list() == [f"{n:016x}" for n in (1, 2, 3)]


def test_votes_are_reviewed_first(tmp_path: Path, project: Project) -> None:
    accepted = make_accepted(CODES)
    votes = rows_to_review(read_votes([write(tmp_path, line(1), line(2, variety="es-AR"))], project)[0], project)
    planned = plan_review(project, pl.concat([accepted, votes]), make_scores(accepted))
    first = planned.filter(pl.col("priority") == 1)
    assert set(first.filter(pl.col("variety") != "ca")["technique"]) == {"space_vote"}


def test_a_question_of_the_test_split_makes_no_pair(project: Project) -> None:
    reviewed = pl.DataFrame(make_rows(CODES, groups=2), infer_schema_length=None)
    asked, other = reviewed["instruction"][0], reviewed["instruction"][1]
    rows = pl.DataFrame({"pregunta": [asked, other], "grupo": ["a", "b"], "split": ["test", "train"]})
    retyped = asked.strip("¿?").upper() + " ??"
    pairs = [(str(n), "es-MX", prompt, "mejor", "peor") for n, prompt in enumerate((retyped, other, "¿Otra cosa?"))]
    columns = ["id", "variety", "prompt", "chosen", "rejected"]
    table = pl.DataFrame(pairs, schema=columns, orient="row")
    assert drop_held_out(table, reviewed, rows)["prompt"].to_list() == [other, "¿Otra cosa?"]


@pytest.mark.slow
def test_people_decide_about_a_vote_and_it_alone_becomes_a_pair(
    tmp_path: Path, argilla_server: Any, name: str, monkeypatch: pytest.MonkeyPatch, client: Any
) -> None:
    monkeypatch.setenv("ARGILLA_API_KEY", argilla_server.api_key)
    project = make_project(name, ("es-MX",), people=1, overlap=0.0, overlap_submitted=1, url=argilla_server.url)
    accounts = prepare_team(client, project)
    store = RunStore(str(tmp_path / "store"))
    with store.draft(Recipe("curate", 1, {}, {})) as draft:
        write_records(make_accepted(("es-MX",), groups=2), ACCEPTED, draft.path / "accepted.parquet")
    curated = draft.artifact
    keep_votes(store, read_votes([write(tmp_path / "v", *(line(n) for n in range(1, 5)))], project)[0])
    standing = ask(store, curated, project, find_standing(store, curated, None, project))
    assert (standing.accepted.height, standing.offered.height, standing.quorum.records) == (6, 4, 6)

    # The visitor preferred the first of each; people prefer another one, like both, or neither.
    said = {1: "first", 2: "second", 3: "both_good"}

    def judge(record: dict[str, Any]) -> dict[str, Any] | None:
        if record["metadata"]["technique"] != "space_vote":
            return GOOD
        number = int(record["fields"]["question_text"].split("número ")[1].split()[0])
        return {**GOOD, "ranking": said[number]} if number in said else {"status": "discarded", **GOOD}

    assert answer_as(argilla_server, accounts[0].name, accounts[0].password, judge) == 10
    ask(store, curated, project, standing)
    reviewed = review_by_people(store, curated, None, project)
    assert reviewed.counts == {"accepted": 6, "kept": 6, "discarded": 0, "pending": 0}
    pairs = pl.read_parquet(store.folder(reviewed) / "preferences.parquet").select(list(PREFERENCES))
    assert pairs.select("chosen", "rejected").rows() == [
        ("No sé la 2.", "Tamales de rajas, los 2."), ("Tamales de rajas, los 1.", "No sé la 1."),
    ]  # fmt: skip
    told = json.loads((store.folder(reviewed) / "agreement.json").read_text())["votes"]
    assert (told["offered"], told["answered"], told["pairs"]) == (4, 4, 2)


def test_votes_come_from_the_spaces_dataset_and_from_this_machine(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    publish = project.publish.model_copy(update={"target": "hub"})
    project = project.model_copy(update={"publish": publish, "store": str(tmp_path / "store")})
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    name, segment = f"{project.repository}-votes", "votes/2026-11-20/a.jsonl"
    with open_hub(tmp_path / "hub") as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", hub.token)
        with pytest.raises(InputError, match="there are no votes"):
            find_vote_folders(project)
        hub.create("dataset", name, private=True)
        hub.push("dataset", name, {segment: json.dumps(line(1)).encode() + b"\n", "README.md": b"# votes\n"})
        hub.fault(segment, "reset")
        write(local_votes(project), line(2))
        votes, counts = read_votes(find_vote_folders(project), project)
    assert votes.height == counts["read"] == 2
