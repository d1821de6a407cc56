"""The cards' YAML front matter, through huggingface_hub's own card data classes."""

from collections.abc import Mapping
from typing import Any

from semillero.cards.dataset_facts import size_category
from semillero.cards.impact import Impact

Facts = dict[str, Any]
TAGS = ("synthetic", "semillero", "somosnlp")


def dataset_front_matter(facts: Facts) -> str:
    """Return the dataset card's front matter, ``---`` lines included.

    Both configurations are named here, so that `datasets.load_dataset` finds every split and nothing else.
    """
    from huggingface_hub import DatasetCardData

    about, dataset = facts["project"], facts["dataset"]
    parts = {name: (name, rows, dataset["bytes"][name]) for name, rows in dataset["splits"].items()}
    configs = [{"config_name": "default", "default": True, "data_files": _name_files(parts)}]
    info = [{"config_name": "default", "splits": _count_rows(parts)}]
    if pairs := dataset["preferences"]:
        parts = {"train": ("preferences", pairs["rows"], pairs["bytes"])}
        configs.append({"config_name": "preferences", "data_files": _name_files(parts)})
        info.append({"config_name": "preferences", "splits": _count_rows(parts)})
    data = DatasetCardData(
        language=about["languages"],
        license=about["license"],
        annotations_creators=["expert-generated" if facts["review"]["human_reviewed"] else "machine-generated"],
        language_creators=["machine-generated"],
        multilinguality=["multilingual" if len(about["languages"]) > 1 else "monolingual"],
        size_categories=[size_category(dataset["rows"])],
        source_datasets=["original"],
        task_categories=["text-generation", "question-answering"],
        pretty_name=about["title"],
        language_details=[variety["code"] for variety in about["varieties"]],
        tags=list(TAGS),
        configs=configs,
        dataset_info=info,
    )
    return _fence(data.to_yaml())


def model_front_matter(facts: Facts, impact: Impact) -> str:
    """Return the model card's front matter with its ``model-index``, ``---`` lines included."""
    from huggingface_hub import ModelCardData

    about, model = facts["project"], facts["model"]
    data = ModelCardData(
        language=about["languages"],
        license=model["base"]["license"],
        library_name="peft",
        pipeline_tag="text-generation",
        base_model=model["base"]["hub_id"],
        datasets=[about["repository"]],
        tags=[*TAGS, "lora"],
        model_name=about["name"],
        eval_results=_eval_results(facts) or None,
        language_details=[variety["code"] for variety in about["varieties"]],
        base_model_relation="adapter" if model["base"]["hub_id"] else None,
        co2_eq_emissions=_tell_emissions(impact),
    )
    return _fence(data.to_yaml())


def _tell_emissions(impact: Impact) -> Facts | None:
    train = next((stage for stage in impact.stages if stage.stage == "train"), None)
    if train is None or train.co2_g is None:
        return None
    return {
        "emissions": round(train.co2_g, 4),  # the Hub reads grams
        "source": "codecarbon (estimate)",
        "training_type": "fine-tuning",
        "geographical_location": impact.country,
        "hardware_used": impact.hardware,
    }


def _eval_results(facts: Facts) -> list[Any]:
    from huggingface_hub import EvalResult

    if not facts["evaluation"]:
        return []
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=facts["project"]["repository"],
            dataset_name=facts["project"]["title"],
            dataset_split="test",
            metric_type=metric["name"],
            metric_name=metric["en"],
            metric_value=metric["tuned"],
        )
        for metric in facts["evaluation"]["overall"]
        if metric["tuned"] is not None
    ]


def _name_files(parts: Mapping[str, tuple[str, int, int]]) -> list[dict[str, str]]:
    return [{"split": split, "path": f"data/{file}.parquet"} for split, (file, _, _) in parts.items()]


def _count_rows(parts: Mapping[str, tuple[str, int, int]]) -> list[Facts]:
    # `datasets` ignores the counts unless a size stands beside them; it compares the rows alone.
    return [{"name": split, "num_bytes": size, "num_examples": rows} for split, (_, rows, size) in parts.items()]


def _fence(yaml_text: str) -> str:
    return f"---\n{yaml_text}\n---\n"
