"""What the commands of `tamis prompt` share: the recipe, the step that asks by the prompt, the workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from tamis.core.calls import Calling
    from tamis.recipe.model import Recipe

F = TypeVar("F", bound=Callable[..., Any])


class Prompted(NamedTuple):
    """A prompt as a command line names it. `step` reads its files from where they are."""

    recipe: Recipe
    step: Calling
    base: Path
    root: Path


def prompt_options(function: F) -> F:
    """PROMPT, `--recipe`, `--step`, `--workspace`."""
    for decorate in (
        click.option(
            "--workspace",
            "-w",
            type=click.Path(path_type=Path),
            default=None,
            help="Where .tamis/ and decisions/ are (default: where the recipe is).",
        ),
        click.option("--step", default=None, help="The step's id, where several ask by this prompt."),
        click.option(
            "--recipe",
            "-r",
            "recipe_path",
            type=click.Path(path_type=Path),
            default=Path("recipe.yaml"),
            show_default=True,
            help="The recipe with the step that asks by the prompt.",
        ),
        click.argument("prompt"),
    ):
        function = decorate(function)
    return function


def find_prompted(prompt: str, recipe_path: Path, step: str | None, workspace: Path | None) -> Prompted:
    """The step that asks by a prompt: named as a file, as its name without ending, or as the step."""
    from tamis.core.calls import Calling
    from tamis.recipe.load import load
    from tamis.runner.before import prompted_step
    from tamis.runner.run import placed_step

    recipe = load(recipe_path)
    base = recipe_path if recipe_path.is_dir() else recipe_path.parent
    found = placed_step(prompted_step(recipe, base, prompt, step), base.resolve())
    assert isinstance(found, Calling)
    return Prompted(recipe, found, base, workspace or base)
