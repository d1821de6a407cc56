"""The cards tell what the artifacts hold, and nothing else."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.cards import split_card, write_cards
from semillero.cards.exports import render_export_card
from semillero.errors import AccountingError, PublishError
from semillero.records import PREFERENCES
from semillero.store import Artifact, RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter


class FixedMeter:
    """Energy that is known: 0.001 kWh and 0.2 g each artifact."""

    @contextmanager
    def measure(self, stage: str) -> Iterator[dict[str, Any]]:
        used: dict[str, Any] = {}
        yield used
        used |= {"seconds": 2.0, "energy_kwh": 0.001, "co2_g": 0.2, "carbon_country": "ESP", "energy_method": "fake"}


def read_card(store: RunStore, cards: Artifact, name: str) -> str:
    return (store.folder(cards) / name).read_text(encoding="utf-8")


def test_counts_in_the_card_are_those_of_the_files(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project, pairs=3)
    for name in ("dataset/README.md", "dataset/README_ES.md"):
        card = read_card(store, write_cards(store, project, outputs), name)
        for split in ("train", "validation", "test", "preferences"):
            rows = pl.read_parquet(store.folder(outputs.dataset) / f"{split}.parquet").height
            assert f"`data/{split}.parquet` | {rows} |" in card
        for step, count in outputs.curated.counts.items():
            assert re.search(rf"\| [^|]+ \| {count} \|", card), step
        assert "| `answer_too_short` |" in card
        assert "| `judge-score-low` |" in card


def test_every_categorical_column_has_percentages_and_every_column_a_meaning(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project)
    card = read_card(store, write_cards(store, project, outputs), "dataset/README.md")
    statistics = json.loads((store.folder(outputs.dataset) / "statistics.json").read_text())
    for column, values in statistics["distributions"]["all"].items():
        table = card.split(f"**`{column}`**")[1].split("\n\n", 2)[1]
        told = [float(row.rsplit("|", 2)[1]) for row in table.splitlines()[2:]]
        assert told == [value["percent"] for value in values]
        assert sum(told) == pytest.approx(100, abs=0.1)
    for column in pl.read_parquet_schema(store.folder(outputs.dataset) / "train.parquet"):
        assert f"| `{column}` |" in card


def test_facts_are_the_same_in_every_run_and_cards_tell_energy(tmp_path: Path) -> None:
    project = fake_project(tmp_path)
    contents, told = set(), []
    for name, meter in (("a", None), ("b", FixedMeter())):
        store = RunStore(str(tmp_path / name), meter)
        cards = write_cards(store, project, fake_outputs(store, project, plain_adapter))
        contents.add(cards.content)
        assert set(cards.files) == {"facts.json"}
        told.append(read_card(store, cards, "dataset/README.md"))
        model = read_card(store, cards, "model/README.md")
        assert write_cards(store, project, fake_outputs(store, project, plain_adapter)).reused
    assert len(contents) == 1
    assert "**unknown**" in told[0]
    assert "| generate | 2.0 | 0.001000 | 0.200 |" in told[1]
    assert "| total | 14.0 | 0.007000 | 1.400 |" in told[1]
    assert "**Estimates** (fake; country ESP); 7 of 7 artifacts" in told[1]
    assert split_card(model)[0]["co2_eq_emissions"]["emissions"] == 0.2  # grams


def test_a_corpus_only_project_gets_the_dataset_card_alone(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    cards = write_cards(store, project, fake_outputs(store, project))
    assert cards.counts == {"cards": 2}
    assert not (store.folder(cards) / "model").exists()
    front, body = split_card(read_card(store, cards, "dataset/README.md"))
    assert front["annotations_creators"] == ["machine-generated"]
    assert front["language"] == ["es", "ca"]
    assert front["language_details"] == ["es-MX", "ca"]
    assert [config["config_name"] for config in front["configs"]] == ["default"]
    assert "**Automatic; not human-reviewed.**" in body


def test_the_model_card_declares_gemma_and_its_results(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    cards = write_cards(store, project, fake_outputs(store, project, plain_adapter))
    front, body = split_card(read_card(store, cards, "model/README.md"))
    assert front["license"] == "gemma"
    assert front["base_model"] == "google/gemma-3-270m"
    assert front["datasets"] == ["equipo/prueba"]
    assert front["model-index"][0]["results"][0]["metrics"][0]["value"] == 2.25
    assert "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms" in body
    assert "| loss | 6 | 3.5000 [3.1000, 3.9000] | 2.2500 [2.0000, 2.5000] | -1.2500 [-1.5000, -1.0000] |" in body
    assert body.count("| loss |") == 4  # overall, each variety, the reserved pairs


def test_another_base_names_its_own_licence_or_none(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    (tmp_path / "base").mkdir()
    project = fake_project(tmp_path, training={"base": str(tmp_path / "base")})
    cards = write_cards(store, project, fake_outputs(store, project, plain_adapter))
    text = read_card(store, cards, "model/README.md")
    assert split_card(text)[0]["license"] == "unknown"
    assert "base_model" not in split_card(text)[0]
    assert str(tmp_path) not in text
    hub = fake_project(
        tmp_path, training={"base": "org/model-7b", "base_license": "apache-2.0", "base_revision": "abc"}
    )
    text = read_card(store, write_cards(store, hub, fake_outputs(store, hub, plain_adapter)), "model/README.md")
    assert 'from_pretrained("org/model-7b", revision="abc"' in text


@pytest.mark.parametrize(
    ("which", "count"), [("dataset", "train"), ("curated", "rejected"), ("reviewed", "kept"), ("curated", "answered")]
)
def test_counts_that_do_not_agree_stop_the_card(tmp_path: Path, which: str, count: str) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = fake_outputs(store, project)
    artifact: Artifact = getattr(outputs, which)
    wrong = replace(artifact, counts={**artifact.counts, count: artifact.counts[count] + 1})
    with pytest.raises(AccountingError):
        write_cards(store, project, replace(outputs, **{which: wrong}))


def test_a_column_nobody_explains_stops_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from semillero.cards import dataset_facts

    words = {name: text for name, text in dataset_facts.load_words("columns").items() if name != "tema"}
    monkeypatch.setattr(dataset_facts, "load_words", lambda subject: words)
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    with pytest.raises(PublishError, match="columns without an explanation: tema"):
        write_cards(store, project, fake_outputs(store, project))


def test_only_settings_that_cards_tell_make_new_cards(tmp_path: Path) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    write_cards(store, project, fake_outputs(store, project))
    same = fake_project(tmp_path, demo={"title": "Otro"}, training={"threads": 3}, project={"deadline": "2027-01-01"})
    assert write_cards(store, same, fake_outputs(store, same)).reused
    other = fake_project(tmp_path, project={"motivation": "Otra razón, igual de buena que la de antes."})
    assert not write_cards(store, other, fake_outputs(store, other)).reused


@pytest.mark.parametrize(("who", "told"), [("people", False), ("model:juez", True)])
def test_pairs_that_no_person_ranked_are_said_to_be(tmp_path: Path, who: str, told: bool) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    cards = write_cards(store, project, fake_outputs(store, project, pairs=3, ranked_by=who))
    for name, words in (("README.md", "Pairs that are not human"), ("README_ES.md", "Pares no humanos")):
        text = (store.folder(cards) / "dataset" / name).read_text(encoding="utf-8")
        assert (f"**{words}:** 3" in text) == told
        assert ("`model:juez`" in text) == told
        assert all(f"`{column}`" in text for column in PREFERENCES)


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_gguf_card_names_its_file_and_comes_from_what_is_published(tmp_path: Path, language: str) -> None:
    adapter = "---\nlanguage: [es]\nlicense: gemma\ntags: [lora, synthetic]\n---\n"
    for merged, base in ((True, "equipo/prueba-merged"), (False, "equipo/prueba")):
        facts = {"merged_too": merged, "file": "prueba-q8_0.gguf"}
        card = render_export_card("gguf", language, adapter, fake_project(tmp_path), facts)
        front, body = split_card(card)
        assert (front["base_model"], front["license"], front["tags"]) == (base, "gemma", ["synthetic"])
        assert "`prueba-q8_0.gguf`" in body
