"""What the Space says of itself and asks of the model: limitations, requests for a variety or a register."""

from typing import Any

from semillero.project import Project

Bilingual = dict[str, str]

REGISTERS = {"coloquial": "coloquial", "medio": "neutro", "culto": "culto"}
# Requests are made in the language asked for. Each: the language alone, and with a register.
REQUESTS = {
    "es": ("Responde en {name}.", "Responde en {name}, en registro {register}."),
    "ca": ("Respon en català.", "Respon en català, en registre {register}."),
    "gl": ("Responde en galego.", "Responde en galego, en rexistro {register}."),
}
REGISTERS_OF = {"ca": {"coloquial": "col·loquial", "medio": "neutre", "culto": "culte"}}


def describe_varieties(project: Project) -> list[dict[str, Any]]:
    """Return code, name and requests (by register, "" for none) of each variety, in the project file's order.

    The training rows do not name their variety, they are written in it; so a request is a plain sentence, and the page
    says that the model was not trained with it.
    """
    return [
        {"code": v.code, "name": _capital(v.name), "requests": _requests(v.code, v.name)}
        for v in project.corpus.varieties
    ]


def register_requests() -> dict[str, str]:
    """Return the request for each register where no variety is asked for."""
    return {code: f"Responde en registro {name}." for code, name in REGISTERS.items()}


def _requests(code: str, name: str) -> dict[str, str]:
    language = code.split("-")[0]
    alone, with_register = REQUESTS.get(language, REQUESTS["es"])
    registers = REGISTERS_OF.get(language, REGISTERS)
    by_register = {key: with_register.format(name=name, register=value) for key, value in registers.items()}
    return {"": alone.format(name=name), **by_register}


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def write_limitations(project: Project, engine: str) -> list[Bilingual]:
    """Return what a visitor must know before trusting an answer.

    Args:
        project: the project.
        engine: what answers, llama.cpp or transformers.
    """
    names = [variety.name for variety in project.corpus.varieties]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} y {names[-1]}"
    limitations = [
        {
            "es": "Es un modelo experimental: inventa datos, fechas y nombres con aplomo. Comprueba lo importante.",
            "en": "It is experimental: it makes up facts, dates and names with confidence. Check what matters.",
        },
        {
            "es": f"Se afinó con ejemplos de: {listed}. Fuera de eso responde peor.",
            "en": f"It was tuned on examples of: {listed}. Outside of these it answers worse.",
        },
        {
            "es": "Cada pregunta se responde por separado: no recuerda las anteriores.",
            "en": "Each question is answered on its own: it does not remember the ones before.",
        },
        {
            "es": "No sirve para consejos médicos, legales ni financieros.",
            "en": "It is no source of medical, legal or financial advice.",
        },
    ]
    if project.review.mode == "automatic":
        limitations.insert(
            2,
            {
                "es": "Ninguna persona revisó su corpus: lo filtraron programas.",
                "en": "No person reviewed its corpus: programs filtered it.",
            },
        )
    if engine == "llama.cpp" and project.training.method == "qlora":
        limitations.append(
            {
                "es": "Aquí responde una versión comprimida para CPU (GGUF): puede diferir un poco de la evaluada.",
                "en": "A version compressed for CPUs (GGUF) answers here: it may differ a little from the evaluated.",
            }
        )
    return limitations
