"""From the pipeline's columns to SomosNLP's corpus structure: the one place that knows both.

SomosNLP's guide asks for `pregunta`, `respuesta`, `idioma`, `registro`, `periodo`, `dominio`, `tarea`, `pais_origen`
and `pais_referencia`; for `prompt` and `modelo` where a model wrote; and for `origen`. Added: a stable `id`,
`variedad` (BCP-47), `pasaje` (what a grounded answer rests on), `tema`, `tecnica`, `grupo`, `paralelo` (rows of one
question in several varieties), `puntuacion` (the judge's score) and `messages`, the pair in chat form after the turns
before it, which every trainer takes as it is.
"""

from collections.abc import Sequence

import polars as pl

from semillero.errors import CorpusError
from semillero.project.models import Variety
from semillero.records import MESSAGES

# The published columns in their order, and what makes each from a reviewed row (REVIEWED).
COLUMNS: dict[str, pl.Expr] = {
    "id": pl.col("id"),
    "pregunta": pl.col("instruction"),
    "respuesta": pl.col("answer"),
    "idioma": pl.col("variety").str.replace_all("-", "_", literal=True),
    "variedad": pl.col("variety"),
    "registro": pl.col("register"),
    "periodo": pl.col("period"),
    "dominio": pl.col("domain"),
    "tarea": pl.col("task"),
    "tema": pl.col("topic"),
    "pais_origen": pl.col("country"),
    "pais_referencia": pl.col("country"),
    "origen": pl.col("origin"),
    # In back-translation the answer is the passage, and twice is once too often.
    "pasaje": pl.when(~pl.col("technique").eq("backtranslation")).then(pl.col("source")),
    "prompt": pl.col("prompt"),
    "modelo": pl.col("model"),
    "tecnica": pl.col("technique"),
    "grupo": pl.col("group"),
    "paralelo": pl.col("parallel"),
    "puntuacion": pl.col("score"),
    "messages": pl.concat_list(
        pl.col("history").fill_null([]),
        pl.struct(role=pl.lit("user"), content=pl.col("instruction")),
        pl.struct(role=pl.lit("assistant"), content=pl.col("answer")),
    ).cast(MESSAGES),
}
CATEGORICAL = (
    "idioma", "variedad", "registro", "periodo", "dominio", "tarea", "tema", "pais_origen", "pais_referencia",
    "modelo", "tecnica",
)  # fmt: skip


def to_corpus_structure(reviewed: pl.DataFrame, varieties: Sequence[Variety]) -> pl.DataFrame:
    """Return reviewed rows with the published columns, in the same order.

    Args:
        reviewed: rows to publish (REVIEWED).
        varieties: the project's varieties; each gives its rows their country.

    Raises:
        CorpusError: a row's variety is not one of them.
    """
    countries = {variety.code: variety.country for variety in varieties}
    strange = sorted(set(reviewed["variety"]) - set(countries))
    if strange:
        raise CorpusError(
            f"rows of varieties that the project file does not list: {', '.join(strange)}",
            f"one of {', '.join(countries)}",
            "add them to corpus.varieties with their country",
        )
    named = reviewed.with_columns(country=pl.col("variety").replace_strict(countries, return_dtype=pl.String))
    return named.select(expression.alias(name) for name, expression in COLUMNS.items())
