"""Begin a step: `make step NAME=filter.x` writes src/tamis/steps/filter/x.py and tests/steps/filter/test_x.py.

Both work as they stand, so the first thing you see is a passing test; then make the step yours. Its page in the
documentation, its place in the JSON Schema and its line in `tamis steps` follow from the file's place.
"""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent

#: Families whose steps need all rows, and families that set columns; every other family drops rows.
TABLES = ("dedup", "cluster", "select", "split")
CHANGES = ("clean", "map", "score", "privacy")

DROP = '''"""$address"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep
from tamis.engine.measure import count


class $name(RowStep):
    """Drop rows whose text is longer than `max` characters.

    ## What it does
    Say what is looked at, what is counted, and where the threshold lies.

    ## Why
    Say what goes wrong in training when such rows stay.

    ## Example
    >>> from tamis.testing import run_step
    >>> print(run_step($name(max=5), [{"response": "short"}, {"response": "too long"}]).line)
    2 in = 1 kept + 1 dropped (too_long 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"too_long": "the text has more than `max` characters"}

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    max: int = Field(10_000, ge=1, description="Longest text kept, in characters.")

    def judge(self, rows: Columns) -> Verdict:
        length = count(rows.buffers(self.view), "characters")
        return drop("too_long", when=length > self.max, length=length)
'''

CHANGE = '''"""$address"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import RowStep
from tamis.engine.measure import count


class $name(RowStep):
    """Add the length of a text as a column.

    ## What it does
    Say what is read and which column is set; `$address` stands before the column's name.

    ## Why
    Say what the new value is good for.

    ## Example
    >>> from tamis.testing import run_step
    >>> result = run_step($name(), [{"response": "short"}])
    >>> print(result.line)
    1 in = 1 kept
    >>> result.column("$address.length")
    [5]
    """

    version: ClassVar[int] = 1
    sets: ClassVar[tuple[str, ...]] = ("length",)

    view: View = Field("response", alias="in", description="Which text of the row is measured.")

    def judge(self, rows: Columns) -> Verdict:
        return change(length=count(rows.buffers(self.view), "characters"))
'''

TABLE = '''"""$address"""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, TableStep
from tamis.engine.measure import count


class $name(TableStep):
    """Keep the rows with the longest texts.

    ## What it does
    Say what is gathered from each row, and what is decided over all of them.

    ## Why
    Say why this cannot be told from one row alone.

    ## Example
    >>> from tamis.testing import run_step
    >>> print(run_step($name(keep=1), [{"response": "short"}, {"response": "the longest"}]).line)
    2 in = 1 kept + 1 dropped (not_among_longest 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_among_longest": "at least `keep` texts are longer, or as long and earlier"}

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    keep: int = Field(1_000, ge=1, description="How many rows stay.")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {"length": count(rows.buffers(self.view), "characters")}

    def decide(self, table: Table) -> Verdict:
        length = table["length"].fill_null(0)
        place = length.rank("ordinal", descending=True)
        return drop("not_among_longest", when=place > self.keep, length=length)
'''

TEST = '''"""$address"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.steps.$address import $name
from tamis.testing import run_step

#: configuration, rows, the outcome of each row
CASES: list[tuple[dict[str, Any], list[dict[str, Any]], list[str]]] = [
$cases]


@pytest.mark.parametrize(("configuration", "rows", "expected"), CASES)
def test_outcomes(configuration: dict[str, Any], rows: list[dict[str, Any]], expected: list[str]) -> None:
    assert run_step($name(**configuration), rows).outcomes == expected
'''

CASES = {
    "drop": """    ({"max": 5}, [{"response": "short"}], ["kept"]),
    ({"max": 5}, [{"response": "longer"}], ["too_long"]),
    ({"in": "prompt", "max": 5}, [{"prompt": "hi", "response": "longer"}], ["kept"]),
""",
    "change": """    ({}, [{"response": "short"}], ["kept"]),
    ({"in": "prompt"}, [{"prompt": "hi", "response": "short"}], ["kept"]),
""",
    "table": """    ({"keep": 1}, [{"response": "short"}, {"response": "longer"}], ["not_among_longest", "kept"]),
    ({"keep": 2}, [{"response": "short"}, {"response": "longer"}], ["kept", "kept"]),
""",
}


def files(address: str) -> dict[str, str]:
    """Path (relative to the repository) → content, for a new step at an address."""
    family, module = address.split(".")
    name = "".join(part.capitalize() for part in module.split("_"))
    kind = "table" if family in TABLES else "change" if family in CHANGES else "drop"
    words = {"address": address, "name": name, "cases": CASES[kind]}
    skeleton = {"drop": DROP, "change": CHANGE, "table": TABLE}[kind]
    return {
        f"src/tamis/steps/{family}/{module}.py": Template(skeleton).substitute(words),
        f"tests/steps/{family}/test_{module}.py": Template(TEST).substitute(words),
    }


def problem(address: str) -> str | None:
    """What is wrong with an address, if anything."""
    match = re.fullmatch(r"([a-z][a-z0-9]*)\.([a-z][a-z0-9_]*)", address)
    if not match:
        return f"{address!r} is no address; it looks like filter.length: family, dot, name, in small letters"
    if any(keyword.iskeyword(word) for word in match.groups()):
        return f"{address!r} holds a word that Python reserves"
    return None


def misspelt(address: str, root: Path) -> str | None:
    """The family that was meant, where there is none of the given name but one much like it."""
    family = address.split(".")[0]
    known = sorted(path.parent.name for path in (root / "src/tamis/steps").glob("*/__init__.py"))
    return None if family in known else next(iter(difflib.get_close_matches(family, known, 1, 0.7)), None)


def write(address: str, root: Path) -> list[Path]:
    """Write the files of a new step. FileExistsError if one of them is there; then nothing was written."""
    wanted = {root / path: text for path, text in files(address).items()}
    for path in wanted:
        if path.exists():
            raise FileExistsError(f"{path.relative_to(root)} is there already")
    package = root / "src/tamis/steps" / address.split(".")[0] / "__init__.py"
    if not package.exists():
        package.parent.mkdir(parents=True)
        package.write_text(f'"""Steps of the family `{address.split(".")[0]}`."""\n', encoding="utf-8")
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(wanted)


def main() -> int:
    parser = argparse.ArgumentParser(description="Begin a step.")
    parser.add_argument("address", help="family.name, for example filter.shouting")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    wrong = problem(options.address)
    if wrong:
        print(f"new_step: {wrong}\nHint: make step NAME=filter.shouting", file=sys.stderr)
        return 2
    meant = misspelt(options.address, options.root)
    if meant:
        family, _, name = options.address.partition(".")
        print(f"new_step: no family {family!r}; did you mean {meant!r}?", file=sys.stderr)
        print(f"Hint: make step NAME={meant}.{name}; a new family needs a name unlike the others", file=sys.stderr)
        return 2
    try:
        written = write(options.address, options.root)
    except FileExistsError as error:
        print(f"new_step: {error}; nothing was written\nHint: choose another name, or edit that file", file=sys.stderr)
        return 1
    for path in written:
        print(f"wrote {path.relative_to(options.root)}")
    print("next: make it yours, then `make schema` and `make test`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
