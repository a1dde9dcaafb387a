"""A recipe's problems, told together; YAML and Python mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import RecipeError, UsageError
from tamis.recipe.load import load, parse
from tamis.recipe.model import Recipe
from tamis.steps.filter.length import Length

GOOD = """
tamis: 1
name: mine
seed: 7
steps:
  - use: filter.length
    in: prompt
    min: 2
  - use: filter.length
    id: long
    max: 30
"""


def test_yaml_and_python_build_the_same_recipe() -> None:
    built = Recipe(name="mine", seed=7, steps=(Length(view="prompt", min=2), Length(id="long", max=30)))
    assert parse(GOOD) == built
    assert parse(built.to_yaml()) == built
    assert parse(GOOD).fingerprint() == built.fingerprint()


def test_one_problem_of_a_step_hides_no_other() -> None:
    text = """tamis: 1
name: mine
steps:
  - use: filter.length
    mim: 2
    max: many
  - use: filter.empty
  - use: filter.lenght
  - use: filter.empty
  - use: annotate.label
    prompt: p.md
"""
    with pytest.raises(RecipeError) as caught:
        parse(text, where="r.yaml")
    assert str(caught.value).startswith("r.yaml: 5 problems")
    for part in (
        "line 5: filter.length: unknown field 'mim'",
        "line 6: filter.length: `max`: input should be a valid integer",
        "line 8: no step 'filter.lenght'",
        "line 9: step 'filter.empty' is used more than once; give each an `id:` of its own",
        "line 10: step 'annotate.label' asks the role 'annotator', which `models:` does not name",
    ):
        assert part in str(caught.value)


def test_every_problem_is_listed_with_its_line_and_what_is_possible() -> None:
    text = """tamis: 1
nam: mine
steps:
  - use: filter.lenght
  - use: filter.length
    mim: 2
  - use: filter.length
    min: two
  - use: filter.length
    in: promt
  - use: filter.length
    min: 4
    max: 2
sources: files
"""
    with pytest.raises(RecipeError) as caught:
        parse(text, where="r.yaml")
    message = str(caught.value)
    assert message.startswith("r.yaml: 8 problems")
    for part in (
        "`name:` is missing",
        "line 2: unknown key 'nam'; did you mean 'name'?",
        "line 4: no step 'filter.lenght'; did you mean 'filter.length'?",
        "line 6: filter.length: unknown field 'mim'; did you mean 'min'?",
        "line 8: filter.length: `min`: input should be a valid integer",
        "(it is 'two')",
        "line 10: filter.length: `in`: unknown view 'promt'; possible: response, prompt",
        "every row would be dropped: max 2 is below min 4",
        "line 14: `sources:` is a list of `- use: …`",
    ):
        assert part in message, part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the file is empty"),
        ("- a", "a recipe is a mapping"),
        ("a: [", "line 1: not YAML"),
        ("name: a\nname: b", "line 2: 'name' is given twice (first on line 1)"),
        ("name: a/b", "should match pattern"),
        ("name: a\nseed: -1", "line 2: `seed`: input should be greater than or equal to 0"),
        ("name: a\nsteps:\n  - filter.length", "line 3: expected a mapping with `use: family.step`"),
        ("name: a\nsteps:\n  - use: filter.length\n  - use: filter.length", "used more than once; give each an `id:`"),
        ("name: !!python/object/apply:os.system ['true']", "`name`: input should be a valid string"),  # and nothing ran
        ("tamis: 2\nname: a", "line 1: `tamis`: possible: 1"),
    ],
)
def test_a_broken_recipe_says_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text)
    assert part in str(caught.value)


def test_aliases_inside_aliases_do_not_explode() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for here, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]")
    with pytest.raises(RecipeError, match="aliases inside aliases"):
        parse("\n".join(lines))


def test_a_missing_file_names_the_next_command(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="tamis init"):
        load(tmp_path / "none.yaml")


def test_a_folder_with_one_recipe_is_that_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD)
    assert load(tmp_path).name == "mine"
    (tmp_path / "other.yaml").write_text(GOOD)
    with pytest.raises(UsageError, match="2 YAML files"):
        load(tmp_path)


@given(
    low=st.integers(0, 50),
    span=st.integers(0, 50),
    view=st.sampled_from(["prompt", "response", "column:a b"]),
    seed=st.integers(0, 2**40),
)
def test_any_recipe_survives_the_way_through_yaml(low: int, span: int, view: str, seed: int) -> None:
    recipe = Recipe(name="r", seed=seed, steps=(Length(view=view, min=low, max=max(1, low + span)),))
    assert parse(recipe.to_yaml()) == recipe


def played(annotator: str, judge: str, step: str = "") -> str:
    return (
        f"{{tamis: 1, name: x, models: {{annotator: {annotator}, judge: {judge}}}, steps: ["
        f'{{use: annotate.label, prompt: "Sort {{text}}", labels: [a, b]}}, {{use: score.judge{step}}}]}}'
    )


def test_a_judge_of_the_annotators_family_is_refused_unless_the_recipe_says_why() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(played("ollama/llama3.1", "ollama/llama3.3:70b"))
    assert "of the family 'llama'" in str(caught.value)
    assert "same_family" in str(caught.value)
    with pytest.raises(RecipeError, match="'acme-7b'"):  # a name that tells no family is itself one
        parse(played("ollama/acme-7b", "vllm/acme-7b"))
    assert parse(played("ollama/llama3.1", "ollama/llama3.3:70b", ', same_family: "a demo"')).doubts() == []
    assert parse(played("ollama/llama3.1", "ollama/qwen3")).doubts() == []
    [doubt] = parse(played("ollama/llama3.1", "ollama/acme-7b")).doubts()
    assert "{judge: {family: …}}" in doubt


def test_a_misspelt_connection_is_told_before_what_follows_from_it() -> None:
    with pytest.raises(RecipeError) as caught:
        parse(played("olama/llama3.1", "ollama/qwen3"))
    assert "connection 'olama', which is not known; did you mean 'ollama'?" in str(caught.value)
    assert "another machine" not in str(caught.value)


def mapped(role: str, model: str, more: str = "") -> str:
    return (
        f"{{tamis: 1, name: x, models: {{annotator: {model}}}{more}, sources: [{{use: files, path: a.jsonl, map: "
        f'[{{use: annotate.label, prompt: "Sort {{text}}", labels: [a, b], role: {role}}}]}}]}}'
    )


def test_steps_of_a_sources_own_map_are_held_to_the_same_rules() -> None:
    with pytest.raises(RecipeError, match="asks the role 'anotator'"):
        parse(mapped("anotator", "local/smollm2"))
    with pytest.raises(RecipeError, match="no privacy step takes personal data away"):
        parse(mapped("annotator", "openai/gpt-5-mini"))
    assert parse(mapped("annotator", "local/smollm2")).calling()[0].name == "annotate.label"
