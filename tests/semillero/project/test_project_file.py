"""The project file: every fault at once, with line, key and remedy."""

import json
from pathlib import Path

import pytest
import yaml

from semillero.errors import InputError, ProjectFileError
from semillero.project import Project, load_project, write_json_schema
from semillero.project.sources import load_sources

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "projects").glob("*.yaml"))


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    (tmp_path / "topics.yaml").write_text("- {id: agua, name: Agua, domain: geografia}\n")
    row = {"id": "s1", "variety": "es-MX", "topic": "agua", "instruction": "¿Qué es un cenote?", "answer": "Un pozo."}
    (tmp_path / "seeds.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n")
    passage = {"id": "p1", "variety": "es-MX", "topic": "agua", "text": "Un cenote es un pozo natural."}
    (tmp_path / "passages.jsonl").write_text(json.dumps(passage) + "\n")
    file = tmp_path / "semillero.yaml"
    file.write_text(
        """project:
  name: agua
  title: Agua de México
  summary: A corpus about water in Mexico, made for a test.
  summary_es: Un corpus sobre el agua en México, hecho para una prueba.
  motivation: El agua es un tema que nos importa a todos.
  sdgs: [6]
  team: [{name: Ana}]
  contact: ana at example
corpus:
  varieties: [{code: es-MX, name: español de México, country: MX, requests: 4}]
  topics: topics.yaml
  seeds: seeds.jsonl
  passages: passages.jsonl
"""
    )
    return file


def fault(file: Path) -> str:
    with pytest.raises(ProjectFileError) as raised:
        load_project(file)
    assert raised.value.exit_code == 2
    return str(raised.value)


def test_every_key_has_a_default_that_works(minimal: Path) -> None:
    project = load_project(minimal)
    assert project.folder == minimal.parent
    assert project.store_root == str(minimal.parent / ".semillero")
    assert project.repository == "semillero/agua"
    assert load_sources(project).passages[0].id == "p1"


def test_all_faults_are_told_at_once_with_their_lines(minimal: Path) -> None:
    text = minimal.read_text().replace("title:", "titel:").replace("requests: 4", "requests: many")
    minimal.write_text(text + "training:\n  lora_r: 0\n")
    message = fault(minimal)
    assert f"{minimal}:3: project.titel: unknown key; did you mean title?" in message
    assert f"{minimal}:1: project.title: missing; add it" in message
    assert f"{minimal}:11: corpus.varieties[0].requests:" in message
    assert "(found 'many')" in message
    assert f"{minimal}:16: training.lora_r:" in message
    assert message.startswith("4 faults")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("name: agua", "name: Agua Viva", "project.name"),
        ("code: es-MX", "code: spanish", "corpus.varieties[0].code"),
        ("sdgs: [6]", "sdgs: [99]", "project.sdgs[0]"),
        ("passages: passages.jsonl", "passages: nowhere.jsonl", "no file nowhere.jsonl"),
        ("  passages: passages.jsonl\n", "", "techniques.backtranslation needs a passages file"),
        ("  seeds: seeds", "  techniques: {persona: 1}\n  seeds: seeds", "techniques.persona needs a personas file"),
        ("  seeds: seeds", "  techniques: {parallel: 1}\n  seeds: seeds", "techniques.parallel needs a questions file"),
        ("  seeds: seeds", "  techniques: {backtranslation: 0}\n  seeds: seeds", "a share above 0"),
        ("  seeds: seeds", "  questions: nowhere.jsonl\n  seeds: seeds", "no file nowhere.jsonl"),
        ("contact: ana", "license: gemma\n  contact: ana", "needs license_reason"),
        ("  seeds: seeds", "  generator: {kind: openai}\n  seeds: seeds", "kind: openai needs base_url"),
        ("name: agua\n", "name: agua\n  name: agua\n", "written twice"),
        ("project:", "project: [", "not valid YAML"),
    ],
)
def test_bad_values_name_the_key(minimal: Path, before: str, after: str, expected: str) -> None:
    text = minimal.read_text()
    assert before in text
    minimal.write_text(text.replace(before, after, 1))
    assert expected in fault(minimal)


def test_credentials_in_a_url_are_refused_and_not_repeated(minimal: Path) -> None:
    generator = "  generator: {kind: openai, base_url: 'https://me:hunter2@host/v1'}\n"
    minimal.write_text(minimal.read_text() + generator)
    message = fault(minimal)
    assert "must not carry credentials" in message
    assert "hunter2" not in message


def test_a_missing_or_binary_file_is_explained(tmp_path: Path) -> None:
    assert "semillero init" in fault(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in fault(tmp_path / "bytes.yaml")
    (tmp_path / "list.yaml").write_text("- a\n")
    assert "sections such as" in fault(tmp_path / "list.yaml")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{not json", "seeds.jsonl:2: not JSON"),
        ('{"id": "s2"}', "seeds.jsonl:2: variety: field required"),
        ('{"id": "s1", "variety": "es-MX", "topic": "agua", "instruction": "a", "answer": "b"}', "taken by line 1"),
        ('{"id": "s2", "variety": "es-MX", "topic": "agua", "instruction": "", "answer": "b"}', "instruction"),
        ('{"id": "s2", "variety": "es-MX", "topic": "fuego", "instruction": "a", "answer": "b"}', "fuego"),
        ("[1]", "seeds.jsonl:2: row"),
    ],
)
def test_bad_seed_rows_are_named(minimal: Path, line: str, expected: str) -> None:
    seeds = minimal.parent / "seeds.jsonl"
    seeds.write_text(seeds.read_text() + line + "\n")
    with pytest.raises(InputError) as raised:
        load_sources(load_project(minimal))
    assert expected in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_variety_without_sources_is_named(minimal: Path) -> None:
    text = minimal.read_text().replace("requests: 4}]", "requests: 4}, {code: ca, name: c, country: ES, requests: 1}]")
    minimal.write_text(text)
    with pytest.raises(InputError, match="no passages for variety ca"):
        load_sources(load_project(minimal))


def test_personas_questions_and_citations_are_read(minimal: Path) -> None:
    folder = minimal.parent
    (folder / "people.jsonl").write_text('{"id": "maestra", "text": "una maestra rural"}\n')
    (folder / "asked.jsonl").write_text('{"id": "q1", "topic": "agua", "instruction": "¿De dónde sale el agua?"}\n')
    cited = {"id": "p2", "variety": "es-MX", "topic": "agua", "text": "Llueve.", "origin": "https://example.org/a"}
    with (folder / "passages.jsonl").open("a") as file:
        file.write(json.dumps(cited) + "\n")
    minimal.write_text(minimal.read_text() + "  personas: people.jsonl\n  questions: asked.jsonl\n")
    sources = load_sources(load_project(minimal))
    assert [persona.text for persona in sources.personas] == ["una maestra rural"]
    assert [passage.citation for passage in sources.passages] == ["pasaje:p1", "https://example.org/a"]
    (folder / "asked.jsonl").write_text('{"id": "q1", "topic": "fuego", "instruction": "¿Qué quema?"}\n')
    with pytest.raises(InputError, match=r"questions but not listed in topics\.yaml: fuego"):
        load_sources(load_project(minimal))


def test_the_smoke_project_is_small_and_apart(minimal: Path) -> None:
    smoke = load_project(minimal).as_smoke()
    assert smoke.training.max_steps == 4
    assert smoke.store_root.endswith(".semillero/smoke")
    assert str(smoke.publish.folder) == "published-smoke"
    assert smoke.file == minimal


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(file: Path) -> None:
    project = load_project(file)
    load_sources(project)


@pytest.mark.parametrize("name", ["quickstart", "somos600m"])
def test_examples_show_every_key(name: str) -> None:
    data = yaml.safe_load((ROOT / "projects" / f"{name}.yaml").read_text(encoding="utf-8"))
    missing = []

    def compare(value: object, model: object, where: str) -> None:
        for key, field in model.model_fields.items():  # type: ignore[attr-defined]
            if key not in value:  # type: ignore[operator]
                missing.append(f"{where}{key}")
            elif hasattr(field.annotation, "model_fields"):
                compare(value[key], field.annotation, f"{where}{key}.")  # type: ignore[index]

    compare(data, Project, "")
    assert not missing


def test_the_schema_in_the_repository_is_current(tmp_path: Path) -> None:
    write_json_schema(tmp_path / "schema.json")
    shipped = (ROOT / "projects" / "semillero.schema.json").read_text(encoding="utf-8")
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == shipped, "run `semillero schema projects/…`"
