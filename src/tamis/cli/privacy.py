"""Make a key for privacy steps, and measure on a checked sample how much they missed."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, find_run, json_option, workspace_option


@click.group("privacy")
def command() -> None:
    """Make a key for privacy steps, and measure on a checked sample how much they missed.

    `sample` and `score` take --json.

    \b
    Example:
      tamis privacy key
      export TAMIS_PRIVACY_KEY="$(tamis privacy key)"
      tamis privacy sample --rows 200
      tamis privacy score decisions/mine.sample.jsonl
    """


@command.command("key")
@click.option("--keyring", is_flag=True, help="Keep it in the system's keyring instead of printing it.")
def key(keyring: bool) -> None:
    """Print a new key: 256 random bits. Keep it where secrets are kept, outside the workspace.

    \b
    Example:
      export TAMIS_PRIVACY_KEY="$(tamis privacy key)"
      tamis privacy key --keyring
    """
    from tamis.engine.key import Key, keep_in_keyring, new_key

    secret = new_key()
    if not keyring:
        click.echo(secret)
        return
    keep_in_keyring(secret)
    click.echo(f"kept in the keyring; fingerprint {Key(secret, 'the keyring').fingerprint}")


@command.command("sample")
@click.option("--rows", type=click.IntRange(1), default=200, show_default=True, help="How many delivered rows.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed draws other rows.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=None, help="Where (default: decisions/<recipe>.sample.jsonl)."
)
@click.option(
    "--run", "run_name", default=None, help="A run folder, number, recipe file or recipe name (default: the last run)."
)
@workspace_option
@json_option
def sample(rows: int, seed: int, out: Path | None, run_name: str | None, workspace: Path | None, as_json: bool) -> None:
    """Draw delivered rows for a person to read: what personal data was missed?

    In each line, note what was missed by kind ({"email": 1}), what was replaced needlessly in `wrong`, and
    set `checked` to true; then `tamis privacy score`.

    \b
    Example:
      tamis privacy sample --rows 200
    """
    from tamis.runs.recall import HOW, draw

    run = find_run(run_name, workspace)
    path = out or run.parent.parent.parent / "decisions" / f"{run.parent.name}.sample.jsonl"
    count = draw(run, path, rows, seed)
    if as_json:
        answer({"path": str(path), "rows": count})
    else:
        click.echo(f"{count:,} rows in {path}: {HOW}")


@command.command("score")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--labelled", is_flag=True, help="FILE holds texts with their spans marked, not a checked sample.")
@click.option(
    "--run", "run_name", default=None, help="A run folder, number, recipe file or recipe name (default: the last run)."
)
@workspace_option
@json_option
def score_command(file: Path, labelled: bool, run_name: str | None, workspace: Path | None, as_json: bool) -> None:
    """Compute recall and precision from a checked sample; they go into the report and onto the next card.

    With --labelled, each line is a text of yours with its spans marked, in characters: {"text": "I am Ann",
    "spans": [{"start": 5, "end": 8, "kind": "person"}]}; the finder looks with the run's settings.

    \b
    Example:
      tamis privacy score decisions/mine.sample.jsonl
      tamis privacy score marked.jsonl --labelled
    """
    from tamis.runs.labelled import score_labelled
    from tamis.runs.privacy_words import recall_sentence
    from tamis.runs.recall import keep, score
    from tamis.runs.rows import read_json, read_privacy
    from tamis.runs.workspace import Workspace

    run = find_run(run_name, workspace)
    if labelled:
        settings = read_json(run / "manifest.json").get("privacy", {}).get("settings", "")
        told = {"run": f"{run.parent.name}/{run.name}", "settings": settings, "labelled": file.name}
        told |= score_labelled(file, read_privacy(run))
    else:
        told = score(file)
    path = keep(Workspace(run.parent.parent.parent).decisions(run.parent.name), told)
    if as_json:
        answer({**told, "kept": str(path)})
        return
    click.echo(recall_sentence(told))
    for kind, figures in told["by_kind"].items():
        recall = figures["recall"]
        span = f"{recall['share']:.1%} ({recall['low']:.1%} to {recall['high']:.1%})" if recall else "–"
        click.echo(f"  {kind:<16} {figures['found'] - figures['wrong']:,} found, {figures['missed']:,} missed  {span}")
