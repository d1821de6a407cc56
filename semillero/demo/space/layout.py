"""What is on the page: the components, their words in two languages, and what the selectors show."""

from typing import Any

import gradio as gr
from html_parts import ballot, card, consent_details, header, hint, invitation, notice, subtitle
from prompts import compose_question
from settings import CONFIG, LANGUAGES, say
from votes import CHOICES, LONGEST_COMMENT

Updates = dict[Any, Any]
SHOWN = 4  # examples at a time


def choices(language: str) -> dict[str, list[tuple[str, str]]]:
    """Return the labels and values of the three selectors."""
    return {
        "mode": [(label, value) for value, label in say(language, "modes").items()],
        "variety": [(say(language, "any_variety"), ""), *((v["name"], v["code"]) for v in CONFIG["varieties"])],
        "register": [(label, value) for value, label in say(language, "registers").items()],
    }


def list_examples(variety: str) -> list[str]:
    """Return the examples of a variety, or the first of every one; empty texts fill up to `SHOWN`."""
    fitting = [e["text"] for e in CONFIG["examples"] if not variety or e["variety"] in ("", variety)]
    texts = (fitting or [e["text"] for e in CONFIG["examples"]])[:SHOWN]
    return texts + [""] * (SHOWN - len(texts))


class Layout:
    """The components.

    Args:
        voting: the notice says what becomes of votes.
    """

    def __init__(self, voting: bool) -> None:
        self.voting, language = voting, "es"
        with gr.Blocks(title=CONFIG["title"], analytics_enabled=False) as self.blocks:
            self._build_top(language)
            self._build_answers(language)
            self._build_ballot(language)
            self._build_question(language)

    def _build_top(self, language: str) -> None:
        first = choices(language)
        with gr.Row(elem_id="arriba"):
            self.header = gr.HTML(header(language), scale=1)
            self.language = gr.Radio(
                [(code.upper(), code) for code in LANGUAGES],
                value=language,
                label=say(language, "language"),
                elem_id="idioma",
                container=False,
                scale=0,
            )
        with gr.Row(elem_id="opciones"):
            self.mode = gr.Radio(
                first["mode"], value="both", label=say(language, "mode"), elem_id="quien", scale=3, min_width=320
            )
            self.variety, self.register = (
                gr.Dropdown(
                    first[name],
                    value="",
                    label=say(language, name),
                    elem_id=place,
                    scale=1,
                    min_width=150,
                    filterable=False,
                )
                for name, place in (("variety", "variedad"), ("register", "registro"))
            )
        self.hint = gr.HTML(hint(language, ""))

    def _build_answers(self, language: str) -> None:
        self.turns = gr.Chatbot(
            visible=False,
            show_label=False,
            label=say(language, "chat"),
            elem_id="charla",
            height=None,  # style.css
            render_markdown=False,
            sanitize_html=True,
            allow_tags=False,
            allow_file_downloads=False,
            layout="bubble",
            buttons=[],
            feedback_options=None,
            placeholder=invitation(language),
        )
        with gr.Column(elem_id="duelo") as self.arena:
            self.asked = gr.HTML("")
            with gr.Row(elem_id="comparacion", equal_height=True):
                self.cards = [gr.HTML(card(language, place), min_width=260) for place in (0, 1)]

    def _build_ballot(self, language: str) -> None:
        with gr.Column(visible=False, elem_id="voto") as self.ballot:
            self.criteria = gr.HTML(ballot(language))
            self.comment = gr.Textbox(
                label=say(language, "comment"),
                placeholder=say(language, "comment_placeholder"),
                max_length=LONGEST_COMMENT,
                max_lines=3,
                elem_id="comentario",
            )
            self.consent = gr.Checkbox(label=say(language, "consent"), container=False, elem_id="consentimiento")
            self.consent_details = gr.HTML(consent_details(language))
            with gr.Row(elem_id="papeletas"):
                names = say(language, "votes")
                self.papers = {
                    choice: gr.Button(names[choice], elem_id=f"voto-{choice}", min_width=130) for choice in CHOICES
                }

    def _build_question(self, language: str) -> None:
        self.status = gr.HTML("", elem_id="estado")
        self.box = gr.Textbox(
            placeholder=say(language, "box_placeholder"),
            show_label=False,
            label=say(language, "box"),
            elem_id="pregunta",
            max_lines=6,
            max_length=CONFIG["chat"]["max_input_chars"],
            submit_btn=True,
        )
        self.examples_title = gr.HTML(subtitle(say(language, "examples")))
        with gr.Row(elem_id="ejemplos"):
            self.examples = [gr.Button(text, visible=bool(text), size="sm") for text in list_examples("")]
        self.notice = gr.HTML(notice(language, self.voting))
        self.question = gr.State("")
        self.comparison = gr.State(None)  # what the two cards show; kept on the server, so nobody forges answers

    def _spoken(self) -> list[Any]:
        return [
            self.language, self.header, self.mode, self.variety, self.register, self.hint, self.turns, *self.cards,
            self.criteria, self.comment, self.consent, self.consent_details, *self.papers.values(), self.box,
            self.examples_title, self.notice,
        ]  # fmt: skip

    def speak(self, language: str) -> Updates:
        """Say everything in another language. Answers stay as they are; empty cards are drawn anew."""
        labels, names = choices(language), say(language, "votes")
        return {
            self.language: gr.Radio(value=language, label=say(language, "language")),
            self.header: header(language),
            self.mode: gr.Radio(choices=labels["mode"], label=say(language, "mode")),
            self.variety: gr.Dropdown(choices=labels["variety"], label=say(language, "variety")),
            self.register: gr.Dropdown(choices=labels["register"], label=say(language, "register")),
            self.hint: hint(language, ""),
            self.turns: gr.Chatbot(
                label=say(language, "chat"),
                placeholder=invitation(language),
            ),
            self.criteria: ballot(language),
            self.comment: gr.Textbox(label=say(language, "comment"), placeholder=say(language, "comment_placeholder")),
            self.consent: gr.Checkbox(label=say(language, "consent")),
            self.consent_details: consent_details(language),
            **{paper: gr.Button(names[choice]) for choice, paper in self.papers.items()},
            self.box: gr.Textbox(label=say(language, "box"), placeholder=say(language, "box_placeholder")),
            self.examples_title: subtitle(say(language, "examples")),
            self.notice: notice(language, self.voting),
        }

    def show_mode(self, mode: str) -> Updates:
        """Show the conversation or the two cards."""
        both = mode == "both"
        return {
            self.turns: gr.Chatbot(visible=not both),
            self.arena: gr.Row(visible=both),
            self.ballot: gr.Column(visible=False),
            self.status: "",
        }

    def show_request(self, variety: str, register: str, language: str) -> Updates:
        """Say what the selectors add to the question, and offer the variety's examples."""
        request = compose_question("", variety, register).strip()
        examples = zip(self.examples, list_examples(variety), strict=True)
        return {
            self.hint: hint(language, request),
            **{button: gr.Button(text, visible=bool(text)) for button, text in examples},
        }
