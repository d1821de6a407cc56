import time
from pathlib import Path

import pytest

from benchmarks.detectors.languages import LANGUAGES, LONG, count_outcomes
from semillero.curation import identify_language
from semillero.curation.language import _load_identifier, find_other_languages, language_of
from semillero.curation.language_profiles import score_texts
from semillero.project import FilterSettings

ES = "El pulque es una bebida fermentada que se prepara con la savia del maguey desde hace siglos."
AR = "Llená el mate con yerba, tapalo con la mano y sacudilo para sacarle el polvillo antes de cebar."
CA = "La ratafia és un licor que es prepara amb nous verdes i moltes herbes remeieres de la muntanya."
EN = "Pulque is a fermented drink made from the sap of the maguey plant and drunk for centuries."
PT = "O pulque é uma bebida fermentada que se prepara com a seiva do agave há muitos séculos."
EU = "Sagardoa sagarrarekin egiten den edaria da eta sagardotegietan edaten da urtarriletik aurrera."
GL = "A queimada é unha bebida quente que se fai con augardente, azucre e casca de limón nas noites frías."


def test_languages_are_told_apart():
    assert identify_language([ES, AR, CA, EN, PT, EU, GL], ["es-MX", "ca"]) == [
        "es",
        "es",
        "ca",
        "en",
        "pt",
        "eu",
        "gl",
    ]


@pytest.mark.parametrize("text", ["", "1234 5678", "asdf qwer zxcv uiop hjkl", "Mitä kuuluu tänään sinulle?", "sol"])
def test_the_answer_is_unknown_rather_than_wrong(text):
    assert identify_language([text], ["es", "ca"]) == ["unknown"]


QUECHUA = "Ñuqanchik runasimita rimanchik, llaqtanchikpi wasikunata ruwanchik, chakrakunapi llamkanchik."
AYMARA = "Jichhüruxa jiwasanakaxa aymara aruta parlapxta, ukatxa markasansa utanaka luraptanwa."


def test_languages_that_only_the_profiles_know_are_told_from_their_neighbours():
    asturian = "Güei nun ye un bon día pa dir a caminar, que llueve y les caleyes tán enllenes de barru."
    nahuatl = "In coyomeh otlanesqueh ica sauameh, nic in ticpimeh cualli yomoticipanohqueh."
    texts = [QUECHUA, AYMARA, asturian, ES, nahuatl]
    assert identify_language(texts, ["qu", "ay", "ast", "nah"]) == ["qu", "ay", "ast", "es", "nah"]


def test_every_language_reaches_the_bar():
    outcome = count_outcomes()
    for language in LANGUAGES:
        right, wrong, unknown = (outcome[language, LONG, each] for each in ("right", "wrong", "unknown"))
        assert right + wrong + unknown >= 20, language
        assert right / (right + wrong) >= 0.95, (language, right, wrong)
        assert wrong / (right + wrong + unknown) <= 0.05, (language, wrong)
        assert right / (right + wrong + unknown) >= 0.7, f"{language}: mostly unknown"


def test_the_profiles_add_less_than_half_to_the_time_of_py3langid():
    texts = [ES, AR, CA, EN, PT, EU, GL, QUECHUA, AYMARA] * 100
    identify_language(texts[:10], ["es"])  # loads both
    identifier = _load_identifier(frozenset({"es"}))
    alone = min(_seconds(lambda: [identifier.classify(text) for text in texts]) for _ in range(3))
    added = min(_seconds(lambda: score_texts(texts)) for _ in range(3))
    assert added < alone / 2


def _seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def test_the_order_and_company_of_texts_do_not_matter():
    texts = [ES, "", CA, "12 345", QUECHUA, EN, "  ", AYMARA] * 60
    alone = [identify_language([text], ["es", "ay"])[0] for text in texts[:8]]
    assert identify_language(texts, ["es", "ay"]) == alone * 60


def test_varieties_have_a_language():
    assert [language_of(v) for v in ("es-MX", "ca", "quy", "gn")] == ["es", "ca", "qu", "gn"]


@pytest.fixture
def rows(plain_rows):
    return plain_rows(
        [
            ("es-MX", "¿Con qué planta se prepara el pulque desde hace siglos?", ES),
            ("es-MX", "What plant is pulque made from, and how is it made today?", ES),
            ("es-MX", "What is pulque made from?", ES),  # short: never judged
            ("es-MX", "¿Con qué planta se prepara el pulque desde hace siglos?", EN),
            ("ca", "Amb quines herbes de la muntanya es prepara la ratafia?", CA),
            ("ca", "¿Con qué hierbas de la montaña se prepara la ratafía?", CA),
        ]
    )


def test_rows_in_another_language_are_dropped_with_what_was_found(rows):
    verdicts, _ = find_other_languages(rows, FilterSettings(), ["es-MX", "ca"])
    assert verdicts.rows() == [
        (1, "other_language", "instruction: en, not es"),
        (3, "other_language", "answer: en, not es"),
        (5, "other_language", "instruction: es, not ca"),
    ]


def test_rows_in_another_language_are_only_flagged_when_asked(rows):
    verdicts, flags = find_other_languages(rows, FilterSettings(language="flag"), ["es-MX", "ca"])
    assert verdicts.is_empty()
    assert sorted(flags.filter(flags["flag"] == "other_language")["row"]) == [1, 3, 5]


def test_rows_of_a_language_nobody_knows_are_flagged_not_dropped(plain_rows):
    mapudungun = "Iñche mapuche ngen, Temuko waria mew mülen, fentren antü küdawken ñi ruka mew."
    verdicts, flags = find_other_languages(plain_rows([("arn", mapudungun, mapudungun)]), FilterSettings(), ["arn"])
    assert verdicts.is_empty()
    assert flags.rows() == [(0, "language_unknown")]


def test_a_row_in_aymara_stays_where_aymara_is_asked_for(plain_rows):
    rows = plain_rows([("ay", AYMARA, AYMARA), ("ay", AYMARA, ES)])
    verdicts, flags = find_other_languages(rows, FilterSettings(), ["ay"])
    assert verdicts.rows() == [(1, "other_language", "answer: es, not ay")]
    assert flags.is_empty()


def test_knowing_the_own_language_changes_unknown_at_most() -> None:
    """A text that the profiles place in its own language is not shown to py3langid: no verdict may hang on that."""
    folder = Path(__file__).parent / "languages"
    texts = [line for file in sorted(folder.glob("*.txt")) for line in file.read_text("utf-8").splitlines()[:12]]
    languages = ("es", "ca", "gl", "qu", "ay", "ast")
    plainly = identify_language(texts, languages)
    for own in languages:
        for text, alone, told in zip(
            texts, plainly, identify_language(texts, languages, [own] * len(texts)), strict=True
        ):
            assert told == alone or (alone, told) == ("unknown", own), text
