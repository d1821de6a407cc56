"""Groups that hold nearly the same text are merged; groups that share a template only are not."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from semillero.corpus.neighbours import merge_neighbours
from semillero.curation.signatures import jaccard, word_bigrams

LONG = "el mole poblano es una salsa espesa que combina varios chiles secos con especias semillas y un poco de cacao"
OTHER = (
    "los humedales del delta cambian con cada crecida del río y las garzas vuelven cada año a las mismas islas bajas"
)


def merge(*rows: tuple[str, str, str], threshold: float = 0.7) -> dict[str, str]:
    frame = pl.DataFrame(rows, schema=["grupo", "pregunta", "respuesta"], orient="row")
    return merge_neighbours(frame, threshold).component


def test_near_equal_answers_are_merged_whatever_their_questions() -> None:
    near = LONG.replace("poblano", "oaxaqueño")
    found = merge(("a", "¿Qué es el mole?", LONG), ("b", "¿Cómo se hace?", near), ("c", "¿Qué pasa allí?", OTHER))
    assert found == {"a": "a", "b": "a", "c": "c"}


def test_the_same_question_is_merged_with_other_answers() -> None:
    assert merge(("a", "¿Qué se come?", LONG), ("b", "que se come", OTHER)) == {"a": "a", "b": "b"}
    assert merge(("a", "¿Qué se come?", LONG), ("b", "¡Qué se come!", OTHER)) == {"a": "a", "b": "a"}


def test_a_template_alone_merges_nothing() -> None:
    one, other = (
        "¿Cuál es el plato más típico de la ciudad de Puebla?",
        "¿Cuál es el plato más típico de la ciudad de Lima?",
    )
    assert merge(("a", one, LONG), ("b", other, OTHER)) == {"a": "a", "b": "b"}


def test_merging_is_transitive() -> None:
    words = LONG.split()
    steps = [" ".join([*(f"x{n}" for n in range(k)), *words[k:]]) for k in (0, 2, 4, 6)]
    found = merge(*((f"g{k}", f"pregunta {k}", text) for k, text in enumerate(steps)))
    assert jaccard(word_bigrams(steps[0]), word_bigrams(steps[3])) < 0.7
    assert set(found.values()) == {"g0"}


def test_equal_texts_of_three_groups_make_one_component_that_keeps_the_first_name() -> None:
    assert set(merge(("c", "uno", LONG), ("a", "dos", LONG), ("b", "tres", LONG)).values()) == {"a"}


WORDS = st.lists(st.sampled_from("abcdefghijkl"), min_size=3, max_size=14).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS, min_size=2, max_size=14))
def test_finds_every_pair_that_comparing_all_finds(answers: list[str]) -> None:
    rows = [(f"g{n:02d}", f"pregunta número {n} {n * n}", text) for n, text in enumerate(answers)]
    found = merge(*rows)
    for n, one in enumerate(answers):
        for m, other in enumerate(answers[:n]):
            if jaccard(word_bigrams(one), word_bigrams(other)) >= 0.7:
                assert found[f"g{n:02d}"] == found[f"g{m:02d}"]
