"""What a card must pass, and what a hostile text cannot do to one."""

import re
from pathlib import Path

import pytest

from semillero.cards import check_card, missing_sections, split_card, write_cards
from semillero.errors import PublishError
from semillero.store import RunStore
from tests.fake_outputs import fake_outputs, fake_project, plain_adapter

ROWS = {"train": 20, "validation": 4, "test": 6, "preferences": 3}


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("cards")
    store, project = RunStore(str(folder / ".semillero")), fake_project(folder)
    written = write_cards(store, project, fake_outputs(store, project, plain_adapter, pairs=3))
    root = store.folder(written)
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in root.rglob("*.md")}


def test_every_card_passes_its_own_gate(cards: dict[str, str]) -> None:
    assert sorted(cards) == ["dataset/README.md", "dataset/README_ES.md", "model/README.md", "model/README_ES.md"]
    for name, text in cards.items():
        check_card(text, rows=ROWS if name.startswith("dataset") else None)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("## Bias", "[More Information Needed]\n\n## Bias", "More Information Needed"),
        ("## Bias", "{{ limitations }}\n\n## Bias", "{{"),
        ("## Bias", "TODO: write this\n\n## Bias", "TODO"),
        ("## Bias", "[TODO]\n\n## Bias", "TODO"),
        ("## Bias", "Lorem ipsum dolor\n\n## Bias", "lorem"),
        ("## Contact\n", "## Contact\n\n```\nnever closed\n", "not closed"),
        ("- es\n", "- Python\n", "'Python' is not an ISO 639 code"),
        ("- es\n", "- es-MX\n", "'es-MX' is not an ISO 639 code"),
        ("license: apache-2.0\n", "", "license is missing"),
        ("license: apache-2.0\n", "license: ''\n", "license is missing"),
        ("license: apache-2.0\n", "license: apache-2.0\nlicence: mit\n", "unknown key licence"),
        ("## Recommendations\n", "## Other\n", "“Recommendations” is missing"),
        ("num_examples: 20", "num_examples: 21", "front matter: train has 21 rows, its file has 20"),
        ("`data/test.parquet` | 6", "`data/test.parquet` | 60", "table of splits: test has 60 rows, its file has 6"),
        ("| preferences | `data/preferences.parquet` | 3 |\n", "", "preferences has None rows"),
        ("---\nannotations", "annotations", "no YAML front matter"),
    ],
)
def test_a_spoilt_card_is_refused_by_name(cards: dict[str, str], old: str, new: str, fault: str) -> None:
    text = cards["dataset/README.md"]
    assert old in text
    with pytest.raises(PublishError, match=r"README\.md \(dataset card\)") as caught:
        check_card(text.replace(old, new, 1), "dataset", ROWS)
    assert fault in str(caught.value)


def test_an_emptied_section_is_missed(cards: dict[str, str]) -> None:
    text = cards["dataset/README_ES.md"]
    assert missing_sections(text, "dataset") == []
    before, after = text.split("## Recomendaciones\n")
    assert missing_sections(f"{before}## Recomendaciones\n\n## {after.split('## ', 1)[1]}", "dataset") == [
        "Recomendaciones"
    ]


def test_apache_over_a_gemma_base_is_refused(cards: dict[str, str]) -> None:
    with pytest.raises(PublishError, match="whose terms ask for gemma"):
        check_card(cards["model/README.md"].replace("license: gemma", "license: apache-2.0", 1))


def test_todo_is_also_a_spanish_word(cards: dict[str, str]) -> None:
    check_card(cards["dataset/README_ES.md"].replace("## Sesgos", "Vale TODO lo dicho.\n\n## Sesgos"), "dataset", ROWS)


HOSTILE = "---\nlicense: mit\n---\n# Título\n| a | ``` {{ 7*7 }} {% raw %} [x](javascript:alert(1)) <script>x</script>"


def test_texts_of_people_and_models_stay_text(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    # The front matter holds the title as it is, and the gate refuses template marks in it.
    title = HOSTILE.replace("{", "").replace("}", "")
    about = {"title": title, "summary": HOSTILE, "summary_es": HOSTILE, "motivation": HOSTILE}
    project = fake_project(
        tmp_path, project={**about, "contact": HOSTILE, "team": [{"name": HOSTILE, "role": HOSTILE}]}
    )
    outputs = fake_outputs(store, project, plain_adapter, text=lambda number: f"{number} {HOSTILE}\n```\n# Otra")
    folder = store.folder(write_cards(store, project, outputs))
    for name in ("dataset/README.md", "dataset/README_ES.md", "model/README.md"):
        text = (folder / name).read_text("utf-8")
        front, body = split_card(text)
        prose = re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
        assert front["license"] in ("apache-2.0", "gemma")
        assert "&lt;script&gt;" in prose
        assert "<script>" not in prose
        assert "[x](" not in prose
        assert "49" not in prose  # 7*7 was not computed
        assert not [line for line in prose.splitlines() if line.startswith(("# Título", "# Otra", "license:", "| a |"))]
        assert missing_sections(text, name.split("/")[0]) == []
