"""One request as the rooms see it: who asks, of which run, with which words; and the site that answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tamis.core.errors import UsageError
from tamis.runs.workspace import Workspace

from . import shapes
from .opened import Opened, OpenRuns
from .people import People, Person
from .problems import Refused

_RUN = re.compile(r"([^/\\\0]+)/(\d{1,9})")


@dataclass
class Site:
    """What the server stands over: a workspace, its people, and the runs opened so far. `recipe`: the one shown first;
    `recipe_file`: where it stands, for the commands that pages tell."""

    workspace: Workspace
    people: People
    recipe: str | None = None
    recipe_file: Path | None = None
    version: str = ""
    runs: OpenRuns = field(default_factory=OpenRuns)


@dataclass
class Asked:
    """A request. `query`: the parameters given, checked to be ones of the route; `path`: the parts of its address."""

    site: Site
    person: Person
    query: Mapping[str, Any]
    path: Mapping[str, str]
    body: Any = None

    @cached_property
    def run(self) -> Opened:
        """The run asked for: `run=RECIPE/NUMBER`, by default the last one of the recipe shown. 404 where there is none."""
        return self.site.runs.open(self._folder())

    def _folder(self) -> Path:
        workspace, told = self.site.workspace, self.query.get("run")
        if told is None:
            try:
                return workspace.find_run(self.site.recipe)
            except UsageError as error:
                raise Refused(404, error.message, hint=error.hint) from error
        match = _RUN.fullmatch(told)
        if match is None:
            raise Refused(400, f"run={told!r} names no run", hint="as in run=customer-intents/3")
        recipe, number = match[1], int(match[2])
        if recipe not in recipes(workspace) or number not in workspace.run_numbers(recipe):
            raise Refused(404, f"no run {told!r} here")
        return workspace.runs(recipe) / str(number)

    def text(self, name: str, default: str = "") -> str:
        return str(self.query.get(name, default))

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number of the query, at most `most`."""
        return min(int(self.query.get(name, default)), most)

    def names(self, name: str) -> list[str]:
        """A comma-separated list of the query."""
        return [part for part in self.text(name).split(",") if part]


Handler = Callable[[Asked], shapes.Shape]


def recipes(workspace: Workspace) -> list[str]:
    """The recipes that have runs here."""
    folder = workspace.root / "runs"
    return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
