"""What a run with privacy steps keeps to itself: the key, row ids, what was found in rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tamis.core.errors import TamisError, UsageError
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import Sink
from tamis.core.step import GateStep, Step
from tamis.engine.cache import Cache
from tamis.engine.frame import Frame
from tamis.engine.key import Key, find_key, need_key, throwaway_key
from tamis.engine.keyed_ids import with_keyed_ids
from tamis.engine.stage import PartState
from tamis.engine.store import columns_of, schema_of
from tamis.recipe.model import Recipe
from tamis.runs.recall import figure_for

from .ingest import Ingest
from .run import Flow, StepLog, own_step

if TYPE_CHECKING:
    from tamis.engine.rescan import Rescan
    from tamis.engine.veil import Veil

KEY = "privacy-key"


@dataclass(frozen=True)
class Secrecy:
    """The privacy of one run. Without privacy steps in the recipe nothing of it does anything.

    steps: those that take personal data away, by name, with what they look for.
    """

    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: Key | None = None
    throwaway: bool = False
    whole: bool = True
    settings: str = ""

    @classmethod
    def of(cls, recipe: Recipe, *, throwaway: bool = False) -> Secrecy:
        """What a recipe asks for. UsageError where a key is needed and there is none."""
        mapped = [own_step(step, source.label) for source in recipe.sources for step in source.map]
        every = [*mapped, *recipe.steps]
        steps = {step.name: told for step in every if (told := step.covers()) is not None}
        needing = [step.name for step in every if KEY in step.secrets()]
        using = needing or any(f"{KEY}?" in step.secrets() for step in every)
        if throwaway and not using:
            raise UsageError("--throwaway-key: no step of this recipe uses a key", hint="leave the option away")
        if throwaway and (gates := [step.name for step in every if isinstance(step, GateStep)]):
            raise UsageError(
                f"--throwaway-key: the run waits at {gates[0]!r} and could not be resumed", hint="set TAMIS_PRIVACY_KEY"
            )
        key = throwaway_key() if throwaway else need_key(f"step {needing[0]!r}") if needing else None
        if key is None and using:
            key = find_key()
        whole = all(step.where is None for step in every if step.covers() is not None)
        keys = [step.key() for step in every if step.covers() is not None]
        return cls(steps, key, throwaway, whole, fingerprint(keys) if keys else "")

    # -- resuming -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What `state.json` says of a run, so that only its like goes on with it."""
        return {"private": True, **({"throwaway_key": True} if self.throwaway else {})} if self.steps else {}

    def goes_on(self, state: Mapping[str, Any]) -> bool:
        """Whether a run that did not end may be resumed: its key is still there, and so was what keeps it private."""
        return not self.throwaway and not state.get("throwaway_key") and bool(state.get("private")) == bool(self.steps)

    # -- what goes in -------------------------------------------------------------------------

    @property
    def secrets(self) -> dict[str, Key]:
        """For `Step.given`."""
        return {} if self.key is None else {KEY: self.key}

    def states(self, states: Sequence[PartState], cache: Cache) -> list[PartState]:
        """Partitions whose rows are known by keyed ids, where there is a key and a step that uses it."""
        if self.key is None or not self.steps:
            return list(states)
        return [with_keyed_ids(state, self.key, cache) for state in states]

    # -- what comes out -----------------------------------------------------------------------

    @property
    def veil(self) -> Veil | None:
        if not self.steps:
            return None
        from tamis.engine.veil import Veil  # the rules of personal data take long to load

        return Veil(list(self.steps.values()))

    def text(self, text: str) -> str:
        """A message as it may be told."""
        veil = self.veil
        return text if veil is None else veil.text(text)

    def conceal(self, error: str) -> str:
        """What a step said as it failed on a row."""
        if not self.steps:
            return error
        from tamis.engine.veil import bare_error

        return bare_error(error)

    def name_files(self, taken: Ingest) -> None:
        """Tell of the files read without what may stand in their names."""
        if self.steps:
            taken.files = [file._replace(path=self.text(file.path)) for file in taken.files]
            taken.quarantined = [line._replace(file=self.text(line.file)) for line in taken.quarantined]

    def tell(self, error: TamisError) -> None:
        """Take personal data out of an error, in place."""
        if self.steps:
            error.message = self.text(error.message)
            error.hint = None if error.hint is None else self.text(error.hint)
            error.args = (error.message,)

    def rescan(self) -> Rescan | None:
        """What looks through the rows that are delivered; None where rows were passed by on purpose."""
        if not (self.steps and self.whole):
            return None
        from tamis.engine.rescan import Rescan

        return Rescan(list(self.steps.values()))

    def hidden(self, logs: Sequence[StepLog]) -> int:
        """How many of the first steps told of text that a privacy step had still to see."""
        done = [number for number, log in enumerate(logs, 1) if log.step.name in self.steps]
        return max(done, default=0) if len(done) == len(self.steps) else len(logs)

    def part(self, cache: Cache, fp: str, state: PartState, step: Step, earlier: Sequence[str]) -> str:
        """The path of a step's ledger part as it may be told; the part itself where it holds no words.

        earlier: the steps whose changes the row had seen.
        """
        entry = cache.get(fp)
        assert entry is not None, f"part {fp} was written in this run"
        names = [
            name
            for name, dtype in schema_of(entry.files["part"]).items()
            if _holds_words(dtype) and name.startswith("evidence.") and name.removeprefix("evidence.") not in step.codes
        ]
        veil = self.veil
        if veil is None or not names:
            return entry.files["part"].path
        told = fingerprint("told", 1, fp, list(self.steps.values()), list(earlier))
        known = cache.get(told)
        if known is None:
            frame = self._told(veil, entry.read("part"), names, state, earlier)
            known = cache.put(told, {"part": frame}, {})
        return known.files["part"].path

    def _told(
        self, veil: Veil, frame: pl.DataFrame, names: list[str], state: PartState, earlier: Sequence[str]
    ) -> pl.DataFrame:
        words = frame.select(pl.any_horizontal(pl.col(name).is_not_null() for name in names)).to_series()
        if not words.any():
            return frame
        rows = frame["row"].filter(words).to_numpy().astype(np.int64)
        reader = state.reader([layer for layer in state.layers if not layer.step or layer.step in earlier])
        secrets = veil.found(Frame(state.rows, reader.names, reader.read).take(rows))
        at = words.arg_true().to_list()
        columns = []
        for name in names:
            values = frame[name].to_list()
            told = veil.evidence(name.removeprefix("evidence."), [values[k] for k in at], secrets)
            for k, value in zip(at, told, strict=True):
                values[k] = value
            columns.append(pl.Series(name, values, dtype=frame.schema[name]))
        return frame.with_columns(columns)

    def mark(self) -> dict[str, Any]:
        """What a delivery's manifest says: that personal data were taken away, and with which key."""
        if not self.steps:
            return {}
        return {"privacy": {"steps": list(self.steps), "key": None if self.key is None else self.key.fingerprint}}

    def warnings(self, recipe: Recipe) -> list[str]:
        """What is told before the run."""
        if not self.steps or self.key is not None:
            return []
        told = [sink.address() for sink in recipe.deliver if _delivers_id(sink)]
        if not told:
            return []
        return [
            f"{', '.join(dict.fromkeys(told))}: without a key, row ids are plain hashes of rows as they were read, by which "
            "whoever guesses a whole row can tell that it was there; TAMIS_PRIVACY_KEY makes them keyed"
        ]

    # -- what is recorded ---------------------------------------------------------------------

    def record(self, flow: Flow, cache: Cache, decisions: Path) -> dict[str, Any] | None:
        """For manifest, card and report: what was replaced by what, and with which key (by its fingerprint)."""
        if not self.steps:
            return None
        counts: Counter[str] = Counter()
        for log in flow.logs:
            if log.step.name in self.steps:
                for fp in log.parts.values():
                    counts.update(_counted(cache, fp))
        modes = {kind: mode for told in self.steps.values() for kind, mode in told["modes"].items()}
        return {
            "steps": dict(self.steps),
            "replaced": dict(sorted(counts.items())),
            "modes": modes,
            "key": None if self.key is None else {"fingerprint": self.key.fingerprint, "from": self.key.origin},
            "repeatable": not self.throwaway,
            "ids": "keyed" if self.key is not None else "content hashes",
            "rescanned": self.whole,
            "settings": self.settings,
            "recall": figure_for(decisions, self.settings),
        }


def _holds_words(dtype: Any) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_holds_words(field.dtype) for field in dtype.fields)
    return _holds_words(dtype.inner) if isinstance(dtype, pl.List | pl.Array) else bool(dtype == pl.String)


def _counted(cache: Cache, fp: str) -> Counter[str]:
    """How often each kind was replaced, from the part of a privacy step."""
    entry = cache.get(fp)
    counts: Counter[str] = Counter()
    if entry is None or "evidence.found" not in columns_of(entry.files["part"]):
        return counts
    for words, rows in (
        entry.read("part", ["evidence.found"])["evidence.found"].drop_nulls().value_counts(name="n").iter_rows()
    ):
        for word in words.split(", "):
            kind, _, number = word.rpartition(" ")
            counts[kind] += int(number) * rows
    return counts


def _delivers_id(sink: Sink) -> bool:
    """Whether a sink delivers row ids; it may name columns that only a run will have."""
    try:
        return "id" in sink.columns(["id", "messages", "text"])
    except UsageError:
        choice = getattr(sink, "choice", None) or ()
        named = choice.values() if isinstance(choice, dict) else choice
        return getattr(sink, "row_id", None) is not None or "id" in named
