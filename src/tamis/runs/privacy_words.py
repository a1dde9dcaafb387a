"""What card and report say of personal data: what was done, what was measured, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MODES = {
    "mask": "masked", "tag": "by a tag", "pseudonym": "by a keyed pseudonym", "surrogate": "by a surrogate of the same type",
    "shift": "moved by a number of days for each subject",
}  # fmt: skip


def sentences(privacy: Mapping[str, Any]) -> list[str]:
    """The facts of a run with privacy steps, as `Secrecy.record` tells them, in sentences.

    >>> told = sentences({"replaced": {"email": 2}, "modes": {"email": "tag"}, "key": None, "repeatable": True, "recall": None})
    >>> told[0], told[1][:29]
    ('Replaced in every text: `email` 2 (by a tag).', 'How much was missed has not b')
    """
    modes = privacy.get("modes", {})
    counts = [
        f"`{kind}` {number:,} ({_MODES.get('shift' if kind == 'date' else modes.get(kind, ''), 'replaced')})"
        for kind, number in privacy.get("replaced", {}).items()
    ]
    looked = ", ".join(f"`{kind}`" for kind, mode in modes.items() if mode != "keep")
    told = [
        f"Replaced in every text: {', '.join(counts)}."
        if counts
        else f"Nothing was found to replace. Looked for: {looked}."
    ]
    told.append(recall_sentence(privacy.get("recall")))
    key = privacy.get("key")
    if key and any(mode in ("pseudonym", "surrogate") for mode in modes.values()):
        told.append(
            "Whoever holds the key can make the same replacements again: these data are pseudonymised, not anonymous."
        )
    else:
        told.append(
            "What was not found is still there, and what was replaced may be guessed from the rest: these data are not anonymous."
        )
    if not privacy.get("repeatable", True):
        told.append("The key was thrown away: this delivery can be neither repeated nor added to.")
    if privacy.get("rescanned") is False:
        told.append("A privacy step was limited to some rows by `where:`; the others are delivered as they were.")
    return told


def recall_sentence(recall: Mapping[str, Any] | None) -> str:
    """The measured recall with its interval, or that there is none."""
    if not recall:
        return "How much was missed has not been measured: nobody has checked a sample yet (`tamis privacy sample`)."
    rows = f"a sample of {recall['rows']:,} rows checked by a person"
    if recall.get("labelled"):
        texts = f"{recall['rows']:,} other text{'' if recall['rows'] == 1 else 's'}"
        rows = f"{texts} in which personal data were marked ({recall['labelled']})"
    if not recall.get("recall"):
        return f"In {rows} there was nothing to find, so no recall can be told."
    figure = recall["recall"]
    return (
        f"Recall {figure['share']:.1%} (95% interval {figure['low']:.1%} to {figure['high']:.1%}), measured on {rows}: "
        f"{recall['found'] - recall['wrong']:,} found, {recall['missed']:,} missed."
    )
