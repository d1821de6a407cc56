import random

import polars as pl
import pytest

from semillero.curation.candidates import MOST_IN_BUCKET, PAIR, Candidates, keep_first
from semillero.curation.comparing import compare_rows
from semillero.curation.duplicates import find_exact_duplicates
from semillero.curation.funnel import VERDICT
from semillero.curation.normalisation import add_plain_columns
from semillero.curation.signatures import PERMUTATIONS, choose_rows, jaccard, sign_rows, word_bigrams
from semillero.project import FilterSettings

PASSAGE = "El pulque se prepara con la savia del maguey, que los tlachiqueros recogen cada mañana con un acocote."
OTHER = "En los Andes se prepara chicha con maíz germinado, que se cuece y se deja fermentar varios días."


def compare(rows, threshold=0.7, **settings):
    filters = FilterSettings(near_duplicate=threshold, **settings)
    signed = sign_rows(rows, threshold).with_columns(pl.lit([], pl.List(pl.String)).alias("flags"))
    return compare_rows(signed, lambda wanted: rows.filter(pl.col("row").is_in(wanted.implode())), filters)


def find_near_duplicates(rows, threshold):
    verdicts = compare(rows, threshold, reworded="off").funnel.verdicts
    return verdicts.filter(pl.col("reason") == "near_duplicate")


def rows_of(found):
    return found["row"].to_list()


def test_the_same_question_twice_is_a_duplicate_whatever_its_answer(plain_rows):
    rows = plain_rows(
        [
            ("es-MX", "¿Quién recoge la savia del maguey?", PASSAGE),
            ("es-MX", "¿quién recoge la savia del maguey", PASSAGE),
            ("es-MX", "¿Quién recoge la savia del maguey?", OTHER),
            ("es-CO", "¿Quién recoge la savia del maguey?", PASSAGE),  # another variety
            ("es-MX", "¿Con qué herramienta se recoge?", PASSAGE),  # another question, the same passage
        ]
    )
    found = find_exact_duplicates(sign_rows(rows, 0.7))
    assert rows_of(found) == [1, 2]
    assert set(found["evidence"]) == {f"same instruction as {rows['id'][0]}"}


def test_near_duplicates_are_judged_on_the_instruction(plain_rows):
    rows = plain_rows(
        [
            ("es-MX", "¿Con qué herramienta recogen los tlachiqueros la savia del maguey cada mañana?", PASSAGE),
            ("es-MX", "¿Con qué herramienta recogen los tlachiqueros la savia del maguey cada día?", PASSAGE),
            ("es-MX", "¿A qué hora se recoge la savia y quién la recoge?", PASSAGE),
            ("es-CO", "¿Con qué herramienta recogen los tlachiqueros la savia del maguey cada mañana?", PASSAGE),
        ]
    )
    found = find_near_duplicates(rows, 0.7)
    assert rows_of(found) == [1]
    assert rows["id"][0] in found["evidence"][0]
    assert "threshold 0.7" in found["evidence"][0]


def test_a_template_with_another_subject_is_another_question(plain_rows):
    rows = plain_rows(
        [
            ("es-MX", "¿Cuál es el plato más típico de la cocina tradicional de Oaxaca?", PASSAGE),
            ("es-MX", "¿Cuál es el plato más típico de la cocina tradicional de Puebla?", OTHER),
            # Only a function word differs from the first: the same question.
            ("es-MX", "¿Cuál es el plato más típico en la cocina tradicional de Oaxaca?", OTHER),
        ]
    )
    assert rows_of(find_near_duplicates(rows, 0.6)) == [2]


def test_there_is_no_transitive_union(plain_rows):
    words = [f"palabra{n}" for n in range(20)]
    chain = [words[:12], words[1:13], words[2:14], words[3:15]]
    rows = plain_rows([("es-MX", " ".join(each), PASSAGE) for each in chain])
    # Neighbours reach 10/12 and second neighbours 9/13 ≈ 0.69: the third row is like the rejected second only.
    assert rows_of(find_near_duplicates(rows, 0.7)) == [1, 3]


@pytest.mark.parametrize(("threshold", "rows"), [(0.98, 16), (0.9, 8), (0.7, 4), (0.5, 2), (0.35, 1)])
def test_bands_keep_recall_at_the_threshold(threshold, rows):
    assert choose_rows(threshold) == rows
    assert 1 - (1 - threshold ** (2 * rows)) ** (PERMUTATIONS // rows) >= 0.8


def test_recall_is_high_and_every_find_is_verified(plain_rows):
    random.seed(7)
    vocabulary = [f"vocablo{n}" for n in range(3000)]
    base = [random.choices(vocabulary, k=random.randint(10, 25)) for _ in range(1500)]
    copies = [[*words[:-1], random.choice(vocabulary)] for words in base[:300]]
    texts = [" ".join(words) for words in (*base, *copies)]
    found = find_near_duplicates(plain_rows([("es-ES", text, PASSAGE) for text in texts]), 0.7)
    similar = [n for n in range(300) if jaccard(word_bigrams(texts[n]), word_bigrams(texts[1500 + n])) >= 0.7]
    caught = [n for n in similar if 1500 + n in set(rows_of(found))]
    assert len(similar) > 250
    assert len(caught) / len(similar) >= 0.95
    assert set(rows_of(found)) <= {1500 + n for n in similar}


def test_empty_frames_pass(plain_rows):
    none = plain_rows([("es-MX", "a", "b")]).clear()
    compared = compare(none)
    assert compared.funnel.verdicts.is_empty()
    assert compared.linked.is_empty()


def test_across_varieties_rows_are_linked_and_both_stay(plain_rows):
    question = "¿Con qué herramienta recogen los tlachiqueros la savia del maguey cada mañana?"
    rows = plain_rows(
        [("es-MX", question, PASSAGE), ("es-CO", question, OTHER), ("es-AR", question + " Contame.", OTHER)]
    )
    compared = compare(rows)
    assert compared.funnel.verdicts.is_empty()
    ids = rows["id"].to_list()
    linked = dict(compared.linked.select("row", "linked").iter_rows())
    assert linked[0] == sorted(set(ids) - {ids[0]})
    assert set(linked[1]) >= {ids[0]}
    assert set(compared.linked["flags"].explode()) == {"across_varieties"}


def test_rows_of_one_parallel_group_are_not_linked(plain_rows):
    question = "¿Con qué herramienta recogen los tlachiqueros la savia del maguey cada mañana?"
    rows = plain_rows([("es-MX", question, PASSAGE), ("es-CO", question, OTHER), ("es-AR", question, OTHER)])
    grouped = rows.with_columns(pl.Series("parallel", ["g1", "g1", None]))
    linked = dict(compare(grouped).linked.select("row", "linked").iter_rows())
    assert linked[0] == linked[1] == [rows["id"][2]]


def test_the_same_words_in_another_conversation_are_another_question(plain_rows, make_rows):
    follow = "¿Y cómo se hace eso mismo en invierno?"
    rows = make_rows([("es-MX", follow, PASSAGE), ("es-MX", follow, OTHER), ("es-MX", follow, OTHER)])
    turns = [
        [{"role": "user", "content": text}] for text in ("¿Cómo se riega el maíz?", "¿Cómo se poda?", "¿Cómo se poda?")
    ]
    rows = add_plain_columns(rows.with_columns(pl.Series("history", turns)))
    assert rows_of(find_exact_duplicates(sign_rows(rows, 0.7))) == [2]


REWORDED = [
    ("es-MX", "¿Cómo se prepara el pulque curado de guayaba?", PASSAGE),
    ("es-MX", "Explica cómo preparar pulque curado de guayaba.", OTHER),
    ("es-MX", "¿Cómo se prepara el pulque curado de avena?", OTHER),  # another matter
    ("es-CO", "¿Cómo preparar el pulque curado de guayaba?", OTHER),  # another variety
]


def test_how_and_when_are_two_questions(plain_rows):
    asked = "{} recogen los tlachiqueros la savia del maguey en las faldas del volcán"
    rows = plain_rows([("es-MX", asked.format("¿Cómo"), PASSAGE), ("es-MX", asked.format("¿Cuándo"), OTHER)])
    compared = compare(rows)
    assert compared.funnel.verdicts.is_empty()
    assert compared.linked.is_empty()


def test_reworded_rows_are_flagged_or_dropped(plain_rows):
    rows = plain_rows(REWORDED)
    flagged = compare(rows, reworded_similarity=0.5)
    assert flagged.funnel.verdicts.is_empty()
    assert flagged.linked.select("row", "linked", "flags").rows() == [(1, [rows["id"][0]], ["reworded"])]
    dropped = compare(rows, reworded_similarity=0.5, reworded="drop")
    assert dropped.funnel.verdicts.select("row", "reason").rows() == [(1, "reworded")]
    assert rows["id"][0] in dropped.funnel.verdicts["evidence"][0]


def test_what_was_not_searched_is_told(plain_rows):
    skipped = compare(plain_rows(REWORDED), reworded_similarity=0.5, reworded_max_rows=2)
    assert skipped.linked.is_empty()
    assert skipped.told["reworded"]["es-MX"] == {
        "rows": 3, "searched": False, "why_not": "more rows than filters.reworded_max_rows, 2",
    }  # fmt: skip
    assert skipped.told["reworded"]["es-CO"]["searched"]


def test_a_full_bucket_is_cut_short_and_counted():
    import numpy as np

    found, size = Candidates(), MOST_IN_BUCKET + 11
    found.pair_up(np.arange(size), np.zeros(size))
    left, right = found.pairs()
    assert len(left) + found.not_compared == size * (size - 1) // 2
    assert set(zip(np.zeros(size - 1, int), range(1, size), strict=True)) <= set(
        zip(left.tolist(), right.tolist(), strict=True)
    )
    assert (left < right).all()


def test_the_first_kept_row_is_named():
    pairs = pl.DataFrame([(0, 1, 0.9), (1, 2, 0.9), (0, 3, 0.8), (2, 3, 0.7)], schema=PAIR, orient="row")
    assert keep_first(pairs).rows() == [(1, 0, 0.9), (3, 0, 0.8)]  # 2 is only like 1, which is gone


def test_quotas_take_turns_among_passages_and_topics(plain_rows):
    texts = [("es-MX", f"¿Qué dice la ficha número {n} del archivo?", f"{PASSAGE} {n}") for n in range(12)]
    rows = plain_rows(texts).with_columns(
        pl.Series("group", ["p1"] * 8 + ["p2", "p3", "p4", "p5"]), pl.Series("topic", ["agua"] * 10 + ["fuego"] * 2)
    )
    compared = compare(rows, 1.0, topic_quota=3, variety_quota=4, reworded="off")
    kept = compared.funnel.rows
    assert kept["topic"].value_counts().sort("topic").rows() == [("agua", 2), ("fuego", 2)]
    assert kept.filter(pl.col("topic") == "agua")["group"].n_unique() == 2
    reasons = compared.funnel.verdicts
    assert set(reasons["reason"]) == {"over_quota"}
    assert all("quota" in each for each in reasons["evidence"])
    assert reasons.schema == VERDICT
