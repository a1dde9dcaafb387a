"""Texts against reference texts by shared words: BLEU and ROUGE, for who wants them. They say nothing of truth.

BLEU as WMT counts it: words as the "13a" tokeniser cuts them, up to four in a row, smoothed exponentially where none
match. ROUGE-1, -2 and -L as F1 over lower-cased words; words are letters and digits of any writing, so that texts other
than English count too. Intervals are over rows.

Sources: K. Papineni et al., BLEU, ACL 2002, 311-318; B. Chen, C. Cherry, A systematic comparison of smoothing techniques
for sentence-level BLEU, WMT 2014; M. Post, A call for clarity in reporting BLEU scores, WMT 2018; C.-Y. Lin, ROUGE, ACL
2004 workshop, 74-81; H. Hyyrö, Bit-parallel LCS-length computation revisited (2004).
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tamis.core.errors import UsageError

from .bootstrap import RESAMPLES, Estimate, estimate, units_of, whole
from .codes import Floats
from .paired import mean

ORDER = 4
_PUNCTUATION = re.compile(r"([\x21-\x26\x28-\x2b\x2f\x3a-\x40\x5b-\x60\x7b-\x7e])")
_STOP_AFTER = re.compile(r"([^0-9])([.,])")
_STOP_BEFORE = re.compile(r"([.,])([^0-9])")
_DASH = re.compile(r"([0-9])(-)")
_WORD = re.compile(r"[^\W_]+")


def words_13a(text: str) -> list[str]:
    """Words and punctuation as the script of the machine translation evaluations cuts them.

    >>> words_13a("It's 3.5 km, or so-called &quot;far&quot;.")
    ["It's", '3.5', 'km', ',', 'or', 'so-called', '"', 'far', '"', '.']
    """
    line = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in line:
        line = html_entities(line)
    line = _PUNCTUATION.sub(r" \1 ", f" {line} ")
    line = _STOP_AFTER.sub(r"\1 \2 ", line)
    line = _STOP_BEFORE.sub(r" \1 \2", line)
    return _DASH.sub(r"\1 \2 ", line).split()


def html_entities(line: str) -> str:
    """The four entities that the tokeniser knows, in its order."""
    for entity in ("&quot;", "&amp;", "&lt;", "&gt;"):
        line = line.replace(entity, html.unescape(entity))
    return line


def words(text: str) -> list[str]:
    """Runs of letters and digits, lower-cased."""
    return _WORD.findall(text.lower())


# -- BLEU -----------------------------------------------------------------------------------------


def _counts(candidate: str, reference: str) -> list[int]:
    """Matches of 1 to 4 words, how many there are, and both lengths: ten numbers that add up over rows."""
    ours, theirs = words_13a(candidate), words_13a(reference)
    matched, possible = [], []
    for size in range(1, ORDER + 1):
        mine, right = _grams(ours, size), _grams(theirs, size)
        matched.append(sum(min(times, right[gram]) for gram, times in mine.items()))
        possible.append(max(0, len(ours) - size + 1))
    return [*matched, *possible, len(ours), len(theirs)]


def _grams(found: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(found[k:] for k in range(size)), strict=False))


def _bleu(sums: Floats, effective: bool = False) -> Floats:
    """(n,) BLEU, 0..100, from (n, 10) sums. effective: orders for which there are no words at all are left out."""
    matched, possible = sums[:, :ORDER], sums[:, ORDER : 2 * ORDER]
    ours, theirs = sums[:, -2], sums[:, -1]
    smooth = 2.0 ** np.cumsum((matched == 0) & (possible > 0), axis=1)
    share = np.where(
        possible > 0, np.where(matched > 0, matched, 1 / smooth) / np.where(possible > 0, possible, 1), 0.0
    )
    logs = np.log(np.where(share > 0, share, 1.0))
    used = (possible > 0).sum(axis=1)
    orders = np.where(used > 0, used, 1) if effective else np.full(len(sums), ORDER)
    brevity = np.where(ours < theirs, np.exp(1 - theirs / np.where(ours > 0, ours, 1)), 1.0)
    good = (ours > 0) & (matched.sum(axis=1) > 0) & (effective | (used == ORDER))
    return np.where(good, 100 * brevity * np.exp(logs.sum(axis=1) / orders), 0.0)


def sentence_bleu(candidate: str, reference: str) -> float:
    """BLEU of one text, 0..100, over as many words in a row as it has.

    >>> round(sentence_bleu("the cat sat on the mat", "the cat sat on a mat"), 2)
    53.73
    """
    return float(_bleu(np.array([_counts(candidate, reference)], np.float64), effective=True)[0])


def corpus_bleu(
    candidates: Sequence[str], references: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """BLEU of all texts together, 0..100."""
    _same(candidates, references)
    if not candidates:
        return Estimate(None)
    table = np.array([_counts(a, b) for a, b in zip(candidates, references, strict=True)], np.int64)
    units = units_of(len(table), np.arange(len(table)))
    return estimate(lambda w: {"bleu": _bleu(whole(w, table))}, units, resamples=resamples, seed=seed)["bleu"]


# -- ROUGE ----------------------------------------------------------------------------------------


def rouge(candidate: str, reference: str) -> dict[str, float]:
    """ROUGE-1, -2 and -L of one text as F1, 0..1.

    >>> rouge("the cat sat", "the cat slept")["rouge_2"]
    0.5
    """
    ours, theirs = words(candidate), words(reference)
    found = {}
    for size in (1, 2):
        mine, right = _grams(ours, size), _grams(theirs, size)
        both = sum(min(times, right[gram]) for gram, times in mine.items())
        found[f"rouge_{size}"] = _f1(both, sum(mine.values()), sum(right.values()))
    found["rouge_l"] = _f1(common(ours, theirs), len(ours), len(theirs))
    return found


def common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest sequence of words that both have in this order, not necessarily side by side."""
    places: dict[str, int] = {}
    for k, word in enumerate(a):
        places[word] = places.get(word, 0) | (1 << k)
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(a) - row.bit_count()


def _f1(both: int, ours: int, theirs: int) -> float:
    return 0.0 if both == 0 else 2 * both / (ours + theirs)


def text_overlap(
    candidates: Sequence[str], references: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """`bleu` (of all texts, 0..100) and the means of `rouge_1`, `rouge_2`, `rouge_l` (0..1)."""
    _same(candidates, references)
    each = [rouge(a, b) for a, b in zip(candidates, references, strict=True)]
    found = {"bleu": corpus_bleu(candidates, references, resamples=resamples, seed=seed)}
    for name in ("rouge_1", "rouge_2", "rouge_l"):
        found[name] = mean([one[name] for one in each], resamples=resamples, seed=seed)
    return found


def _same(candidates: Sequence[str], references: Sequence[str]) -> None:
    if len(candidates) != len(references):
        raise UsageError(f"{len(candidates)} texts and {len(references)} references: there is one for each")
