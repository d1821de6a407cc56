"""From an item's replies to a row of the corpus.

In: what the chain of tasks left of each item (the columns of `semillero.generation.asking.Ask`). Out: the columns of
GENERATED. An item that failed, or of which a reply is not usable, keeps its row without question and answer.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from semillero.generation.plan import ShardPlan
from semillero.generation.techniques import TECHNIQUES
from semillero.records import GENERATED, record_id

Rows = list[dict[str, Any]]

PERIOD = "actual"


def finish_rows(plan: ShardPlan, rows: Rows) -> Rows:
    """Return the rows with the columns that their technique makes of the replies, null where one is not usable."""
    technique = TECHNIQUES[plan.technique]
    items = {item.item: vars(item) for item in plan.items}
    finished = []
    for row in rows:
        usable = not row["error"] and len(row["found"]) == len(row["asked"])
        texts = technique.finish(items[row["item"]], row["found"]) if usable else {}
        reply = None if row["error"] else row["asked"][-1]["reply"]
        finished.append({**row, "instruction": None, "answer": None, **texts, "reply": reply})
    return finished


def build_records(plan: ShardPlan, rows: Rows) -> pl.DataFrame:
    """Return the shard's rows with the columns of GENERATED, in the plan's order."""
    technique = TECHNIQUES[plan.technique]
    by_item = {row["item"]: row for row in rows}
    records = []
    for item in plan.items:
        row = by_item[item.item]
        text = (row["instruction"], row["answer"]) if row["instruction"] else ("", row["reply"] or "")
        repairs = sorted({repair for asked in row["asked"] for repair in asked["repairs"]})
        records.append(
            {
                "id": record_id(item.item, *text),
                "item": item.item,
                "group": item.group,
                "parallel": item.parallel,
                "variety": plan.variety,
                "topic": item.topic,
                "technique": plan.technique,
                "history": row.get("history"),
                "instruction": row["instruction"],
                "answer": row["answer"],
                "alternative": row.get("alternative"),
                "ranked_by": f"model:{row['model_name']}" if technique.ranks and row.get("alternative") else None,
                "register": item.register,
                "period": PERIOD,
                "domain": item.domain,
                "task": technique.task,
                "source": item.passage,
                "origin": item.origin,
                "prompt": join_prompts(row["asked"]),
                "model": row["model_name"],
                "reply": row["reply"],
                "repairs": repairs,
                "status": "failed" if row["error"] else "answered",
                "error": row["error"],
            }
        )
    return pl.DataFrame(records, schema=GENERATED)


def join_prompts(asked: Sequence[dict[str, Any]]) -> str:
    """Return all prompts of an item, in order; where there are several, each under its step's name."""
    if len(asked) == 1:
        return str(asked[0]["prompt"])
    return "\n\n".join(f"[{one['step']}]\n{one['prompt']}" for one in asked)
