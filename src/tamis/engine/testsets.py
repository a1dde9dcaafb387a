"""Test sets: the questions, answers and choices of a benchmark, read from the file it comes as.

Columns are recognised by their names, or named; a header-less MMLU file by its shape. Wrappers that only one copy of a
benchmark has (`Question:` before it, `Answer:` after it, the choices in the question) are taken off.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.errors import DataError, did_you_mean


class Item(NamedTuple):
    """One test item. answers: every text that answers it, short and long; choices: what else it offers."""

    id: str
    question: str
    answers: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


class Named(NamedTuple):
    """Columns as a user names them; None: recognised."""

    question: str | None = None
    answer: str | None = None
    choices: str | None = None
    id: str | None = None


#: names of columns, the first that is there is taken
QUESTIONS = (
    "question", "query", "problem", "prompt", "instruction", "input", "goal", "context", "turns", "messages",
    "conversations", "context_options", "text", "sentence",
)  # fmt: skip
ANSWERS = (
    "answer", "answers", "target", "canonical_solution", "solution", "output", "response", "completion", "continuation",
    "reference", "references", "best_answer", "best answer", "correct_answers", "code", "chain_of_thought", "rationale",
)  # fmt: skip
CHOICES = ("choices", "options", "endings")
GOLD = ("gold", "label", "answerkey", "answer_key", "correct", "answer_idx")
IDS = ("id", "task_id", "question_id", "uid", "qid", "key", "idx", "index")
ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
LITERAL = 1 << 20  # characters of a written-out list that is read as one

_BEFORE = re.compile(r"\A\s*(?:question|q|problem|query)\s*[:.]\s*", re.IGNORECASE)
_AFTER = re.compile(r"\s*(?:\n\s*|\s)(?:answer|a)\s*:\s*\Z", re.IGNORECASE)
_OFFERS = re.compile(r"\n\s*(?:(?:answer )?(?:options|choices)\s*:?\s*(?=\n)|\(?A[).:]+\s)", re.IGNORECASE)
_OFFER = re.compile(r"\n\s*(?:\(?[A-Z][).:]+|[-*•])\s+")
_ROLES = {"user": 0, "human": 0, "assistant": 1, "gpt": 1}


def read_items(path: Path, named: Named | None = None) -> list[Item]:
    """The items of a test set. DataError where the file cannot be read, or holds no questions."""
    try:
        records = _records(path)
    except (OSError, EOFError, ValueError, csv.Error) as error:
        if not path.exists():
            raise DataError(f"no test set {str(path)!r}") from None
        raise DataError(f"the test set {str(path)!r} cannot be read: {str(error).splitlines()[0]}") from None
    columns = list(dict.fromkeys(name for record in records[:200] for name in record))
    roles = _recognise(path, columns, named or Named())
    items = [item for place, record in enumerate(records, 1) for item in _items(record, roles, place)]
    if not items:
        raise DataError(f"the test set {str(path)!r} holds no question", hint=f"its columns: {', '.join(columns)}")
    counts: dict[str, int] = {}
    for item in items:
        counts[item.id] = counts.get(item.id, 0) + 1
    if max(counts.values()) > 1:  # what was taken for ids names groups (a task of many questions)
        items = [item._replace(id=f"{item.id}:{place}") for place, item in enumerate(items, 1)]
    return items


# -- files --------------------------------------------------------------------------------------


def ending(path: Path) -> str:
    """The file's kind, compression aside: `.jsonl` of `x.jsonl.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return next((e for e in ENDINGS if name.endswith(e)), "")


def _records(path: Path) -> list[dict[str, Any]]:
    kind = ending(path)
    raw = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        raw = gzip.decompress(raw)
    if kind == ".parquet":
        import polars as pl

        try:
            return pl.read_parquet(io.BytesIO(raw)).to_dicts()
        except pl.exceptions.PolarsError as error:
            raise ValueError(str(error)) from None
    text = raw.decode("utf-8-sig")
    if kind in (".csv", ".tsv"):
        return _cells(list(csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == ".tsv" else ",")))
    if kind == ".json":
        whole = json.loads(text)
        if isinstance(whole, dict):  # {"data": […]} or {"id": {…}, …}
            inner = next((v for v in whole.values() if isinstance(v, list) and v and isinstance(v[0], dict)), None)
            whole = inner if inner is not None else list(whole.values())
        return [record for record in whole if isinstance(record, dict)]
    if kind in (".jsonl", ".ndjson"):
        found = [json.loads(line) for line in text.split("\n") if line.strip()]
        return [record for record in found if isinstance(record, dict)]
    raise ValueError(f"its name ends in none of {', '.join(ENDINGS)} (or one of them with .gz)")


def _cells(lines: list[list[str]]) -> list[dict[str, Any]]:
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if not lines:
        return []
    letters = len(lines[0]) >= 4 and all(line[-1].strip() in tuple("ABCDEFGHIJ") for line in lines)
    if letters:  # MMLU: question, choices, letter, and no header
        return [{"question": line[0], "choices": line[1:-1], "gold": line[-1].strip()} for line in lines]
    names = [name.strip() or f"column_{k}" for k, name in enumerate(lines[0], 1)]
    return [dict(zip(names, line, strict=False)) for line in lines[1:]]


# -- columns ------------------------------------------------------------------------------------


class _Roles(NamedTuple):
    question: str
    more: str | None
    answers: tuple[str, ...]
    choices: tuple[str, ...]
    gold: str | None
    id: str | None


def _recognise(path: Path, columns: Sequence[str], named: Named) -> _Roles:
    lower = {name.lower(): name for name in reversed(columns)}
    for name in named:
        if name is not None and name not in columns:
            raise DataError(f"the test set {str(path)!r} has no column {name!r}; {did_you_mean(name, columns)}")
    question = named.question or _first(QUESTIONS, lower)
    if question is None:
        raise DataError(
            f"no column of the test set {str(path)!r} is known to hold questions; it has {', '.join(columns)}",
            hint="name it: `question: COLUMN` in the step, or tamis benchmarks add … --question COLUMN",
        )
    more = lower.get("input") if question.lower() == "instruction" and named.question is None else None
    answers = [named.answer] if named.answer else [lower[n] for n in ANSWERS if n in lower]
    choices = [named.choices] if named.choices else [lower[n] for n in CHOICES if n in lower]
    letters = [lower[n] for n in "abcdefghij" if n in lower]
    answers = [n for n in answers if n and n not in (question, more)]
    offers = choices or (letters if len(letters) >= 2 else [])
    taken = {question, more, *answers, *offers}
    free = {low: name for low, name in lower.items() if name not in taken}
    return _Roles(question, more, tuple(answers), tuple(offers), _first(GOLD, free), named.id or _first(IDS, free))


def _first(names: Iterable[str], lower: dict[str, str]) -> str | None:
    return next((lower[name] for name in names if name in lower), None)


# -- items --------------------------------------------------------------------------------------


def _items(record: dict[str, Any], roles: _Roles, place: int) -> list[Item]:
    asked = _opened(record.get(roles.question))
    answers = [text for name in roles.answers for text in _texts(_opened(record.get(name)))]
    choices = [text for name in roles.choices for text in _texts(_opened(record.get(name)))]
    gold = record.get(roles.gold) if roles.gold else None
    questions: list[str] = []
    if isinstance(asked, list) and asked and isinstance(asked[0], dict):  # a conversation
        turns = [
            (_ROLES.get(str(t.get("role", t.get("from"))), 2), _text(t.get("content", t.get("value")))) for t in asked
        ]
        questions = ["\n".join(text for who, text in turns if who == 0)]
        answers += [text for who, text in turns if who == 1]
    elif isinstance(asked, list):
        texts = _texts(asked)
        if isinstance(gold, int) and 0 <= gold < len(texts) and answers:  # sentences to be gone on with
            questions, answers = [f"{texts[gold]} {answers[0]}"], []
            gold = None
        else:
            questions = texts
    else:
        questions = [_text(asked)]
    if roles.more and _text(record.get(roles.more)).strip():
        questions = [f"{questions[0]}\n{_text(record.get(roles.more))}"]
    name = _text(record.get(roles.id)) if roles.id else ""
    name = name or str(place)
    found = []
    for k, question in enumerate(questions):
        bare, offered = unwrapped(question)
        if not bare.strip():
            continue
        mine = offered if offered and all(len(c.strip()) <= 2 for c in choices) else choices or offered
        right = _right(answers, mine, gold) if k == 0 else ()
        found.append(Item(name if k == 0 else f"{name}/{k + 1}", bare, right, tuple(mine)))
    return found


def unwrapped(question: str) -> tuple[str, list[str]]:
    """A question without what one copy of a benchmark wraps it in, and the choices that stood in it.

    >>> unwrapped("Question: Which is red?\\nA. a rose\\nB. grass\\nAnswer:")
    ('Which is red?', ['a rose', 'grass'])
    """
    bare = _AFTER.sub("", _BEFORE.sub("", question))
    match = _OFFERS.search(bare)
    if match is None or not bare[: match.start()].strip():
        return bare, []
    offers = [part.strip() for part in _OFFER.split(bare[match.start() :])]
    offers = [part for part in offers if part and not re.fullmatch(r"(?i)(answer )?(options|choices)\s*:?", part)]
    return (bare[: match.start()], offers) if len(offers) >= 2 else (bare, [])


def _right(answers: Sequence[str], choices: Sequence[str], gold: Any) -> tuple[str, ...]:
    """The texts that answer: of letters and numbers that point at a choice, the choice."""
    found: list[str] = []
    for told in [*answers, *([_text(gold)] if gold is not None else [])]:
        word = told.strip().strip("().").strip()
        if choices and len(word) == 1 and "A" <= word.upper() <= "Z" and ord(word.upper()) - 65 < len(choices):
            found.append(choices[ord(word.upper()) - 65])
        elif choices and word.isdecimal() and told not in choices and int(word) < len(choices):
            found.append(choices[int(word)])
        elif told.strip() and not (told == _text(gold) and choices and told not in choices and len(word) <= 2):
            found.append(told)
    return tuple(dict.fromkeys(found))


def _opened(value: Any) -> Any:
    """A list that was written out as text, as a list."""
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}" and len(value) <= LITERAL:
        for read in (json.loads, ast.literal_eval):
            try:
                opened = read(value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            if isinstance(opened, list | dict):
                return opened
    return value


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):  # {"text": […], "label": […]}
        inner = value.get("text", value.get("value"))
        return _texts(inner) if inner is not None else [t for v in value.values() for t in _texts(v)]
    if isinstance(value, list | tuple):
        return [text for part in value for text in _texts(part)]
    text = _text(value)
    return [text] if text else []


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
        if isinstance(value, list | dict)
        else str(value)
    )
