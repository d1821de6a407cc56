"""The link check: every repository, file and relative link that the submission relies on exists."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semillero.project import Project
from semillero.submission.evidence import published_folder

# Markdown links and images; web addresses, anchors and mail are not ours to check without a network.
_LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
_FENCED = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)


def check_links(project: Project, published: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return how many references were checked, and those that lead nowhere.

    Args:
        project: the project.
        published: `kind`, `name` and `files` of each repository that was published, other forms of the model included.
    """
    checked, broken = 0, []
    for repository in published:
        place = f"{repository['kind']}s/{repository['name']}"
        folder = published_folder(project, repository["kind"], repository["name"])
        for name in repository["files"]:
            checked += 1
            if not (folder / name).is_file():
                broken.append(f"{place}/{name}")
        for card in sorted(folder.glob("README*.md")):
            for target in _relative_links(card):
                checked += 1
                if not (folder / target).exists():
                    broken.append(f"{place}/{card.name} → {target}")
    return checked, broken


def _relative_links(card: Path) -> list[str]:
    text = _FENCED.sub("", card.read_text(encoding="utf-8"))
    return [target for target in _LINK.findall(text) if "://" not in target and not target.startswith("mailto:")]
