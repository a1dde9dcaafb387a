"""Load the golden files of pairs with Hugging Face `datasets` and TRL's own functions, and look at what they make of them.

In an environment of its own: pip install datasets transformers trl (TRL's data functions need no torch).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
GOLDEN = Path(__file__).resolve().parents[1] / "tests/sinks/golden"
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}{% endfor %}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def load(name: str) -> tuple[Any, list[dict[str, Any]]]:
    """A golden file by `datasets`, and as it stands."""
    from datasets import load_dataset

    path = GOLDEN / f"{name}.jsonl"
    with tempfile.TemporaryDirectory() as cache:
        rows = load_dataset("json", data_files=str(path), split="train", cache_dir=cache)
        rows = rows.map(lambda row: row, keep_in_memory=True)
    return rows, [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def bare(value: Any) -> Any:
    """A value without the nulls that Arrow fills in."""
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if v is not None}
    return [bare(v) for v in value] if isinstance(value, list) else value


def tokenizer() -> Any:
    """One token a character, and a template that needs no download."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = {c: k for k, c in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    own = Tokenizer(models.BPE(vocab=alphabet, merges=[]))
    own.pre_tokenizer, own.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=own)
    made.chat_template = TEMPLATE
    return made


def main() -> None:
    from trl import __version__
    from trl.data_utils import apply_chat_template, is_conversational, maybe_extract_prompt, unpair_preference_dataset

    own = tokenizer()
    for name in ("openai_dpo", "trl_preference", "trl_kto"):
        rows, written = load(name)
        assert [bare(row) for row in rows] == [bare(row) for row in written], name
        print(f"{name}: {len(rows)} rows, the same as written")
    rows, written = load("trl_preference")
    for row in rows:
        assert is_conversational(row)
        assert maybe_extract_prompt(row) is row  # the prompt is not cut out again
        text = apply_chat_template(
            {k: bare(row[k]) for k in ("prompt", "chosen", "rejected")}, own, tools=json.loads(row["tools"] or "null")
        )
        assert text["prompt"].endswith("<assistant>"), text
        assert len({"", text["chosen"], text["rejected"]}) == 3, text
    unpaired = unpair_preference_dataset(rows.select(range(11)))
    kto, _ = load("trl_kto")
    key = lambda row: json.dumps([bare(row["prompt"]), bare(row["completion"]), row["label"]], sort_keys=True)  # noqa: E731
    assert sorted(map(key, unpaired)) == sorted(map(key, kto)), "two lines of a pair are what TRL makes of it"
    for row in kto:
        text = apply_chat_template(
            {k: bare(row[k]) if k != "label" else row[k] for k in ("prompt", "completion", "label")}, own
        )
        assert text["completion"]
        assert isinstance(text["label"], bool)
    print(f"TRL {__version__}: prompts stay as written, no answer renders empty, pairs unpair to the KTO file")


if __name__ == "__main__":
    main()
