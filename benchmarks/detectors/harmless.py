"""Numbers that are nobody's: quantities, dates, book numbers and the like, made in thousands with a seed."""

from collections.abc import Callable, Iterator
from random import Random

from benchmarks.detectors.planted_numbers import digits, grouped, weighted

EACH = 60


def make_date(rng: Random) -> str:
    """A date in one of five forms."""
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1492, 2030)
    forms = ["{d:02}/{m:02}/{y}", "{d:02}-{m:02}-{y}", "{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}", "{y}{m:02}{d:02}"]
    return rng.choice(forms).format(d=day, m=month, y=year)


def make_isbn(rng: Random) -> str:
    """A book number with its right check digit, with and without hyphens."""
    body = "978" + digits(rng, 9, "0123456789")
    number = body + str(-weighted(body, (1, 3) * 6) % 10)
    return rng.choice([number, f"{number[:3]}-{number[3:5]}-{number[5:8]}-{number[8:12]}-{number[12]}"])


def make_quantity(rng: Random) -> str:
    """A number of five to ten digits with dots, thin spaces or nothing between the thousands."""
    return grouped(digits(rng, rng.randint(5, 10)), rng.choice([".", " ", "\N{NO-BREAK SPACE}"]))


def make_price(rng: Random) -> str:
    """An amount with decimals."""
    return f"{grouped(digits(rng, rng.randint(4, 8)), '.')},{rng.randint(0, 99):02d}"


def make_decimals(rng: Random) -> str:
    """A latitude and a longitude."""
    return f"{rng.uniform(-55, 44):.{rng.randint(4, 7)}f}, {rng.uniform(-118, 4):.{rng.randint(4, 7)}f}"


def make_list(rng: Random) -> str:
    """Years, pages or lottery numbers in a row."""
    count, low, high = rng.choice([(3, 1500, 2020), (6, 1, 49), (4, 100, 999)])
    return rng.choice([", ", " ", "-"]).join(f"{rng.randint(low, high):02d}" for _ in range(count))


KINDS: dict[str, tuple[Callable[[Random], str], tuple[str, ...]]] = {
    "dates": (
        make_date,
        ("Nació el {} en Jaén.", "El {} se firmó la paz.", "Data: {}.", "Llamaron a elecciones para el {}."),
    ),
    "ISBN": (make_isbn, ("ISBN {}", "El libro ({}) está agotado.", "Código de barras: {}")),
    "quantities": (
        make_quantity,
        (
            "Viven allí {} personas.",
            "La biblioteca guarda {} volúmenes.",
            "Hay {} teléfonos por cada mil casas.",
            "Foron {} os votos.",
            "El número de afiliados es de {}.",
            "A lei beneficia {} famílias.",
            "Té {} habitants.",
            "{} biztanle ditu.",
        ),
    ),
    "prices": (make_price, ("Costó {} pesos.", "El total es de {} €.", "R$ {}", "La tarjeta cobra {} al año.")),
    "coordinates": (make_decimals, ("Coordenadas: {}.", "El faro está en {}.", "Punto de encuentro ({})")),
    "lists": (make_list, ("Salieron los números {}.", "Años {}.", "Véanse las páginas {} del tomo.")),
}


def each_harmless(seed: int) -> Iterator[tuple[str, str]]:
    """Yield (kind, sentence), `EACH` of every kind."""
    rng = Random(seed)
    for name, (maker, sentences) in KINDS.items():
        for _ in range(EACH):
            yield name, rng.choice(sentences).format(maker(rng))
