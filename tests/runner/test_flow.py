"""The engine's promises: every row accounted for, nothing done twice, the same rows however they are cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.step import RowStep
from tamis.engine.rescue import content_hash
from tamis.runs.decisions import Decision
from tamis.steps.filter.length import Length

from .flows import Brittle, Flow, Holds, Same, Upper, judge, make_states, responses


@pytest.fixture(autouse=True)
def _forget() -> None:
    for step in (Upper, Holds):
        step.seen.clear()
    Same.decided.clear()


def rows(*texts: str) -> list[dict[str, str]]:
    return [{"prompt": "q", "response": text} for text in texts]


def accounts(flow: Flow) -> list[tuple[str, int, int, dict[str, int]]]:
    return [
        (log.account.step.rsplit(".", 1)[-1], log.account.rows_in, log.account.kept, log.account.reasons)
        for log in flow.logs
    ]


def test_steps_see_what_earlier_steps_left_and_changed(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a b", "x y", "c"), rows("d e", "xx")])
    flow = judge(tmp_path, [Holds(word="x"), Upper(), Length(min=2)], states)
    assert responses(flow) == ["A B", "D E"]
    assert accounts(flow) == [("Holds", 5, 3, {"holds": 2}), ("Upper", 3, 3, {}), ("length", 3, 2, {"too_short": 1})]


def test_a_second_run_judges_nothing(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a b", "x y", "c"), rows("d e", "xx")])
    first = judge(tmp_path, [Holds(word="x"), Upper(), Same()], states)
    Holds.seen.clear(), Upper.seen.clear(), Same.decided.clear()
    second = judge(tmp_path, [Holds(word="x"), Upper(), Same()], states)
    assert (Holds.seen, Upper.seen, Same.decided) == ([], [], [])
    assert responses(second) == responses(first)
    assert accounts(second) == accounts(first)


def test_changing_one_filter_judges_only_that_filter_and_rows_not_seen_before(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows(*[f"word {i}" for i in range(20)])])
    judge(tmp_path, [Holds(word="1", id="first"), Holds(word="2", id="second")], states)
    assert Holds.seen == [20, 9]  # 11 rows hold a 1; the frame is compacted to the nine that are left
    Holds.seen.clear()
    flow = judge(tmp_path, [Holds(word="9", id="first"), Holds(word="2", id="second")], states)
    assert Holds.seen[0] == 20
    assert len(Holds.seen) == 2
    assert Holds.seen[1] < 20
    assert responses(flow) == [f"word {i}" for i in range(20) if "9" not in str(i) and "2" not in str(i)]


def test_changing_the_last_step_judges_nothing_before_it(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a b", "x y", "c")])
    judge(tmp_path, [Holds(word="x"), Upper(), Length(min=2)], states)
    Holds.seen.clear(), Upper.seen.clear()
    flow = judge(tmp_path, [Holds(word="x"), Upper(), Length(min=1)], states)
    assert (Holds.seen, Upper.seen) == ([], [])
    assert responses(flow) == ["A B", "C"]


def test_adding_a_partition_leaves_the_others_alone(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a b", "x y"), rows("new one")])
    judge(tmp_path, [Upper()], states[:1])
    Upper.seen.clear()
    flow = judge(tmp_path, [Upper()], states)
    assert Upper.seen == [1]
    assert responses(flow) == ["A B", "X Y", "NEW ONE"]


def test_where_limits_a_step_to_some_rows(tmp_path: Path) -> None:
    parts = [[{"prompt": "q", "response": "x one", "kind": "a"}, {"prompt": "q", "response": "x two", "kind": "b"}]]
    flow = judge(
        tmp_path, [Upper(where="kind = 'b'"), Holds(word="x", where="kind = 'b'")], make_states(tmp_path, parts)
    )
    assert responses(flow) == ["x one", "X TWO"]  # 'x' is upper-cased where kind is b, and never searched where it is a


def test_a_merge_names_its_survivor(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a", "b"), rows("a", "a")])
    flow = judge(tmp_path, [Same()], states)
    assert responses(flow) == ["a", "b"]
    assert flow.logs[0].account.merged == 2


def test_a_row_that_makes_a_step_fail_is_quarantined_alone(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a", "boom", "b", "c", "d")])
    flow = judge(tmp_path, [Brittle()], states)
    assert responses(flow) == ["a", "b", "c", "d"]
    assert flow.logs[0].account.quarantined == 1


def test_a_rescue_turns_a_drop_into_keep_and_later_steps_meet_the_row(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("a b", "x y", "x")])
    steps = [Holds(word="x", id="no-x"), Upper(), Length(min=2)]
    rescue = [Decision("rescue", "no-x", f"{2:016x}{0:016x}"), Decision("rescue", "no-x", f"{3:016x}{0:016x}")]
    flow = judge(tmp_path, steps, states, decisions=rescue)
    assert responses(flow) == ["A B", "X Y"]
    assert flow.logs[0].account.rescued == 2
    assert flow.logs[2].account.reasons == {"too_short": 1}


def test_a_rescue_is_stale_when_the_row_is_not_what_the_person_saw(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("x y")])
    row = f"{1:016x}{0:016x}"
    seen = {
        "messages": [
            {"role": r, "content": c, "name": None, "tool_calls": None, "tool_call_id": None, "weight": None}
            for r, c in (("user", "q"), ("assistant", "x y"))
        ]
    }
    good = judge(
        tmp_path, [Holds(word="x", id="s")], states, decisions=[Decision("rescue", "s", row, content_hash(seen))]
    )
    assert (good.logs[0].account.rescued, good.logs[0].account.stale) == (1, 0)
    stale = judge(tmp_path, [Holds(word="x", id="s")], states, decisions=[Decision("rescue", "s", row, "other")])
    assert (stale.logs[0].account.rescued, stale.logs[0].account.stale) == (0, 1)
    assert responses(stale) == []


words = st.lists(st.text("abx ", min_size=1, max_size=5), min_size=1, max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=words, cuts=st.lists(st.integers(0, 12), max_size=3))
def test_cutting_rows_into_partitions_changes_nothing(tmp_path: Path, texts: list[str], cuts: list[int]) -> None:
    import tempfile

    edges = sorted({0, len(texts), *(c for c in cuts if c < len(texts))})
    parts = [texts[a:b] for a, b in pairwise(edges)]
    steps = [Length(min=1), Holds(word="x"), Upper(), Same()]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        whole = judge(Path(one), steps, make_states(Path(one), [rows(*texts)]))
        cut = judge(Path(many), steps, make_states(Path(many), [rows(*part) for part in parts]), workers=2)
        assert responses(cut) == responses(whole)
        assert accounts(cut) == accounts(whole)


class Stamp(RowStep):
    """Sets a column only in batches that hold a mark: a step that sometimes changes nothing."""

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        marked = rows.text("response").str.contains("x", literal=True)
        if not marked.any():
            return Verdict()
        new = rows["messages"].list.eval(pl.element().struct.with_fields(pl.field("content").str.to_uppercase()))
        return change(messages=new).only(marked)


def test_changes_of_rows_judged_before_are_kept_when_more_rows_are_judged(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("x one", "b two", "b three")])
    judge(tmp_path, [Holds(word="b", id="first"), Stamp(id="stamp")], states)  # only 'x one' is stamped
    flow = judge(tmp_path, [Holds(word="nothing", id="first"), Stamp(id="stamp")], states)
    assert responses(flow) == ["X ONE", "b two", "b three"]


def test_only_rows_that_a_step_says_it_changed_are_written(tmp_path: Path) -> None:
    states = make_states(tmp_path, [rows("x one", "b two")])
    flow = judge(tmp_path, [Stamp(id="stamp")], states)
    assert responses(flow) == ["X ONE", "b two"]
    assert flow.logs[0].account.changed == 1
    assert flow.states[0].layers[0].stored.rows == 1


class Kept(Same):
    """Like Same, with a field that only the decision depends on."""

    gathered: ClassVar[list[int]] = []
    cap: int = Field(1, description="how many stay; gather does not care")

    def gathers_by(self) -> tuple[str, ...]:
        return ()

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        Kept.gathered.append(rows.height)
        return super().gather(rows)


def test_a_field_that_only_the_decision_depends_on_gathers_nothing_again(tmp_path: Path) -> None:
    Kept.gathered.clear()
    states = make_states(tmp_path, [rows("a", "b", "a")])
    judge(tmp_path, [Kept(cap=1)], states)
    judge(tmp_path, [Kept(cap=2)], states)
    assert Kept.gathered == [3]
    assert Same.decided == [3, 3]
