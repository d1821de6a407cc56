"""A chat with a fine-tuned model and, from the same weights, with its base.

Everything that differs between projects is in ``config.json`` beside this file. On a Space the base and the adapter are
downloaded by id; on your own machine SEMILLERO_BASE and SEMILLERO_ADAPTER may name local folders.
"""

import html
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
import torch
from peft import PeftModel
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)

HERE = Path(__file__).resolve().parent
CONFIG: dict[str, Any] = json.loads((HERE / "config.json").read_text(encoding="utf-8"))
ON_SPACE = "SPACE_ID" in os.environ
UNPACKED = 1e9  # parameters of a quantised base that a CPU may hold unpacked
log = logging.getLogger("space")

# A browser that obeys this loads nothing from other hosts, whatever a model may write.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
MESSAGES = {
    "empty": "Escribe una pregunta. · Please type a question.",
    "too_long": "La pregunta tiene {found} caracteres y el máximo es {limit}: acórtala. · Your question has {found} "
    "characters, the limit is {limit}.",
    "too_many_tokens": "La pregunta no cabe en la memoria del modelo: acórtala. · The question does not fit the model.",
    "nothing": "El modelo no escribió nada. Prueba con otras palabras. · The model wrote nothing; try other words.",
    "failed": "Algo falló al generar la respuesta. Vuelve a intentarlo. · Generation failed; please try again.",
}
HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    '<meta name="referrer" content="no-referrer"><meta name="robots" content="noai">'
)


# -- the model -------------------------------------------------------------------------------------------------------


def choose_dtype(model_type: str) -> torch.dtype:
    """bfloat16 where the hardware has it (a T4 and most CPUs only imitate it); Gemma overflows float16."""
    if not torch.cuda.is_available():
        fast = torch.cpu.get_capabilities()
        return torch.bfloat16 if fast.get("avx512_bf16") or fast.get("amx_bf16") else torch.float32
    if torch.cuda.get_device_capability() >= (8, 0):
        return torch.bfloat16
    return torch.float32 if model_type.startswith("gemma") else torch.float16


def load_model() -> tuple[Any, Any]:
    """Return the tokenizer (with the chat template the adapter was trained with) and base + adapter."""
    base, adapter = CONFIG["base"], CONFIG["adapter"]
    base_id = os.environ.get("SEMILLERO_BASE") or base["id"]
    adapter_id = os.environ.get("SEMILLERO_ADAPTER") or adapter["id"]
    revision = None if "SEMILLERO_BASE" in os.environ else base.get("revision")
    tokenizer = AutoTokenizer.from_pretrained(adapter_id)
    dtype = choose_dtype(AutoConfig.from_pretrained(base_id, revision=revision).model_type)
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    options: dict[str, Any] = {"quantization_config": nf4(dtype)} if base["quantized"] else {}
    model = AutoModelForCausalLM.from_pretrained(
        base_id, revision=revision, dtype=dtype, device_map={"": device}, use_safetensors=True, **options
    )
    if base["quantized"] and device == "cpu" and model.num_parameters() <= UNPACKED:
        model = model.dequantize()  # the same numbers, unpacked once and not at every token: twice as fast
    return tokenizer, PeftModel.from_pretrained(model, adapter_id).eval()


def nf4(dtype: torch.dtype) -> BitsAndBytesConfig:
    """The 4-bit form of the base that the adapter was trained on; on other weights it answers worse."""
    old_card = torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 0)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float16 if old_card else dtype,
    )


def find_stop_tokens(tokenizer: Any, model: Any) -> list[int]:
    """Return the ids that end an answer: the end of text, and what the chat template puts after an answer."""
    declared = model.generation_config.eos_token_id
    stops = {tokenizer.eos_token_id, *(declared if isinstance(declared, list) else [declared])}
    turns = [{"role": "user", "content": "pregunta"}, {"role": "assistant", "content": "respuesta"}]
    after = tokenizer.apply_chat_template(turns, tokenize=False).rpartition("respuesta")[2]
    first = tokenizer(after, add_special_tokens=False)["input_ids"][:1]
    stops.update(token for token in first if token in tokenizer.added_tokens_decoder)
    return sorted(token for token in stops if token is not None)


TOKENIZER, MODEL = load_model()
STOP_TOKENS = find_stop_tokens(TOKENIZER, MODEL)
# Base and tuned are one set of weights with the adapter off or on: only one answer at a time.
ONE_AT_A_TIME = threading.Lock()


class StopWhen(StoppingCriteria):
    """Ends generation at the next token once an event is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **kwargs: Any) -> torch.BoolTensor:
        return torch.full((input_ids.shape[0],), self.event.is_set(), device=input_ids.device, dtype=torch.bool)


def render_prompt(question: str) -> Any:
    """Return the model's input. Control tokens come from the template alone: a question that spells one loses it."""
    spelled = [str(token) for token in TOKENIZER.added_tokens_decoder.values() if token.special]
    while found := [token for token in spelled if token in question]:
        for token in found:
            question = question.replace(token, "")
    return TOKENIZER.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    ).to(MODEL.device)


def stream_answer(question: str, which: str) -> Iterator[str]:
    """Yield the answer as it grows. Closing the iterator stops the model."""
    prompt = render_prompt(question)
    chat = CONFIG["chat"]
    room = getattr(MODEL.config, "max_position_embeddings", 2048) - chat["max_new_tokens"]
    if prompt["input_ids"].shape[1] > room:
        yield MESSAGES["too_many_tokens"]
        return
    sampling = {"do_sample": True, "temperature": chat["temperature"], "top_p": chat["top_p"]}
    stop, failure = threading.Event(), []
    streamer = TextIteratorStreamer(TOKENIZER, skip_prompt=True, skip_special_tokens=True)

    def work() -> None:
        try:
            options = {
                "max_new_tokens": chat["max_new_tokens"],
                "max_time": chat["max_seconds"],
                "repetition_penalty": chat["repetition_penalty"],
                "stopping_criteria": StoppingCriteriaList([StopWhen(stop)]),
                "eos_token_id": STOP_TOKENS,
                "pad_token_id": STOP_TOKENS[0] if TOKENIZER.pad_token_id is None else TOKENIZER.pad_token_id,
                **(sampling if chat["temperature"] > 0 else {"do_sample": False, "temperature": None}),
            }
            if which == "base":
                with MODEL.disable_adapter():
                    MODEL.generate(**prompt, **options, streamer=streamer)
            else:
                MODEL.generate(**prompt, **options, streamer=streamer)
        except Exception as error:  # told to the visitor below; the thread must not die in silence
            log.exception("generation failed")
            failure.append(error)
        finally:
            streamer.end()

    with ONE_AT_A_TIME:
        thread = threading.Thread(target=work, daemon=True, name="generation")
        thread.start()
        text = ""
        try:
            for piece in streamer:
                text += piece
                if text.strip():
                    yield text.strip()
        finally:
            stop.set()
            thread.join()
    if failure:
        yield MESSAGES["failed"]
    elif not text.strip():
        yield MESSAGES["nothing"]


def answer(question: str, which: str) -> Iterator[str]:
    """Answer one question, or say in one sentence why not."""
    question = (question or "").strip()
    limit = CONFIG["chat"]["max_input_chars"]
    if not question:
        yield MESSAGES["empty"]
    elif len(question) > limit:  # the browser's limit is only a convenience
        yield MESSAGES["too_long"].format(found=len(question), limit=limit)
    else:
        yield from stream_answer(question, which)


def chat(question: str, which: Literal["tuned", "base"] = "tuned") -> Iterator[str]:
    """Answer one question as plain text, growing; for programs (gradio_client, ``api_name="/chat"``)."""
    yield from answer(question, which)


# -- the conversation ------------------------------------------------------------------------------------------------
# Gradio renders messages as (sanitised) HTML even without Markdown, so every text is escaped here.

NAMES = {"tuned": "Afinado · Tuned", "base": "Base"}
Turns = list[dict[str, Any]]


def busy(value: str | None = "") -> Any:
    """The input while the model writes: a stop button instead of the send button."""
    return gr.Textbox(value=value, submit_btn=False, stop_btn=True)


def add_question(question: str, turns: Turns) -> tuple[Any, Turns, str]:
    """Show the question at once; the answer follows in another event."""
    limit = CONFIG["chat"]["max_input_chars"]
    shown = question if len(question) <= limit else question[:limit] + "…"
    return busy(), [*turns, {"role": "user", "content": html.escape(shown)}], question


def add_example(chosen: gr.SelectData) -> tuple[Any, Turns, str]:
    """Ask an example."""
    return add_question(chosen.value["text"], [])


def take_back(turns: Turns) -> tuple[Any, Turns]:
    """Take the last answer away, to ask again."""
    while turns and turns[-1]["role"] == "assistant":
        turns = turns[:-1]
    return busy(None), turns


def reply(question: str, which: str, turns: Turns) -> Iterator[Turns]:
    """Stream the answer into the conversation, signed by who wrote it. Earlier turns are not sent to the model: it was
    trained on single questions."""
    for text in answer(question, which):
        # style.css makes the first line, the signature, small.
        yield [*turns, {"role": "assistant", "content": f"{NAMES[which]}\n{html.escape(text)}"}]


# -- the page --------------------------------------------------------------------------------------------------------


def both(spanish: str, english: str, tag: str = "p") -> str:
    """One text in two languages; the switch in the header shows one of them. Escaped: texts are never markup."""
    return "".join(
        f'<{tag} lang="{code}">{html.escape(text)}</{tag}>' for code, text in (("es", spanish), ("en", english))
    )


def link(name: str) -> str:
    """A link to one of the project's repositories; plain text where nothing is online yet."""
    repository = html.escape(CONFIG["links"][name]["id"], quote=True)
    if not ON_SPACE or not CONFIG["links"][name]["url"]:
        return f"<code>{repository}</code>"
    url = html.escape(CONFIG["links"][name]["url"] or "", quote=True)
    return f'<a href="{url}" target="_blank" rel="noopener">{repository}</a>'


def header() -> str:
    """Title, description and the language switch (plain CSS, no script)."""
    title = html.escape(CONFIG["title"])
    return (
        '<header class="cabecera"><div class="titulo">'
        f'<h1><span class="brote" aria-hidden="true"></span>{title}</h1>'
        '<label class="idioma"><input type="checkbox" id="english" aria-label="English">'
        "<span>ES</span><span>EN</span></label></div>"
        f"{both(CONFIG['description'], CONFIG['description_en'])}</header>"
    )


def notice() -> str:
    """Limitations, what happens with the visitor's text, and where everything comes from."""
    items = "".join(both(item["es"], item["en"], "li") for item in CONFIG["limitations"])
    sources = (
        f"<li>{both('Modelo:', 'Model:', 'span')} {link('model')}</li>"
        f"<li>{both('Corpus:', 'Dataset:', 'span')} {link('dataset')}</li>"
        f"<li>{both('Modelo base:', 'Base model:', 'span')} {link('base')}</li>"
    )
    return (
        '<section class="aviso"><div>'
        f"{both('Antes de confiar en una respuesta', 'Before you trust an answer', 'h2')}<ul>{items}</ul></div>"
        f"<div>{both('De dónde sale', 'Where it comes from', 'h2')}<ul>{sources}</ul>"
        f"{both(CONFIG['data_notice']['es'], CONFIG['data_notice']['en'])}</div></section>"
    )


def build_page() -> gr.Blocks:
    """Return the page."""
    with gr.Blocks(title=CONFIG["title"], analytics_enabled=False) as page:
        gr.HTML(header())
        which = gr.Radio(
            [(name, key) for key, name in NAMES.items()],
            value="tuned",
            label="¿Quién responde? · Who answers?",
            show_label=False,
            container=False,
            elem_id="quien",
        )
        turns = gr.Chatbot(
            show_label=False,
            label="Conversación",
            elem_id="charla",
            height=None,  # style.css
            render_markdown=False,
            sanitize_html=True,
            allow_tags=False,
            allow_file_downloads=False,
            layout="bubble",
            buttons=[],
            feedback_options=None,
            placeholder="Prueba con una de estas preguntas o escribe la tuya.<br>Try one of these, or ask your own.",
            examples=[{"text": question} for question in CONFIG["examples"]],
        )
        box = gr.Textbox(
            placeholder="Escribe tu pregunta…",
            show_label=False,
            label="Pregunta",
            elem_id="pregunta",
            max_lines=6,
            max_length=CONFIG["chat"]["max_input_chars"],
            autofocus=True,
            submit_btn=True,
        )
        gr.HTML(notice())
        connect(which, turns, box)
        gr.api(chat, api_name="chat", concurrency_id="model", concurrency_limit=1)
    return page


def connect(which: gr.Radio, turns: gr.Chatbot, box: gr.Textbox) -> None:
    """Wire sending, examples, asking again and stopping. All answers share one queue: first come, first served."""
    question = gr.State("")
    quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    starts = [
        box.submit(add_question, [box, turns], [box, turns, question], **quick),
        turns.example_select(add_example, None, [box, turns, question], **quick),
        turns.retry(take_back, [turns], [box, turns], **quick),
    ]
    answers = [
        start.success(
            reply,
            [question, which, turns],
            [turns],
            show_progress="minimal",
            concurrency_id="model",
            concurrency_limit=1,
            api_visibility="private",
        )
        for start in starts
    ]
    for event in answers:  # also after an error or a stop
        event.then(lambda: gr.Textbox(submit_btn=True, stop_btn=False), None, [box], **quick)
    box.stop(None, None, None, cancels=answers, api_visibility="private")


def main() -> None:
    """Serve the page: to everybody on a Space, to this machine alone elsewhere."""
    logging.basicConfig(level=logging.INFO)
    page = build_page()
    # Whoever comes 33rd is told that the queue is full, instead of waiting for ever.
    page.queue(max_size=32)
    port = os.environ.get("GRADIO_SERVER_PORT")
    page.launch(
        server_name="0.0.0.0" if ON_SPACE else "127.0.0.1",
        server_port=int(port) if port else None,
        theme=gr.themes.Soft(
            primary_hue="green",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ).set(
            checkbox_label_background_fill_selected="#2f6b3c",
            checkbox_label_background_fill_selected_dark="#2f6b3c",
        ),
        css_paths=HERE / "style.css",
        head=HEAD,
        footer_links=[],
        ssr_mode=False,
        enable_monitoring=False,
        share=False,
        max_file_size=0,
    )


if __name__ == "__main__":
    main()
