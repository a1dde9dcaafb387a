"""Which clusterings there are, and the clusters of one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ._clustered import desk_of, run_options, told_card, told_figure
from .common import answer, json_option, short


@click.command("list")
@click.option("--all", "every", is_flag=True, help="Those of earlier runs and grids too.")
@run_options
@json_option
def list_command(every: bool, run: str | None, workspace: Path | None, as_json: bool) -> None:
    """Which clusterings there are: those of a run, or all that the workspace keeps.

    \b
    Example:
      tamis clusters list
      tamis clusters list --all --json
    """
    desk = desk_of(run, workspace)
    lines, gates = desk.lines(every=every), desk.gates
    if as_json:
        answer(
            {"run": str(desk.run), "clusterings": [asdict(line) for line in lines], "gates": [asdict(g) for g in gates]}
        )
        return
    if not lines:
        click.echo("no clusterings: the run has no step that clusters")
    for line in lines:
        marks = ["chosen by " + line.chosen] if line.chosen else []
        marks += [f"shortlisted by {', '.join(line.shortlisted)}"] if line.shortlisted else []
        marks += [f"{line.looked} of {line.clusters} looked at"] if line.looked else []
        out = f", {line.outliers:,} outliers" if line.outliers else ""
        click.echo(f"{line.step}  {line.use}  {line.clusters} clusters of {line.rows:,} rows{out}")
        click.echo(f"    {line.clustering}{'  ' + '; '.join(marks) if marks else ''}")
        if line.hints:
            click.echo(f"    {', '.join(map(told_figure, line.hints))}")
    for gate in gates:
        state = "; ".join(gate.missing) or ("chosen" if gate.chosen else "one of them is to be chosen")
        click.echo(f"gate {gate.step}: {gate.question} {state}")


@click.command("show")
@click.argument("clustering", required=False)
@click.option("--cluster", type=click.IntRange(0), default=None, help="One cluster alone.")
@run_options
@json_option
def show_command(
    clustering: str | None, cluster: int | None, run: str | None, workspace: Path | None, as_json: bool
) -> None:
    """The clusters of a clustering: size, name, key phrases, central (·) and boundary (~) rows.

    \b
    Example:
      tamis clusters show topics
      tamis clusters show topics --cluster 3
    """
    from tamis.core.errors import UsageError

    desk = desk_of(run, workspace)
    names = [clustering] if clustering else list(desk.used)
    told = []
    for name in names:
        line, cards = desk.line(name), desk.cards(name)
        some = [card for card in cards if cluster is None or card.cluster == cluster]
        if not some and cluster is not None:
            raise UsageError(f"{line.clustering} has no cluster {cluster}")
        told.append({"line": asdict(line), "cards": [asdict(card) for card in some], "before": desk.before(name)})
        if not as_json:
            click.echo(f"{line.step}  {line.use}  {line.clusters} clusters of {line.rows:,} rows  ({line.clustering})")
            for card in some:
                click.echo("\n".join(told_card(card)))
            before = desk.before(name)
            if before.get("pairs"):
                pairs = ", ".join(f"{p['old']} → {p['new']} ({p['of_old']:.0%})" for p in before["pairs"])
                click.echo(f"      from {before['before']}: {short(pairs, 200)}")
    if as_json:
        answer(told[0] if clustering else told)


COMMANDS = {"list": list_command, "show": show_command}
