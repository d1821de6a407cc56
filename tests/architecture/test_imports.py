"""Imports go one way: flows → tasks → semillero; heavy libraries are imported where they are used."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "accelerate", "distilabel", "argilla", "gradio", "xllamacpp"}
FORBIDDEN = {
    "semillero": {"prefect", "tasks", "flows"},
    "tasks": {"flows"} | HEAVY,
    "flows": HEAVY,
}


def imports(path: Path, top_level_only: bool = False) -> Iterator[str]:
    """Yield the first name of every module a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def sources(layer: str) -> list[Path]:
    found = sorted((ROOT / layer).rglob("*.py"))
    assert found, f"no source files in {layer}/"
    return found


@pytest.mark.parametrize("layer", sorted(FORBIDDEN))
def test_no_layer_imports_what_is_above_it(layer: str) -> None:
    breaches = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(layer)
        for name in imports(path)
        if name in FORBIDDEN[layer]
    ]
    assert not breaches


def test_the_space_stands_alone() -> None:
    space = ROOT / "semillero" / "demo" / "space"
    names = {name for path in space.rglob("*.py") for name in imports(path)}
    assert names, "the Space has no code"
    assert not names & {"semillero", "tasks", "flows", "prefect"}


# Modules that run only inside a training child or name a torch class at module level.
def test_importing_a_room_loads_nothing_heavy() -> None:
    rooms = sorted(p.parent.name for p in (ROOT / "semillero").glob("*/__init__.py"))
    code = "import sys\n" + "\n".join(f"import semillero.{room}" for room in rooms)
    code += f"\nprint(sorted({HEAVY | {'matplotlib', 'datasets', 'codecarbon'}!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_flow_files_do_not_shadow_installed_packages() -> None:
    import importlib.metadata

    installed = set(importlib.metadata.packages_distributions())
    ours = {path.stem for path in sources("flows")} - {"__init__"}
    assert not ours & installed


def test_a_flow_and_a_task_fit_on_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for layer in ("flows", "tasks", "semillero")
        for path in sources(layer)
        if "space" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert not long
