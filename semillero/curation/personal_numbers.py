"""E-mail addresses, bank and card numbers and the identity numbers of Spain and Latin America (python-stdnum)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

CONTEXT = 40  # characters before a number within which the word that announces it must stand

Check = Callable[[str], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of personal datum.

    Attributes:
        placeholder: what stands in its place afterwards.
        pattern: the candidates.
        check: checksum of a candidate; None where there is none or the format is telling enough.
        announced: a word that must stand shortly before; None where the format is telling enough.
    """

    placeholder: str
    pattern: re.Pattern[str]
    check: Check | None = None
    announced: re.Pattern[str] | None = None


def replace_numbers(text: str) -> tuple[str, list[str]]:
    """Return the text with every known kind replaced (phones excepted), and the placeholders put in."""
    found: list[str] = []
    for kind in list_kinds():
        pieces, last = [], 0
        for match in kind.pattern.finditer(text):
            if not _holds(kind, match, text):
                continue
            pieces += [text[last : match.start()], kind.placeholder]
            last = match.end()
            found.append(kind.placeholder)
        if pieces:
            text = "".join([*pieces, text[last:]])
    return text, found


@lru_cache(maxsize=1)
def list_kinds() -> tuple[Kind, ...]:
    """Return the kinds, the most telling formats first: what one has replaced another cannot mistake."""
    from stdnum import iban, luhn
    from stdnum.ar import cuit
    from stdnum.br import cnpj, cpf
    from stdnum.cl import rut
    from stdnum.es import dni, nie

    def is_iban(number: str) -> bool:
        return iban.is_valid(number, check_country=False)

    def is_card(number: str) -> bool:
        digits = re.sub(r"\D", "", number)
        return len(set(digits)) > 1 and luhn.is_valid(digits)

    def is_cuit(number: str) -> bool:
        return cuit.is_valid(re.sub(r"\D", "", number))

    def is_spanish(number: str) -> bool:
        compact = re.sub(r"[^0-9A-Za-z]", "", number).upper()
        return dni.is_valid(compact) or nie.is_valid(compact)

    date = r"\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    states = "AS|B[CS]|C[CHLMS]|D[FG]|G[RT]|HG|JC|M[CNS]|N[ETL]|OC|PL|Q[RT]|S[LPR]|T[CLS]|VZ|YN|ZS|NE"
    return (
        Kind("[EMAIL]", _number(r"[\w.+%-]+@(?:[\w-]+\.)+[^\W\d_]{2,24}", before=r"[\w.+%@-]")),
        Kind("[IBAN]", _number(r"[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?", flags=0), is_iban),
        Kind("[CURP]", _number(rf"[A-Z][AEIOUX][A-Z]{{2}}{date}[HMX](?:{states})[B-DF-HJ-NP-TV-Z]{{3}}[A-Z\d]\d")),
        Kind("[RFC]", _number(rf"[A-ZÑ&]{{3,4}}[ -]?{date}[ -]?[A-Z\d]{{2}}[A\d]")),
        # The format that only cards have, or a bare number that is announced.
        Kind("[TARJETA]", _number(r"[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}|3[47]\d{2}[ -]\d{6}[ -]\d{5}"), is_card),
        # Sixteen digits that begin as Visa's and Mastercard's do are rarely anything else.
        Kind("[TARJETA]", _number(r"(?:4\d|5[1-5]|2[2-7])\d{14}"), is_card),
        Kind("[TARJETA]", _number(r"[2-6](?:[ -]?\d){12,18}"), is_card, _words(_CARD)),
        Kind("[CUIT]", _number(r"(?:2[03478]|3[034])[-./ ]\d{2}\.?\d{3}\.?\d{3}[-./ ]\d"), is_cuit),
        Kind("[CUIT]", _number(r"(?:2[03478]|3[034])\d{9}"), is_cuit, _words(r"C\.?U\.?I\.?[TL]\.?S?")),
        Kind("[CPF]", _number(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), cpf.is_valid),
        Kind("[CPF]", _number(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}"), cpf.is_valid, _words("CPF")),
        Kind("[CNPJ]", _number(r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}"), cnpj.is_valid),
        # Announced, so before the RUT: a Uruguayan cédula has its form.
        Kind("[CEDULA]", _number(_CEDULA_NUMBER), None, _words(_CEDULA, caseful=_CEDULA_SHORT)),
        Kind("[RUT]", _number(r"\d{1,2}(?:\.\d{3}\.\d{3}|\d{6})-[\dK]"), rut.is_valid),
        Kind("[RUT]", _number(r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dK]"), rut.is_valid, _words(r"R\.?U\.?[TN]\.?|rol único")),
        # After a space the letter must be a capital: "12.345.678 y" is no DNI.
        Kind(
            "[DNI]", _number(rf"(?:(?:[XYZ][- ]?)?\d(?:\.?\d{{3}}){{2}}|{_EIGHT})(?:-?[A-Z]| (?-i:[A-Z]))"), is_spanish
        ),
        # Argentina's and Peru's have no check digit.
        Kind("[DNI]", _number(_EIGHT), None, _words(r"D\.?N\.?I\.?|documento nacional de identidad")),
    )


_EIGHT = r"\d{1,2}\.?\d{3}\.?\d{3}"
_CARD = r"tarjetas?|target(?:a|es)|visa|master ?card|amex|american express"
_CEDULA = (
    r"cédulas?(?: de (?:ciudadanía|identidad|extranjería))?|cedula|carn[ée] de identidad|documento de identidad|"
    r"identificad[oa] con|NIT"
)
# Cédulas have no check digit, or one a country: the word decides.
_CEDULA_SHORT = r"C\. ?C\.?|C\. ?I\.?|CC|CI"
_CEDULA_NUMBER = (
    r"(?:[VE]-? ?)?"
    r"(?:\d{1,4}(?:[.,]\d{3}){1,3}(?:-\d{1,2})?|\d{6,11}(?:-\d)?|\d{3}-\d{6,7}-\d[\dA-Z]?|\d-\d{4}-\d{4})"
)
# What may stand between the announcing word and its number: no verb but to be, no end of a sentence.
_GAP = (
    r"n[úu]m(?:ero)?s?|no|nro|n\.?[º°o]?|MF|es|és|é|da|de|del|la|el|o|sob|con|com|amb|y|e|ciudadanía|identidad|electoral|"
    r"extranjería|visa|master ?card|crédito|débito|crèdit|dèbit|mi|su|tu"
)


def _number(pattern: str, before: str = r"[\w.,/+-]", flags: int = re.IGNORECASE) -> re.Pattern[str]:
    # Not inside a longer number, word or decimal.
    return re.compile(rf"(?<!{before})(?:{pattern})(?![\w/-]|[.,]\d)", flags)


def _words(pattern: str, caseful: str = "") -> re.Pattern[str]:
    either = rf"(?i:{pattern})" + (rf"|{caseful}" if caseful else "")
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)(?i:(?:[^\w.?!]|(?<=\w)\.|(?:{_GAP})(?!\w))*)$")


def _holds(kind: Kind, match: re.Match[str], text: str) -> bool:
    if kind.check and not kind.check(match.group()):
        return False
    return not kind.announced or bool(kind.announced.search(text[max(0, match.start() - CONTEXT) : match.start()]))
