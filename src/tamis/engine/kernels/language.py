"""Which language is each row written in? Offline, deterministic, a few microseconds a row.

Three stages, all in one compiled pass over UTF-8 bytes:

1. *Sample.* Read a bounded part of the row (its start and, when it is long, its middle). Letters are lower-cased,
   everything else becomes one space; URLs, identifiers, numbers and fenced code are left out.
2. *Script.* The commonest Unicode script among those letters. Most scripts write one language, and we are done.
3. *Language.* For Latin, Cyrillic, Arabic, Devanagari and Bengali: naive Bayes over byte n-grams (Lui & Baldwin 2011,
   after Cavnar & Trenkle 1994). At each byte only the longest known n-gram of 2 to 5 bytes that ends there votes.

Scores are sums of small integers, so the answer depends neither on the machine nor on how rows are batched.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tamis.engine.kernels.language_tables import (
    CODES,
    FOLDED,
    HAN,
    KANA,
    LATIN,
    N_SCRIPTS,
    ROW_MASK,
    ROW_UNIT,
    WORD_FACTOR,
    WORD_MARK,
    Bytes,
    Ints,
    Model,
    Scores,
    Small,
    Words,
    bucket,
    load_model,
)  # fmt: skip

from .jit import njit

PIECE_BYTES = 36  # letters and spaces kept from each of the two pieces of a row, its start and its middle
LONG_PIECE_BYTES = 256  # the same, in a second look at rows that the first leaves unclear
CLEAR = 0.9  # a confidence that needs no second look
FEW_VOTES = 5  # square root of the votes below which a row is too short to be sure of
CLEAR_LEAD = 100  # 1/8 nats by which a language must lead in one half of the text to speak against another
SCAN_BYTES = 2048  # raw bytes read at most to fill a piece
LONG_ROW_BYTES = 128  # a shorter row is one piece, of twice the size
FEW_LETTERS = 12  # fewer bytes than this outside code fences: look inside the fences too


__all__ = ["CODES", "FOLDED", "Languages", "codes", "identify"]


class Languages(NamedTuple):
    """The language of each row."""

    code: npt.NDArray[np.int16]  # (n_rows,) index into `CODES`; -1: undetermined (no letters, or no candidate)
    confidence: npt.NDArray[np.float32]  # (n_rows,) 0..1; 0 where undetermined


class _Scratch(NamedTuple):
    """Memory that every row of a call reuses."""

    text: Bytes  # the sample: lower-case words between single spaces
    letters: Ints  # (N_SCRIPTS,) letters seen by script
    scores: Scores  # (64,) per column
    early: Scores  # (64,) the scores when half of the votes were in
    voters: Scores  # rows of the n-grams and words found


@njit(nogil=True, cache=True)
def _find(slots: Words, first: np.uint64, mask: np.uint64, gram: np.uint64, otherwise: np.uint64) -> np.uint64:
    """The weight row of an n-gram. Free of branches: whether an n-gram is known is anyone's guess."""
    at = first + bucket(gram, mask)
    one, two = slots[at], slots[at + np.uint64(1)]
    row = one & ROW_MASK if one >> np.uint64(24) == gram else otherwise
    return two & ROW_MASK if two >> np.uint64(24) == gram else row


@njit(nogil=True, cache=True)
def _sample(
    data: Bytes, start: int, stop: int, limit: int, skip_fences: bool, filled: int, model: Model, scratch: _Scratch
) -> int:
    """Append one piece of a row, about `limit` bytes, to the `filled` bytes of the sample; return its new length.

    data[start:stop] is UTF-8, perhaps broken: a bad byte counts as a space. A word glued to digits or symbols
    ("x_1", "https://a.b", "fooBar", "f(x)") is code, not language, and left out.
    """
    out, letters, pages, lower = scratch.text, scratch.letters, model.pages, model.lower
    limit += filled
    stop = min(stop, start + SCAN_BYTES)
    if out[filled - 1] != 32:
        out[filled] = 32
        filled += 1
    word, word_letters = filled, letters[LATIN]  # where the current run between blanks starts
    code = glue = fenced = False
    before = 0  # what the previous ASCII or Latin character was: 1 lower case, 2 upper case, 3 digit, 0 else
    i = start
    while i < stop and filled < limit:
        b = np.int64(data[i])
        if b < 0x80:
            i += 1
            small = b | 0x20
            if 97 <= small <= 122:
                case = 1 if b == small else 2
                code |= glue or before == 3 or (before == 1 and case == 2)
                if not fenced:
                    out[filled] = small
                    filled += 1
                    letters[LATIN] += 1
                before, glue = case, False
                continue
            if b <= 32:
                if code:
                    filled, letters[LATIN] = word, word_letters
                code = glue = False
            elif 48 <= b <= 57:
                code |= before != 0 and before != 3
                before, glue = 3, False
                continue
            elif b == 39 and before != 0 and before != 3 and not fenced:  # apostrophe
                out[filled] = 39
                filled += 1
                continue
            elif b == 96 and skip_fences and i + 1 < stop and data[i] == 96 and data[i + 1] == 96:
                fenced = not fenced
                i += 2
            else:
                glue = before != 0 and not (b == 33 or b == 34 or b == 44 or b == 59 or b == 63 or 42 <= b <= 45)
            before = 0
            if out[filled - 1] != 32:
                out[filled] = 32
                filled += 1
            if b <= 32:
                word, word_letters = filled, letters[LATIN]
            continue
        size = 2 if 0xC2 <= b < 0xE0 else (3 if 0xE0 <= b < 0xF0 else (4 if 0xF0 <= b < 0xF5 else 1))
        if i + size > stop:
            size = 1
        for k in range(1, size):
            if data[i + k] & 0xC0 != 0x80:
                size = 1
                break
        script = np.int64(pages[(b & 63) << 6 | data[i + 1] & 63]) if size > 1 else 0
        third = np.int64(data[i + 2]) if size > 2 else 0
        if b == 0xE0 and 0xA4 <= data[min(i + 1, stop - 1)] <= 0xB5:  # Indic digits and the danda are not letters
            odd = data[i + 1] & 1 == 1
            if (odd and 0xA6 <= third <= 0xAF) or (data[i + 1] == 0xA5 and (third == 0xA4 or third == 0xA5)):
                script = 0
        if script != LATIN:
            if code:
                filled, letters[LATIN] = word, word_letters
            code = glue = False
            before = 0
        else:
            code |= glue or before == 3
            before, glue = 1, False
        if fenced:
            i += size
            continue
        if script == 0:
            if size == 3 and b == 0xE2 and data[i + 1] == 0x80 and third == 0x99:  # typographic apostrophe
                out[filled] = 39
                filled += 1
            elif out[filled - 1] != 32:
                out[filled] = 32
                filled += 1
        elif size == 2:
            point = np.int64(lower[(b & 31) << 6 | data[i + 1] & 63])
            if point < 0x80:
                out[filled] = point
                filled += 1
            else:
                out[filled] = 0xC0 | point >> 6
                out[filled + 1] = 0x80 | point & 63
                filled += 2
            letters[script] += 1
        else:
            for k in range(size):
                out[filled + k] = data[i + k]
            if script == LATIN:  # Latin Extended Additional: capitals are the even code points
                out[filled + 2] = third | 1
            filled += size
            letters[script] += 1
        if script != LATIN:
            word, word_letters = filled, letters[LATIN]
        i += size
    if code:
        filled, letters[LATIN] = word, word_letters
    return filled


@njit(nogil=True, cache=True)
def _add_votes(n: int, script: int, model: Model, scratch: _Scratch) -> int:
    """Add to the scores the weights of the longest known n-gram ending at each of the sample's n bytes, and of each
    known word; return how many voted.

    Finding first and adding afterwards lets the processor overlap the cache misses of either loop.
    """
    text, scores, early, voters = scratch.text, scratch.scores, scratch.early, scratch.voters
    slots, first, mask = model.slots, model.first_slot[script], model.slot_mask[script]
    weights, width = model.weights, model.width[script]
    window = word = np.uint64(0)
    votes = 0
    for i in range(n):
        window = (window << np.uint64(8) | np.uint64(text[i])) & np.uint64(0xFFFFFFFFFF)
        row = _find(slots, first, mask, window & np.uint64(0xFFFF), ROW_MASK)
        row = _find(slots, first, mask, window & np.uint64(0xFFFFFF), row)
        row = _find(slots, first, mask, window & np.uint64(0xFFFFFFFF), row)
        row = _find(slots, first, mask, window, row)
        voters[votes] = row
        votes += row != ROW_MASK
        if text[i] == 32:
            voters[votes] = _find(slots, first, mask, word >> np.uint64(32) | WORD_MARK, ROW_MASK)
            votes += voters[votes] != np.int32(ROW_MASK)
            word = np.uint64(0)
        else:
            word = (word ^ np.uint64(text[i])) * WORD_FACTOR
    for vote in range(votes):
        if vote == votes // 2:
            early[:width] = scores[:width]
        at = np.uint64(voters[vote]) * np.uint64(ROW_UNIT)
        for k in range(np.uint64(width)):  # unsigned: no test for negative indices, so the loop is vectorised
            scores[k] += weights[at + k]
    return votes


@njit(nogil=True, cache=True)
def _script_of(letters: Ints) -> tuple[int, float]:
    """The script a row is written in (0: no letters), and its share of the letters, 0..1.

    A Chinese character says as much as three Latin letters, and foreign-script text quotes Latin names far more often
    than the reverse, so Latin letters weigh 1, Han and kana 3, all others 2. Kana beside Han means Japanese.
    """
    han, kana = int(letters[HAN]), int(letters[KANA])
    east = han + kana
    best, best_weight, total = 0, 0, 0
    for script in range(1, letters.shape[0]):
        weight = 2 * int(letters[script])
        if script == LATIN:
            weight = int(letters[script])
        elif script == HAN:
            weight = 3 * east
        elif script == KANA:
            weight = 0
        total += weight
        if weight > best_weight:
            best, best_weight = script, weight
    if best == HAN and kana * 8 >= han:
        best = KANA
    return best, best_weight / max(total, 1)


@njit(nogil=True, cache=True)
def _judge(
    data: Bytes, start: int, stop: int, limit: int, skip_fences: bool, allowed: npt.NDArray[np.bool_], model: Model,
    scratch: _Scratch,
) -> tuple[int, float, int]:  # fmt: skip
    """One row's code and confidence, and the length of the sample they rest on."""
    text, letters, scores, early = scratch.text, scratch.letters, scratch.scores, scratch.early
    letters[:] = 0
    text[0] = 32
    if stop - start <= LONG_ROW_BYTES:
        n = _sample(data, start, stop, 2 * limit, skip_fences, 1, model, scratch)
    else:
        middle = (start + stop) // 2
        last = middle + 32
        while middle < last and data[middle] > 32:
            middle += 1
        n = _sample(data, start, middle, limit, skip_fences, 1, model, scratch)
        n = _sample(data, middle, stop, limit, skip_fences, n, model, scratch)
    if text[n - 1] != 32:
        text[n] = 32
        n += 1
    script, share = _script_of(letters)
    if script == 0:
        return -1, 0.0, n
    single = np.int64(model.script_code[script])
    if single >= 0:
        if not allowed[single]:
            return -1, 0.0, n
        return int(single), share * model.sigmoid[min(255, 48 * letters[script])], n
    width = model.width[script]
    scores[:] = model.prior[script]
    votes = _add_votes(n, script, model, scratch)
    best = second = best_early = best_late = np.int64(-(2**40))
    code, column = np.int64(-3), 0
    for k in range(width):
        label, score = np.int64(model.column_code[script, k]), np.int64(scores[k])
        if label < -1 or (label >= 0 and not allowed[label]):
            continue
        best_early = max(best_early, np.int64(early[k]))
        best_late = max(best_late, score - early[k])
        if score > best:
            if label != code:
                second = best
            best, code, column = score, label, k
        elif score > second and label != code:
            second = score
    if code < 0:
        return -1, 0.0, n
    # A half of the text that clearly speaks for another language takes its lead back, twice over: mixed, so unsure.
    against = max(best_early - early[column], best_late - (best - early[column])) - CLEAR_LEAD
    lead = best - second - 2 * max(0, against)
    margin = 4 * lead // max(FEW_VOTES, np.int64(np.sqrt(votes)))
    return int(code), share * model.sigmoid[min(255, max(0, margin))], n


@njit(nogil=True, cache=True)
def _identify(
    data: Bytes, offsets: Ints, allowed: npt.NDArray[np.bool_], model: Model, code: Small,
    confidence: npt.NDArray[np.float32],
) -> None:  # fmt: skip
    """Fill code (n,) and confidence (n,). allowed: (len(CODES),), which languages are candidates."""
    text = np.zeros(2 * LONG_PIECE_BYTES + 32, dtype=np.uint8)
    letters = np.zeros(N_SCRIPTS, dtype=np.int64)
    scores, early = np.zeros(64, dtype=np.int32), np.zeros(64, dtype=np.int32)
    scratch = _Scratch(text, letters, scores, early, np.zeros(2 * len(text), dtype=np.int32))
    for row in range(offsets.shape[0] - 1):
        start, stop = offsets[row], offsets[row + 1]
        limit, skip_fences = PIECE_BYTES, True
        for _ in range(2):
            label, sure, n = _judge(data, start, stop, limit, skip_fences, allowed, model, scratch)
            code[row], confidence[row] = label, sure
            if stop - start < FEW_LETTERS or sure >= CLEAR:
                break
            if n < FEW_LETTERS:
                skip_fences = False
            elif n < limit or stop - start <= 2 * PIECE_BYTES:
                break
            else:
                limit = LONG_PIECE_BYTES


def identify(data: Bytes, offsets: Ints, languages: tuple[str, ...] | None = None) -> Languages:
    """The language of each row of `data[offsets[i]:offsets[i + 1]]` (UTF-8, perhaps broken).

    languages: the only candidates, as ISO codes from `codes()` or `FOLDED`; None: all. Releases the GIL.
    """
    allowed = np.ones(len(CODES), dtype=np.bool_)
    if languages is not None:
        wanted = {code for language in languages for code in FOLDED.get(language, (language,))}
        if unknown := sorted(wanted - set(CODES)):
            raise ValueError(f"unknown language codes {unknown}; known are {', '.join(CODES)}")
        allowed = np.array([code in wanted for code in CODES])
    n = len(offsets) - 1
    result = Languages(np.empty(n, dtype=np.int16), np.empty(n, dtype=np.float32))
    _identify(data, offsets, allowed, load_model(), result.code, result.confidence)
    return result


def codes() -> tuple[str, ...]:
    """Every language this module can name: ISO 639-1, else 639-3."""
    return CODES
