"""Batch APIs: joined by id, nothing submitted twice, what failed sent again alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import EndpointDown
from tamis.llm.batch import BatchEndpoint, Pace
from tamis.llm.endpoints import Endpoints
from tamis.llm.models import open_models
from tamis.llm.spec import Connection, Model, Price
from tests.endpoint import Endpoint, Raw, Seen, Status
from tests.llm.batch_server import AnthropicBatches, Batches, OpenAIBatches

PACE = Pace(idle=0.05, first=0.01, longest=0.02, settle=0.01)
PATHS = {"openai": "/chat/completions", "anthropic": "/messages"}


class Place:
    """An endpoint with batches, and the folder of a workspace."""

    def __init__(self, server: Endpoint, batches: Any, shape: str, folder: Path) -> None:
        self.server, self.batches, self.shape, self.folder = server, batches, shape, folder

    def open(self, **more: Any) -> BatchEndpoint:
        connection = Connection(url=self.server.url, shape=self.shape, retries=2, deadline=20)  # type: ignore[arg-type]
        register = self.folder / "batches.sqlite"
        return BatchEndpoint(connection, register, place="here", key="sk-1", name="test", pace=PACE, **more)

    def body(self, text: str, model: str = "m") -> dict[str, Any]:
        return {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": text}]}

    async def ask(self, batch: BatchEndpoint, text: str, key: str | None = None, model: str = "m") -> Any:
        """The reply's text, or the reason of its failure."""
        try:
            raw = await batch.post(PATHS[self.shape], self.body(text, model), model=model, key=key or f"k_{text}")
        except CallFailed as error:
            return error.reason
        if self.shape == "anthropic":
            return raw.data["content"][0]["text"]
        return raw.data["choices"][0]["message"]["content"]

    def run(self, texts: Sequence[str]) -> list[Any]:
        """All of them, by a process of its own."""

        async def work() -> list[Any]:
            async with self.open() as batch:
                return await asyncio.wait_for(asyncio.gather(*(self.ask(batch, text) for text in texts)), 20)

        return asyncio.run(work())

    def killed(self, texts: Sequence[str], when: Callable[[], bool]) -> None:
        """As `run`, by a process that dies as soon as `when` holds."""

        async def work() -> None:
            async with self.open() as batch:
                tasks = [asyncio.create_task(self.ask(batch, text)) for text in texts]
                while not when():
                    await asyncio.sleep(0.002)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(asyncio.wait_for(work(), 20))


@pytest.fixture(params=["openai", "anthropic"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    batches: Batches = OpenAIBatches() if request.param == "openai" else AnthropicBatches()
    with Endpoint() as server:
        server.other = batches  # type: ignore[assignment]
        server.script = lambda asked: batches(asked)  # type: ignore[operator]
        yield Place(server, batches, request.param, tmp_path)


TEXTS = [f"t{n}" for n in range(7)]
GOOD = [f"re: {text}" for text in TEXTS]


def test_answers_in_the_wrong_order_reach_whom_they_answer(place: Place) -> None:
    """Both servers answer backwards."""
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 1


def test_a_failed_request_shifts_no_other(place: Place) -> None:
    """A peer zips requests with the answers' file, from which the failed ones are missing."""
    place.batches.fate = lambda text: "400" if text in ("t1", "t4") else "answered"
    said = place.run(TEXTS)
    assert said == ["refused" if text in ("t1", "t4") else f"re: {text}" for text in TEXTS]
    assert len(place.batches.every) == 1


def test_what_failed_or_expired_is_sent_again_alone(place: Place) -> None:
    again = {"t2": "expired", "t5": "500"}
    place.batches.fate = lambda text: again.get(text, "answered") if len(place.batches.every) == 1 else "answered"
    assert place.run(TEXTS) == GOOD
    assert [sorted(texts) for texts in place.batches.texts()] == [TEXTS, ["t2", "t5"]]


def test_what_keeps_failing_is_given_up(place: Place) -> None:
    place.batches.fate = lambda text: "500" if text == "t3" else "answered"
    assert place.run(TEXTS) == [*GOOD[:3], "server", *GOOD[4:]]
    assert place.batches.texts()[1:] == [["t3"], ["t3"]]


def test_one_model_a_batch(place: Place) -> None:
    async def work() -> list[Any]:
        async with place.open() as batch:
            asks = [place.ask(batch, text, model="ab"[n % 2]) for n, text in enumerate(TEXTS)]
            return await asyncio.gather(*asks)

    assert asyncio.run(work()) == GOOD
    assert sorted(len(texts) for texts in place.batches.texts()) == [3, 4]


@pytest.mark.parametrize("limit", ["requests", "bytes"])
def test_batches_are_no_larger_than_allowed(place: Place, limit: str) -> None:
    async def work() -> list[Any]:
        async with place.open() as batch:
            shape = type("Small", (type(batch._shape),), {})()
            line = len(shape.line("k_t0-0123456789abcdef", PATHS[place.shape], place.body("t0")))
            if limit == "requests":
                shape.most_requests = 3
            else:
                shape.most_bytes = 3 * (line + 1) + 64
            batch._shape = shape
            return await asyncio.gather(*(place.ask(batch, text) for text in TEXTS))

    assert asyncio.run(work()) == GOOD
    assert [len(texts) for texts in place.batches.texts()] == [3, 3, 1]


def test_a_request_larger_than_a_batch_fails_alone(place: Place) -> None:
    async def work() -> list[Any]:
        async with place.open() as batch:
            shape = type("Small", (type(batch._shape),), {"most_bytes": 1000})()
            batch._shape = shape
            return await asyncio.gather(*(place.ask(batch, text, "k") for text in ["x" * 2000]), place.ask(batch, "t0"))

    assert asyncio.run(work()) == ["refused", "re: t0"]


def test_a_killed_process_polls_the_same_batch_again(place: Place) -> None:
    place.batches.polls = 10**9
    place.killed(TEXTS, lambda: place.batches.looks >= 2)
    place.batches.polls = 1
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 1


def test_a_process_killed_between_submitting_and_hearing_of_it_submits_nothing_twice(place: Place) -> None:
    """The batch was made; that it was, never arrived."""
    place.batches.cut = 1
    original = place.batches.listed
    place.batches.listed = lambda asked: Raw(b"", cut=0)
    place.killed(TEXTS, lambda: len(place.batches.every) == 1)
    place.batches.listed = original
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 1


def test_a_torn_submission_is_looked_for_before_it_is_repeated(place: Place) -> None:
    place.batches.cut = 1
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 1


def test_a_submission_that_never_arrived_is_repeated(place: Place) -> None:
    place.batches.lose = 1
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 1


def test_a_process_killed_before_submitting_leaves_nothing_stuck(place: Place) -> None:
    place.batches.lose = 10**9
    place.killed(TEXTS, lambda: place.batches.lose < 10**9)
    place.batches.lose = 0
    assert place.run(TEXTS) == GOOD


def test_somebody_elses_batch_is_not_taken_for_ours(place: Place) -> None:
    """It has as many requests, and was made in the same minute."""
    other = Place(place.server, place.batches, place.shape, place.folder / "other")
    assert other.run(TEXTS) == GOOD
    place.batches.lose = 10**9
    place.killed(TEXTS, lambda: place.batches.lose < 10**9)
    place.batches.lose = 0
    assert place.run(TEXTS) == GOOD
    assert len(place.batches.every) == 2


def test_answers_not_yet_kept_are_read_again_and_not_bought(place: Place) -> None:
    """A process dies after the batch was read, before its answers were in the journal."""
    assert place.run(TEXTS) == GOOD
    assert place.run([*TEXTS, "new"]) == [*GOOD, "re: new"]
    assert [sorted(texts) for texts in place.batches.texts()] == [TEXTS, ["new"]]


def test_asked_again_by_the_same_process_is_bought_again(place: Place) -> None:
    async def work() -> None:
        async with place.open() as batch:
            for _ in range(2):
                assert await place.ask(batch, "t0") == "re: t0"

    asyncio.run(work())
    assert place.batches.texts() == [["t0"], ["t0"]]


def test_samples_of_one_request_are_told_apart(place: Place) -> None:
    async def work() -> list[Any]:
        async with place.open() as batch:
            return await asyncio.gather(*(place.ask(batch, "t0", f"sample_{n}") for n in range(3)))

    assert asyncio.run(work()) == ["re: t0"] * 3
    assert place.batches.texts() == [["t0"] * 3]


def test_a_wrong_key_is_told_once_and_ends_the_run(place: Place) -> None:
    async def work() -> None:
        async with place.open() as batch:
            await asyncio.gather(*(place.ask(batch, text) for text in TEXTS))

    place.server.other = lambda asked: Status(401)
    place.server.script = lambda asked: Status(401)
    with pytest.raises(EndpointDown, match="401"):
        asyncio.run(asyncio.wait_for(work(), 20))


class TestOpenAI:
    """What only OpenAI's batches can do."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        with Endpoint() as server:
            server.other = OpenAIBatches()
            yield Place(server, server.other, "openai", tmp_path)

    def test_a_completed_batch_without_any_answer(self, place: Place) -> None:
        """`output_file_id` is null when every request failed."""
        place.batches.fate = lambda text: "400"
        assert place.run(TEXTS) == ["refused"] * 7

    def test_requests_no_file_tells_of_are_sent_again(self, place: Place) -> None:
        place.batches.fate = lambda text: "silent" if text == "t3" and len(place.batches.every) == 1 else "answered"
        assert place.run(TEXTS) == GOOD
        assert place.batches.texts()[1:] == [["t3"]]

    def test_an_expired_batch_keeps_what_it_answered(self, place: Place) -> None:
        """A peer throws the whole batch away."""
        place.batches.status = "expired"
        place.batches.fate = lambda text: "silent" if text > "t3" and len(place.batches.every) == 1 else "answered"
        assert place.run(TEXTS) == GOOD
        assert [sorted(texts) for texts in place.batches.texts()] == [TEXTS, ["t4", "t5", "t6"]]

    def test_a_cancelled_batch_is_not_sent_again_by_itself(self, place: Place) -> None:
        place.batches.status = "cancelled"
        place.batches.fate = lambda text: "silent" if text > "t3" else "answered"
        assert place.run(TEXTS) == [*GOOD[:4], "server", "server", "server"]
        assert len(place.batches.every) == 1
        place.batches.status, place.batches.fate = "completed", lambda text: "answered"
        assert place.run(TEXTS) == GOOD
        assert place.batches.texts()[1:] == [["t4", "t5", "t6"]]

    def test_a_batch_refused_as_a_whole_says_why(self, place: Place) -> None:
        place.batches.status = "failed"
        place.batches.errors = {"data": [{"code": "invalid_json_line", "message": "line 3 is odd", "line": 3}]}

        async def work() -> None:
            async with place.open() as batch:
                await batch.post("/chat/completions", place.body("t0"), model="m", key="k")

        with pytest.raises(CallFailed, match="line 3 is odd"):
            asyncio.run(work())


def test_an_api_without_batches_is_told(tmp_path: Path) -> None:
    connection = Connection(url="http://127.0.0.1:1", shape="cohere")
    with pytest.raises(Exception, match="has no batches"):
        BatchEndpoint(connection, tmp_path / "x", place="here", name="c")


def test_a_role_that_asks_by_batches(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the models of a recipe: bought once, kept in the journal; the schema's probe is not sent by a batch."""
    monkeypatch.setattr(Endpoints, "pace", PACE)
    connection = Connection(url=place.server.url, shape=place.shape)  # type: ignore[arg-type]
    cast = {"annotator": Model(model="here/m", batch=True, price=Price(input=1, output=1))}
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    direct: list[Seen] = []

    def answer(asked: Seen) -> Any:
        if asked.path.endswith(("/batches", "/files")):
            return place.batches(asked)
        direct.append(asked)
        return "yes"

    place.server.script = answer

    async def work() -> tuple[list[Any], dict[str, Any]]:
        async with open_models(cast, {"here": connection}, None, place.folder) as models:
            free = [models.chat("annotator", Ask(({"role": "user", "content": text},))) for text in TEXTS]
            bound = models.chat("annotator", Ask(({"role": "user", "content": "x"},), schema=schema))
            *replies, failed = await asyncio.gather(*free, bound, return_exceptions=True)
            assert isinstance(failed, CallFailed)
            return [reply.text for reply in replies if isinstance(reply, Reply)], models.stats()

    said, stats = asyncio.run(work())
    assert said == GOOD
    assert stats["usd"] is not None
    assert stats["ok"] >= 8
    batches, probes = len(place.batches.every), len(direct)
    assert probes == 1
    assert asyncio.run(work())[0] == GOOD
    assert (len(place.batches.every), len(direct)) == (batches, probes)
