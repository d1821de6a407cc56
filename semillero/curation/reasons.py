"""The one table of why a row leaves (drop) and of what is only marked on a row that stays (flag)."""

REASONS: dict[str, str] = {
    "unparseable": "the reply has no instruction or no answer that could be read",
    "instruction_too_short": "fewer words in the instruction than filters.min_instruction_words",
    "instruction_too_long": "more words in the instruction than filters.max_instruction_words",
    "answer_too_short": "fewer words in the answer than filters.min_answer_words",
    "answer_too_long": "more words in the answer than filters.max_answer_words",
    "few_letters": "too small a share of the characters are Latin letters",
    "prompt_leak": "labels, chat tokens or boilerplate of a prompt inside the text",
    "broken_ending": "the instruction or the answer stops in mid-sentence",
    "repetition": "a larger share of the words stands in 4-grams that came before than filters.max_repetition",
    "not_a_request": "the instruction neither asks nor requests anything",
    "echo": "the answer repeats the instruction instead of answering it",
    "other_language": "the instruction or the answer is in another language than the row's variety",
    "contaminated": "a reserved question or a benchmark text stands in the row",
    "exact_duplicate": "the same instruction was already kept for this variety",
    "near_duplicate": "nearly the same instruction was already kept for this variety",
    "reworded": "a kept row of this variety asks the same in other words (filters.reworded is drop)",
    "over_quota": "its topic or its variety has its quota of rows without it",
}

FLAGS: dict[str, str] = {
    "pii": "personal data were replaced by a placeholder such as [EMAIL]",
    "other_language": "looks like another language (filters.language is flag)",
    "language_unknown": "long enough to tell, but the language could not be told",
    "refers_to_passage": "the instruction speaks of a text that its reader does not see",
    "offensive_word": "a word of the variety's list of insults; it may be quoted, and nothing is dropped for it",
    "reworded": "an earlier row of this variety, named in `linked`, asks the same in other words",
    "across_varieties": "rows of other varieties, named in `linked`, have nearly the same instruction",
}
