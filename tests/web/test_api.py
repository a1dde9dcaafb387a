"""What the rooms answer, over a real run; nothing that is asked for makes the server fail."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.runs.ledger import Ledger
from tamis.runs.rows import RunRows
from tamis.web.contract import ROUTES
from tamis.web.handlers import HANDLERS

from .conftest import Start
from .serving import Client

ROOT = Path(__file__).resolve().parents[2]


def ledger(workspace: Path) -> Ledger:
    return Ledger(workspace / "runs/customer-intents/1")


def test_every_route_is_answered() -> None:
    assert {*HANDLERS, "download", "events"} == {route.name for route in ROUTES}


def test_the_overview_balances(client: Client) -> None:
    told = client.get("/api/overview").json
    assert told["run"]["rows"] == 727
    assert told["command"].startswith("tamis run ")
    assert told["command"].endswith("recipe.yaml")
    for step in told["steps"]:
        out = sum(step[name] for name in ("kept", "dropped", "merged", "held", "quarantined"))
        assert step["rows_in"] + step["born"] == out
        for outcome in ("dropped", "merged"):
            assert sum(r["rows"] for r in step["reasons"] if r["outcome"] == outcome) == step[outcome]
    (gate,) = told["gates"]
    assert (gate["step"], gate["kind"], gate["waiting"], gate["closed"]) == ("review.gate", "rows", False, True)


def test_a_waiting_gate_says_what_it_needs(start: Start, workspace: Path) -> None:
    told = start(workspace).enter().get("/api/overview").json
    (gate,) = told["gates"]
    assert told["run"]["status"] == "waiting"
    assert gate["waiting"]
    assert gate["question"] == "Is the label right?"
    assert gate["asked"] > 10
    assert gate["decided"] == 0


def test_rows_are_those_of_the_ledger(client: Client, delivered: Path) -> None:
    every = client.get("/api/rows", limit=500).json
    rest = client.get("/api/rows", limit=500, offset=500).json
    assert every["total"] == 727
    assert len({row["id"] for row in every["rows"] + rest["rows"]}) == 727
    for step in ledger(delivered).steps:
        told = client.get("/api/rows", step=step["name"], limit=500).json
        assert told["total"] == step["dropped"] + step["merged"] + step["held"] + step["quarantined"]
        assert {row["step"] for row in told["rows"]} <= {step["name"]}
        for reason, count in step["reasons"].items():
            told = client.get("/api/rows", step=step["name"], reason=reason, limit=500).json
            assert told["total"] == count
            assert {row["reason"] for row in told["rows"]} == {reason}


def test_search_finds_the_very_text_in_either_case(client: Client) -> None:
    told = client.get("/api/rows", q="REFUND", limit=500).json
    assert told["total"] > 5
    assert all("refund" in row["text"].lower() for row in told["rows"])
    assert client.get("/api/rows", q="r.fund").json["total"] == 0


def test_where_reads_columns_and_views(client: Client, delivered: Path) -> None:
    told = client.get(
        "/api/rows", where="category = 'shipping' AND length(prompt) > 60", columns="category", limit=500
    ).json
    frame = RunRows(delivered / "runs/customer-intents/1").frame(0)
    wanted = (frame["source.category"] == "shipping") & (frame.text("prompt").str.len_chars() > 60)
    assert told["total"] == wanted.sum() > 10
    assert {row["values"]["source.category"] for row in told["rows"]} == {"shipping"}


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ({"where": "nope = 1"}, "no column 'nope'"),
        ({"where": "category ="}, "cannot be read"),
        ({"where": "(SELECT 1)"}, "without sub-queries"),
        ({"where": "read_csv('/etc/passwd') = 1"}, "no function 'read_csv'"),
        ({"where": "category > 1"}, ""),
        ({"sort": "nope"}, "no column 'nope'"),
        ({"outcome": "lost"}, "possible: kept"),
        ({"step": "nope"}, "no step 'nope'"),
        ({"reason": "nope"}, "no reason 'nope'"),
        ({"columns": "nope"}, "no column 'nope'"),
        ({"limit": "-1"}, "whole number"),
        ({"offset": "x"}, "whole number"),
        ({"descending": "maybe"}, "possible: true, false"),
        ({"nope": "1"}, "no parameter 'nope'"),
    ],
)
def test_a_wrong_question_is_told_what_is_possible(client: Client, query: dict[str, str], part: str) -> None:
    answer = client.get("/api/rows", **query)
    assert answer.status == 400
    assert part in answer.json["error"] + str(answer.json["hint"])


def test_a_parameter_given_twice_is_refused(client: Client) -> None:
    assert client.get("/api/rows?q=a&q=b").status == 400


def test_rows_are_sorted_with_those_without_a_value_last(client: Client) -> None:
    up = [r["values"]["split"] for r in client.get("/api/rows", sort="split", columns="split", limit=500).json["rows"]]
    down = client.get("/api/rows", sort="split", descending="true", columns="split", limit=500).json["rows"]
    known = [value for value in up if value is not None]
    assert known == sorted(known)
    assert up == known + [None] * (len(up) - len(known))
    assert down[0]["values"]["split"] == "validation"
    numbers = [client.get("/api/rows", sort="category", limit=500).json["rows"] for _ in range(2)]
    assert numbers[0] == numbers[1]


def test_facets_count_every_row_asked_for(client: Client) -> None:
    told = client.get("/api/facets", of="outcome,step,reason,category,split").json["facets"]
    for facet in told:
        assert sum(v["rows"] for v in facet["values"]) + facet["others"] == 727
    outcome = {v["value"]: v["rows"] for v in told[0]["values"]}
    assert outcome["kept"] == client.get("/api/rows", outcome="kept").json["total"]
    few = client.get("/api/facets", of="category", outcome="merged").json["facets"][0]
    assert sum(v["rows"] for v in few["values"]) == outcome["merged"]


def test_a_rows_life_is_told_from_line_to_line(client: Client, delivered: Path) -> None:
    row = client.get("/api/rows", outcome="kept", limit=1).json["rows"][0]
    told = client.get(f"/api/rows/{row['id']}").json
    assert told["file"] == "inquiries.csv"
    assert [m["role"] for m in told["messages"]] == ["system", "user", "assistant"]
    (place,) = told["delivered"]
    lines = (delivered / f"dist/customer-intents/{place['file']}.jsonl").read_text().split("\n")
    assert json.loads(lines[place["line"] - 1])["messages"][1]["content"] == told["messages"][1]["content"]
    assert told["rescuable"] is None
    assert [step["step"] for step in told["steps"]][:2] == ["map.template", "clean.unicode"]
    assert "messages" in told["steps"][0]["changed"]
    assert client.get(f"/api/rows/{'0' * 32}").status == 404
    assert client.get("/api/rows/zz").status == 404


def test_what_a_privacy_step_takes_away_is_told_nowhere(client: Client, delivered: Path) -> None:
    """Rows that left before the privacy step hold personal data; no answer does."""
    run = RunRows(delivered / "runs/customer-intents/1")
    text = pl.DataFrame({"t": run.frame(0, steps=())["source.inquiry"]})
    found = text["t"].str.extract_all(r"[\w.]+@[\w-]+\.[a-z]+").explode().drop_nulls().unique().to_list()
    assert len(found) > 5
    rows = [
        row
        for offset in (0, 500)
        for row in client.get("/api/rows", limit=500, offset=offset, columns="inquiry").json["rows"]
    ]
    said = json.dumps(rows) + client.get("/api/facets", of="inquiry").data.decode()
    for row in [r for r in rows if r["outcome"] != "kept"][:60] + rows[:20]:
        said += client.get(f"/api/rows/{row['id']}").data.decode()
    for path in (
        "/api/copies?limit=50",
        "/api/copies?limit=50&offset=50",
        "/api/leaks",
        "/api/privacy",
        "/api/queue/review.gate",
    ):
        said += client.get(path).data.decode()
    assert [one for one in found if one in said] == []


def test_who_does_not_lead_cannot_search_what_privacy_has_not_seen(start: Start, delivered: Path) -> None:
    served = start(delivered, team={"ann": "reviewer", "bob": "lead"})
    run = RunRows(delivered / "runs/customer-intents/1")
    frame, live = run.frame(0, steps=()), run.live(0)
    column = frame["source.inquiry"].str.extract(r"([\w.]+@[\w-]+\.[a-z]+)")
    gone = next(value for value, kept in zip(column.to_list(), live.tolist(), strict=True) if value and not kept)
    assert served.enter("bob").get("/api/rows", q=gone).json["total"] >= 1
    ann = served.enter("ann")
    assert ann.get("/api/rows", q=gone).json["total"] == 0
    assert ann.get("/api/rows", where=f"strpos(inquiry, '{gone}') > 0").json["total"] == 0


def test_copies_stand_in_groups_with_the_row_that_stays_first(client: Client, delivered: Path) -> None:
    told = client.get("/api/copies", limit=50).json
    merged = {s["name"]: s["merged"] for s in ledger(delivered).steps if s["merged"]}
    assert told["steps"] == [name for name in merged if name.startswith("dedup.")]
    count = 0
    for offset in range(0, told["total"], 50):
        for group in client.get("/api/copies", limit=50, offset=offset).json["groups"]:
            count += len(group["copies"]) + group["more"]
            assert {row["outcome"] for row in group["copies"]} == {"merged"}
            life = client.get(f"/api/rows/{group['copies'][0]['id']}").json
            assert life["steps"][-1]["into"] == group["kept"]["id"]
    assert count == sum(merged.values())


def test_leaks_stand_beside_the_test_item(client: Client) -> None:
    told = client.get("/api/leaks").json
    assert told["total"] == len(told["leaks"]) == 2
    assert told["benchmarks"] == [{"name": "test_questions", "rows": 2, "items": 10, "leaked": 2}]
    for leak in told["leaks"]:
        for text, spans in ((leak["row_text"], leak["row_spans"]), (leak["item_text"], leak["item_spans"])):
            assert spans
            assert all(0 <= low < high <= len(text) for low, high in spans)
        (low, high), (a, b) = leak["row_spans"][0], leak["item_spans"][0]
        assert leak["row_text"][low:high][:50].lower() == leak["item_text"][a:b][:50].lower()


def test_the_privacy_sample_is_checked_in_the_browser(start: Start, delivered: Path, tmp_path: Path) -> None:
    from tamis.runs.recall import draw

    folder = shutil.copytree(delivered, tmp_path / "own")
    client = start(folder).enter()
    assert client.get("/api/privacy").json["sample"] == 0
    draw(folder / "runs/customer-intents/1", folder / "decisions/customer-intents.sample.jsonl", 30)
    sample = client.get("/api/privacy/sample", limit=50).json
    assert sample["total"] == 30
    assert "email" in sample["kinds"]
    for card in sample["rows"]:
        missed = {"email": 1} if card is sample["rows"][0] else {}
        told = client.post("/api/privacy/sample", {"id": card["id"], "missed": missed})
        assert told.status == 200, told
    assert told.json["checked"] == 30
    assert told.json["recall"]["n"] >= 1
    assert told.json["recall"]["value"] < 1
    assert client.post("/api/privacy/sample", {"id": card["id"], "missed": {"nose": 1}}).status == 400
    assert client.post("/api/privacy/sample", {"id": "0" * 32}).status == 404


def test_delivered_files_are_downloaded_as_they_were(start: Start, delivered: Path, tmp_path: Path) -> None:
    import hashlib

    folder = shutil.copytree(delivered, tmp_path / "own")
    manifest = folder / "runs/customer-intents/1/manifest.json"
    manifest.write_text(manifest.read_text().replace(str(delivered), str(folder)))
    client = start(folder).enter()
    told = client.get("/api/delivery").json
    assert all(check["good"] for check in told["checks"] if check["check"] != "warning")
    assert told["card"].startswith("---\n")
    for file in told["files"]:
        got = client.get(f"/api/delivery/{file['name']}")
        assert hashlib.sha256(got.data).hexdigest() == file["sha256"]
        assert got.headers["content-disposition"].startswith("attachment")
    (folder / "dist/customer-intents/train.jsonl").write_bytes(b"{}\n")
    assert client.get("/api/delivery/train.jsonl").status == 404
    target = folder / "dist/customer-intents/validation.jsonl"
    moved = target.rename(folder / "moved")
    target.symlink_to(moved)
    assert client.get("/api/delivery/validation.jsonl").status == 404


def test_views_are_kept_beside_the_decisions(start: Start, workspace: Path) -> None:
    client = start(workspace).enter()
    view = {"name": "long <b>", "where": "length(prompt) > 100", "columns": ["category"]}
    assert client.post("/api/views", view).status == 200
    assert client.post("/api/views", {"name": "a"}).json["views"][1]["where"] == view["where"]
    assert client.post("/api/views", {"name": "a", "q": "x"}).json["views"][0]["q"] == "x"
    assert json.loads((workspace / "decisions/views.json").read_text())["views"][1]["columns"] == ["category"]
    assert [v["name"] for v in client.post("/api/views/forget", {"name": "a"}).json["views"]] == ["long <b>"]
    assert client.post("/api/views/forget", {"name": "a"}).status == 404


def test_pages_are_served_with_their_kind_and_kept(client: Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-cache"
    asset = client.get("/assets/index-1a2b.js")
    assert asset.headers["content-type"].startswith("text/javascript")
    assert "immutable" in asset.headers["cache-control"]
    assert client.ask("GET", "/", None, {"If-None-Match": page.headers["etag"]}).status == 304


def test_events_say_hello_and_end_with_the_server(start: Start, workspace: Path) -> None:
    served = start(workspace)
    client = served.enter()
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.settimeout(30)
        raw.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {client.cookie}\r\n\r\n".encode()
        )
        said = b""
        while b"hello" not in said:
            said += raw.recv(4096)
        assert b"text/event-stream" in said
        assert served.stop() == 0


def test_a_row_of_five_megabytes_is_cut_and_says_so(start: Start, tmp_path: Path) -> None:
    from tamis.recipe.load import load
    from tamis.runner.execute import execute

    long = "word " * 1_000_000
    turns = [{"role": "user", "content": "q\u200b\u202e"}, {"role": "assistant", "content": long}]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": turns, "n": 2**60}) + "\n")
    (tmp_path / "recipe.yaml").write_text(
        "tamis: 1\nname: big\nsources: [{use: files, path: a.jsonl}]\nsteps: [{use: map.auto}]\n"
        "deliver: [{use: jsonl, path: dist/big}]\n"
    )
    execute(load(tmp_path / "recipe.yaml"), tmp_path)
    client = start(tmp_path).enter()
    page = client.get("/api/rows", columns="n,source.messages")
    assert len(page.data) < 5000
    row = page.json["rows"][0]
    assert len(row["text"]) == 400
    assert row["values"]["source.n"] == str(2**60)
    life = client.get(f"/api/rows/{row['id']}")
    assert len(life.data) < 1_500_000
    assert life.json["cut"]["messages.1.content"] == len(long)
    assert life.json["messages"][0]["content"] == "q\u200b\u202e"


def test_no_question_makes_the_server_fail(start: Start, workspace: Path) -> None:
    """Property-based, over the OpenAPI document: no answer is a 5xx, and answers have the shape they are told to have."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error  # type: ignore[attr-defined]
    from schemathesis.specs.openapi.checks import response_schema_conformance

    served = start(workspace)
    client = served.enter()
    client.post("/api/session", {"name": "Ann"})
    row = client.get("/api/rows", limit=1).json["rows"][0]["id"]
    document = client.get("/api/openapi.json").json
    del document["paths"]["/api/events"]
    document["components"].pop("securitySchemes")
    document.pop("security")
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Cookie": client.cookie, "Origin": served.address, "Host": f"127.0.0.1:{served.port}"}
    known: dict[str, Any] = {"id": row, "step": "review.gate", "run": "customer-intents/1", "columns": "category"}

    for result in schema.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def holds(case: Any) -> None:
            for place in (case.path_parameters or {}, case.query or {}):
                for name in [n for n in place if n in known and hash(str(place[n])) % 2]:
                    place[name] = known[name]
            response = case.call(base_url=served.address, headers=headers, timeout=30)
            case.validate_response(response, checks=[not_a_server_error, response_schema_conformance])

        holds()
    assert served.process.poll() is None
