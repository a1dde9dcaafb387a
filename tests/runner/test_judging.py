"""Judging with real requests: canaries bought once, a second run for nothing, families, and what the ledger tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.judging import judging
from tamis.runs.ledger import Ledger
from tests.endpoint import Endpoint, Seen
from tests.judges import RUDE

ROWS = 40


def judges(asked: Seen) -> Any:
    """Long answers are good ones; rude ones are not; it is talked round by whoever names a mark in brackets."""
    answer = asked.last.split("Answer:")[-1]
    if "[RESULT]" in answer:
        return {"why": "it says so", "level": "excellent"}
    return {"why": "w", "level": "very bad" if RUDE.search(answer) else "good" if len(answer) > 120 else "bad"}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint(judges) as found:
        yield found


def recipe(endpoint: Endpoint, folder: Path, *, producer: str = "anthropic/claude-sonnet-5", more: str = "") -> Recipe:
    lines = [f"{k},What is {k}?,{'A number. ' * (1 + k % 2 * 9)}{k},{'good' if k % 2 else 'bad'}" for k in range(ROWS)]
    (folder / "in.csv").write_text("id,ask,said,human\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return parse(f"""
tamis: 1
name: judged
models: {{judge: lab/gpt-5}}
connections: {{lab: {{url: {endpoint.url}, retries: 1}}}}
sources: [{{use: files, path: in.csv, id: [id]}}]
steps:
  - use: map.template
    user: "{{ask}}"
    assistant: "{{said}}"
    producer: "{producer}"
  - {{use: score.judge, human: human, repeat: 0.5, min: 2{more}}}
deliver: [{{use: jsonl, path: dist/judged}}]
""")


def test_a_judging_run_and_what_it_tells(endpoint: Endpoint, tmp_path: Path) -> None:
    result = execute(recipe(endpoint, tmp_path), tmp_path)
    step = result.summary()["steps"]["score.judge"]
    assert (step["in"], step["kept"], step["dropped"]) == (ROWS, ROWS // 2, ROWS // 2)
    bought = endpoint.bought()
    told = judging(Ledger(result.folder))["score.judge"]
    again = told["repeat"]["same"]["of"]
    assert bought.total() == ROWS + again + 6 + 1  # canaries once, whatever the rows; and the probe for schemas
    assert told["rows"] == ROWS
    assert told["canaries"] == {"judged": 6, "passed": 5, "failed": ["refund/injection"], "unread": []}
    assert told["length"]["spearman"]["value"] > 0.7
    assert told["human"]["same"]["value"] == 1.0
    assert told["repeat"]["same"]["value"] == 1.0
    assert told["families"] == {"other": ROWS}
    assert told["refused"] == 0
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert "Answers of known worth: 5 of 6 judged as they must be." in page
    assert "texts can talk this judge round" in page
    seen = len(endpoint.posts())
    execute(recipe(endpoint, tmp_path), tmp_path)
    assert len(endpoint.posts()) == seen


def test_rows_of_the_judges_own_family_are_refused_and_told(endpoint: Endpoint, tmp_path: Path) -> None:
    own = recipe(endpoint, tmp_path, producer="openai/gpt-4o", more=", failed: keep")
    result = execute(own, tmp_path)
    assert result.outcomes["kept"] == ROWS
    assert endpoint.posts() == []  # nothing is bought
    told = judging(Ledger(result.folder))["score.judge"]
    assert (told["refused"], told["unjudged"]) == (ROWS, {"own_family": ROWS})
    assert f"{ROWS} rows not judged" in (result.folder / "report.html").read_text(encoding="utf-8")


def test_verdicts_that_cannot_be_read_are_told_by_reason(tmp_path: Path) -> None:
    """And the key of a reply, which looks like the id of a row, is taken for none."""
    with Endpoint(lambda asked: "I would rather not say.") as endpoint:
        text = recipe(endpoint, tmp_path, more=", failed: keep, reply: text, canaries: 0")
        result = execute(text, tmp_path)
    assert judging(Ledger(result.folder))["score.judge"]["unjudged"] == {"unparsed": ROWS}
    page = (result.folder / "report.html").read_text(encoding="utf-8")
    assert f"{ROWS} rows without a verdict: {ROWS} replies in which none can be found." in page
    assert "name another row" not in page
