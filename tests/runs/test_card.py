"""The dataset card: right figures, safe text, and a folder that `datasets` loads."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from tamis.core.row import MESSAGES
from tamis.runner.deliver import Publisher
from tamis.runs.card import card, limits, size_category
from tamis.sinks.csv import Csv
from tamis.sinks.jsonl import Jsonl
from tamis.sinks.openai_chat import OpenaiChat
from tamis.sinks.parquet import Parquet

FACTS: dict[str, Any] = {
    "name": "customer-intents",
    "description": "What customers want.",
    "license": "cc-by-4.0",
    "language": ["en", "de"],
    "tags": ["intent"],
    "seed": 42,
    "tamis": "0.1.0",
    "command": "tamis run recipe.yaml",
    "files": [
        {"path": "train.jsonl", "split": "train", "rows": 400, "size": 90000, "sha256": "a" * 64},
        {"path": "validation.jsonl", "split": "validation", "rows": 100, "size": 22000, "sha256": "b" * 64},
    ],
    "targets": [
        {
            "use": "openai_chat",
            "loader": "json",
            "about": "Chat JSON Lines.",
            "files": ["train.jsonl", "validation.jsonl"],
            "columns": [{"name": "messages", "type": "messages", "from": "messages"}],
        }
    ],
    "steps": [
        {
            "name": "filter.length", "in": 700, "kept": 640, "dropped": 60,
            "reasons": {"too_short": 55, "too_long": 5, "never": 0},
            "sentences": {"too_short": "the text is shorter than `min`", "never": "not seen"},
        },
        {"name": "dedup.exact", "in": 640, "kept": 500, "merged": 140, "reasons": {}},
    ],
    "sources": [{"path": "data/inquiries.csv", "rows": 700, "unreadable": 2, "xxh3": "f00", "license": "CC BY 4.0"}],
    "outcomes": {"in": 702, "kept": 500, "dropped": 60, "merged": 140, "held": 0, "quarantined": 2},
    "labels": {"category": {"billing": 491, "returns": 9}},
    "warnings": ["2 rows could not be read"],
}  # fmt: skip


def facts(**other: Any) -> dict[str, Any]:
    return {**copy.deepcopy(FACTS), **other}


def front(text: str) -> dict[str, Any]:
    assert text.startswith("---\n")
    return dict(yaml.safe_load(text.split("---\n")[1]))


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n\n")[1].split("\n## ")[0]


def test_the_front_matter_is_what_the_hub_reads() -> None:
    head = front(card(FACTS))
    assert head == {
        "pretty_name": "customer-intents",
        "license": "cc-by-4.0",
        "language": ["en", "de"],
        "size_categories": ["n<1K"],
        "tags": ["tamis", "intent"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "train.jsonl"},
                    {"split": "validation", "path": "validation.jsonl"},
                ],
            }
        ],
        "dataset_info": [
            {
                "config_name": "default",
                "splits": [
                    {"name": "train", "num_bytes": 90000, "num_examples": 400},
                    {"name": "validation", "num_bytes": 22000, "num_examples": 100},
                ],
                "download_size": 112000,
                "dataset_size": 112000,
            }
        ],
    }


def test_the_sections() -> None:
    text = card(FACTS)
    assert "# customer-intents\n\nWhat customers want.\n\n500 rows, made with" in text
    assert "| `train.jsonl` | train | 400 | 90,000 | `aaaaaaaaaaaa…` |" in section(text, "Splits")
    assert "| `messages` | messages | `messages` |" in section(text, "Columns")
    assert "| returns | 9 |" in section(text, "Labels")
    made = section(text, "How it was made")
    assert "| `filter.length` | 700 | 640 | too_short 55, too_long 5 |" in made
    assert "| `dedup.exact` | 640 | 500 | 140 merged |" in made
    assert "- `too_short`: the text is shorter than \\`min\\`" in made
    assert "not seen" not in made
    assert "Of 702 rows read: 500 kept, 60 dropped, 140 merged, 2 quarantined." in made
    assert "| `data/inquiries.csv` | 700 | 2 | CC BY 4.0 | xxh3 `f00` |" in section(text, "Sources")
    assert "$ tamis run recipe.yaml" in section(text, "How to rebuild")
    assert "Seed 42." in section(text, "How to rebuild")


def test_the_same_facts_give_the_same_text_and_stay_as_they_were() -> None:
    given = facts()
    assert card(given) == card(facts())
    assert given == FACTS


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"files": [{**FACTS["files"][0], "rows": 99}]}, "Only 99 rows"),
        ({"labels": {"c": {"a": 9, "b": 10}}}, "1 of 2 values of `c` have fewer than 10 rows: `a`."),
        ({"license": ""}, "No licence is given for this dataset"),
        ({"sources": [{"path": "a.csv", "rows": 1}]}, "The licence of 1 source is not stated."),
        ({"warnings": ["so *it* is"]}, "so \\*it\\* is"),
    ],
)
def test_known_limits(other: dict[str, Any], said: str) -> None:
    clean = facts(labels={}, warnings=[])
    assert limits(clean) == []
    assert any(said in one for one in limits({**clean, **other}))
    assert said in section(card({**clean, **other}), "Known limits")


def test_no_folder_of_the_author_is_told() -> None:
    text = card(
        facts(
            sources=[
                {"path": p, "rows": 1} for p in ("/home/jo/secret/a.csv", "../b.csv", r"C:\Users\jo\c.csv", "d/e.csv")
            ]
        )
    )
    assert "jo" not in section(text, "Sources")
    assert [word in text for word in ("`a.csv`", "`b.csv`", "`c.csv`", "`d/e.csv`")] == [True] * 4


def test_text_from_data_breaks_neither_table_nor_page() -> None:
    label = "a|b\n| x | <script>alert(1)</script> [l](javascript:x) `c`"
    text = card(facts(labels={"cat|egory`": {label: 3}}, name="n\n# m", sources=[{"path": "a|b`.csv", "rows": 1}]))
    assert "<script>" not in re.sub("`[^`\n]*`", "", text)
    (line,) = [one for one in section(text, "Labels").split("\n") if "alert" in one and one.startswith("|")]
    assert line.replace("\\|", "").count("|") == 3
    assert "\n# m" not in text.split("---\n")[2]
    assert front(text)["pretty_name"] == "n\n# m"
    assert "`a¦b'.csv`" in text


@pytest.mark.parametrize(
    ("rows", "word"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**6 - 1, "100K<n<1M"), (10**6, "1M<n<10M"), (10**10, "n>1B")],
)
def test_sizes_in_the_words_of_the_hub(rows: int, word: str) -> None:
    assert size_category(rows) == word


def test_little_is_needed() -> None:
    text = card(
        {"name": "x", "files": [{"path": "data.jsonl", "split": None, "rows": 1, "size": 3, "sha256": "c" * 64}]}
    )
    assert front(text)["configs"][0]["data_files"] == [{"split": "train", "path": "data.jsonl"}]
    assert "1 row, made with" in text


def test_two_formats_of_one_set_are_not_counted_twice() -> None:
    more = [{"path": "data/train-00000-of-00001.parquet", "split": "train", "rows": 400, "size": 9, "sha256": "d" * 64}]
    targets = [*FACTS["targets"], {"use": "parquet", "loader": "parquet", "files": [more[0]["path"]], "columns": []}]
    text = card(facts(files=FACTS["files"] + more, targets=targets))
    assert "500 rows, made with" in text
    assert [config["config_name"] for config in front(text)["configs"]] == ["default"]
    assert "data/train-00000-of-00001.parquet" in section(text, "Splits")


def delivery(folder: Path, sink: Any) -> Path:
    """A small delivery whose rows hold what loaders stumble over."""
    fields = [f.name for f in MESSAGES.inner.fields]  # type: ignore[union-attr]
    turn = dict.fromkeys(fields)
    calls = json.dumps([{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}])
    rows = [
        [{**turn, "role": "user", "content": f"{i}\u2028é\x00"}, {**turn, "role": "assistant", "content": "A"}]
        for i in range(30)
    ]
    rows[7] = [
        {**turn, "role": "user", "content": "?"},
        {**turn, "role": "assistant", "tool_calls": calls},
        {**turn, "role": "tool", "tool_call_id": "c", "content": "1"},
        {**turn, "role": "assistant", "content": "A", "weight": 1},
    ]
    frame = pl.DataFrame(
        [
            pl.Series("messages", rows, dtype=MESSAGES),
            pl.Series("source.zip", ["00501"] * 30),
            pl.Series("source.day", ["2024-01-31"] * 30),
            pl.Series("split", ["train", "train", "golden-set"] * 10),
        ]
    )
    with Publisher(folder) as publisher:
        target = publisher.target(sink, dict(frame.schema))
        target.write(frame)
        columns = sink.described(frame.schema)

        def text(files: list[Any]) -> str:
            about = {"use": sink.address(), **sink.settings_note(), "columns": columns, "files": target.paths()}
            return card({"name": "x", "files": [one._asdict() for one in files], "targets": [about]})

        publisher.publish(text)
    return folder


@pytest.mark.parametrize("sink", [OpenaiChat, Jsonl, Csv, Parquet])
def test_datasets_loads_the_folder_without_a_network(
    tmp_path: Path, sink: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    datasets = pytest.importorskip("datasets", reason="the library `datasets` is not installed")
    options = {"rows_per_file": 7} if sink is Parquet else {}
    folder = delivery(tmp_path / "out", sink(path="out", **options))
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 20, "golden_set": 10}
    first = loaded["train"][0]
    if sink is Csv:
        assert json.loads(first["messages"])[0]["content"] == "0\u2028é\x00"
    else:
        assert first["messages"][0]["content"] == "0\u2028é\x00"
    if sink is Parquet:
        assert (first["zip"], first["day"]) == ("00501", "2024-01-31")
