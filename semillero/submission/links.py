"""The link check: every repository, file and relative link that the submission relies on exists."""

import re
from pathlib import Path

from semillero.project import Project
from semillero.submission.evidence import KINDS, published_folder

# Markdown links and images; web addresses, anchors and mail are not ours to check without a network.
_LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
_FENCED = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)


def check_links(project: Project, promised: dict[str, list[str]]) -> tuple[int, list[str]]:
    """Return how many references were checked, and those that lead nowhere.

    Args:
        project: the project.
        promised: names of the files that were published, by kind of repository.
    """
    checked, broken = 0, []
    for kind in KINDS:
        folder = published_folder(project, kind)
        for name in promised.get(kind, []):
            checked += 1
            if not (folder / name).is_file():
                broken.append(f"{kind}s/{project.repository}/{name}")
        for card in sorted(folder.glob("README*.md")):
            for target in _relative_links(card):
                checked += 1
                if not (folder / target).exists():
                    broken.append(f"{kind}s/{project.repository}/{card.name} → {target}")
    return checked, broken


def _relative_links(card: Path) -> list[str]:
    text = _FENCED.sub("", card.read_text(encoding="utf-8"))
    return [target for target in _LINK.findall(text) if "://" not in target and not target.startswith("mailto:")]
