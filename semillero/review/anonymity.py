"""What of ``agreement.json`` may be published: everything but who people are.

User names are personal data. In what is published, people are numbered in an order that is not the alphabet's nor the
project file's, and their roles and countries are counted apart from the numbers, so that nobody can read there how
the one reviewer from a small country agreed with the others.
"""

import hashlib
from typing import Any

NAMED = ("reviewer", "reviewers")


def without_names(agreement: dict[str, Any]) -> dict[str, Any]:
    """Return ``agreement.json`` without names; what no person reviewed is returned as it is.

    Raises:
        KeyError: a name stands in it that is not among its reviewers (a bug; nothing is published).
    """
    if not agreement.get("human_reviewed"):
        return agreement
    people = agreement["reviewers"]
    order = sorted((person["name"] for person in people), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    labels = {name: f"reviewer {number}" for number, name in enumerate(order, start=1)}
    rest = {key: _relabel(value, labels) for key, value in agreement.items() if key != "reviewers"}
    return {**rest, "reviewers": _count_people(people)}


def _relabel(value: Any, labels: dict[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _relabel(item, labels, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_relabel(item, labels, key) for item in value]
    return labels[value] if key in NAMED and isinstance(value, str) else value


def _count_people(people: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many people there were, by role, country and variety, each counted by itself."""
    return {
        "count": len(people),
        "roles": _count([person["role"] for person in people]),
        "countries": _count([person["country"] for person in people]),
        "varieties": _count([code for person in people for code in person["varieties"]]),
    }


def _count(values: list[str]) -> dict[str, int]:
    return {value: values.count(value) for value in sorted(set(values)) if value}
