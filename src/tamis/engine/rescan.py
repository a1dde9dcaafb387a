"""A second look at rows as they are delivered, with the same finder and settings: nothing of a kind may be left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from .all_strings import Column, text_columns
from .anonymize import BY_NAME, Replacer, Rules
from .frame import Frame
from .surrogates import may_be_ours


class Rescan:
    """Looks for what the privacy steps of a recipe look for. covers: of `Step.covers`, one each."""

    def __init__(self, covers: Sequence[Mapping[str, Any]]) -> None:
        self.looks: list[tuple[Replacer, dict[str, str], tuple[str, ...]]] = []
        for one in covers:
            kinds = [kind for kind in one["kinds"] if kind not in BY_NAME]
            if one.get("dates"):  # a date that was moved is a date
                kinds = [kind for kind in kinds if kind != "date_of_birth"]
            if kinds:
                kept = tuple((kind, mode) for kind, mode in one["modes"].items() if mode == "keep")
                rules = Rules(tuple(kinds), "tag", kept, region=one.get("region"), least=int(one.get("least", 0)))
                self.looks.append((Replacer(rules, None), dict(one["modes"]), tuple(one.get("without", ()))))

    def __call__(self, rows: pl.DataFrame) -> dict[int, str]:
        """The rows in which something is left: position → kind and place, never the text."""
        found: dict[int, str] = {}
        frame = Frame.of(rows)
        for replacer, modes, without in self.looks:
            kept = {name for name in frame.names if name in without or name.removeprefix("source.") in without}
            for name in text_columns(frame, kept):
                for _, strings in Column(frame, name).places():
                    seen, text, hits = replacer.look(strings)
                    for hit in hits:
                        begin = int(text.offsets[hit.at])
                        value = text.data[begin + hit.start : begin + hit.end].tobytes().decode("utf-8", "replace")
                        if "surrogate" in modes.values() and (
                            hit.kind == "date_of_birth" or may_be_ours(hit.kind, value, replacer.rules.region)
                        ):
                            continue
                        where = f"{strings.where}, bytes {hit.start} to {hit.end}"
                        found.setdefault(int(seen.owner[hit.at]), f"personal data left: {hit.kind} in {where}")
        return found
