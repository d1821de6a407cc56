"""The measures say what is planted in the rows, and nothing where nothing is."""

import random
from collections.abc import Callable

import polars as pl
import pytest

from semillero.curation.offensive import find_offensive, flag_offensive
from semillero.intervals import mean_of, share_of
from semillero.reporting.flags import find_groups, measure_false_positives, measure_flags
from semillero.reporting.genders import find_mentions, measure_genders
from semillero.reporting.mitigation import measure_mitigations, measure_rows
from semillero.reporting.parallel import measure_parallel
from semillero.reporting.rows import mark_rows
from semillero.reporting.vocabulary import count_words, measure_overlap, rank_words
from semillero.reporting.words import read_clean

Rows = Callable[..., pl.DataFrame]


def test_shares_and_means_have_known_intervals() -> None:
    # Wilson's interval of 1 in 10, as in Newcombe (1998), table I's method 3.
    assert share_of(1, 10) == {"hits": 1, "of": 10, "rate": 0.1, "low": 0.0179, "high": 0.4042}
    assert share_of(0, 0)["rate"] is None
    assert share_of(0, 20)["low"] == 0.0
    effect = mean_of([0.1, 0.2, 0.3, 0.2])
    assert effect["low"] < effect["mean"] == 0.2 < effect["high"]
    assert effect == mean_of([0.1, 0.2, 0.3, 0.2])
    assert mean_of([0.1, 0.3])["low"] is None


@pytest.mark.parametrize(
    ("text", "variety", "found"),
    [
        ("La médica llegó.", "es-MX", {("médico", "feminine")}),
        ("Fue maestra rural.", "es-AR", {("maestro", "feminine")}),
        ("Los maestros protestan.", "es-MX", {("maestro", "masculine_plural")}),
        ("Los maestros y las maestras.", "es-MX", {("maestro", "both_named")}),
        ("Las maestras y los maestros.", "es-MX", {("maestro", "both_named")}),
        ("Las tejedoras de Tenango.", "es-MX", {("tejedor", "feminine_plural")}),
        ("La artista y ella.", "es-ES", {("artista", "epicene_feminine")}),
        ("Vino un periodista.", "es-ES", {("periodista", "epicene_masculine")}),
        ("Cuenta con artistas de paso.", "es-ES", {("artista", "epicene_unmarked")}),
        ("Un queso artesano muy bueno.", "es-ES", set()),  # an adjective
        ("L'infermera i el metge.", "ca", {("infermer", "feminine"), ("metge", "masculine")}),
        ("Emakume medikua.", "eu", set()),
    ],
)
def test_professions_and_their_gender(text: str, variety: str, found: set[tuple[str, str]]) -> None:
    assert {(m.profession, m.kind) for m in find_mentions(text, variety)} == found


def test_the_share_of_women_counts_singulars_once_a_text(make_rows: Rows) -> None:
    passage = "La alcaldesa saludó a los bomberos."
    rows = make_rows(
        [("es-MX", f"¿Pregunta {n}?", passage, None) for n in range(5)]  # one passage, five questions about it
        + [("es-MX", "¿Quién es el juez?", "Un juez.", None), ("eu", "Nor da?", "Medikua da.", None)]
    )
    measured = measure_genders(rows)
    assert measured["varieties"]["eu"] is None
    feminine = measured["varieties"]["es-MX"]["feminine"]
    assert (feminine["hits"], feminine["of"]) == (1, 3)
    assert measured["varieties"]["es-MX"]["mentions"]["masculine_plural"] == 1
    assert measured["all"]["professions"]["juez"]["masculine"] == 2


def test_overlap_tells_cosmetic_varieties_from_real_ones(make_rows: Rows) -> None:
    chance = random.Random(5)
    common = [f"palabra{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(400)]
    own = [word.replace("palabra", "vocablo") for word in common]

    def write(variety: str, words: list[str]) -> list[tuple[str, str, str, None]]:
        return [(variety, "¿Qué?", "En Oaxaca " + " ".join(chance.choices(words, k=12)), None) for _ in range(40)]

    rows = make_rows(write("es-MX", common) + write("es-ES", common) + write("es-AR", own) + write("ca", common))
    bags = count_words(rows)
    assert all("oaxaca" not in bag for groups in bags.values() for bag in groups)
    pairs = {tuple(pair["varieties"]): pair for pair in measure_overlap(bags)}
    assert set(pairs) == {("es-AR", "es-ES"), ("es-AR", "es-MX"), ("es-ES", "es-MX")}  # Catalan has nobody to compare
    same, other = pairs["es-ES", "es-MX"], pairs["es-AR", "es-MX"]
    assert same["low"] - 0.02 <= same["overlap"] <= same["high"] + 0.02
    assert other["overlap"] < other["low"]
    assert measure_overlap(bags) == measure_overlap(bags)


def test_the_words_that_tell_a_variety_apart_come_first(make_rows: Rows) -> None:
    shared = "la gente prepara comida y camina por el campo con agua"
    rows = make_rows(
        [("es-AR", "¿Qué?", f"{shared} mate bombilla", None) for _ in range(12)]
        + [("es-MX", "¿Qué?", f"{shared} tortilla", None) for _ in range(12)]
    ).with_columns(answer=pl.col("answer") + pl.int_range(pl.len()).cast(pl.String))
    ranked = rank_words(count_words(rows))
    assert {entry["word"] for entry in ranked["es-AR"]} == {"mate", "bombilla"}
    assert [entry["word"] for entry in ranked["es-MX"]] == ["tortilla"]
    assert all(entry["z"] > 1.96 for entry in ranked["es-AR"])


def test_parallel_answers_that_agree_and_that_do_not(make_rows: Rows) -> None:
    dishes = ["tortillas maíz comal", "asado carne parrilla", "bandeja paisa frijoles", "tortilla patatas cebolla"]
    rows = []
    for number, dish in enumerate(dishes):
        rows.append(("es-MX", "¿Qué?", f"Se come {dish} {number}", None))
        rows.append(("es-ES", "¿Qué?", f"Se come {dish} {number}" if number < 2 else "Gazpacho frío andaluz", None))
    frame = make_rows(rows)
    assert measure_parallel(frame) is None
    named = frame.with_columns(parallel=pl.Series([f"g{n // 2}" for n in range(8)]))
    measured = measure_parallel(named)
    assert measured is not None
    assert (measured["agreement"]["hits"], measured["agreement"]["of"]) == (2, 4)
    assert measured["chance"]["hits"] == 0
    assert list(measured["pairs"]) == ["es-ES · es-MX"]
    assert measure_parallel(frame.with_columns(parallel=pl.lit(None, pl.String))) is None


@pytest.mark.parametrize(
    ("variety", "text"),
    [
        ("es-MX", "No seas pendejo."), ("es-AR", "La concha de tu madre."), ("es-CO", "Ese malparido no paga."),
        ("es-ES", "Putos moros, fuera."), ("es-CL", "Conchetumare, qué frío."), ("es-MX", "Pinches indios."),
        ("es-ES", "Sudacas fuera de aquí."), ("ca", "Fill de puta!"), ("es-PE", "Cholo de mierda."),
    ],
)  # fmt: skip
def test_insults_are_found(variety: str, text: str) -> None:
    assert find_offensive(text, variety)


@pytest.mark.parametrize("word", ["coger", "concha", "pico", "bicho", "polla", "chucha", "paja", "cajeta", "negro"])
def test_words_that_are_ordinary_somewhere_are_in_no_list(word: str) -> None:
    for variety in ("es-MX", "es-AR", "es-CO", "es-ES", "es-CL", "es-PE", "es-PR", "es-VE"):
        assert not find_offensive(f"El {word} de la señora.", variety), variety


def test_one_word_is_an_insult_here_and_not_there(make_rows: Rows) -> None:
    rows = make_rows([("es-ES", "¿Qué?", "Eres marica.", None), ("es-CO", "¿Qué?", "Hola, marica.", None)])
    flags = flag_offensive(rows.with_row_index("row"))
    assert flags["row"].to_list() == [0]
    measured = measure_flags(mark_rows(rows))
    assert measured["varieties"]["es-ES"]["hits"] == 1
    assert measured["varieties"]["es-CO"]["hits"] == 0
    assert measured["words"] == {"marica": 1}


def test_the_lists_false_alarms_are_measured_on_clean_sentences() -> None:
    false = measure_false_positives()
    flagged = [text for variety, text in read_clean() if find_offensive(text, variety)]
    assert false["all"]["hits"] == len(flagged) > 0  # texts about insults are there on purpose
    assert false["all"]["rate"] < 0.15
    assert sum(part["of"] for part in false["varieties"].values()) == len(read_clean()) == false["all"]["of"]


def test_flags_stand_beside_the_groups_that_texts_name(make_rows: Rows) -> None:
    assert find_groups("Las mujeres zapotecas.", "es-MX") == ["mujeres", "pueblos indígenas"]
    rows = make_rows(
        [
            ("es-ES", "¿Qué?", "Los gitanos son idiotas.", None),
            ("es-ES", "¿Qué?", "El pueblo gitano canta.", None),
            ("es-ES", "¿Qué?", "Llueve en la sierra.", None),
        ]
    )
    measured = measure_flags(mark_rows(rows))
    assert (measured["groups"]["pueblo gitano"]["hits"], measured["groups"]["pueblo gitano"]["of"]) == (1, 2)
    assert measured["others"]["of"] == 1


def test_a_mitigation_tells_what_got_worse(make_rows: Rows) -> None:
    rows = mark_rows(
        make_rows(
            [("es-AR", "¿Vos sabés algo?", "Vos tenés razón.", None) for _ in range(20)]
            + [("es-MX", "¿Qué opináis vosotros?", "Coged el tren.", "near_duplicate") for _ in range(15)]
            + [("es-MX", "¿Qué?", "Ahorita platicamos.", None) for _ in range(5)]
        )
    )
    before = measure_rows(rows, ["es-AR", "es-MX"])
    assert before["smallest_variety"] == 1.0
    (step,) = measure_mitigations(rows, ["echo", "near_duplicate"], {"near_duplicate": 15}, ["es-AR", "es-MX"])
    assert step["reason"] == "near_duplicate"
    assert step["after"]["smallest_variety"] == 0.4
    assert "smallest_variety" in step["worse"]
    assert "contradiction" in step["better"]
    assert {"evidence", "contradiction"} <= set(step["clear"])
    one = mark_rows(
        make_rows([("es-MX", "¿Qué?", "Nada.", None)] * 60 + [("es-MX", "¿Vos sabés?", "Sí.", "echo")])
    )  # one in sixty-one is gone, and that is no clear change
    (step,) = measure_mitigations(one, ["echo"], {"echo": 1}, ["es-MX"])
    assert (step["better"], step["clear"]) == (["contradiction"], [])
    assert measure_rows(rows, ["es-AR", "es-MX", "es-CO"])["smallest_variety"] == 0.0  # a variety that is gone
