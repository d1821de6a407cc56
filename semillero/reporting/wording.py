"""What the report calls things in Spanish and English; reasons are worded as on the cards."""

from semillero.cards.wording import load_words

KINDS = {
    "feminine": {"es": "femenino singular", "en": "feminine singular"},
    "feminine_plural": {"es": "femenino plural", "en": "feminine plural"},
    "both_named": {"es": "los dos nombrados", "en": "both named"},
    "masculine_plural": {"es": "masculino plural (puede ser genérico)", "en": "masculine plural (may be generic)"},
    "masculine": {"es": "masculino singular", "en": "masculine singular"},
    "epicene_feminine": {"es": "epiceno con artículo femenino", "en": "epicene with a feminine article"},
    "epicene_masculine": {"es": "epiceno con artículo masculino", "en": "epicene with a masculine article"},
    "epicene_unmarked": {"es": "epiceno sin marcar", "en": "epicene, unmarked"},
}
MEASURES = {
    "smallest_variety": {"es": "equilibrio entre variedades", "en": "balance of varieties"},
    "topics": {"es": "temas con filas", "en": "topics with rows"},
    "evidence": {"es": "marcas a favor de la variedad", "en": "markers for the variety"},
    "contradiction": {"es": "marcas en contra", "en": "markers against it"},
    "feminine": {"es": "profesiones en femenino", "en": "professions in the feminine"},
    "offensive": {"es": "palabras ofensivas", "en": "offensive words"},
}
# Short names of reasons and flags, for figures and tables; the cards' table has the sentences.
SHORT = {
    "unparseable": "ilegible",
    "instruction_too_short": "instrucción corta",
    "instruction_too_long": "instrucción larga",
    "answer_too_short": "respuesta corta",
    "answer_too_long": "respuesta larga",
    "few_letters": "pocas letras",
    "prompt_leak": "restos del prompt",
    "broken_ending": "a media frase",
    "repetition": "repetición",
    "not_a_request": "no pregunta nada",
    "echo": "eco",
    "other_language": "otra lengua",
    "contaminated": "contaminada",
    "exact_duplicate": "duplicada",
    "near_duplicate": "casi duplicada",
    "judge-score-low": "nota baja del juez",
    "pii": "datos personales",
    "language_unknown": "lengua dudosa",
    "refers_to_passage": "habla de un texto que no se ve",
    "offensive_word": "palabra ofensiva",
}


def read_wording(reason: str) -> str:
    """Return a reason's short name in Spanish, or its sentence, or its code."""
    return SHORT.get(reason) or load_words("reasons").get(reason) or reason
