"""Phone numbers: what `phonenumbers` holds valid, and only where form or words around say that it is a phone.

A valid number alone is not enough: "612 345 678 habitantes" is a valid Spanish mobile number. One of these must hold:
an international prefix; a grouping that no quantity has ("55 1234 5678", "(011) 4321-5678"); a word such as
"teléfono" or "llámame" shortly before.
"""

import re

PLACEHOLDER = "[TELEFONO]"
CONTEXT = 40  # characters before a number within which the word that announces it must stand
# Where a phone may be from when it is not from the variety's own country.
REGIONS = ("ES", "MX", "AR", "CO", "CL", "PE", "UY", "PY", "BO", "EC", "VE", "CR", "GT", "DO", "CU", "US", "AD")

CANDIDATE = re.compile(r"(?<![\w.,/:€$+-])(?:\+|00(?=[1-9]))?\(?\d(?:[ ().\u00A0-]{0,2}\d){6,14}(?![\w/€%]|[.,]\d|-\d)")
ANNOUNCED = re.compile(
    r"(?i)\b(?:tel(?:[eé]fonos?|[eè]fons?|fs?)?|tfno|m[oó]vil(?:es)?|m[oò]bils?|celular(?:es)?|cel|whats?app|wasap|fax|"
    r"l[ií]nea|l[ií]nia|ll[aá]m[aeé]\w*|truc[aà]\w*|truqu\w*|m[aá]r[cq]u?[aáeé]\w*|cont[aá]ct\w*|n[uú]mero es|"
    r"(?:mi|su|tu|meu|seu|nuestro) n[uú]mero|escr[ií]b[eaií]\w*|escriu\w*|env[ií][aáeé]\w*|"
    r"(?:mensajes?|missatges?) al)\b(?:\W|\w+\W){0,4}$"
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
        return _is_valid("+" + number.removeprefix("+").removeprefix("00"), None)
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
    dates = len(groups) == 3 and len(groups[-1]) == 4 and max(map(len, groups[:2])) <= 2  # 16-09-1810
    return digits >= 9 and not (quantity or listed or dates or "." in number)


def _is_valid(number: str, region: str | None) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False
