"""What models are asked to name clusters by, and how their answers are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tamis.core.calls import Ask
from tamis.llm.fence import NOTE

#: characters of a text that are shown
SHOWN = 400
#: other names that a prompt lists, so that none is given twice
TAKEN = 60
#: letters by which words are held to be forms of one
STEM = 5
_WORD = re.compile(r"[^\W_]+", re.UNICODE)

NAMING = """You name clusters of texts{about}. You see several clusters that lie near each other: for each its number, the phrases that \
set it apart by count, texts from its centre, and texts from its border.

Give each cluster:
- a name of two to six words that says what most of its texts are about and tells it from the other clusters you see. It must be \
true of most of its texts: what stands in one text only, such as a brand or a person, does not belong in it. No vague words such as \
"various", "general", "miscellaneous" or "other".
- a description: one sentence, what belongs in it and, where a neighbour is near, what does not.

Names must differ from each other{taken}. Answer for every cluster, each exactly once, by its number."""

CLASH = """These clusters of texts{about} were given names that are the same or too much alike. Find a new name and description for \
each, so that whoever reads the names alone knows which is which: say what is true of most texts of one and not of the others. Two to \
six words, no vague words{taken}. Answer for every cluster, each exactly once, by its number."""


@dataclass(frozen=True)
class Evidence:
    """One cluster as a prompt shows it. central, boundary, held: texts; held ones are never shown when it is named."""

    cluster: int
    rows: int
    phrases: tuple[str, ...]
    central: tuple[str, ...]
    boundary: tuple[str, ...]
    held: tuple[str, ...] = ()


@dataclass
class Named:
    """What a cluster is called. accuracy: share of `checked` held-out texts that were found under the name."""

    name: str
    description: str = ""
    accuracy: float | None = None
    checked: int = 0


Fence = Callable[..., str]


def naming(
    some: Sequence[Evidence], fence: Fence, about: str, taken: Iterable[str], *, clash: bool = False, sample: int = 0
) -> Ask:
    """The request for the names of some clusters. sample: which of several replies to the same request."""
    others = list(taken)[:TAKEN]
    told = f", and from these, which are taken: {'; '.join(others)}" if others else ""
    system = (CLASH if clash else NAMING).format(about=f" ({about})" if about else "", taken=told)
    blocks = []
    for one in some:
        lines = [
            f"## Cluster {one.cluster} ({one.rows:,} texts)",
            f"Phrases: {', '.join(one.phrases) or '(none)'}",
            "Centre:",
        ]
        lines += [fence(cut(text), salt=f"c{one.cluster}") for text in one.central]
        lines += (
            ["Border:", *(fence(cut(text), salt=f"b{one.cluster}") for text in one.boundary)] if one.boundary else []
        )
        blocks.append("\n".join(lines))
    item = {
        "type": "object",
        "properties": {
            "cluster": {"type": "integer", "enum": [one.cluster for one in some]},
            "name": {"type": "string", "minLength": 1, "maxLength": 80},
            "description": {"type": "string", "maxLength": 400},
        },
        "required": ["cluster", "name", "description"],
        "additionalProperties": False,
    }
    return Ask(messages(system, "\n\n".join(blocks)), listed("clusters", item, len(some)), sample=sample)


def read_names(value: Any, some: Sequence[Evidence]) -> dict[int, Named]:
    """The names of a reply, those that can be used: a cluster that is named twice, not asked for, or by nothing has none."""
    found: dict[int, Named] = {}
    twice: set[int] = set()
    asked = {one.cluster for one in some}
    for one in value.get("clusters", ()) if isinstance(value, Mapping) else ():
        c, name = one.get("cluster"), " ".join(str(one.get("name") or "").split()).strip(" .\"'*#")
        if c in found:
            twice.add(c)
        if c in asked and words(name):
            found[c] = Named(name, " ".join(str(one.get("description") or "").split()))
    return {c: named for c, named in found.items() if c not in twice}


def words(name: str) -> frozenset[str]:
    """A name's words by their beginnings: names that have the same are alike."""
    return frozenset(word[:STEM] for word in _WORD.findall(name.casefold()))


def clashes(names: Mapping[int, str], fixed: Iterable[str] = ()) -> list[list[int]]:
    """Clusters whose names are alike; one with a name that is taken stands alone."""
    alike: dict[frozenset[str], list[int]] = {}
    for c in sorted(names):
        alike.setdefault(words(names[c]), []).append(c)
    taken = {words(name) for name in fixed}
    return [group for key, group in alike.items() if len(group) > 1 or key in taken]


def unfit(said: Mapping[int, Mapping[str, Any]], fits: float) -> str | None:
    """What is to be told of names that too few held-out texts were found under."""
    known = [(c, one) for c, one in sorted(said.items()) if one["accuracy"] is not None]
    low = [f"{c} ({one['name']}, {one['accuracy']:.0%})" for c, one in known if one["accuracy"] < fits]
    if not low:
        return None
    return f"names that fit few of the texts held back: {', '.join(low)}; look at these clusters, rename or split them"


def messages(system: str, user: str) -> tuple[Mapping[str, Any], ...]:
    """A request's messages; the first says what fences are."""
    return ({"role": "system", "content": f"{system}\n\n{NOTE}"}, {"role": "user", "content": user})


def listed(name: str, item: Mapping[str, Any], many: int) -> dict[str, Any]:
    """The schema of a list of so many items."""
    array = {"type": "array", "items": item, "minItems": many, "maxItems": many}
    return {"type": "object", "properties": {name: array}, "required": [name], "additionalProperties": False}


def cut(text: str) -> str:
    """As much of a text as is shown."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
