"""trl_kto"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.origin import Sink
from tamis.engine.frame import find_column

from ._columns import Choice, Schema, count_lines, described, features_file, pick, renamed
from ._pairs import (
    KEPT_TEXT,
    asked_and_answered,
    further_names,
    pair_columns,
    pairs,
    pairs_to_look_at,
    plain,
    refused,
    unweighted,
)

_OWN = ("prompt", "completion", "label", "tools")


class TrlKto(Sink):
    """Single answers with a label, good or bad, as TRL's KTO trainer reads them.

    ## What it does
    Writes one file per split, one answer a line: `prompt` and `completion`, lists of messages, and `label`, true or
    false. The label comes from a column (`label:`), from a figure (`score:`; good from `threshold` on), or, without
    either, from pairs: a row with a `rejected` answer becomes two lines, the better answer with true, then the other
    with false. Rows are refused, with the reason, where there is no label or no pair, where both are (the two might
    disagree), and where an answer is empty, not the assistant's, or has weight 0 and yet the label true.

    ## Why
    KTO learns from thumbs, of which there are more than pairs. Its trainer takes what it gets: an empty answer, a
    label that is a text.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> worse = [{"role": "assistant", "content": "3"}]
    >>> rows = rows_frame([{"prompt": "1+1?", "response": "2", "rejected": worse}])
    >>> import json
    >>> for line in bytes(TrlKto(path="out").encode(rows)).splitlines():
    ...     print(json.loads(line)["completion"][0]["content"], json.loads(line)["label"])
    2 True
    3 False
    """

    suffix: ClassVar[str] = ".jsonl"

    label: str | None = Field(None, description="Column of the label, true or false.")
    score: str | None = Field(None, description="Instead of `label`: a column of numbers.")
    threshold: float | None = Field(None, description="With `score`: answers from this number on are good.")
    choice: Choice = Field((), alias="columns", description=KEPT_TEXT)
    ascii: bool = Field(False, description="Write characters beyond ASCII as \\u escapes.")

    @model_validator(mode="after")
    def _one_label(self) -> Self:
        if self.label is not None and self.score is not None:
            raise ValueError("give either `label` or `score`, not both")
        if (self.score is None) != (self.threshold is None):
            raise ValueError("`score` and `threshold` belong together: the column, and from which number on it is good")
        return self

    def _further(self, names: Sequence[str]) -> dict[str, str]:
        return further_names("trl_kto", names, self.choice, None, _OWN)

    def columns(self, names: Sequence[str]) -> list[str]:
        source = self.label or self.score
        found = pair_columns("trl_kto", names, rejected=source is None)
        found += [] if source is None else [find_column(source, names)]
        return list(dict.fromkeys([*found, *self._further(names).values()]))

    def _labels(self, rows: pl.DataFrame) -> pl.Series | None:
        """(n,) bool, null where there is none; None where pairs make the labels."""
        source = self.label or self.score
        if source is None:
            return None
        column = rows[find_column(source, rows.columns)]
        if self.threshold is None:
            return column if column.dtype == pl.Boolean else pl.Series([None] * rows.height, dtype=pl.Boolean)
        if not column.dtype.is_numeric():
            return pl.Series([None] * rows.height, dtype=pl.Boolean)
        return column.cast(pl.Float64).fill_nan(None) >= self.threshold

    def lines(self, rows: pl.DataFrame) -> int:
        return rows.height if self.label or self.score else 2 * rows.height

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        from tamis.engine.encode import bad_values

        labels = self._labels(rows)
        tools = rows["tools"] if "tools" in rows.columns else None
        if labels is None:
            parts = pairs(rows["messages"], rows["rejected"])
            found: dict[int, str] = dict(refused(pairs_to_look_at(parts, tools), parts, tools, dict, "trl_preference"))
        else:
            found = dict(self._unlabelled(rows, labels))
            prompt, answer = asked_and_answered(rows["messages"])
            parts = {"prompt": prompt, "completion": answer}
            fine = plain(prompt, "user") & plain(answer, "assistant") & (answer.list.len() == 1).to_numpy()
            fine &= True if tools is None else tools.is_null().to_numpy()
            bad = labels.not_().fill_null(True).to_numpy()
            for k, why in refused(~fine, parts, tools, _labelled, "trl_kto", learnt="completion", unlearnt=bad):
                found.setdefault(k, why)
        further = self._further(rows.columns)
        for value in bad_values(pick(rows, further), renamed(further, json_columns)):
            found.setdefault(value.row, value.message)
        return sorted(found.items())

    def _unlabelled(self, rows: pl.DataFrame, labels: pl.Series) -> dict[int, str]:
        name = self.label or self.score
        what = "no true or false" if self.label else "no number"
        found = dict.fromkeys(labels.is_null().arg_true().to_list(), f"no_label: the column {name!r} holds {what}")
        if "rejected" in rows.columns:
            both = (rows["rejected"].list.len().fill_null(0) > 0).arg_true().to_list()
            why = (
                f"two_labels: the row has a rejected answer besides {name!r}; deliver pairs without `label` and `score`"
            )
            found |= {k: found.get(k, why) for k in both}
        return found

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        from tamis.engine.encode import encode_rows

        labels = self._labels(rows)
        if labels is None:
            parts = pairs(rows["messages"], rows["rejected"])
            twice = pl.Series(np.repeat(np.arange(rows.height, dtype=np.uint32), 2))
            both = pl.concat([parts["chosen"], parts["rejected"]])
            order = np.arange(2 * rows.height, dtype=np.uint32).reshape(2, -1).T.ravel()
            prompt, answer = parts["prompt"].gather(twice), both.gather(pl.Series(order))
            labels = pl.Series(order < rows.height)
            rows = rows[twice]
        else:
            prompt, answer = asked_and_answered(rows["messages"])
        further = self._further(rows.columns)
        columns = {"prompt": unweighted(prompt), "completion": unweighted(answer), "label": labels}
        columns |= {"tools": rows["tools"]} if "tools" in rows.columns else {}
        columns |= pick(rows, further)
        return encode_rows(columns, json_columns=renamed(further, json_columns), optional=["tools"], ascii=self.ascii)

    def count(self, path: Path) -> int:
        return count_lines(str(path))

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        origin = "rejected" if (source := self.label or self.score) is None else find_column(source, list(schema))
        own = [{"name": name, "type": "messages", "from": "messages"} for name in ("prompt", "completion")]
        own.append({"name": "label", "type": "boolean", "from": origin})
        if "tools" in schema:
            own.append({"name": "tools", "type": "text", "from": "tools"})
        return own + described(self._further(list(schema)), schema, json_columns)

    def sidecars(self, schema: Schema, *, json_columns: Collection[str] = ()) -> dict[str, bytes]:
        return {"features.json": features_file(self.described(schema, json_columns=json_columns))}

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "json", "about": "Answers for TRL's KTO: `prompt`, `completion`, and `label`, true or false."}


def _labelled(sent: dict[str, Any]) -> dict[str, Any]:
    return {**sent, "label": True}
