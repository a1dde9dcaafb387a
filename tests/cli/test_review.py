"""tamis review: what it refuses before it serves. That it serves: tests/web, and tests/house/test_wheel.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tamis.core.errors import UsageError
from tamis.web.people import parse_reviewers

TAMIS = [sys.executable, "-m", "tamis", "review", "--no-browser"]


def review(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TAMIS, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "no runs under"),
        (("nothing",), "no run"),
        (("--host", "192.168.1.7"), "plain HTTP"),
        (("--behind-proxy", "http://a.org"), "speaks TLS"),
    ],
)
def test_what_cannot_be_is_one_message(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    done = review(tmp_path, *words)
    assert done.returncode == 2
    assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_without_the_extra_the_command_is_told() -> None:
    code = (
        "import sys\n"
        "sys.modules['uvicorn'] = None\n"
        "from pathlib import Path\n"
        "from tamis.core.errors import MissingExtra\n"
        "from tamis.web.server import serve\n"
        "try:\n    serve(Path('.'))\nexcept MissingExtra as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "tamis[web]"' in done.stdout


def test_reviewers_are_named_on_the_line_or_in_a_file(tmp_path: Path) -> None:
    assert parse_reviewers("ann,bob:lead") == {"ann": "reviewer", "bob": "lead"}
    file = tmp_path / "people.txt"
    file.write_text("# the team\nann\n\nÖzlem Ü.:lead\n")
    assert parse_reviewers(str(file)) == {"ann": "reviewer", "Özlem Ü.": "lead"}


@pytest.mark.parametrize(
    ("text", "part"),
    [("ann:boss", "possible: reviewer, lead"), ("ann,ann", "named twice"), (",", "names nobody"), (":lead", "is no name"),
     ("nothere.txt", "cannot read"), ("a" * 81, "is no name"), ("a\x1bb", "is no name")],
)  # fmt: skip
def test_reviewers_that_cannot_be(text: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        parse_reviewers(text)
