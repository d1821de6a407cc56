"""The project file: one YAML file that says everything a project is.

`load_project` gives a frozen `Project`, or one `ProjectFileError` that lists every fault with its line, its key and
what to do.
"""

from semillero.project.loading import load_project, write_json_schema
from semillero.project.models import (
    CorpusSettings,
    DemoSettings,
    EvaluationSettings,
    FilterSettings,
    GeneratorSettings,
    JudgeSettings,
    Project,
    ProjectSettings,
    PublishSettings,
    ReviewSettings,
    SplitSettings,
    TrainingSettings,
    Variety,
)

__all__ = [
    "CorpusSettings", "DemoSettings", "EvaluationSettings", "FilterSettings", "GeneratorSettings", "JudgeSettings",
    "Project", "ProjectSettings", "PublishSettings", "ReviewSettings", "SplitSettings", "TrainingSettings", "Variety",
    "load_project", "write_json_schema",
]  # fmt: skip
