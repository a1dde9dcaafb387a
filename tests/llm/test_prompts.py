"""Prompt files: what they say, what is wrong with them, and what of them is the version."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.llm.prompts import Turn, as_prompt, load_prompt, parse_prompt

PROMPT = """\
---
role: annotator
labels: [a, b]
bar: {metric: accuracy, at_least: 0.9}
---
# Notes
For us alone.
# System
You sort {{things}}.
# User
Language: {language}

{inquiry}
"""


def plain(text: str, *, salt: str) -> str:
    return f"<{salt}|{text}>"


def test_sections_and_the_lines_of_columns() -> None:
    prompt = parse_prompt(PROMPT, name="sort", path=Path("prompts/sort.md"))
    assert prompt.columns == ("language", "inquiry")
    assert prompt.place("inquiry") == "prompts/sort.md:13"
    messages = prompt.messages({"language": "en", "inquiry": "Hi"}, plain)
    assert messages[0]["content"].startswith("You sort {things}.\n\nWhat stands between")
    assert messages[1]["content"] == "Language: <language|en>\n\n<inquiry|Hi>"
    assert "For us alone" not in str(messages)


def test_examples_are_earlier_turns() -> None:
    prompt = parse_prompt("Say {x}", name="p")
    turns = [Turn({"x": "one"}, "1"), Turn({"x": "two"}, "2")]
    said = [(m["role"], m["content"]) for m in prompt.messages({"x": "three"}, plain, turns=turns)]
    assert said[1:] == [
        ("user", "Say <x|one>"), ("assistant", "1"), ("user", "Say <x|two>"), ("assistant", "2"), ("user", "Say <x|three>")
    ]  # fmt: skip


@given(st.text())
def test_text_of_rows_is_never_a_template(text: str) -> None:
    prompt = parse_prompt("# System\nBe brief.\n# User\nA {x} B", name="p")
    system, user = prompt.messages({"x": text}, lambda value, *, salt: f"[{value}]")
    assert user["content"] == f"A [{text}] B"
    assert text not in system["content"] or text in "Be brief." + system["content"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no columns here", "no {column} is named"),
        ("# System\n{x}\n", "nothing stands under `# User`"),
        ("# User\nHello {x\n{y}", r"p.md:2: the brace at character 7"),
        ("# User\na\nb }\n{x}", r"p.md:3: the brace .* closes nothing"),
        ("stray\n# User\n{x}", "p.md:1: text before the first heading"),
        ("# User\n{x}\n# User\n{y}", "p.md:3: a second `# User`"),
        ("---\nlabel: [a]\n---\n{x}", r"p.md:2: unknown setting 'label'; did you mean 'labels'\?"),
        ("---\nrole: x\nmany: perhaps\n---\n{x}", "p.md:3: `many`: input should be a valid boolean"),
        ("---\nexamples:\n  pick: nearest\n---\n{x}", "p.md:2: `examples.pick`: input should be 'fixed'"),
        ("---\nmany: true\nrole: [\n---\n{x}", "p.md:3: expected the node"),
        ("---\nrole: a\n{x}", "p.md:1: the front matter that begins here has no end"),
        ("---\n- a\n---\n{x}", "the front matter is a mapping"),
        ("---\ninline: [y]\n---\n{x}", "`inline:` names 'y'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_prompt(text, name="p", path=Path("p.md"))


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(UsageError) as told:
        parse_prompt("---\nodd: 1\n---\n# User\n{x\n# System\n}", name="p", path=Path("p.md"))
    assert [line.split(" ")[0] for line in str(told.value).split("\n")] == ["p.md:2:", "p.md:7:", "p.md:5:"]


def test_the_version_is_of_what_is_said() -> None:
    version = parse_prompt(PROMPT, name="sort").version()
    notes = PROMPT.replace("For us alone", "Other notes").replace("0.9", "0.8")
    assert parse_prompt(notes, name="other").version() == version
    for before, after in (("You sort", "Sort"), ("Language:", "Tongue:"), ("labels", "inline: [language]\nlabels")):
        assert parse_prompt(PROMPT.replace(before, after), name="sort").version() != version


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "p.md"
    file.write_text("one {x}", encoding="utf-8")
    assert load_prompt(file).user == "one {x}"
    file.write_text("\ufefftwo, {x}\r\n", encoding="utf-8", newline="")
    assert load_prompt(file).user == "two, {x}"
    with pytest.raises(UsageError, match=r"no prompt '.*missing.md'"):
        load_prompt(tmp_path / "missing.md")


def test_a_path_and_a_text() -> None:
    assert as_prompt("prompts/a.md") == Path("prompts/a.md")
    for text in ("Sort {x}", "Sort {x}.md", "a.md\nb", "Sort this."):
        assert as_prompt(text) == text
