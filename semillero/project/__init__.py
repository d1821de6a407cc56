"""The project file: one YAML file that says everything a project is.

`load_project` gives a frozen `Project`, or one `ProjectFileError` that lists every fault with its line, its key and
what to do.
"""

from semillero.project.loading import load_project, write_json_schema
from semillero.project.models import (
    BudgetSettings,
    CorpusSettings,
    DemoSettings,
    EvaluationSettings,
    FilterSettings,
    GeneratorSettings,
    JudgeSettings,
    Price,
    Project,
    ProjectSettings,
    PublishSettings,
    ReviewSettings,
    SplitSettings,
    TrainingSettings,
    Variety,
)

__all__ = [
    "BudgetSettings", "CorpusSettings", "DemoSettings", "EvaluationSettings", "FilterSettings", "GeneratorSettings",
    "JudgeSettings", "Price", "Project", "ProjectSettings", "PublishSettings", "ReviewSettings", "SplitSettings",
    "TrainingSettings", "Variety", "load_project", "write_json_schema",
]  # fmt: skip
