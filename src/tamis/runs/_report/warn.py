"""What somebody who is about to train on a delivery must see first."""

from __future__ import annotations

from typing import Any

FEW_ROWS = 100
FEW_OF_A_LABEL = 10
MANY_LABELS = 20
MANY_ROWS = 100

Told = dict[str, str | None]


def warnings(data: dict[str, Any], said: list[str]) -> list[Told]:
    """Warnings as {text, anchor}: those the run gave, then what its figures say and it did not."""
    found: list[Told] = [{"text": _sentence(text), "anchor": None} for text in said]
    if not data["finished"]:
        gate = data["gate"]
        what = (
            f"The gate {gate['step']} waits for people"
            if gate and gate.get("step")
            else "This run has not come to its end"
        )
        found.insert(0, {"text": f"{what}: nothing is delivered yet.", "anchor": None})
    found += [*_size(data, said), *_bad(data), *_steps(data, said)]
    return found


def _size(data: dict[str, Any], said: list[str]) -> list[Told]:
    found: list[Told] = []
    rows = data["outcomes"]["kept"]
    if rows < FEW_ROWS and data["finished"] and not any(text.lower().startswith("only ") for text in said):
        text = (
            f"Only {rows:,} {'row' if rows == 1 else 'rows'}: fewer than {FEW_ROWS} are rarely enough to fine-tune on."
        )
        found.append({"text": text, "anchor": "delivered"})
    for label in data["labels"]:
        if not label["texty"] or any(
            repr(label["column"].split(".", 1)[-1]) in text or repr(label["column"]) in text for text in said
        ):
            continue
        rare = [row["label"] for row in label["rows"] if 0 < row["after"] < FEW_OF_A_LABEL and row["label"] != "(none)"]
        name, count = label["column"].removeprefix("source."), label["labels"]
        if rare:
            shown = ", ".join(rare[:5]) + (", …" if len(rare) > 5 else "")
            text = f"{len(rare)} of {count} values of {name} have fewer than {FEW_OF_A_LABEL} rows: {shown}"
            found.append({"text": _sentence(text), "anchor": "labels"})
        elif count > MANY_LABELS and rows < MANY_ROWS * count:
            text = f"{rows:,} rows for {count} values of {name}: with so many classes, hundreds of rows each are usual."
            found.append({"text": text, "anchor": "labels"})
    return found


def _bad(data: dict[str, Any]) -> list[Told]:
    found: list[Told] = []
    count = data["quarantined"]["count"]
    if count:
        text = "1 line could not be read; it stands" if count == 1 else f"{count:,} lines could not be read; they stand"
        found.append({"text": f"{text} in quarantine.", "anchor": "quarantined"})
    if data["outcomes"].get("held"):
        found.append(
            {"text": f"{data['outcomes']['held']:,} rows are held: nobody has decided on them.", "anchor": None}
        )
    if data["text_gone"]:
        found.append(
            {
                "text": "The text of this run's rows is no longer here, so examples show places and figures only.",
                "anchor": None,
            }
        )
    return found


def _steps(data: dict[str, Any], said: list[str]) -> list[Told]:
    found: list[Told] = []
    for step in data["steps"]:
        name, anchor = step["name"], step["anchor"]
        if step["stale"] and not any(w.startswith(f"{name}: {step['stale']} decision") for w in said):
            text = f"{name}: {step['stale']:,} decisions are about rows that changed since; they are asked again."
            found.append({"text": text, "anchor": anchor})
        if step["not_applicable"]:
            whole = step["not_applicable"] >= step["in"]
            text = f"{name} did not apply to {step['not_applicable']:,} of {step['in']:,} rows: they have no such text."
            if whole:
                text = f"{name} did not apply to any row: none has the text it looks at."
            found.append({"text": text, "anchor": anchor})
        if step["quarantined"]:
            found.append(
                {"text": f"{name} failed on {step['quarantined']:,} rows; they stand in quarantine.", "anchor": anchor}
            )
        for one in step["alike"]:
            text = f"{name}: {one['rows']:,} delivered rows name another row as {one['evidence']}."
            found.append({"text": text, "anchor": anchor})
    return found


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "…")) else ".")
