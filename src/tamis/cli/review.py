"""Review a run in the browser: look, search, decide; the next run consumes what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tamis import __version__

from .common import answer, json_option, workspace_option


@click.command("review")
@click.argument("recipe", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Port to listen at (default: 4826 or a free one near it).",
)
@click.option("--no-browser", is_flag=True, help="Print the link, open nothing.")
@click.option(
    "--reviewers",
    default=None,
    help="A team, as in ann,bob:lead, or a file of such names: a link of their own for each. Roles: reviewer, lead.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address or name to listen at; others than this machine only with TLS.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=None,
    help="Certificate (PEM) of HOST.",
)
@click.option(
    "--tls-key",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=None,
    help="Its private key (PEM).",
)
@click.option(
    "--behind-proxy",
    "url",
    default=None,
    help="The https:// address of a proxy in front of this server, which speaks TLS.",
)
@workspace_option
@json_option
def command(
    recipe: str | None,
    port: int | None,
    no_browser: bool,
    reviewers: str | None,
    host: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    url: str | None,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Review a run in the browser: look, search, decide; the next run consumes what was decided.

    RECIPE is a recipe file or a recipe's name (default: the last run here). One process, on this machine alone; it runs
    nothing itself. Each link works once, and lets its browser in for 30 days. Ctrl-C ends it; nothing is lost.

    \b
    Example:
      tamis review
      tamis review recipe.yaml --reviewers ann,bob:lead
      tamis review --host review.example.org --tls-cert cert.pem --tls-key key.pem
      tamis review --behind-proxy https://review.example.org
    """
    from tamis.engine.memory import give_memory_back

    give_memory_back()
    from tamis.core.errors import UsageError
    from tamis.runs.built import HOW
    from tamis.runs.workspace import Workspace
    from tamis.web.people import parse_reviewers
    from tamis.web.server import Reach, Ready, checked, serve
    from tamis.web.static import built

    reach = checked(Reach(host, tls_cert, tls_key, url))
    root, name, file = _which(recipe, workspace)
    Workspace(root).find_run(name)
    team = None if reviewers is None else parse_reviewers(reviewers)
    if not built():
        raise UsageError("the review app's pages are not built", hint=HOW)
    if team is not None and "lead" not in team.values():
        click.echo(
            "nobody is lead: rescues from privacy and contamination steps, and disagreements, need one", err=True
        )

    def ready(told: Ready) -> None:
        if as_json:
            links = [{"name": who, "role": role, "link": link} for who, role, link in told.links]
            answer({"address": told.address, "links": links})
        for who, role, link in () if as_json else told.links:
            click.echo(f"{who} ({role}): {link}" if who else link)
        click.echo("each link works once; Ctrl-C ends the server", err=True)
        if not no_browser and team is None:
            _open(told.links[0][2])

    serve(root, recipe=name, recipe_file=file, team=team, reach=reach, port=port, version=__version__, ready=ready)
    click.echo("ended; what was decided is in decisions/", err=True)


def _which(recipe: str | None, workspace: Path | None) -> tuple[Path, str | None, Path | None]:
    """The workspace, the recipe's name, and its file where one was given."""
    if recipe is None:
        return workspace or Path(), None, None
    path = Path(recipe)
    if path.suffix in (".yaml", ".yml") or path.is_dir():
        from tamis.recipe.load import load

        loaded = load(path)
        return workspace or (path if path.is_dir() else path.parent), loaded.name, path
    return workspace or Path(), recipe, None


def _open(link: str) -> Any:
    """Open the browser beside the server, which must not wait for it."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
