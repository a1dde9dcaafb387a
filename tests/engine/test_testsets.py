"""Test sets as they come, and the files that are built of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import CorruptFile, DataError, UsageError
from tamis.engine import benchmarks
from tamis.engine.testsets import Item, Named, read_items, unwrapped

SHAPES: list[tuple[str, dict[str, Any], Item]] = [
    ("gsm8k", {"question": "How many?", "answer": "4\n#### 4"}, Item("1", "How many?", ("4\n#### 4",))),
    ("humaneval", {"task_id": "H/0", "prompt": "def f():", "canonical_solution": "  return 1", "test": "assert f()"}, Item("H/0", "def f():", ("  return 1",))),
    ("bbh", {"task": "t", "input": "Pick.\nOptions:\n(A) one\n(B) two", "target": "(B)"}, Item("1", "Pick.", ("two",), ("one", "two"))),
    ("mmlu", {"question": "Which?", "choices": ["a b", "c d"], "answer": 1}, Item("1", "Which?", ("c d",), ("a b", "c d"))),
    ("arc", {"id": "Q7", "question": "Which?", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "B"}, Item("Q7", "Which?", ("y",), ("x", "y"))),
    ("arc as text", {"query": "Question: Which?", "choices": "['x one', 'y two']", "gold": 0}, Item("1", "Which?", ("x one",), ("x one", "y two"))),
    ("letters within", {"query": "Question: Which?\nA. red\nB. blue\nAnswer:", "choices": ["A", "B"], "gold": 1}, Item("1", "Which?", ("blue",), ("red", "blue"))),
    ("columns of letters", {"question": "Which?", "A": "p", "B": "q", "answer": "A"}, Item("1", "Which?", ("p",), ("p", "q"))),
    ("alpaca", {"instruction": "Sum up.", "input": "A text.", "output": "Short."}, Item("1", "Sum up.\nA text.", ("Short.",))),
    ("chat", {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yo"}]}, Item("1", "Hi?", ("Yo",))),
    ("sharegpt", {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yo"}]}, Item("1", "Hi?", ("Yo",))),
    ("winograd", {"context_options": ["The cup", "The can"], "continuation": "is full.", "gold": 1}, Item("1", "The can is full.")),
    ("aqua", {"context": "Cost?", "answer": "5", "chain_of_thought": "Since 2 + 3 = 5"}, Item("1", "Cost?", ("5", "Since 2 + 3 = 5"))),
    ("a number that is an answer", {"question": "2+2?", "answer": 4}, Item("1", "2+2?", ("4",))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "record", "item"), SHAPES, ids=[shape[0] for shape in SHAPES])
def test_shapes_are_recognised(name: str, record: dict[str, Any], item: Item, tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(json.dumps(record) + "\n")
    assert read_items(file) == [item]


def test_several_turns_are_several_questions(tmp_path: Path) -> None:
    file = tmp_path / "mt.jsonl"
    file.write_text(json.dumps({"question_id": 81, "turns": ["Write a blog.", "Now rewrite it."]}) + "\n")
    assert [(i.id, i.question) for i in read_items(file)] == [("81", "Write a blog."), ("81/2", "Now rewrite it.")]


def test_mmlu_without_a_header(tmp_path: Path) -> None:
    file = tmp_path / "anatomy.csv"
    file.write_text('"Which, if any?",x,y,z,w,B\nAnd now?,1,2,3,4,D\n')
    assert read_items(file)[0] == Item("1", "Which, if any?", ("y",), ("x", "y", "z", "w"))
    assert read_items(file)[1].answers == ("4",)


def test_every_kind_of_file(tmp_path: Path) -> None:
    records = [{"question": f"Wie groß ist {k}?", "answer": f"so {k}"} for k in range(3)]
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    frame = pl.DataFrame(records)
    (tmp_path / "a.jsonl").write_text(lines, encoding="utf-8")
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "a.json").write_text(json.dumps(records), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps({"version": "1", "data": records}), encoding="utf-8")
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    frame.write_parquet(tmp_path / "a.parquet")
    found = {file.name: read_items(file) for file in sorted(tmp_path.iterdir())}
    assert len(found) == 7
    assert all(items == found["a.jsonl"] for items in found.values())


def test_ids_that_name_groups_get_numbers(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text('{"id": "t", "question": "a?"}\n{"id": "t", "question": "b?"}\n')
    assert [item.id for item in read_items(file)] == ["t:1", "t:2"]


def test_columns_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "set.csv"
    file.write_text("nr,frage,loesung\n7,Wie?,So.\n")
    assert read_items(file, Named("frage", "loesung", None, "nr")) == [Item("7", "Wie?", ("So.",))]


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Q: Why?\nA:", "Why?"),
        ("Why?\nAnswer:", "Why?"),
        ("Problem: Add.", "Add."),
        ("A: letter", "A: letter"),
        ("Plain", "Plain"),
    ],
)
def test_wrappers_are_taken_off(text: str, bare: str) -> None:
    assert unwrapped(text) == (bare, [])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"question": \n', "cannot be read"),
        ("a.jsonl.gz", gzip.compress(b'{"question": "x"}', mtime=0)[:-9], "cannot be read"),
        ("a.json", b"[1, 2]", "is known to hold questions"),
        ("a.jsonl", b'{"question": " "}\n', "holds no question"),
        ("a.parquet", b"PAR1", "cannot be read"),
        ("a.csv", b"\xff\xfe\x00", "cannot be read"),
    ],
    ids=["json", "gzip", "array", "blank", "parquet", "csv"],
)
def test_broken_files_are_told(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_items(tmp_path / name)


def test_every_real_set_is_read(data: Path) -> None:
    told = {}
    for file in sorted((data / "benchmarks").iterdir()):
        if file.suffix != ".md" and "judge_prompts" not in file.name and "reference" not in file.name:
            told[file.name] = read_items(file)
    assert len(told) == 37
    assert sum(map(len, told.values())) > 50_000
    assert all(item.question.strip() for items in told.values() for item in items)
    assert told["mmlu_sociology_test.csv"][0].answers == (
        "the media manipulate 'the masses' as vulnerable, passive consumers",
    )
    assert told["bbh.jsonl.gz"][0].answers == ("False",)


# -- built files --------------------------------------------------------------------------------


def built(folder: Path) -> Path:
    file = folder / "set.jsonl"
    file.write_text('{"question": "Größe?", "answer": "a\\u2028b"}\n')
    benchmarks.add("s", [file], licence="MIT", folder=folder / "b")
    return folder / "b" / "s.jsonl.gz"


def test_a_built_file_comes_back_whole_and_is_the_same_bytes(tmp_path: Path) -> None:
    path = built(tmp_path)
    first = path.read_bytes()
    assert benchmarks.read(path).items == (Item("1", "Größe?", ("a\u2028b",)),)
    benchmarks.add("s", [tmp_path / "set.jsonl"], licence="MIT", folder=tmp_path / "b", replace=True)
    assert path.read_bytes() == first
    assert benchmarks.known(tmp_path / "b") == ["s"]
    head = json.loads(gzip.decompress(first).split(b"\n")[0])
    assert (head["format"], head["version"], head["items"]) == ("tamis-benchmark", 1, 1)


def test_every_damage_is_noticed(tmp_path: Path) -> None:
    path = built(tmp_path)
    whole = path.read_bytes()
    inner = gzip.decompress(whole)
    for bad in (b"", whole[:40], whole[:-4], inner, gzip.compress(inner.replace("Größe".encode(), b"Grosse"))):
        path.write_bytes(bad)
        with pytest.raises((CorruptFile, DataError)):
            benchmarks.load("s", path, Named())
    path.write_bytes(gzip.compress(inner.replace(b'"version": 1', b'"version": 9')))
    with pytest.raises(DataError, match=r"is of version 9; this Tamis reads version 1\nHint: build it again"):
        benchmarks.load("s", path, Named())


def test_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TAMIS_BENCHMARKS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert benchmarks.home() == tmp_path / "data" / "tamis" / "benchmarks"
    monkeypatch.setenv("TAMIS_BENCHMARKS", str(tmp_path / "own"))
    assert benchmarks.home() == tmp_path / "own"
    assert not benchmarks.is_file("gsm8k")
    assert benchmarks.is_file("gsm8k.jsonl.gz")
    assert benchmarks.is_file("sets/gsm8k")
    with pytest.raises(UsageError, match="cannot be a benchmark's name"):
        benchmarks.place("a.csv")
