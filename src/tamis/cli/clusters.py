"""Look at clusterings side by side, test them blind, choose one, name and mend its clusters."""

from __future__ import annotations

import click

from ._parts import Parts

#: subcommand → the module beside this one that holds it, in the order `--help` shows them
PARTS = {
    "list": "clusters_show",
    "show": "clusters_show",
    "compare": "clusters_compare",
    "test": "clusters_blind",
    "look": "clusters_decide",
    "shortlist": "clusters_decide",
    "choose": "clusters_decide",
    "rename": "clusters_decide",
    "merge": "clusters_decide",
    "split": "clusters_decide",
}


@click.group("clusters", cls=Parts, parts=PARTS)
def command() -> None:
    """Look at clusterings side by side, test them blind, choose one, name and mend its clusters.

    A clustering is named by the step that made it, or as `tamis clusters list` names it. What people decide is appended to
    decisions/<recipe>.jsonl; the next `tamis run` consumes it. Each command answers in JSON with --json.

    \b
    Example:
      tamis clusters list
      tamis clusters compare topics fine --html compare.html
      tamis clusters test topics fine
      tamis clusters choose fine --why "cards and refunds are two things"
      tamis clusters rename fine 3 "Lost cards"
    """
