"""Every route of the review app: method, path, what comes in, what goes out. The server serves these and no others.

`run` is `RECIPE/NUMBER`, by default the last run. Queries are strings; lists are comma-separated.
"""

from __future__ import annotations

from typing import NamedTuple

from . import room_shapes as r
from . import shapes as s


class Route(NamedTuple):
    """`query`: names of the query's parameters. `body`, `answer`: shapes; an answer of bytes is binary."""

    name: str
    method: str
    path: str
    answer: type[s.Shape] | type[bytes]
    body: type[s.Shape] | None = None
    query: tuple[str, ...] = ()
    lead: bool = False
    about: str = ""


ROWS = ("run", "q", "where", "sort", "descending", "outcome", "step", "reason", "columns")

ROUTES: tuple[Route, ...] = (
    Route("session", "GET", "/api/session", s.Session, about="Who reviews, and which runs there are."),
    Route("say_name", "POST", "/api/session", s.Session, s.Name, about="Give one's name (not where a team's links name people)."),
    Route("overview", "GET", "/api/overview", s.Overview, query=("run",), about="The flow of rows, gates, what was delivered."),
    Route("rows", "GET", "/api/rows", s.RowsPage, query=(*ROWS, "offset", "limit"), about="A page of rows, at most 500."),
    Route("facets", "GET", "/api/facets", s.FacetList, query=(*ROWS, "of"), about="The values of columns among the rows asked for."),
    Route("row", "GET", "/api/rows/{id}", s.RowLife, query=("run",), about="A row's whole life."),
    Route("views", "GET", "/api/views", s.Views, about="Saved views."),
    Route("save_view", "POST", "/api/views", s.Views, s.View, about="Save a view, or replace the one of its name."),
    Route("forget_view", "POST", "/api/views/forget", s.Views, s.Name, about="Forget a view."),
    Route("queue", "GET", "/api/queue/{step}", s.Queue, query=("run", "order", "limit", "after"), about="The next rows to decide on, for who asks."),
    Route("progress", "GET", "/api/queue/{step}/progress", s.Progress, query=("run",)),
    Route("agreement", "GET", "/api/queue/{step}/agreement", s.Agreement, query=("run",)),
    Route("disagreements", "GET", "/api/queue/{step}/disagreements", s.Disagreements, query=("run", "limit"), lead=True),
    Route("similar", "POST", "/api/similar", s.Similar, s.Bulk, query=("run",), about="More like this, and the preview of a bulk decision."),
    Route("decide", "POST", "/api/decisions", s.Made, s.DecideMany, query=("run",), about="Append decisions; durable before it answers."),
    Route("undo", "POST", "/api/undo", s.Made, s.Undo, query=("run",)),
    Route("history", "GET", "/api/history", s.Made, query=("run", "limit", "who"), about="Decisions, the newest first."),
    Route("clusterings", "GET", "/api/clusterings", r.Clusterings, query=("run",)),
    Route("clustering", "GET", "/api/clusterings/{clustering}", r.ClusteringCards, query=("run",)),
    Route("cluster_flow", "GET", "/api/cluster-flow", r.ClusterFlow, query=("run", "a", "b")),
    Route("blind_test", "GET", "/api/blind-test", r.BlindTest, query=("run", "a", "b")),
    Route("blind_results", "GET", "/api/blind-test/results", r.TestResults, query=("run", "a", "b")),
    Route("map", "GET", "/api/map", bytes, query=("run", "layout"), about="The points of the map, as runs/map.py writes them."),
    Route("map_texts", "GET", "/api/map/texts", r.MapTexts, query=("run", "layout", "start", "stop")),
    Route("prompts", "GET", "/api/prompts", r.Prompts, query=("run",)),
    Route("pilot", "GET", "/api/prompts/{step}", r.Pilot, query=("run", "version")),
    Route("copies", "GET", "/api/copies", r.CopyGroups, query=("run", "step", "offset", "limit")),
    Route("leaks", "GET", "/api/leaks", r.Leaks, query=("run", "step", "offset", "limit")),
    Route("privacy", "GET", "/api/privacy", r.Privacy, query=("run",)),
    Route("privacy_sample", "GET", "/api/privacy/sample", r.PrivacySample, query=("run", "offset", "limit")),
    Route("check_privacy", "POST", "/api/privacy/sample", r.Privacy, r.PrivacyCheck, query=("run",), about="What a person saw in one row of the sample."),
    Route("delivery", "GET", "/api/delivery", r.Delivery, query=("run",)),
    Route("download", "GET", "/api/delivery/{name}", bytes, query=("run",), about="A delivered file."),
    Route("events", "GET", "/api/events", s.Event, about="Server-sent events."),
)  # fmt: skip
