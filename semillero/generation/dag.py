"""A shard as a distilabel pipeline, and the runner that executes it here, in this process.

distilabel validates the graph; its own runner, cache and worker processes are not used
(docs/decisions/0003-distilabel-in-process.md).
"""

import threading
from typing import Any

from distilabel.pipeline import Pipeline
from distilabel.steps import KeepColumns, LoadDataFromDicts

from semillero.errors import AccountingError
from semillero.generation.backtranslation import Backtranslation
from semillero.generation.llm import DurableLLM
from semillero.generation.plan import BACKTRANSLATION, ShardPlan
from semillero.generation.selfinstruct import SelfInstruct
from semillero.project import GeneratorSettings

KEPT = ["item", "instruction", "answer", "prompt", "reply", "error", "model_name"]
# Steps register with whichever pipeline is open in the process: a global of distilabel's.
_building = threading.Lock()


def build_pipeline(plan: ShardPlan, generator: GeneratorSettings, llm: DurableLLM) -> Pipeline:
    """Return the shard's pipeline: its items → the technique's task → the columns that are kept."""
    examples = {block.name: [vars(example) for example in block.examples] for block in plan.blocks}
    rows = [{**vars(item), "examples": examples[item.block]} for item in plan.items]
    task = Backtranslation if plan.technique == BACKTRANSLATION else SelfInstruct
    with _building, Pipeline(name=f"generate-{plan.name}") as pipeline:
        items = LoadDataFromDicts(name="items", data=rows, batch_size=len(rows))
        write = task(
            name="write",
            llm=llm,
            language=plan.language,
            variety=plan.variety_name,
            generator=generator,
            add_raw_input=False,
            add_raw_output=False,
            output_mappings={"llm_write_error": "error"},
        )
        keep = KeepColumns(name="keep", columns=KEPT)
        items >> write >> keep
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
