"""One request of a technique as a distilabel task: prompt, payload, and what its reply held.

Every technique is a chain of these (`semillero.generation.dag`); what differs between them is data (`Technique`,
`Step`) and templates.
"""

from collections.abc import Iterator
from typing import Any

from distilabel.steps.base import StepInput
from distilabel.steps.tasks import Task
from pydantic import PrivateAttr

from semillero.generation.prompts import build_payload, choose_form, find_stop, render_prompt
from semillero.generation.replies import parse_reply
from semillero.generation.technique import Step
from semillero.generation.techniques import TECHNIQUES
from semillero.project import GeneratorSettings

Row = dict[str, Any]


class Ask(Task):  # type: ignore[misc]
    """Make one of an item's requests; the task's name is the step's.

    Rows of which an earlier request failed, or had no usable reply, pass through unasked.

    Attributes:
        technique: a name in `TECHNIQUES`.
        language, variety: choose and complete the wording.
        generator: sampling, limits, and what holds the reply to its form.

    Input columns:
        item, examples: the planned item's name and the seeds that its prompts show; templates read its other fields.
        found: the fields of earlier replies, by step.
        asked: one ``{step, prompt, reply, repairs}`` for each request so far; ``reply`` is null when it failed.
        error: why an earlier request failed, or null.

    Output columns:
        found, asked, error: the same, this request included.
        model_name: the model.
    """

    technique: str
    language: str
    variety: str
    generator: GeneratorSettings
    _prompts: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """See the class."""
        return ["item", "examples", "found", "asked", "error"]

    @property
    def outputs(self) -> list[str]:
        """See the class."""
        return ["found", "asked", "error", "model_name"]

    @property
    def step(self) -> Step:
        """What is asked for."""
        return TECHNIQUES[self.technique].step(self.name)

    def process(self, inputs: StepInput) -> Iterator[list[Row]]:  # type: ignore[valid-type]
        """Ask for the rows that are to be asked for; hand on all rows, in order."""
        due = [row for row in inputs if is_due(row, self.step)]
        rows = {row["item"]: {**row, "model_name": self.llm.model_name} for row in inputs}
        for row in next(iter(super().process(due))) if due else ():
            rows[row["item"]] = {**row, "error": row.pop(f"llm_{self.name}_error", None)}
        yield list(rows.values())

    def format_input(self, input: Row) -> Any:
        """Return the chat messages and, as distilabel's structured inputs do, a dictionary beside them."""
        name = TECHNIQUES[self.technique].request(input["item"], self.name)
        prompt = self._prompts[input["item"]] = self._render(input)
        payload = build_payload(self.step, self.language, name, prompt, self.generator)
        return payload["messages"], {"item": name, "payload": payload}

    def format_output(self, output: str | None, input: Row | None = None) -> Row:
        """Return the output columns but for the error, which the model adds."""
        assert input is not None
        known = [example["instruction"] for example in input["examples"]]
        known += [fields["pregunta"] for fields in input["found"].values() if "pregunta" in fields]
        step, form, stop = self.step, choose_form(self.generator), find_stop(self.step, self.language)
        parsed = parse_reply(output or "", step.keys, form, stop, known, step.reworks)
        prompt = self._prompts.pop(input["item"])
        asked = {"step": self.name, "prompt": prompt, "reply": output, "repairs": list(parsed.repairs)}
        found = {self.name: parsed.fields} if parsed.fields else {}
        return {"found": {**input["found"], **found}, "asked": [*input["asked"], asked]}

    def _render(self, row: Row) -> str:
        return render_prompt(self.step, self.language, self.variety, row, choose_form(self.generator))


def is_due(row: Row, step: Step) -> bool:
    """Tell whether a row's next request is to be made: all before it were answered, and usably."""
    usable = len(row["found"]) == len(row["asked"]) and not row["error"]
    return usable and (step.when is None or step.when(row))
