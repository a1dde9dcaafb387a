"""Show what goes together with an outcome, or how a selection differs from a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .common import answer, find_run, json_option, workspace_option

if TYPE_CHECKING:
    from tamis.runs.metrics import Rows


@click.command("metrics")
@click.argument("data", metavar="[RUN or FILE]", required=False)
@click.option("--outcome", "outcomes", multiple=True, help="Columns with what came of a row: yes/no, or numbers.")
@click.option("--by", "by", multiple=True, help="Columns compared by; `length:VIEW` is a text's words.")
@click.option("--by-user", default=None, help="Column that says whose row it is: rows of one user are not independent.")
@click.option("--each-user-once", is_flag=True, help="A user counts once in each group, however many rows it has.")
@click.option(
    "--reference", default=None, help="Compare with the rows after a step, with `read` (all), or with a FILE."
)
@click.option(
    "--rows",
    "which",
    default="kept",
    show_default=True,
    help="Which rows: `kept`, `read` (all), or those after a STEP.",
)
@click.option(
    "--adjust",
    type=click.Choice(["holm", "bh", "none"]),
    default="holm",
    show_default=True,
    help="How probabilities are adjusted for how many there are.",
)
@click.option(
    "--bins", type=click.IntRange(2, 20), default=5, show_default=True, help="Groups that numbers are cut into."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resampling.")
@workspace_option
@json_option
def command(
    data: str | None,
    outcomes: tuple[str, ...],
    by: tuple[str, ...],
    by_user: str | None,
    each_user_once: bool,
    reference: str | None,
    which: str,
    adjust: Literal["holm", "bh", "none"],
    bins: int,
    seed: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Show what goes together with an outcome, or how a selection differs from a reference.

    Of the last run, of RUN (a folder, a number, RECIPE/NUMBER), or of a FILE. Without --outcome and --reference: what the
    recipe's `metrics:` asked for. Several columns are written with commas.

    \b
    Example:
      tamis metrics --outcome accepted --by template_version,template --by-user user_id --rows read
      tamis metrics --reference read --by template,length:prompt
    """
    from tamis.core.errors import UsageError
    from tamis.runner.metrics import rows_of_file
    from tamis.runs.metric_words import outcome_lines, reference_lines
    from tamis.runs.metrics import outcome_tables, reference_table
    from tamis.runs.rows import read_json

    named, columns = _split(outcomes), _split(by)
    told: dict[str, Any] = {"outcomes": [], "references": []}
    if not named and reference is None:
        run = find_run(data, workspace)
        told |= read_json(run / "metrics.json")
        if not told["outcomes"] and not told["references"]:
            raise UsageError(
                "neither --outcome nor --reference is given, and the recipe has no `metrics:`",
                hint="tamis metrics --outcome accepted --by template_version, or tamis metrics --reference read",
            )
    else:
        rows = _rows(data, workspace)
        if named:
            told["outcomes"] = outcome_tables(
                rows, named, columns, which=which, by_user=by_user, each_user_once=each_user_once, adjust=adjust,
                bins=bins, seed=seed,
            )  # fmt: skip
        if reference is not None:
            other = rows_of_file(reference) if Path(reference).is_file() else reference
            told["references"] = [
                reference_table(rows, other, columns, which=which, adjust=adjust, bins=bins, seed=seed)
            ]
    if as_json:
        answer(told)
        return
    blocks = [[*outcome_lines(one)] for one in told["outcomes"]] + [
        [*reference_lines(one)] for one in told["references"]
    ]
    click.echo("\n\n".join("\n".join(lines) for lines in blocks))


def _split(names: tuple[str, ...]) -> list[str]:
    return [one.strip() for name in names for one in name.split(",") if one.strip()]


def _rows(data: str | None, workspace: Path | None) -> Rows:
    from tamis.runner.metrics import rows_of_file
    from tamis.runs.metrics import rows_of_run

    if data is not None and Path(data).is_file() and Path(data).suffix not in (".yaml", ".yml"):
        return rows_of_file(data)
    return rows_of_run(find_run(data, workspace))
