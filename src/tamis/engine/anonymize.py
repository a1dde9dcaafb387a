"""Replacing personal data in rows: what the finder finds, in every string there is, by what stands in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text
from tamis.core.errors import UsageError

from .all_strings import Column, Flat, Patch, Strings, Wanted, flat, text_columns, unflat
from .dates import find_dates, moved
from .key import Key
from .pii import KINDS, LEAST, find
from .pseudonyms import digest, mask, normalised, pseudonym, tag
from .surrogates import surrogate
from .text import to_text

Mode = Literal["mask", "tag", "pseudonym", "surrogate", "keep"]
MODES: tuple[Mode, ...] = ("mask", "tag", "pseudonym", "surrogate", "keep")
#: modes that only a key makes repeatable
KEYED: tuple[Mode, ...] = ("pseudonym", "surrogate")
#: what stands for dates that are moved, beside the finder's kinds
DATE = "date"
#: what is looked for again in what was changed: a replacement may stand next to what completes a new find
ROUNDS = 3
#: kinds that are only what the row's columns say they are, so that a second look has no meaning
BY_NAME = ("person", "address")


@dataclass(frozen=True)
class Rules:
    """What is replaced by what.

    kinds: looked for; mode: of kinds that `modes` does not name; names, addresses: columns whose values are looked
    for in the row's text; keep_last: signs that a mask leaves; region, least: as `find` has them; shift: days that dates
    may move, 0 for none; subject: the column whose value says by how many; ner: a model that reads along.
    """

    kinds: tuple[str, ...] = KINDS
    mode: Mode = "tag"
    modes: tuple[tuple[str, Mode], ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    keep_last: int = 0
    region: str | None = None
    least: int = LEAST
    shift: int = 0
    subject: str | None = None
    ner: str | None = None

    def mode_of(self, kind: str) -> Mode:
        return dict(self.modes).get(kind, self.mode)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The kinds that are replaced. Those kept are looked for too: their digits are no card."""
        return tuple(kind for kind in self.kinds if self.mode_of(kind) != "keep")

    @property
    def keyed(self) -> bool:
        """Whether a key is needed."""
        return bool(self.shift) or any(self.mode_of(kind) in KEYED for kind in self.wanted)


class Replaced(NamedTuple):
    """columns: every text column, new or as it was; changed: (n,) bool; counts: per row, kind → how many."""

    columns: dict[str, pl.Series]
    changed: NDArray[np.bool_]
    counts: list[Counter[str] | None]


class Hit(NamedTuple):
    """A find in a flat string: its position, bytes from and to, its kind."""

    at: int
    start: int
    end: int
    kind: str


class Replacer:
    """Rules with a key."""

    def __init__(self, rules: Rules, key: Key | None) -> None:
        if rules.keyed and key is None:
            raise UsageError("these rules need a key")
        self.rules, self.key = rules, key
        self._known: dict[tuple[str, str], str] = {}

    # -- one value ----------------------------------------------------------------------------

    def instead(self, kind: str, value: str) -> str:
        """What stands in the place of a value."""
        made = self._known.get((kind, value))
        if made is None:
            if len(self._known) > 200_000:
                self._known.clear()
            made = self._known[kind, value] = self._make(kind, value)
        return made

    def _make(self, kind: str, value: str) -> str:
        if kind.startswith(f"{DATE}:"):
            return moved(value, int(kind[len(DATE) + 1 :]), self.rules.region) or tag(DATE)
        mode = self.rules.mode_of(kind)
        if mode == "mask":
            return mask(kind, value, self.rules.keep_last)
        if mode == "tag":
            return tag(kind)
        assert self.key is not None
        if mode == "pseudonym":
            return pseudonym(self.key, kind, value, self.rules.region)
        if kind == "date_of_birth":
            return self._moved(value, self._days(normalised(kind, value)))
        return surrogate(self.key, kind, value, self.rules.region)

    def _days(self, subject: str) -> int:
        """By how many days dates of a subject move: never none."""
        assert self.key is not None
        most = self.rules.shift or 365
        days = int.from_bytes(digest(self.key, "dates", "subject", subject)[:8]) % (2 * most) - most
        return days if days < 0 else days + 1

    def _moved(self, value: str, days: int) -> str:
        """The text with its dates moved; a tag where it holds none that can be read."""
        dates = find_dates(value, self.rules.region)
        out, at = [], 0
        for date in dates:
            out += [value[at : date.start], moved(value[date.start : date.end], days, self.rules.region) or tag(DATE)]
            at = date.end
        return "".join([*out, value[at:]]) if dates else tag("date_of_birth")

    # -- rows ---------------------------------------------------------------------------------

    def rows(self, rows: Columns) -> Replaced:
        """Replace what is found in every text column."""
        rules = self.rules
        whole = {rows.find(n): k for k, names in (("person", rules.names), ("address", rules.addresses)) for n in names}
        known = {n: rows[n].cast(pl.String) for n, kind in whole.items() if kind in rules.wanted}
        subjects = self._subjects(rows)
        counts: list[Counter[str] | None] = [None] * rows.height
        columns: dict[str, pl.Series] = {}
        changed = np.zeros(rows.height, np.bool_)
        for name in text_columns(
            rows, [rows.find(n) for n in rules.without if n in rows.names or f"source.{n}" in rows.names]
        ):
            column = Column(rows, name)
            for field, strings in column.places():
                if len(strings.values) == 0:
                    continue
                if name in known:
                    patch = self._whole(strings.values, whole[name], counts)
                else:
                    all_of_it = known or subjects is not None or rules.ner is not None
                    seen = flat(strings, None if all_of_it else Wanted(rules.kinds, rules.region))
                    patch = unflat(strings, seen, self._strings(seen, strings.lead, known, whole, subjects, counts))
                column.put(field, strings, patch)
            columns[name] = column.series()
            changed |= column.changed
        return Replaced(columns, changed, counts)

    def _whole(self, values: pl.Series, kind: str, counts: list[Counter[str] | None]) -> Patch:
        """A column that holds nothing but names: every value goes."""
        at = (values.str.strip_chars() != "").fill_null(False).arg_true().to_numpy().astype(np.int64)
        for row in at.tolist():
            _count(counts, row, kind)
        return Patch(
            at, [self.instead(kind, value) for value in values.gather(pl.Series(at, dtype=pl.UInt32)).to_list()]
        )

    def _subjects(self, rows: Columns) -> list[int | None] | None:
        """By how many days the dates of each row move; None where dates stay, or the row names no subject."""
        if not self.rules.shift or self.rules.subject is None:
            return None
        subjects = rows[self.rules.subject].cast(pl.String)
        distinct = {s: self._days(normalised("person", s)) for s in subjects.drop_nulls().unique().to_list()}
        return [None if s is None else distinct[s] for s in subjects.to_list()]

    def _strings(
        self,
        seen: Flat,
        lead: str,
        known: dict[str, pl.Series],
        whole: dict[str, str],
        subjects: list[int | None] | None,
        counts: list[Counter[str] | None],
    ) -> Patch:
        new: dict[int, str] = {}
        ours: dict[int, list[tuple[int, int]]] = {}
        owner = pl.Series(seen.owner, dtype=pl.UInt32)
        text = to_text(seen.values)
        columns = [to_text(column.gather(owner)) for column in known.values()]
        kinds = [whole[name] for name in known]
        hits = self._led(seen, lead, columns, kinds) if lead else self.finds(text, columns, kinds)
        dated = subjects is not None
        if dated:
            assert subjects is not None
            self._dates(seen, subjects, hits, counts, new)
        self._splice(text, hits, seen.owner, counts, new, ours)
        for _ in range(ROUNDS):
            if not new:
                break
            at = sorted(new)
            again = to_text(pl.Series([new[k] for k in at], dtype=pl.String))
            more = [hit for hit in self.finds(again, again=True) if not self._settled(hit, ours[at[hit.at]])]
            if not more:
                break
            fresh: dict[int, str] = {}
            places: dict[int, list[tuple[int, int]]] = {}
            self._splice(again, more, seen.owner[at], counts, fresh, places)
            new |= {at[k]: value for k, value in fresh.items()}
            for k, spans in places.items():
                ours[at[k]] = _after(ours[at[k]], [hit for hit in more if hit.at == k], spans)
        order = sorted(new)
        return Patch(np.array(order, np.int64), [new[k] for k in order])

    def _settled(self, hit: Hit, ours: Sequence[tuple[int, int]]) -> bool:
        """Whether what is found is what we put there; a date that was moved is a date."""
        if hit.kind == "date_of_birth" and (self.rules.mode_of(hit.kind) == "surrogate" or self.rules.shift):
            return True
        return hit.kind in BY_NAME or any(start <= hit.start and hit.end <= end for start, end in ours)

    def look(self, strings: Strings) -> tuple[Flat, Text, list[Hit]]:
        """What is found in strings, and where."""
        seen = flat(strings, Wanted(self.rules.kinds, self.rules.region) if self.rules.ner is None else None)
        text = to_text(seen.values)
        return seen, text, self._led(seen, strings.lead) if strings.lead else self.finds(text)

    def _led(self, seen: Flat, lead: str, known: Sequence[Text] = (), known_kinds: Sequence[str] = ()) -> list[Hit]:
        """What is found where each string is read after what its column is called."""
        found = self.finds(to_text(pl.select(pl.lit(lead) + pl.lit(seen.values)).to_series()), known, known_kinds)
        cut = len(lead)
        return [Hit(hit.at, max(0, hit.start - cut), hit.end - cut, hit.kind) for hit in found if hit.end > cut]

    def finds(
        self, text: Text, known: Sequence[Text] = (), known_kinds: Sequence[str] = (), *, again: bool = False
    ) -> list[Hit]:
        """What the finder finds of the kinds that are replaced, by position, then start; `again`: without the model."""
        rules, wanted = self.rules, self.rules.wanted
        if len(text.offsets) < 2 or not wanted:
            return []
        found = find(
            text,
            rules.kinds,
            region=rules.region,
            known=known,
            known_kinds=list(known_kinds),
            ner=None if again else rules.ner,
            least=rules.least,
        )
        kinds = [KINDS[k] for k in found.kind.tolist()]
        hits = zip(found.row.tolist(), found.start.tolist(), found.end.tolist(), kinds, strict=True)
        return [Hit(*hit) for hit in hits if hit[3] in wanted]

    def _splice(
        self,
        text: Text,
        hits: Sequence[Hit],
        owner: NDArray[np.int64],
        counts: list[Counter[str] | None],
        new: dict[int, str],
        ours: dict[int, list[tuple[int, int]]],
    ) -> None:
        """Build the strings in which something was found; `ours` gets where our bytes stand in them."""
        view = memoryview(text.data.data)
        for position, some in _by_position(hits):
            data = bytes(view[int(text.offsets[position]) : int(text.offsets[position + 1])])
            out, at, length = [], 0, 0
            places = ours[position] = []
            for hit in some:
                start = hit.start
                value = data[start : hit.end].decode("utf-8", "replace")
                instead = self.instead(hit.kind, value).encode()
                length += start - at
                places.append((length, length + len(instead)))
                length += len(instead)
                out += [data[at:start], instead]
                at = hit.end
                _count(counts, int(owner[position]), hit.kind)
            new[position] = b"".join([*out, data[at:]]).decode("utf-8", "replace")

    def _dates(
        self,
        seen: Flat,
        subjects: list[int | None],
        hits: list[Hit],
        counts: list[Counter[str] | None],
        new: dict[int, str],
    ) -> None:
        """Turn dates into hits of their own kind, each with what stands in its place."""
        values = seen.values
        likely = values.str.contains(r"\d").fill_null(False).arg_true().to_list()
        taken: dict[int, list[Hit]] = {}
        for hit in hits:
            if hit.kind != "date_of_birth":
                taken.setdefault(hit.at, []).append(hit)
        rest = [hit for hit in hits if hit.kind != "date_of_birth"]
        births = [hit for hit in hits if hit.kind == "date_of_birth"]
        dated: list[Hit] = []
        for position, value in zip(likely, values.gather(pl.Series(likely, dtype=pl.UInt32)).to_list(), strict=True):
            days = subjects[int(seen.owner[position])]
            if days is None:
                continue
            for date in find_dates(value, self.rules.region):
                start = len(value[: date.start].encode())
                end = start + len(value[date.start : date.end].encode())
                if any(hit.start < end and start < hit.end for hit in taken.get(position, ())):
                    continue
                dated.append(Hit(position, start, end, f"{DATE}:{days}"))
        spans = {(hit.at, hit.start, hit.end) for hit in dated}
        left = [b for b in births if not any(b.at == at and s < b.end and b.start < e for at, s, e in spans)]
        hits[:] = sorted([*rest, *left, *dated], key=lambda hit: (hit.at, hit.start))


def _after(
    ours: Sequence[tuple[int, int]], hits: Sequence[Hit], places: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Where our bytes stand once hits were replaced by what stands at `places`."""
    moved_to = list(places)
    for start, end in ours:
        if any(hit.start < end and start < hit.end for hit in hits):
            continue
        shift = sum(
            (to - at) - (hit.end - hit.start) for hit, (at, to) in zip(hits, places, strict=True) if hit.end <= start
        )
        moved_to.append((start + shift, end + shift))
    return sorted(moved_to)


def _by_position(hits: Sequence[Hit]) -> Iterator[tuple[int, list[Hit]]]:
    some: list[Hit] = []
    for hit in hits:
        if some and hit.at != some[0].at:
            yield some[0].at, some
            some = []
        some.append(hit)
    if some:
        yield some[0].at, some


def _count(counts: list[Counter[str] | None], row: int, kind: str) -> None:
    mine = counts[row]
    if mine is None:
        mine = counts[row] = Counter()
    mine[kind.split(":")[0]] += 1


def told(counts: Sequence[Counter[str] | None]) -> pl.Series:
    """What was replaced in each row, in words: `email 2, phone 1`; null where nothing was."""
    words = [None if not one else ", ".join(f"{kind} {n}" for kind, n in sorted(one.items())) for one in counts]
    return pl.Series("found", words, dtype=pl.String)
