"""Back-translation: a trusted passage becomes the answer, the model writes the question to it.

The answers are as true as the passages; what the model can get wrong is only the question.
"""

from collections.abc import Mapping
from typing import Any

from distilabel.steps.tasks import Task

from semillero.generation.plan import BACKTRANSLATION
from semillero.generation.prompts import build_payload, choose_form, render_prompt
from semillero.generation.replies import parse_reply
from semillero.project import GeneratorSettings


class Backtranslation(Task):  # type: ignore[misc]
    """Write the question that a passage answers.

    Input columns:
        item: the planned item's name.
        passage: the trusted text.
        examples: seeds; their answers stand for passages, their instructions for questions.

    Output columns:
        instruction, answer: the question and the passage, or null when the reply is not usable.
        prompt, reply: what was sent and what came back.
        model_name: the model.
        llm_<name of the step>_error: why there is no reply, or null.
    """

    language: str
    variety: str
    generator: GeneratorSettings

    @property
    def inputs(self) -> list[str]:
        """See the class."""
        return ["item", "passage", "examples"]

    @property
    def outputs(self) -> list[str]:
        """See the class."""
        return ["instruction", "answer", "prompt", "reply", "model_name", f"llm_{self.name}_error"]

    def format_input(self, input: dict[str, Any]) -> Any:
        """Return the chat messages and, as distilabel's structured inputs do, a dictionary beside them."""
        payload = build_payload(BACKTRANSLATION, self.language, input["item"], self._render(input), self.generator)
        return payload["messages"], {"item": input["item"], "payload": payload}

    def format_output(self, output: str | None, input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the output columns but for the model's name, which distilabel adds."""
        assert input is not None
        known = [example["instruction"] for example in input["examples"]]
        found = parse_reply(BACKTRANSLATION, output, known) if output else None
        return {
            "instruction": found["pregunta"] if found else None,
            "answer": input["passage"] if found else None,
            "prompt": self._render(input),
            "reply": output,
        }

    def _render(self, row: Mapping[str, Any]) -> str:
        return render_prompt(BACKTRANSLATION, self.language, self.variety, row, choose_form(self.generator))
