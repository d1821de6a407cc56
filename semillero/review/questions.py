"""What a reviewer sees and is asked: fields, questions and metadata of the datasets in Argilla.

Questions are called as the columns of RESPONSES; fields have other names, because Argilla wants every name once.
Whatever comes from a row is shown as text: no field renders Markdown, and `semillero.review.payloads` escapes HTML.
Titles are Spanish first, English beside. In ``ranking`` a tie means that both answers are good; that both are bad is
the reason ``both_bad``, so that the ranking stays one question with one meaning.
"""

from typing import TYPE_CHECKING

from semillero.project.models import Project
from semillero.review.guidelines import render_guidelines
from semillero.review.routing import Place

if TYPE_CHECKING:
    import argilla

RATINGS = (1, 2, 3, 4, 5)
FITS = {"yes": "Sí · Yes", "no": "No", "unsure": "No lo sé · Not sure"}
OTHER = "other"
BOTH_BAD = "both_bad"
# Why a record should not stay, as reviewers see it. The codes go into RESPONSES, REVIEWED and the card.
REASONS = {
    "false": "Falso o inventado · False",
    "ungrammatical": "Mal escrito · Ungrammatical",
    "other_variety": "De otra variedad · Other variety",
    "offensive": "Ofensivo o estereotipado · Offensive",
    "personal_data": "Datos personales · Personal data",
    "off_topic": "La respuesta no responde · Off topic",
    "meaningless": "Sin sentido · Meaningless",
    BOTH_BAD: "Ninguna respuesta sirve · Both bad",  # only where there are two answers
    "other": "Otro motivo · Other",
}
RANKED = {"first": "Primera · First", "second": "Segunda · Second"}  # longer ones are cut off

# Field of the Argilla record → column of ACCEPTED.
FIELDS = {
    "conversation": "history",
    "question_text": "instruction",
    "answer_text": "answer",
    "second_answer": "alternative",
    "passage": "source",
}
PRIORITY, CORPUS, JUDGE_SCORE = "priority", "corpus", "judge_score"
CORRECT = "Corrige lo justo; si está bien, no la toques. · Correct what is needed; leave what is fine."


def build_settings(client: "argilla.Argilla", project: Project, place: Place) -> "argilla.Settings":
    """Return the settings of the dataset at ``place``, guidelines included."""
    import argilla as rg

    return rg.Settings(
        guidelines=render_guidelines(project, place),
        fields=_build_fields(client, place),
        questions=_build_questions(client, project, place),
        metadata=_build_metadata(client),
        distribution=rg.TaskDistribution(min_submitted=place.min_submitted),
        allow_extra_metadata=False,
    )


def list_reasons(pairs: bool) -> dict[str, str]:
    """Return the reasons that a reviewer may give, code → label."""
    return {code: label for code, label in REASONS.items() if pairs or code != BOTH_BAD}


def _build_fields(client: "argilla.Argilla", place: Place) -> "list[argilla.TextField]":
    import argilla as rg

    titles = {
        "conversation": "Conversación hasta aquí · Conversation so far",
        "question_text": "Pregunta · Question",
        "answer_text": "Primera respuesta · First answer" if place.pairs else "Respuesta · Answer",
        "second_answer": "Segunda respuesta · Second answer",
        "passage": "Pasaje de origen, para comprobar los datos · Source passage, to check the facts",
    }
    if not place.pairs:
        del titles["second_answer"]
    return [
        rg.TextField(
            name=name, title=title, use_markdown=False, required=name in ("question_text", "answer_text"), client=client
        )
        for name, title in titles.items()
    ]


def _build_questions(client: "argilla.Argilla", project: Project, place: Place) -> "list[argilla.QuestionType]":
    questions = [*_ask_judgement(client, project, place)]
    if place.pairs:
        questions.append(_ask_ranking(client))
    return [*questions, *_ask_corrections(client, place)]


def _ask_judgement(client: "argilla.Argilla", project: Project, place: Place) -> "list[argilla.QuestionType]":
    import argilla as rg

    variety = next(v for v in project.corpus.varieties if v.code == place.variety)
    codes = {v.code: f"{v.name} ({v.code})" for v in project.corpus.varieties}
    return [
        rg.RatingQuestion(
            name="quality",
            values=list(RATINGS),
            title="Calidad · Quality",
            description="Del par tal como está: 1 inservible, 3 aceptable, 5 excelente. La marca es la propuesta de un "
            "modelo. · Of the pair as it is: 1 useless, 3 acceptable, 5 excellent. The mark is a model's proposal.",
            client=client,
        ),
        rg.LabelQuestion(
            name="fits_variety",
            labels=FITS,
            title=f"¿Suena natural en {variety.name}? · Does it sound natural there?",
            description="La lengua y lo que da por sabido: ¿lo diría alguien de ahí? · Language and what it takes for "
            "granted: would someone from there say it?",
            client=client,
        ),
        rg.LabelQuestion(
            name="variety_label",
            labels={**codes, OTHER: "otra · other"},
            title="¿De qué variedad te suena? · Which variety do you hear?",
            description="La marcada es la que se pidió; cámbiala si te suena a otra. · The marked one was asked for; "
            "change it if you hear another.",
            client=client,
        ),
    ]


def _ask_ranking(client: "argilla.Argilla") -> "argilla.RankingQuestion":
    import argilla as rg

    return rg.RankingQuestion(
        name="ranking",
        values=RANKED,
        title="¿Qué respuesta es mejor? · Which answer is better?",
        description="Pon las dos en la misma casilla si las dos son buenas. Si ninguna sirve, igual, y marca además "
        "«Ninguna respuesta sirve». · Both good: the same slot. Both bad: the same slot, and mark that reason.",
        client=client,
    )


def _ask_corrections(client: "argilla.Argilla", place: Place) -> "list[argilla.QuestionType]":
    import argilla as rg

    answer = "Primera respuesta corregida · First answer, corrected" if place.pairs else "Respuesta corregida"
    return [
        rg.MultiLabelQuestion(
            name="reasons",
            labels=list_reasons(place.pairs),
            title="Si hay que rechazarlo, ¿por qué? · If it must go, why?",
            description="Déjalo vacío si el par puede quedarse. · Leave it empty if the pair may stay.",
            required=False,
            client=client,
        ),
        *(
            rg.TextQuestion(name=name, title=title, description=description, required=False, client=client)
            for name, title, description in (
                ("instruction", "Pregunta corregida · Question, corrected", CORRECT),
                ("answer", answer if place.pairs else f"{answer} · Answer, corrected", CORRECT),
                (
                    "comment",
                    "Comentario · Comment",
                    "Solo para el equipo; sin datos personales. · For the team only; no personal data.",
                ),
            )
        ),
    ]


def _build_metadata(client: "argilla.Argilla") -> "list[argilla.MetadataType]":
    import argilla as rg

    terms = {"variety": "Variedad", "topic": "Tema", "technique": "Técnica", CORPUS: "Versión del corpus"}
    return [
        *(rg.TermsMetadataProperty(name=name, title=title, client=client) for name, title in terms.items()),
        rg.FloatMetadataProperty(name=JUDGE_SCORE, title="Nota del modelo juez", client=client),
        rg.IntegerMetadataProperty(name=PRIORITY, title="Prioridad (1 es lo primero)", client=client),
    ]
