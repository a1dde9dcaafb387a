"""The place is the registration: `filter.length` is the class `Length` of `tamis/steps/filter/length.py`."""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Literal

from .errors import UsageError, did_you_mean
from .step import Part

Room = Literal["steps", "sources", "sinks"]


def class_name(file_name: str) -> str:
    """CamelCase of a file's name: `openai_chat` → `OpenaiChat`."""
    return "".join(part.capitalize() for part in file_name.split("_"))


@cache
def addresses(room: Room) -> tuple[str, ...]:
    """Every address there is in a room, sorted. Looks at file names only; imports nothing."""
    root = Path(__file__).parent.parent / room
    found = []
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if not any(part.startswith("_") for part in parts) and (room == "steps" or len(parts) == 1):
            found.append(".".join(parts))
    return tuple(sorted(found))


def resolve(room: Room, address: str) -> type[Part]:
    """The class at an address. UsageError, with what was perhaps meant, where there is none."""
    if address not in addresses(room):
        raise UsageError(f"no {room.removesuffix('s')} {address!r}; {did_you_mean(address, addresses(room))}")
    module = importlib.import_module(f"tamis.{room}.{address}")
    found = getattr(module, class_name(address.rsplit(".", 1)[-1]), None)
    if not (isinstance(found, type) and issubclass(found, Part)):
        raise UsageError(f"{module.__name__} holds no class {class_name(address.rsplit('.', 1)[-1])}")
    return found
