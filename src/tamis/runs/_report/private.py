"""What a report leaves out where personal data were taken away later: text as it was before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

HIDDEN = "(not shown)"
#: evidence that is a code from a short list, whatever the text
SAFE = ("language", "lang", "partial", "found")


def last_private(steps: list[dict[str, Any]]) -> int:
    """The number of the last step that takes personal data away, 0 where there is none."""
    return max((n for n, step in enumerate(steps, 1) if str(step.get("address", "")).startswith("privacy.")), default=0)


def veiled(data: dict[str, Any], privacy: Iterable[str]) -> dict[str, Any]:
    """The data of a run whose texts and evidence are told without what its privacy steps look for.

    What such a step changed is not shown: beside the replacements would stand tags that nobody delivers. Labels are
    those of the rows delivered.
    """
    for step in data["steps"]:
        if step["name"] in privacy:
            step["changes"] = []
    for label in data["labels"]:
        label["rows"] = [row for row in label["rows"] if row["after"]]
    return data


def withhold(data: dict[str, Any], last: int) -> dict[str, Any]:
    """The data without any text that was read before step number `last` was done."""
    if not last:
        return data
    for step in data["steps"][:last]:
        step["changes"] = []
        step["figures"] = [f for f in step["figures"] if f["kind"] != "words" or f["name"] in SAFE]
        for one in (*step["leaving"], *step["alike"]):
            one["examples"] = [_bare(example) for example in one["examples"]]
    for line in data["quarantined"]["lines"]:
        line["message"] = HIDDEN
    for label in data["labels"]:
        label["rows"] = [row for row in label["rows"] if row["after"]]
    return data


def _bare(example: dict[str, Any]) -> dict[str, Any]:
    """An example's place and numbers."""
    evidence = {k: HIDDEN if isinstance(v, str) and k not in SAFE else v for k, v in example["evidence"].items()}
    bare = {**example, "evidence": evidence, "marks": [], "row": None, "withheld": True}
    if "other" in bare:
        bare |= {"other": {**bare["other"], "row": None}, "pairs": None}
    return bare
