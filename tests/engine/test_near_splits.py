"""Near copies and splits: the leak check, and units that stay on one side."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

import tamis
from tamis.core.errors import StepError
from tamis.engine.copies import Copies
from tamis.engine.near_splits import near_leaks, near_units
from tamis.steps.split.group import Group
from tamis.steps.split.random import Random
from tamis.testing import run_step

ASKED = [
    "Please tell me where my order is, I have waited for it since Monday.",
    "Please tell me where my order is! I have waited for it since Friday",
    "How do I change the address that you send my invoices to?",
    "how do I change the address which you send my invoices to",
    "Can you recommend a lamp for a very small and rather dark room?",
    "What does it cost to send a parcel of three kilograms to Norway?",
]


def asked(prompts: list[str] = ASKED, **more: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": p, "response": f"answer {k}", **{name: v[k] for name, v in more.items()}}
        for k, p in enumerate(prompts)
    ]


def test_near_copies_across_splits_are_told() -> None:
    rows = asked(key=[str(k) for k in range(6)])
    pinned = {"golden": ("1",), "ids": "key", "together": (), "shares": {"train": 0.5, "validation": 0.5}}
    plain = run_step(Random(**pinned), rows)
    assert all(row.get("leak") is None for row in plain.evidence)
    for settings in ({}, {"leaks": ("prompt", "response")}):
        found = run_step(Random(**pinned, **settings, near=0.65), rows)
        assert found.column("split")[1] == "test"
        leaked = {k for k, row in enumerate(found.evidence) if row["leak"] is not None}
        assert {0, 1} <= leaked <= {0, 1, 2, 3}
        assert found.evidence[0]["leak_similarity"] == pytest.approx(0.8235, abs=1e-4)
        assert found.evidence[4]["leak_similarity"] is None


def test_near_copies_are_dropped_from_the_earlier_split_and_stop_a_run() -> None:
    rows = asked(ASKED[:2] + ASKED[4:], key=[str(k) for k in range(4)])
    pinned = {"golden": ("1",), "ids": "key", "together": (), "near": 0.6}
    assert run_step(Random(**pinned, on_leak="drop"), rows).outcomes == ["leak", "kept", "kept", "kept"]
    with pytest.raises(StepError, match="2 rows have a copy or near copy in another split"):
        run_step(Random(**pinned, on_leak="error"), rows)


def test_near_copies_stay_together() -> None:
    for seed in range(12):
        torn = run_step(Random(shares={"a": 0.5, "b": 0.5}), asked(), seed=seed).column("split")
        whole = run_step(Random(shares={"a": 0.5, "b": 0.5}, near=0.6), asked(), seed=seed)
        split = whole.column("split")
        assert split[0] == split[1]
        assert split[2] == split[3]
        assert all(row.get("leak") is None for row in whole.evidence)
        if torn[0] != torn[1]:
            break
    else:
        raise AssertionError("no seed tears them apart: the test shows nothing")


def test_groups_that_hold_near_copies_stay_together() -> None:
    rows = asked(user=["x", "y", "z", "z", "u", "v"])
    split = run_step(Group(by="user", near=0.6, shares={"a": 0.5, "b": 0.5}), rows).column("split")
    assert split[0] == split[1]


def test_near_may_not_be_nothing() -> None:
    with pytest.raises(ValidationError, match=r"greater than or equal to 0\.2"):
        Random(near=0.1)


def test_another_near_gathers_nothing_again() -> None:
    assert Random(near=0.6).gather_key() == Random(near=0.9).gather_key() != Random().gather_key()


def test_leaks_against_every_pair() -> None:
    rng = random.Random(4)
    for _ in range(60):
        n, k = 14, rng.randrange(1, 4)
        root = [rng.randrange(i + 1) for i in range(n)]
        best = np.array([-1 if rng.random() < 0.1 else root[root[root[i]]] for i in range(n)])
        best = np.array([b if b < 0 or best[b] == b else i for i, b in enumerate(best)])
        heads = [i for i in range(n) if best[i] == i]
        edges = {(a, b): rng.choice([0.7, 0.8, 0.9]) for a in heads for b in heads if a < b and rng.random() < 0.2}
        pairs = np.array(list(edges), np.int64).reshape(-1, 2)
        copies = Copies(best, pairs[:, 0], pairs[:, 1], np.array(list(edges.values())).reshape(-1, 1))
        split = np.array([rng.randrange(k) for _ in range(n)])
        found = near_leaks(copies, split)
        for i in range(n):
            near = [
                (edges.get((min(best[i], best[j]), max(best[i], best[j])), 0.0), j)
                for j in range(n)
                if min(best[i], best[j]) >= 0 and best[i] != best[j] and split[i] != split[j]
            ]
            near = [one for one in near if one[0] > 0]
            most = max((similarity for similarity, _ in near), default=None)
            assert (found.twin[i] >= 0) == bool(near)
            assert found.earlier[i] == any(split[j] > split[i] for _, j in near)
            if near:
                assert found.similarity[i] == most
                assert (most, found.twin[i]) in near


def test_units_are_components() -> None:
    best = np.array([0, 1, 0, 3, 4, -1])
    copies = Copies(best, np.array([0, 3]), np.array([3, 4]), np.ones((2, 1)))
    assert near_units(np.array([0, 1, 2, 3, 4, 5]), copies).tolist() == [0, 1, 0, 0, 0, 5]
    assert near_units(np.array([0, 1, 2, 1, 4, 4]), copies).tolist() == [0, 0, 0, 0, 0, 0]


def test_a_run_keeps_its_near_copies_apart_from_nothing(tmp_path: Path) -> None:
    rng = random.Random(8)
    words = [f"{a}{b}" for a in "bcdfgklmnprst" for b in ("alo", "ire", "umbe", "onst")]
    prompts = []
    for _ in range(120):
        text = [rng.choice(words) for _ in range(18)]
        prompts.append(" ".join(text))
        text[rng.randrange(18)] = rng.choice(words)
        prompts.append(" ".join(text))
    frame = pl.DataFrame({"prompt": prompts, "completion": [f"answer {k}" for k in range(240)]})
    steps = [tamis.step("map.auto"), tamis.step("split.random", near=0.7)]
    result = tamis.run(tamis.Recipe(name="apart", steps=steps), frame, workspace=tmp_path)
    split = result.to_polars(plain=True).sort("completion")["split"]
    by_prompt = dict(zip(result.to_polars(plain=True)["prompt"], result.to_polars()["split"], strict=True))
    assert all(by_prompt[prompts[k]] == by_prompt[prompts[k + 1]] for k in range(0, 240, 2))
    assert (split == "validation").sum() == 48
    assert result.warnings == []
