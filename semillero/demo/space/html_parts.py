"""The parts of the page that are plain HTML. Every text is escaped: what people and models write is never markup."""

import html
from collections.abc import Mapping

from settings import CONFIG, ON_SPACE, say


def escape(text: str) -> str:
    """Return text for a gr.HTML: also the signs that its templates would read."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;").replace("$", "&#36;")


def link(name: str) -> str:
    """A link to one of the project's repositories; plain text where nothing is online yet."""
    repository, url = escape(CONFIG["links"][name]["id"]), CONFIG["links"][name]["url"]
    if not ON_SPACE or not url:
        return f"<code>{repository}</code>"
    return f'<a href="{escape(url)}" target="_blank" rel="noopener">{repository}</a>'


def header(language: str) -> str:
    """Title, description and links, with a sprout drawn in CSS."""
    links = " · ".join(f"{escape(say(language, name))} {link(name)}" for name in ("model", "dataset"))
    return (
        f'<header class="cabecera"><h1><span class="brote" aria-hidden="true"></span>{escape(CONFIG["title"])}</h1>'
        f'<p>{escape(CONFIG["description"][language])}</p><p class="enlaces">{links}</p></header>'
    )


def card(language: str, place: int, text: str = "", name: str = "", state: str = "empty") -> str:
    """One of the two answers of a comparison.

    Args:
        language: of the page.
        place: 0 for A, 1 for B.
        text: the answer so far.
        name: which model wrote it; hidden while it is empty.
        state: empty, waiting, writing, done, chosen.
    """
    letter = "AB"[place]
    shown = escape(text) or escape(say(language, "card_waiting" if state in ("waiting", "writing") else "card_empty"))
    signature = f'<span class="firma">{escape(say(language, "names")[name])}</span>' if name else ""
    busy = "true" if state in ("waiting", "writing") else "false"
    return (
        f'<article class="respuesta {state}{"" if text else " vacia"}" aria-busy="{busy}" '
        f'aria-label="{escape(say(language, "answer", letter=letter))}"><header><span class="letra">{letter}</span>'
        f'{signature}</header><div class="texto">{shown}</div></article>'
    )


def ballot(language: str) -> str:
    """What to look at before voting."""
    items = "".join(f"<li>{escape(text)}</li>" for text in say(language, "criteria"))
    return (
        f'<div class="criterios"><h2>{escape(say(language, "vote_title"))}</h2>'
        f"<p>{escape(say(language, 'criteria_title'))} </p><ul>{items}</ul></div>"
    )


def consent_details(language: str) -> str:
    """Where a vote goes."""
    return f'<p class="detalle">{escape(say(language, "consent_more"))}</p>'


def note(text: str, kind: str = "") -> str:
    """A line that says what happened, read out by screen readers."""
    return f'<p class="nota {kind}" role="status">{escape(text)}</p>' if text else ""


def hint(language: str, request: str) -> str:
    """What the variety and register selectors do to the question."""
    text = say(language, "hint_some", request=request) if request else say(language, "hint_none")
    return f'<p class="pista">{escape(text)}</p>'


def invitation(language: str) -> str:
    """What an empty conversation says."""
    return html.escape(say(language, "chat_placeholder")).replace("\n", "<br>")


def subtitle(text: str) -> str:
    """A small heading."""
    return f'<h2 class="subtitulo">{escape(text)}</h2>'


def notice(language: str, with_votes: bool) -> str:
    """Limitations, where everything comes from, and what happens with the visitor's text."""

    def text_of(item: Mapping[str, str]) -> str:
        return escape(item[language])

    items = "".join(f"<li>{text_of(item)}</li>" for item in CONFIG["limitations"])
    sources = "".join(f"<li>{escape(say(language, name))} {link(name)}</li>" for name in ("model", "dataset", "base"))
    data = escape(say(language, "data_with_votes" if with_votes else "data_without_votes"))
    return (
        f'<section class="aviso"><div><h2>{escape(say(language, "trust"))}</h2><ul>{items}</ul></div>'
        f"<div><h2>{escape(say(language, 'sources'))}</h2><ul>{sources}</ul><p>{data}</p></div></section>"
    )
