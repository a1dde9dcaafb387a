"""How much of a text is markup, data or encoded bytes instead of prose, in one pass."""

from __future__ import annotations

import numpy as np

from .jit import njit

#: columns of the result, in bytes that are not white space (white space: bytes up to 32)
(
    VISIBLE,  # all of them; 0 where the text holds none of `<{[|;` and no encoded run: all of it is prose
    FENCED,  # between fences, fences included
    TAGS,  # HTML and XML tags and comments, `<style>` and `<script>` with what is in them, character references
    DATA,  # objects and arrays with quoted keys, one in `KEY_EVERY` bytes or more
    CODE,  # blocks in braces that hold a semicolon, and lines that end with one
    ENCODED,  # unbroken runs of `RUN` bytes and more that mix cases and digits
    TABLE,  # lines that begin with a bar
) = range(7)
FIGURES = 7

RUN = 48  # bytes
TAG = 400  # bytes within which a tag must end
MISSES = 64  # long blocks and comments that are followed to their end in one text; later ones for `TAG` bytes
KEY_EVERY = 150  # bytes; a block with fewer keys is no data
NESTED = 1 << 16  # bytes within which a block in braces must end


@njit(nogil=True, cache=True)
def _visible(data: np.ndarray, begin: int, end: int) -> int:
    """Bytes that are not white space."""
    n = 0
    for k in range(begin, end):
        n += data[k] > 32
    return n


@njit(nogil=True, cache=True)
def _letter(b: int) -> bool:
    return 0x61 <= (b | 0x20) <= 0x7A


@njit(nogil=True, cache=True)
def _same(data: np.ndarray, k: int, stop: int, word: np.ndarray) -> bool:
    """Whether a word stands at `k`, in either case."""
    if k + word.shape[0] > stop:
        return False
    different = 0
    for j in range(word.shape[0]):
        different += (data[k + j] | 0x20) != (word[j] | 0x20)
    return bool(different == 0)


@njit(nogil=True, cache=True)
def _tag_end(data: np.ndarray, k: int, stop: int, style: np.ndarray, script: np.ndarray) -> int:
    """Where the markup that begins at `k` ends; `k` where there is none."""
    if k + 2 >= stop:
        return k
    b = data[k + 1]
    if b == 0x21 and data[k + 2] == 0x2D:
        for j in range(k + 3, stop - 1):
            if data[j] == 0x2D and data[j + 1] == 0x3E:
                return j + 2
        return k
    if not (_letter(b) or (b == 0x2F and _letter(data[k + 2])) or b == 0x21 or b == 0x3F):
        return k
    end = k
    for j in range(k + 2, min(stop, k + TAG)):
        if data[j] == 0x3E:
            end = j + 1
            break
        if data[j] == 0x3C:
            break
    if end > k:
        name = style if _same(data, k + 1, stop, style) else script
        if _same(data, k + 1, stop, name):
            for j in range(end, stop - 1):
                if data[j] == 0x3C and data[j + 1] == 0x2F and _same(data, j + 2, stop, name):
                    return int(min(stop, j + name.shape[0] + 3))
    return end


@njit(nogil=True, cache=True)
def _block(data: np.ndarray, k: int, stop: int, found: np.ndarray) -> int:
    """Where the block in brackets that begins at `k` ends (`stop` where it does not), and what it holds.

    found: keys in quotes, semicolons.
    """
    depth, end = 0, stop
    found[:] = 0
    for j in range(k, min(stop, k + NESTED)):
        b = data[j]
        if b == 0x7B or b == 0x5B:
            depth += 1
        elif b == 0x7D or b == 0x5D:
            depth -= 1
            if depth == 0:
                end = j + 1
                break
        elif b == 0x3A:
            found[0] += j > k and (data[j - 1] == 0x22 or data[j - 1] == 0x27)
        elif b == 0x3B:
            found[1] += 1
    return end


@njit(nogil=True, cache=True)
def _digit(b: int) -> bool:
    """Whether a byte is a digit of base64 or of hexadecimal numbers."""
    return _letter(b) or 0x30 <= b <= 0x39 or b == 0x2B or b == 0x2F or b == 0x3D or b == 0x2D or b == 0x5F


@njit(nogil=True, cache=True)
def _encoded(data: np.ndarray, begin: int, end: int) -> bool:
    """Whether a run is encoded bytes: it mixes cases, digits and letters all over, and is no path."""
    digits, changes, slashes = 0, 0, 0
    for k in range(begin, end):
        digit = 0x30 <= data[k] <= 0x39
        digits += digit
        slashes += data[k] == 0x2F
        if k > begin:
            before = data[k - 1]
            was_digit = 0x30 <= before <= 0x39
            changes += digit != was_digit or (_letter(data[k]) and _letter(before) and (data[k] ^ before) & 0x20 != 0)
    return digits > 0 and 5 * changes >= end - begin and 12 * slashes < end - begin


@njit(nogil=True, cache=True)
def _encoded_bytes(data: np.ndarray, start: int, stop: int) -> int:
    """Bytes in runs of at least `RUN`; each such run covers a byte whose place is a multiple of `RUN`."""
    total, done = 0, start
    for probe in range(start + RUN - 1, stop, RUN):
        if probe < done or not _digit(data[probe]):
            continue
        begin, end = probe, probe + 1
        while begin > done and _digit(data[begin - 1]):
            begin -= 1
        while end < stop and _digit(data[end]):
            end += 1
        if end - begin >= RUN and _encoded(data, begin, end):
            total += end - begin
        done = end
    return total


@njit(nogil=True, cache=True)
def _measure(data: np.ndarray, offsets: np.ndarray, style: np.ndarray, script: np.ndarray, out: np.ndarray) -> None:
    found = np.zeros(2, np.int64)
    for i in range(offsets.shape[0] - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        row[:] = 0
        signs = 0
        for k in range(start, stop):
            b = data[k]
            signs += (b == 0x3C) | (b == 0x7B) | (b == 0x5B) | (b == 0x7C) | (b == 0x3B)
        row[ENCODED] = _encoded_bytes(data, start, stop)
        if signs == 0 and row[ENCODED] == 0:
            continue
        row[VISIBLE] = _visible(data, start, stop)
        k, line, fresh, begun, misses = start, start, True, start, 0
        while k < stop:
            b = data[k]
            look = stop if misses < MISSES else min(stop, k + TAG)  # else rows of open brackets take for ever
            if fresh and b > 32:
                fresh = False
                if (b == 0x60 or b == 0x7E) and k + 2 < stop and data[k + 1] == b and data[k + 2] == b:
                    end, after = k + 3, stop
                    while end < stop and data[end] != 0x0A:
                        end += 1
                    at_line = False
                    while end + 2 < stop:
                        if data[end] == 0x0A:
                            at_line = True
                        elif at_line and data[end] > 32:
                            at_line = False
                            if data[end] == b and data[end + 1] == b and data[end + 2] == b:
                                after = end + 3
                                break
                        end += 1
                    row[FENCED] += _visible(data, k, after)
                    k = after
                    begun = k
                    continue
                if b == 0x7C:
                    end = k
                    while end < stop and data[end] != 0x0A:
                        end += 1
                    row[TABLE] += _visible(data, k, end)
                    k = end
                    begun = k
                    continue
            if b == 0x0A:
                fresh, line = True, k + 1
                begun = k + 1
                k += 1
            elif b == 0x3C:
                end = _tag_end(data, k, look, style, script)
                misses += end == k and k + 1 < stop and data[k + 1] == 0x21
                misses += k < end <= k + TAG and (_same(data, k + 1, stop, style) or _same(data, k + 1, stop, script))
                row[TAGS] += _visible(data, k, end)
                if end > k:
                    begun = end
                k = max(end, k + 1)
            elif b == 0x26:
                end = k + 1
                while end < min(stop, k + 10) and (
                    _letter(data[end]) or 0x30 <= data[end] <= 0x39 or data[end] == 0x23
                ):
                    end += 1
                if end < stop and end > k + 1 and data[end] == 0x3B:
                    row[TAGS] += end + 1 - k
                    k = end + 1
                else:
                    k += 1
            elif b == 0x7B or b == 0x5B:
                end = _block(data, k, look, found)
                misses += end - k > TAG
                if found[0] >= 1 and KEY_EVERY * found[0] >= end - k:
                    row[DATA] += _visible(data, k, end)
                    k = end
                    begun = end
                elif b == 0x7B and found[1] >= 1:
                    row[CODE] += _visible(data, begun, end)
                    k = end
                    begun = end
                else:
                    k += 1
            elif b == 0x3B and (k + 1 == stop or data[k + 1] == 0x0A or data[k + 1] == 0x0D):
                row[CODE] += _visible(data, max(begun, line), k + 1)
                k += 1
                begun = k
            else:
                k += 1


_STYLE, _SCRIPT = np.frombuffer(b"style", np.uint8), np.frombuffer(b"script", np.uint8)


def measure_residue(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n, FIGURES) int64: how many bytes of each string are what."""
    _measure(data, offsets, _STYLE, _SCRIPT, out)
