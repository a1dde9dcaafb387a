"""List the steps, or explain one: what it does, its fields and reasons."""

from __future__ import annotations

from typing import Any

import click

from .common import answer, json_option


@click.command("steps")
@click.argument("step", required=False)
@json_option
def command(step: str | None, as_json: bool) -> None:
    """List the steps, or explain one: what it does, its fields and reasons.

    \b
    Example:
      tamis steps
      tamis steps filter.length
    """
    from tamis.core.registry import addresses, resolve
    from tamis.core.step import docstring

    if step is None:
        listed = [{"step": a, "does": docstring(resolve("steps", a)).split("\n")[0]} for a in addresses("steps")]
        if as_json:
            answer(listed)
            return
        family = ""
        for item in listed:
            head = item["step"].split(".")[0]
            if head != family:
                family = head
                click.echo(f"{'' if item is listed[0] else chr(10)}{family}")
            click.echo(f"  {item['step']:<22} {item['does']}")
        return
    cls = resolve("steps", step)
    told = explain(cls)
    if as_json:
        answer(told)
        return
    click.echo(f"{told['step']} (version {told['version']})\n\n{told['documentation']}\n")
    click.echo("Fields")
    for name, item in told["fields"].items():
        default = "required" if item["required"] else f"default {item['default']!r}"
        click.echo(f"  {name:<16} {item['type']}; {default}\n{'':<19}{item['description']}")
    if told["reasons"]:
        click.echo("\nReasons")
        for slug, sentence in told["reasons"].items():
            click.echo(f"  {slug:<16} {sentence}")


def type_name(annotation: Any) -> str:
    """A type as a recipe's author would say it: `text`, `number`, `'a' | 'b'`, `list of text`, `mapping of text to number`."""
    import types
    from pathlib import Path
    from typing import Annotated, Literal, Union, get_args, get_origin

    plain = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", type(None): "null"}
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in plain:
        return plain[annotation]
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return " | ".join(repr(one) for one in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(dict.fromkeys(type_name(one) for one in arguments))
    if origin in (tuple, list, frozenset, set):
        inner = " | ".join(dict.fromkeys(type_name(one) for one in arguments if one is not Ellipsis))
        return f"list of {inner}"
    if origin is dict:
        return f"mapping of {type_name(arguments[0])} to {type_name(arguments[1])}"
    return getattr(annotation, "__name__", str(annotation))


def explain(cls: Any) -> dict[str, Any]:
    """A step's page as data: address, version, documentation, fields, reasons."""
    from tamis.core.step import docstring

    fields = {}
    for name, info in cls.model_fields.items():
        required = info.is_required()
        fields[info.alias or name] = {
            "type": type_name(info.annotation),
            "required": required,
            "default": None if required else info.get_default(call_default_factory=True),
            "description": info.description or "",
        }
    return {
        "step": cls.address(),
        "version": cls.version,
        "documentation": docstring(cls),
        "fields": fields,
        "reasons": dict(getattr(cls, "reasons", {})),
    }
