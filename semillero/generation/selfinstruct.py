"""Self-instruct: the model writes a new question and its answer, in the manner of a few seeds.

After Wang et al., *Self-Instruct: Aligning Language Models with Self-Generated Instructions* (2023). The answers are
the model's own: fluent with a small model, and not to be trusted.
"""

from collections.abc import Mapping
from typing import Any

from distilabel.steps.tasks import Task

from semillero.generation.plan import SELF_INSTRUCT
from semillero.generation.prompts import build_payload, choose_form, render_prompt
from semillero.generation.replies import parse_reply
from semillero.project import GeneratorSettings


class SelfInstruct(Task):  # type: ignore[misc]
    """Write a question about a topic and its answer.

    Input columns:
        item: the planned item's name.
        topic_name, register: what the question is about and how it is spoken.
        examples: seeds, shown with their topics and registers.

    Output columns:
        instruction, answer: the question and its answer, or null when the reply is not usable.
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
        return ["item", "topic_name", "register", "examples"]

    @property
    def outputs(self) -> list[str]:
        """See the class."""
        return ["instruction", "answer", "prompt", "reply", "model_name", f"llm_{self.name}_error"]

    def format_input(self, input: dict[str, Any]) -> Any:
        """Return the chat messages and, as distilabel's structured inputs do, a dictionary beside them."""
        payload = build_payload(SELF_INSTRUCT, self.language, input["item"], self._render(input), self.generator)
        return payload["messages"], {"item": input["item"], "payload": payload}

    def format_output(self, output: str | None, input: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the output columns but for the model's name, which distilabel adds."""
        assert input is not None
        known = [example["instruction"] for example in input["examples"]]
        found = parse_reply(SELF_INSTRUCT, output, known) if output else None
        return {
            "instruction": found["pregunta"] if found else None,
            "answer": found["respuesta"] if found else None,
            "prompt": self._render(input),
            "reply": output,
        }

    def _render(self, row: Mapping[str, Any]) -> str:
        return render_prompt(SELF_INSTRUCT, self.language, self.variety, row, choose_form(self.generator))
