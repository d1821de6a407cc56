"""A shard as a distilabel pipeline, and the runner that executes it here, in this process.

distilabel validates the graph; its own runner, cache and worker processes are not used
(docs/decisions/0003-distilabel-in-process.md).
"""

import threading
from typing import Any

from distilabel.pipeline import Pipeline
from distilabel.steps import KeepColumns, LoadDataFromDicts

from semillero.errors import AccountingError
from semillero.generation.asking import Ask
from semillero.generation.llm import DurableLLM
from semillero.generation.plan import ShardPlan
from semillero.generation.techniques import TECHNIQUES
from semillero.project import GeneratorSettings

KEPT = ["item", "found", "asked", "error", "model_name"]
# Steps register with whichever pipeline is open in the process: a global of distilabel's.
_building = threading.Lock()


def build_pipeline(plan: ShardPlan, generator: GeneratorSettings, llm: DurableLLM) -> Pipeline:
    """Return the shard's pipeline: its items → one task for each of the technique's requests → the columns kept."""
    rows = [{**row, "found": {}, "asked": [], "error": None} for row in plan.rows()]
    with _building, Pipeline(name=f"generate-{plan.name}") as pipeline:
        last = LoadDataFromDicts(name="items", data=rows, batch_size=len(rows))
        for step in TECHNIQUES[plan.technique].steps:
            ask = Ask(
                name=step.name,
                technique=plan.technique,
                llm=llm,
                language=plan.language,
                variety=plan.variety_name,
                generator=generator,
                add_raw_input=False,
                add_raw_output=False,
            )
            last >> ask
            last = ask
        last >> KeepColumns(name="keep", columns=KEPT)
    pipeline.dag.validate()
    return pipeline


def run_pipeline(pipeline: Pipeline) -> list[dict[str, Any]]:
    """Execute a pipeline's steps in topological order and return the last one's rows.

    Raises:
        AccountingError: a step lost or invented rows; names it.
    """
    dag = pipeline.dag
    outputs: dict[str, list[dict[str, Any]]] = {}
    rows: list[dict[str, Any]] = []
    for level in dag.iter_based_on_trophic_levels():
        for name in level:
            step = dag.get_step(name)["step"]
            step.load()
            try:
                if step.is_generator:
                    rows = [row for batch, _ in step.process_applying_mappings() for row in batch]
                else:
                    taken = [outputs[before] for before in dag.get_step_predecessors(name)]
                    rows = [row for batch in step.process_applying_mappings(*taken) for row in batch]
                    if len(rows) != len(taken[0]):
                        raise AccountingError(
                            f"step {name} of {pipeline.name} took {len(taken[0])} rows and gave {len(rows)}",
                            "one row out for each row in",
                        )
            finally:
                step.unload()
            outputs[name] = rows
    return rows
