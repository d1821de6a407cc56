"""Prompts and constraints: Jinja files rendered in a sandbox, GBNF grammars beside them.

``prompts/STEP.j2`` is the shape of a prompt: a few-shot continuation, which a base model needs and an instruction-tuned
one understands as well. What it says, in words, is in ``prompts/languages/``, one file a language; languages without a
file are worded in Spanish and told which language to write. With ``form="json"`` examples and reply are JSON objects,
with ``form="lines"`` labelled lines.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semillero.digests import digest_file, digest_json
from semillero.generation.replies import Form
from semillero.generation.technique import Step, Technique
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

FOLDER = Path(__file__).parent / "prompts"
WORDING = "es"  # for languages without a file of their own
LABEL_OF = {"pregunta": "question", "respuesta": "answer", "critica": "critique", "orden": "order"}

# llama.cpp's own samplers: a small base model repeats itself and rambles without them. Others do not know the names.
EMBEDDED_SAMPLING: dict[str, Any] = {"min_p": 0.05, "dry_multiplier": 0.8, "cache_prompt": True}


def render_prompt(step: Step, language: str, variety: str, item: Mapping[str, Any], form: Form) -> str:
    """Return the prompt of one of an item's requests.

    Args:
        step: chooses the template.
        language: chooses the wording.
        variety: the variety's name, as the wording says it.
        item: the planned item's fields, its ``examples``, the variety's ``country``, and ``found``: what earlier
            replies held, by step.
        form: what examples and reply look like.
    """
    say = say_in(language, variety)

    def show(**fields: str) -> str:
        """Show an example's reply in the form that is asked for."""
        if form == "json":
            return json.dumps(fields, ensure_ascii=False)
        return "\n".join(f"{say.label[LABEL_OF[key]]}: {' '.join(text.split())}" for key, text in fields.items())

    begin = f"{say.label[LABEL_OF[step.keys[0]]]}:" if form == "lines" else ""
    newest = {key: text for fields in item["found"].values() for key, text in fields.items()}
    template = _environment().get_template(f"{step.file}.j2")
    return template.render(
        say=say, label=say.label, item=item, examples=item["examples"], newest=newest, form=form, show=show, begin=begin
    )


def choose_form(generator: GeneratorSettings) -> Form:
    """Return the form of replies: objects where a JSON schema holds them, labelled lines otherwise."""
    return "json" if generator.constrain == "json_schema" else "lines"


def build_payload(step: Step, language: str, request: str, prompt: str, generator: GeneratorSettings) -> dict[str, Any]:
    """Return the body of a request, without the model's name.

    Args:
        step: says what the reply must hold.
        language: words the labels at which a reply in lines has gone on too far.
        request: its name in the ledger; its sampling seed is drawn from it.
        prompt: from `render_prompt`.
        generator: sampling, limits, and what holds the reply to its form.
    """
    payload: dict[str, Any] = {
        "messages": [{"role": "user", "content": prompt}],
        "temperature": generator.temperature,
        "max_tokens": generator.max_tokens,
        "seed": request_seed(request, generator.seed),
    }
    if generator.constrain == "json_schema":
        schema = {"name": step.file, "strict": True, "schema": build_schema(step)}
        payload["response_format"] = {"type": "json_schema", "json_schema": schema}
    else:
        payload["stop"] = [f"\n{find_stop(step, language)}:"]
    if generator.constrain == "grammar":
        payload["grammar"] = read_grammar(step, language)
    if generator.kind == "embedded":
        payload.update(EMBEDDED_SAMPLING)
    return payload


def find_stop(step: Step, language: str) -> str:
    """Return the label that begins a new example in a step's prompt."""
    return str(say_in(language, "").label[step.stop])


def read_grammar(step: Step, language: str) -> str:
    """Return the GBNF grammar that holds a reply in lines to its form."""
    say = say_in(language, "")
    return _environment().get_template(f"grammars/{step.grammar_file}.gbnf").render(say=say, label=say.label)


def build_schema(step: Step) -> dict[str, Any]:
    """Return the JSON schema of a reply in JSON, in the subset that strict endpoints accept."""
    return {
        "type": "object",
        "properties": {key: {"type": "string"} for key in step.keys},
        "required": list(step.keys),
        "additionalProperties": False,
    }


def digest_prompts(technique: Technique, language: str) -> str:
    """Return one digest over the files that a technique's prompts and grammars come from."""
    names = [_language_file(language)]
    for step in technique.steps:
        names += [f"{step.file}.j2", f"grammars/{step.grammar_file}.gbnf"]
    return digest_json([digest_file(FOLDER / name) for name in names])


def request_seed(request: str, seed: int) -> int:
    """Return a request's sampling seed: 31 bits, the same in every run."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{request}".encode()).digest()[:4], "big") >> 1


@cache
def say_in(language: str, variety: str) -> Any:
    """Return a language's wording: ``label``, ``opening``, ``capital``, ``sample`` and a macro for each template."""
    # A module's macros see what it was made with.
    return _environment().get_template(_language_file(language)).make_module({"variety": variety, "language": language})


@cache
def _language_file(language: str) -> str:
    own = f"languages/{language}.j2"
    return own if (FOLDER / own).exists() else f"languages/{WORDING}.j2"


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # prompts are plain text, not markup
        auto_reload=False,  # a look at the file's date for each prompt is a fifth of what a request costs
    )
    # Jinja's own `tojson` is for HTML: it escapes accents, quotes and angle brackets.
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.filters["line"] = lambda text: " ".join(text.split())
    environment.filters["first_sentence"] = lambda text: re.split(r"(?<=[.!?])\s", text.strip(), maxsplit=1)[0]
    return environment
