import pytest

from semillero.curation import identify_language
from semillero.curation.language import find_other_languages, language_of
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


def test_a_language_the_model_takes_for_another_is_unknown():
    quechua = "Ñuqanchik runasimita rimanchik, llaqtanchikpi wasikunata ruwanchik, chakrakunapi llamkanchik."
    assert identify_language([quechua], ["qu"]) == ["qu"]
    assert identify_language([quechua], ["qu", "ay"]) == ["unknown"]


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


def test_rows_of_a_language_the_model_does_not_know_are_flagged_not_dropped(plain_rows):
    aymara = "Jichhüruxa jiwasanakaxa aymara aruta parlapxta, ukatxa markasansa utanaka luraptanwa."
    verdicts, flags = find_other_languages(plain_rows([("ay", aymara, aymara)]), FilterSettings(), ["ay"])
    assert verdicts.is_empty()
    assert flags.rows() == [(0, "language_unknown")]
