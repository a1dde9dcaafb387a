"""The review app in a notebook: the same pages without a server, over the widget's messages."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import UsageError
from tamis.runs import decisions
from tamis.web.notebook import HOST, Desk, page
from tamis.web.static import FOLDER

from ..runs.reviewed import Reviewed
from .pages import CHROMIUM

BUILT = (FOLDER / "notebook" / "app.js").exists()

#: what a notebook's page gives the widget: `get`, `send`, `on`
MODEL = """(page) => {
  const heard = [];
  const model = {
    get: (name) => (name === "page" ? page : 700),
    on: (kind, hear) => heard.push(hear),
    off: () => {},
    send: async (message) => { const answer = await window.toPython(message); heard.forEach((hear) => hear(answer)); },
  };
  window.render({ model, el: document.getElementById("cell") });
}"""


@pytest.fixture
def reviewed(tmp_path: Path) -> Reviewed:
    """A run that waits at a gate for six rows, one of which carries a script."""
    made = Reviewed(tmp_path / "w")
    lines = (made.folder / "rows.jsonl").read_text().splitlines()
    one = json.loads(lines[0]) | {
        "prompt": "<img src=x onerror=parent.postMessage(1)><script>top.location='//x'</script>"
    }
    (made.folder / "rows.jsonl").write_text("\n".join([json.dumps(one), *lines[1:]]) + "\n")
    made.wait()
    return made


def ask(desk: Desk, url: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
    message = {
        "tamis": "ask",
        "id": 7,
        "method": method,
        "url": url,
        "body": None if body is None else json.dumps(body),
    }
    answer = asyncio.run(desk.answer(message))
    assert (answer["tamis"], answer["id"]) == ("answer", 7)
    return answer["status"], json.loads(base64.b64decode(answer["body"]))


def test_messages_are_answered_as_the_server_answers_requests(reviewed: Reviewed) -> None:
    desk = Desk(reviewed.folder, name="ann")
    status, session = ask(desk, "/api/session")
    assert (status, session["name"], session["role"]) == (200, "ann", "lead")
    status, queue = ask(desk, "/api/queue/look?limit=2")
    card = queue["cards"][0]
    decision = {
        "kind": "accept",
        "step": "look",
        "row": card["id"],
        "version": card["version"],
        "content": card["content"],
    }
    status, made = ask(desk, "/api/decisions", "POST", {"decisions": [decision]})
    assert (status, made["made"][0]["who"]) == (200, "ann")
    status, problem = ask(desk, "/api/decisions", "POST", {"decisions": [decision]})
    assert status == 409, "the row was decided meanwhile"
    assert problem["now"]
    assert [d.kind for d in decisions.read(reviewed.decisions).all] == ["accept"]


@pytest.mark.parametrize(
    "url",
    ["/api/nothing", "/index.html", "/enter?token=x", "//elsewhere/api/session", "http://x/api/session", "/api/events"],
)
def test_only_the_routes_of_the_contract_answer(url: str, reviewed: Reviewed) -> None:
    status, problem = ask(Desk(reviewed.folder), url)
    assert (status, problem["error"]) == (404, "no such address")


def test_without_the_pages_the_way_to_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not built") as caught:
        page(tmp_path)
    assert "make web" in (caught.value.hint or "")


@pytest.mark.skipif(not BUILT, reason="the pages are not built: make web (Node 20.19 or newer)")
def test_a_widget_lives_in_a_real_kernel(reviewed: Reviewed) -> None:
    pytest.importorskip("anywidget", reason='anywidget is not installed: pip install "tamis[notebook]"')
    from jupyter_client.manager import start_new_kernel

    opened: list[Any] = []
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        code = f"import tamis\nfrom tamis.web.notebook import widget\nw = widget(__import__('pathlib').Path({str(reviewed.folder)!r}), name='ann')"
        reply = client.execute_interactive(code, timeout=120, output_hook=opened.append)
        assert reply["content"]["status"] == "ok", reply["content"]
        comm = next(
            m["content"]["comm_id"]
            for m in opened
            if m["msg_type"] == "comm_open" and "_esm" in str(m["content"]["data"])
        )
        asked = {"tamis": "ask", "id": 1, "method": "GET", "url": "/api/overview", "body": None}
        content = {"comm_id": comm, "data": {"method": "custom", "content": asked}}
        client.shell_channel.send(client.session.msg("comm_msg", content))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "comm_msg" and message["content"]["data"].get("method") == "custom":
                break
        answer = message["content"]["data"]["content"]
        assert answer["status"] == 200
        assert json.loads(base64.b64decode(answer["body"]))["gates"][0]["step"] == "look"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: apt-get install chromium")
@pytest.mark.skipif(not BUILT, reason="the pages are not built: make web (Node 20.19 or newer)")
def test_a_row_is_decided_by_keyboard_in_the_frame_and_nothing_is_loaded(reviewed: Reviewed) -> None:
    asyncio.run(_decide_in_the_frame(reviewed))
    found = decisions.read(reviewed.decisions).all
    assert [(d.kind, d.who) for d in found] == [("accept", "ann")]
    reviewed.accept_rest()
    assert reviewed.run().outcomes["held"] == 0


async def _decide_in_the_frame(reviewed: Reviewed) -> None:
    from playwright.async_api import async_playwright

    desk, asked, errors = Desk(reviewed.folder, name="ann"), list[str](), list[str]()

    async def answer(message: dict[str, Any]) -> dict[str, Any]:
        return await desk.answer(message)

    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = await browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        await tab.expose_function("toPython", answer)
        await tab.set_content("<div id=cell></div>")
        await tab.add_script_tag(content=HOST.replace("export default { render };", "window.render = render;"))
        await tab.evaluate(MODEL, page())
        frame = tab.frame_locator("iframe")
        await frame.get_by_role("link", name="Review queue").click()
        await frame.get_by_text("<img src=x onerror").first.wait_for(timeout=20_000)
        await tab.keyboard.press("a")
        for _ in range(200):
            if reviewed.decisions.exists():
                break
            await asyncio.sleep(0.05)
        assert await tab.evaluate("location.href") == "about:blank"
        await browser.close()
    assert errors == []
    assert [url for url in asked if not url.startswith(("about:", "data:"))] == []
