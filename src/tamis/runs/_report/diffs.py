"""Where two texts differ, as segments: ('=', text), ('-', text) on the left, ('+', text) on the right."""

from __future__ import annotations

import difflib
import re

Segments = list[tuple[str, str]]

#: characters shown before the first and after the last difference
CONTEXT = 120
#: characters compared between them
LIMIT = 700
#: replaced stretches up to this length are compared character by character
SMALL = 48

_TOKEN = re.compile(r"\w+|\s|[^\w\s]")


def differ(a: str, b: str) -> tuple[Segments, Segments]:
    """The two texts with their differences marked; long ones cut around the first.

    >>> differ("a red car", "a blue car")
    ([('=', 'a '), ('-', 'red'), ('=', ' car')], [('=', 'a '), ('+', 'blue'), ('=', ' car')])
    """
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    while head and tail_is_word(a, head) and middle_differs(middle_a, middle_b):
        head -= 1  # begin at a word's start, so that words are compared whole
        middle_a, middle_b = a[head] + middle_a, b[head] + middle_b
    before, after = a[max(0, head - CONTEXT) : head], a[len(a) - tail : len(a) - tail + CONTEXT]
    cut = len(middle_a) > LIMIT or len(middle_b) > LIMIT
    left, right = _compare(middle_a[:LIMIT], middle_b[:LIMIT])
    start = [("=", ("…" if head > CONTEXT else "") + before)] if before else []
    end = [("=", "…")] if cut else [("=", after + ("…" if tail > CONTEXT else ""))] if after else []
    return _joined([*start, *left, *end]), _joined([*start, *right, *end])


def tail_is_word(text: str, at: int) -> bool:
    """Whether a word runs on across `at`."""
    return at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def middle_differs(a: str, b: str) -> bool:
    """Whether there is something to compare, and little enough to widen."""
    return bool(a and b) and len(a) < LIMIT and len(b) < LIMIT


def _common(a: str, b: str) -> int:
    """How many characters the two begin with alike."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _compare(a: str, b: str) -> tuple[Segments, Segments]:
    left: Segments = []
    right: Segments = []
    mine, theirs = _TOKEN.findall(a), _TOKEN.findall(b)
    for op, i, j, k, m in difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes():
        old, new = "".join(mine[i:j]), "".join(theirs[k:m])
        if op == "equal":
            left.append(("=", old))
            right.append(("=", new))
        elif op == "replace" and len(old) <= SMALL and len(new) <= SMALL:
            fine = difflib.SequenceMatcher(None, old, new, autojunk=False)
            if fine.ratio() < 0.5:
                left.append(("-", old))
                right.append(("+", new))
                continue
            for kind, p, q, r, s in fine.get_opcodes():
                left.append(("=" if kind == "equal" else "-", old[p:q]))
                right.append(("=" if kind == "equal" else "+", new[r:s]))
        else:
            left.append(("-", old))
            right.append(("+", new))
    return left, right


def _joined(segments: Segments) -> Segments:
    """Neighbours of one kind as one, empty ones left out."""
    found: Segments = []
    for kind, text in segments:
        if not text:
            continue
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + text)
        else:
            found.append((kind, text))
    return found
