"""Which family a model is of, by its name: who must not judge whom.

A family is whose weights or whose words a model has. A model distilled from another is of both families: it writes
like its teacher, and its base reads its own like. So a judge shares a family with whatever shares either.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

#: family → how its models are called, in lower case; `~` is a border that no letter touches. Those whose name stands on
#: others' weights come last. From the providers' public model lists and model cards, as of November 2026.
_NAMES: dict[str, tuple[str, ...]] = {
    "gpt": (
        r"~gpt-?[345o](?!all)",
        r"~gpt-oss",
        r"~chatgpt",
        r"^(?:openai[-.])?o[134]~",
        r"~(?:text-|code-)?davinci",
        r"~text-embedding-(?:3|ada)",
        r"~codex",
    ),
    "claude": (r"~claude",),
    "gemma": (r"gemma",),
    "gemini": (r"~gemini", r"~learnlm"),
    "palm": (r"~palm-?2?~", r"~(?:text|chat)-(?:bison|unicorn)", r"~bard~"),
    "llama": (
        r"(?<!tiny)(?<!tiny-)(?<!open_)(?<!open-)(?<!o)llama(?!-?index|\.?cpp|file)",
        r"~alpaca",
        r"~vicuna",
        r"~koala",
        r"~guanaco",
        r"~ultra(?:lm|rm|cm)",
        r"~tulu-?[12]",
        r"~orca-2",
        r"~pandalm",
        r"~judgelm",
        r"~auto-?j~",
        r"~wizardlm-(?:7|13|30|70)b",
        r"~sonar~",
    ),
    "mistral": (
        r"mistral",
        r"mixtral",
        r"~(?:minis|codes|maths|magis|devs|pixs|pix|voxs|vox)tral",
        r"~zephyr",
        r"~starling-lm",
        r"~openchat-?3",
        r"~wizardlm-2",
        r"~prometheus-(?:7b|8x7b|bgb)",
        r"~solar-10",
    ),
    "qwen": (r"qwen", r"~qwq", r"~qvq", r"~gte-qwen", r"~openthinker", r"~sky-t1", r"~marco-o1", r"^s1(?:\.1)?-32b"),
    "phi": (r"~phi-?[1-9]", r"~phi~"),
    "grok": (r"~grok",),
    "command": (r"~command~", r"~c4ai", r"~aya-", r"~embed-(?:english|multilingual|v4)", r"~tiny-aya"),
    "glm": (r"~(?:chat)?glm",),
    "kimi": (r"~kimi", r"~moonshot", r"~moonlight"),
    "minimax": (r"~minimax", r"~abab[567]"),
    "yi": (r"^yi~", r"~yi-[0-9]"),
    "nova": (r"~nova-(?:micro|lite|pro|premier|2)",),
    "titan": (r"~titan-(?:text|embed)",),
    "smollm": (r"~smollm", r"~smolvlm"),
    "olmo": (r"~olmoe?",),
    "granite": (r"~granite",),
    "falcon": (r"~falcon",),
    "jamba": (r"~jamba", r"~jurassic", r"~j2-(?:mid|ultra|light)"),
    "internlm": (r"~internlm", r"~intern-s1"),
    "baichuan": (r"~baichuan",),
    "ernie": (r"~ernie",),
    "doubao": (r"~doubao", r"^(?:bytedance-)?seed-(?:oss|1|2)"),
    "hunyuan": (r"~hunyuan",),
    "exaone": (r"~exaone",),
    "solar": (r"~solar-(?:10|pro|mini)",),
    "stablelm": (r"~stablelm", r"~stable-(?:beluga|vicuna|lm)"),
    "mpt": (r"~mpt-\d+b",),
    "eleuther": (r"~pythia", r"~gpt-j", r"~gpt-neox?", r"~dolly-v[12]", r"~oasst-sft-[14]-pythia"),
    "bloom": (r"~bloomz?~",),
    "starcoder": (r"~starcoder", r"~starchat"),
    "lfm": (r"~lfm-?[0-9]",),
    "mimo": (r"~mimo-",),
    "reka": (r"~reka-",),
    "palmyra": (r"~palmyra",),
    "dbrx": (r"~dbrx",),
    "arctic": (r"~snowflake-arctic", r"~arctic-(?:instruct|base)"),
    "tinyllama": (r"~tiny-?llama",),
    "openllama": (r"~open[_-]llama",),
    "gpt2": (r"~(?:distil)?gpt-?2~",),
    "apertus": (r"~apertus",),
    "longcat": (r"~longcat",),
    "ling": (r"~(?:ling|ring)-(?:1t|lite|flash|mini|plus|2)",),
    "step": (r"^step-?[1-4]",),
    "nemotron": (r"nemotron",),
    "deepseek": (r"deepseek", r"~openthinker", r"~bespoke-stratos", r"~open-?r1", r"~openr1"),
    "flan": (r"~flan-?(?:t5|ul2)", r"~t5-(?:small|base|large)"),
}

#: models trained on another's words without saying so in their name (from their cards and papers)
_TAUGHT: tuple[tuple[str, str], ...] = (
    (r"~alpaca", "gpt"),
    (r"~vicuna", "gpt"),
    (r"~wizardlm", "gpt"),
    (r"~orca-2", "gpt"),
    (r"~zephyr", "gpt"),
    (r"~openhermes", "gpt"),
    (r"~prometheus-(?:7b|8x7b|bgb)", "gpt"),
    (r"~ultra(?:lm|cm)", "gpt"),
    (r"~starling-lm", "gpt"),
    (r"~openchat", "gpt"),
    (r"~pandalm", "gpt"),
    (r"~judgelm", "gpt"),
    (r"~phi-?[1-9]", "gpt"),
    (r"gemma", "gemini"),
    (r"^s1(?:\.1)?-32b", "gemini"),
)

#: where the model's own name tells nothing, whose it is may
_OWNERS = {
    "anthropic": "claude",
    "openai": "gpt",
    "meta-llama": "llama",
    "meta": "llama",
    "mistralai": "mistral",
    "qwen": "qwen",
    "deepseek-ai": "deepseek",
    "x-ai": "grok",
    "xai": "grok",
    "cohere": "command",
    "cohereforai": "command",
    "coherelabs": "command",
    "moonshotai": "kimi",
    "zai-org": "glm",
    "z-ai": "glm",
    "thudm": "glm",
    "huggingfacetb": "smollm",
    "allenai": "olmo",
    "ibm-granite": "granite",
    "tiiuae": "falcon",
    "minimaxai": "minimax",
}


def families(name: str | None) -> frozenset[str]:
    """Every family a model is of, by its name as a provider, a file or a recipe writes it; none where it does not tell.

    >>> sorted(families("ft:gpt-4o-mini-2024-07-18:acme::9XyZ"))
    ['gpt']
    >>> sorted(families("together/deepseek-ai/DeepSeek-R1-Distill-Llama-70B-free"))
    ['deepseek', 'llama']
    """
    return frozenset(_ordered(name or ""))


def family(name: str | None) -> str | None:
    """The families of a model in one word, whose weights it has first; None where the name does not tell.

    >>> family("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), family("deepseek-r1-distill-llama-8b"), family("acme-7b")
    ('claude', 'llama+deepseek', None)
    """
    return "+".join(_ordered(name or "")) or None


def same_family(a: str | None, b: str | None) -> bool | None:
    """Whether two models, or what `family` says of them, share a family. None where one of them is not known.

    >>> same_family("gpt-4o", "claude-3-haiku"), same_family("llama+deepseek", "deepseek-chat"), same_family("x", "gpt")
    (False, True, None)
    """
    if not a or not b:
        return None
    if a.lower() == b.lower():
        return True
    of_a, of_b = families(a), families(b)
    return bool(of_a & of_b) if of_a and of_b else None


@lru_cache(maxsize=4096)
def _ordered(name: str) -> tuple[str, ...]:
    lowered = name.strip().lower()
    stated = lowered.split("+")
    if all(one in _NAMES for one in stated):
        return tuple(dict.fromkeys(stated))
    if lowered.startswith("ft:"):  # ft:BASE:ORGANISATION:SUFFIX:ID
        lowered = lowered.split(":")[1]
    *owners, own = re.split(r"[/\\]", lowered)
    found = [one for one, pattern in _patterns() if pattern.search(own)]
    found += [one for pattern, one in _teachers() if pattern.search(own) and one not in found]
    if not found:
        found = [_OWNERS[owner] for owner in reversed(owners) if owner in _OWNERS][:1]
    return tuple(found)


def _compiled(names: tuple[str, ...]) -> re.Pattern[str]:
    bordered = (re.sub("~", "(?![a-z])", re.sub("^~", "(?<![a-z])", name)) for name in names)
    return re.compile("|".join(f"(?:{one})" for one in bordered))


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Compiled when a model is first named: most recipes name none."""
    return [(one, _compiled(names)) for one, names in _NAMES.items()]


@cache
def _teachers() -> list[tuple[re.Pattern[str], str]]:
    return [(_compiled((name,)), teacher) for name, teacher in _TAUGHT]
