"""The page: a conversation with one model, or two answers side by side whose authors show after the vote."""

import html
import random
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from answers import Unanswered, answer, check_question
from html_parts import card, note
from layout import Layout, Updates
from settings import CONFIG, LANGUAGES, MODELS, say
from votes import LONGEST_COMMENT, Limits, VoteBox, new_vote

Turns = list[dict[str, Any]]
SHUFFLE = random.SystemRandom()
# All answers share one queue: first come, first served.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
# The browser's language, once; Catalan, Galician and Basque speakers get Spanish.
BROWSER_LANGUAGE = """() => {
  const language = /^(es|ca|gl|eu)/i.test(navigator.language || "es") ? "es" : "en";
  document.documentElement.lang = language;
  return language;
}"""
DOCUMENT_LANGUAGE = "(language) => { document.documentElement.lang = language; return language; }"


class Page(Layout):
    """What happens to the components.

    Args:
        votes: where votes go; None leaves the ballot out.
        limits: how many are taken.
    """

    def __init__(self, votes: VoteBox | None, limits: Limits | None = None) -> None:
        super().__init__(votes is not None)
        self.votes, self.limits = votes, limits or Limits()
        with self.blocks:
            self._connect()

    def _connect(self) -> None:
        asked = [
            self.box, self.question, self.turns, self.asked, *self.cards, self.status, self.ballot, self.comparison,
        ]  # fmt: skip
        context = [self.mode, self.turns, self.language]
        self.blocks.load(self.speak, [self.language], self._spoken(), js=BROWSER_LANGUAGE, **QUICK)
        self.language.change(self.speak, [self.language], self._spoken(), js=DOCUMENT_LANGUAGE, **QUICK)
        self.mode.change(self.show_mode, [self.mode], [self.turns, self.arena, self.ballot, self.status], **QUICK)
        for selector in (self.variety, self.register):
            selector.change(
                self.show_request,
                [self.variety, self.register, self.language],
                [self.hint, *self.examples],
                **QUICK,
            )
        starts = [
            self.box.submit(self.take_question, [self.box, *context], asked, **QUICK),
            *(example.click(self.take_question, [example, *context], asked, **QUICK) for example in self.examples),
            self.turns.retry(self.take_back, context, asked, **QUICK),
        ]
        inputs = [self.question, *context, self.variety, self.register]
        written = [self.turns, *self.cards, self.status, self.ballot, self.comparison]
        replies = [
            start.success(self.reply, inputs, written, show_progress="hidden", api_visibility="private", **MODEL_QUEUE)
            for start in starts
        ]
        for event in replies:  # also after an error or a stop
            event.then(lambda: gr.Textbox(submit_btn=True, stop_btn=False), None, [self.box], **QUICK)
        self.box.stop(self.say_stopped, [self.language], [self.status], cancels=replies, **QUICK)
        for choice, paper in self.papers.items():
            paper.click(
                self._caster(choice),
                [self.comparison, self.comment, self.consent, self.language],
                [*self.cards, self.status, self.ballot, self.comment, self.comparison],
                **QUICK,
            )
        gr.api(chat, api_name="chat", **MODEL_QUEUE)

    def take_question(self, question: str, mode: str, turns: Turns, language: str) -> Updates:
        """Show the question at once; the answer follows in another event."""
        limit = CONFIG["chat"]["max_input_chars"]
        shown = question if len(question) <= limit else question[:limit] + "…"
        update: Updates = {
            self.question: question,
            self.comparison: None,
            self.status: "",
            self.ballot: gr.Column(visible=False),
        }
        try:
            check_question(question)
        except Unanswered as reason:
            update |= self._explain(
                reason, mode, [*turns, _said("user", shown)] if question.strip() else turns, language
            )
            update[self.question] = ""  # nothing to answer
            return update
        update[self.box] = gr.Textbox(value="", submit_btn=False, stop_btn=True)
        if mode == "both":
            for place, part in enumerate(self.cards):
                update[part] = card(language, place, state="waiting")
            update[self.asked] = note(shown, "pregunta")
        else:
            update[self.turns] = [*turns, _said("user", shown)]
        return update

    def take_back(self, mode: str, turns: Turns, language: str) -> Updates:
        """Take the last answer away, to ask again."""
        asked = [index for index, turn in enumerate(turns) if turn["role"] == "user"]
        if not asked:
            return {self.question: ""}
        question = html.unescape(_text(turns[asked[-1]]))
        return self.take_question(question, mode, turns[: asked[-1]], language)

    def reply(
        self, question: str, mode: str, turns: Turns, language: str, variety: str, register: str
    ) -> Iterator[Updates]:
        """Stream the answers. Earlier turns are not sent to the model: it was trained on single questions."""
        if not question:  # take_question has said why; a generator that yields nothing would empty every output
            yield gr.skip()
            return
        try:
            if mode == "both":
                yield from self._compare(question, language, variety, register)
                return
            for texts in answer(question, [mode], variety, register):
                yield {self.turns: [*turns, _said("assistant", f"{say(language, 'names')[mode]}\n{texts[mode]}")]}
        except Unanswered as reason:
            yield self._explain(reason, mode, turns, language)

    def _compare(self, question: str, language: str, variety: str, register: str) -> Iterator[Updates]:
        order = list(MODELS)
        SHUFFLE.shuffle(order)
        texts: dict[str, str] = {}
        for texts in answer(question, order, variety, register):
            yield {
                part: card(language, place, texts[order[place]], state="writing")
                for place, part in enumerate(self.cards)
            }
        comparison = {
            "question": question, "variety": variety, "register": register, "answers": texts, "order": order,
        }  # fmt: skip
        if self.votes is None:
            yield self._reveal(comparison, language)
            return
        yield {
            **{p: card(language, place, texts[order[place]], state="done") for place, p in enumerate(self.cards)},
            self.ballot: gr.Column(visible=True),
            self.comparison: comparison,
        }

    def _reveal(self, comparison: dict[str, Any], language: str, chosen: str = "") -> Updates:
        winners = {"first": (0,), "second": (1,), "both_good": (0, 1)}.get(chosen, ())
        return {
            part: card(
                language,
                place,
                comparison["answers"][comparison["order"][place]],
                comparison["order"][place],
                "chosen" if place in winners else "done",
            )
            for place, part in enumerate(self.cards)
        }

    def _caster(self, choice: str) -> Callable[..., Updates]:
        # Gradio finds out from the signature that a function wants the request; a partial hides it.
        def cast(
            comparison: dict[str, Any] | None, comment: str, consent: bool, language: str, request: gr.Request
        ) -> Updates:
            return self.cast(choice, comparison, comment, consent, language, request.session_hash or "")

        return cast

    def cast(
        self,
        choice: str,
        comparison: dict[str, Any] | None,
        comment: str,
        consent: bool,
        language: str,
        visitor: str,
    ) -> Updates:
        """Take one vote, or say why not; then show who wrote what."""
        if self.votes is None or comparison is None:
            return {self.status: note(say(language, "voted_already"), "mal")}
        if not consent:
            return {self.status: note(say(language, "consent_missing"), "mal")}
        if len(comment or "") > LONGEST_COMMENT:
            facts = {"found": len(comment), "limit": LONGEST_COMMENT}
            return {self.status: note(say(language, "comment_too_long", **facts), "mal")}
        if not self.limits.allow(visitor):
            return {self.status: note(say(language, "vote_limit"), "mal")}
        model = {**CONFIG["adapter"], "base": CONFIG["base"]["id"], "engine": CONFIG["engine"]}
        vote = new_vote(**comparison, vote=choice, comment=comment or "", model=model)
        self.votes.drop(vote)
        return {
            **self._reveal(comparison, language, choice),
            self.status: note(say(language, "voted", id=vote["id"]), "bien"),
            self.ballot: gr.Column(visible=False),
            self.comment: "",
            self.comparison: None,
        }

    def say_stopped(self, language: str) -> str:
        """Say that an answer was stopped."""
        return note(say(language, "stopped"))

    def _explain(self, reason: Unanswered, mode: str, turns: Turns, language: str) -> Updates:
        text = say(language, reason.key, **reason.facts)
        if mode != "both":
            return {self.turns: [*turns, _said("assistant", f"\n{text}")]}
        empty = {part: card(language, place) for place, part in enumerate(self.cards)}
        return {**empty, self.status: note(text, "mal")}


def _said(role: str, text: str) -> dict[str, Any]:
    # Gradio renders messages as (sanitised) HTML even without Markdown. style.css makes an answer's first line, its
    # signature, small.
    return {"role": role, "content": html.escape(text)}


def _text(turn: dict[str, Any]) -> str:
    content = turn["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def chat(question: str, which: str = "tuned", variety: str = "", register: str = "") -> Iterator[str]:
    """Answer one question as plain text, growing; for programs (gradio_client, ``api_name="/chat"``).

    ``which`` is tuned or base; ``variety`` and ``register`` are values of the page's selectors.
    """
    try:
        for texts in answer(question, ["base" if which == "base" else "tuned"], variety, register):
            yield next(iter(texts.values()))
    except Unanswered as reason:
        yield " · ".join(say(language, reason.key, **reason.facts) for language in LANGUAGES)
