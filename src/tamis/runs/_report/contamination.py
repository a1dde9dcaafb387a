"""The section about test items in the rows: what leaked of each test set, and the places side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tamis.runs.ledger import Ledger

from .markup import count, esc, isolated, number, percent, table, text

FAMILY = "decontaminate."
#: evidence that this section tells in full
MATCHES = "evidence.matches"
EXAMPLES = 4  # of each test set and part
SETS = 40  # test sets shown


def contamination(ledger: Ledger, steps: Sequence[dict[str, Any]], last_private: int) -> list[dict[str, Any]]:
    """Per step of the family: rows that left, per test set the rows and the items, and a few examples.

    Examples that were read before step number `last_private` was done keep their places and lose their texts.
    """
    found = []
    for number_, (record, told) in enumerate(zip(ledger.steps, steps, strict=True), 1):
        if str(record.get("address", "")).startswith(FAMILY):
            one = _step(ledger, record, hidden=number_ <= last_private)
            found.append({"step": record["name"], "anchor": told["anchor"], "in": record["in"], **one})
    return found


def _step(ledger: Ledger, record: dict[str, Any], *, hidden: bool) -> dict[str, Any]:
    sets: dict[str, dict[str, Any]] = {}
    rows = 0
    for partition, lines in ledger.left(record["name"]):
        if MATCHES not in lines.columns:
            continue
        del partition
        for line in lines.iter_rows(named=True):
            if line[MATCHES] is None:
                continue
            rows += 1
            matches = json.loads(line[MATCHES])
            for name in dict.fromkeys(match["benchmark"] for match in matches):
                one = sets.setdefault(
                    name, {"name": name, "rows": 0, "items": 0, "found": {}, "whole": 0, "examples": []}
                )
                one["rows"] += 1
            for match in matches:
                one = sets[match["benchmark"]]
                one["items"] = match["items"]
                parts = one["found"].setdefault(match["item"], set())
                parts.add(match["part"])
            best = matches[0]
            sets[best["benchmark"]]["whole"] += best["coverage"] >= 1
            shown = sets[best["benchmark"]]["examples"]
            kinds = [(e["part"], e["coverage"] >= 1) for e in shown]
            if len(shown) < EXAMPLES and kinds.count((best["part"], best["coverage"] >= 1)) < max(1, EXAMPLES // 2):
                shown.append(_example(ledger, line, best, hidden))
    return {"rows": rows, "sets": [_told(one) for one in sorted(sets.values(), key=lambda s: (-s["rows"], s["name"]))]}


def _example(ledger: Ledger, line: dict[str, Any], match: dict[str, Any], hidden: bool) -> dict[str, Any]:
    kept = ("item", "part", "coverage", "words", "of")
    texts = () if hidden else ("row_text", "row_marks", "item_text", "item_marks")
    place = {"id": line["id"], "file": ledger.file_name(line["at.file"]), "line": line["at.line"]}
    return {
        **place,
        **{k: match[k] for k in (*kept, *texts) if k in match},
        "more": len({(m["benchmark"], m["item"]) for m in json.loads(line[MATCHES])}) - 1,
    }


def _told(one: dict[str, Any]) -> dict[str, Any]:
    parts = list(one["found"].values())
    return {
        "name": one["name"], "rows": one["rows"], "items": one["items"], "leaked": len(parts), "whole": one["whole"],
        "questions": sum("question" in p for p in parts), "answers": sum("answer" in p for p in parts),
        "examples": one["examples"],
    }  # fmt: skip


# -- the page -----------------------------------------------------------------------------------


def contamination_section(data: dict[str, Any]) -> str:
    """The section, where a step looked for test items; else nothing."""
    if not data["contamination"]:
        return ""
    head = '<section id="contamination" aria-labelledby="h-contamination"><h2 id="h-contamination">Test items in the data</h2>'
    said = (
        '<p class="note">Rows that hold a question or an answer of a test set were dropped: a model trained on its test '
        "knows the answers. The share of the test set says how much of it would have been known.</p>"
    )
    return head + said + "".join(_of_step(one) for one in data["contamination"]) + "</section>"


def _of_step(one: dict[str, Any]) -> str:
    title = f'<h3><a href="#{one["anchor"]}"><code>{isolated(one["step"])}</code></a></h3>'
    if not one["rows"]:
        return f"{title}<p>No test item was found in {count(one['in'], 'row')}.</p>"
    told = f"<p>{count(one['rows'], 'row')} of {number(one['in'])} ({percent(one['rows'], one['in'])}) held test items.</p>"
    sets = one["sets"][:SETS]
    lines = [
        [
            isolated(s["name"]),
            number(s["rows"]),
            percent(s["rows"], one["in"]),
            f"<b>{percent(s['leaked'], s['items'])}</b>",
            number(s["leaked"]),
            number(s["items"]),
            number(s["questions"]),
            number(s["answers"]),
        ]
        for s in sets
    ]
    head = ["test set", "rows", "share of rows", "share of the test set", "items leaked", "of", "questions", "answers"]
    more = f'<p class="note">… and {len(one["sets"]) - SETS} more test sets.</p>' if len(one["sets"]) > SETS else ""
    shown = "".join(_examples(s) for s in sets if s["examples"])
    return title + told + table(head, lines, right=tuple(range(1, 8))) + more + shown


def _examples(one: dict[str, Any]) -> str:
    inner = "".join(_pair(e, one["name"]) for e in one["examples"])
    said = (
        f"{number(len(one['examples']))} of {number(one['rows'])}"
        if len(one["examples"]) < one["rows"]
        else "all of them"
    )
    return (
        f'<section class="reason r-dropped"><h4>{isolated(one["name"])} <span class="count">{said}</span></h4>'
        f'<div class="examples">{inner}</div></section>'
    )


def _pair(e: dict[str, Any], name: str) -> str:
    place = (
        f'<code class="id" title="{esc(e["id"])}">{esc(e["id"][:8])}</code> '
        f'<span class="file">{isolated(str(e["file"]))}:{esc(e["line"])}</span>'
    )
    more = f' <span class="ev">and {count(e["more"], "item")} more</span>' if e["more"] else ""
    share = f'<span class="ev"><b>{number(e["words"])}</b> of {number(e["of"])} words, coverage <b>{e["coverage"]:.0%}</b></span>'
    item = f'<span class="ev">{esc(e["part"])} <b>{isolated(str(e["item"]))}</b> of {isolated(name)}</span>'
    if "row_text" not in e:
        hidden = '<p class="gone-text">Not shown: a later step takes personal data away.</p>'
        return f'<article class="ex"><p class="at">{place} {item} {share}{more}</p>{hidden}</article>'
    left = f'<div class="side"><p class="at"><span class="tag">the row</span>{place}{more}</p>{_marked(e["row_text"], e["row_marks"])}</div>'
    right = f'<div class="side"><p class="at"><span class="tag">the test</span>{item} {share}</p>{_marked(e["item_text"], e["item_marks"])}</div>'
    return f'<article class="ex"><div class="pair">{left}{right}</div></article>'


def _marked(whole: str, marks: Sequence[Sequence[int]]) -> str:
    """A text with stretches marked."""
    found, last = [], 0
    for low, high in sorted(map(tuple, marks)):
        if low < last:
            low = min(last, high)
        found += [text(whole[last:low]), f"<mark>{text(whole[low:high])}</mark>" if high > low else ""]
        last = max(last, high)
    found.append(text(whole[last:]))
    return f'<p class="tx" dir="auto">{"".join(found)}</p>'
