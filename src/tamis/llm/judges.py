"""A model must not judge its own family: not the models that write for the same recipe, and not the writer of a row.

Models prefer what they would have written themselves (Panickssery et al. 2024, arXiv 2404.13076).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .families import same_family

Kinship = Literal["own", "other", "unknown", "none"]


def kinship(judge: str | None, producer: str | None) -> Kinship:
    """Whether a row's producer is of the judge's family; `none` where nobody said who wrote the row.

    >>> kinship("gpt", "openai/gpt-5-mini"), kinship("claude", "gpt-4o"), kinship("claude", None), kinship(None, "gpt-4o")
    ('own', 'other', 'none', 'unknown')
    """
    if not producer:
        return "none"
    same = same_family(judge, producer)
    return "unknown" if same is None else "own" if same else "other"


def family_problems(step: Any, families: Mapping[str, str | None]) -> list[str]:
    """What stands against a step's judging in this recipe, as sentences; nothing where it does not judge, or says why it
    may.

    families: role → the family of its model (None: not known), of the roles that the step asks and of those that other
    steps have write: `{"judge": "gpt", "annotator": "gpt"}`.
    """
    if not getattr(step, "judges", False) or step.same_family is not None:
        return []
    found = []
    for own in step.roles():
        for role, family in families.items():
            if role == own:
                continue
            if same_family(families.get(own), family):
                found.append(
                    f"role {own!r} of {step.name} is of the family {families[own]!r}, as {role!r} is: it would judge its "
                    "own kind; let another family judge, or say why it may: same_family: …"
                )
    return found


def family_doubts(step: Any, families: Mapping[str, str | None]) -> list[str]:
    """Roles of a judging step whose family is not known, as sentences: there the rule cannot be kept."""
    if not getattr(step, "judges", False):
        return []
    return [
        f"the family of role {role!r} of {step.name} is not known, so nobody can tell whether it judges its own kind; "
        "state it: models: {" + role + ": {family: …}}"
        for role in step.roles()
        if families.get(role) is None
    ]
