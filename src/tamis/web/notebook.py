"""The review app in a notebook (Jupyter, Deepnote, marimo): the same pages, in a frame of the cell, without a server.

What the pages would ask a server goes as messages through the widget to this process, to the same application. The frame is
sandboxed into an origin of its own: what stands in rows cannot reach the notebook's page, its cookies or its kernel.
"""

from __future__ import annotations

import asyncio
import base64
import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tamis.core.errors import MissingExtra, UsageError
from tamis.runs.built import HOW, built
from tamis.runs.decisions import whose
from tamis.runs.workspace import Workspace

from .static import FOLDER

HOST = """
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "Tamis";
  frame.style.cssText = `width:100%;height:${model.get("height")}px;border:1px solid #8886;border-radius:6px`;
  const ask = (event) => {
    if (event.source === frame.contentWindow && event.data && event.data.tamis === "ask") model.send(event.data);
  };
  const answer = (message) => frame.contentWindow && frame.contentWindow.postMessage(message, "*");
  window.addEventListener("message", ask);
  model.on("msg:custom", answer);
  frame.srcdoc = model.get("page");
  el.appendChild(frame);
  return () => {
    window.removeEventListener("message", ask);
    model.off("msg:custom", answer);
  };
}
export default { render };
"""


class Desk:
    """Answers the messages of a frame. root: the workspace; recipe: the one shown first; name: who reviews."""

    def __init__(self, root: Path, recipe: str | None = None, name: str | None = None) -> None:
        try:
            from .app import App
        except ImportError as error:
            raise MissingExtra("review in a notebook", "web") from error
        from .asked import Site
        from .guard import Doors
        from .people import People

        workspace = Workspace(root)
        workspace.find_run(recipe)
        self._people = People(workspace.hidden / "review.json")
        [link] = self._people.invite()
        cookie = self._people.enter(link.token)
        assert cookie is not None, "a link that was made a moment ago"
        self._cookie = cookie
        person = self._people.person(cookie)
        assert person is not None
        self._people.name(person, name or whose())
        self._app = App(Site(workspace, self._people, recipe), Doors.of(0), FOLDER)

    async def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one message: id, status, kind of content, the body in base 64."""
        from .problems import Refused

        number = int(message.get("id", 0))
        sent: list[Any] = []

        async def send(part: Any) -> None:
            sent.append(part)

        try:
            scope, receive = self._request(message)
            await self._app(scope, receive, send)
            status = sent[0]["status"]
            kinds = [v for k, v in sent[0]["headers"] if k.lower() == b"content-type"]
            body, kind = b"".join(part.get("body", b"") for part in sent[1:]), (kinds or [b""])[0].decode()
        except Refused as refused:
            status, kind = refused.status, "application/json"
            body = refused.problem.model_dump_json().encode()
        return {
            "tamis": "answer",
            "id": number,
            "status": status,
            "kind": kind,
            "body": base64.b64encode(body).decode(),
        }

    def _request(self, message: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        from .problems import Refused

        address, method = urlsplit(str(message.get("url", ""))), str(message.get("method", "GET")).upper()
        if not address.path.startswith("/api/") or address.netloc or address.path == "/api/events":
            raise Refused(404, "no such address")
        body = str(message.get("body") or "").encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        scope = {
            "type": "http", "method": method, "path": unquote(address.path), "raw_path": address.path.encode(),
            "query_string": address.query.encode(), "headers": [(b"content-type", b"application/json")],
            "scheme": "http", "http_version": "1.1", "person": self._people.person(self._cookie),
        }  # fmt: skip
        return scope, receive


def page(folder: Path = FOLDER) -> str:
    """The frame's document: the pages' script and style, and nothing else. UsageError where they are not built."""
    found = built("notebook", "app", root=folder)
    if found is None:
        raise UsageError("the review app's pages are not built", hint=HOW)
    policy = html.escape(found.policy(based=True), quote=True)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="about:srcdoc">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>Tamis</title>'
        f'<style>{found.style}</style></head><body><div id="app"></div><script>{found.script}</script></body></html>'
    )


def widget(root: Path, recipe: str | None = None, *, name: str | None = None, height: int = 720) -> Any:
    """A widget to show in a cell. MissingExtra without the extra [notebook]."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtra("review in a notebook", "notebook") from error
    desk = Desk(root, recipe, name)

    class Review(anywidget.AnyWidget):
        """The review app."""

        _esm = HOST
        page = traitlets.Unicode().tag(sync=True)
        height = traitlets.Int().tag(sync=True)

        def __init__(self) -> None:
            super().__init__(page=page(), height=height)
            self._tasks: set[Any] = set()
            self.on_msg(self._heard)

        def _heard(self, _: Any, message: Any, buffers: Any) -> None:
            async def reply() -> None:
                self.send(await desk.answer(message))

            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                asyncio.run(reply())
                return
            task = loop.create_task(reply())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    return Review()
