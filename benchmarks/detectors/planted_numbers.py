"""Invented personal data of each kind, with check digits worked out here from the published algorithms.

Nothing is taken from python-stdnum or phonenumbers, which the detector uses: an error of theirs would be missed by a
fixture made with them. Every maker takes a `random.Random` and returns a datum in one of the ways people write it.
"""

from collections.abc import Callable, Iterable
from random import Random

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
CONSONANTS = "BCDFGHJKLMNPQRSTVWXYZ"
VOWELS = "AEIOU"


def digits(rng: Random, count: int, first: str = "123456789") -> str:
    """Return ``count`` digits, the first one of ``first``."""
    return rng.choice(first) + "".join(rng.choices("0123456789", k=count - 1))


def weighted(number: str, weights: Iterable[int]) -> int:
    """Return the sum of digits times weights."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=True))


def grouped(number: str, mark: str) -> str:
    """Return the number in groups of three from the right."""
    head = len(number) % 3
    groups = ([number[:head]] if head else []) + [number[n : n + 3] for n in range(head, len(number), 3)]
    return mark.join(groups)


def cut(number: str, sizes: Iterable[int], mark: str) -> str:
    """Return the number in groups of the given sizes."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(number[at : at + size])
        at += size
    return mark.join(pieces)


def luhn_digit(body: str) -> str:
    """Return the check digit of ISO/IEC 7812-1."""
    total = sum(sum(divmod(int(d) * (1 + n % 2), 10)) for n, d in enumerate((body + "0")[::-1]))
    return str(-total % 10)


def make_dni(rng: Random) -> str:
    """Spain: eight digits and the letter of their remainder by 23 (Real Decreto 1553/2005)."""
    number = digits(rng, 8)
    letter = DNI_LETTERS[int(number) % 23]
    forms = [number + letter, f"{number}-{letter}", f"{number} {letter}", f"{grouped(number, '.')}-{letter}"]
    return rng.choice([*forms, grouped(number, ".") + letter, (number + letter).lower()])


def make_nie(rng: Random) -> str:
    """Spain, foreigners: X, Y or Z counts as 0, 1 or 2 before seven digits; then as the DNI."""
    first, number = rng.choice("XYZ"), digits(rng, 7, "0123456789")
    letter = DNI_LETTERS[int(f"{'XYZ'.index(first)}{number}") % 23]
    return rng.choice([f"{first}{number}{letter}", f"{first}-{number}-{letter}", f"{first}{number}-{letter}"])


def make_cuit(rng: Random) -> str:
    """Argentina, CUIT and CUIL: modulo 11 over ten digits (AFIP); a remainder of 1 is not given out."""
    while True:
        body = rng.choice(["20", "23", "24", "27", "30", "33"]) + digits(rng, 8, "123456")
        check = -weighted(body, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        if check != 10:
            return rng.choice([f"{body[:2]}-{body[2:]}-{check}", f"{body[:2]} {body[2:]} {check}"])


def make_bare_cuit(rng: Random) -> str:
    """A CUIT as one number, which needs a word that announces it."""
    return "".join(filter(str.isdigit, make_cuit(rng)))


def make_rut(rng: Random) -> str:
    """Chile, RUN and RUT: modulo 11 with weights 2 to 7 from the right (Servicio de Registro Civil)."""
    body = digits(rng, rng.choice([7, 8]), "1256789")
    body = body if len(body) == 7 else rng.choice("12") + body[1:]
    check = -sum(int(d) * (2 + n % 6) for n, d in enumerate(body[::-1])) % 11
    last = "K" if check == 10 else str(check)
    return rng.choice([f"{grouped(body, '.')}-{last}", f"{body}-{last}", f"{grouped(body, '.')}-{last.lower()}"])


def make_cpf(rng: Random) -> str:
    """Brazil: two check digits, modulo 11 (Receita Federal)."""
    body = digits(rng, 9)
    for length in (10, 11):
        body += str(weighted(body, range(length, 1, -1)) * 10 % 11 % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def make_bare_cpf(rng: Random) -> str:
    """A CPF as one number, which needs the word."""
    return "".join(filter(str.isdigit, make_cpf(rng)))


def make_cnpj(rng: Random) -> str:
    """Brazil, companies and sole traders: twelve digits and two check digits, modulo 11."""
    body = digits(rng, 8) + "0001"
    for weights in ("543298765432", "6543298765432"):
        rest = weighted(body, map(int, weights)) % 11
        body += "0" if rest < 2 else str(11 - rest)
    return f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}"


def make_card(rng: Random) -> str:
    """A payment card of sixteen digits, or an American Express of fifteen."""
    if rng.random() < 0.2:
        body = rng.choice(["34", "37"]) + digits(rng, 12)
        return cut(body + luhn_digit(body), (4, 6, 5), rng.choice([" ", "-"]))
    body = rng.choice(["4" + digits(rng, 1), "51", "52", "53", "54", "55", "2345"])
    body += digits(rng, 15 - len(body))
    return cut(body + luhn_digit(body), (4, 4, 4, 4), rng.choice([" ", "-", ""]))


def make_iban(rng: Random) -> str:
    """Spain, Andorra or Portugal: ISO 13616, modulo 97."""
    country, size = rng.choice([("ES", 20), ("ES", 20), ("PT", 21), ("AD", 20)])
    account = digits(rng, size)
    moved = account + "".join(str(ord(letter) - 55) for letter in country) + "00"
    number = f"{country}{98 - int(moved) % 97:02d}{account}"
    spaced = cut(number, [4] * (len(number) // 4 + 1), " ").strip()
    return rng.choice([number, spaced, spaced.replace(" ", "-")])


def birthday(rng: Random) -> str:
    """Return a date as YYMMDD."""
    return f"{rng.randint(0, 99):02d}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def make_curp(rng: Random) -> str:
    """Mexico: seventeen characters and a check digit, weights 18 down (RENAPO's instructive)."""
    name = rng.choice(CONSONANTS) + rng.choice(VOWELS) + "".join(rng.choices(CONSONANTS, k=2))
    body = name + birthday(rng) + rng.choice("HM") + rng.choice(["DF", "JC", "OC", "YN", "NL", "MC", "NE"])
    body += "".join(rng.choices(CONSONANTS, k=3)) + rng.choice("0A")
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    total = sum(alphabet.index(letter) * (18 - n) for n, letter in enumerate(body))
    return body + str(-total % 10)


def make_rfc(rng: Random) -> str:
    """Mexico, persons: four letters, a date, a homoclave of three."""
    name = rng.choice(CONSONANTS) + rng.choice(VOWELS) + "".join(rng.choices(CONSONANTS, k=2))
    end = "".join(rng.choices("ABCDEFGH0123456789", k=2)) + rng.choice("0123456789A")
    day = birthday(rng)
    return rng.choice([f"{name}{day}{end}", f"{name}-{day}-{end}", f"{name}{day}{end}".lower()])


def make_email(rng: Random) -> str:
    """An address under a domain that cannot exist (RFC 2606)."""
    user = rng.choice(["ana.perez", "jordi_puig", "luz+ventas", "nino92", "M.Quispe", "xose-lois", "i.etxeberria"])
    return f"{user}@{rng.choice(['correo.example', 'mail.example.mx', 'universitat.example.cat', 'EXAMPLE.COM'])}"


def make_colombian(rng: Random) -> str:
    """Colombia: six to ten digits, no check digit."""
    number = rng.choice([digits(rng, 8), digits(rng, 7), "10" + digits(rng, 8), digits(rng, 6)])
    return rng.choice([number, grouped(number, "."), grouped(number, ".")])


def make_ecuadorian(rng: Random) -> str:
    """Ecuador: province, third digit below six, modulo 10 (Registro Civil)."""
    body = f"{rng.randint(1, 24):02d}{rng.randint(0, 5)}{digits(rng, 6)}"
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(body))
    return rng.choice([f"{body}{-total % 10}", f"{body}-{-total % 10}"])


def make_uruguayan(rng: Random) -> str:
    """Uruguay: weights 2987634, modulo 10 (DNIC)."""
    body = digits(rng, 7, "12345")
    check = -weighted(body, (2, 9, 8, 7, 6, 3, 4)) % 10
    return rng.choice([f"{grouped(body, '.')}-{check}", f"{body}-{check}", f"{body}{check}"])


def make_venezuelan(rng: Random) -> str:
    """Venezuela: V or E and six to eight digits."""
    number = digits(rng, rng.choice([7, 8]), "12")
    return rng.choice([f"V-{grouped(number, '.')}", f"V-{number}", grouped(number, "."), f"E-8{number[1:]}"])


def make_dominican(rng: Random) -> str:
    """Dominican Republic: eleven digits, Luhn (JCE)."""
    body = f"{rng.choice(['001', '031', '402', '223'])}{digits(rng, 7)}"
    return rng.choice([f"{body[:3]}-{body[3:]}-{luhn_digit(body)}", body + luhn_digit(body)])


def make_plain_dni(rng: Random) -> str:
    """Argentina or Peru: seven or eight digits, no check digit."""
    number = digits(rng, 8, "12347")
    return rng.choice([number, grouped(number, ".")])


def phone(*forms: str) -> Callable[[Random], str]:
    """Return a maker that fills each `#` of one of the forms with a digit (no 0 or 1 at the head of a group)."""

    def make(rng: Random) -> str:
        form, before = rng.choice(forms), " "
        out = []
        for mark in form:
            if mark == "#":
                mark = rng.choice("23456789" if not before.isdigit() else "0123456789")
            out.append(mark)
            before = mark
        return "".join(out)

    return make
