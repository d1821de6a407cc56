"""From YAML text to a `Project`, with every fault named by line, key and remedy."""

import difflib
import json
import types
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from semillero.errors import ProjectFileError
from semillero.project.models import Project

Location = tuple[str | int, ...]
PATTERNS = {  # what a regular expression means, for people
    "name": "lower-case letters, digits, dots, dashes and underscores only",
    "organization": "letters, digits, dots, dashes and underscores only",
    "code": "a BCP-47 code such as es-MX, ca or quy",
    "country": "a three-letter ISO 3166 code such as ESP",
    "api_key_env": "the NAME of an environment variable, in capitals; never the key itself",
}


def load_project(file: Path) -> Project:
    """Read and check a project file.

    Raises:
        ProjectFileError: the file is missing, is not YAML, or has faults; the message lists all of them.
    """
    if not file.is_file():
        raise ProjectFileError(
            f"{file}: no such project file", "a YAML file", "name one, or make one with `semillero init DIR`"
        )
    try:
        text = file.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise ProjectFileError(f"{file}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise ProjectFileError(
            f"{where}: not valid YAML: {getattr(error, 'problem', error)}",
            "",
            "check the indentation and the quotes",
        ) from None
    if not isinstance(data, dict) or tree is None:
        raise ProjectFileError(f"{file}: a {type(data).__name__}", "sections such as project: and corpus:")

    faults = [f"{file}:{line}: {key}: written twice; keep one" for line, key in _repeated_keys(tree)]
    try:
        project = Project.model_validate(data)
    except ValidationError as error:
        faults += [_explain(file, tree, fault) for fault in _without_echoes(error.errors())]
    else:
        project = _with_local_base(project, file.resolve())
        faults += _missing_files(project, file, tree)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ProjectFileError(f"{count} in the project file:\n" + "\n".join(faults))
    return project


def _with_local_base(project: Project, file: Path) -> Project:
    """Place the project, and make a base that is a folder beside it findable from anywhere."""
    folder = file.parent / project.training.base
    if folder.is_dir():
        training = project.training.model_copy(update={"base": str(folder)})
        project = project.model_copy(update={"training": training})
    project._file = file
    return project


def write_json_schema(target: Path) -> None:
    """Write the JSON Schema of the project file, for editors."""
    target.write_text(json.dumps(Project.model_json_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _missing_files(project: Project, file: Path, tree: yaml.Node) -> list[str]:
    corpus = project.corpus
    named: list[tuple[Location, Path | None]] = [
        (("corpus", "topics"), corpus.topics),
        (("corpus", "seeds"), corpus.seeds),
        (("corpus", "passages"), corpus.passages),
        (("corpus", "personas"), corpus.personas),
        (("corpus", "questions"), corpus.questions),
        (("corpus", "reserved"), corpus.reserved),
        *((("corpus", "benchmarks", i), path) for i, path in enumerate(corpus.benchmarks)),
    ]
    return [
        f"{file}:{_line(tree, where)}: {_dotted(where)}: no file {path}; paths start from {project.folder}"
        for where, path in named
        if path is not None and not project.resolve(path).is_file()
    ]


def _without_echoes(faults: Sequence[Any]) -> list[Any]:
    """Leave out "too few items" where the items are there but faulty themselves."""
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault in faults
        if fault["type"] != "too_short"
        or not any(len(place) > len(fault["loc"]) and place[: len(fault["loc"])] == fault["loc"] for place in places)
    ]


def _explain(file: Path, tree: yaml.Node, fault: Any) -> str:
    where: Location = fault["loc"]
    at = f"{file}:{_line(tree, where)}: {_dotted(where) or 'file'}"
    if fault["type"] == "extra_forbidden":
        known = sorted(_keys_at(Project, where[:-1]))
        close = difflib.get_close_matches(str(where[-1]), known, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"known keys here: {', '.join(known)}"
        return f"{at}: unknown key; {remedy}"
    if fault["type"] == "missing":
        return f"{at}: missing; add it"
    if fault["type"] == "string_pattern_mismatch" and str(where[-1]) in PATTERNS:
        return f"{at}: {PATTERNS[str(where[-1])]} (found {fault['input']!r})"
    message = str(fault["msg"]).removeprefix("Value error, ")
    # Our own validators say what is wrong, and the value may be a secret; a whole section would only be noise.
    quiet = fault["type"] == "value_error" or isinstance(fault["input"], dict | list | BaseModel)
    found = "" if quiet else f" (found {fault['input']!r})"
    return f"{at}: {message[0].lower()}{message[1:]}{found}"


def _dotted(where: Location) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _line(tree: yaml.Node, where: Location) -> int:
    """Return the line of the deepest node on the way to ``where`` that the file has, from 1."""
    node, line = tree, 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[int, str]]:
    # YAML loaders keep the last of two equal keys without a word.
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _keys_at(model: type[BaseModel], where: Location) -> set[str]:
    """Return the keys that are allowed at a place in the file."""
    for part in where:
        if isinstance(part, int):
            continue
        if part not in model.model_fields:
            return set()
        inner = _model_inside(model.model_fields[part].annotation)
        if inner is None:
            return set()
        model = inner
    return set(model.model_fields)


def _model_inside(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    return next((m for a in typing.get_args(annotation) if (m := _model_inside(a))), None)
