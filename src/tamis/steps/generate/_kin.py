"""Who made what a judge sees, and whether it may judge it."""

from __future__ import annotations

from collections.abc import Iterable

from tamis.core.calls import AskedRow, Models
from tamis.core.errors import UsageError


def producer_of(row: AskedRow) -> str | None:
    """The model that wrote the row's answer, where it is known."""
    try:
        found = row["producer"]
    except UsageError:
        return None
    return None if found is None else str(found)


def refuse_kin(models: Models, makers: Iterable[str], judge: str, why: str | None, producer: str | None = None) -> None:
    """UsageError where the judge is of a family that made what it judges, and the recipe does not say why."""
    from tamis.llm.families import same_family

    family = models.family(judge)
    kin = {maker: models.family(maker) for maker in makers} | ({} if producer is None else {producer: producer})
    for maker, of in kin.items():
        if same_family(family, of) and not why:
            raise UsageError(
                f"role {judge!r} would judge what {maker!r} made: both are of the family {family}",
                hint="give the judge a model of another family, or say under `same_family:` why this one may",
            )
