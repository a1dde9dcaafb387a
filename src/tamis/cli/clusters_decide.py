"""What people decide about clusterings: looked at, shortlisted, chosen; renamed, merged, split."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ._clustered import desk_of, run_options, told_card
from .common import answer, json_option

who_option = click.option("--who", default="", help="Whose decision it is (default: TAMIS_USER or the login name).")
why_option = click.option("--why", default=None, help="A comment, kept with the decision.")


def _decide(
    kind: Any, value: dict[str, Any], run: str | None, workspace: Path | None, as_json: bool, who: str, why: str | None
) -> None:
    desk = desk_of(run, workspace)
    made = desk.decide(kind, value, who=who, why=why)
    if as_json:
        answer({"file": str(desk.path), "decision": {k: v for k, v in asdict(made).items() if v}})
        return
    click.echo(f"{made.who}: {kind} {json.dumps(made.value, ensure_ascii=False)}, appended to {desk.path}")
    gate = desk.gate_of(made.value["clustering"])
    if gate is not None and gate.missing:
        click.echo(f"gate {gate.step}: {'; '.join(gate.missing)}", err=True)
    else:
        click.echo("run the recipe again to go on", err=True)


@click.command("look")
@click.argument("clustering")
@click.argument("cluster", type=click.IntRange(0), required=False)
@click.option(
    "--all", "every", is_flag=True, help="All clusters were looked at elsewhere, such as on the page of compare."
)
@click.option("--again", is_flag=True, help="Those looked at before too.")
@who_option
@run_options
@json_option
def look(
    clustering: str, cluster: int | None, every: bool, again: bool, who: str, run: str | None, workspace: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Look at clusters one after another; each that was shown is written down as looked at.

    Enter goes on, q stops. With CLUSTER, that one alone.

    \b
    Example:
      tamis clusters look topics
      tamis clusters look topics 3
    """
    from tamis.core.errors import UsageError

    if every or cluster is not None:
        value: dict[str, Any] = {"clustering": clustering} | ({} if cluster is None else {"cluster": cluster})
        if cluster is not None and not as_json:
            desk = desk_of(run, workspace)
            for card in desk.cards(clustering):
                if card.cluster == cluster:
                    click.echo("\n".join(told_card(card)))
        _decide("look", value, run, workspace, as_json, who, None)
        return
    if as_json:
        raise UsageError("--json asks nobody; name a cluster, or say --all")
    desk = desk_of(run, workspace)
    cards = [card for card in desk.cards(clustering) if again or not card.looked]
    for number, card in enumerate(cards, 1):
        click.echo("\n".join(told_card(card)))
        if click.prompt(f"[{number} of {len(cards)}] Enter: seen, q: stop", default="", show_default=False) == "q":
            return
        desk.decide("look", {"clustering": clustering, "cluster": card.cluster}, who=who)
    click.echo(f"{len(cards)} clusters looked at" if cards else "every cluster was looked at")


@click.command("shortlist")
@click.argument("clustering")
@who_option
@why_option
@run_options
@json_option
def shortlist(
    clustering: str, who: str, why: str | None, run: str | None, workspace: Path | None, as_json: bool
) -> None:
    """Take a clustering into the closer choice.

    \b
    Example:
      tamis clusters shortlist topics
    """
    _decide("shortlist", {"clustering": clustering}, run, workspace, as_json, who, why)


@click.command("choose")
@click.argument("clustering")
@who_option
@click.option("--why", required=True, help="Why this one: it stands in the manifest, the report and the card.")
@run_options
@json_option
def choose(clustering: str, who: str, why: str, run: str | None, workspace: Path | None, as_json: bool) -> None:
    """Choose a clustering at the gate that waits for it.

    Refused until the gate has what it asks for: every cluster looked at, clusterings shortlisted.

    \b
    Example:
      tamis clusters choose fine --why "cards and refunds are two things"
    """
    _decide("choose", {"clustering": clustering}, run, workspace, as_json, who, why)


@click.command("rename")
@click.argument("clustering")
@click.argument("cluster", type=click.IntRange(0))
@click.argument("name")
@who_option
@why_option
@run_options
@json_option
def rename(
    clustering: str, cluster: int, name: str, who: str, why: str | None, run: str | None, workspace: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Give a cluster a name that stays, also when rows are added or clusters are found anew.

    \b
    Example:
      tamis clusters rename topics 3 "Lost cards"
    """
    value = {"clustering": clustering, "cluster": cluster, "name": name}
    _decide("rename", value, run, workspace, as_json, who, why)


@click.command("merge")
@click.argument("clustering")
@click.argument("clusters", type=click.IntRange(0), nargs=-1, required=True)
@click.option("--name", default=None, help="What the whole is called.")
@who_option
@why_option
@run_options
@json_option
def merge(
    clustering: str, clusters: tuple[int, ...], name: str | None, who: str, why: str | None, run: str | None,
    workspace: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make clusters one: the first of them, which keeps its number. All other numbers stay.

    \b
    Example:
      tamis clusters merge topics 3 7 --name "Cards"
    """
    value: dict[str, Any] = {"clustering": clustering, "clusters": list(clusters)} | ({"name": name} if name else {})
    _decide("merge", value, run, workspace, as_json, who, why)


@click.command("split")
@click.argument("clustering")
@click.argument("cluster", type=click.IntRange(0))
@click.option("--parts", type=click.IntRange(2, 50), default=2, show_default=True, help="Into how many.")
@who_option
@why_option
@run_options
@json_option
def split(
    clustering: str, cluster: int, parts: int, who: str, why: str | None, run: str | None, workspace: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Cut a cluster in parts: the largest keeps its number, the others get new ones. All other numbers stay.

    \b
    Example:
      tamis clusters split topics 3 --parts 2
    """
    _decide("split", {"clustering": clustering, "cluster": cluster, "parts": parts}, run, workspace, as_json, who, why)


COMMANDS = {
    "look": look, "shortlist": shortlist, "choose": choose, "rename": rename, "merge": merge, "split": split,
}  # fmt: skip
