"""Tell a row's whole life: where it comes from, what each step said of it and why, where it went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .common import answer, figures, find_run, json_option, short, workspace_option


@click.command("why")
@click.argument("row")
@click.option(
    "--run", "run_name", default=None, help="A run folder, number, recipe file or recipe name (default: the last run)."
)
@workspace_option
@json_option
def command(row: str, run_name: str | None, workspace: Path | None, as_json: bool) -> None:
    """Tell a row's whole life: where it comes from, what each step said of it and why, where it went.

    ROW is an id, the beginning of one, FILE:LINE of a file read or delivered, or text of the row.

    \b
    Example:
      tamis why 3f9a1c
      tamis why inquiries.csv:17
      tamis why "refund for order"
    """
    from tamis.runs.why import Why

    why = Why(find_run(run_name, workspace))
    found = why.hits(row)
    lives = [why.life(one) for one in found.rows]
    if as_json:
        answer({"run": str(why.run), "rows": lives, "more": found.more})
    elif len(lives) == 1:
        click.echo(_life(lives[0]))
    else:
        click.echo(f"more than {len(lives)} rows, the first of them:" if found.more else f"{len(lives)} rows:")
        for life in lives:
            click.echo(f"  {life['id']}  {_end(life)}  {life['file']}:{life['line']}  {short(_text(life), 60)}")


def _life(life: dict[str, Any]) -> str:
    lines = [f"{life['id']}  {_end(life)}", f"  read from  {life['file']}:{life['line']} (source {life['source']})"]
    if life["born_from"]:
        lines.append(f"  born from  {life['born_from']}")
    for step in life["steps"]:
        evidence = figures(step["evidence"], 300)
        words = (
            step["outcome"] if step["reason"] is None else f"{step['outcome']}: {step['reason']} ({step['sentence']})"
        )
        into = f" into {step['into']}" if step["into"] else ""
        set_to = ", ".join(_change(name, *pair) for name, pair in step.get("changed", {}).items())
        tail = f"  [{evidence}]" if evidence else ""
        lines.append(f"  {step['step']:<18} {words}{into}{f', {set_to}' if set_to else ''}{tail}")
        lines += [f"  {'':<18} {_decision(one)}" for one in step["decisions"]]
    lines += [f"  delivered  {place['file']}:{place['line']}" for place in life["delivered"]]
    if life["row"] is None:
        lines.append(f"  text       {life['text_gone']}")
    else:
        for message in life["row"].get("messages") or []:
            lines.append(f"  {message['role']:<10} {short(message['content'], 200)}")
        if not life["row"].get("messages"):
            lines += [f"  {name}: {short(value, 200)}" for name, value in life["row"].items()]
    return "\n".join(lines)


def _decision(one: dict[str, Any]) -> str:
    """What somebody said of the row."""
    said = "".join(f", {short(one[name], 60)}" for name in ("reason", "value") if name in one)
    comment = f": “{short(one['why'], 200)}”" if "why" in one else ""
    return f"{one.get('who', 'somebody')}, {one.get('at', '')[:10]}: {one['kind']}{said}{comment}"


def _change(name: str, before: Any, after: Any) -> str:
    """What a step did to one column."""
    if before is None:
        return f"set {name}" if isinstance(after, list) else f"set {name} to {short(after, 40)}"
    return f"changed {name}"


def _end(life: dict[str, Any]) -> str:
    return "kept" if life["left_at"] is None else f"{life['outcome']} at {life['left_at']}"


def _text(life: dict[str, Any]) -> str:
    if life["row"] is None:
        return ""
    messages = life["row"].get("messages") or []
    turns = [m["content"] or "" for m in messages if m["role"] != "system"]
    return " ⏎ ".join(turns) if turns else " | ".join(str(v) for v in life["row"].values())
