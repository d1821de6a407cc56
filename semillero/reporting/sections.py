"""The report in words: sections of Spanish paragraphs and tables, which the page and the Markdown file both print.

Everything here is text; `semillero.reporting.page` escapes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from semillero.reporting.mitigation import MEASURES
from semillero.reporting.wording import KINDS, read_wording
from semillero.reporting.wording import MEASURES as MEASURE_NAMES

DASH = "–"
Report = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table; columns after the first ``words`` ones hold numbers. ``open`` says whether the page shows it at once."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    open: bool = True


@dataclass(frozen=True)
class Section:
    """A part of the report; ``figures`` are names of drawn figures."""

    title: str
    paragraphs: Sequence[str]
    figures: Sequence[str] = ()
    tables: Sequence[Table] = ()


def write_sections(report: Report) -> list[Section]:
    """Return the report's sections in reading order."""
    return [
        _funnel(report), _varieties(report), _vocabulary(report), _genders(report), _swaps(report), _flags(report),
        _mitigations(report), _examples(report), _methods(report),
    ]  # fmt: skip


def show_share(share: dict[str, Any] | None) -> str:
    """Return a share with its interval and counts: ``12,5 % [8,0–19,1] 15/120``."""
    if share is None:
        return "no se mide"
    if share["rate"] is None:
        return DASH
    rate, low, high = (_decimal(100 * share[name], 1) for name in ("rate", "low", "high"))
    return f"{rate} % [{low}–{high}] {share['hits']}/{share['of']}"


def show_mean(effect: dict[str, Any], digits: int = 3) -> str:
    """Return a mean with its interval: ``+0,012 [−0,004, +0,030]``."""
    if effect["mean"] is None:
        return DASH
    mean = _signed(effect["mean"], digits)
    if effect["low"] is None:
        return mean
    return f"{mean} [{_signed(effect['low'], digits)}, {_signed(effect['high'], digits)}]"


def _decimal(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}".replace(".", ",").replace("-", "−")


def _funnel(report: Report) -> Section:
    rows = report["rows"]
    paragraphs = [
        f"De {rows['answered']:,} filas contestadas, {rows['kept']:,} forman el corpus. Cada fila que sale tiene un "
        f"solo "
        "motivo: el primero que se le pudo aplicar."
    ]
    if rows["looked_at"] < rows["readable"]:
        paragraphs.append(
            f"Los recuentos son de todas las filas; los textos se miraron en una muestra de {rows['looked_at']:,} de "
            f"{rows['readable']:,}, siempre la misma (las de menor identificador, que es un resumen criptográfico)."
        )
    techniques = ", ".join(f"{name} {count:,}" for name, count in report["techniques"].items())
    paragraphs.append(f"Técnicas de las filas conservadas: {techniques}.")
    if report["untried"]:
        paragraphs.append(
            f"Atención: {', '.join(report['untried'])} solo se ha probado con un servidor de respuestas fijas, no "
            f"con un "
            "modelo de verdad; conviene leer una muestra mayor de esas filas."
        )
    return Section("De las filas contestadas al corpus", paragraphs, ("funnel",))


def _varieties(report: Report) -> Section:
    rows = [
        (
            f"{v['name']} ({code})",
            str(v["requested"]),
            show_share(v["rejected"]),
            show_share(v["discarded"]),
            str(v["kept"]),
        )
        for code, v in report["varieties"].items()
    ]
    markers = []
    for code, marked in report["markers"].items():
        for column, name in (("instruction", "instrucciones"), ("answer", "respuestas")):
            if marked is None:
                markers.append((code, name, "", "no se mide", ""))
                continue
            found = ", ".join(
                f"{kind.replace('for ', '+').replace('against ', '−')} {count}"
                for kind, count in marked[column]["found"].items()
            )
            markers.append(
                (code, name, found, show_share(marked[column]["evidence"]), show_share(marked[column]["contradiction"]))
            )
    paragraphs = [
        "Lo que pierde cada variedad dice si un filtro es más duro con una que con otra: si dos intervalos se "
        "cruzan, la "
        "diferencia puede ser azar.",
        "Una marca es una forma que en la prosa corriente usa sobre todo una variedad (voseo en Argentina, vosotros en "
        "España), fuera de citas y nombres propios. La mayoría de los textos no tiene ninguna, y eso no dice nada: son "
        "tasas sobre muchos textos, nunca el veredicto de una fila.",
    ]
    return Section(
        "Las variedades, por separado",
        paragraphs,
        ("drops", "markers"),
        (
            Table(
                "Lo que pierde cada variedad",
                ("variedad", "pedidas", "rechazadas", "descartadas", "en el corpus"),
                rows,
            ),
            Table(
                "Textos con marcas", ("variedad", "texto", "marcas halladas", "a favor", "en contra"), markers, 3, False
            ),
        ),
    )


def _vocabulary(report: Report) -> Section:
    paragraphs = [
        "Dos variedades comparten vocabulario por fuerza; lo que cuenta es si comparten menos que dos mitades al "
        "azar de la "
        "misma mezcla (los grupos de filas de un pasaje van siempre juntos). Si el punto cae dentro de la banda, las "
        "dos "
        "variedades se distinguen en el nombre y no en las palabras. Los nombres propios no cuentan."
    ]
    overlap = [
        (
            " · ".join(p["varieties"]),
            *(_decimal(100 * p[k], 1) for k in ("overlap", "null")),
            _signed(100 * p["excess"], 1),
        )
        for p in report["overlap"]
    ]
    words = [
        (code, ", ".join(f"{w['word']} ({_decimal(w['z'], 1)})" for w in found) or "ninguna por encima del azar")
        for code, found in report["words"].items()
    ]
    tables = []
    if overlap:
        tables.append(
            Table("Solapamiento, en %", ("variedades", "compartido", "al azar", "diferencia"), overlap, open=False)
        )
    if words:
        title = "Palabras más propias de cada variedad (log-odds con prior de Dirichlet; z entre paréntesis)"
        tables.append(Table(title, ("variedad", "palabras"), words, 2))
    parallel = report["parallel"]
    if parallel is None:
        paragraphs.append("No hay filas que hagan la misma pregunta en varias variedades; ese acuerdo no se midió.")
    else:
        paragraphs.append(
            f"La misma pregunta en varias variedades ({parallel['groups']} grupos): las respuestas coinciden en "
            f"{show_share(parallel['agreement'])} de los pares (al azar, {show_share(parallel['chance'])}). La gente "
            f"de "
            f"España y de México comparte la respuesta más frecuente solo el {_decimal(100 * parallel['people'], 1)} "
            f"% de "
            "las veces (BLEnD, Myung et al., 2024): mucho más acuerdo significa variedades de adorno. Es una "
            "comparación de "
            "orden de magnitud: allí las respuestas son palabras sueltas de personas."
        )
        pairs = [(name, show_share(share)) for name, share in parallel["pairs"].items()]
        tables.append(Table("Acuerdo entre variedades", ("variedades", "mismas respuestas"), pairs))
    return Section("¿Se distinguen las variedades?", paragraphs, ("overlap",), tables)


def _genders(report: Report) -> Section:
    genders = report["genders"]
    lines = [("todas", genders["all"]), *genders["varieties"].items()]
    shares = [
        (name, show_share(found and found["feminine"]), show_share(found and found["epicene_feminine"]))
        for name, found in lines
    ]
    professions = [
        (name, *(str(counts[kind]) if counts[kind] else "" for kind in KINDS))
        for name, counts in genders["all"]["professions"].items()
    ]
    paragraphs = [
        "Qué profesiones nombra el corpus y en qué género. La proporción es la de singulares con dos formas (maestra, "
        "maestro). El masculino plural puede ser genérico y los nombres epicenos (artista) solo se marcan en el "
        "artículo: "
        "ambos se cuentan aparte. Un texto repetido cuenta una vez. Las respuestas de la retrotraducción son pasajes "
        "del "
        "proyecto: su género lo eligió quien los escribió y no el modelo."
    ]
    return Section(
        "Quién hace qué: profesiones y género",
        paragraphs,
        ("genders",),
        (
            Table("Mujeres entre las profesiones", ("variedad", "con dos formas", "epicenos con artículo"), shares),
            Table("Las más nombradas", ("profesión", *(k["es"] for k in KINDS.values())), professions, open=False),
        ),
    )


def _swaps(report: Report) -> Section:
    paragraphs = [
        "Frases que solo cambian en de quién hablan (una enfermera, un enfermero). El efecto es la nota de esa "
        "versión menos "
        "la media de las versiones del mismo caso; un intervalo que contiene el 0 no muestra nada. Son pocos casos a "
        "propósito: cada uno cuesta una petición."
    ]
    tables = []
    for name, who in (("judge", "juez"), ("generator", "generador")):
        found = report["swaps"][name]
        if not found["run"]:
            paragraphs.append(f"Con el {who} no se ejecutó: {found['reason']['es']}.")
            continue
        paragraphs.append(
            f"Con el {who} ({found['model']}): {found['sentences']} frases"
            + (f", {found['unanswered']} sin respuesta." if found["unanswered"] else ".")
        )
        for axis in found["axes"].values():
            measures = axis["measures"]
            rows = [
                (about["es"], *(show_mean(measures[m][v], 3 if m != "words" else 1) for m in measures))
                for v, about in axis["variants"].items()
            ]
            head = (axis["es"], *(found["unit"][m]["es"] for m in measures))
            tables.append(Table(f"Efecto en el {who}: {axis['es']} ({axis['cases']} casos)", head, rows, open=False))
    return Section("Cambiar de quién se habla", paragraphs, ("swaps",), tables)


def _flags(report: Report) -> Section:
    flags = report["flags"]
    false = flags["false_positives"]
    by_variety = [
        (code, show_share(share), show_share(false["varieties"].get(code)) if code in false["varieties"] else DASH)
        for code, share in flags["varieties"].items()
    ]
    groups = [(group, show_share(share)) for group, share in flags["groups"].items()]
    words = ", ".join(f"{word} ({count})" for word, count in flags["words"].items())
    paragraphs = [
        "Una lista de insultos por variedad; solo señala, nunca quita una fila, y no contiene palabras que son "
        "corrientes en "
        "esa variedad (coger, concha, pico).",
        f"Cuánto se equivoca: en {false['all']['of']} frases elegidas para confundirla, en las que nadie insulta a "
        f"nadie, "
        f"señala {show_share(false['all'])}. Una tasa del corpus por debajo de esa puede ser toda ella falsa alarma.",
        f"Palabras halladas: {words}." if words else "En este corpus no halló ninguna.",
    ]
    tables = [Table("Filas señaladas", ("variedad", "en el corpus", "falsas alarmas de la lista"), by_variety)]
    if groups:
        rows = [*groups, ("ninguno de estos grupos", show_share(flags["others"]))]
        tables.append(
            Table("Según el grupo de personas que la fila nombra", ("grupo", "filas señaladas"), rows, open=False)
        )
    return Section("Palabras ofensivas", paragraphs, (), tables)


def _mitigations(report: Report) -> Section:
    steps = report["mitigations"]
    head = ("paso", "salen", *(MEASURE_NAMES[name]["es"] for name in MEASURES))
    rows = []
    if steps:
        rows.append(("antes de todo", "", *(_show_measure(steps[0]["before"][name]) for name in MEASURES)))
    for step in steps:
        cells = [_show_change(step, name) for name in MEASURES]
        rows.append((read_wording(step["reason"]), f"{step['removed']:,}", *cells))
    worse = [
        f"{read_wording(step['reason'])}: {', '.join(MEASURE_NAMES[n]['es'] for n in step['worse'])}"
        for step in steps
        if step["worse"]
    ]
    clear = [
        f"{read_wording(step['reason'])}: {', '.join(MEASURE_NAMES[n]['es'] for n in step['clear'])}"
        for step in steps
        if step["clear"]
    ]
    paragraphs = [
        "Cada filtro, cada deduplicación y la criba final, en el orden en que se aplican, y las mismas medidas antes y "
        "después. ▲ mejor, ▼ peor, ●: el valor nuevo cae fuera del intervalo del anterior; lo demás puede ser azar.",
        f"Lo que empeoró: {'; '.join(worse)}." if worse else "Ninguna medida empeoró.",
        f"Cambios claros: {'; '.join(clear)}." if clear else "Ningún cambio es claro.",
    ]
    if report["replaced"]:
        replaced = ", ".join(f"{name} {count}" for name, count in report["replaced"].items())
        paragraphs.append(f"Datos personales sustituidos por una marca, sin quitar la fila: {replaced}.")
    return Section("Qué hizo cada mitigación, también lo malo", paragraphs, (), (Table("Antes y después", head, rows),))


def _show_measure(measure: Any) -> str:
    if measure is None:
        return DASH
    if isinstance(measure, dict):
        return DASH if measure["rate"] is None else f"{_decimal(100 * measure['rate'], 1)} %"
    return str(measure) if isinstance(measure, int) else _decimal(measure, 2)


def _show_change(step: dict[str, Any], name: str) -> str:
    sign = " ▲" if name in step["better"] else " ▼" if name in step["worse"] else ""
    return _show_measure(step["after"][name]) + sign + ("●" if name in step["clear"] else "")


def _examples(report: Report) -> Section:
    kept = [(row["variety"], row["instruction"], row["answer"]) for row in report["examples"]["kept"]]
    gone = [
        (read_wording(row["reason"]), row["variety"], row["instruction"] or DASH, row["answer"] or DASH)
        for row in report["examples"]["rejected"]
    ]
    paragraphs = ["Las de menor identificador; no las eligió nadie. Los datos personales están sustituidos."]
    tables = [Table("Filas conservadas", ("variedad", "instrucción", "respuesta"), kept, 3)]
    if gone:
        tables.append(Table("Filas que salieron", ("motivo", "variedad", "instrucción", "respuesta"), gone, 4, False))
    return Section("Filas para leer", paragraphs, (), tables)


def _methods(report: Report) -> Section:
    return Section(
        "Cómo se midió",
        [
            "Proporciones con intervalos de Wilson al 95 % (Wilson, 1927); efectos de los cambios de persona con "
            "intervalos "
            "bootstrap entre casos (Efron y Tibshirani, 1993). Las filas de un mismo pasaje se parecen, así que los "
            "intervalos son, si acaso, estrechos.",
            "Palabras propias: log-odds con prior de Dirichlet informativo (Monroe, Colaresi y Quinn, 2008). "
            "Solapamiento: "
            "Jaccard del vocabulario menos el de dos mitades al azar. Acuerdo entre variedades: BLEnD (Myung et al., "
            "2024).",
            "Las listas de formas, profesiones, insultos y grupos las escribió el proyecto Semillero y son cortas: "
            "lo que no "
            "está en ellas no se cuenta. Los números, con todos sus decimales, están en report.json.",
        ],
    )
