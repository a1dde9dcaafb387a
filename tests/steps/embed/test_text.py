"""embed.text"""

from __future__ import annotations

from typing import Any

from tamis.steps.embed.text import Text
from tamis.testing import run_step


def quiet(role: str, ask: Any) -> str:
    return ""


CASES: list[Any] = [
    ({"in": "prompt"}, {"prompt": "Where is my card?"}, "kept", quiet),
    ({"in": "column:note"}, [{"prompt": "a", "note": None}, {"prompt": "a", "note": "late"}], "kept", quiet),
]


def test_a_row_has_the_key_of_its_own_texts_vector() -> None:
    rows = [{"prompt": "my card"}, {"prompt": "my order"}, {"prompt": "my card"}, {"response": "no prompt"}]
    keys = run_step(Text(view="prompt"), rows, replies=quiet).column("embed.text.~vector")
    assert keys[0] == keys[2] != keys[1]
    assert keys[3] is None
