"""What the Space says of itself: limitations and the data notice, Spanish and English."""

from semillero.project import Project

Bilingual = dict[str, str]

DATA_NOTICE: Bilingual = {
    "es": "Esta página no guarda lo que escribes. Aun así, no escribas datos personales tuyos ni de otras personas.",
    "en": "This page does not keep what you type. Even so, do not enter personal data, yours or anybody else's.",
}


def write_limitations(project: Project) -> list[Bilingual]:
    """Return what a visitor must know before trusting an answer."""
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
    return limitations
