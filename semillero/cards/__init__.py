"""Cards: what a dataset and a model tell of themselves, in Spanish and English.

In: the project and all its artifacts. Out: ``facts.json`` (every deterministic fact the cards tell; the content) and
the cards themselves, which also tell energy and speed and so differ from run to run. Texts of people and models are
printed as text, never as markup (`rendering`); a card with template residue, missing sections or wrong counts is
refused (`check_card`).
"""

from semillero.cards.gate import check_card, find_residue, missing_sections, split_card
from semillero.cards.writing import VERSION, write_cards

__all__ = ["VERSION", "check_card", "find_residue", "missing_sections", "split_card", "write_cards"]
