"""Prompts and constraints: Jinja files rendered in a sandbox, GBNF grammars beside them.

Templates are few-shot continuations, which a base model needs and an instruction-tuned one understands as well. The
wording is Spanish; a file named for another language (``backtranslation.ca.j2``) takes its place there. With
``form="json"`` examples and reply are JSON objects, with ``form="lines"`` labelled lines.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from semillero.digests import digest_file, digest_json
from semillero.generation.plan import BACKTRANSLATION, SELF_INSTRUCT, request_seed
from semillero.project import GeneratorSettings

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

Form = Literal["lines", "json"]

FOLDER = Path(__file__).parent / "prompts"
WORDING = "es"  # for languages without a file of their own
# The keys of a JSON reply, in the order in which they are asked for.
KEYS: dict[str, tuple[str, ...]] = {BACKTRANSLATION: ("pregunta",), SELF_INSTRUCT: ("pregunta", "respuesta")}
# What begins the next example: there a reply in lines has gone on too far.
STOPS: dict[str, list[str]] = {BACKTRANSLATION: ["\nTexto:", "\nText:"], SELF_INSTRUCT: ["\nTema:"]}

# llama.cpp's own samplers: a small base model repeats itself and rambles without them. Others do not know the names.
EMBEDDED_SAMPLING: dict[str, Any] = {"min_p": 0.05, "dry_multiplier": 0.8, "cache_prompt": True}


def render_prompt(technique: str, language: str, variety: str, item: Mapping[str, Any], form: Form) -> str:
    """Return an item's prompt.

    Args:
        technique, language: choose the template.
        variety: the variety's name, as the wording says it.
        item: the planned item's fields, and its ``examples``.
        form: what examples and reply look like.
    """
    template = _environment().get_template(_file_name(technique, language, "j2"))
    return template.render(variety=variety, item=item, examples=item["examples"], form=form)


def choose_form(generator: GeneratorSettings) -> Form:
    """Return the form of replies: objects where a JSON schema holds them, labelled lines otherwise."""
    return "json" if generator.constrain == "json_schema" else "lines"


def build_payload(
    technique: str, language: str, item: str, prompt: str, generator: GeneratorSettings
) -> dict[str, Any]:
    """Return the body of an item's request, without the model's name."""
    payload: dict[str, Any] = {
        "messages": [{"role": "user", "content": prompt}],
        "temperature": generator.temperature,
        "max_tokens": generator.max_tokens,
        "seed": request_seed(item, generator.seed),
    }
    if generator.constrain == "json_schema":
        schema = {"name": technique, "strict": True, "schema": build_schema(technique)}
        payload["response_format"] = {"type": "json_schema", "json_schema": schema}
    else:
        payload["stop"] = STOPS[technique]
    if generator.constrain == "grammar":
        payload["grammar"] = read_grammar(technique, language)
    if generator.kind == "embedded":
        payload.update(EMBEDDED_SAMPLING)
    return payload


def read_grammar(technique: str, language: str) -> str:
    """Return the GBNF grammar that holds a reply in lines to its form."""
    return (FOLDER / _file_name(technique, language, "gbnf")).read_text(encoding="utf-8")


def build_schema(technique: str) -> dict[str, Any]:
    """Return the JSON schema of a reply in JSON, in the subset that strict endpoints accept."""
    return {
        "type": "object",
        "properties": {key: {"type": "string"} for key in KEYS[technique]},
        "required": list(KEYS[technique]),
        "additionalProperties": False,
    }


def digest_prompts(technique: str, language: str) -> str:
    """Return one digest over the files that prompts and grammar come from."""
    names = [_file_name(technique, language, "j2"), _file_name(technique, language, "gbnf")]
    return digest_json([digest_file(FOLDER / name) for name in names])


@cache
def _file_name(technique: str, language: str, kind: str) -> str:
    own = f"{technique}.{language}.{kind}"
    return own if (FOLDER / own).exists() else f"{technique}.{WORDING}.{kind}"


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
    return environment
