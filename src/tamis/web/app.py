"""The application: the routes of the contract behind the guard, the pages, and the way in."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tamis.core.errors import TamisError, did_you_mean

from . import openapi, shapes
from .asked import Asked, Site
from .contract import ROUTES, Route
from .events import events
from .guard import ENTER, Doors, Guard
from .handlers import HANDLERS
from .people import SESSION_SECONDS
from .problems import NotThere, Refused, refused
from .rooms.delivery import download
from .static import page

#: characters of one value in an address's query
LONGEST = 20_000
#: pieces of work at a time; each may hold a partition's text
WORKERS = 3

_Answer = Callable[[Request, Asked], Awaitable[Response]]


class Place(NamedTuple):
    """A route with its address as a pattern."""

    route: Route
    pattern: re.Pattern[str]


class App:
    """Answers requests that the guard let through."""

    def __init__(self, site: Site, doors: Doors, static: Path) -> None:
        self.site, self.doors, self.static = site, doors, static
        self.places = [Place(route, _pattern(route.path)) for route in ROUTES]
        self.document = openapi.document()
        self._limit: anyio.CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except TamisError as error:
            raise refused(error) from error
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path, method = request.scope["path"], request.method
        if path == ENTER:
            return self._enter(request)
        if path == "/api/openapi.json" and method == "GET":
            return JSONResponse(self.document)
        if not path.startswith("/api/"):
            if method != "GET":
                raise Refused(405, f"{method} is not possible here")
            return page(self.static, path, request.headers.get("if-none-match"))
        return await self._api(request, path, method)

    async def _api(self, request: Request, path: str, method: str) -> Response:
        here = [(place.route, found) for place in self.places if (found := place.pattern.fullmatch(path))]
        if not here:
            raise NotThere("no such address")
        fitting = [(route, found) for route, found in here if route.method == method]
        if not fitting:
            raise Refused(405, f"{method} is not possible here; possible: {', '.join(r.method for r, _ in here)}")
        route, found = fitting[0]
        person = request.scope["person"]
        if route.lead and person.role != "lead":
            raise Refused(403, "this is for those who lead the review")
        asked = Asked(self.site, person, _query(request, route), found.groupdict())
        if route.body is not None:
            asked.body = _body(route, await request.body())
        if route.name == "events":
            return events(asked)
        if route.name == "download":
            file: Response = await self._in_thread(partial(download, asked))
            return file
        answer = await self._in_thread(partial(HANDLERS[route.name], asked))
        if isinstance(answer, bytes):
            return Response(answer, media_type="application/octet-stream")
        assert isinstance(answer, shapes.Shape)
        assert isinstance(answer, route.answer), route.name
        return Response(await self._in_thread(answer.model_dump_json), media_type="application/json")

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        """Work that reads files, away from the loop that answers."""
        if self._limit is None:
            self._limit = anyio.CapacityLimiter(WORKERS)
        return await anyio.to_thread.run_sync(work, limiter=self._limit)

    def _enter(self, request: Request) -> Response:
        """The way in: a link that works once becomes a cookie.

        One person's own link is used up when it is opened. A team's links travel through chats, whose previews open them:
        they are used up by a button. The page then leads on by itself, since a browser that came from another site
        does not send the new cookie along with a redirect.
        """
        token = request.query_params.get("token", "")
        people = self.site.people
        if request.method not in ("GET", "POST"):
            raise Refused(405, f"{request.method} is not possible here")
        name = people.known(token)
        if name is None:
            if request.scope["person"] is not None and request.method == "GET":
                return RedirectResponse("/", 303)
            raise Refused(401, "this link was used, or is none", hint="tamis review prints a new one")
        if people.team is not None and request.method == "GET":
            action = html.escape(f"{ENTER}?token={token}", quote=True)
            form = (
                f'<form method="post" action="{action}"><button autofocus>Begin as {html.escape(name)}</button></form>'
            )
            return _page(f"<h1>Tamis</h1>{form}")
        cookie = people.enter(token)
        if cookie is None:
            raise Refused(401, "this link was used", hint="tamis review prints a new one")
        head = '<meta http-equiv="refresh" content="0; url=/">'
        response = _page('<p><a href="/">Go on</a></p>', head)
        response.set_cookie(
            self.doors.cookie,
            cookie,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=self.doors.secure,
        )
        return response


def application(site: Site, doors: Doors, static: Path) -> ASGIApp:
    """The application as it is served."""
    return Guard(App(site, doors, static), site.people, doors)


def _page(body: str, head: str = "") -> Response:
    whole = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tamis</title>{head}</head><body>{body}</body></html>'
    return Response(whole, media_type="text/html")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/\\\\\0]+)", path))


def _query(request: Request, route: Route) -> Mapping[str, Any]:
    """The query's parameters, each known and given once. 400 where one is not."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in route.query:
            raise Refused(400, f"no parameter {name!r}; {did_you_mean(name, route.query)}")
        if name in found:
            raise Refused(400, f"the parameter {name!r} is given twice")
        if len(value) > LONGEST or "\0" in value:
            raise Refused(400, f"the parameter {name!r} is too long, or holds a null character")
        found[name] = _value(name, value)
    return {name: value for name, value in found.items() if value not in ("", None)}


def _value(name: str, text: str) -> Any:
    if name in openapi.FLAGS:
        if text.lower() not in ("", "true", "false", "1", "0"):
            raise Refused(400, f"{name}={text!r}; possible: true, false")
        return text.lower() in ("true", "1")
    least = openapi.INTEGERS.get(name)
    if least is None or not text:
        return text
    if not re.fullmatch(r"[0-9]{1,12}", text) or int(text) < least:
        raise Refused(400, f"{name}={text!r} is not a whole number from {least} on")
    return int(text)


def _body(route: Route, data: bytes) -> Any:
    assert route.body is not None
    try:
        return route.body.model_validate_json(data)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}" for one in error.errors()[:5]]
        raise Refused(400, "; ".join(told)) from None
