"""The stage: one page that anybody can open, the same for the same rows, in which rows are text."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from semillero.cards import write_cards
from semillero.errors import AccountingError
from semillero.project.models import ReportSettings
from semillero.publishing.planning import plan_repositories
from semillero.reporting import report_corpus
from semillero.reporting.stage import measure_corpus
from semillero.store import Artifact, RunStore
from tests.fake_outputs import fake_outputs, fake_project

EVIL = '<script>alert(1)</script> <img src=x onerror="alert(2)"> [enlace](javascript:alert(3)) | **negrita**'
NO_SWAPS = ReportSettings(swaps=())
NAMES = {"es-MX": "variedad es-MX", "es-AR": "variedad es-AR"}


@pytest.fixture
def rows(make_rows: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    texts = [("es-MX", f"¿Qué platica la maestra {n}?", f"Ahorita lo cuenta, vez {n}.", None) for n in range(20)]
    texts += [("es-AR", f"¿Qué decís vos, {n}?", f"El médico dice que tenés {n} años.", None) for n in range(18)]
    texts += [("es-AR", EVIL, EVIL, None), ("es-AR", EVIL, EVIL, "near_duplicate")]
    texts += [("es-MX", "¿Llamo al 55 1234 5678?", "Escribe a ana@example.org.", "answer_too_short")]
    texts += [("es-MX", "¿Algo?", "Poca cosa.", "judge-score-low")]
    return make_rows(texts)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def make(store: RunStore, rows: pl.DataFrame, put_rows: Any, make_corpus: Any, **settings: Any) -> Artifact:
    curated, reviewed = put_rows(store, rows)
    return report_corpus(store, curated, reviewed, make_corpus("es-MX", "es-AR"), NO_SWAPS.model_copy(update=settings))


def test_the_report_is_one_page_without_markup_from_rows(
    rows: pl.DataFrame, tmp_path: Path, put_rows: Any, make_corpus: Any
) -> None:
    store = RunStore(str(tmp_path / "store"))
    made = make(store, rows, put_rows, make_corpus)
    folder = store.folder(made)
    assert made.counts == {"answered": 42, "kept": 39, "looked_at": 42}
    html = (folder / "report.html").read_text(encoding="utf-8")
    page = Tags()
    page.feed(html)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "link", "object", "form"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), attributes
        for name in ("src", "srcset", "href"):
            assert re.match(r"data:image/svg\+xml;base64,|#s\d", attributes.get(name) or "#s0"), (tag, name)
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(list((folder / "figures").glob("*.png"))) >= 5
    assert all(image["alt"] for image in images)
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "[enlace](" not in markdown
    assert {f"figures/{path.name}" for path in (folder / "figures").iterdir()} == set(
        re.findall(r"\((figures/.+)\)", markdown)
    )
    assert "ana@example.org" not in html + markdown  # a rejected row's personal data


def test_equal_rows_give_equal_bytes_and_are_found_again(
    rows: pl.DataFrame, tmp_path: Path, put_rows: Any, make_corpus: Any
) -> None:
    first, second = (RunStore(str(tmp_path / name)) for name in "ab")
    made = make(first, rows, put_rows, make_corpus)
    again = make(second, rows.reverse(), put_rows, make_corpus)
    assert made.content == again.content
    assert make(first, rows, put_rows, make_corpus).reused


def test_numbers_are_those_of_the_rows(rows: pl.DataFrame, tmp_path: Path, put_rows: Any) -> None:
    store = RunStore(str(tmp_path / "store"))
    curated, reviewed = put_rows(store, rows)
    report = measure_corpus(store.folder(curated), store.folder(reviewed), NAMES, 1000)
    assert report["varieties"]["es-MX"]["rejected"]["hits"] == 1
    assert report["varieties"]["es-MX"]["discarded"]["hits"] == 1
    steps = [step["reason"] for step in report["mitigations"]]
    assert steps == ["answer_too_short", "near_duplicate", "judge-score-low"]
    assert report["markers"]["es-AR"]["instruction"]["evidence"]["hits"] == 18
    assert report["markers"]["es-AR"]["instruction"]["contradiction"]["hits"] == 0
    assert report["genders"]["varieties"]["es-MX"]["feminine"]["rate"] == 1.0
    assert report["kept"]["rows"] == 39
    assert report["untried"] == []


def test_above_the_limit_a_fixed_sample_is_looked_at(rows: pl.DataFrame, tmp_path: Path, put_rows: Any) -> None:
    store = RunStore(str(tmp_path / "store"))
    curated, reviewed = put_rows(store, rows)
    sampled = measure_corpus(store.folder(curated), store.folder(reviewed), NAMES, 10)
    assert sampled["rows"] == {
        "answered": 42, "readable": 42, "looked_at": 10, "kept": 39, "kept_looked_at": sampled["kept"]["rows"],
    }  # fmt: skip
    assert sampled["varieties"]["es-MX"]["rejected"]["of"] == 22  # counts are of all rows


def test_rows_that_curation_did_not_count_stop_the_report(rows: pl.DataFrame, tmp_path: Path, put_rows: Any) -> None:
    store = RunStore(str(tmp_path / "store"))
    curated, reviewed = put_rows(store, rows)
    path = store.folder(curated) / "curation.json"
    told = json.loads(path.read_text())
    told["counts"]["answered"] += 1
    path.write_text(json.dumps(told))
    with pytest.raises(AccountingError, match="42 rows have both texts; curation counted 43"):
        measure_corpus(store.folder(curated), store.folder(reviewed), NAMES, 1000)


def test_a_technique_tried_on_a_scripted_server_only_is_said_to_be(
    rows: pl.DataFrame, tmp_path: Path, put_rows: Any, make_corpus: Any
) -> None:
    store = RunStore(str(tmp_path / "store"))
    made = make(store, rows.with_columns(technique=pl.lit("evolved")), put_rows, make_corpus)
    text = (store.folder(made) / "report.md").read_text(encoding="utf-8")
    assert "Atención: evolved solo se ha probado con un servidor de respuestas fijas" in text


def test_the_card_is_filled_from_the_report(
    rows: pl.DataFrame, tmp_path: Path, put_rows: Any, make_corpus: Any
) -> None:
    store, project = RunStore(str(tmp_path / "store")), fake_project(tmp_path)
    outputs = replace(fake_outputs(store, project), report=make(store, rows, put_rows, make_corpus))
    folder = store.folder(write_cards(store, project, outputs))
    spanish = (folder / "dataset" / "README_ES.md").read_text(encoding="utf-8")
    assert "| `es-MX` | 4.5 [0.8 – 21.8] |" in spanish.split("### Las variedades, medidas")[1]
    assert "| `near_duplicate` | 1 |" in spanish.split("## Mitigaciones y lo que costaron")[1]
    assert "(20/20)" in spanish.split("### El sesgo, medido")[1]
    assert "no se ejecutó, porque no se pidió" in spanish
    assert "![figures/genders.png](report/figures/genders.png)" in spanish
    (dataset,) = plan_repositories(store, project, outputs, write_cards(store, project, outputs), None)
    names = {file.name for file in dataset.files}
    assert {"report/report.md", "report/report.json", "report/figures/genders.png"} <= names
    assert not any(name.endswith(".html") for name in names)  # nothing that a browser would run is published
    english = (folder / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "not run, because it was not asked for" in english
    without = store.folder(write_cards(store, project, replace(outputs, report=None)))
    assert "They were not measured." in (without / "dataset" / "README.md").read_text(encoding="utf-8")
