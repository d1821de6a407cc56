"""Reviewed rows, and the project settings around them, to build corpora of."""

from collections.abc import Sequence
from typing import Any

from semillero.project import CorpusSettings
from semillero.project.sources import Sources, Topic
from semillero.records import record_id

WORDS = (
    "maíz", "río", "cerro", "plaza", "baile", "canto", "barro", "tejido",
    "mercado", "lluvia", "puerto", "selva", "nieve", "trigo", "olivo", "faro",
)  # fmt: skip


def sentence(seed: int, words: int) -> str:
    picks = [(seed * 7 + n * (seed % 11 + 3) + n * n) % len(WORDS) for n in range(words)]
    return " ".join(f"{WORDS[pick]}{(seed * 31 + n) % 97}" for n, pick in enumerate(picks))


def make_rows(varieties: Sequence[str], groups: int = 10, each: int = 3) -> list[dict[str, Any]]:
    """``each`` rows a group, ``groups`` groups a variety; the rows of a group share their answer."""
    rows = []
    for v, code in enumerate(varieties):
        for g in range(groups):
            passage = f"{code}-p{g:02d}"
            for n in range(each):
                item = f"{code}/backtranslation/{passage}/{n}"
                question = f"¿{sentence(1000 * v + 10 * g + n + 5000, 8)}?"
                answer = sentence(100 * v + g, 30 + g) + "."
                rows.append(
                    {
                        "id": record_id(item, question, answer), "item": item, "group": passage, "variety": code,
                        "topic": f"t{g % 4}", "technique": "backtranslation", "instruction": question,
                        "answer": answer, "alternative": None, "register": "medio", "period": "actual",
                        "domain": "cultura", "task": "pregunta_abierta", "source": answer,
                        "origin": f"pasaje:{passage}", "prompt": "p", "model": "m", "flags": [],
                        "decision": "kept", "reason": None, "score": float(n), "reviewers": ["judge:likelihood:m"],
                        "original_instruction": question, "original_answer": answer,
                    }
                )  # fmt: skip
    return rows


def make_corpus(codes: dict[str, str], **settings: Any) -> CorpusSettings:
    """Corpus settings for varieties given as code → country."""
    varieties = [
        {"code": c, "name": f"variedad {c}", "country": country, "requests": 10} for c, country in codes.items()
    ]
    return CorpusSettings.model_validate(
        {"varieties": varieties, "topics": "t.yaml", "seeds": "s.jsonl", "passages": "p.jsonl", **settings}
    )


SOURCES = Sources(
    topics=tuple(Topic(id=f"t{n}", name=f"Tema {n}", domain="cultura") for n in range(4)),
    seeds=(), passages=(), reserved=(), benchmarks=(),
)  # fmt: skip
