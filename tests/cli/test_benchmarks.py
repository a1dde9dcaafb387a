"""tamis benchmarks: build, list, show, remove."""

from __future__ import annotations

import json

import pytest

from .terminal import Terminal

EXAM = [
    {"task": "Name the capital of the smallest canton in the far east.", "key": "Appenzell"},
    {"task": "Name the river under the longest of the old wooden bridges.", "key": "Reuss"},
]


@pytest.fixture
def desk(tamis: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TAMIS_BENCHMARKS", str(tamis.folder / "built"))
    (tamis.folder / "exam.jsonl").write_text("".join(json.dumps(one) + "\n" for one in EXAM))
    return tamis


def test_the_life_of_a_benchmark(desk: Terminal) -> None:
    add = ("benchmarks", "add", "exam", "exam.jsonl", "--question", "task", "--answer", "key", "--licence", "CC BY 4.0")
    told = desk(*add, "--json").json
    assert (told["items"], told["licence"], told["sources"][0]["file"]) == (2, "CC BY 4.0", "exam.jsonl")
    again = desk(*add)
    assert again.code == 2
    assert "--replace builds it anew" in again.err
    assert "2 items, 2 with an answer" in desk(*add, "--replace").out
    [listed] = desk("benchmarks", "list", "--json").json
    assert (listed["name"], listed["items"]) == ("exam", 2)
    assert desk("benchmarks", "list").out.split() == ["exam", "2", "items", "CC", "BY", "4.0"]
    shown = desk("benchmarks", "show", "exam", "--limit", "1", "--json").json
    assert shown["first"] == [{"id": "1", "question": EXAM[0]["task"], "answers": ["Appenzell"], "choices": []}]
    assert "answer: Reuss" in desk("benchmarks", "show", "exam").out
    assert desk("benchmarks", "remove", "exam", "--json").json["removed"].endswith("exam.jsonl.gz")
    assert desk("benchmarks", "list", "--json").json == []
    assert "none has been built yet" in desk("benchmarks", "show", "exam").err


def test_a_recipe_names_it(desk: Terminal) -> None:
    (desk.folder / "rows.jsonl").write_text(
        json.dumps({"prompt": EXAM[0]["task"], "completion": "?"}) + '\n{"prompt": "Hello", "completion": "Hi"}\n'
    )
    (desk.folder / "recipe.yaml").write_text(
        "tamis: 1\nname: r\nsources: [{use: files, path: rows.jsonl}]\nsteps:\n  - use: map.prompt_completion\n"
        "  - use: decontaminate.exact\n    against: [exam]\ndeliver: [{use: jsonl, path: dist/r}]\n"
    )
    said = desk("run", "recipe.yaml")
    assert said.code == 2
    assert "no benchmark 'exam'; none has been built yet\nHint: tamis benchmarks add exam FILE …" in said.err
    desk("benchmarks", "add", "exam", "exam.jsonl", "--question", "task")
    told = desk("run", "recipe.yaml", "--json").json
    assert told["steps"]["decontaminate.exact"]["reasons"] == {"question_leaked": 1}


def test_what_is_wrong_is_told(desk: Terminal) -> None:
    for words, said in (
        (("add", "exam", "gone.jsonl"), "no test set 'gone.jsonl'"),
        (("add", "exam", "exam.jsonl", "--question", "tusk"), "has no column 'tusk'; did you mean 'task'?"),
        (
            ("add", "exam", "exam.jsonl"),
            "no column of the test set 'exam.jsonl' is known to hold questions; it has task, key",
        ),
        (("add", "../exam", "exam.jsonl"), "cannot be a benchmark's name"),
        (("show", "exam"), "no benchmark 'exam'"),
    ):
        answered = desk("benchmarks", *words)
        assert answered.code in (1, 2)
        assert said in answered.err
    assert not list(desk.folder.glob("built/*"))


@pytest.mark.parametrize("word", ["add", "list", "show", "remove"])
def test_every_one_has_an_example_and_json(tamis: Terminal, word: str) -> None:
    said = tamis("benchmarks", word, "--help")
    assert f"tamis benchmarks {word}" in said.out.split("Example:")[1]
    assert "--json" in said.out
