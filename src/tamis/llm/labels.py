"""Labels that a model may give: from a recipe or a file, listed in the prompt, read from the reply."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tamis.core.calls import CallFailed
from tamis.core.errors import DataError, UsageError, did_you_mean

_FILES = re.compile(r"[^\n{}]+\.(?:ya?ml|json|csv|tsv|txt)")
#: what a reply in plain text may wear around its label
_WORN = " \t\r\n\"'`*_.:;,!«»“”„()[]"


def as_labels(value: Any) -> Any:
    """A recipe's `labels:`: the path of a file where it is one text, else the labels themselves."""
    return Path(value) if isinstance(value, str) and _FILES.fullmatch(value.strip()) else value


def load_labels(source: Sequence[str] | Mapping[str, str] | Path) -> dict[str, str]:
    """Label → its description ('' for none), in order. UsageError where there are not at least two, or one twice."""
    if isinstance(source, Path):
        try:
            stamp = source.stat()
        except OSError:
            raise DataError(
                f"no file of labels {str(source)!r}", hint="the path is relative to the recipe's folder"
            ) from None
        return dict(_from_file(source, (stamp.st_mtime_ns, stamp.st_size)))
    pairs = source.items() if isinstance(source, Mapping) else ((name, "") for name in source)
    return _checked([(str(name), str(told or "")) for name, told in pairs], "labels")


@lru_cache(maxsize=32)
def _from_file(path: Path, stamp: tuple[int, int]) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _checked(_pairs(text, path.suffix.lower()), str(path))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"the file of labels {str(path)!r} cannot be read: {error}") from None


def _pairs(text: str, ending: str) -> list[tuple[str, str]]:
    """(label, description) of each line: a JSON or YAML list or mapping, a table, or one label a line."""
    if ending in (".csv", ".tsv"):
        rows = list(csv.reader(text.splitlines(), delimiter="\t" if ending == ".tsv" else ","))
        if rows and rows[0] and rows[0][0].strip().lower() == "label":
            rows = rows[1:]
        return [(row[0].strip(), row[1].strip() if len(row) > 1 else "") for row in rows if row and row[0].strip()]
    if ending == ".txt":
        return [(line.strip(), "") for line in text.splitlines() if line.strip()]
    if ending == ".json":
        data = json.loads(text)
    else:
        import yaml

        try:
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ValueError(f"no YAML: {str(error).splitlines()[0]}") from None
    if isinstance(data, dict):
        return [(str(name), str(told or "")) for name, told in data.items()]
    if isinstance(data, list):
        return [(str(name), "") for name in data]
    raise ValueError("it is neither a list of labels nor a mapping of labels to descriptions")


def _checked(pairs: list[tuple[str, str]], where: str) -> dict[str, str]:
    found = dict(pairs)
    folded = {name.casefold() for name in found}
    if len(folded) < len(pairs) or "" in found:
        raise UsageError(f"{where}: a label stands twice, or is empty")
    if len(found) < 2:
        raise UsageError(f"{where}: at least two labels are needed, or every row gets the same")
    return found


def listing(labels: Mapping[str, str], *, many: bool, reply: Literal["json", "text"]) -> str:
    """The labels as a prompt shows them."""
    lines = [f"- {name}: {told}" if told else f"- {name}" for name, told in labels.items()]
    head = "Choose all labels that fit, or none:" if many else "Choose the one label that fits best:"
    tail = ["Reply with the label and nothing else."] if reply == "text" else []
    return "\n".join([head, *lines, *tail])


def label_schema(labels: Mapping[str, str], *, many: bool) -> dict[str, Any]:
    """The JSON Schema of a reply that gives labels."""
    one: dict[str, Any] = {"type": "string", "enum": list(labels)}
    if many:
        one = {"type": "array", "items": one, "uniqueItems": True}
    name = "labels" if many else "label"
    return {"type": "object", "properties": {name: one}, "required": [name], "additionalProperties": False}


def label_of(text: str, labels: Mapping[str, str]) -> str:
    """The label a person means. UsageError where there is none."""
    by_name = {name.casefold(): name for name in labels}
    name = by_name.get(text.strip().casefold())
    if name is None:
        raise UsageError(f"no label {text!r}; {did_you_mean(text, labels)}")
    return name


def read_label(text: str, labels: Mapping[str, str], key: str = "") -> str:
    """The label a reply in plain text gives: the whole reply, or its last line, and nothing beside it. CallFailed else."""
    by_name = {name.casefold(): name for name in labels}
    stripped = text.strip()
    last = stripped.rsplit("\n", 1)[-1]
    for candidate in (
        stripped,
        last,
        re.sub(r"^(?:the )?(?:final )?(?:label|answer)(?: is)?\s*:?", "", last, flags=re.I),
    ):
        name = by_name.get(candidate.strip(_WORN).casefold()) or by_name.get(candidate.strip().casefold())
        if name is not None:
            return name
    raise CallFailed("unparsed", f"the reply is none of the labels: {text[:80]!r}", key=key, lasting=True)
