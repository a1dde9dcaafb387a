"""A model must not judge its own family: not the models that write for the same recipe, and not the writer of a row.

Models prefer what they would have written themselves (Panickssery et al. 2024, arXiv 2404.13076).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def family_problems(step: Any, families: Mapping[str, str | None], writers: Iterable[str]) -> list[str]:
    """What stands against a step's judging in this recipe, as sentences; nothing where it does not judge, or says why it
    may.

    families: role → the family of its model (None: not known); writers: the roles that write what the step may see.
    """
    if not hasattr(step, "judging") or getattr(step, "same_family", None):
        return []
    found = []
    for judge in step.judging():
        for role in dict.fromkeys(writers):
            if role == judge:
                kin = f"role {judge!r} writes, and in {step.name} judges: it would judge itself"
            elif same_family(families.get(judge), families.get(role)):
                kin = (
                    f"role {judge!r} of {step.name} is of the family {families[judge]!r}, as {role!r} is: it would judge "
                    "its own kind"
                )
            else:
                continue
            found.append(f"{kin}; let another family judge, or say why it may: `same_family:` of {step.name}")
    return found


def family_doubts(step: Any, families: Mapping[str, str | None]) -> list[str]:
    """Roles of a judging step whose family is not known, as sentences: there the rule cannot be kept."""
    if not hasattr(step, "judging") or getattr(step, "same_family", None):
        return []
    return [
        f"the family of role {role!r} of {step.name} is not known, so nobody can tell whether it judges its own kind; "
        "state it: models: {" + role + ": {family: …}}"
        for role in step.judging()
        if families.get(role) is None
    ]
