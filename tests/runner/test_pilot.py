"""The prompt loop with real requests: pilots, corrections, examples, and the gate before all rows are annotated."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting, RecipeError, UsageError
from tamis.core.events import Event, Warned
from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner.before import prompted_step, rows_before
from tamis.runner.execute import execute
from tamis.runner.pilot import Pilot
from tamis.runs import prompts
from tests.endpoint import Endpoint, Said, Seen

PROMPT = """\
---
labels: {billing: money, delivery: parcels}
---
# System
You sort inquiries.
# User
Inquiry: {inquiry}
"""


def sorts(asked: Seen) -> Any:
    last = asked.last
    return {"label": "delivery" if "parcel" in last else "billing"}


class Loop:
    """A workspace with sixty inquiries and an endpoint that sorts them."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder, self.endpoint = folder, endpoint
        endpoint.script = sorts
        self.model = "lab/m"
        self.more = ""
        (folder / "prompts").mkdir()
        self.say(PROMPT)
        self.fill(60)

    def fill(self, count: int) -> None:
        lines = [f"{k},{'where is my parcel' if k % 3 else 'I was charged twice'} no {k}" for k in range(count)]
        (self.folder / "in.csv").write_text("id,inquiry\n" + "\n".join(lines) + "\n", encoding="utf-8")

    def say(self, text: str) -> None:
        (self.folder / "prompts/intent.md").write_text(text, encoding="utf-8")

    @property
    def recipe(self) -> Recipe:
        return parse(f"""
tamis: 1
name: intents
models: {{annotator: {self.model}}}
connections: {{lab: {{url: {self.endpoint.url}, retries: 1}}}}
sources: [{{use: files, path: in.csv, id: [id]}}]
steps:
  - {{use: filter.where, keep: "inquiry not like '% no 1%'"}}
  - {{use: annotate.label, prompt: prompts/intent.md{self.more}}}
deliver: [{{use: jsonl, path: dist/intents}}]
""")

    def pilot(self, work: Any) -> Any:
        with rows_before(self.recipe, self.folder, "annotate.label") as before:
            return work(Pilot(before, self.recipe, self.folder))

    def accept(self, count: int = 19) -> list[str]:
        """A whole pilot, accepted: the ids of its rows."""

        def work(pilot: Pilot) -> list[str]:
            shown = pilot.rows(count)
            for one in shown:
                pilot.decide(one, "accept")
            return [one.id for one in shown]

        ids: list[str] = self.pilot(work)
        return ids

    def run(self) -> tuple[Any, list[str]]:
        events: list[Event] = []
        result = execute(self.recipe, self.folder, emit=events.append)
        return result, [event.message for event in events if isinstance(event, Warned)]

    @property
    def posts(self) -> int:
        return len(self.endpoint.posts())


@pytest.fixture
def loop(tmp_path: Path, endpoint: Endpoint) -> Loop:
    return Loop(tmp_path, endpoint)


def delivered(loop: Loop) -> list[dict[str, Any]]:
    files = sorted((loop.folder / "dist/intents").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_run_waits_asks_nothing_then_annotates_and_buys_no_row_twice(loop: Loop) -> None:
    with pytest.raises(GateWaiting, match="looked at 0 of 19 pilot rows"):
        loop.run()
    assert loop.posts == 0
    loop.accept()
    bought = loop.posts
    assert bought <= 20  # and the probe for schemas
    result, warnings = loop.run()
    assert result.folder.name == "1"  # the run that waited goes on
    rows = delivered(loop)
    assert len(rows) == 49
    assert loop.posts == bought + 49 - 19
    assert Counter(row["label"] for row in rows) == Counter(
        "delivery" if "parcel" in row["inquiry"] else "billing" for row in rows
    )
    assert any("19 of 19 pilot rows were accepted; it declares no `bar:`" in one for one in warnings)
    loop.run()
    assert loop.posts == bought + 49 - 19


def test_another_prompt_or_model_closes_the_gate_and_the_old_one_opens_it_again_for_nothing(loop: Loop) -> None:
    loop.accept()
    loop.run()
    bought = loop.posts
    loop.say(PROMPT.replace("You sort", "Please sort"))
    with pytest.raises(GateWaiting):
        loop.run()
    loop.say(PROMPT)
    loop.model = "lab/other"
    with pytest.raises(GateWaiting, match="lab/other"):
        loop.run()
    loop.model = "lab/m"
    loop.say(PROMPT + "# Notes\nNothing of this is said.\n")
    loop.run()
    assert loop.posts == bought


def test_a_bar_keeps_it_closed_until_the_metric_is_known(loop: Loop) -> None:
    loop.say(PROMPT.replace("---\nlabels", "---\nbar: {metric: accuracy, at_least: 0.9}\nlabels", 1))
    loop.accept()
    with pytest.raises(GateWaiting, match="its accuracy is not known"):
        loop.run()
    gate = loop.pilot(lambda pilot: pilot.gate)
    told = prompts.Record("evaluation", "intent", gate.version, "lab/m", metrics={"accuracy": {"value": 0.95}})
    prompts.append(prompts.prompt_file(loop.folder, "intent"), [told])
    loop.run()
    assert len(delivered(loop)) == 49


def test_tries_go_on_where_they_were_and_then_show_other_rows(loop: Loop) -> None:
    def some(pilot: Pilot) -> list[str]:
        shown = pilot.rows()
        for one in shown[:5]:
            pilot.decide(one, "accept")
        return [one.id for one in shown]

    first = loop.pilot(some)
    assert loop.pilot(some) == first
    loop.accept()
    second = loop.accept()
    assert not set(first) & set(second)
    loop.say(PROMPT.replace("You sort", "Please sort"))
    third = loop.accept()
    assert not set(third[:11]) & {*first, *second}  # 49 rows: eleven had not been seen
    assert loop.pilot(lambda pilot: [r.facts["try"] for r in prompts.tries(pilot.records())]) == [1, 2, 3]


def test_verdicts_are_written_as_they_are_given(loop: Loop) -> None:
    def work(pilot: Pilot) -> Any:
        shown = pilot.rows(4)
        pilot.decide(shown[0], "accept", comment="clear")
        pilot.decide(shown[1], "correct", "Billing")
        pilot.decide(shown[2], "reject")
        pilot.decide(shown[2], "undo")
        with pytest.raises(UsageError, match="no label 'refund'; possible: "):
            pilot.decide(shown[3], "correct", "refund")
        with pytest.raises(UsageError, match="a correction belongs to the verdict"):
            pilot.decide(shown[3], "accept", "billing")
        return pilot.summary(shown), shown

    summary, shown = loop.pilot(work)
    assert [row["verdict"] for row in summary["rows"]] == ["accept", "correct", None, None]
    assert summary["rows"][1]["correction"] == "billing"
    assert summary["rows"][0]["comment"] == "clear"
    assert (summary["looked"], summary["accepted"]) == (2, 1)
    assert summary["rows"][0]["input"] == dict(shown[0].values)


def test_a_row_that_changed_is_asked_about_again(loop: Loop) -> None:
    shown = loop.accept(49)
    text = (loop.folder / "in.csv").read_text(encoding="utf-8")
    (loop.folder / "in.csv").write_text(text.replace("my parcel no 2\n", "our parcel no 2\n"), encoding="utf-8")
    rows = loop.pilot(lambda pilot: [(one.id, pilot.verdict(one) is None) for one in pilot.rows(49)])
    assert {row for row, _ in rows} == set(shown)
    assert sum(stale for _, stale in rows) == 1


def test_reviewed_rows_become_examples_but_not_frozen_ones(loop: Loop) -> None:
    loop.say(PROMPT.replace("---\nlabels", "---\nexamples: {pick: similar, count: 2}\nlabels", 1))

    def work(pilot: Pilot) -> Any:
        shown = pilot.rows(6)
        pilot.decide(shown[0], "accept")
        pilot.decide(shown[1], "correct", "billing")
        pilot.decide(shown[2], "reject")
        pilot.decide(shown[3], "accept")
        frozen = prompts.Record("set", *pilot._about(), rows=(shown[3].id,))
        prompts.append(pilot.path, [frozen])
        return pilot.keep_examples(), pilot.gate.version, [one.id for one in shown]

    (file, count), version, ids = loop.pilot(work)
    assert (file.name, count) == ("intent.examples.jsonl", 2)
    held = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert {one["id"] for one in held} == set(ids[:2])
    assert held[1 if held[1]["id"] == ids[1] else 0]["output"] == "billing"

    def shown_next(pilot: Pilot) -> Any:
        return pilot.gate.version, pilot.rows(49), pilot.keep_examples()[1]

    other, rows, again = loop.pilot(shown_next)
    assert other != version
    assert again == 2
    assert not {one.id for one in rows} & {*ids[:2], ids[3]}  # neither examples nor frozen rows
    body = loop.endpoint.posts()[-1].body
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_the_hardest_are_those_the_model_is_least_sure_of(loop: Loop) -> None:
    def unsure(asked: Seen) -> Any:
        number = int(asked.last.rsplit("no ", 1)[-1].split("\n")[0]) if "no " in asked.last else 0
        text = json.dumps(sorts(asked))
        return Said(text, logprobs=[(text, -1.0 / (1 + number), ())])

    loop.endpoint.script = unsure
    shown = loop.pilot(lambda pilot: pilot.rows(4, hardest=True))
    numbers = [int(one.values["inquiry"].rsplit(" ", 1)[1]) for one in shown]
    assert len(numbers) == 4
    assert numbers == sorted(numbers)
    assert max(numbers) < 25  # forty of 49 rows were looked through


def test_the_hardest_cannot_be_told_without_a_confidence(loop: Loop) -> None:
    with pytest.raises(UsageError, match="no confidence is known of any row"):
        loop.pilot(lambda pilot: pilot.rows(4, hardest=True))


def test_rows_per_value_of_a_column(loop: Loop) -> None:
    lines = [f"{k},a parcel no {k},{'rare' if k in (2, 3) else 'common'}" for k in range(60)]
    (loop.folder / "in.csv").write_text("id,inquiry,kind\n" + "\n".join(lines) + "\n", encoding="utf-8")
    shown = loop.pilot(lambda pilot: [one.values["inquiry"] for one in pilot.rows(4, per="kind")])
    assert {"a parcel no 2", "a parcel no 3"} < set(shown)


def test_few_rows_need_no_more_than_themselves(loop: Loop) -> None:
    loop.fill(4)
    assert len(loop.accept()) == 3
    _, warnings = loop.run()
    assert len(delivered(loop)) == 3
    assert not [one for one in warnings if "bar" in one]


def test_a_column_that_is_not_there_is_told_with_its_line(loop: Loop) -> None:
    loop.say(PROMPT.replace("{inquiry}", "{inquire}"))
    with pytest.raises(RecipeError, match=r"prompts/intent.md:7: .*inquire.*did you mean"):
        loop.run()


def test_which_step_asks_by_a_prompt(loop: Loop) -> None:
    for name in ("intent", "prompts/intent.md", "annotate.label", str(loop.folder / "prompts/intent.md")):
        assert prompted_step(loop.recipe, loop.folder, name).name == "annotate.label"
    with pytest.raises(UsageError, match="asks by the prompt 'intend'; did you mean 'intent'"):
        prompted_step(loop.recipe, loop.folder, "intend")
