"""Prompts as files: YAML front matter, then what is said to the model under `# System` and `# User`.

`{column}` is the only syntax: no template language, no attributes, and text of rows is never read as a template. What a
row says stands between delimiters it cannot foresee, unless the prompt names the column under `inline:`.

>>> prompt = parse_prompt("# System\\nSort inquiries.\\n# User\\n{inquiry}\\n", name="sort")
>>> prompt.columns
('inquiry',)
>>> [m["content"] for m in prompt.messages({"inquiry": "Where is it?"}, lambda text, salt: f"<{text}>")][1]
'<Where is it?>'
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tamis.core.calls import AskedRow
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.fingerprint import fingerprint
from tamis.core.row import SEPARATOR, VIEWS, view_column
from tamis.engine.template import Slot, parse

from .fence import NOTE

#: the name that stands for the list of labels in a prompt that has labels
LABELS = "labels"
#: digits of a version
VERSION_DIGITS = 12
_HEADING = re.compile(r"#[ \t]+(system|user|notes)[ \t]*", re.IGNORECASE)
#: endings by which a text is taken for the path of a file
_FILES = re.compile(r"[^\n{}]+\.(?:md|txt|prompt)")

Fencing = Callable[..., str]


class ExampleSettings(BaseModel):
    """Which reviewed rows a prompt shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pick: Literal["fixed", "similar", "diverse", "per_label"] = "fixed"
    count: int = Field(4, ge=1, le=200)
    file: str | None = None


class BarSettings(BaseModel):
    """What the prompt must reach; see `core.calls.Bar`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    at_least: float
    low: bool = False


class Settings(BaseModel):
    """The front matter."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    description: str = ""
    role: str | None = None
    labels: tuple[str, ...] | dict[str, str] | str | None = None
    many: bool | None = None
    schema_: dict[str, Any] | str | None = Field(None, alias="schema")
    reply: Literal["json", "text"] | None = None
    inline: tuple[str, ...] = ()
    temperature: float | None = Field(None, ge=0)
    max_tokens: int | None = Field(None, ge=1)
    examples: ExampleSettings | None = None
    bar: BarSettings | None = None


class Turn(NamedTuple):
    """An example as the prompt shows it: the values of its columns, and the reply."""

    values: Mapping[str, str]
    reply: str


@dataclass(frozen=True)
class Prompt:
    """What is said to a model about a row.

    name: the file's, without its ending; path: None where it stands in the recipe itself; lines: column → the line
    of the file that names it first.
    """

    name: str
    path: Path | None
    settings: Settings
    system: str
    user: str
    lines: Mapping[str, int]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns and views that the prompt shows, first named first."""
        return tuple(self.lines)

    def reads(self, *, labels: bool = False) -> tuple[str, ...]:
        """The columns that are read for it."""
        return tuple(dict.fromkeys(column_of(name) for name in self.columns if not (labels and name == LABELS)))

    def place(self, name: str) -> str:
        """Where a column is named: `prompts/sort.md:12`."""
        where = f"prompt {self.name!r}" if self.path is None else str(self.path)
        return f"{where}:{self.lines[name]}" if name in self.lines else where

    def version(self, *more: Any) -> str:
        """Hash of all that is said, and of `more`, what else decides what is asked."""
        said = [self.system, self.user, sorted(self.settings.inline)]
        return fingerprint("prompt", said, *more)[:VERSION_DIGITS]

    def values(self, row: AskedRow, *, labels: bool = False) -> dict[str, str] | None:
        """What the row puts in; None where one of the columns is null."""
        found: dict[str, str] = {}
        for name in self.columns:
            if labels and name == LABELS:
                continue
            value = value_of(row, name)
            if value is None:
                return None
            found[name] = value
        return found

    def messages(
        self, values: Mapping[str, str], fence: Fencing, *, labels: str = "", turns: Sequence[Turn] = ()
    ) -> tuple[dict[str, str], ...]:
        """The request's messages. `labels`: the list of labels, which stands where `{labels}` does, else at the end."""
        inline = set(self.settings.inline)

        def filled(template: str, given: Mapping[str, str]) -> str:
            made = []
            for piece in parse(template):
                if not isinstance(piece, Slot):
                    made.append(piece)
                elif piece.column == LABELS and labels:
                    made.append(labels)
                elif piece.column in inline:
                    made.append(given[piece.column])
                else:
                    made.append(fence(given[piece.column], salt=piece.column))
            return "".join(made).strip()

        first = [filled(self.system, values)] if self.system else []
        if labels and LABELS not in self.lines:
            first.append(labels)
        if any(name not in inline and not (labels and name == LABELS) for name in self.lines):
            first.append(NOTE)
        said = [{"role": "system", "content": "\n\n".join(first)}] if first else []
        for turn in turns:
            said.append({"role": "user", "content": filled(self.user, turn.values)})
            said.append({"role": "assistant", "content": turn.reply})
        return (*said, {"role": "user", "content": filled(self.user, values)})


def column_of(name: str) -> str:
    """The column a placeholder reads: views by the column they are made from, all others by their name."""
    return view_column(name) if name in VIEWS else name.removeprefix("column:")


def value_of(row: AskedRow, name: str) -> str | None:
    """A placeholder's value in a row, as text; `{all}` is the conversation with who says what."""
    if name == "all":
        if row.text("all") is None:
            return None
        return "\n\n".join(f"{m['role']}: {m['content']}" for m in row.messages() if m.get("content"))
    if name in VIEWS:
        text = row.text(name)
        return None if text is None else text.replace(SEPARATOR, "\n\n")
    value = row[name.removeprefix("column:")]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def as_prompt(value: Any) -> Any:
    """A recipe's `prompt:`: the path of a file where it looks like one, else the prompt itself."""
    return Path(value) if isinstance(value, str) and _FILES.fullmatch(value.strip()) else value


def load_prompt(source: Path | str, name: str = "prompt") -> Prompt:
    """The prompt of a recipe: read once while its file stays as it is. UsageError says what is wrong on which line."""
    if isinstance(source, str):
        return _inline(source, name)
    try:
        stamp = source.stat()
    except OSError:
        raise UsageError(f"no prompt {str(source)!r}", hint="the path is relative to the recipe's folder") from None
    return _from_file(source, (stamp.st_mtime_ns, stamp.st_size))


@lru_cache(maxsize=64)
def _inline(text: str, name: str) -> Prompt:
    return parse_prompt(text, name=name)


@lru_cache(maxsize=64)
def _from_file(path: Path, stamp: tuple[int, int]) -> Prompt:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: byte {error.start}") from None
    except OSError as error:
        raise UsageError(f"prompt {path} cannot be read: {error.strerror}") from None
    return parse_prompt(text, name=path.stem, path=path)


def parse_prompt(text: str, *, name: str, path: Path | None = None) -> Prompt:
    """A prompt from its text. UsageError lists all that is wrong, each with its line."""
    where = str(path) if path else f"prompt {name!r}"
    problems: list[str] = []
    lines = text.split("\n")
    settings, at = _front_matter(lines, where, problems)
    sections = _sections(lines, at, where, problems)
    found: dict[str, int] = {}
    for heading in ("system", "user"):
        for number, line in sections.get(heading, ()):
            try:
                for piece in parse(line):
                    if isinstance(piece, Slot):
                        found.setdefault(piece.column, number)
            except ValueError as error:
                problems.append(f"{where}:{number}: {error}")
    user = _text(sections.get("user", ()))
    if not user:
        problems.append(f"{where}: nothing stands under `# User`")
    elif not problems and not set(found) - {LABELS}:
        problems.append(f"{where}: no {{column}} is named, so every row would be asked the same")
    if not problems and (unknown := [one for one in settings.inline if one not in found]):
        problems.append(
            f"{where}: `inline:` names {unknown[0]!r}, which the prompt does not; {did_you_mean(unknown[0], found)}"
        )
    if problems:
        raise UsageError("\n".join(problems))
    return Prompt(name, path, settings, _text(sections.get("system", ())), user, found)


def _text(lines: Sequence[tuple[int, str]]) -> str:
    return "\n".join(line.rstrip() for _, line in lines).strip()


def _front_matter(lines: list[str], where: str, problems: list[str]) -> tuple[Settings, int]:
    """The settings, and the index of the first line after them."""
    if lines[0].rstrip() != "---":
        return Settings(), 0
    end = next((k for k in range(1, len(lines)) if lines[k].rstrip() == "---"), None)
    if end is None:
        problems.append(f"{where}:1: the front matter that begins here has no end: a line `---`")
        return Settings(), len(lines)
    import yaml

    def line_of(key: str) -> int:
        starts = (k + 1 for k in range(1, end) if re.match(rf"{re.escape(key)}\s*:", lines[k]))
        return next(starts, 1)

    try:
        data = yaml.safe_load("\n".join(lines[1:end])) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = getattr(error, "problem", None) or "no YAML"
        problems.append(f"{where}:{mark.line + 2 if mark else 1}: {told}")
        return Settings(), end + 1
    if not isinstance(data, dict):
        problems.append(f"{where}:2: the front matter is a mapping, such as `role: annotator`")
        return Settings(), end + 1
    known = {info.alias or field for field, info in Settings.model_fields.items()}
    for key in [key for key in data if key not in known]:
        problems.append(f"{where}:{line_of(str(key))}: unknown setting {key!r}; {did_you_mean(str(key), known)}")
        del data[key]
    try:
        return Settings(**data), end + 1
    except ValidationError as error:
        for detail in error.errors():
            place = [str(part) for part in detail["loc"] if not re.search(r"[\[\],]|^(?:str|dict)$", str(part))]
            message = detail["msg"].removeprefix("Value error, ")
            told = f"{where}:{line_of(place[0])}: `{'.'.join(place)}`: {message[:1].lower()}{message[1:]}"
            if told not in problems:
                problems.append(told)
        return Settings(), end + 1


def _sections(lines: list[str], start: int, where: str, problems: list[str]) -> dict[str, list[tuple[int, str]]]:
    """Heading → its lines with their numbers. A text without headings is the user's."""
    found: dict[str, list[tuple[int, str]]] = {}
    before: list[tuple[int, str]] = []
    current = before
    for number, line in enumerate(lines[start:], start + 1):
        heading = _HEADING.fullmatch(line.rstrip())
        if heading is None:
            current.append((number, line))
            continue
        name = heading[1].lower()
        if name in found:
            problems.append(f"{where}:{number}: a second `# {heading[1]}`")
        current = found.setdefault(name, [])
    if not found:
        return {"user": before}
    stray = next((number for number, line in before if line.strip()), None)
    if stray is not None:
        problems.append(
            f"{where}:{stray}: text before the first heading; put it under `# System`, `# User` or `# Notes`"
        )
    return found
