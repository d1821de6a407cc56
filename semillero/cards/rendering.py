"""Markdown from templates: whatever comes from people or models is text, never markup.

Every value a template prints is escaped for Markdown and HTML and put on one line, so that a record, a title or a
model's answer can neither open a heading, a link or a table cell nor end the front matter. Only what our own code
marked as `Markup` (front matter dumped by a YAML library, JSON made safe for a code block) goes out as it is.
"""

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

_SPECIAL = re.compile(r"([\\`*_\[\]|#~$])")
_LIST_MARK = re.compile(r"^(?:(?=[-+])|(\d+)(?=[.)]))")
# Braces too: `{{` in a record must not look like template residue to the gate.
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "{": "&#123;", "}": "&#125;"})


def escape_markdown(value: object) -> Markup:
    """Return ``value`` as text that Markdown shows as it is, on one line."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, (int, float)):
        return Markup(str(value))
    text = _SPECIAL.sub(r"\\\1", " ".join(str(value).split())).translate(_ENTITIES)
    return Markup(_LIST_MARK.sub(lambda mark: f"{mark[1] or ''}\\", text))


def show_code(value: object) -> Markup:
    """Return ``value`` as a code span, usable in a table cell."""
    return Markup("`" + " ".join(str(value).split()).replace("`", "'").replace("|", r"\|").replace("{", "(") + "`")


def show_bibtex(value: object) -> Markup:
    """Return ``value`` as a BibTeX field's text, inside a code block."""
    return Markup(re.sub(r"[\\{}`]", "", " ".join(str(value).split())))


def show_key(value: object) -> Markup:
    """Return ``value`` as a BibTeX key."""
    return Markup(re.sub(r"[^A-Za-z0-9-]", "-", str(value)))


def show_address(value: str) -> Markup:
    """Return a file's name as the address of a Markdown link."""
    return Markup(quote(value))


def show_python(value: str) -> Markup:
    """Return ``value`` as a Python string literal."""
    return Markup(json.dumps(value, ensure_ascii=False).replace("`", "\\u0060"))


def show_json(value: Any) -> Markup:
    """Return a JSON value for a fenced code block that it cannot close."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return Markup(text.replace("`", "\\u0060").replace("{{", "{\\u007b").replace("{%", "{\\u0025"))


def show_number(value: float | None, digits: int = 3) -> Markup:
    """Return a number with ``digits`` decimals at most, or a dash when there is none."""
    if value is None:
        return Markup("–")
    return Markup(f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}")


def render_template(name: str, values: dict[str, Any], package: str = "semillero.cards.templates") -> str:
    """Render the template ``name`` that lies in ``package`` with ``values``.

    Raises:
        jinja2.UndefinedError: the template asks for something that ``values`` does not have (a bug).
    """
    return _environment(package).get_template(name).render(values)


@cache
def _environment(package: str) -> Environment:
    folder = files(package)
    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        autoescape=True,  # so that what a macro returns is not escaped twice
        finalize=escape_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = {"code": show_code, "bibtex": show_bibtex, "bibtex_key": show_key, "json_block": show_json}
    environment.filters.update(filters, address=show_address, number=show_number, python=show_python)
    return environment
