"""Sentences with one invented personal datum each, and what they must become."""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from benchmarks.detectors import planted_numbers as make

EACH = 40  # sentences a kind and country


class Kind(NamedTuple):
    """What is planted: its name in the table, the country, the placeholder, how it is made and where it stands."""

    name: str
    region: str
    placeholder: str
    maker: Callable[[Random], str]
    sentences: tuple[str, ...]


PHONED = (
    "Llámame al {}.",
    "Mi número es {}, soy Rosa.",
    "Tel. {}",
    "Teléfono: {}",
    "Mandá un WhatsApp al {} y te paso la dirección.",
    "Para reservar, marque el {} de lunes a viernes.",
    "Su celular es {} y contesta por la tarde.",
    "Puede contactarnos en el {} o pasar por la oficina.",
    "Tfno.: {}",
    "Cel: {}",
    "celular N° {}",
    "WhatsApp {}",
    "Comuníquese al {}",
    "Llama o escribe al {}",
    "teléfono de contacto: {}",
    "móvil/WhatsApp: {}",
    "su número de teléfono es el {}",
    "Informes al {}",
    "fijo: {}",
    "Telf. {}",
    "Tlf: {}",
    "teléfono {}",
    "Llámenos: {}",
    "Nos puedes llamar al {}",
    "Llame ya al {}",
    "marca al {}",
    "Agéndame en el {}",
)
INTERNATIONAL = (*PHONED, "El taller de Aurelia, {}, abre a las nueve.", "Firmado: Rubén, {}")
KINDS = (
    Kind(
        "e-mail",
        "MX",
        "[EMAIL]",
        make.make_email,
        (
            "Escríbeme a {}.",
            "El meu correu és {}, per si de cas.",
            "Dudas: {}",
            "Envíe su currículum a {} antes del 3 de mayo.",
            "(contacto: {})",
            "Nire helbidea {} da.",
            "correo electrónico: {}",
            "<{}>",
            "{}; asunto: beca",
            "mailto:{}",
            "Correo:{}",
        ),
    ),
    Kind(
        "DNI",
        "ES",
        "[DNI]",
        make.make_dni,
        (
            "Mi DNI es {}.",
            "Se presentó con el {} en la mano.",
            "Amb DNI {}, veí de Vic.",
            "Yo, Marta Ruiz, {}, declaro que vivo aquí.",
            "NAN zenbakia: {}.",
            "Co DNI {}, veciña de Lugo.",
            "provista de DNI núm. {}",
            "N.I.F. {}",
            "DNI/NIF: {}",
            "con D.N.I. n.º {}",
            "DNI:{}",
        ),
    ),
    Kind(
        "NIE",
        "ES",
        "[DNI]",
        make.make_nie,
        (
            "Su NIE es {}.",
            "Figura con el número {} en el padrón.",
            "El titular, {}, firmó ayer.",
            "Amb NIE {}, resident a Reus.",
            "NIE: {}",
            "con NIE núm. {}",
            "pasaporte o NIE {}",
        ),
    ),
    Kind(
        "DNI",
        "AR",
        "[DNI]",
        make.make_plain_dni,
        (
            "Mi DNI es {}.",
            "DNI {}",
            "Juan Sosa, DNI Nº {}, de Rosario.",
            "con documento nacional de identidad {} y domicilio en Salta",
            "D.N.I.: {}",
            "titular del DNI nro. {}",
            "identificado con DNI N° {}",
            "DNI N.º {}",
            "DNI número {}",
            "D.N.I. {}",
        ),
    ),
    Kind(
        "CUIT",
        "AR",
        "[CUIT]",
        make.make_cuit,
        (
            "CUIT {}",
            "Facturá a nombre de Juan, {}, por favor.",
            "Su CUIL es {}.",
            "El proveedor ({}) ya cobró.",
            "CUIT/CUIL: {}",
            "CUIT nro. {}",
            "mi número de CUIL es el {}",
            "CUIT N° {}",
        ),
    ),
    Kind(
        "CUIT",
        "AR",
        "[CUIT]",
        make.make_bare_cuit,
        (
            "CUIT {}",
            "Mi CUIL es {}.",
            "C.U.I.T.: {}",
            "cuil número {}",
            "CUIT/CUIL: {}",
            "CUIT nro. {}",
            "mi número de CUIL es el {}",
            "CUIT N° {}",
        ),
    ),
    Kind(
        "RUT",
        "CL",
        "[RUT]",
        make.make_rut,
        (
            "RUT {}",
            "Firma: {}, Valparaíso.",
            "Mi RUN es {}.",
            "Doña Elvira Soto, {}, arrendó la casa.",
            "R.U.T.: {}",
            "RUT Nº {}",
            "RUT:{}",
            "rol único tributario {}",
        ),
    ),
    Kind(
        "CPF",
        "BR",
        "[CPF]",
        make.make_cpf,
        (
            "CPF: {}",
            "O titular, {}, mora em Porto Alegre.",
            "Meu CPF é {}.",
            "inscrito no CPF sob o nº {}",
            "CPF/MF {}",
            "CPF n. {}",
            "CPF:{}",
        ),
    ),
    Kind(
        "CPF",
        "BR",
        "[CPF]",
        make.make_bare_cpf,
        ("CPF: {}", "CPF nº {}", "Meu CPF é {}.", "inscrito no CPF sob o nº {}", "CPF/MF {}", "CPF n. {}", "CPF:{}"),
    ),
    Kind(
        "CNPJ",
        "BR",
        "[CNPJ]",
        make.make_cnpj,
        ("CNPJ {}", "A padaria da Célia ({}) emite nota.", "Inscrita no CNPJ sob o nº {}.", "CNPJ/MF {}", "CNPJ: {}"),
    ),
    Kind(
        "CURP",
        "MX",
        "[CURP]",
        make.make_curp,
        ("Mi CURP es {}.", "La clave {} aparece en el acta.", "curp: {}", "CURP:{}", "su CURP ({})"),
    ),
    Kind(
        "RFC",
        "MX",
        "[RFC]",
        make.make_rfc,
        ("RFC: {}", "Factura a {} con fecha de hoy.", "Mi rfc es {}, gracias.", "R.F.C. {}", "RFC:{}", "con RFC {}"),
    ),
    Kind(
        "cédula",
        "CO",
        "[CEDULA]",
        make.make_colombian,
        (
            "Identificado con cédula de ciudadanía No. {}.",
            "Mi cédula es {}",
            "C.C. {} de Tunja",
            "con cédula {} expedida en Pasto",
            "CC {}",
            "identificada con la cédula número {} de Cali",
            "cédula No. {}",
            "número de cédula: {}",
            "C.C. No. {}",
            "portador de la C.C. n.° {}",
            "su número de cédula es el {}",
            "documento de identidad número {}",
            "C.C.: {}",
        ),
    ),
    Kind(
        "cédula",
        "EC",
        "[CEDULA]",
        make.make_ecuadorian,
        (
            "Mi cédula es {}.",
            "Cédula: {}",
            "portador de la cédula de identidad Nº {}",
            "C.I. {}",
            "con cédula de ciudadanía {}",
            "cédula N.º {}",
            "CI: {}",
            "número de cédula {}",
        ),
    ),
    Kind(
        "cédula",
        "UY",
        "[CEDULA]",
        make.make_uruguayan,
        (
            "C.I. {}",
            "Mi cédula es {}.",
            "titular de la cédula de identidad {}",
            "cédula {}, Salto",
            "C.I.: {}",
            "cédula de identidad N.º {}",
            "CI {}",
        ),
    ),
    Kind(
        "cédula",
        "VE",
        "[CEDULA]",
        make.make_venezuelan,
        (
            "C.I. {}",
            "cédula de identidad N° {}",
            "Mi cédula es {}.",
            "titular de la cédula de identidad {}",
            "C.I. N° {}",
            "Cédula: {}",
            "cédula de identidad Nro. {}",
        ),
    ),
    Kind(
        "cédula",
        "DO",
        "[CEDULA]",
        make.make_dominican,
        (
            "Cédula {}",
            "Mi cédula es {}.",
            "cédula de identidad y electoral No. {}",
            "con cédula núm. {}",
            "cédula No. {}",
            "portador de la cédula de identidad y electoral número {}",
        ),
    ),
    Kind(
        "IBAN",
        "ES",
        "[IBAN]",
        make.make_iban,
        (
            "Ingrésalo en {}.",
            "IBAN: {}",
            "El compte és {} i el titular, el club.",
            "Transferencia a {} antes del día 5.",
            "cuenta {}",
            "IBAN {}",
            "núm. de compte: {}",
            "a la cuenta n.º {}",
        ),
    ),
    Kind(
        "card",
        "ES",
        "[TARJETA]",
        make.make_card,
        (
            "Pagó con la tarjeta {}.",
            "Cargalo a la {} y listo.",
            "Visa {}, caduca en mayo.",
            "La targeta {} no passa.",
            "El número que me pidió es {}.",
            "tarjeta de crédito número {}",
            "mi tarjeta es la {}, CVV 123",
            "Amex: {}",
            "tarjeta n.º {}",
            "Mastercard {}",
        ),
    ),
    Kind(
        "phone",
        "ES",
        "[TELEFONO]",
        make.phone(
            "6## ### ###",
            "6########",
            "6## ## ## ##",
            "91 ### ## ##",
            "93# ### ###",
            "7## ######".replace("7##", "71#"),
        ),
        (*PHONED, "Truca'm al {} demà.", "Chámame ao {} pola tarde.", "Deitu {} zenbakira.", "Mi móvil: {}"),
    ),
    Kind(
        "phone", "ES", "[TELEFONO]", make.phone("+34 6## ### ###", "+346########", "0034 6## ## ## ##"), INTERNATIONAL
    ),
    Kind(
        "phone", "MX", "[TELEFONO]", make.phone("55 #### ####", "(33) ####-####", "442 ### ####", "55########"), PHONED
    ),
    Kind(
        "phone",
        "MX",
        "[TELEFONO]",
        make.phone("+52 55 #### ####", "+52 1 33 #### ####", "+5281########"),
        INTERNATIONAL,
    ),
    Kind(
        "phone",
        "AR",
        "[TELEFONO]",
        make.phone("(011) 4###-####", "011 4###-####", "11 4###-####", "0351 42#-####"),
        PHONED,
    ),
    Kind("phone", "AR", "[TELEFONO]", make.phone("+54 9 11 4### ####", "+54 11 4###-####"), INTERNATIONAL),
    Kind("phone", "CO", "[TELEFONO]", make.phone("31# ### ####", "300#######", "601 ### ####", "320-###-####"), PHONED),
    Kind("phone", "CL", "[TELEFONO]", make.phone("+56 9 #### ####", "9 6### ####", "+56 2 2### ####"), PHONED),
    Kind("phone", "PE", "[TELEFONO]", make.phone("98# ### ###", "01 4## ####", "+51 98# ### ###"), PHONED),
    Kind("phone", "UY", "[TELEFONO]", make.phone("099 ### ###", "094 ### ###", "2901 ####", "+598 99 ### ###"), PHONED),
    Kind("phone", "PY", "[TELEFONO]", make.phone("0981 ### ###", "0971-######", "+595 981 ### ###"), PHONED),
    Kind("phone", "EC", "[TELEFONO]", make.phone("099 ### ####", "02 2## ####", "+593 99 ### ####"), PHONED),
    Kind(
        "phone",
        "VE",
        "[TELEFONO]",
        make.phone("0414-#######", "0412 ### ####", "0212-5######", "+58 414 #######"),
        PHONED,
    ),
    Kind("phone", "BO", "[TELEFONO]", make.phone("7#######", "7## #####", "+591 7#######"), PHONED),
    Kind("phone", "CR", "[TELEFONO]", make.phone("88## ####", "22##-####", "+506 88## ####"), PHONED),
    Kind("phone", "DO", "[TELEFONO]", make.phone("809-5##-####", "(829) 5##-####", "+1 809 5## ####"), PHONED),
    Kind(
        "phone",
        "BR",
        "[TELEFONO]",
        make.phone("(11) 9####-####", "+55 11 9####-####", "21 9####-####"),
        (
            "Ligue para {}.",
            "Meu telefone é {}.",
            "WhatsApp: {}",
            "Fale conosco pelo {}.",
            "Ligue agora: {}",
            "meu zap é {}",
            "Celular: {}",
            "Tel.: {}",
        ),
    ),
)


class Planted(NamedTuple):
    """A sentence with a datum in it, the same with the placeholder, and the kind."""

    kind: Kind
    text: str
    clean: str


def each_planted(seed: int) -> Iterator[Planted]:
    """Yield `EACH` sentences of every kind, the same for the same seed."""
    rng = Random(seed)
    for kind in KINDS:
        for _ in range(EACH):
            sentence = rng.choice(kind.sentences)
            yield Planted(kind, sentence.format(kind.maker(rng)), sentence.format(kind.placeholder))
