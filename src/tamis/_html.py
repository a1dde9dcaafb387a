"""What a notebook shows of recipes and results: small tables, every value escaped, no scripts."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: rows of a table
SHOWN = 50
#: characters of a value
WIDTH = 200

JOINER = "\u200d"  # within emoji
BREAKS = "\n\r\t\x1e"


def text(value: Any, width: int = WIDTH) -> str:
    """A value on one line, cut, escaped; marks that turn the direction of writing are shown as what they are."""
    line = "".join(c if c.isprintable() or c == JOINER else " " if c in BREAKS else "\ufffd" for c in str(value))
    return html.escape(line if len(line) <= width else f"{line[: width - 1]}…")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: int = 0) -> str:
    """A table of at most SHOWN rows. numbers: how many columns after the first hold numbers."""
    right = range(1, 1 + numbers)

    def cells(tag: str, values: Sequence[Any]) -> str:
        return "".join(
            f'<{tag} style="text-align:{"right" if place in right else "left"}">{text(value)}</{tag}>'
            for place, value in enumerate(values)
        )

    rows = list(rows)
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows[:SHOWN])
    more = f"<p>… and {len(rows) - SHOWN:,} more</p>" if len(rows) > SHOWN else ""
    return f"<table><thead><tr>{cells('th', head)}</tr></thead><tbody>{body}</tbody></table>{more}"


def framed(page: str, title: str, height: int = 640) -> str:
    """A page in a frame of its own: its scripts run there and reach nothing outside."""
    return (
        f'<iframe title="{html.escape(title)}" sandbox="allow-scripts" width="100%" height="{height}" style="border:0" '
        f'srcdoc="{html.escape(page)}"></iframe>'
    )


def result_html(account: str, manifest: Mapping[str, Any]) -> str:
    """The account of a run, step by step, and what was delivered."""
    steps = [
        (
            step["name"],
            f"{step['in'] + step.get('born', 0):,}",
            f"{step['kept']:,}",
            ", ".join(f"{slug} {count:,}" for slug, count in step["reasons"].items()),
        )
        for step in manifest["steps"]
    ]
    told = [f"<p><b>{text(account)}</b></p>", table(("step", "in", "kept", "left, because"), steps, numbers=2)]
    told += [
        f"<p>{text(item['path'])}: {item['rows']:,} rows{' of ' + text(item['split']) if item['split'] else ''}</p>"
        for item in manifest["delivered"][:SHOWN]
    ]
    told += [f"<p>warning: {text(warning, 500)}</p>" for warning in manifest["warnings"][:SHOWN]]
    return "".join(told)


def recipe_html(settings: Mapping[str, Any]) -> str:
    """A recipe: its name, and each part with its settings."""
    rows = [
        (what, part["use"], ", ".join(f"{name}: {value}" for name, value in part.items() if name != "use"))
        for key, what in (("sources", "source"), ("steps", "step"), ("deliver", "deliver"))
        for part in settings.get(key, ())
    ]
    about = f" {text(settings['description'])}" if settings.get("description") else ""
    return f"<p><b>{text(settings['name'])}</b>{about}</p>{table(('', 'use', 'settings'), rows)}"


def lives_html(lives: Sequence[Mapping[str, Any]]) -> str:
    """Rows, each with what every step said of it."""
    told = []
    for life in lives[:SHOWN]:
        end = life["outcome"] if life["left_at"] is None else f"{life['outcome']} at {life['left_at']}"
        place = f"{life['id'][:8]} from {life['file']}:{life['line']}"
        steps = [
            (step["step"], step["reason"] or step["outcome"], _figures(step), _more(step)) for step in life["steps"]
        ]
        told.append(f"<p><b>{text(place)}: {text(end)}</b></p><p>{_row(life)}</p>")
        told.append(table(("step", "outcome", "evidence", ""), steps))
        told += [f"<p>delivered as {text(at['file'])}:{at['line']}</p>" for at in life["delivered"][:SHOWN]]
    if len(lives) > SHOWN:
        told.append(f"<p>… and {len(lives) - SHOWN:,} more rows</p>")
    return "".join(told)


def _figures(step: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in step["evidence"].items()
    )


def _more(step: Mapping[str, Any]) -> str:
    told = [step["sentence"]] if step["sentence"] else []
    told += [f"into {step['into'][:8]}"] if step["into"] else []
    told += [f"changed {', '.join(step['changed'])}"] if step.get("changed") else []
    return "; ".join(told)


def _row(life: Mapping[str, Any]) -> str:
    """The row's text when it left, or at the end."""
    row = life["row"]
    if row is None:
        return text(life["text_gone"], 500)
    if row.get("messages"):
        return "<br>".join(f"<i>{text(m['role'])}</i> {text(m['content'] or '')}" for m in row["messages"][:SHOWN])
    return "<br>".join(f"<i>{text(name)}</i> {text(value)}" for name, value in list(row.items())[:SHOWN])
