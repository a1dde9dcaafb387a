"""What the drivers share: reading the rows, writing which are kept, n-grams as peers make them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

WORD = re.compile(r"\w+")


def arguments() -> tuple[Path, Path]:
    """(the rows, where the numbers of the kept ones go)."""
    return Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()


def texts(path: Path) -> Iterator[str]:
    """Each row as one text."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield f"{row['prompt']}\n{row['completion']}"


def shingles(text: str, n: int = 5) -> set[str]:
    """The word n-grams of a text; the whole of a shorter one."""
    words = WORD.findall(text.lower())
    return {" ".join(words[k : k + n]) for k in range(max(1, len(words) - n + 1))}


def characters(text: str, n: int = 5) -> set[str]:
    """The character n-grams of a text in lower case, white space as one blank; the whole of a shorter one."""
    text = " ".join(text.lower().split())
    return {text[k : k + n] for k in range(max(1, len(text) - n + 1))}


def write_kept(path: Path, numbers: Iterable[int]) -> None:
    path.write_text("".join(f"{number}\n" for number in numbers))
