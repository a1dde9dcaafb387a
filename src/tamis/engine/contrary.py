"""What tells texts apart that mean nearly the same but for one thing: their numbers, and whether they deny."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

#: number words that are hardly ever anything else; `one` and `a` are
_WORDS = dict(
    zip(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        range(2, 13),
        strict=True,
    )
)
_NUMBER = rf"\d+(?:[.,]\d+)*|\b(?:{'|'.join(_WORDS)})\b"
#: words that deny, in English, German, French and Spanish
_DENIAL = (
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|cannot|without"
    r"|nicht|nichts|nie|niemals|niemand|ohne|kein|keine|keinen|keinem|keiner|keines"
    r"|pas|jamais|aucun|aucune|rien|sans"
    r"|nunca|jamás|ningún|ninguno|ninguna|nadie|tampoco|sin)\b"
    r"|n['’]t\b"
)


def kinds(texts: pl.Series, told_by: Collection[str]) -> pl.Series:
    """A string for each text that is equal where the texts are told apart by none of `numbers` and `negation`."""
    low = pl.lit(texts.cast(pl.String)).str.to_lowercase()
    parts = []
    if "numbers" in told_by:
        found = low.str.extract_all(_NUMBER).list.eval(
            pl.element().str.replace_all(",", "").replace({word: str(value) for word, value in _WORDS.items()})
        )
        parts.append(found.list.sort().list.join(" "))
    if "negation" in told_by:
        parts.append(low.str.count_matches(_DENIAL).cast(pl.String))
    if not parts:
        return pl.Series("kind", [""], dtype=pl.String).new_from_index(0, len(texts))
    return pl.select(pl.concat_str(parts, separator="|", ignore_nulls=True)).to_series().fill_null("").alias("kind")
