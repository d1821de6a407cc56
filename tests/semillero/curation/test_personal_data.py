"""Planted data come from checksums written here by hand, not from the library that the detector uses."""

import random

import polars as pl
import pytest

from semillero.curation.pii import region_of, replace_in_rows, replace_pii

DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def digits(rng, count, first="123456789"):
    return rng.choice(first) + "".join(rng.choices("0123456789", k=count - 1))


def dotted(number):
    head = len(number) % 3
    groups = ([number[:head]] if head else []) + [number[n : n + 3] for n in range(head, len(number), 3)]
    return ".".join(groups)


def dni(rng):
    number = digits(rng, 8)
    letter = DNI_LETTERS[int(number) % 23]
    return rng.choice([f"{number}{letter}", f"{number}-{letter}", f"{dotted(number)}-{letter}"])


def nie(rng):
    first, number = rng.choice("XYZ"), digits(rng, 7)
    return f"{first}{number}{DNI_LETTERS[int('XYZ'.index(first).__str__() + number) % 23]}"


def weighted(number, weights):
    return sum(int(d) * w for d, w in zip(number, weights, strict=True))


def cuit(rng):
    while True:
        body = rng.choice(["20", "27", "30"]) + digits(rng, 8)
        check = 11 - weighted(body, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        if check != 10:
            return f"{body[:2]}-{body[2:]}-{check % 11}"


def rut(rng):
    body = digits(rng, 8, "12")
    check = 11 - weighted(body[::-1], (2, 3, 4, 5, 6, 7, 2, 3)) % 11
    return f"{dotted(body)}-{'0K'[check == 10] if check >= 10 else check}"


def cpf(rng):
    body = digits(rng, 9)
    for length in (10, 11):
        rest = weighted(body, range(length, 1, -1)) * 10 % 11
        body += str(rest % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def luhn_digit(body):
    total = sum(sum(divmod(int(d) * (1 + n % 2), 10)) for n, d in enumerate((body + "0")[::-1]))
    return str(-total % 10)


def card(rng):
    body = digits(rng, 15, "45")
    number = body + luhn_digit(body)
    separator = rng.choice([" ", "-"])
    return separator.join(number[n : n + 4] for n in range(0, 16, 4))


def iban(rng):
    account = digits(rng, 20)
    check = 98 - int(account + "142800") % 97  # E=14, S=28
    number = f"ES{check:02d}{account}"
    return rng.choice([number, " ".join(number[n : n + 4] for n in range(0, 24, 4))])


def birthday(rng):
    return f"{rng.randint(40, 99)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"


def curp(rng):
    consonants = "BCDFGLMNPRSTVZ"
    name = rng.choice(consonants) + rng.choice("AEIOU") + "".join(rng.choices(consonants, k=2))
    return f"{name}{birthday(rng)}{rng.choice('HM')}{rng.choice(['DF', 'JC', 'OC', 'YN', 'NL'])}" + (
        "".join(rng.choices(consonants, k=3)) + "0" + str(rng.randint(0, 9))
    )


def rfc(rng):
    return "".join(rng.choices("BCDFGLMNPRSTVZ", k=4)) + birthday(rng) + rng.choice(["AB1", "1H0", "K97", "3XA"])


def email(rng):
    user = rng.choice(["ana.perez", "jordi_puig", "luz+ventas", "nino"])
    return f"{user}@{rng.choice(['correo.example', 'mail.example.mx', 'universitat.example.cat'])}"


def phone_mx(rng):
    return rng.choice(["55 {} {}", "(33) {}-{}", "+52 55 {} {}"]).format(digits(rng, 4), digits(rng, 4))


def phone_ar(rng):
    return rng.choice(["(011) 4{}-{}", "+54 9 11 4{} {}", "011 4{}-{}"]).format(digits(rng, 3), digits(rng, 4))


def phone_co(rng):
    return rng.choice(["+57 31{} {} {}", "31{} {} {}", "31{}{}{}"]).format(
        digits(rng, 1), digits(rng, 3), digits(rng, 4)
    )


def phone_es(rng):
    return rng.choice(["+34 6{} {} {}", "6{} {} {}", "6{}{}{}"]).format(digits(rng, 2), digits(rng, 3), digits(rng, 3))


def cedula(rng):
    number = rng.choice(["10", "52", "79"]) + digits(rng, 6)
    return rng.choice([number, dotted(number)])


# kind, region, placeholder, maker, sentences as people write them
PLANTED = [
    (email, "MX", "[EMAIL]", ["Escríbeme a {}.", "El meu correu és {}, per si de cas.", "Dudas: {}"]),
    (dni, "ES", "[DNI]", ["Mi DNI es {}.", "Se presentó con el {} en la mano.", "Amb DNI {}, veí de Vic."]),
    (nie, "ES", "[DNI]", ["Su NIE es {}.", "Figura con el número {} en el padrón."]),
    (cuit, "AR", "[CUIT]", ["CUIT {}", "Facturá a nombre de Juan, {}, por favor."]),
    (rut, "CL", "[RUT]", ["RUT {}", "Firma: {}, Valparaíso."]),
    (cpf, "BR", "[CPF]", ["CPF: {}", "El titular, {}, vive en Porto Alegre."]),
    (card, "ES", "[TARJETA]", ["Pagó con la tarjeta {}.", "Cargalo a la {} y listo."]),
    (iban, "ES", "[IBAN]", ["Ingrésalo en {}.", "IBAN: {}"]),
    (curp, "MX", "[CURP]", ["Mi CURP es {}.", "La clave {} aparece en el acta."]),
    (rfc, "MX", "[RFC]", ["RFC: {}", "Factura a {} con fecha de hoy."]),
    (
        cedula,
        "CO",
        "[CEDULA]",
        ["Identificado con cédula de ciudadanía No. {}.", "Mi cédula es {}", "C.C. {} de Tunja"],
    ),
    (phone_mx, "MX", "[TELEFONO]", ["Llámame al {}.", "Mi número es {}, soy Rosa.", "Tel. {}"]),
    (
        phone_ar,
        "AR",
        "[TELEFONO]",
        ["Llamame al {}.", "Teléfono: {}", "Mandá un WhatsApp al {} y te paso la dirección"],
    ),
    (phone_co, "CO", "[TELEFONO]", ["Mi celular es el {}.", "Escríbanos al {}", "Contacto: {}"]),
    (phone_es, "ES", "[TELEFONO]", ["Llámame al {}.", "Truca'm al {} demà.", "Mi móvil: {}"]),
]

CLEAN = [
    "La ciudad tiene 612 345 678 habitantes según la broma del alcalde.",
    "La superficie es de 1.964.375 kilómetros cuadrados y viven en ella 126 014 024 personas.",
    "La guerra duró de 1936 a 1939, es decir, 1936-1939; otra fue la de 1910-1920-1940.",
    "Coordenadas 19.4326, -99.1332; altitud 2.240 m; abierto de 10:30 a 12:45.",
    "El grito se dio el 16/09/1810, o 16-09-1810, y la fecha 1810-09-16 es la misma.",
    "El ISBN es 978-84-376-0494-7 y el ISSN 0210-1963.",
    "La Ley 1448 de 2011, el Decreto 4635-4633 y la sentencia T-025/2004.",
    "La Real Cédula de 1785 y la cédula de 24 de mayo de 1803 siguen en el archivo.",
    "Los números de la lotería fueron 04 12 23 31 45 49 y el gordo 58268.",
    "Mezcla 250 g de harina con 125 ml de leche a 180 grados durante 45 minutos, 3 veces.",
    "El río mide 4.880 km; su caudal medio es de 22.000 m³/s y llega a 100.000.",
    "Juegan 11 contra 11 y el marcador acabó 3-2 ante 87.523 espectadores.",
    "El código postal 08001 y el 28013 son de Barcelona y Madrid.",
    "Una población de 47 735 123 personas y 12 345 678 viviendas en el censo de 2021.",
    "El volum té 1.234.567 versos i es va imprimir l'any 1492, el 1493 i el 1494.",
    "La arroba (@) fue medida de peso antes que símbolo del correo.",
    "La llamada Guerra de los Mil Días ocurrió entre 1899 y 1902 y dejó 100.000 muertos.",
    "El teléfono llegó a la ciudad en 1878 y en 1925 había 12.500 abonados.",
    "La cédula de ciudadanía se expide desde 1952 a los mayores de 18 años.",
    "El número 1234567890 no significa nada, ni tampoco 9876543210123.",
    "La tarjeta postal de 1901 mide 9 x 14 cm y costó 10 centavos.",
    "Se vendieron 3.000.000 de discos; el DNI de entonces no llevaba foto.",
]


def test_planted_data_are_found():
    rng = random.Random(2026)
    missed, total = [], 0
    for maker, region, placeholder, sentences in PLANTED:
        for _ in range(20):
            sentence = rng.choice(sentences)
            datum = maker(rng)
            text, found = replace_pii(sentence.format(datum), region)
            total += 1
            if text != sentence.format(placeholder) or found != [placeholder]:
                missed.append((sentence.format(datum), text))
    recall = 1 - len(missed) / total
    assert recall >= 0.97, f"recall {recall:.3f}: {missed[:10]}"


@pytest.mark.parametrize("region", ["ES", "MX", "AR", "CO"])
def test_clean_text_is_left_alone(region):
    touched = {text: found for text in CLEAN if (found := replace_pii(text, region)[1])}
    assert touched == {}


def test_random_numbers_in_the_written_formats_pass_by_checksum():
    rng = random.Random(5)
    texts = [f"El expediente {dotted(digits(rng, 8))}-{rng.choice('0123456789')} sigue abierto." for _ in range(500)]
    wrong = [text for text in texts if "[" in replace_pii(text, "CL")[0]]
    assert len(wrong) / len(texts) < 0.15  # one check digit: a tenth of random numbers in a RUT's own format


def test_rows_are_changed_in_place_and_hits_are_listed():
    rows = pl.DataFrame(
        {
            "row": [3, 5, 9],
            "variety": ["es-MX", "ca", "es-CO"],
            "instruction": ["¿A qué correo escribo?", "Com et puc trucar?", "¿Qué es el ajiaco?"],
            "answer": ["A ana@correo.example o al 55 1234 5678.", None, "Una sopa de tres papas."],
        },
        schema_overrides={"row": pl.UInt32},
    )
    changed, hits = replace_in_rows(rows, ("instruction", "answer"))
    assert changed["answer"].to_list() == ["A [EMAIL] o al [TELEFONO].", None, "Una sopa de tres papas."]
    assert changed["row"].to_list() == [3, 5, 9]
    assert hits.rows() == [(3, "[EMAIL]"), (3, "[TELEFONO]")]


def test_replacing_twice_changes_nothing():
    once, _ = replace_pii("Escribe a ana@correo.example, tel. 612345678, DNI 12345678Z", "ES")
    assert replace_pii(once, "ES") == (once, [])


def test_the_country_comes_from_the_variety():
    assert [region_of(v) for v in ("es-MX", "ca", "gn", "es-419", "es")] == ["MX", "ES", "PY", "ES", "ES"]
