"""What the dataset card says of the models that had a part in it, and of their providers' terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: what the recipe's `trains:` says → what the card says
TRAINS = {True: "yes", False: "no", None: "not stated"}

Table = Callable[..., str]


def table(models: Sequence[Mapping[str, Any]], draw: Table, plain: Callable[[Any], str]) -> str:
    """The models as a table. models: {role, model, steps (names), rows (whose text it wrote), terms, trains}."""
    rows = [
        [
            plain(one["role"]),
            plain(one["model"]),
            plain(", ".join(one["steps"])),
            f"{one['rows']:,}",
            TRAINS[one.get("trains")],
            plain(one.get("terms") or "not stated"),
        ]
        for one in models
    ]
    head = ["role", "model", "asked by", "rows it wrote", "may train a model", "its provider's terms, as stated"]
    return draw(head, rows, right=(3,))


def warnings(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """What somebody who trains on the rows should know of those terms."""
    found = []
    for one in models:
        if not one["rows"]:
            continue
        rows = f"{one['rows']:,} row{'' if one['rows'] == 1 else 's'}"
        if one.get("trains") is False:
            found.append(
                f"The terms of {one['model']}, as stated, do not let its outputs train a model; it wrote {rows}."
            )
        elif one.get("trains") is None:
            found.append(f"Whether the outputs of {one['model']} may train a model is not stated; it wrote {rows}.")
    return list(dict.fromkeys(found))
