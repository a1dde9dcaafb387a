"""The shapes that training data comes in: which columns make one, recognised by name and type.

Detection looks at names and kinds alone, so that every batch of a source is read in the same way; the sample
only tells how sure one may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

from tamis.core.columns import Columns
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.outcome import Verdict, drop
from tamis.core.row import MESSAGES, RESERVED

if TYPE_CHECKING:
    from .shape_read import Mapped

ShapeName = Literal["openai", "sharegpt", "alpaca", "prompt_completion", "preference", "kto", "text"]


class Field(NamedTuple):
    """A field of a shape: the names its column goes by, the kinds it may have, and whether it must be there."""

    names: tuple[str, ...]
    required: bool = True
    kinds: tuple[str, ...] = ("text", "json")


_SYSTEM = Field(("system", "system_prompt"), False)
_TOOLS = Field(("tools",), False)
_PROMPT = Field(("prompt", "question", "query", "inquiry"))
_COMPLETION = Field(("completion", "response", "answer", "output"))
_LABEL = Field(("label", "kto_tag"), True, ("boolean",))
_CHOSEN = Field(("chosen", "chosen_messages", "preferred_output"))
_REJECTED = Field(("rejected", "rejected_messages", "non_preferred_output"))

#: The first shape whose required fields are all there is the one. A name with # is a variant of its shape.
SHAPES: dict[str, dict[str, Field]] = {
    "preference#openai": {
        "input": Field(("input",)),
        "chosen": Field(("preferred_output",)), "rejected": Field(("non_preferred_output",)),
    },
    "preference#sharegpt": {
        "messages": Field(("conversations", "conversation")), "chosen": _CHOSEN, "rejected": _REJECTED,
        "system": _SYSTEM, "tools": _TOOLS,
    },
    "preference#alpaca": {
        "instruction": Field(("instruction",)), "query": Field(("input",), False),
        "chosen": _CHOSEN, "rejected": _REJECTED,
        "history": Field(("history",), False), "system": _SYSTEM, "tools": _TOOLS,
    },
    "preference": {
        "prompt": Field(_PROMPT.names, False), "chosen": _CHOSEN, "rejected": _REJECTED,
        "system": _SYSTEM, "tools": _TOOLS,
    },
    "kto": {
        "prompt": _PROMPT, "completion": _COMPLETION, "label": _LABEL, "system": _SYSTEM, "tools": _TOOLS,
    },
    "kto#messages": {
        "messages": Field(("messages", "conversations")), "label": _LABEL, "system": _SYSTEM, "tools": _TOOLS,
    },
    "openai": {"messages": Field(("messages",)), "tools": _TOOLS, "system": _SYSTEM},
    "sharegpt": {
        "messages": Field(("conversations", "conversation", "dialog", "dialogue")), "system": _SYSTEM, "tools": _TOOLS,
    },
    "alpaca": {
        "instruction": Field(("instruction",)), "output": Field(("output", "response", "completion", "answer")),
        "input": Field(("input", "context"), False), "history": Field(("history",), False),
        "system": _SYSTEM, "tools": _TOOLS,
    },
    "prompt_completion": {"prompt": _PROMPT, "completion": _COMPLETION, "system": _SYSTEM, "tools": _TOOLS},
    "text": {"text": Field(("text", "content", "document"))},
    "prompt_completion#prompt": {"prompt": Field(("prompt",)), "system": _SYSTEM, "tools": _TOOLS},
}  # fmt: skip

REASON = "not_this_shape"


class Detected(NamedTuple):
    """What the columns look like.

    shape: a ShapeName, 'tree', 'message_table', or None; mapping: the shape's fields and the columns they stand in;
    confidence: 0..1; notes: what a person should know, in sentences.
    """

    shape: str | None
    mapping: dict[str, str]
    confidence: float
    notes: tuple[str, ...] = ()


def detect(columns: Mapping[str, str], sample: pl.DataFrame | None = None) -> Detected:
    """The shape of a source. columns: names (without prefix) and kinds; sample: a few rows, to judge how sure this is.

    Where a kind is not known, 'text' is right: JSON in a text column is recognised row by row.
    """
    if _is_tree(columns):
        return Detected("tree", {}, 1.0, ("These are conversation trees: `map.threads` makes rows of their paths.",))
    if {"message_id", "parent_id", "text", "role"} <= set(columns):
        told = "These are single messages that name their parents: `map.tree` makes conversations of them."
        return Detected("message_table", {}, 1.0, (told,))
    for variant in SHAPES:
        mapping = match(variant, columns)
        if mapping is None:
            continue
        shape = variant.split("#")[0]
        notes = _notes(shape, mapping, columns)
        share = 1.0 if sample is None or not sample.height else _fitting(shape, mapping, sample)
        if share < 1:
            notes.append(f"{1 - share:.0%} of the rows looked at do not fit; `{REASON}` will drop them.")
        sure = (
            0.9
            if shape in ("text", "prompt_completion")
            and mapping.get("prompt", mapping.get("text")) not in ("prompt", "text")
            else 1.0
        )
        return Detected(shape, mapping, round(share * sure, 3), tuple(notes))
    return Detected(None, {}, 0.0, ("No known shape; `map.template` makes messages from any columns.",))


def _is_tree(columns: Mapping[str, str]) -> bool:
    return ("message_tree_id" in columns and "prompt" in columns) or ({"text", "role", "replies"} <= set(columns))


def match(variant: str, columns: Mapping[str, str]) -> dict[str, str] | None:
    """The columns of a shape's fields, None where a required one is missing or of another kind."""
    found: dict[str, str] = {}
    for name, field in SHAPES[variant].items():
        there = next(
            (column for column in field.names if columns.get(column) in field.kinds and column not in found.values()),
            None,
        )
        if there is not None:
            found[name] = there
        elif field.required:
            return None
    return found


def _notes(shape: str, mapping: Mapping[str, str], columns: Mapping[str, str]) -> list[str]:
    notes = []
    rest = [name for name in columns if name not in mapping.values()]
    if rest:
        notes.append(f"Kept as they are: {', '.join(rest)}.")
    if shape == "prompt_completion" and "completion" not in mapping:
        notes.append("There are prompts only; rows end on a question.")
    if "label" in columns and columns["label"] != "boolean" and shape == "prompt_completion":
        notes.append("`label` is not true or false, so this is not read as KTO.")
    return notes


def _fitting(shape: str, mapping: Mapping[str, str], sample: pl.DataFrame) -> float:
    """Share of the sample that is of the shape."""
    from .frame import Frame

    frame = Frame.of(sample.rename({name: f"source.{name}" for name in sample.columns}))
    mapped = read(shape, frame, {field: f"source.{column}" for field, column in mapping.items()})
    return 1.0 if mapped.problem is None else mapped.problem.null_count() / sample.height


def read(shape: str, rows: Columns, columns: Mapping[str, str], join: str = "\n") -> Mapped:
    """The rows of a shape. columns: the shape's fields and the full names of their columns; join: see `map.alpaca`."""
    from .shape_pairs import read_preference
    from .shape_read import Reading, read_alpaca, read_chats, read_kto, read_pair, read_text

    readers: dict[str, Callable[[Reading], Mapped]] = {
        "openai": read_chats, "sharegpt": read_chats, "alpaca": read_alpaca, "prompt_completion": read_pair,
        "kto": read_kto, "preference": read_preference, "text": read_text,
    }  # fmt: skip
    return readers[shape](Reading(rows, columns, join))


# -- for steps ------------------------------------------------------------------------------------


def kinds_of(rows: Columns) -> dict[str, str]:
    """The source's columns and their kinds, as far as they matter: labels are looked at, the rest counts as text."""
    kinds = {}
    for name in rows.names:
        if name.startswith("source."):
            short = name.removeprefix("source.")
            kinds[short] = "boolean" if short in _LABEL.names and rows[name].dtype == pl.Boolean else "text"
    return kinds


def source_column(rows: Columns, name: str) -> str:
    """The full name of a column; the source's own comes before a reserved one of the same name."""
    full = f"source.{name}"
    return full if full in rows.names else rows.find(name)


def verdict(shape: str, rows: Columns, columns: Mapping[str, str], *, join: str = "\n") -> Verdict:
    """The verdict of a step that reads a shape. columns: the shape's fields and the names of their columns."""
    full = {field: source_column(rows, name) for field, name in columns.items()}
    made = {name: name for name in full.values() if rows[name].dtype == MESSAGES}
    if made:
        name = next(iter(made))
        raise UsageError(
            f"column {name!r} holds messages already", hint="leave the map step out, or name the source's column"
        )
    mapped = read(shape, rows, full, join)
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
    problem = nothing if mapped.problem is None else mapped.problem
    lost = nothing if mapped.lost is None else mapped.lost
    changes = {
        name: series
        for name in ("messages", "rejected", "tools", "text")
        if (series := getattr(mapped, name)) is not None
    }
    found = drop(REASON, when=problem.is_not_null(), problem=problem, lost=lost)
    return found.change(**{name: series.cast(RESERVED[name]) for name, series in changes.items()})


def choose(rows: Columns, shape: str, columns: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """The shape and columns that `map.auto` reads; None where rows have messages already and nothing else."""
    kinds = kinds_of(rows)
    if columns and shape != "auto":
        return shape, dict(columns)
    variants = [v for v in SHAPES if shape in ("auto", v.split("#")[0])]
    for variant in variants:
        mapping = match(variant, {**kinds, **{name: "text" for name in columns.values() if name not in kinds}})
        if mapping is not None and not (shape == "auto" and _is_tree(kinds)):
            return variant.split("#")[0], {**mapping, **columns}
    if shape == "auto" and "messages" in rows.names:
        return None
    raise UsageError(*_no_shape(shape, kinds, variants))


def _no_shape(shape: str, kinds: Mapping[str, str], variants: Sequence[str]) -> tuple[str]:
    there = ", ".join(kinds) or "none"
    if shape == "auto" and _is_tree(kinds):
        return (f"these are conversation trees (columns: {there}); use map.threads",)
    if shape == "auto":
        return (f"no known shape in the columns {there}; use map.template, or name `shape:` and `columns:`",)
    fields = SHAPES[variants[0]]
    missing = [name for name, field in fields.items() if field.required and not set(field.names) & set(kinds)]
    wants = "; ".join(f"{name} ({' or '.join(fields[name].names)})" for name in missing)
    return (f"shape {shape!r} needs {wants or 'columns of other kinds'}; there are {there}. Name them with `columns:`",)


def check_fields(shape: str, columns: Mapping[str, str]) -> None:
    """ValueError where `columns` names a field that the shape has not."""
    possible = {
        field for variant, fields in SHAPES.items() if shape in ("auto", variant.split("#")[0]) for field in fields
    }
    for field in columns:
        if field not in possible:
            raise ValueError(f"shape {shape!r} has no field {field!r}; {did_you_mean(field, possible)}")
