"""A small corpus of our own: two varieties, three topics, nine seeds and five passages each, personas, questions."""

from collections.abc import Callable
from typing import Any

import pytest

from semillero.project import CorpusSettings
from semillero.project.sources import Pair, Passage, Persona, Question, Sources, Topic

REGISTERS = ("coloquial", "medio", "culto")
TOPICS = {"cocina": "Cocina", "rios": "Ríos y lagos", "fiestas": "Fiestas"}
CATALAN = {"rios": "Rius i llacs"}
FACTS = {
    "es-MX": (
        "La tortilla se hace con masa de maíz nixtamalizado. Se cuece en un comal muy caliente.",
        "El río Usumacinta corre entre selvas. En un tramo separa a México de Guatemala.",
        "En la ofrenda de Día de Muertos se ponen flores, agua y sal. También la comida favorita de los difuntos.",
        "El mole poblano lleva chiles secos, especias y un poco de chocolate. Se sirve con guajolote o con pollo.",
        "El lago de Chapala es el más grande del país. Está entre Jalisco y Michoacán.",
    ),
    "ca": (
        "El pa amb tomàquet es fa amb pa de pagès torrat. S'hi frega un tomàquet madur i s'hi tira oli.",
        "L'Ebre desemboca al Mediterrani formant un delta. S'hi conrea molt arròs.",
        "Els castells són torres humanes de diversos pisos. L'enxaneta corona la construcció.",
        "La calçotada se celebra a l'hivern. Els calçots es couen a la brasa i es mullen amb salsa.",
        "El Ter neix a Ulldeter. Travessa Ripoll i Girona abans d'arribar al mar.",
    ),
}


PERSONAS = {"maestra": "una maestra rural", "taxista": "un taxista nocturno", "abuelo": "un abuelo que cuida nietos"}
QUESTIONS = {
    "desayuno": ("cocina", "¿Qué se suele desayunar un domingo en casa?"),
    "bano": ("rios", "¿Dónde se baña la gente cuando hace mucho calor?"),
    "baile": ("fiestas", "¿Qué se baila en las bodas y quién empieza?"),
    "regalo": ("fiestas", "¿Qué se lleva de regalo cuando alguien invita a comer?"),
}


def make_sources() -> Sources:
    topics = list(TOPICS)
    seeds, passages = [], []
    for code, facts in FACTS.items():
        for n in range(9):
            ask = (
                f"Explica'm la cosa número {n} de la terra." if code == "ca" else f"¿Qué es la cosa número {n} de aquí?"
            )
            seeds.append(
                Pair(
                    id=f"{code}-s{n}", variety=code, topic=topics[n % 3], register=REGISTERS[n % 3],
                    instruction=ask, answer=f"{n}. {facts[n % 5]}",
                )
            )  # fmt: skip
        passages += [
            Passage(id=f"{code}-p{n}", variety=code, topic=topics[n % 3], text=text) for n, text in enumerate(facts)
        ]
    return Sources(
        topics=tuple(
            Topic.model_validate({"id": key, "name": name, "name_ca": CATALAN.get(key), "domain": "cultura"})
            for key, name in TOPICS.items()
        ),
        seeds=tuple(seeds),
        passages=tuple(passages),
        reserved=(),
        benchmarks=(),
        personas=tuple(Persona(id=key, text=text) for key, text in PERSONAS.items()),
        questions=tuple(Question(id=k, topic=topic, instruction=ask) for k, (topic, ask) in QUESTIONS.items()),
    )


def make_corpus(requests: int = 12, shard_size: int = 5, **changes: Any) -> CorpusSettings:
    generator = {"kind": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "scripted", "constrain": "none"}
    generator.update({"timeout": 5.0, "concurrency": 4, **changes.pop("generator", {})})
    return CorpusSettings.model_validate(
        {
            "varieties": [
                {"code": "es-MX", "name": "español de México", "country": "MX", "requests": requests},
                {"code": "ca", "name": "catalán", "country": "ES (Cataluña)", "requests": requests},
            ],
            "topics": "topics.yaml",
            "seeds": "seeds.jsonl",
            "passages": "passages.jsonl",
            "personas": "personas.jsonl",
            "questions": "questions.jsonl",
            "techniques": {"backtranslation": 0.5, "self_instruct": 0.5},
            "shard_size": shard_size,
            "generator": generator,
            **changes,
        }
    )


@pytest.fixture
def sources() -> Sources:
    return make_sources()


@pytest.fixture
def corpus() -> Callable[..., CorpusSettings]:
    """Return `make_corpus`: a corpus section whose generator is the scripted server."""
    return make_corpus
