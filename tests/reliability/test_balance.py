"""Every row accounted for: of any small data set, the manifest, the ledger, the delivery and `why` say the same."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tamis.runs.ledger import Ledger
from tamis.runs.why import Why

from .workshop import LONG, run, small_slices

RECIPE = """
tamis: 1
name: any
seed: 5
max_quarantined: 1
sources:
  - {use: files, name: chats, path: chats.jsonl, types: {prompt: text, completion: text, topic: text}}
  - use: files
    name: trees
    path: trees.jsonl
    id: [key]
    types: {key: integer, topic: text}
    map:
      - {use: map.threads, column: tree}
steps:
  - {use: map.auto, where: "messages is null"}
  - {use: clean.unicode}
  - {use: filter.empty, in: prompt}
  - {use: clean.whitespace, where: "topic is not null"}
  - {use: python, file: mine.py}
  - {use: filter.length, in: all, unit: characters, min: 4, max: 60}
  - {use: filter.repetition, where: "topic = 'a'"}
  - {use: dedup.exact, on: all}
  - {use: filter.where, keep: "length(prompt) < 30"}
  - {use: dedup.exact, id: one-answer-each, on: prompt, keep: longest}
  - {use: split.stratified, by: topic, shares: {train: 0.6, test: 0.4}}
deliver:
  - {use: jsonl, path: dist/all, row_id: id}
  - {use: openai_chat, path: dist/chat}
"""
MINE = """
def apply(row):
    said = " ".join(message["content"] or "" for message in row["messages"] or [])
    if "boom" in said:
        raise ValueError("boom")
    return "no" not in said.split() or "it says no"
"""
ENDS = ("kept", "dropped", "merged", "held", "quarantined")

texts = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "hello there",
            "Hello  there!",
            "no way",
            "boom",
            "a" * 70,
            "\u200b",
            "caf\u00c3\u00a9",
            "\U0001f44d",
            "yes",
        ]
    ),
    st.text('ab \n\t\u00e9\u4e2d\u202e\U0001f600"\\', max_size=12),
)
topics = st.sampled_from(["a", "b", None])
chats = st.fixed_dictionaries({"prompt": st.one_of(texts, st.none()), "completion": texts, "topic": topics})


def tree(answers: list[str]) -> dict[str, Any]:
    return {
        "role": "prompter",
        "text": "one of many?",
        "replies": [{"role": "assistant", "text": text} for text in answers],
    }


trees = st.fixed_dictionaries({
    "key": st.one_of(st.integers(1, 6), st.none()),
    "tree": st.one_of(st.lists(texts, max_size=3).map(tree), st.just({"role": "x"})),
    "topic": topics,
})  # fmt: skip
lines = st.one_of(
    chats.map(json.dumps), st.sampled_from(["{", "[]", '{"prompt": 1, "prompt": 2}', "NaN", '{"prompt": "\\ud800"}'])
)


#: there is always something to deliver
GOOD = [{"prompt": f"a fine question {n}", "completion": "an answer", "topic": topic} for n, topic in enumerate("aabb")]
GOOD_TREE = {"key": 99, "tree": tree(["one", "two", "three"]), "topic": "a"}


def check(folder: Path, read: int) -> None:
    result = run(folder)
    ledger = Ledger(result.folder)
    manifest = json.loads((result.folder / "manifest.json").read_text(encoding="utf-8"))
    totals = manifest["outcomes"]

    # the manifest adds up, in all and at every step, and each step takes what the one before left
    assert totals["in"] + totals["born"] == sum(totals[end] for end in ENDS)
    assert totals["in"] == read
    unreadable = len(ledger.quarantined())
    assert unreadable == manifest["quarantined"]["count"] == sum(manifest["quarantined"]["causes"].values())
    going = totals["in"] - unreadable
    for step in manifest["steps"]:
        assert step["in"] == going, step["name"]
        assert step["in"] + step["born"] == sum(step[end] for end in ENDS), step
        without = step["merged"] if step["born"] else 0  # parents are merged into their children without a reason
        assert sum(step["reasons"].values()) == step["dropped"] + step["merged"] + step["held"] - without, step
        going = step["kept"]
    assert going == totals["kept"]
    for end in ("dropped", "merged", "held"):
        assert totals[end] == sum(step[end] for step in manifest["steps"])
    assert totals["quarantined"] == unreadable + sum(step["quarantined"] for step in manifest["steps"])

    # the ledger's lines are the account, and no row leaves twice
    gone: dict[tuple[int, int], str] = {}
    for step in ledger.steps:
        counted: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for index in range(len(ledger.partitions())):
            part = ledger.part(step, index)
            for line in () if part is None else part.iter_rows(named=True):
                if (index, line["row"]) in gone:
                    assert line["outcome"] == "kept", "a row that left is judged no more"
                elif line["outcome"] != "kept":
                    gone[index, line["row"]] = step["name"]
                    counted[line["outcome"]] += 1
                    reasons.update([line["reason"]] if line["reason"] else [])
                    assert (line.get("into") is not None) == (line["outcome"] == "merged") or step["born"], line
        assert counted == {end: step[end] for end in ENDS[1:] if step[end]}, step["name"]
        assert reasons == step["reasons"], step["name"]
    rows = {(i, k) for i, part in enumerate(ledger.partitions()) for k in range(part["rows"])}
    assert len(rows) == totals["in"] - unreadable + totals["born"]
    kept = rows - set(gone)
    assert len(kept) == totals["kept"]

    # what is kept is what is delivered, once, in one split
    places = [tuple(place) for frame in ledger.delivered().values() for place in frame.iter_rows()]
    assert sorted(places) == sorted(kept)
    for target in ("jsonl", "openai_chat"):
        files = [one for one in manifest["delivered"] if one["target"] == target and one["split"]]
        assert sum(one["rows"] for one in files) == totals["kept"]
        for one in files:
            data = Path(one["path"]).read_bytes()
            assert data.count(b"\n") == one["rows"] == ledger.delivered()[one["split"]].height

    # why: each row's life ends where the ledger says, and the delivered line is that row's
    why = Why(result.folder)
    ids = [row["id"] for split in ("train", "test") for row in told(folder / f"dist/all/{split}.jsonl")]
    assert len(ids) == len(set(ids)) == totals["kept"]
    for index, row in sorted(rows)[:: 1 if LONG else 3]:
        found = ledger.at(index, row)
        assert why.find(found.id) == [found]
        life = why.life(found)
        assert life["left_at"] == gone.get((index, row))
        assert life["outcome"] == life["steps"][-1]["outcome"]
        assert all(step["outcome"] == "kept" for step in life["steps"][:-1])
        assert len(life["delivered"]) == (found.id in ids)
        for place in life["delivered"]:
            assert told(folder / "dist/all" / f"{place['file']}.jsonl")[place["line"] - 1]["id"] == found.id
        into = life["steps"][-1]["into"]
        if into is not None:  # the survivor was alive then
            [survivor] = ledger.find(into)
            order = [step["name"] for step in ledger.steps]
            end = gone.get((survivor.partition, survivor.row))
            assert end is None or order.index(end) > order.index(life["left_at"])
        if life["born_from"] is not None:
            [parent] = ledger.find(life["born_from"])
            assert gone[parent.partition, parent.row].startswith("map.threads")


def told(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@settings(
    max_examples=int(os.environ.get("TAMIS_EXAMPLES", 300 if LONG else 6)),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not LONG,
    phases=list(Phase) if LONG else [Phase.explicit, Phase.generate],  # shrinking takes minutes
)
@given(
    st.lists(lines, min_size=1, max_size=30),
    st.lists(trees, min_size=1, max_size=8),
    st.sampled_from([60, 300, 1 << 20]),
)
def test_every_row_is_accounted_for(mixed: list[str], grown: list[dict[str, Any]], size: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tamis-balance-"))
    try:
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        (folder / "mine.py").write_text(MINE, encoding="utf-8")
        mixed, grown = [*mixed, *map(json.dumps, GOOD)], [*grown, GOOD_TREE]
        (folder / "chats.jsonl").write_text("\n".join(mixed) + "\n", encoding="utf-8")
        (folder / "trees.jsonl").write_text("".join(json.dumps(row) + "\n" for row in grown), encoding="utf-8")
        with small_slices(size):
            check(folder, len(mixed) + len(grown))
            check(folder, len(mixed) + len(grown))  # and again, from what is kept
    finally:
        shutil.rmtree(folder)
