"""Phone numbers: what `phonenumbers` holds valid, and only where form or words around say that it is a phone.

A valid number alone is not enough: "612 345 678 habitantes" is a valid Spanish mobile number. One of these must hold:
an international prefix; a grouping that no quantity has ("55 1234 5678", "(011) 4321-5678"); a word such as
"teléfono" or "llámame" shortly before.
"""

import re

PLACEHOLDER = "[TELEFONO]"
CONTEXT = 40  # characters before a number within which the word that announces it must stand
# Where a phone may be from when it is not from the variety's own country.
REGIONS = (
    *("ES", "MX", "AR", "CO", "CL", "PE", "UY", "PY", "BO", "EC", "VE", "CR", "GT", "DO", "CU", "US", "AD"),
    *("BR", "PT", "HN", "SV", "NI", "PA"),
)

CANDIDATE = re.compile(r"(?<![\w.,/:€$+-])(?:\+|00(?=[1-9]))?\(?\d(?:[ ().\u00A0-]{0,2}\d){6,14}(?![\w/€%]|[.,]\d|-\w)")
_NOUN = (
    r"tel(?:[eé]fonos?|[eè]fons?|efones?|fs?|fno)?|tfno|tlfn?o?|fone|m[oó]vil(?:es)?|m[oò]bils?|celular(?:es)?|cel|"
    r"fijo|whats?app|wasap|zap|fax|n[uú]mero es|(?:mi|su|tu|meu|seu|nuestro) n[uú]mero"
)
_CALL = (
    r"ll[aá]m[aeáé]\w*|ch[aá]m[aeáé]\w*|truc[aà]\w*|truqu\w*|lig(?:ue|ar|a)|m[aá]r[cq]u?[aáeé]\w*|cont[aá]c?t\w*|"
    r"comun[ií]\w*|escr[ií]\w*|env[ií]\w*|m[aá]nd\w*|ag[eé]nd\w*|fale|mensajes?|missatges?|informes|consultas|reservas?|"
    r"pedidos|turnos|citas"
)
_BETWEEN = (
    r"n[úu]m(?:ero)?s?|nro|n\.?[º°o]?|es|és|é|da|de|del|la|el|o|al|ao|y|con|mi|su|tu|casa|contacto|contacte|oficina|trabajo|"
    r"particular|personal|fijo|m[oó]vil|m[oò]bil|celular|whats?app"
)
# After "teléfono" only small words, or up to three others and then "es" or a colon: "los teléfonos suman
# 612 345 678" is an amount. After "llama" a preposition with an article, or a colon, right before the number.
_NOUN_TO_NUMBER = rf"(?:(?:\W|(?:{_BETWEEN})(?!\w))*|(?:\W+\w+){{1,3}}(?:\W+(?:es|és|é)(?: el| o)?\s*|\s*:\s*))"
_CALL_TO_NUMBER = r"(?:\W+\w+){0,4}?(?:\W+(?:al|ao|en el|no|pelo|para(?: o)?|el)|:)\s*"
ANNOUNCED = re.compile(
    rf"(?i)\b(?:(?:{_NOUN})(?!\w){_NOUN_TO_NUMBER}|(?:{_CALL}){_CALL_TO_NUMBER}|ll[aá]m[ae](?:me|nos)\s*|deitu\s*)$"
)
_YEAR, _MONTH, _DAY = r"(?:1\d|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
DATE = re.compile(
    rf"{_DAY}([-. ]){_MONTH}\1{_YEAR}|{_YEAR}([-. ]){_MONTH}\2{_DAY}|{_YEAR}-{_YEAR}|"
    rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


def replace_phones(text: str, region: str = "ES") -> tuple[str, list[str]]:
    """Return the text with phone numbers replaced, and one placeholder for each.

    Args:
        text: any text.
        region: ISO 3166 code of the country whose national numbers are likely.
    """
    pieces, last = [], 0
    for match in CANDIDATE.finditer(text):
        if is_phone(match.group(), text[max(0, match.start() - CONTEXT) : match.start()], region):
            pieces += [text[last : match.start()], PLACEHOLDER]
            last = match.end()
    return "".join([*pieces, text[last:]]), [PLACEHOLDER] * (len(pieces) // 2)


def is_phone(number: str, before: str, region: str) -> bool:
    """Tell whether a candidate is a phone number, from its own form and the text before it."""
    if number.startswith(("+", "00")):
        international = "+" + number.removeprefix("+").removeprefix("00")
        # Mexico's mobile 1 was abolished in 2019 and is still written.
        return _is_valid(re.sub(r"^\+52[ -]?1[ -]?(?=\d{2})", "+52 ", international), None)
    if DATE.fullmatch(number):
        return False
    if ANNOUNCED.search(before):
        return any(_is_valid(number, each) for each in dict.fromkeys((region, *REGIONS)))
    return _has_phone_grouping(number) and _is_valid(number, region)


def _has_phone_grouping(number: str) -> bool:
    groups = re.findall(r"\d+", number)
    if len(groups) == 1:
        return False  # a bare number may be anything
    digits = sum(map(len, groups))
    quantity = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])  # 612 345 678 habitantes
    listed = len({len(group) for group in groups}) == 1  # 04 12 23 31 45, 1810-1821
    return digits >= 9 and not (quantity or listed or "." in number)


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
