"""Reading a training file line by line and saying what is wrong with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from tamis.core.errors import DataError, UsageError, did_you_mean

from ._rules import RULES, Problem, excerpt
from ._targets import TARGETS, Target

#: A line longer than this is looked at no further.
MAX_LINE_BYTES = 40 << 20


def check_file(path: str | Path, target: str) -> list[Problem]:
    """Everything in a training file that `target` would refuse, ignore, or hardly be meant to get.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "train.jsonl")
    >>> _ = file.write_text('{"prompt": "Hi", "completion": ""}\\n')
    >>> [(p.line, p.rule, p.severity) for p in check_file(file, "prompt_completion")]
    [(1, 'no_completion', 'error')]
    """
    return list(iter_problems(path, target))


def iter_problems(path: str | Path, target: str) -> Iterator[Problem]:
    """The same, one by one, in the order of the file; the file's own problems come last. Memory: one line."""
    goal, path = _target(target), Path(path)
    rows = 0
    shapes: dict[str, int] = {}
    labels: Counter[bool] = Counter()
    for line, value, problem in _rows(path):
        if problem is not None:
            yield _problem(goal, line, *problem)
        if not isinstance(value, dict):
            continue
        rows += 1
        yield from _check(goal, line, value)
        if goal.shape is not None:
            shape = goal.shape(value)
            if shape not in shapes and shapes and shape != "unknown":
                first = next(iter(shapes))
                yield _problem(goal, line, "mixed_shapes", "row", f"{shape} here, {first} in line {shapes[first]}")
            if shape != "unknown":
                shapes.setdefault(shape, line)
        if goal.labelled and isinstance(value.get("label"), bool):
            labels[value["label"]] += 1
    yield from _whole_file(goal, path, rows, labels)


def check_row(row: dict[str, Any], target: str, line: int = 0) -> list[Problem]:
    """What is wrong with one row."""
    return list(_check(_target(target), line, row))


def summarise(problems: Iterable[Problem]) -> dict[str, Any]:
    """How many problems, by severity and by rule: {'error': 2, 'warning': 0, 'ignored_by_trainer': 1, 'rules': {…}}."""
    severities: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for problem in problems:
        severities[problem.severity] += 1
        rules[problem.rule] += 1
    counts = {name: severities[name] for name in ("error", "warning", "ignored_by_trainer")}
    return {**counts, "rules": dict(sorted(rules.items(), key=lambda item: (-item[1], item[0])))}


def _target(name: str) -> Target:
    if name not in TARGETS:
        raise UsageError(f"no target {name!r}; {did_you_mean(name, TARGETS)}", hint=f"--for {' | '.join(TARGETS)}")
    return TARGETS[name]


def _problem(target: Target, line: int, rule: str, where: str, value: Any) -> Problem:
    known = RULES[rule]
    message = f"{where}: {known.sentence}" if where else known.sentence
    return Problem(line, rule, target.severities.get(rule, known.severity), message, excerpt(value))


def _check(target: Target, line: int, row: dict[str, Any]) -> Iterator[Problem]:
    for rule, where, value in target.row(row):
        yield _problem(target, line, rule, where, value)


def _whole_file(target: Target, path: Path, rows: int, labels: Counter[bool]) -> Iterator[Problem]:
    size = path.stat().st_size
    if rows == 0:
        yield _problem(target, 0, "no_rows", "", f"{size} bytes")
    elif rows < target.min_rows:
        yield _problem(target, 0, "too_few_rows", "", f"{rows} rows; {target.title} asks for {target.min_rows}")
    if target.max_rows is not None and rows > target.max_rows:
        yield _problem(target, 0, "too_many_rows", "", f"{rows} rows; {target.title} takes {target.max_rows}")
    if target.max_bytes is not None and size > target.max_bytes:
        yield _problem(target, 0, "too_large", "", f"{size} bytes; {target.title} takes {target.max_bytes}")
    if target.lower_case_name and not (path.name == path.name.lower() and path.suffix == ".jsonl"):
        yield _problem(target, 0, "file_name", "", path.name)
    if target.labelled and rows > 1 and len(labels) == 1:
        yield _problem(target, 0, "one_sided_labels", "label", next(iter(labels)))


Row = tuple[int, Any, tuple[str, str, Any] | None]


def _rows(path: Path) -> Iterator[Row]:
    """(line, value, what is wrong with the line), of JSON Lines or of one JSON array."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
            mark = start.startswith(b"\xef\xbb\xbf")
            if start[3 * mark :].lstrip()[:1] == b"[" and path.suffix != ".jsonl":
                file.seek(0)
                yield from _array(file.read())
                return
            file.seek(0)
            for number, raw in enumerate(_lines(file), 1):
                if number == 1 and mark:
                    raw = raw[3:]
                    yield 1, None, ("byte_order_mark", "", "EF BB BF")
                if not raw.strip():
                    yield number, None, ("blank_line", "", "")
                    continue
                yield _row(number, raw)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint="give the path of a training file") from error


def _lines(file: Any) -> Iterator[bytes]:
    """Lines cut at b'\\n' only; of a line over the limit, its beginning."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        whole = line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES + 1)
        yield whole.removesuffix(b"\n").removesuffix(b"\r")


class _Bad(Exception):
    """A JSON value that no parser should be trusted with: (rule, value)."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _Bad("repeated_key", twice)
    return value


def _constant(word: str) -> NoReturn:
    raise _Bad("not_a_number", word)


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def _row(number: int, raw: bytes) -> Row:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return number, None, ("not_utf8", f"byte {error.start + 1}", raw[error.start : error.start + 8].hex(" "))
    try:
        value = _DECODER.decode(text)
    except _Bad as bad:
        return number, None, (bad.args[0], "", bad.args[1])
    except json.JSONDecodeError as error:
        return (
            number,
            None,
            ("not_json", f"column {error.colno}: {error.msg}", text[max(0, error.pos - 20) : error.pos + 40]),
        )
    except (ValueError, RecursionError) as error:
        return number, None, ("not_json", type(error).__name__, text[:60])
    return _judged(number, value, "\\ud" in text or "\\uD" in text)


def _judged(number: int, value: Any, escapes: bool) -> Row:
    if escapes:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            return number, None, ("half_surrogate", "", ascii(error.object[error.start]))
    if not isinstance(value, dict):
        return number, None, ("not_an_object", "", value)
    return number, value, None


def _array(raw: bytes) -> Iterator[Row]:
    """The objects of one JSON array, with the line each begins in."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield (
            raw.count(b"\n", 0, error.start) + 1,
            None,
            ("not_utf8", f"byte {error.start + 1}", raw[error.start : error.start + 8].hex(" ")),
        )
        return
    at, line, counted = text.index("[") + 1, 1, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            if text[at + 1 :].strip():
                yield line, None, ("not_json", "after the end of the array", text[at + 1 : at + 60])
            return
        try:
            value, at = _DECODER.raw_decode(text, at)
        except _Bad as bad:
            yield line, None, (bad.args[0], "", bad.args[1])
            return
        except (ValueError, RecursionError) as error:
            yield line, None, ("not_json", str(error), text[at : at + 60])
            return
        yield _judged(line, value, True)
