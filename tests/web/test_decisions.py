"""Deciding in the browser: on disk before the answer, one of two tabs is told, undone across restarts, consumed by the next run."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from tamis.recipe.load import load
from tamis.runner.execute import execute
from tamis.runs import decisions as decided

from .conftest import Start
from .serving import Client

GATE = "review.gate"


def named(served: Any, name: str = "Ann") -> Client:
    client: Client = served.enter()
    client.post("/api/session", {"name": name})
    return client


def file_of(workspace: Path) -> Path:
    return workspace / "decisions/customer-intents.jsonl"


def cards(client: Client, limit: int = 5, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/queue/{GATE}", limit=limit, **query).json["cards"]
    return found


def one(card: dict[str, Any], kind: str = "accept", **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "step": GATE,
        "row": card["id"],
        "version": card["version"],
        "content": card["content"],
        **more,
    }


def decide(client: Client, *made: dict[str, Any]) -> Any:
    return client.post("/api/decisions", {"decisions": list(made)})


def test_a_name_comes_first(start: Start, workspace: Path) -> None:
    client = start(workspace).enter()
    answer = decide(client, {"kind": "accept", "step": GATE, "row": "0" * 32})
    assert answer.status == 400
    assert "name" in answer.json["error"]
    assert not file_of(workspace).exists()


def test_the_desk_says_how_the_gate_is_reviewed(start: Start, workspace: Path) -> None:
    told = named(start(workspace)).get(f"/api/queue/{GATE}", limit=3).json
    assert told["desk"]["question"] == "Is the label right?"
    assert told["desk"]["reject_reasons"] == ["wrong_label", "not_an_inquiry"]
    assert told["desk"]["labels"] == {"category": ["shipping", "returns"]}
    assert told["progress"]["asked"] == told["progress"]["left"] > 10
    assert len(told["cards"]) == 3
    for card in told["cards"]:
        assert card["messages"][1]["role"] == "user"
        assert card["columns"]["source.category"] == "shipping"
    more = named_again = [card["id"] for card in told["cards"]]
    assert len(set(more)) == len(named_again)


def test_every_kind_is_appended_as_it_was_made(start: Start, workspace: Path) -> None:
    client = named(start(workspace))
    rows = cards(client, 8)
    messages = [{"role": "user", "content": "Where is my parcel?"}, {"role": "assistant", "content": "{}"}]
    said = [
        one(rows[0], seconds=2.5),
        one(rows[1], "reject", reason="wrong_label", why="it is about returns"),
        one(rows[2], "edit", value={"messages": messages}),
        one(rows[3], "relabel", value={"category": "returns"}),
        one(rows[4], "rate", value=4),
        one(rows[5], "skip"),
        one(rows[6], "flag"),
        one(rows[7], "comment", why="hm"),
    ]
    for made in said:
        answer = decide(client, made)
        assert answer.status == 200, answer
        assert answer.json["made"][0]["who"] == "Ann"
    lines = [json.loads(line) for line in file_of(workspace).read_text().splitlines()]
    assert [line["kind"] for line in lines] == [made["kind"] for made in said]
    assert lines[2]["value"] == {"messages": messages}
    assert lines[0]["seconds"] == 2.5
    assert answer.json["progress"]["decided"] == 5
    told = client.get("/api/history").json["made"]
    assert [d["kind"] for d in told] == [made["kind"] for made in reversed(said)]


@pytest.mark.parametrize(
    ("kind", "more", "part"),
    [
        ("acept", {}, "no decision 'acept'"),
        ("undo", {}, "route of its own"),
        ("rate", {"value": 9}, "a rating is 1 to 5"),
        ("relabel", {"value": {"category": "moon"}}, "category 'moon'"),
        ("reject", {"reason": "mood"}, "reason 'mood'"),
        ("accept", {"row": "0" * 32}, "does not ask about row"),
        ("accept", {"row": None}, "which?"),
        ("accept", {"step": "filter.length"}, "has not come to a gate"),
        ("rescue", {}, "neither dropped nor merged"),
        ("choose", {"value": {"clustering": "x"}}, "no clustering 'x'"),
        ("same_topic", {}, "needs a, b, token and answer"),
        ("close", {"step": "filter.length"}, "is no gate"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    start: Start, workspace: Path, kind: str, more: dict[str, Any], part: str
) -> None:
    client = named(start(workspace))
    good, bad = cards(client, 2)
    answer = decide(client, one(good), {**one(bad, kind), **more})
    assert answer.status in (400, 404)
    assert part in answer.json["error"]
    assert not file_of(workspace).exists()


def test_of_two_tabs_on_one_row_the_later_is_told(start: Start, workspace: Path) -> None:
    served = start(workspace)
    client = named(served)
    first, second = cards(client, 2)
    assert decide(client, one(first)).status == 200
    late = decide(client, one(second), one(first, "reject", reason="wrong_label"))
    assert late.status == 409
    assert late.json["now"]["version"] == 1
    assert late.json["now"]["decisions"][0]["kind"] == "accept"
    assert len(file_of(workspace).read_text().splitlines()) == 1
    again = client.get(f"/api/rows/{first['id']}").json["versions"][GATE]
    assert decide(client, {**one(first, "reject", reason="wrong_label"), "version": again}).status == 200


def test_of_many_at_once_exactly_one_wins(start: Start, workspace: Path) -> None:
    served = start(workspace)
    client = named(served)
    (card,) = cards(client, 1)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(decide(client, one(card)).status)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] + [409] * 11
    assert len(file_of(workspace).read_text().splitlines()) == 1


def test_a_click_outlives_the_server(start: Start, workspace: Path) -> None:
    for _ in range(3):
        served = start(workspace)
        client = named(served)
        (card,) = cards(client, 1)
        assert decide(client, one(card, "reject", reason="wrong_label")).status == 200
        served.kill()
        assert decided.read(file_of(workspace)).all[-1].row == card["id"]


def test_undo_takes_back_ones_own_acts_across_restarts(start: Start, workspace: Path) -> None:
    served = start(workspace)
    client = named(served)
    rows = cards(client, 6)
    decide(client, one(rows[0]))
    decide(client, *[one(card, "reject", reason="wrong_label") for card in rows[1:5]])
    served.kill()
    client = named(start(workspace))
    taken = client.post("/api/undo", {}).json["made"]
    assert {line["row"] for line in taken} == {card["id"] for card in rows[1:5]}
    assert [d.row for d in decided.read(file_of(workspace)).all] == [rows[0]["id"]]
    assert client.post("/api/undo", {}).status == 200
    assert client.post("/api/undo", {}).status == 400
    told = client.get("/api/history").json["made"]
    assert all(d["undone"] for d in told if d["kind"] != "undo")
    assert cards(client, 1)[0]["version"] == 2  # said, and taken back


def test_nobody_takes_back_what_others_decided(start: Start, workspace: Path) -> None:
    served = start(workspace, team={"ann": "reviewer", "bob": "lead"})
    ann, bob = served.enter("ann"), served.enter("bob")
    (card,) = cards(ann, 1)
    key = decide(ann, one(card)).json["made"][0]["key"]
    assert bob.post("/api/undo", {"keys": [key]}).status == 400
    assert bob.post("/api/undo", {}).status == 400
    assert ann.post("/api/undo", {"keys": [key]}).status == 200
    assert ann.post("/api/undo", {"keys": [key]}).status == 400


def test_only_who_leads_rescues_from_contamination_and_closes_gates(start: Start, workspace: Path) -> None:
    served = start(workspace, team={"ann": "reviewer", "bob": "lead"})
    ann, bob = served.enter("ann"), served.enter("bob")
    leak = ann.get("/api/rows", step="decontaminate.ngram").json["rows"][0]
    assert ann.get(f"/api/rows/{leak['id']}").json["rescuable"] == "lead"
    rescue = {
        "kind": "rescue",
        "step": "decontaminate.ngram",
        "row": leak["id"],
        "version": 0,
        "why": "a common phrase",
    }
    assert decide(ann, rescue).status == 403
    assert decide(bob, {**rescue, "why": None}).status == 400
    assert decide(bob, rescue).status == 200
    short = ann.get("/api/rows", step="filter.length").json["rows"][0]
    assert ann.get(f"/api/rows/{short['id']}").json["rescuable"] == "reviewer"
    assert decide(ann, {**rescue, "step": "filter.length", "row": short["id"], "why": "good"}).status == 200
    assert decide(ann, {"kind": "close", "step": GATE}).status == 403
    assert decide(bob, {"kind": "close", "step": GATE}).status == 200
    assert bob.get("/api/overview").json["gates"][0]["closed"]


def test_the_next_run_consumes_what_was_decided(start: Start, workspace: Path) -> None:
    client = named(start(workspace))
    short = client.get("/api/rows", step="filter.length").json["rows"][0]["id"]
    group = client.get("/api/copies", step="dedup.exact").json["groups"][0]
    decide(client, {"kind": "rescue", "step": "filter.length", "row": short, "why": "short, and good"})
    swap = {
        "kind": "swap",
        "step": "dedup.exact",
        "row": group["copies"][0]["id"],
        "value": {"instead_of": group["kept"]["id"]},
    }
    assert decide(client, swap).status == 200
    rejected = []
    while found := cards(client, 50):
        for k, card in enumerate(found):
            bad = k % 3 == 0
            made = one(card, "reject", reason="wrong_label") if bad else one(card)
            assert decide(client, made).status == 200
            rejected += [card["id"]] * bad
    assert client.get(f"/api/queue/{GATE}/progress").json["left"] == 0
    decide(client, {"kind": "close", "step": GATE})  # rescued rows may come to it, too
    execute(load(workspace / "recipe.yaml"), workspace)
    told = client.get("/api/rows", step=GATE, reason="rejected", limit=500).json
    assert {row["id"] for row in told["rows"]} == set(rejected)
    assert client.get(f"/api/rows/{short}").json["left_at"] != "filter.length"
    assert client.get(f"/api/rows/{group['kept']['id']}").json["outcome"] == "merged"
    assert client.get("/api/overview").json["run"]["status"] == "done"


def test_others_are_told_by_an_event(start: Start, workspace: Path) -> None:
    served = start(workspace)
    client = named(served)
    (card,) = cards(client, 1)
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.settimeout(30)
        raw.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {client.cookie}\r\n\r\n".encode()
        )
        said = b""
        while b"hello" not in said:
            said += raw.recv(4096)
        decide(client, one(card))
        while card["id"].encode() not in said:
            said += raw.recv(4096)
        assert b'"kind":"decided"' in said
        (workspace / "runs/customer-intents/1/state.json").write_text('{"status": "running"}')
        while b'"running"' not in said:
            said += raw.recv(4096)


def test_bulk_shows_what_it_would_reach(start: Start, workspace: Path) -> None:
    client = named(start(workspace))
    card = cards(client, 1)[0]
    told = client.post("/api/similar", {"step": GATE, "where": "length(prompt) > 80", "limit": 500}).json
    assert told["by"] == "where"
    asked = client.get(f"/api/queue/{GATE}/progress").json["asked"]
    assert 0 < len(told["rows"]) < asked
    like = client.post("/api/similar", {"step": GATE, "similar_to": card["id"], "limit": 20}).json
    assert like["similarities"] == sorted(like["similarities"], reverse=True)
    assert card["id"] not in [row["id"] for row in like["rows"]]
    made = [
        {"kind": "accept", "step": GATE, "row": row["id"], "version": version, "content": content}
        for row, version, content in zip(told["rows"], told["versions"], told["contents"], strict=True)
    ]
    assert decide(client, *made).json["progress"]["decided"] == len(made)
    assert client.post("/api/undo", {}).json["progress"]["decided"] == 0


def test_two_reviewers_their_agreement_and_a_last_word(start: Start, tmp_path: Path, waiting: Path) -> None:
    import shutil

    from tamis.core.errors import GateWaiting

    folder = shutil.copytree(waiting, tmp_path / "two")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        recipe.read_text().replace("    edit: true\n", "    edit: true\n    reviewers: 2\n    blind: [category]\n")
    )
    with pytest.raises(GateWaiting):
        execute(load(recipe), folder)
    served = start(folder, team={"ann": "reviewer", "bob": "reviewer", "eve": "lead"})
    people = {name: served.enter(name) for name in ("ann", "bob", "eve")}
    said: dict[str, list[str]] = {}
    for name in ("ann", "bob"):
        for k, card in enumerate(cards(people[name], 50)):
            assert "source.category" not in card["columns"]
            kind = {"kind": "accept"} if name == "ann" or k % 2 else {"kind": "reject", "reason": "wrong_label"}
            assert decide(people[name], one(card) | kind).status == 200
            said.setdefault(card["id"], []).append(kind["kind"])
    differ = {row for row, kinds in said.items() if len(set(kinds)) == 2}
    told = people["eve"].get(f"/api/queue/{GATE}/disagreements", limit=100).json
    assert {item["card"]["id"] for item in told["items"]} == differ
    assert len(differ) > 2
    first = told["items"][0]
    assert first["card"]["columns"]["source.category"] == "shipping"
    assert {d["who"] for d in first["said"]} == {"ann", "bob"}
    word = one(first["card"], "adjudicate", value={"kind": "accept"}, version=first["card"]["version"])
    assert decide(people["ann"], word).status == 403
    assert decide(people["eve"], word).status == 200
    figures = people["ann"].get(f"/api/queue/{GATE}/agreement").json
    names = {figure["name"] for figure in figures["figures"]}
    assert {"agreement", "fleiss", "alpha", "ac1", "cohen ann / bob"} <= names
    assert {one["who"]: one["decided"] for one in figures["reviewers"]}["ann"] > 5
