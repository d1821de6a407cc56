"""Quality heuristics for Spanish and Catalan instructions: each rule cheap, each with a reason and its measure.

The ideas are Gopher's (Rae et al. 2021, appendix A); the thresholds are not: they are for instructions of one line and
answers of a paragraph. With back-translation the answer is a trusted passage and the instruction is the model's.
"""

import polars as pl

from semillero.curation.funnel import first_verdict
from semillero.curation.normalisation import count_words
from semillero.curation.request_forms import REQUEST
from semillero.curation.words import read_words
from semillero.project import FilterSettings

MIN_LETTERS = 0.6  # share of Latin letters among the characters that are not space
MIN_REPEATING_WORDS = 16  # a refrain in a shorter text is no fault
MENTIONS_PASSAGE = r"(?i)text|pasaje|passatge|fragment|párrafo|paràgraf"  # what REFERS_TO_PASSAGE cannot do without
ECHO = 0.8  # Jaccard similarity of the two texts' words from which the answer adds nothing

# Languages whose imperatives and dangling words the lists know: in Guarani `y` is water and may end a sentence.
LISTED_LANGUAGES = r"^(?:es|ca|gl|pt|ast|an)\b"
OPEN_END = r"[,;(\[¿¡«“‘-]$"
# In lower case only: `vitamina A` may end a sentence.
DANGLING_END = rf"[^\p{{L}}\p{{N}}](?:{'|'.join(read_words('dangling'))})(?:…|\.\.\.)?$"
# `Pregunta:` opens a line of a few-shot prompt; in mid-sentence ("responde a esta pregunta: …") it is ordinary.
_LABELS = (
    r"Preguntas?|Respuestas?|Resposta|Respostes|Preguntes|Instrucción|Instrucció|Question|Answer|Instruction|Response|"
    r"Input|Output|User|Assistant|System|Usuario|Usuari|Asistente|Assistent|Pasaje|Passatge|Ejemplo \d+|Exemple \d+"
)
PROMPT_LEAK = (
    rf"(?:^|\n|[.?!…»”\"]\s+)[#*\s]*(?:{_LABELS})\s*\d*\**\s*[:：]"
    r"|</?(?:start_of_turn|end_of_turn|bos|eos|unk|pad|s|user|assistant|system)>|<\|[^|\n]{1,40}\|>|\[/?INST\]|<<SYS>>"
    r"|```json|\"(?:instruction|answer|pregunta|respuesta|resposta|question)\"\s*:|\\n|\{\{|\}\}"
    r"|(?i:como (?:un )?modelo de lenguaje|com a model de llenguatge|as an ai (?:language )?model|"
    r"no puedo ayudar(?:te|le|los)? con es[ao]|i['’]m sorry, but i)"
)
_TEXT = r"(?:texto|pasaje|fragmento|párrafo|text|passatge|fragment|paràgraf)"
_SAYS = r"(?:dice|menciona|describe|explica|habla|trata|diu|esmenta|descriu|parla|tracta)"
REFERS_TO_PASSAGE = (
    rf"(?i)\b(?:(?:según|segons) (?:el|este|aquest) {_TEXT}"
    rf"|(?:el|este|aquest) {_TEXT} {_SAYS}|{_SAYS} (?:en )?(?:el|este|aquest) {_TEXT}"
    rf"|{_TEXT} (?:anterior|dado|proporcionado|donat|proporcionat)"
    rf"|(?:en|de) (?:este|aquest) {_TEXT}|(?:en|de) el {_TEXT}\s*[,?])"
)


def find_bad_lengths(rows: pl.DataFrame, filters: FilterSettings) -> pl.DataFrame:
    """Return a verdict for each row whose instruction or answer has too few or too many words."""
    rules = []
    for name, low, high in (
        ("instruction", filters.min_instruction_words, filters.max_instruction_words),
        ("answer", filters.min_answer_words, filters.max_answer_words),
    ):
        words = count_words(pl.col(f"plain_{name}"))
        rules.append((f"{name}_too_short", words < low, pl.format("{} words, at least {}", words, low)))
        rules.append((f"{name}_too_long", words > high, pl.format("{} words, at most {}", words, high)))
    return first_verdict(rows, rules)


def find_bad_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row with too few letters, a prompt inside, a broken ending or no request."""
    rules = []
    for name in ("instruction", "answer"):
        text = pl.col(name)
        letters = _letter_share(name)
        leak = text.str.extract(f"({PROMPT_LEAK})").str.strip_chars()
        end = pl.concat_str(pl.lit(f"{name} ends in «"), text.str.tail(30), pl.lit("»"))
        rules += [
            ("few_letters", letters < MIN_LETTERS, _measure(name, letters, "letters", MIN_LETTERS)),
            ("prompt_leak", leak.is_not_null(), pl.concat_str(pl.lit(f"{name} holds «"), leak, pl.lit("»"))),
            ("broken_ending", _breaks_off(name), end),
        ]
    rules.append(("not_a_request", pl.col("states"), pl.lit("no question, no imperative")))
    return first_verdict(rows.with_columns(_find_statements(rows).alias("states")), rules)


def find_echoes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a verdict for each row whose answer opens with the whole instruction, or has the same words."""
    pairs = zip(rows["plain_instruction"], rows["plain_answer"], strict=True)
    alike = pl.Series("alike", [_word_overlap(asked, told) for asked, told in pairs], dtype=pl.Float64)
    asked, told = pl.col("plain_instruction"), pl.col("plain_answer")
    starts = pl.concat_str(told, pl.lit(" ")).str.starts_with(pl.concat_str(asked, pl.lit(" ")))
    measured = pl.format("Jaccard of words {}, below {}", pl.col("alike").round(2), ECHO)
    return first_verdict(
        rows.with_columns(alike),
        [
            ("echo", starts, pl.lit("the answer opens with the instruction")),
            ("echo", pl.col("alike") >= ECHO, measured),
        ],
    )


def find_repetition(rows: pl.DataFrame, filters: FilterSettings) -> pl.DataFrame:
    """Return a verdict for each row with too large a share of words in 4-grams that stood there before."""
    rules, most = [], filters.max_repetition
    for name in ("instruction", "answer"):
        share = pl.col(f"repeated_{name}")
        rules.append(("repetition", share > most, _measure(name, share, "repeated words", most, "at most")))
    texts = {name: rows[f"plain_{name}"] for name in ("instruction", "answer")}
    shares = [_repeated_shares(series, most).alias(f"repeated_{name}") for name, series in texts.items()]
    return first_verdict(rows.select("row").with_columns(*shares), rules)


def flag_passage_references(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a flag for each row of a passage whose instruction speaks of «el texto», which its reader does not see."""
    asked = pl.col("instruction")
    mentions = rows.filter(asked.str.contains(MENTIONS_PASSAGE))  # the full pattern costs thirty times as much
    unseen = (asked.str.len_chars() < 200) & asked.str.contains(REFERS_TO_PASSAGE)
    return mentions.filter(unseen).select("row", pl.lit("refers_to_passage").alias("flag"))


def repeated_share(words: list[str]) -> float:
    """Return the share of ``words`` that lie in a 4-gram which stood in the text before."""
    grams = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    if len(words) < MIN_REPEATING_WORDS or len(set(grams)) == len(grams):
        return 0.0
    seen: set[tuple[str, ...]] = set()
    again: set[int] = set()
    for at, gram in enumerate(grams):
        if gram in seen:
            again.update(range(at, at + 4))
        seen.add(gram)
    return len(again) / len(words)


def _repeated_shares(texts: pl.Series, most: float) -> pl.Series:
    """Return the share of each text, or 0.0 where it cannot exceed ``most``.

    Every word of a 4-gram that stood there before stood there before itself, so that the share of words that did
    (two set sizes) is an upper bound, which spares nearly every text. Python beats polars' list.eval here.
    """
    shares = []
    for text in texts:
        words = text.split()
        spare = len(words) - len(set(words)) <= most * len(words)
        shares.append(0.0 if spare else repeated_share(words))
    return pl.Series(shares, dtype=pl.Float64)


def _word_overlap(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts' words, or 0.0 where their sizes keep it below `ECHO`."""
    a, b = set(one.split()), set(other.split())
    if min(len(a), len(b)) < ECHO * max(len(a), len(b)):
        return 0.0
    return len(a & b) / (len(a | b) or 1)


def _letter_share(name: str) -> pl.Expr:
    """The share of Latin letters among the characters that are not space.

    Counted by what is *not* a Latin letter: counting matches is slow where there are many.
    """
    text, plain = pl.col(name), pl.col(f"plain_{name}")
    strange = plain.str.count_matches(r"\p{N}|\p{M}|[\p{L}--\p{Latin}]")
    letters = plain.str.len_chars() - plain.str.count_matches(" ", literal=True) - strange
    visible = text.str.len_chars() - text.str.count_matches(" ", literal=True)
    return letters / (visible - text.str.count_matches("\n", literal=True))


def _find_statements(rows: pl.DataFrame) -> pl.Series:
    """Tell which instructions neither ask nor request; never so in a language the lists do not know."""
    asked = rows["instruction"]
    open_case = ~asked.str.contains("?", literal=True) & rows["variety"].str.contains(LISTED_LANGUAGES)
    states = ~asked.filter(open_case).str.contains(REQUEST)
    found = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    return found.scatter(open_case.arg_true(), states)


def _breaks_off(name: str) -> pl.Expr:
    text = pl.col(name)
    open_question = text.str.count_matches("¿", literal=True) > text.str.count_matches("?", literal=True)
    dangling = text.str.contains(DANGLING_END) & pl.col("variety").str.contains(LISTED_LANGUAGES)
    broken = text.str.contains(OPEN_END) | dangling | open_question
    if name == "answer":
        # Sentences before it end in a full stop, the last one in a bare word: cut off by the token limit. A list or a
        # poem has line breaks and is left alone.
        cut = text.str.contains(r"[.?!]\s") & ~text.str.contains("\n", literal=True)
        broken = broken | (cut & text.str.contains(r"[\p{L}\p{N}]$"))
    return broken


def _measure(name: str, share: pl.Expr, what: str, threshold: float, side: str = "at least") -> pl.Expr:
    return pl.format(f"{name}: {{}} {what}, {side} {{}}", share.round(2), pl.lit(threshold))
