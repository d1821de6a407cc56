"""Does a Spanish or Catalan text ask or request something? Question marks, accented interrogatives, imperatives.

The imperatives cover the forms of tú, vos, usted, vosotros and ustedes by stem (``words/request_*.txt``). The test is
lenient on purpose: it is there to catch statements that a model wrote where a question was wanted, not to judge style.
"""

from semillero.curation.words import read_words

_INTERROGATIVE = (
    r"qué|cómo|cuál(?:es)?|quién(?:es)?|a?dónde|cuándo|cuánt[oa]s?|què|quin(?:a|s|es)?|quant(?:s|es)?|"
    r"(?:me|nos) gustaría|ens agradaria|tengo una duda|tinc un dubte|no (?:sé|entiendo|ho? ?entenc)"
)
# An imperative with its pronoun tells itself anywhere: explícame, contame, explica'm, fes-me.
_WITH_PRONOUN = (
    r"\p{L}*[áéíóú]\p{L}+(?:me|nos|melo|mela|noslo|selo)\b|\p{L}{2,}[aei]me\b|"
    r"\p{L}{2,}(?:a|e|i|u|n|s)(?:['’]m|['’]ns|-(?:me|nos|li|los))\b"
)
# Any other only where a clause begins.
_START = (
    r"(?:^|[.:;,!¡¿?()«»“”\"\n—–-]\s*|\b(?:y|i|e|o|por favor|si us plau|sisplau|oye|oi|che|parce|ahora|ara|luego|"
    r"primero|entonces|me|em)\s+)"
)
_ENDING = (
    r"(?:[aáeéií]|[aeo]n|[aáeéií][dn]|[aei]u|in|eix(?:eu|i)?|im|em)?"
    r"(?:me|nos|les?|l[oa]s?|se|te|os)*(?:['’]\w+|-\w+)?"
)
_IMPERATIVE = rf"(?:(?:{'|'.join(read_words('request_stems'))}){_ENDING}|{'|'.join(read_words('request_words'))})\b"

REQUEST = rf"(?i)[?¿]|\b(?:{_INTERROGATIVE})\b|\b(?:{_WITH_PRONOUN})|{_START}{_IMPERATIVE}"
