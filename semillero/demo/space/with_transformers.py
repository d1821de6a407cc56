"""The model on a GPU (or a patient CPU): transformers and the adapter. Importing this module loads them.

One set of weights serves both models, and when both are asked they answer in one batch: a row with the adapter, a row
without.
"""

import logging
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from peft import PeftModel
from prompts import TOKENIZER, find_stop_tokens
from settings import CONFIG
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

try:
    import spaces
except ImportError:  # only ZeroGPU's requirements have it
    spaces = None

CHAT = CONFIG["chat"]
UNPACKED = 1e9  # parameters of a quantised base that a CPU may hold unpacked
ADAPTERS = {"base": "__base__", "tuned": "default"}  # PEFT's names
log = logging.getLogger("space")


def choose_dtype(model_type: str) -> torch.dtype:
    """bfloat16 where the hardware has it (a T4 and most CPUs only imitate it); Gemma overflows float16."""
    if not torch.cuda.is_available():
        fast = torch.cpu.get_capabilities()
        return torch.bfloat16 if fast.get("avx512_bf16") or fast.get("amx_bf16") else torch.float32
    if torch.cuda.get_device_capability() >= (8, 0):
        return torch.bfloat16
    return torch.float32 if model_type.startswith("gemma") else torch.float16


def load_model() -> Any:
    """Return base + adapter."""
    base = CONFIG["base"]
    base_id = os.environ.get("SEMILLERO_BASE") or base["id"]
    adapter_id = os.environ.get("SEMILLERO_ADAPTER") or CONFIG["adapter"]["id"]
    revision = None if "SEMILLERO_BASE" in os.environ else base["revision"]
    dtype = choose_dtype(AutoConfig.from_pretrained(base_id, revision=revision).model_type)
    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    options: dict[str, Any] = {"quantization_config": nf4(dtype)} if base["quantized"] else {}
    model = AutoModelForCausalLM.from_pretrained(
        base_id, revision=revision, dtype=dtype, device_map={"": device}, use_safetensors=True, **options
    )
    if base["quantized"] and device == "cpu" and model.num_parameters() <= UNPACKED:
        model = model.dequantize()  # the same numbers, unpacked once and not at every token: twice as fast
    return PeftModel.from_pretrained(model, adapter_id).eval()


def nf4(dtype: torch.dtype) -> BitsAndBytesConfig:
    """The 4-bit form of the base that the adapter was trained on; on other weights it answers worse."""
    old_card = torch.cuda.is_available() and torch.cuda.get_device_capability() < (8, 0)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float16 if old_card else dtype,
    )


MODEL = load_model()
STOPS = find_stop_tokens(MODEL.generation_config.eos_token_id)
PADDING = STOPS[0] if TOKENIZER.pad_token_id is None else TOKENIZER.pad_token_id
ROOM = getattr(MODEL.config, "max_position_embeddings", 2048) - CHAT["max_new_tokens"]  # tokens a prompt may have


class Steps(BaseStreamer):
    """Hands over each step's tokens, one a row of the batch (transformers' own streamers take one row only)."""

    def __init__(self) -> None:
        self.steps: queue.SimpleQueue[list[int] | None] = queue.SimpleQueue()
        self.prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        if self.prompt_seen:
            self.steps.put(value.reshape(-1).tolist())
        self.prompt_seen = True  # the first call brings the prompt

    def end(self) -> None:
        self.steps.put(None)


class StopWhen(StoppingCriteria):
    """Ends generation at the next token once an event is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def __call__(self, input_ids: torch.LongTensor, scores: Any, **kwargs: Any) -> torch.BoolTensor:
        return torch.full((input_ids.shape[0],), self.event.is_set(), device=input_ids.device, dtype=torch.bool)


def on_gpu(function: Callable[..., Iterator[dict[str, str]]]) -> Callable[..., Iterator[dict[str, str]]]:
    """Ask ZeroGPU for its card while the function runs; elsewhere the function as it is."""
    if spaces is None:
        return function
    lent: Callable[..., Iterator[dict[str, str]]] = spaces.GPU(duration=CHAT["max_seconds"])(function)
    return lent


@on_gpu
def stream(prompt: Sequence[int], models: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the answers as they grow, all models in one batch. Closing the iterator stops the model."""
    stop, steps, failures = threading.Event(), Steps(), []

    def work() -> None:
        try:
            _generate(prompt, models, steps, stop)
        except Exception as error:  # raised again below; the thread must not die in silence
            failures.append(error)
        finally:
            steps.end()

    thread = threading.Thread(target=work, daemon=True, name="generation")
    thread.start()
    rows: dict[str, list[int]] = {model: [] for model in models}
    ended: set[str] = set()
    try:
        while (tokens := steps.steps.get()) is not None:
            for model, token in zip(models, tokens, strict=True):
                if token in STOPS:
                    ended.add(model)
                elif model not in ended:
                    rows[model].append(token)
            # Half a character (an emoji of several tokens) waits for its rest.
            yield {
                model: TOKENIZER.decode(row, skip_special_tokens=True).rstrip("\ufffd") for model, row in rows.items()
            }
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def _generate(prompt: Sequence[int], models: Sequence[str], streamer: BaseStreamer, stop: threading.Event) -> None:
    sampling = {"do_sample": True, "temperature": CHAT["temperature"], "top_p": CHAT["top_p"]}
    rows = torch.tensor([list(prompt)] * len(models), device=MODEL.device)
    MODEL.generate(
        input_ids=rows,
        attention_mask=torch.ones_like(rows),
        adapter_names=[ADAPTERS[model] for model in models],
        max_new_tokens=CHAT["max_new_tokens"],
        max_time=CHAT["max_seconds"],
        repetition_penalty=CHAT["repetition_penalty"],
        stopping_criteria=StoppingCriteriaList([StopWhen(stop)]),
        eos_token_id=STOPS,
        pad_token_id=PADDING,
        streamer=streamer,
        **(sampling if CHAT["temperature"] > 0 else {"do_sample": False, "temperature": None}),
    )
