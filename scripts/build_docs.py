"""Build the documentation into site/: the pages of docs/, and one page for each step, source and sink.

    python scripts/build_docs.py            (or: make docs)

The generated pages are the classes' own documentation: their docstrings, fields and reasons. The build is strict: a
link or an anchor that leads nowhere, or a page that no menu names, fails it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tamis.core.calls import CallBirthStep, CallStep
from tamis.core.registry import Room, addresses, resolve
from tamis.core.step import BirthStep, GateStep, Part, RowStep, Step, TableStep, docstring
from tamis.recipe.model import Recipe
from tamis.recipe.schema import part_schema, schema

ROOT = Path(__file__).resolve().parent.parent
MARK = "<!-- generated: recipe fields -->"

#: pages that stand in the root of the repository → their place on the site
ROOT_PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}

FAMILIES = {
    "": "Steps in Python files of yours.",
    "map": "Make messages from what the source has.",
    "clean": "Rewrite text.",
    "filter": "Drop rows.",
    "dedup": "Merge rows that say the same.",
    "decontaminate": "Drop rows that hold items of test sets.",
    "privacy": "Find personal data and secrets, and replace them.",
    "embed": "Turn text into vectors, each text once for ever.",
    "cluster": "Group rows by what they mean, name the groups, and keep them.",
    "annotate": "Ask a model for labels, values or answers.",
    "score": "Add a number, by a model or by counting.",
    "generate": "Ask a model for new rows, or new texts in rows.",
    "select": "Choose rows, looking at all of them.",
    "review": "Wait for people.",
    "split": "Give rows a split.",
}

SHAPES: list[tuple[type[Step], str]] = [
    (GateStep, "A gate: the run waits until people have decided."),
    (CallStep, "Asks models about one row at a time."),
    (CallBirthStep, "Asks models for new rows."),
    (RowStep, "Looks at one row at a time."),
    (BirthStep, "Makes rows out of rows."),
    (TableStep, "Looks at all rows together."),
]


def type_words(field: dict[str, Any]) -> str:
    """A JSON Schema in words: 'integer, at least 1'."""
    if "$ref" in field:
        return f"mapping {field['$ref'].rsplit('.', 1)[-1]}"
    for many in ("anyOf", "oneOf"):
        if many in field:
            return " or ".join(dict.fromkeys(type_words(one) for one in field[many]))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return "one of " + ", ".join(f"`{one}`" for one in field["enum"])
    kind = field.get("type")
    if kind == "array":
        if "prefixItems" in field:
            return "list of " + " and ".join(type_words(one) for one in field["prefixItems"])
        return f"list of {type_words(field.get('items', {}))}"
    if kind == "object":
        inner = field.get("additionalProperties")
        return f"mapping to {type_words(inner)}" if isinstance(inner, dict) and inner else "mapping"
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "yes or no", "null": "nothing"}
    out = words.get(str(kind), "anything")
    limits = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    told = [f"{word} {field[key]:g}" for key, word in limits.items() if key in field]
    return ", ".join([out, *told])


def cell(text: str) -> str:
    """Text inside a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def default_words(field: dict[str, Any], needed: bool) -> str:
    """A default as the recipe would write it."""
    if needed:
        return "needed"
    value = field.get("default")
    if value is None or value == "":
        return "–"
    written = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return f"`{written.removesuffix(chr(10)).removesuffix('...').strip()}`"


def fields_table(found: dict[str, Any], skip: tuple[str, ...] = ()) -> str:
    """The fields of a part, or of the recipe, as a table."""
    lines = ["| Field | Default | Type | |", "|---|---|---|---|"]
    for name, field in found["properties"].items():
        if name not in skip:
            default = default_words(field, name in found.get("required", []))
            lines.append(
                f"| `{name}` | {cell(default)} | {cell(type_words(field))} | {cell(field.get('description', ''))} |"
            )
    return "\n".join(lines) + "\n"


def fenced(text: str) -> str:
    """Doctests of a docstring as code blocks."""
    out: list[str] = []
    inside = False
    for line in text.split("\n"):
        if line.startswith(">>>") and not inside:
            out += ["", "```pycon"]
            inside = True
        if inside and (not line.strip() or line.startswith("## ")):
            out.append("```")
            inside = False
        out.append(line)
    return "\n".join([*out, "```"] if inside else out)


def part_page(cls: type[Part], address: str, word: str) -> str:
    """The page of a step, a source or a sink."""
    described = fenced(docstring(cls))
    found = part_schema(cls, address, f"{word}.{address}", {})
    parts = [f"# {address}\n\n{described}\n"]
    common = ("use", "id", "where") if word == "step" else ("use",)
    if set(found["properties"]) - set(common):
        parts.append(f"\n## Fields\n\n{fields_table(found, skip=common)}")
    if issubclass(cls, Step):
        parts.append("\nEvery step also takes `id` and `where`.\n")
        if cls.reasons:
            parts.append("\n## Reasons\n\n| Reason | Rows leave because |\n|---|---|\n")
            parts += [f"| `{slug}` | {cell(sentence)} |\n" for slug, sentence in cls.reasons.items()]
        shape = next(told for kind, told in SHAPES if issubclass(cls, kind))
        sets = f" Sets {', '.join(f'`{name}`' for name in cls.sets)}." if cls.sets else ""
        parts.append(f"\n*{shape}{sets} Version {cls.version}.*\n")
    return "".join(parts)


def summary(cls: type[Part]) -> str:
    """The first sentence of a part's documentation."""
    return docstring(cls).split("\n\n")[0].replace("\n", " ")


def generated() -> dict[str, str]:
    """Every page made from code: place on the site → Markdown."""
    pages: dict[str, str] = {}
    rooms: list[tuple[Room, str]] = [("sources", "source"), ("steps", "step"), ("sinks", "sink")]
    for room, word in rooms:
        listed = [f"# {room.capitalize()}\n"]
        family: str | None = None
        for address in addresses(room):
            cls = resolve(room, address)
            path = f"{room}/{address.replace('.', '/')}.md"
            pages[path] = part_page(cls, address, word)
            if room == "steps" and family != address.rpartition(".")[0]:
                family = address.rpartition(".")[0]
                listed.append(f"\n## {family or 'your own'}\n\n{FAMILIES.get(family, '')}\n\n")
            listed.append(f"- [{address}]({path.removeprefix(f'{room}/')}): {summary(cls)}\n")
        if room == "steps":
            listed.append(f"\n## Fields of every step\n\n{fields_table(Step.model_json_schema())}")
        elif len(listed) > 1:
            listed.insert(1, "\n")
        pages[f"{room}/index.md"] = "".join(listed)
    return pages


def recipe_fields() -> str:
    """The table of the recipe's own keys."""
    found = schema()
    for key in ("sources", "steps", "deliver"):
        found["properties"][key]["items"] = {"type": "object"}
    assert list(found["properties"]) == list(Recipe.model_fields)
    return fields_table(found)


def title(text: str) -> str:
    """A page's own title."""
    match = re.search(r"^# (.+)$", text, re.MULTILINE)
    return match[1] if match else ""


def lay_out(target: Path) -> list[Any]:
    """Write every page into a folder; the menu comes back."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "docs", target, ignore=shutil.ignore_patterns("*.ipynb", "__pycache__", "*.py"))
    for name, place in ROOT_PAGES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        for other, there in ROOT_PAGES.items():
            text = text.replace(f"]({other}", f"]({there}")
        (target / place).write_text(text.replace("](docs/", "]("), encoding="utf-8")
    for place, text in generated().items():
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        (target / place).write_text(text, encoding="utf-8")
    recipe = target / "recipe.md"
    text = recipe.read_text(encoding="utf-8")
    assert text.count(MARK) == 1, f"docs/recipe.md has one line {MARK}"
    recipe.write_text(text.replace(MARK, recipe_fields()), encoding="utf-8")
    return menu(target)


def menu(target: Path) -> list[Any]:
    """The site's menu. Pages and folders of docs/ that are not named here stand in the middle, by name."""

    def entry(place: str) -> dict[str, str]:
        return {title((target / place).read_text(encoding="utf-8")): place}

    def entries(folder: str) -> list[Any]:
        paths = sorted((target / folder).rglob("*.md"), key=lambda p: (p.name != "index.md", p))
        return [entry(path.relative_to(target).as_posix()) for path in paths]

    first = ["index.md", "recipe.md", "cli.md", "python.md"]
    project = ["architecture.md", "dependencies.md", "contributing.md", "changelog.md"]
    folders = ["steps", "sources", "sinks"]
    loose = [path.name for path in sorted(target.glob("*.md")) if path.name not in first + project]
    others = sorted(path.name for path in target.iterdir() if path.is_dir() and path.name not in [*folders, "design"])
    return [
        *map(entry, first),
        *map(entry, loose),
        *({folder.capitalize(): found} for folder in folders + others if (found := entries(folder))),
        {"Project": [*map(entry, project), *entries("design")]},
    ]


def configuration(pages: Path, site: Path) -> dict[str, Any]:
    """What the site generator is told."""
    strict = {
        "omitted_files": "warn",
        "not_found": "warn",
        "absolute_links": "warn",
        "unrecognized_links": "warn",
        "anchors": "warn",
    }
    return {
        "site_name": "Tamis",
        "docs_dir": str(pages),
        "site_dir": str(site),
        "use_directory_urls": False,
        "strict": True,
        "theme": {"name": "mkdocs", "color_mode": "auto", "user_color_mode_toggle": True, "highlightjs": False},
        "plugins": ["search"],
        "markdown_extensions": ["tables", "fenced_code", {"toc": {"permalink": True}}],
        "validation": {
            "nav": {key: strict[key] for key in ("omitted_files", "not_found", "absolute_links")},
            "links": {key: strict[key] for key in ("not_found", "absolute_links", "unrecognized_links", "anchors")},
        },
    }


def build(work: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Lay the pages out under `work` and build `site`, strictly. (With --quiet nothing would count as a warning.)"""
    found = configuration(work / "docs", site)
    found["nav"] = lay_out(work / "docs")
    config = work / "site.yml"
    config.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "--clean", "--config-file", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the documentation, strictly.")
    parser.add_argument("--site", type=Path, default=ROOT / "site", help="folder to write (default: site/)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "docs", help="folder for the pages laid out")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    done = build(options.work.resolve(), options.site.resolve())
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
    else:
        print(f"wrote {options.site}/index.html")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
