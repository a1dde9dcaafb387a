"""Examples are picked the same way every time, and never the row itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tamis._scripted import ScriptedModels
from tamis.core.errors import DataError
from tamis.llm.examples import Example, line_of, load_examples, pick
from tamis.llm.prompts import ExampleSettings
from tamis.steps.annotate.label import Label
from tamis.testing import run_step

TEXTS = {
    "1": ("my parcel is late", "delivery"),
    "2": ("my parcel is lost", "delivery"),
    "3": ("charged twice for an invoice", "billing"),
    "4": ("the app crashes at start", "other"),
    "5": ("an invoice is wrong", "billing"),
}
EXAMPLES = [Example(row, {"x": text}, label) for row, (text, label) in TEXTS.items()]


def picked(pick_by: str, text: str, count: int = 2, row: str = "0", embedder: str | None = None) -> list[str]:
    settings = ExampleSettings.model_validate({"pick": pick_by, "count": count})
    models = ScriptedModels(lambda role, ask: "")
    return [one.id for one in asyncio.run(pick(EXAMPLES, settings, {"x": text}, row, models, embedder))]


@pytest.mark.parametrize("embedder", [None, "embedder"])
def test_the_most_similar_stand_nearest_to_the_row(embedder: str | None) -> None:
    assert picked("similar", "my parcel is late again", embedder=embedder) == ["2", "1"]


def test_fixed_ones_are_the_first_of_the_file() -> None:
    assert picked("fixed", "anything") == ["1", "2"]


@pytest.mark.parametrize("embedder", [None, "embedder"])
def test_diverse_ones_are_far_from_each_other(embedder: str | None) -> None:
    chosen = picked("diverse", "anything", count=3, embedder=embedder)
    assert len({TEXTS[row][1] for row in chosen}) == 3
    assert chosen == picked("diverse", "something else", count=3, embedder=embedder)


def test_each_label_gives_its_nearest() -> None:
    assert sorted(picked("per_label", "is an invoice wrong, is a parcel lost", count=1)) == ["2", "4", "5"]


@pytest.mark.parametrize("way", ["fixed", "similar", "diverse", "per_label"])
def test_never_the_row_itself_nor_its_twin(way: str) -> None:
    assert "1" not in picked(way, "some text", count=5, row="1")
    assert "1" not in picked(way, "my parcel is late", count=5)


def test_vectors_of_examples_are_asked_for_once() -> None:
    class Counting(ScriptedModels):
        texts: Any = None

        async def embed(self, role: str, texts: Any) -> Any:
            self.texts = [*(self.texts or []), *texts]
            await asyncio.sleep(0)
            return await super().embed(role, texts)

    models = Counting(lambda role, ask: "")
    settings = ExampleSettings(pick="similar", count=1)

    async def every() -> Any:
        return await asyncio.gather(
            *(pick(EXAMPLES, settings, {"x": f"row {k}"}, "0", models, "embedder") for k in range(20))
        )

    assert len(asyncio.run(every())) == 20
    assert len(models.texts) == len(EXAMPLES) + 20


def test_a_file_of_examples(tmp_path: Path) -> None:
    file = tmp_path / "p.examples.jsonl"
    assert load_examples(file) == ()
    file.write_text("".join(line_of(one) + "\n" for one in EXAMPLES), encoding="utf-8")
    assert list(load_examples(file)) == EXAMPLES
    file.write_text('{"input": {"x": "a"}, "output": 1}\n{"input": "a"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"p.examples.jsonl:2: no example"):
        load_examples(file)


def prompt_with(folder: Path, *examples: Example) -> Path:
    file = folder / "sort.md"
    text = "---\nlabels: [delivery, billing, other]\nexamples: {pick: similar, count: 1}\n---\nSort {x}"
    file.write_text(text, encoding="utf-8")
    (folder / "sort.examples.jsonl").write_text("".join(line_of(one) + "\n" for one in examples), encoding="utf-8")
    return file


def test_the_request_shows_the_example_and_the_evidence_names_it(tmp_path: Path) -> None:
    models = ScriptedModels(lambda role, ask: {"label": "other"})
    done = run_step(Label(prompt=prompt_with(tmp_path, *EXAMPLES)), [{"x": "my parcel is here"}], replies=models)
    _, shown, said, asked = models.asked[0][1].messages
    assert "my parcel is l" in shown["content"]
    assert said["content"] == '{"label": "delivery"}'
    assert "my parcel is here" in asked["content"]
    assert done.evidence[0]["examples"] in ('["1"]', '["2"]')


def test_other_examples_are_another_version(tmp_path: Path) -> None:
    versions = [Label(prompt=prompt_with(tmp_path, *EXAMPLES[:n])).task.version for n in (1, 2, 2)]
    assert versions[0] != versions[1] == versions[2]


def test_examples_that_do_not_fit_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the example '9' has the label 'odd', which is none"):
        _ = Label(prompt=prompt_with(tmp_path, Example("9", {"x": "a"}, "odd"))).task
    with pytest.raises(DataError, match="has no 'x', which the prompt shows"):
        _ = Label(prompt=prompt_with(tmp_path, Example("9", {"y": "a"}, "other"))).task
