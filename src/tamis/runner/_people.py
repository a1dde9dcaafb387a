"""What people's decisions do to the rows of one partition: outcomes, evidence, changed columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.fingerprint import fingerprint
from tamis.core.row import MESSAGE
from tamis.engine.cache import Cache
from tamis.engine.judge import DROPPED, KEPT
from tamis.engine.layers import Layer
from tamis.engine.reviewing import Reviewing
from tamis.runs.settle import Settled

from .account import Account
from .table import Gathered, Scattered

#: characters of a difference that the ledger keeps
SHOWN = 2000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class People:
    """Decisions on the rows of a partition. found: row → its columns, what was settled, the hash of what it says."""

    def __init__(
        self,
        step: str,
        setup: Reviewing,
        part: Gathered,
        one: Scattered,
        asked: NDArray[np.bool_],
        found: Mapping[int, tuple[dict[str, Any], Settled, str | None]],
    ) -> None:
        self.step, self.setup, self.part, self.one, self.asked = step, setup, part, one, asked
        self.settled = {row: settled for row, (_, settled, _) in found.items()}
        self.records = {row: record for row, (record, _, _) in found.items()}
        self.new = {
            row: self._new(self.records[row], settled)
            for row, settled in self.settled.items()
            if settled.said is not None and settled.said.fate == "keep"
        }

    def judge(self, rejected: int, account: Account) -> None:
        """Keep and drop."""
        for row, settled in self.settled.items():
            if settled.said is None:
                continue
            if settled.said.fate == "keep":
                self.one.outcome[row], self.one.reason[row] = KEPT, -1
            else:
                self.one.outcome[row], self.one.reason[row] = DROPPED, rejected
                if slug := settled.said.reason:
                    account.rejected_for[slug] = account.rejected_for.get(slug, 0) + 1

    # -- changed columns ----------------------------------------------------------------------

    def _new(self, record: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
        """The columns that the decisions set, under their full names."""
        said = settled.said
        assert said is not None
        new: dict[str, Any] = {name: _turns(value) if name != "text" else value for name, value in said.content.items()}
        names = self.part.state.names
        new |= {self.setup.label_column(name, self.step, names): value for name, value in said.columns.items()}
        if said.preferred == "b" and record.get("rejected"):
            messages = new.get("messages", record.get("messages")) or []
            new["messages"], new["rejected"] = swapped(messages, new.get("rejected", record["rejected"]))
        own = {"rating": said.rating, "preferred": said.preferred}
        if self.setup.reviewers > 1:
            own["reviewers"] = len(settled.who)
        sets = self.setup.own_columns()
        return new | {f"{self.step}.{name}": value for name, value in own.items() if name in sets and value is not None}

    def change(self, cache: Cache) -> None:
        """Lay the changed columns over the partition. A gate's own columns are there in every partition."""
        own = {f"{self.step}.{name}": kind for name, kind in self.setup.own_columns(self.part.state.names).items()}
        rows = sorted(row for row, new in self.new.items() if new)
        names = [*own, *sorted({name for row in rows for name in self.new[row]} - set(own))]
        if not names:
            return
        state = self.part.state
        told = fingerprint(
            "people",
            self.step,
            state.content,
            sorted(state.versions.items()),
            names,
            [(row, self.new[row]) for row in rows],
        )
        entry = cache.get(told)
        if entry is None:
            reader = state.reader()
            kinds = {name: own[name] if name in own else reader.read(name).dtype for name in names}
            columns = [pl.Series("row", rows, dtype=pl.UInt32)]
            for name, kind in kinds.items():
                columns.append(self._column(name, kind, rows))
            entry = cache.put(told, {"changes": pl.DataFrame(columns)}, {})
        stored = entry.files["changes"]
        self.one.layer = Layer(tuple(names), stored, step=self.step)
        self.one.versions |= {name: fingerprint(self.one.versions.get(name, ""), stored.xxh3) for name in names}
        self.one.changed += len(rows)

    def _column(self, name: str, kind: pl.DataType, rows: Sequence[int]) -> pl.Series:
        values = [self.new[row].get(name, self.records[row].get(name)) for row in rows]
        if kind == pl.List(MESSAGE):
            return pl.Series(name, [_turns(value) for value in values], dtype=kind)
        given = [name in self.new[row] for row in rows]
        labels = pl.Series(name, [v if new else None for v, new in zip(values, given, strict=True)], strict=False)
        try:
            cast = labels.cast(kind)
        except pl.exceptions.PolarsError:
            first = next(v for v, new in zip(values, given, strict=True) if new)
            raise DataError(
                f"gate {self.step!r}: {first!r} cannot stand in the column {name}, which holds {kind}",
                hint=f"tamis decide {self.step} ROW --undo takes the decision back",
            ) from None
        before = pl.Series(name, [None if new else v for v, new in zip(values, given, strict=True)], dtype=kind)
        return pl.select(
            pl.when(pl.Series(given, dtype=pl.Boolean)).then(cast).otherwise(before).alias(name)
        ).to_series()

    # -- evidence -----------------------------------------------------------------------------

    def tell(self, anybody: bool) -> None:
        """Who decided, when, how many, for which reason, and what they changed, for the rows asked about."""
        if not anybody:
            return
        rows = np.flatnonzero(self.asked)
        place = {row: k for k, row in enumerate(rows.tolist())}
        told: dict[str, list[Any]] = {name: [None] * len(rows) for name in _EVIDENCE}
        for row, settled in self.settled.items():
            if settled.who:
                for name, value in self._evidence(row, settled).items():
                    told[name][place[row]] = value
        columns = [pl.Series(f"evidence.{name}", told[name], dtype=kind) for name, kind in _EVIDENCE.items()]
        self.one.evidence = pl.DataFrame([pl.Series("row", rows.astype(np.uint32)), *columns])
        digest = fingerprint([[name, *values] for name, values in told.items()])
        self.one.told = digest

    def _evidence(self, row: int, settled: Settled) -> dict[str, Any]:
        said, record = settled.said, self.records[row]
        told: dict[str, Any] = {
            "who": ", ".join(settled.who),
            "reviewers": len(settled.who),
            "differ": ", ".join(settled.differing) or None,
            "adjudicated": settled.adjudicated or None,
        }
        if said is None:
            return told
        changed = {name: new for name, new in self.new.get(row, {}).items() if name in record and record[name] != new}
        edits = [
            difference(record.get(name), new)
            for name, new in changed.items()
            if name in ("messages", "rejected", "text")
        ]
        labels = [
            f"{name}: {record[name]} → {new}"
            for name, new in changed.items()
            if name not in ("messages", "rejected", "text")
        ]
        labels += [
            f"{name}: {new}"
            for name, new in self.new.get(row, {}).items()
            if name not in record and name.startswith(f"{self.step}.") and name.split(".")[-1] in self.setup.labels
        ]
        return told | {
            "at": said.at or None,
            "reason": said.reason if said.fate == "drop" else None,
            "rating": said.rating,
            "preferred": said.preferred,
            "edited": " ⏎ ".join(edits)[:SHOWN] or None,
            "relabelled": "; ".join(labels) or None,
            "answers": "; ".join(f"{name}: {answer}" for name, answer in sorted(said.answers.items())) or None,
        }


_EVIDENCE: dict[str, Any] = {
    "who": pl.String, "reviewers": pl.UInt32, "at": pl.String, "reason": pl.String, "rating": pl.Int8,
    "preferred": pl.String, "edited": pl.String, "relabelled": pl.String, "answers": pl.String, "differ": pl.String,
    "adjudicated": pl.Boolean,
}  # fmt: skip


def _turns(value: Any) -> Any:
    """Messages with every field that messages have."""
    return None if value is None else [{name: turn.get(name) for name in MESSAGE.to_schema()} for turn in value]


def swapped(messages: Sequence[Mapping[str, Any]], rejected: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """The pair with the other answer as the chosen one. An answer that begins with a user's or the system's turn is a
    whole conversation; else it stands in place of what follows the last user turn."""
    if rejected[0]["role"] in ("user", "system"):
        return _turns(rejected), _turns(messages)
    asked = max((k + 1 for k, turn in enumerate(messages) if turn["role"] == "user"), default=0)
    return _turns([*messages[:asked], *rejected]), _turns(messages[asked:])


def difference(before: Any, after: Any) -> str:
    """What an edit changed, word by word: `[-old-]{+new+}` in a few words of what stands around it."""
    if isinstance(after, str):
        return _words(before or "", after)
    old, new = before or [], after or []
    told = []
    for k in range(max(len(old), len(new))):
        left, right = old[k] if k < len(old) else None, new[k] if k < len(new) else None
        if left != right:
            role = (right or left or {}).get("role", "")
            told.append(f"{role}: {_words((left or {}).get('content') or '', (right or {}).get('content') or '')}")
    return " ⏎ ".join(told)


def _words(before: str, after: str) -> str:
    a, b = _WORDS.findall(before), _WORDS.findall(after)
    if len(a) * len(b) > 4_000_000:
        return f"[-{before[: SHOWN // 3]}-]{{+{after[: SHOWN // 3]}+}}"
    told = []
    for tag, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            same = a[i:j]
            told.append("".join(same if len(same) <= 12 else [*same[:6], " … ", *same[-6:]]))
        else:
            told.append((f"[-{''.join(a[i:j])}-]" if j > i else "") + (f"{{+{''.join(b[k:m])}+}}" if m > k else ""))
    return "".join(told)
