"""`tamis clusters` at a terminal."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from .terminal import Terminal

TOPICS = ("card", "refund", "password", "hotel")
RECIPE = """
tamis: 1
name: topics
sources:
  - use: files
    path: rows.jsonl
    id: [key]
steps:
  - {use: cluster.kmeans, id: fine, k: 4, vectors: "column:vector", name_by: "column:text"}
  - {use: cluster.kmeans, id: coarse, k: 2, vectors: "column:vector", name_by: "column:text"}
  - {use: review.clusters, candidates: [fine, coarse]}
deliver:
  - {use: jsonl, path: dist/out, columns: {key: key, cluster: review.clusters.cluster, name: review.clusters.name}}
"""


@pytest.fixture
def waiting(tamis: Terminal) -> Terminal:
    """A workspace whose run waits for a choice."""
    rows = [
        {
            "key": f"{at}-{n}",
            "text": f"my {topic} has <b>problem</b> {n}",
            "vector": [1.0 if k == at else 0.04 * n for k in range(4)],
        }
        for at, topic in enumerate(TOPICS)
        for n in range(6)
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("recipe.yaml").write_text(RECIPE)
    said = tamis("run", "recipe.yaml", "--progress", "none")
    assert said.code == 3
    assert "tamis clusters" in said.err
    return tamis


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_from_the_first_look_to_the_delivery(waiting: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = waiting("clusters", "list", "--json").json
    assert [one["step"] for one in listed["clusterings"]] == ["fine", "coarse"]
    assert "6 of 6 clusters are still to be looked at" in waiting("clusters", "list").out
    shown = waiting("clusters", "show", "fine", "--cluster", "0")
    assert len(re.findall(r"^ {6}[·~]", shown.out, re.M)) == 8
    early = waiting("clusters", "choose", "fine", "--why", "finer")
    assert early.code == 2
    assert "cannot be chosen yet" in early.err
    typed(monkeypatch, "", "", "q")
    waiting("clusters", "look", "fine", "--who", "ann")
    assert waiting("clusters", "list", "--json").json["clusterings"][0]["looked"] == 2
    typed(monkeypatch, "", "")
    assert "2 clusters looked at" in waiting("clusters", "look", "fine", "--who", "ann").out
    waiting("clusters", "look", "coarse", "--all")
    for name in ("fine", "coarse"):
        assert waiting("clusters", "shortlist", name).code == 0
    assert waiting("clusters", "choose", "fine", "--why", "finer", "--who", "ann").code == 0
    assert waiting("clusters", "rename", "fine", "1", "Second things").code == 0
    assert waiting("clusters", "merge", "fine", "2", "3", "--name", "Two topics").code == 0
    assert waiting("run", "recipe.yaml", "--progress", "none").code == 0
    rows = [json.loads(line) for line in Path("dist/out/data.jsonl").read_text().splitlines()]
    assert {row["cluster"] for row in rows} == {0, 1, 2}
    assert {"Second things", "Two topics"} < {row["name"] for row in rows}


def test_what_is_not_there_is_told(waiting: Terminal) -> None:
    said = waiting("clusters", "rename", "fine", "17", "x")
    assert (said.code, "has no cluster 17; it has 0 to 3" in said.err) == (2, True)
    said = waiting("clusters", "show", "fime")
    assert (said.code, "did you mean 'fine'" in said.err) == (2, True)
    said = waiting("clusters", "show", "fine", "--cluster", "9")
    assert (said.code, "has no cluster 9" in said.err) == (2, True)


def test_the_blind_test_is_asked_and_goes_on_where_it_was_left(
    waiting: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, *["u"] * 3, "q")
    said = waiting("clusters", "test", "fine", "coarse", "--who", "ann")
    assert "[1 of" in said.out
    assert "fine-" not in said.out.split("answers of")[0]  # nobody sees which clustering it was
    assert "3 answers of 1 person: nobody has answered yet" in said.out
    typed(monkeypatch, "q")
    assert "[4 of" in waiting("clusters", "test", "coarse", "fine", "--who", "ann").out
    told = waiting("clusters", "test", "fine", "coarse", "--results", "--json").json
    assert told["answers"] == 3


def test_the_comparison_has_figures_flows_and_a_page_that_shows_text_as_text(waiting: Terminal) -> None:
    told = waiting("clusters", "compare", "--json", "--html", "c.html").json
    fine, coarse = told["clusterings"]
    figures: dict[str, Any] = {one["name"]: one for one in fine["hints"]}
    assert set(figures) == {"silhouette", "stability", "npmi"}
    assert figures["silhouette"]["value"] > 0.8
    assert figures["stability"]["low"] <= figures["stability"]["value"] <= figures["stability"]["high"]
    assert len(fine["cards"][0]["central"]) == 5
    assert "the silhouette rewards ever finer splits" in told["hint"]
    assert any("cluster" in line for line in told["flows"][0]["sentences"])
    page = Path("c.html").read_text()
    assert "<b>problem</b>" not in page
    assert "&lt;b&gt;problem&lt;/b&gt;" in page
    assert "rewards ever finer splits" in page
    assert "://" not in page
    assert "Figures" not in waiting("clusters", "compare", "fine", "coarse").err
    measured = list(Path(".tamis/recorded/clusterings").glob("*/measures.json"))
    assert len(measured) == 2
    assert coarse["clusters"] == 2


def test_a_grid_is_fitted_over_the_run_s_vectors_and_reused_by_the_recipe(waiting: Terminal) -> None:
    Path("grid.yaml").write_text("- {use: cluster.kmeans, k: [2, 3]}\n- {use: cluster.kmeans, id: extra, k: 5}\n")
    told = waiting("clusters", "compare", "--grid", "grid.yaml", "--json").json
    assert [(one["step"], one["clusters"]) for one in told["clusterings"]] == [
        ("kmeans.k2", 2),
        ("kmeans.k3", 3),
        ("extra", 5),
    ]
    assert [one["step"] for one in waiting("clusters", "list", "--json").json["clusterings"]] == ["fine", "coarse"]
    kept = {one["step"] for one in waiting("clusters", "list", "--all", "--json").json["clusterings"]}
    assert kept == {"fine", "coarse", "kmeans.k2", "kmeans.k3", "extra"}
    before = {path.name for path in Path(".tamis/recorded/clusterings").iterdir()}
    Path("recipe.yaml").write_text(
        RECIPE.replace("id: coarse, k: 2", "id: extra, k: 5").replace("[fine, coarse]", "[fine, extra]")
    )
    assert waiting("run", "recipe.yaml", "--progress", "none").code == 3
    assert {path.name for path in Path(".tamis/recorded/clusterings").iterdir()} == before  # nothing was fitted again


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ("use: cluster.kmeans", "is no grid"),
        ("- {use: filter.length}", "'filter.length' does not cluster"),
        ("- {use: cluster.kmeans}", "cluster.kmeans: k: Field required"),
        ("- {use: cluster.kmeens, k: 2}", "no step 'cluster.kmeens'; did you mean"),
        ("- {use: cluster.kmeans, k: [" + ", ".join(map(str, range(1, 80))) + "]}", "at most 64 at a time"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(waiting: Terminal, grid: str, said: str) -> None:
    Path("grid.yaml").write_text(grid)
    told = waiting("clusters", "compare", "--grid", "grid.yaml")
    assert told.code == 2
    assert said in told.err
