"""What disqualifies a text that a model made, whatever it was made for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tamis.engine.novelty import words
from tamis.engine.refusals import judge_text

#: what is wrong with a generated text → a sentence
PROBLEMS: Mapping[str, str] = {
    "schema": "the reply does not satisfy the schema, after repairs",
    "length": "the reply was cut off at the limit of tokens",
    "content_filter": "the endpoint's filter withheld the reply",
    "missing": "fewer were made than asked for",
    "empty": "nothing, or nothing but stop words and punctuation",
    "refused": "a refusal instead of a text",
    "talk": "the model talks about the task instead of doing it",
    "leaked": "words of our instructions stand in the text",
    "same": "it says what the original says",
    "no_gain": "a model sees nothing new in it",
    "not_novel": "too like a seed or a text made before",
    "surplus": "the plan is filled already",
    "refers": "the question speaks of the passage as if it lay before the reader",
    "statement": "the question is a sentence of the passage",
    "unanswered": "the passage does not answer the question",
    "no_quote": "what the answer is said to rest on does not stand in the passage",
    "unsupported": "the judge finds something in the answer that the passage does not say",
    "contradicted": "the judge finds that the passage says otherwise",
}

#: so many words of ours in a row are a leak
RUN = 5
#: words that say nothing alone: English, and the commonest of German, French, Spanish
_STOP = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it
        its me my no not of on or our she so some such than that the their them then there these they this those to was we
        were what when where which who why will with would you your please der die das und ist ein eine zu le la les de
        des et un une est que el los y es en""",
    )
)
_TALK = re.compile(
    r"(?:sure|certainly|of course|absolutely|okay|ok|great)\s*[,.!:]+\s"
    r"|(?:here|below) (?:is|are|’s|'s)\b.{0,80}(?:prompt|question|instruction|task|version|rewrite|rewritten|text|answer)"
    r"|here'?s (?:a|an|the|my) .{0,60}:"
    r"|as an ai\b|i (?:have|'ve) (?:rewritten|created|generated|written)\b"
    r"|(?:the )?(?:(?:rewritten|new|evolved|given|created|requested|original) )?"
    r"(?:prompt|instruction|question|text|request|response)(?: was| is)?\s*:"
    r"|i(?:['’]m| am) (?:ready|happy|glad|here) to |i(?:['’]d| would) (?:be (?:happy|glad)|love) to |how (?:can|may) i (?:help|assist)\b",
    re.IGNORECASE,
)
_SORRY = re.compile(
    r"(?:i['’]?m |i am )?(?:so |very |really )?sorry,? (?:but )?(?:i|as)\b|(?:unfortunately|regrettably),? i\b"
    r"|i apologi[sz]e,? (?:but|as)\b|(?:es )?tut mir leid,|je suis désolé|lo siento",
    re.IGNORECASE,
)
_LEAKS = (
    "given prompt", "rewritten prompt", "created prompt", "new prompt", "original prompt", "given instruction",
    "rewritten instruction", "the passage above", "the text above", "<data", "</data", "json schema",
)  # fmt: skip


def problem(text: str, original: str = "") -> str | None:
    """What disqualifies a text, a slug of `PROBLEMS`; None where nothing does. original: what it was made from.

    >>> problem("Of the, to it.")
    'empty'
    >>> problem("Sure! Here is a new question: how?")
    'talk'
    >>> problem("Explain the #Given Prompt# in a haiku.")
    'leaked'
    >>> problem("Explain entropy in a haiku.") is None
    True
    """
    if all(word in _STOP for word in words(text)):
        return "empty"
    if _TALK.match(text.lstrip("*#\"'“ \n")):
        return "talk"
    lowered, before = _flat(text), _flat(original)
    if any(leak in lowered and leak not in before for leak in _LEAKS):
        return "leaked"
    if _runs(text) & _ours() - _runs(original):
        return "leaked"
    if _SORRY.match(text.lstrip("*#\"'“ \n")) and not _SORRY.search(original):
        return "refused"
    found = judge_text(text)
    if found is not None and found.score >= 0.5 and not found.partial:
        return "refused"
    return None


def _runs(text: str) -> set[tuple[str, ...]]:
    """Every five words that follow one another in a text."""
    told = words(text)
    return {tuple(told[i : i + RUN]) for i in range(len(told) - RUN + 1)}


@cache
def _ours() -> frozenset[tuple[str, ...]]:
    """Those of our prompts."""
    files = sorted((Path(__file__).parent / "prompts").glob("*.md"))
    return frozenset(run for file in files for run in _runs(file.read_text(encoding="utf-8")))


def _flat(text: str) -> str:
    return " ".join(text.lower().replace("#", " ").replace("*", " ").split())


def tidy(text: str) -> str:
    """A text without the number, the bullet or the quotation marks that models put around one of a list.

    >>> tidy('3. "Name a river."')
    'Name a river.'
    """
    text = re.sub(r"\A\s*(?:\d{1,3}[.)]|[-*•])\s+", "", text.strip()).strip()
    if len(text) > 1 and text[0] + text[-1] in ('""', "“”", "''", "``") and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text
