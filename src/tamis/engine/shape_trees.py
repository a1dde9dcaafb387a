"""Conversation trees: one message with its replies, nested, to the conversations along their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tamis.core.columns import Columns

from .shape_chat import Misfit, kind_of, load_json

Paths = Literal["all", "best"]

_ROLES = {
    "prompter": "user",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "system": "system",
}


class Node(NamedTuple):
    """A message of a tree."""

    role: str
    text: str
    rank: float | None
    producer: str | None
    replies: tuple[Node, ...]


class Thread(NamedTuple):
    """A conversation of a tree; with `rejected`, the worse reply to its last question."""

    messages: list[dict[str, str]]
    producer: str | None
    rejected: list[dict[str, str]] | None = None


def read_trees(rows: Columns, column: str) -> list[Any]:
    """Each row's tree as a JSON value, or the Misfit that says why there is none.

    Where the column is missing and there are columns role, text and replies, the row itself is the first message.
    """
    from .shapes import source_column

    names = {name.removeprefix("source.") for name in rows.names}
    if column in names or not {"role", "text", "replies"} <= names:
        return [_loaded(text, column) for text in rows[source_column(rows, column)].to_list()]
    parts = ["role", "text", "replies", *(name for name in ("rank", "model_name", "deleted") if name in names)]
    columns = [rows[source_column(rows, name)].to_list() for name in parts]
    return [_record(dict(zip(parts, values, strict=True))) for values in zip(*columns, strict=True)]


def _record(record: dict[str, Any]) -> Any:
    replies = _loaded(record["replies"] or "[]", "replies")
    return replies if isinstance(replies, Misfit) else {**record, "replies": replies}


def _loaded(text: str | None, label: str) -> Any:
    try:
        if text is None:
            raise Misfit(f"{label} is null")
        return load_json(text, label)
    except Misfit as misfit:
        return misfit


def full(messages: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Messages with every field."""
    nothing = dict.fromkeys(("role", "content", "name", "tool_calls", "tool_call_id", "weight"))
    return [{**nothing, **message} for message in messages]


def tree_of(value: Any, label: str) -> Node | None:
    """The tree of a JSON value; messages that were deleted go with everything below them."""
    if isinstance(value, dict) and value.get("deleted") is True:
        return None
    return _node(value, label)


def _node(value: Any, where: str) -> Node:
    if not isinstance(value, dict):
        raise Misfit(f"{where} is {kind_of(value)}, not a message with replies")
    role, text = value.get("role"), value.get("text", value.get("content"))
    if not isinstance(role, str) or role not in _ROLES:
        raise Misfit(f"{where}: unknown role {str(role)[:40]!r}; possible: {', '.join(_ROLES)}")
    if not isinstance(text, str):
        raise Misfit(f"{where} has no text")
    replies = value.get("replies") or []
    if not isinstance(replies, list):
        raise Misfit(f"{where}.replies is {kind_of(replies)}, not a list")
    rank, producer = value.get("rank"), value.get("model_name")
    nodes = [
        _node(reply, f"{where}.replies[{i}]")
        for i, reply in enumerate(replies)
        if not (isinstance(reply, dict) and reply.get("deleted") is True)
    ]
    return Node(
        _ROLES[role],
        text,
        float(rank) if isinstance(rank, int | float) and not isinstance(rank, bool) else None,
        producer if isinstance(producer, str) else None,
        tuple(nodes),
    )


def ranked(replies: tuple[Node, ...]) -> list[Node]:
    """Replies from best to worst: by rank, those without one last, ties as they stand."""
    return sorted(replies, key=lambda node: (node.rank is None, node.rank or 0.0))


def threads(root: Node, paths: Paths) -> list[Thread]:
    """The conversations from the root to each leaf, or along the best replies; each ends on an assistant."""
    found: list[Thread] = []
    seen: set[tuple[int, ...]] = set()
    for path in _paths(root, paths):
        while path and path[-1].role != "assistant":
            path = path[:-1]
        key = tuple(id(node) for node in path)
        if path and key not in seen and any(node.role == "user" for node in path):
            seen.add(key)
            found.append(Thread(_messages(path), path[-1].producer))
    return found


def pairs(root: Node) -> list[Thread]:
    """For every question with ranked replies: the best one against each worse one."""
    found: list[Thread] = []
    waiting: list[list[Node]] = [[root]]
    while waiting:
        path = waiting.pop()
        replies = ranked(path[-1].replies)
        answers = [node for node in replies if node.role == "assistant" and node.rank is not None]
        if path[-1].role == "user" and answers:
            best = answers[0]
            for worse in answers[1:]:
                if worse.rank != best.rank and worse.text != best.text:
                    chosen = [*path, best]
                    found.append(Thread(_messages(chosen), best.producer, _messages([worse])))
        waiting += [[*path, node] for node in reversed(replies)]
    return found


def _paths(root: Node, paths: Paths) -> Iterator[list[Node]]:
    waiting: list[list[Node]] = [[root]]
    while waiting:
        path = waiting.pop()
        replies = ranked(path[-1].replies)
        if not replies:
            yield path
        elif paths == "best":
            waiting.append([*path, replies[0]])
        else:
            waiting += [[*path, node] for node in reversed(replies)]


def _messages(path: list[Node]) -> list[dict[str, str]]:
    return [{"role": node.role, "content": node.text} for node in path]
