"""The rubric: sections, criteria, points and the checks that estimate them, read from a YAML file."""

from importlib.resources import files
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from semillero.errors import InputError

DEFAULT = "rubric_2024.yaml"


class Part(BaseModel):
    """A frozen part of a rubric; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(Part):
    """What is judged, its points, and the checks that estimate it (none: people alone can judge it)."""

    id: str
    points: float = Field(gt=0)
    en: str
    es: str
    checks: tuple[str, ...] = ()
    people: bool = False

    @model_validator(mode="after")
    def _checks_or_people(self) -> Self:
        if bool(self.checks) == self.people:
            raise ValueError(f"{self.id}: either checks or people: true")
        return self


class Section(Part):
    """A section of the rubric; its criteria's points add up to its own."""

    id: str
    points: float = Field(gt=0)
    en: str
    es: str
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(criterion.points for criterion in self.criteria)
        if abs(total - self.points) > 1e-9:
            raise ValueError(f"{self.id}: its criteria add up to {total:g}, not {self.points:g}")
        return self


class Rubric(Part):
    """A hackathon's rubric."""

    name: str
    total: float = Field(gt=0)
    corpus_only_cap: float = Field(gt=0)
    bonus: str = ""
    sections: tuple[Section, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(section.points for section in self.sections)
        if abs(total - self.total) > 1e-9:
            raise ValueError(f"the sections add up to {total:g}, not {self.total:g}")
        return self


def load_rubric(path: Path | None = None) -> Rubric:
    """Read a rubric; SomosNLP's of 2024 by default.

    Raises:
        InputError: the file cannot be read, its points do not add up, or it names a check that does not exist.
    """
    from semillero.submission.checks import CHECKS

    where = path or DEFAULT
    try:
        text = path.read_text(encoding="utf-8") if path else (files(__package__) / DEFAULT).read_text(encoding="utf-8")
        rubric = Rubric.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"the rubric {where} cannot be read: {error}", "a YAML file") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'rubric'}: {e['msg']}" for e in error.errors())
        raise InputError(f"the rubric {where} is not valid: {faults}", f"a rubric like {DEFAULT}") from None
    named = {check for section in rubric.sections for criterion in section.criteria for check in criterion.checks}
    unknown = sorted(named - set(CHECKS))
    if unknown:
        raise InputError(f"the rubric {where} names unknown checks: {', '.join(unknown)}", f"of {', '.join(CHECKS)}")
    return rubric
