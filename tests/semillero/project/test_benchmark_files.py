import json

import polars as pl
import pytest

from semillero.errors import InputError
from semillero.project.benchmarks import load_benchmark

ASKED = ["¿Qué es un ajolote?", "¿Quién pintó Las Meninas?"]


def write(path):
    table = pl.DataFrame({"Question": ASKED, "answer": ["Un anfibio.", "Velázquez."], "number": [1, 2]})
    if path.suffix == ".csv":
        table.write_csv(path)
    elif path.suffix == ".tsv":
        table.write_csv(path, separator="\t")
    elif path.suffix == ".parquet":
        table.write_parquet(path)
    elif path.suffix == ".txt":
        path.write_text("\n".join(ASKED) + "\n\n")
    else:
        path.write_text("\n".join(json.dumps(row) for row in table.to_dicts()) + "\n")
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv", ".parquet", ".txt"])
def test_the_questions_of_any_format_are_found(tmp_path, suffix):
    assert load_benchmark(write(tmp_path / f"bench{suffix}")) == ASKED


def test_bare_strings_and_rows_of_different_keys(tmp_path):
    path = tmp_path / "mixed.jsonl"
    path.write_text(f'"{ASKED[0]}"\n\n' + json.dumps({"pregunta": ASKED[1], "choices": ["a", "b"]}) + "\n")
    assert sorted(load_benchmark(path)) == sorted(ASKED)


def test_a_column_with_another_name_is_asked_for_and_can_be_named(tmp_path):
    path = tmp_path / "odd.csv"
    pl.DataFrame({"asunto": ASKED, "solucion": ["x", "y"]}).write_csv(path)
    with pytest.raises(InputError, match=r"odd.csv: no text column .* it has asunto, solucion") as caught:
        load_benchmark(path)
    assert "corpus.benchmark_columns" in caught.value.remedy
    assert load_benchmark(path, ["asunto"]) == ASKED


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("bad.jsonl", b'{"question": \n', "not JSON"),
        ("list.jsonl", b"[1, 2]\n", "a list"),
        ("empty.csv", b"question\n", "nothing in question"),
        ("noise.parquet", b"PAR0 nothing", "cannot be read"),
        ("latin.txt", "¿Qué?".encode("latin-1"), "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, fault):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}.*{fault}"):
        load_benchmark(tmp_path / name)
