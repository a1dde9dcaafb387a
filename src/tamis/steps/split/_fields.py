"""The settings that all ways to split share."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.row import View, view_column
from tamis.core.step import TableStep

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*")


class SplitFields(TableStep):
    """Shares, rows that are settled already, the leak check."""

    seeded: ClassVar[bool] = True
    sets: ClassVar[tuple[str, ...]] = ("split",)

    shares: dict[str, float] = Field(
        {"train": 0.8, "validation": 0.2},
        description="Share of the rows each split gets, 0..1; together 1. What `counts` names is taken off first.",
    )
    counts: dict[str, int] = Field({}, description="Splits of a fixed size, in rows.")
    golden: Path | tuple[str, ...] | None = Field(
        None,
        description="A frozen test set: ids, or a file of ids (one per line, or JSONL, CSV, Parquet with `id`). "
        "These rows, and no others, go to `golden_split`.",
    )
    golden_split: str = Field("test", description="The split of the `golden` rows.")
    earlier: Path | None = Field(
        None, description="A file with `id` and `split` (JSONL, CSV, Parquet): its rows keep the split they had."
    )
    ids: str = Field(
        "id", description="What the ids in `golden` and `earlier` are: the row's id, or a column of yours."
    )
    leaks: tuple[View, ...] = Field(
        ("prompt",), description="Texts that must not stand in two splits; compared as `dedup.exact` compares."
    )
    near: float | None = Field(
        None,
        ge=0.2,
        le=1,
        description="Texts at least so similar (Jaccard, 0.2..1, as `dedup.minhash` compares) count as copies too: they are "
        "leaks across splits, and `together` keeps them on one side.",
    )
    on_leak: Literal["warn", "drop", "error"] = Field(
        "warn",
        description="On copies across splits: `warn` tells them in the evidence, `drop` drops those in the split "
        "declared earlier, `error` stops.",
    )

    @model_validator(mode="after")
    def _splits_are_possible(self) -> Self:
        whole = sum(map(Fraction, map(str, self.shares.values())), Fraction(0))
        for name, share in self.shares.items():
            if not 0 < share <= 1:
                raise ValueError(f"the share of {name!r} is {share}; a share lies above 0 and is at most 1")
        if abs(whole - 1) > Fraction(1, 10**9):
            raise ValueError(f"the shares add up to {float(whole):g}, not to 1")
        for name, count in self.counts.items():
            if name in self.shares:
                raise ValueError(f"{name!r} has both a share and a count; give one of them")
            if count < 1:
                raise ValueError(f"the count of {name!r} is {count}; a split of fixed size has at least 1 row")
        for name in (*self.shares, *self.counts, self.golden_split):
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} cannot name a split: it becomes a file's name (letters, digits, `.`, `_`, `-`)"
                )
        return self

    def names(self) -> list[str]:
        """The splits, in order: those with shares, with counts, and the golden one."""
        every = [*self.shares, *self.counts]
        return every if self.golden is None or self.golden_split in every else [*every, self.golden_split]

    def views(self) -> tuple[str, ...]:
        """None that decides whether the step applies: rows without text are split too."""
        return ()

    def reads(self) -> tuple[str, ...]:
        columns = [view_column(view) for view in (*self.leaks, *self._together())]
        return tuple(dict.fromkeys([*columns, *self._by(), *([] if self.ids == "id" else [self.ids])]))

    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for path in (self.golden, self.earlier) if isinstance(path, Path))

    def _together(self) -> tuple[str, ...]:
        """Views of which equal copies share a split."""
        return ()

    def _by(self) -> tuple[str, ...]:
        """Columns the placing rests on."""
        return ()
