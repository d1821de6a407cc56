import random

import polars as pl
import pytest

from semillero.curation.duplicates import (
    choose_bands,
    find_exact_duplicates,
    find_near_duplicates,
    jaccard,
    word_bigrams,
)

PASSAGE = "El pulque se prepara con la savia del maguey, que los tlachiqueros recogen cada mañana con un acocote."
OTHER = "En los Andes se prepara chicha con maíz germinado, que se cuece y se deja fermentar varios días."


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
    found = find_exact_duplicates(rows)
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


@pytest.mark.parametrize(("threshold", "bands"), [(0.98, 4), (0.9, 8), (0.7, 16), (0.5, 32), (0.35, 32)])
def test_bands_keep_recall_at_the_threshold(threshold, bands):
    assert choose_bands(threshold) == bands


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
    assert find_exact_duplicates(none).is_empty()
    assert find_near_duplicates(none, 0.7).schema == pl.Schema(
        {"row": pl.UInt32(), "reason": pl.String(), "evidence": pl.String()}
    )
