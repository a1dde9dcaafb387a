"""`tamis prompt eval` and `compare`: frozen rows, figures, what is written down, and what both say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tamis.runs import prompts
from tests.endpoint import Endpoint, Seen

from .terminal import Terminal

PROMPT = "---\nlabels: [billing, delivery]\nEXTRA---\nInquiry: {inquiry}\n"


def sorts(asked: Seen) -> Any:
    """Right in English, and mostly wrong in German."""
    return {"label": "delivery" if "parcel" in asked.last else "billing"}


@pytest.fixture
def prompted(tamis: Terminal, endpoint: Endpoint) -> Terminal:
    endpoint.script = sorts
    tamis.write("prompts/intent.md", PROMPT.replace("EXTRA", ""))
    fill(tamis, 160)
    tamis.write(
        "recipe.yaml",
        f"""
tamis: 1
name: intents
models: {{annotator: lab/m}}
connections: {{lab: {{url: {endpoint.url}}}}}
sources: [{{use: files, path: in.csv, id: [id]}}]
steps: [{{use: annotate.label, prompt: prompts/intent.md}}]
deliver: [{{use: jsonl, path: dist/intents}}]
""",
    )
    return tamis


def fill(tamis: Terminal, count: int) -> None:
    lines = []
    for k in range(count):
        german = k % 4 == 0
        parcel = k % 3 > 0
        text = ("Wo ist mein Paket??" if german else "where is my parcel?") if parcel else "I was charged twice"
        lines.append(f"{k},{text} no {k},{'delivery' if parcel else 'billing'},{'de' if german else 'en'},c{k // 2}")
    tamis.write("in.csv", "id,inquiry,category,language,customer\n" + "\n".join(lines) + "\n")


def records(terminal: Terminal, kind: str, prompt: str = "intent") -> list[prompts.Record]:
    return [r for r in prompts.read(terminal.folder / f"decisions/prompts/{prompt}.jsonl") if r.kind == kind]


def evaluated(terminal: Terminal, *more: str) -> dict[str, Any]:
    said = terminal("prompt", "eval", "intent", "--gold", "category", "--rows", "120", "--json", *more)
    assert said.code in (0, 3), said.err
    told: dict[str, Any] = json.loads(said.out)
    return told


def test_figures_with_intervals_the_worst_group_and_what_the_gate_reads(prompted: Terminal) -> None:
    told = evaluated(prompted)
    lines = (prompted.folder / "in.csv").read_text(encoding="utf-8").splitlines()[1:]
    ids = dict(zip(*(every(prompted)), strict=True))
    held = records(prompted, "set")[0].rows
    right = ["Paket" not in lines[ids[row]] for row in held]
    assert told["rows"] == len(held) == 120
    accuracy = told["metrics"]["accuracy"]
    assert accuracy["value"] == pytest.approx(sum(right) / 120, abs=1e-6)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert {"kappa", "alpha", "ac1", "f1_macro", "precision_weighted"} <= told["metrics"].keys()
    assert told["cells"] == [["billing", "billing", right.count(True) - told["cells"][2][2]], *told["cells"][1:]]
    assert [c[:2] for c in told["cells"]] == [["billing", "billing"], ["delivery", "billing"], ["delivery", "delivery"]]
    assert told["slices"][0]["name"] == "language = de and right label = delivery"
    assert told["slices"][0]["rate"] == 1.0
    written = records(prompted, "evaluation")[0]
    assert written.metrics == told["metrics"]
    assert (written.version, written.model) == (told["version"], "lab/m")
    assert written.facts["slices"] == told["slices"]
    assert "Paket" not in json.dumps(written.facts)  # figures, no texts of rows


def every(terminal: Terminal) -> tuple[list[str], range]:
    """All ids, in the order of the file."""
    from tamis.recipe.load import load
    from tamis.runner.before import rows_before

    with rows_before(load(terminal.folder / "recipe.yaml"), terminal.folder, "annotate.label") as before:
        return before.ids, range(len(before.ids))


def test_rows_are_frozen_across_versions_and_new_rows_and_apart_from_pilots(
    prompted: Terminal, endpoint: Endpoint
) -> None:
    assert prompted("prompt", "try", "intent", "--rows", "19").code == 0
    shown = set(records(prompted, "try")[0].rows)
    first = evaluated(prompted)
    held = records(prompted, "set")[0].rows
    assert len(held) == 120
    assert not shown & set(held)
    bought = len(endpoint.posts())
    again = evaluated(prompted)
    assert again["metrics"] == first["metrics"]
    assert len(endpoint.posts()) == bought  # a second look costs nothing
    prompted.write("prompts/intent.md", PROMPT.replace("EXTRA", "").replace("Inquiry", "Message"))
    fill(prompted, 200)  # more rows, other version
    third = evaluated(prompted)
    assert third["version"] != first["version"]
    assert third["metrics"]["accuracy"]["value"] == first["metrics"]["accuracy"]["value"]
    assert len(records(prompted, "set")) == 1
    assert prompted("prompt", "try", "intent", "--rows", "19", "--new").code == 0
    assert not set(records(prompted, "try")[-1].rows) & set(held)


def test_below_the_bar_the_exit_code_is_that_of_a_gate(prompted: Terminal) -> None:
    prompted.write("prompts/intent.md", PROMPT.replace("EXTRA", "bar: {metric: f1_macro, at_least: 0.99}\n"))
    said = prompted("prompt", "eval", "intent", "--gold", "category", "--rows", "120")
    assert said.code == 3, said.err
    assert "below its bar: f1_macro is 0." in said.out
    assert "Where it is worst" in said.out
    assert "language = de and right label = delivery: 1" in said.out
    prompted.write("prompts/intent.md", PROMPT.replace("EXTRA", "bar: {metric: f1_macro, at_least: 0.5}\n"))
    assert prompted("prompt", "eval", "intent", "--gold", "category", "--rows", "120").code == 0


def test_failed_rows_count_as_wrong(prompted: Terminal, endpoint: Endpoint) -> None:
    endpoint.script = lambda asked: {"label": "nonsense" if "parcel" in json.dumps(asked.body) else "billing"}
    told = evaluated(prompted)
    assert told["answered"] < told["rows"] == 120
    assert any("have no answer; they count as wrong" in line for line in told["reading"])
    assert told["metrics"]["accuracy"]["value"] < 0.5


def test_a_column_of_groups_widens_the_intervals_and_gold_is_needed(prompted: Terminal) -> None:
    assert evaluated(prompted, "--group", "customer")["metrics"]["accuracy"]["low"] > 0
    said = prompted("prompt", "eval", "intent")
    assert said.code == 2
    assert "--gold COLUMN" in said.err
    assert "no column 'categry'" in prompted("prompt", "eval", "intent", "--gold", "categry").err


def test_compare_tells_wins_losses_and_the_rows(prompted: Terminal, endpoint: Endpoint) -> None:
    def script(asked: Seen) -> Any:
        known = ("parcel", "Paket") if "Message" in asked.last else ("parcel",)
        return {"label": "delivery" if any(word in asked.last for word in known) else "billing"}

    endpoint.script = script
    prompted.write("prompts/better.md", PROMPT.replace("EXTRA", "").replace("Inquiry", "Message"))
    said = prompted("prompt", "compare", "intent", "prompts/better.md", "--gold", "category", "--rows", "120", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["wins"] == told["changed"] > 10
    assert told["losses"] == 0
    assert told["p"] < 0.01
    assert told["difference"]["low"] > 0
    assert "B is better than A" in told["verdict"]
    assert all(
        "Paket" in row["input"]["inquiry"] and row["b"] == row["right"] == "delivery" for row in told["changed_rows"]
    )
    assert len(records(prompted, "comparison")) == 1
    assert len(prompts.read(prompted.folder / "decisions/prompts/better.jsonl")) == 1
    text = prompted(
        "prompt", "compare", "intent", "prompts/better.md", "--gold", "category", "--rows", "120", "--show", "3"
    )
    assert "B wins" in text.out
    assert "Paket" in text.out
    back = ("prompt", "compare", "prompts/better.md", "prompts/intent.md", "--step", "annotate.label")
    recipe = (
        (prompted.folder / "recipe.yaml").read_text(encoding="utf-8").replace("prompts/intent.md", "prompts/better.md")
    )
    prompted.write("recipe.yaml", recipe)
    said = prompted(*back, "--gold", "category", "--rows", "120", "--fail-if-worse")
    assert said.code == 1, said.err + said.out


def test_free_text_is_rated_by_the_recipes_judge(tamis: Terminal, endpoint: Endpoint) -> None:
    endpoint.script = summaries
    tamis.write("prompts/short.md", "Summarise: {note}\n")
    tamis.write("prompts/long.md", "Summarise at length: {note}\n")
    rows = [f"{k},the pump number {k} leaks{' badly' if k % 4 == 0 else ''},pump {k} leaks" for k in range(60)]
    tamis.write("in.csv", "id,note,reference\n" + "\n".join(rows) + "\n")
    tamis.write(
        "recipe.yaml",
        f"""
tamis: 1
name: notes
models: {{annotator: lab/gpt-x, judge: lab/claude-y}}
connections: {{lab: {{url: {endpoint.url}}}}}
sources: [{{use: files, path: in.csv, id: [id]}}]
steps:
  - {{use: annotate.answer, prompt: prompts/short.md, into: summary, id: sum}}
  - {{use: score.judge, in: "column:sum.summary", canaries: 0, repeat: 0}}
deliver: [{{use: jsonl, path: dist/notes}}]
""",
    )
    said = tamis(
        "prompt",
        "eval",
        "short",
        "--gold",
        "reference",
        "--overlap",
        "--judge",
        "score.judge",
        "--rows",
        "50",
        "--json",
    )
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert told["kind"] == "ratings"
    assert sum(told["distribution"].values()) == told["rows"] == 50
    bad = told["distribution"]["bad"]
    assert told["distribution"] == {"very bad": 0, "bad": bad, "moderate": 0, "good": 50 - bad, "excellent": 0}
    assert told["metrics"]["rating"]["value"] == pytest.approx((3 * (50 - bad) + bad) / 50, abs=1e-6)
    assert told["metrics"]["rouge_1"]["value"] > 0.5
    text = tamis("prompt", "eval", "short", "--rows", "50")
    assert "very bad" in text.out
    assert "rating" in text.out
    told = json.loads(tamis("prompt", "compare", "short", "prompts/long.md", "--rows", "50", "--json").out)
    assert (told["wins"], told["losses"]) == (bad, 0)
    assert told["unit"] == "of the five levels"


def summaries(asked: Seen) -> Any:
    """A writer that drops a word, and a judge that minds it."""
    whole = json.dumps(asked.body, ensure_ascii=False)
    if "You judge one answer" in whole:
        return {"why": "so", "level": "bad" if "short badly" in whole else "good"}
    word = "long" if "at length" in whole else "short"
    return f"pump leaks {word}" + (" badly" if "badly" in asked.last else "")


def test_the_page_shows_figures_groups_and_versions(prompted: Terminal) -> None:
    nothing = prompted("prompt", "report", "intent")
    assert nothing.code == 2
    assert "never measured" in nothing.err
    evaluated(prompted)
    prompted.write("prompts/intent.md", PROMPT.replace("EXTRA", "").replace("Inquiry", "<b>Message"))
    prompted.write("prompts/better.md", PROMPT.replace("EXTRA", "").replace("Inquiry", "Text"))
    evaluated(prompted)
    assert prompted("prompt", "compare", "intent", "better", "--gold", "category", "--rows", "120").code == 0
    said = prompted("prompt", "report", "intent")
    assert said.code == 0, said.err
    page = (prompted.folder / "decisions/prompts/intent.html").read_text(encoding="utf-8")
    for word in ("Cohen&#x27;s kappa", "language = de and right label = delivery", "Versions side by side", "B wins"):
        assert word in page
    told = json.loads(prompted("prompt", "report", "intent", "--json").out)
    assert all(one["version"][:8] in page for one in told["evaluations"])
    assert "style=" not in page  # the page's policy lets no inline style through
