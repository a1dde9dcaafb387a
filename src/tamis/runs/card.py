"""The dataset card: `README.md` of a delivery, with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import model_words
from .choice_words import sentence as sentence_of
from .privacy_words import sentences

#: Fewer rows than this, in all or of one label, are warned of.
FEW_ROWS = 100
FEW_OF_A_LABEL = 10

_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"), (10**9, "100M<n<1B"),
)  # fmt: skip
_DTYPES = {"text": "string", "integer": "int64", "number": "float64", "boolean": "bool"}
_MESSAGE_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id")
_FATES = ("dropped", "merged", "held", "quarantined")

Facts = Mapping[str, Any]


def card(facts: Facts) -> str:
    """The card of a delivery, from facts alone: the same facts give the same text.

    name, description, license, language (codes), tags, seed, tamis (version), command: as they stand on the card.
    files: of `Delivered`, as dicts. targets: {use, loader, about, columns, files (paths)} per target.
    steps: {name, in, kept, born?, dropped …, reasons (slug → count), sentences? (slug → sentence)}.
    sources: {path, rows, unreadable?, sha256 or xxh3?, license?}. outcomes: {in, kept, …} of the run.
    labels: column → label → rows. models: see `model_words.table`. warnings: sentences. Everything but `name` and `files` may be missing.
    """
    parts = [
        _front(facts),
        f"# {_plain(facts['name'])}\n",
        _about(facts),
        _splits(facts),
        _columns(facts),
        _labels(facts),
        _making(facts),
        _choices(facts),
        _models(facts),
        _privacy(facts),
        _sources(facts),
        _limits(facts),
        _rebuild(facts),
    ]
    return "\n".join(part for part in parts if part)


def size_category(rows: int) -> str:
    """The hub's word for a number of rows."""
    return next((word for limit, word in _SIZES if rows < limit), "n>1B")


def limits(facts: Facts) -> list[str]:
    """What somebody who trains on it should know, in Markdown."""
    rows = _total(facts)
    found = []
    if rows < FEW_ROWS:
        found.append(f"Only {_rows(rows)}: a model may learn them by heart. {FEW_ROWS} are a usual minimum.")
    for column, counts in facts.get("labels", {}).items():
        rare = sorted(str(label) for label, count in counts.items() if count < FEW_OF_A_LABEL)
        if rare:
            shown = ", ".join(f"`{_code(label)}`" for label in rare[:10]) + (", …" if len(rare) > 10 else "")
            share = f"{len(rare)} of {len(counts)} values of `{_code(column)}`"
            found.append(f"{share} have fewer than {FEW_OF_A_LABEL} rows: {shown}.")
    if not facts.get("license"):
        found.append("No licence is given for this dataset; the recipe's `license:` states it.")
    unlicensed = [str(s["path"]) for s in facts.get("sources", ()) if not s.get("license")]
    if unlicensed:
        found.append(f"The licence of {_count(len(unlicensed), 'source')} is not stated.")
    found += [_plain(warning) for warning in model_words.warnings(facts.get("models", ()))]
    found += [_plain(warning) for warning in facts.get("warnings", ())]
    return list(dict.fromkeys(found))


# -- front matter -------------------------------------------------------------------------------


def _front(facts: Facts) -> str:
    import yaml

    head: dict[str, Any] = {"pretty_name": str(facts["name"])}
    if facts.get("license"):
        head["license"] = str(facts["license"])
    if facts.get("language"):
        head["language"] = [str(code) for code in facts["language"]]
    head["size_categories"] = [size_category(_total(facts))]
    head["tags"] = list(dict.fromkeys(["tamis", *map(str, facts.get("tags", ()))]))
    configs, infos = [], []
    targets = _targets(facts)
    alike = [target for target in targets if target.get("loader") == targets[0].get("loader")]
    for number, target in enumerate(alike):  # one loader a folder is all that the hub's library can take
        name = "default" if number == 0 else str(target["use"])
        splits = _by_split(facts, target["files"])
        configs.append(
            {
                "config_name": name,
                "data_files": [{"split": split, "path": _paths(files)} for split, files in splits.items()],
            }
        )
        infos.append(_info(name, target, splits))
    head |= {"configs": configs, "dataset_info": infos}
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)}---\n"


def _info(name: str, target: Facts, splits: Mapping[str, list[Facts]]) -> dict[str, Any]:
    info: dict[str, Any] = {"config_name": name}
    features = _features(target)
    if features:
        info["features"] = features
    info["splits"] = [
        {"name": split, "num_bytes": sum(f["size"] for f in files), "num_examples": sum(f["rows"] for f in files)}
        for split, files in splits.items()
    ]
    size = sum(split["num_bytes"] for split in info["splits"])
    return {**info, "download_size": size, "dataset_size": size}


def _features(target: Facts) -> list[dict[str, Any]]:
    """The types of Parquet's columns. JSON Lines and CSV are guessed at by the hub's library whatever it is told.

    Told that a column of dates is text, it reads times and writes those as text; 00501 becomes 501, then '501'.
    """
    return [_feature(column) for column in target.get("columns", ())] if target.get("loader") == "parquet" else []


def _feature(column: Facts) -> dict[str, Any]:
    if column["type"] == "messages":
        fields = [{"name": name, "dtype": "string"} for name in _MESSAGE_FIELDS]
        return {"name": column["name"], "list": [*fields, {"name": "weight", "dtype": "int8"}]}
    return {"name": column["name"], "dtype": _DTYPES.get(column["type"], "string")}


def _targets(facts: Facts) -> list[Facts]:
    """The targets that delivered data; without any, the files as they are."""
    found = [target for target in facts.get("targets", ()) if _by_split(facts, target["files"])]
    return found or [{"use": "files", "files": [file["path"] for file in facts["files"]]}]


def _by_split(facts: Facts, paths: Iterable[str]) -> dict[str, list[Facts]]:
    """Data files by split, under names that the hub allows; rows without a split are its `train`."""
    wanted = set(paths)
    found: dict[str, list[Facts]] = {}
    for file in facts["files"]:
        if file["path"] in wanted and file["rows"]:
            found.setdefault(re.sub(r"\W", "_", file["split"] or "train"), []).append(file)
    return found


def _paths(files: Sequence[Facts]) -> str | list[str]:
    paths = [str(file["path"]) for file in files]
    return paths[0] if len(paths) == 1 else paths


# -- sections -----------------------------------------------------------------------------------


def _about(facts: Facts) -> str:
    lines = []
    if facts.get("description"):
        lines += [str(facts["description"]).strip(), ""]
    lines.append(f"{_rows(_total(facts))}, made with [Tamis](https://pypi.org/project/tamis/){_version(facts)}.")
    for target in _targets(facts):
        if target.get("about"):
            lines.append(f"\n- `{_code(target['use'])}`: {target['about']}")
    return "\n".join(lines) + "\n"


def _version(facts: Facts) -> str:
    return f" {_plain(facts['tamis'])}" if facts.get("tamis") else ""


def _splits(facts: Facts) -> str:
    rows = [
        [
            f"`{_code(file['path'])}`",
            _plain(file["split"] or "–"),
            f"{file['rows']:,}",
            f"{file['size']:,}",
            f"`{file['sha256'][:12]}…`",
        ]
        for file in facts["files"]
        if file["rows"]
    ]
    return "## Splits\n\n" + _table(["file", "split", "rows", "bytes", "sha256"], rows, right=(2, 3))


def _columns(facts: Facts) -> str:
    parts = []
    targets = [target for target in _targets(facts) if target.get("columns")]
    for target in targets:
        rows = [[f"`{_code(c['name'])}`", c["type"], f"`{_code(c.get('from', c['name']))}`"] for c in target["columns"]]
        title = f"Of `{target['use']}`:\n\n" if len(targets) > 1 else ""
        parts.append(title + _table(["column", "type", "column of the row"], rows))
    return "## Columns\n\n" + "\n".join(parts) if parts else ""


def _labels(facts: Facts) -> str:
    parts = []
    for column, counts in facts.get("labels", {}).items():
        ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
        rows = [[_plain(label), f"{count:,}"] for label, count in ordered[:50]]
        if len(ordered) > 50:
            rows.append([f"{len(ordered) - 50} more", f"{sum(count for _, count in ordered[50:]):,}"])
        parts.append(f"### `{_code(column)}`\n\n" + _table([_plain(column), "rows"], rows, right=(1,)))
    return "## Labels\n\n" + "\n".join(parts) if parts else ""


def _making(facts: Facts) -> str:
    steps = facts.get("steps", ())
    if not steps:
        return ""
    rows = [[f"`{_code(s['name'])}`", f"{s['in'] + s.get('born', 0):,}", f"{s['kept']:,}", _fates(s)] for s in steps]
    text = "## How it was made\n\n"
    text += "Each step, in order: rows that came in, rows that went on, and why the others did not.\n\n"
    text += _table(["step", "in", "kept", "the others"], rows, right=(1, 2))
    sentences = {
        slug: sentence
        for step in steps
        for slug, sentence in step.get("sentences", {}).items()
        if step.get("reasons", {}).get(slug)
    }
    if sentences:
        text += "\n" + "".join(
            f"- `{_code(slug)}`: {_plain(sentence)}\n" for slug, sentence in sorted(sentences.items())
        )
    outcomes = facts.get("outcomes")
    if outcomes:
        ends = ", ".join(f"{outcomes[name]:,} {name}" for name in ("kept", *_FATES) if outcomes.get(name))
        born = f" and {outcomes['born']:,} made from them" if outcomes.get("born") else ""
        text += f"\nOf {_rows(outcomes['in'])} read{born}: {ends}.\n"
    return text


def _choices(facts: Facts) -> str:
    told = [sentence_of(choice) for choice in facts.get("choices", ()) if choice.get("chosen")]
    return "## What people chose\n\n" + "".join(f"- {_plain(one)}\n" for one in told) if told else ""


def _models(facts: Facts) -> str:
    models = facts.get("models")
    return "## Models\n\n" + model_words.table(models, _table, _plain) if models else ""


def _privacy(facts: Facts) -> str:
    privacy = facts.get("privacy")
    return "## Personal data\n\n" + "".join(f"- {one}\n" for one in sentences(privacy)) if privacy else ""


def _fates(step: Facts) -> str:
    reasons = {slug: count for slug, count in step.get("reasons", {}).items() if count}
    if reasons:
        return ", ".join(f"{_code(slug)} {count:,}" for slug, count in reasons.items())
    return ", ".join(f"{step[name]:,} {name}" for name in _FATES if step.get(name)) or "–"


def _sources(facts: Facts) -> str:
    sources = facts.get("sources", ())
    if not sources:
        return ""
    rows = []
    for source in sources:
        kind = next((name for name in ("sha256", "xxh3") if source.get(name)), None)
        mark = f"{kind} `{_code(source[kind])}`" if kind else "–"
        rows.append(
            [
                f"`{_code(_relative(source['path']))}`",
                f"{source['rows']:,}",
                f"{source.get('unreadable', 0):,}",
                _plain(source.get("license") or "not stated"),
                mark,
            ]
        )
    return "## Sources\n\n" + _table(["file", "rows", "unreadable", "licence", "content"], rows, right=(1, 2))


def _limits(facts: Facts) -> str:
    found = limits(facts)
    return "## Known limits\n\n" + "".join(f"- {one}\n" for one in found) if found else ""


def _rebuild(facts: Facts) -> str:
    command = _code(str(facts.get("command") or "tamis run RECIPE.yaml"))
    seed = f" Seed {facts['seed']}." if facts.get("seed") is not None else ""
    privacy = facts.get("privacy") or {}
    if not privacy.get("repeatable", True):
        return "## How to rebuild\n\nNot at all: the key that personal data were replaced with was thrown away.\n"
    key = " and the same privacy key" if privacy.get("key") else ""
    return (
        "## How to rebuild\n\n"
        f"```console\n$ {command}\n```\n\n"
        f"The same sources, recipe and versions{key} give the same data files, byte for byte; `SHA256SUMS` and "
        f"`manifest.json` say which ones these are.{seed}\n"
    )


# -- words --------------------------------------------------------------------------------------


def _total(facts: Facts) -> int:
    """Rows of the first target: further targets hold the same rows in another format."""
    return sum(file["rows"] for files in _by_split(facts, _targets(facts)[0]["files"]).values() for file in files)


def _rows(count: int) -> str:
    return _count(count, "row")


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _relative(path: Any) -> str:
    """A source's path without the folders above the recipe: they say where somebody works, not what the data is."""
    text = str(path).replace("\\", "/")
    return text.rsplit("/", 1)[-1] if text.startswith(("/", "../")) or re.match(r"[A-Za-z]:/", text) else text


def _plain(value: Any) -> str:
    """Text that Markdown and HTML leave alone, on one line."""
    text = " ".join("".join(c if c.isprintable() or c in "\n\t" else " " for c in str(value)).split())
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text, quote=False)) if text else "–"


def _code(value: Any) -> str:
    """Text for between back-quotes."""
    return (
        " ".join("".join(c if c.isprintable() else " " for c in str(value)).split()).replace("`", "'").replace("|", "¦")
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    rule = ["---:" if k in right else "---" for k in range(len(head))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *rows])
