"""The prompts of this family: files beside this one, with versions by content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tamis.core.calls import Ask, CallFailed, Models, Reply
from tamis.llm.fence import NOTE

_HEADING = re.compile(r"^# (System|User)\n", re.MULTILINE)
_SLOT = re.compile(r"\{([a-z_]+)\}")
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
#: failures that lie in what a model said, under the name they are told by
_OWN = {"length": "length", "content_filter": "content_filter", "schema": "schema", "unparsed": "schema"}
#: how a reply ends that is not whole
_CUT = {"length": "length", "max_tokens": "length", "content_filter": "content_filter", "refusal": "content_filter"}


@dataclass(frozen=True)
class Prompt:
    """What is said to a model. `version`: 12 hexadecimal digits of the file's hash."""

    name: str
    system: str
    user: str
    version: str

    def ask(
        self,
        models: Models,
        data: Mapping[str, str],
        words: Mapping[str, object] | None = None,
        *,
        schema: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        sample: int = 0,
    ) -> Ask:
        """The request. data: text of rows, shown between delimiters; words: ours and the recipe's, shown as they are."""

        def fill(match: re.Match[str]) -> str:
            name = match[1]
            if name in data:
                return models.fence(data[name])
            return str((words or {})[name])

        system = f"{_SLOT.sub(fill, self.system)}\n\n{NOTE}"
        user = _SLOT.sub(fill, self.user)
        messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
        return Ask(messages, schema=schema, temperature=temperature, max_tokens=max_tokens, sample=sample)


@cache
def prompt(name: str) -> Prompt:
    """A prompt of this family by its file's name."""
    text = (Path(__file__).parent / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    _, *parts = _HEADING.split(text)
    said = {part.lower(): body.strip() for part, body in zip(parts[::2], parts[1::2], strict=True)}
    version = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    return Prompt(name, said["system"], said["user"], version)


@cache
def pieces(name: str) -> dict[str, str]:
    """The named texts of a file of this family: what stands under each `# name`."""
    text = (Path(__file__).parent / "prompts" / f"{name}.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^# (\w+)\n", text, flags=re.MULTILINE)
    return {head: body.strip() for head, body in zip(parts[::2], parts[1::2], strict=True)}


async def said(models: Models, role: str, ask: Ask) -> tuple[Reply | None, str | None]:
    """(the reply, None), or (None, why it is of no use): `schema`, `length`, `content_filter`, `empty`.

    A failure that lies in a recorded reply is told; any other is raised, as another try may mend it.
    """
    try:
        reply = await models.chat(role, ask)
    except CallFailed as error:
        if error.lasting and error.reason in _OWN:
            return None, _OWN[error.reason]
        raise
    if reply.finish in _CUT:
        return None, _CUT[reply.finish]
    if ask.schema is None and not whole(reply.text):
        return None, "empty"
    return reply, None


def whole(text: str) -> str:
    """A reply in free text without what the model thought before, and without space around it."""
    return _THOUGHT.sub("", text, count=1).strip()


def counted(problems: dict[str, int], problem: str, count: int = 1) -> None:
    """One more of a problem."""
    problems[problem] = problems.get(problem, 0) + count
