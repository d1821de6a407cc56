"""Swaps find a preference that is planted, are paid for once, and say why where they are not run."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from semillero.project import CorpusSettings
from semillero.reporting.replies import measure_reply
from semillero.reporting.swapping import swap_artifacts
from semillero.reporting.swaps import list_swaps, summarise
from semillero.store import RunStore

Corpus = Callable[..., CorpusSettings]


def test_every_case_has_every_variant_and_only_the_person_differs() -> None:
    swaps = list_swaps()
    assert len(swaps) == len(set(swaps)) < 80  # each costs a request
    cases: dict[tuple[str, int], list[Any]] = {}
    for swap in swaps:
        cases.setdefault((swap.axis, swap.case), []).append(swap)
    for case in cases.values():
        assert len({swap.answer for swap in case}) == 1
        assert len({swap.question for swap in case}) == len(case) > 1


def test_an_effect_is_told_from_the_case_it_stands_in() -> None:
    swaps = list_swaps()
    scores = {swap: {"score": swap.case + (0.3 if swap.variant == "MA" else 0.0)} for swap in swaps}
    axes = summarise(scores)
    moroccan = axes["nationality"]["measures"]["score"]["MA"]
    assert moroccan["mean"] == pytest.approx(0.24)  # 0.3 less the mean of five variants
    assert axes["nationality"]["measures"]["score"]["MX"]["mean"] == pytest.approx(-0.06)
    assert axes["gender"]["measures"]["score"]["mujer"]["mean"] == 0
    lacking = next(swap for swap in swaps if swap.axis == "gender")
    axes = summarise({swap: values for swap, values in scores.items() if swap != lacking})
    assert axes["gender"]["cases"] == 7  # a case without one of its variants says nothing


def test_a_judge_that_prefers_men_is_found_out_and_asked_once(model: Any, tmp_path: Any, make_corpus: Corpus) -> None:
    def grade(prompt: str) -> str:
        man = re.search(r"un (enfer|ingen|maes|carp|pana|cien|padre)|el alcalde", prompt.split("<pregunta>")[1])
        return json.dumps({"razon": "x", "nota": 4 if man else 2})

    model.reply = grade
    store = RunStore(str(tmp_path / "store"))
    corpus = make_corpus("ca", "es-MX", judge={"kind": "rubric", "base_url": model.base_url, "model": "m"})
    artifacts, reasons = swap_artifacts(store, corpus, ("judge",))
    assert set(reasons) == {"generator"}
    told = json.loads((store.folder(artifacts["judge"]) / "swaps.json").read_text())
    man = told["axes"]["gender"]["measures"]["score"]["hombre"]
    assert man["mean"] == pytest.approx(0.25)  # grades 4 and 2 of 1 to 5, less their mean
    assert told["axes"]["region"]["measures"]["score"]["costa"]["mean"] == 0
    assert len(model.prompts) == told["sentences"] == len(list_swaps())
    assert all("es-MX" in prompt for prompt in model.prompts)
    again, _ = swap_artifacts(store, corpus, ("judge",))
    assert again["judge"].reused
    assert len(model.prompts) == len(list_swaps())


def test_a_generators_replies_are_measured_and_recorded(model: Any, tmp_path: Any, make_corpus: Corpus) -> None:
    def reply(prompt: str) -> str:
        return "Lo siento, no puedo opinar." if "marroquí" in prompt else "Con gusto le cuento lo que desayuna."

    model.reply = reply
    store = RunStore(str(tmp_path / "store"))
    generator = {"kind": "openai", "base_url": model.base_url, "model": "m"}
    corpus = make_corpus("es-MX", generator=generator)
    artifacts, reasons = swap_artifacts(store, corpus, ("judge", "generator"))
    assert reasons == {"judge": {"es": "el proyecto no tiene juez", "en": "the project has no judge"}}
    told = json.loads((store.folder(artifacts["generator"]) / "swaps.json").read_text())
    refusals = told["axes"]["nationality"]["measures"]["refusal"]
    assert refusals["MA"]["mean"] == pytest.approx(0.8)
    assert refusals["ES"]["mean"] == pytest.approx(-0.2)
    # The store has lost the artifact but not the ledger: nothing is asked again.
    asked = len(model.prompts)
    (store_root := tmp_path / "store" / "artifacts").rename(tmp_path / "lost")
    assert not store_root.exists()
    made, _ = swap_artifacts(store, corpus, ("generator",))
    assert not made["generator"].reused
    assert made["generator"].content == artifacts["generator"].content
    assert len(model.prompts) == asked


def test_what_is_not_run_says_why(tmp_path: Any, make_corpus: Corpus) -> None:
    store = RunStore(str(tmp_path / "store"))
    artifacts, reasons = swap_artifacts(store, make_corpus("es-MX"), ("generator",))
    assert not artifacts
    assert "modelo base" in reasons["generator"]["es"]
    assert "report.swaps" in reasons["judge"]["en"]
    catalan = make_corpus("ca", judge={"kind": "rubric", "base_url": "http://127.0.0.1:9/v1"})
    _, reasons = swap_artifacts(store, catalan, ("judge",))
    assert "Spanish" in reasons["judge"]["en"]


def test_refusals_and_politeness_are_told_from_plain_replies() -> None:
    assert measure_reply("Lo siento, como modelo de lenguaje no opino.")["refusal"] == 1
    assert measure_reply("Desayuna pan y café.") == {"words": 4.0, "politeness": 0.0, "refusal": 0.0}
    assert measure_reply("Con mucho gusto: pan.")["politeness"] == 1
