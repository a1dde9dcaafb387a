"""Where privacy steps stand among the others: before what lets text out, after what compares rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tamis.core.origin import Source
from tamis.core.step import Step


def problems(
    sources: Sequence[Source],
    steps: Sequence[Step],
    unprotected: str,
    sends: Callable[[Step], bool] = lambda step: step.sends_text,
) -> list[str]:
    """What would let out text that privacy steps have still to see. `sends`: whether a step sends it to another machine."""
    found = []
    covering = [number for number, step in enumerate(steps) if step.covers() is not None]
    inside = [source.label for source in sources if any(step.covers() is not None for step in source.map)]
    if inside and not covering and len(inside) < len(sources):
        others = ", ".join(repr(s.label) for s in sources if s.label not in inside)
        found.append(
            f"source {inside[0]!r} has a privacy step of its own, and {others} has none: rows of it would be delivered as "
            "they are; move the step to `steps:`"
        )
    last = covering[-1] if covering else -1
    if unprotected:
        return found
    for step in [*(step for source in sources for step in source.map), *steps[: max(0, last)]]:
        if covering and sends(step):
            found.append(
                f"step {step.name!r} sends text to another machine, and stands before {steps[last].name!r}; move it behind, "
                "or say in `unprotected:` why that may be"
            )
    if not covering:
        for step in [*(step for source in sources for step in source.map), *steps]:
            if not step.sends_text and sends(step):
                found.append(
                    f"step {step.name!r} sends text to another machine, and no privacy step takes personal data away "
                    "before; add privacy.anonymize, or say in `unprotected:` why none is needed"
                )
                break
    return found


def warnings(steps: Sequence[Step]) -> list[str]:
    """What is allowed and seldom meant."""
    found = []
    for number, step in enumerate(steps):
        if step.covers() is None:
            continue
        if step.where is not None:
            found.append(
                f"{step.name}: rows for which `where` does not hold are delivered as they are, and not looked through"
            )
        later = [other.name for other in steps[number + 1 :] if other.address().startswith("dedup.")]
        if later:
            found.append(
                f"{step.name} stands before {', '.join(later)}: rows that differ only in names may look like copies; "
                "deduplicate first"
            )
    return found
