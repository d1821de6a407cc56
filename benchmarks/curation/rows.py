"""Synthetic rows with known faults: the same number and seed give the same rows, on any machine.

Row ``n`` is a function of ``n``, so that a copy can name any earlier row without keeping a million of them.
"""

import random
from collections.abc import Iterator
from typing import Any

import polars as pl

from benchmarks.curation import words
from semillero.project.sources import Sources
from semillero.records import GENERATED, record_id

# Shares of planted rows, in the order in which they are drawn; the rest is clean.
SHARES = {"exact": 0.02, "near": 0.05, "linked": 0.01, "contaminated": 0.005, "pii": 0.01, "foreign": 0.03}
RESERVED_QUESTIONS = 400
FILLING = "Instrucciones que el modelo recibió para escribir una pregunta sobre un pasaje de confianza. " * 3


def make_rows(start: int, stop: int) -> pl.DataFrame:
    """Return rows ``start`` to ``stop`` with the columns of GENERATED, `label` and `of` (the item of the original)."""
    blank = {**dict.fromkeys(GENERATED), "technique": "backtranslation", "status": "answered", "model": "synthetic"}
    lines: list[dict[str, Any]] = []
    for number in range(start, stop):
        label, origin = draw_label(number)
        variety, instruction, answer = write_row(number)
        item = name_item(number)
        line = {"item": item, "group": item, "variety": variety, "topic": f"t{number % 40}", "prompt": FILLING}
        line |= {"instruction": instruction, "answer": answer, "reply": instruction, "source": answer}
        line |= {"id": record_id(item, instruction, answer), "label": label}
        lines.append({**blank, **line, "of": None if origin is None else name_item(origin)})
    return pl.DataFrame(lines, schema={**GENERATED, "label": pl.String(), "of": pl.String()})


def make_shards(rows: int, size: int) -> Iterator[pl.DataFrame]:
    """Yield the first ``rows`` rows in parts of ``size``."""
    for start in range(0, rows, size):
        yield make_rows(start, min(start + size, rows))


def make_reserved() -> Sources:
    """Return the held-out questions that some rows repeat."""
    pairs = [
        {"id": f"r{n}", "variety": "es-MX", "topic": "t0", "instruction": question, "answer": "No se sabe."}
        for n, question in enumerate(_reserved_question(n) for n in range(RESERVED_QUESTIONS))
    ]
    empty: dict[str, Any] = {"topics": (), "seeds": (), "passages": (), "benchmarks": ()}
    return Sources.model_validate({**empty, "reserved": pairs})


def draw_label(number: int) -> tuple[str, int | None]:
    """Return what is wrong with a row (``clean`` for nothing) and, for a copy, the number of its original."""
    rng = random.Random(number * 2 + 1)
    labels, shares = ["clean", *SHARES], [1 - sum(SHARES.values()), *SHARES.values()]
    label = rng.choices(labels, shares)[0]
    if label not in ("exact", "near", "linked"):
        return label, None
    if number < 100:
        return "clean", None
    origin = rng.randrange(number)
    while draw_label(origin)[0] != "clean":
        origin = rng.randrange(number)
    return label, origin


def write_row(number: int) -> tuple[str, str, str]:
    """Return the variety, instruction and answer of a row."""
    label, origin = draw_label(number)
    rng = random.Random(number * 2)
    if origin is None:
        variety, instruction, answer = rng.choice(words.VARIETIES), _question(rng), _answer(rng)
    else:
        variety, instruction, answer = write_row(origin)
    if label == "near":
        instruction = _change(instruction, rng)
    elif label == "linked":
        variety, answer = rng.choice([each for each in words.VARIETIES if each != variety]), _answer(rng)
    elif label == "contaminated":
        instruction = rng.choice(["", "Oye, ", "Dime una cosa: "]) + _reserved_question(
            rng.randrange(RESERVED_QUESTIONS)
        )
    elif label == "pii":
        numbers = {letter: rng.randrange(10_000) for letter in "ab"}
        numbers |= {"c": rng.randrange(100), "d": rng.randrange(1000), "e": rng.randrange(1000)}
        name = rng.choice(words.SAINTS).lower().translate(str.maketrans("áéíóú", "aeiou"))
        answer += " " + rng.choice(words.PERSONAL).format(name=name, number=rng.randrange(100), **numbers)
    elif label == "foreign":
        place = _place(rng)
        instruction, answer = (text.format(place=place) for text in rng.choice(words.FOREIGN))
    return variety, instruction, answer


def name_item(number: int) -> str:
    """Return the item of a row, which holds its variety."""
    return f"{write_row(number)[0]}/backtranslation/p{number:08d}/0"


def _slots(rng: random.Random) -> dict[str, str]:
    lists = {"subject": words.SUBJECTS, "action": words.ACTIONS, "who": words.WHO, "when": words.WHEN}
    return {name: rng.choice(each) for name, each in lists.items()} | {"place": _place(rng)}


def _place(rng: random.Random) -> str:
    name = rng.choice(words.OLD_NAMES) + rng.choice(words.ENDINGS)
    return f"{name} de San {rng.choice(words.SAINTS)} de {rng.choice(words.LANDS)}"


def _question(rng: random.Random) -> str:
    return _contract(rng.choice(words.QUESTIONS).format(**_slots(rng)))


def _answer(rng: random.Random) -> str:
    return _contract(" ".join(sentence.format(**_slots(rng)) for sentence in rng.sample(words.SENTENCES, 2)))


def _contract(text: str) -> str:
    return text.replace(" de el ", " del ").replace(" a el ", " al ")


def _change(question: str, rng: random.Random) -> str:
    if rng.random() < 0.5:
        opening = rng.choice(words.OPENINGS)
        return opening + question[0].lower() + question[1:]
    mark = question[-1]
    return question[:-1] + rng.choice(words.CLOSINGS) + mark


def _reserved_question(number: int) -> str:
    rng = random.Random(f"reserved {number}")
    return words.RESERVED[number % len(words.RESERVED)].format(place=_place(rng))
