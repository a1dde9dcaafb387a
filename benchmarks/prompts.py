"""What asking by a prompt costs a row on this side of the endpoint: CPU microseconds, models by a script.

python benchmarks/prompts.py            # prints a Markdown table
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from tamis._scripted import ScriptedModels
from tamis.core.calls import Calling, Reply
from tamis.engine.asked import FrameRows
from tamis.engine.frame import Frame
from tamis.steps.annotate.answer import Answer
from tamis.steps.annotate.label import Label

ROWS = 20_000
REPLY = Reply('{"label": "delivery"}', value={"label": "delivery"})


def cost(step: Calling) -> float:
    """CPU microseconds a row."""
    texts = [f"Where is my parcel number {k}? It was to come on Monday, and nobody answers." for k in range(ROWS)]
    rows = FrameRows(Frame.of(pl.DataFrame({"source.inquiry": texts})))
    models = ScriptedModels(lambda role, ask: REPLY)

    async def every() -> None:
        for index in range(ROWS):
            await step.ask(rows[index], models)

    started = time.process_time()
    asyncio.run(every())
    return (time.process_time() - started) / ROWS * 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "sort.md"
        front = "---\nlabels: [billing, delivery]\nexamples: {pick: PICK, count: 4}\n---\n# System\nSort.\n# User\n{inquiry}\n"
        lines = [
            {"id": str(k), "input": {"inquiry": f"example {k} about a late parcel"}, "output": "delivery"}
            for k in range(50)
        ]
        print("| step | CPU µs a row |\n|---|---:|")
        print(f"| `annotate.answer`, inline prompt | {cost(Answer(prompt='Sum up {inquiry}', into='sum')):.0f} |")
        print(
            f"| `annotate.label`, inline prompt | {cost(Label(prompt='{inquiry}', labels=('billing', 'delivery'))):.0f} |"
        )
        (Path(name) / "sort.examples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        for pick in ("fixed", "similar", "diverse"):
            file.write_text(front.replace("PICK", pick))
            settings: Any = {"prompt": str(file)}
            print(f"| `annotate.label`, file, 4 of 50 examples, {pick} | {cost(Label(**settings)):.0f} |")


if __name__ == "__main__":
    main()
