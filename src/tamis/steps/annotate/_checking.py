"""The check of clusters' names: texts that were held back are sorted under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tamis.core.calls import Ask

from ._naming import Fence, Named, cut, listed, messages

CHECK = """You sort texts{about} under names. You see a list of names, numbered, each with a description, and texts, numbered. For \
each text give the number of the name that fits it best, or 0 where none fits. Answer for every text, each exactly once."""


def checking(names: Sequence[tuple[int, Named]], texts: Sequence[str], fence: Fence, about: str) -> Ask:
    """The request to sort texts under names."""
    options = "\n".join(
        f"{k}. {one.name}{f': {one.description}' if one.description else ''}" for k, (_, one) in enumerate(names, 1)
    )
    shown = "\n".join(f"Text {k}:\n{fence(cut(text), salt=f't{k}')}" for k, text in enumerate(texts, 1))
    item = {
        "type": "object",
        "properties": {
            "text": {"type": "integer", "minimum": 1, "maximum": len(texts)},
            "name": {"type": "integer", "minimum": 0, "maximum": len(names)},
        },
        "required": ["text", "name"],
        "additionalProperties": False,
    }
    system = CHECK.format(about=f" ({about})" if about else "")
    return Ask(messages(system, f"Names:\n{options}\n\n{shown}"), listed("answers", item, len(texts)))


def read_check(value: Any, names: Sequence[tuple[int, Named]], texts: int) -> list[int | None]:
    """Per text, the cluster whose name was held to fit, -1 for none; None where there is no one answer."""
    said: list[int | None] = [None] * texts
    times = [0] * texts
    for one in value.get("answers", ()) if isinstance(value, Mapping) else ():
        at, k = one.get("text"), one.get("name")
        if isinstance(at, int) and isinstance(k, int) and 1 <= at <= texts and 0 <= k <= len(names):
            said[at - 1] = names[k - 1][0] if k else -1
            times[at - 1] += 1
    return [answer if count == 1 else None for answer, count in zip(said, times, strict=True)]
