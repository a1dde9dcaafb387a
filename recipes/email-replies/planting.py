"""Plants what the logs of such products hold besides: junk, attacks, newsletters, inventions, personal data, copies."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

Rows = list[dict[str, Any]]

#: planted rows are younger than this, and of the newest two versions: what they are is the only reason to leave
SINCE = datetime(2026, 5, 4)
JUNK_SETTINGS = (
    {"profession": "asdf", "company": "asdf"},
    {"company": "test", "company_description": "test test"},
    {"sender_name": "asdf asdf"},
    {"profession": "qwertz"},
    {"profession": "xxx", "company": "xxx", "company_description": "xxx"},
    {"profession": "sdfkjh", "company": "lkjhlkjh"},
    {"sender_name": "Max Mustermann", "company": "asdfasdf"},
    {"profession": "aaaaaa"},
)
JUNK_INSTRUCTIONS = ("test", ".", "asdf", "???", "aaaaaaa", "test test", "123123", "lorem ipsum", "sdfsdf", "...")


def plant(
    texts: dict[str, list[str]],
    written: Sequence[Any],
    some: Callable[[Any], Rows],
    chance: random.Random,
) -> Rows:
    """The planted rows. texts: dirt.txt by kind; some: the drafts for one situation."""
    found: Rows = []

    def good() -> dict[str, Any]:
        """A row that only has good reasons to stay."""
        while True:
            made = some(chance.choice(written))[-1]
            if made["template_version"] >= 3 and made["created_at"] >= SINCE and "what" not in made:
                return made | {"accepted": 1, "sent_text": made["generated_text"]}

    def add(what: str, made: dict[str, Any], **change: Any) -> None:
        found.append(made | {"what": what} | change)

    for settings in JUNK_SETTINGS * 3:
        add("junk_settings", good(), **settings)
    for instruction in JUNK_INSTRUCTIONS * 3:
        add("junk_instruction", good(), instruction=instruction)
    for text in texts["injection"] * 2:
        made = good()
        add("injection", made, received_message=woven(made["received_message"], text))
    for text in texts["newsletter"] * 3:
        made = good()
        add("newsletter", made, received_message=text.replace("{code}", f"{chance.randrange(16**8):08x}"))
    for text in texts["hallucinated"]:
        made = good()
        invented = woven(made["generated_text"], text)
        add("hallucinated", made, generated_text=invented, sent_text=invented)
    for text in texts["personal"] * 2:
        made = good()
        add("personal", made, received_message=woven(made["received_message"], text))
    for text in ("", " ", "\n\n", "", "\t \n", ""):
        add("empty", good(), received_message=text)
    for _ in range(4):
        add("empty", good(), generated_text="", sent_text=None, accepted=0)
    for number in range(30):
        made = good()
        found.append(made)
        again = texts["again"][number % len(texts["again"])]
        later = made["created_at"] + timedelta(hours=chance.randint(3, 60))
        changed = woven(made["received_message"], again)
        add("near_duplicate", made, received_message=changed, created_at=later, of=made)
    for _ in range(20):
        made = good()
        found.append(made)
        add("duplicate", made, created_at=made["created_at"] + timedelta(seconds=chance.randint(1, 4)), of=made)
    return found


def woven(text: str, more: str) -> str:
    """The text with a paragraph before its signature."""
    parts = text.split("\n\n")
    return "\n\n".join([*parts[:-1], more, parts[-1]] if len(parts) > 1 else [*parts, more])
