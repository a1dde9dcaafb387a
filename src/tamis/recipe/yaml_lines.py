"""YAML, read safely, with the line of every value."""

from __future__ import annotations

from typing import Any

import yaml

from tamis.core.errors import RecipeError

Path = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_NODES = 100_000


class Lined:
    """Plain data and the line (from 1) each path of keys and positions stands on."""

    def __init__(self, data: Any, lines: dict[Path, int]) -> None:
        self.data, self.lines = data, lines

    def line(self, path: Path) -> int | None:
        """The line of a path, or of its nearest parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def load_yaml(text: str, where: str) -> Lined:
    """Parse YAML 1.1's safe subset. RecipeError for bad syntax, repeated keys, or a bomb of aliases."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise RecipeError(where, [f"larger than {MAX_BYTES >> 20} MB; is this a recipe?"])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise RecipeError(where, [f"{line}not YAML: {getattr(error, 'problem', None) or error}"]) from error
    if node is None:
        raise RecipeError(where, ["the file is empty"])
    problems: list[str] = []
    lines: dict[Path, int] = {}
    builder = _Builder(lines, problems)
    data = builder.build(node, ())
    if problems:
        raise RecipeError(where, problems)
    return Lined(data, lines)


class _Builder:
    def __init__(self, lines: dict[Path, int], problems: list[str]) -> None:
        self.lines, self.problems, self.count = lines, problems, 0
        self.scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            if self.count == MAX_NODES + 1:
                self.problems.append(
                    f"line {node.start_mark.line + 1}: more than {MAX_NODES} values (aliases inside aliases?)"
                )
            return None
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, i)) for i, child in enumerate(node.value)]
        try:
            return self.scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.problems.append(f"line {line}: cannot read {node.value!r}: {getattr(error, 'problem', None) or error}")
            return None

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(f"line {line}: a key must be a word")
                continue
            key = str(key_node.value)
            if key in out:
                self.problems.append(f"line {line}: {key!r} is given twice (first on line {self.lines[(*path, key)]})")
                continue
            self.lines[(*path, key)] = line
            out[key] = self.build(value_node, (*path, key))
        return out
