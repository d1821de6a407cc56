"""A tiny base with an adapter, and the Space that serves them."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from semillero.outputs import Outputs
from semillero.project import Project
from semillero.store import Artifact, Recipe, RunStore

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = [
    "¿Qué es el tejate? Es una bebida de maíz y cacao que se toma fría en Oaxaca.",
    "¿Dónde nace el río Magdalena? Nace en el Macizo Colombiano, en el Huila.",
    "La tarima no es solo el lugar del baile: funciona como instrumento de percusión.",
]


def write_base(folder: Path) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    # Whole words: the streamer hands over what is before the last space, so every token shows.
    raw = Tokenizer(models.WordLevel(unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>"]
    raw.train_from_iterator(TEXTS, trainers.WordLevelTrainer(special_tokens=special))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        chat_template=TEMPLATE,
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=65536, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_adapter(folder: Path, base: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    settings = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings).save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def tiny_adapter_folder(tmp_path_factory: pytest.TempPathFactory, tiny_base_folder: Path) -> Path:
    return write_adapter(tmp_path_factory.mktemp("adapter"), tiny_base_folder)


def make_project(**demo: object) -> Project:
    return Project.model_validate(
        {
            "project": {
                "name": "voces", "title": "Voces <del> Sur & Norte", "summary": "A small corpus of Spanish varieties.",
                "summary_es": "Un pequeño corpus de variedades del español, con su modelo y su demostración.",
                "motivation": "Que los modelos hablen como se habla.", "sdgs": [4], "team": [{"name": "Ana"}],
                "contact": "ana@example.org",
            },
            "corpus": {
                "varieties": [
                    {"code": "es-MX", "name": "español de México", "country": "MX", "requests": 10},
                    {"code": "es-AR", "name": "español de Argentina", "country": "AR", "requests": 10},
                ],
                "topics": "topics.yaml", "seeds": "seeds.jsonl", "passages": "passages.jsonl",
            },
            "demo": {"hardware": "t4-small", **demo},
        }
    )  # fmt: skip


def put(store: RunStore, stage: str, files: dict[str, pl.DataFrame | str]) -> Artifact:
    with store.draft(Recipe(stage, 1, {}, {"files": sorted(files)})) as draft:
        for name, value in files.items():
            if isinstance(value, pl.DataFrame):
                value.write_parquet(draft.path / name)
            else:
                (draft.path / name).write_text(value)
    return draft.artifact


@pytest.fixture
def new_project() -> Callable[..., Project]:
    return make_project


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "store"))


@pytest.fixture
def outputs(store: RunStore) -> Outputs:
    test = pl.DataFrame(
        {
            "id": ["c", "a", "b", "d", "e"],
            "pregunta": [
                "¿Qué es el tejate y cómo se toma?", "¿Cómo se baila un son jarocho?", "¿Qué se come en un asado?",
                "¿Corto?", "¿Y esta pregunta? " * 20,
            ],
            "variedad": ["es-MX", "es-MX", "es-AR", "es-AR", "es-AR"],
        }
    )  # fmt: skip
    other = put(store, "other", {"x.txt": "x"})
    dataset = put(store, "dataset", {"test.parquet": test})
    adapter = put(store, "train", {"adapter.txt": "weights"})
    return Outputs((other,), other, None, other, dataset, adapter)


@pytest.fixture(scope="session")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a Space's folder that always takes the likeliest token, so that answers can be compared."""
    from semillero.demo import build_space

    store = RunStore(str(tmp_path_factory.mktemp("space-store")))
    empty = put(store, "other", {"x.txt": "x"})
    outputs = Outputs((empty,), empty, None, empty, empty, put(store, "train", {"adapter.txt": "w"}))
    project = make_project(
        examples=["¿Qué es el tejate y cómo se toma?", "¿Dónde nace el río Magdalena?", "Cuéntame del son jarocho."],
        max_new_tokens=24,
        max_input_chars=300,
    )
    artifact = build_space(store, project, outputs)
    assert artifact is not None
    copy = tmp_path_factory.mktemp("space") / "space"
    shutil.copytree(store.folder(artifact), copy)
    config = json.loads((copy / "config.json").read_text())
    config["chat"]["temperature"] = 0
    (copy / "config.json").write_text(json.dumps(config))
    return copy


@pytest.fixture(scope="session")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the running page's votes go."""
    return tmp_path_factory.mktemp("votes")


@pytest.fixture(scope="session")
def page(space: Path, tiny_base_folder: Path, tiny_adapter_folder: Path, votes: Path) -> Iterator[str]:
    """The URL of the running page."""
    from semillero.demo import serve_space

    with serve_space(space, tiny_base_folder, tiny_adapter_folder, start_seconds=280, votes=votes) as url:
        yield url


@pytest.fixture(scope="module")
def long_page(
    space: Path, tiny_base_folder: Path, tiny_adapter_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same page, whose model would write for minutes; a queue that one module's tests fill is not another's."""
    from semillero.demo import serve_space

    folder = tmp_path_factory.mktemp("long") / "space"
    shutil.copytree(space, folder)
    config = json.loads((folder / "config.json").read_text())
    config["chat"] |= {"max_new_tokens": 60_000, "repetition_penalty": 1.0}
    (folder / "config.json").write_text(json.dumps(config))
    with serve_space(folder, tiny_base_folder, tiny_adapter_folder, start_seconds=280) as url:
        yield url
