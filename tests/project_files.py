"""Changes to a project file, as a user makes them."""

from pathlib import Path
from typing import Any

import yaml


def change(file: Path, **sections: dict[str, Any]) -> None:
    """Give keys of some sections other values; a section that is not there is added."""
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    for name, values in sections.items():
        data.setdefault(name, {}).update(values)
    file.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
