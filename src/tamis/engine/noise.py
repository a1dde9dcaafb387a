"""Is a short text nobody's meaning: keyboard mash, a stand-in, a test value? Rules over its tokens.

What people type to get past a field has few shapes: keys that lie side by side (`asdf`), letters that follow each other in
no language (`sdfkjh`), one unit over and over (`aaaa`, `123123`), a word that means "nothing here" (`test`, `foo bar`), a
single character. Real values look like that too (Ng, IBM, 3M, Vlk), so each rule has what it must not touch, and which rules
hold depends on what the field is: `xxx` is no company, `4711` is one.
"""

from __future__ import annotations

import itertools
import re
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text

from .kernels.noise import COST, KEYBOARDS, mark_noise, word_table

Kind = Literal["text", "name", "profession", "company"]
LOOKED = 400  # characters looked at

MASH, REPEATED, PLACEHOLDER, SINGLE, NO_WORDS = (
    "keyboard_mash",
    "repeated_unit",
    "placeholder",
    "single_character",
    "no_words",
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


#: Words of which, in any order and with numbers between them, a stand-in is made; for every kind of field.
_STAND_INS = _words(
    """
    test testing teste testtest tests foo foobar bar baz qux lorem ipsum dolor sit amet blah blabla bla blub asdf qwerty qwertz
    azerty placeholder dummy tbd tba todo null undefined xxx xxxx foobaz тест йцукен фыва テスト 测试 測試 테스트 プレースホルダー prueba prova próba
    """
)
_STAND_INS |= {word * 2 for word in ("test", "foo", "тест", "テスト", "测试", "測試", "테스트", "фыва")}
#: Words that are stand-ins only beside others of the kind: "bar", "test" and "none" are in real names and texts.
_FILL: dict[str, frozenset[str]] = {
    "text": _words("this is a just only my the here your text goes insert enter type something some sample dummy message please"),
    "name": _words("user name first last surname firstname lastname fullname vorname nachname mein your here my full none no sample nom"),
    "profession": _words("job profession beruf title here my your none nothing work occupation position sample"),
    "company": _words("company inc gmbh ltd llc corp firma co firm name my your here none ag sample the business unternehmen organization"),
}  # fmt: skip
#: Whole values, in lower case.
_WHOLE: dict[str, frozenset[str]] = {
    "all": _phrases(
        """
        n/a | n.a. | na | n.a | none | null | nil | undefined | tbd | tba | todo | asd | sdf | dfg | jkl | qwe | zxc | yxc | abc123 | test1 | abcd | abcdef
        | abcdefg | abcdefgh | xyzxyz | abcabc | xxx | aaa | fake | nope | empty | blank | - | -- | --- | . | .. | ... | [object object] | {name} | {{name}}
        | keine | keine angabe | k.a. | not available | not applicable | nothing | [blank] | (none) | nan | foo | foobar | blub | lorem
        """
    ),
    "text": _phrases(
        """
        this is a test | this is just a test | this is only a test | just a test | just testing | only testing | hello test | test hello | test message
        | test email please ignore | test please ignore | please ignore | ignore this | your text here | insert text here | text goes here | enter text here
        | enter your text here | type something here | type here | placeholder text | dummy text | sample text | abc def | {{prompt}} | {prompt} | <text>
        | dies ist ein test | das ist ein test | nur ein test | ceci est un test | esto es una prueba | questa è una prova | isto é um teste | to jest test
        | 这是一个测试 | これはテストです | ein test | un test | test only
        """
    ),
    "name": _phrases(
        """
        john doe | jane doe | max mustermann | erika mustermann | joe bloggs | mustermann | musterfrau | max muster | john q. public | fulano de tal
        | user | user1 | admin | guest | name | unknown | anonymous | anonym | noname | no name | abc | xyz | xyz xyz | abc def | nobody | someone | me
        | username | sample name | dummy name | first last | a b | no | yes | nil nil | client | customer
        """
    ),
    "profession": _phrases("job | profession | beruf | work | no | yes | abc | xyz | job title | unknown | dummy job | fake job | bar | any"),
    "company": _phrases(
        """
        company | firma | my company | your company | company name | your company name | no company | fake company | example | example inc | example company
        | example corp | example gmbh | musterfirma | mustermann gmbh | muster gmbh | muster ag | sample company | unknown | no | yes | testfirma | testcompany | name
        """
    ),
}  # fmt: skip
#: Keys side by side that are words, or parts of many: Wert, property, Azer, Trew.
_WORDS_OF_KEYS = _words("wert ertz erty azer trew reza ztre")
_NO_WALK = re.compile(r"wert(?:e[sn]?|z)?|erty|azer|trew|pool?|rewe|were|trewe?|lkj?|poi|tre|opi|oiu|ertz?|tert?")
_LAUGHTER = re.compile(
    r"(?:ha|he|hi|ho|hé|ja|je|xa|xd|lo|ki|kk|jk|ah|eh|uh|ke|ng)+[hajelo]?|a+h+|o+h+|u+h+|m+|z+|h+m+|sh+|br+|gr+|w+|k+|x*o[ox]*|(?:tsk)+"
)
_LATIN_FILL = _words(
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna aliqua"
)
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ASCII = re.compile(r"[a-z]+")
_HOME = frozenset("asdfghjkl")
_VOWELS = frozenset("aeiouy")
_MASH_UNITS = _words(
    "asd sdf dfg fgh ghj hjk jkl qwe wer ert zxc xcv cvb vbn bnm abc xyz qaz wsx edc lkj kjh jhg hgf gfd fds poi oiu iuy uio iop yxc dsf sad fdg hgj"
)

_MEANT_UNITS = _words("ert wer sad abc poi xyz")  # words, and what stands for words


class Noise(NamedTuple):
    """What a value is: its reason, the part that tells, and the share of its letters and digits in such parts, 0..1."""

    reason: str
    phrase: str
    share: float


class Found(NamedTuple):
    """Per row: the reason (null: no noise), the part that tells, the share (Float32; 0 where nothing is found)."""

    reason: pl.Series
    phrase: pl.Series
    share: pl.Series


def find_noise(text: Text, kind: Kind) -> Found:
    """The noise in each string, whatever its share. A kernel marks the few strings in which there can be some."""
    n = len(text.offsets) - 1
    marked = np.empty(n, np.bool_)
    mark_noise(text.data, text.offsets, _table(kind), marked)
    rows, found = [], []
    for i in np.flatnonzero(marked).tolist():
        one = judge_value(_head(text, i), kind)
        if one is not None:
            rows.append(i)
            found.append(one)

    def column(values: list[object], dtype: type[pl.DataType], empty: object) -> pl.Series:
        out = pl.Series([empty], dtype=dtype).new_from_index(0, n)
        return out.scatter(rows, pl.Series(values, dtype=dtype)) if rows else out

    return Found(
        column([one.reason for one in found], pl.String, None),
        column([one.phrase for one in found], pl.String, None),
        column([one.share for one in found], pl.Float32, 0.0),
    )


def _head(text: Text, row: int) -> str:
    begin, end = int(text.offsets[row]), int(text.offsets[row + 1])
    cut: NDArray[np.uint8] = text.data[begin : min(end, begin + 4 * LOOKED)]
    return cut.tobytes().decode("utf-8", "ignore")[:LOOKED]


@cache
def _table(kind: Kind) -> NDArray[np.uint8]:
    phrases = _WHOLE["all"] | _WHOLE[kind]
    said = {word for phrase in phrases for word in _TOKEN.findall(phrase)}
    return word_table(sorted(_STAND_INS | _LATIN_FILL | _MASH_UNITS), sorted(_FILL[kind] | said))


def judge_value(value: str, kind: Kind) -> Noise | None:
    """What kind of noise a value is, or None."""
    value = " ".join(value.split())
    tokens = _TOKEN.findall(value)
    value = value.lower()
    raw = [token.lower() for token in tokens]
    if not value:
        return None
    if len(value) == 1:
        return _single(value, kind, capital=bool(tokens) and tokens[0].isupper())
    if value in _WHOLE[kind] or (
        value in _WHOLE["all"] and not _meant(value, kind, caps=bool(tokens) and tokens[0].isupper())
    ):
        return Noise(PLACEHOLDER, value, 1.0)
    if not raw:
        symbols = value.isascii() and not (kind == "text" and len(value) > 8)
        return Noise(NO_WORDS, value, 1.0) if symbols else None
    if all(token.isdigit() for token in raw):
        return _digits(value, raw, kind)
    lorem = [token in _LATIN_FILL for token in raw[:12]]
    if raw[0] in ("lorem", "ipsum") and sum(lorem) >= min(len(lorem), 4) and sum(lorem) > len(lorem) / 2:
        return Noise(PLACEHOLDER, " ".join(raw[:4]), 1.0)
    asks = kind == "text" and value.endswith("?") and len(raw) > 1
    stand_ins = [token.rstrip("0123456789") in _STAND_INS for token in raw]
    filled = [known or token in _FILL[kind] or token.isdigit() for known, token in zip(stand_ins, raw, strict=True)]
    if all(filled) and not asks and (any(stand_ins) or (kind != "text" and len(raw) > 1)):
        return Noise(PLACEHOLDER, value, 1.0)
    found = _tokens(tokens, raw, kind)
    return None if found is not None and asks and found.share < 1 else found


def _meant(value: str, kind: Kind, *, caps: bool) -> bool:
    """Values that are stand-ins elsewhere: `none` in running text is an answer, `AAA` a company."""
    if kind == "text":
        return value in ("na", "none", "nothing", "nope", "empty", "blank", "nil", "keine", "fake", "nan", "aaa")
    return kind == "company" and value == "aaa" and caps


def _single(value: str, kind: Kind, *, capital: bool) -> Noise | None:
    """One character: a letter of a word script, a digit in running text and a choice (a to e) are something."""
    if not value.isascii() or (kind == "text" and (capital or value.isdigit() or value in "abcdey?")):
        return None
    if capital and ((kind == "company" and value == "x") or (kind == "name" and value == "o")):
        return None
    return Noise(SINGLE, value, 1.0)


def _digits(value: str, raw: list[str], kind: Kind) -> Noise | None:
    """Numbers only: a sequence or a repetition; in names and professions, any number."""
    joined = "".join(raw)
    up = all(int(b) - int(a) == 1 for a, b in itertools.pairwise(joined) if a.isascii())
    enough = 5 if kind == "text" else 3
    if (
        len(joined) >= enough
        and joined.isascii()
        and (up or _period(joined) or joined in ("1234567890", "4321", "54321"))
    ):
        plain = re.fullmatch(r"[\d ,-]+", value) is not None
        return Noise(NO_WORDS, value, 1.0) if plain else None
    return Noise(NO_WORDS, value, 1.0) if kind in ("name", "profession") and joined.isascii() else None


def _tokens(tokens: list[str], raw: list[str], kind: Kind) -> Noise | None:
    """Mash and repetition: their share among the letters and digits."""
    if len(raw) >= 4 and len(set(raw)) == 1 and len(raw[0]) > 1:
        return Noise(REPEATED, f"{raw[0]} ×{len(raw)}", 1.0)
    why = [token_noise(token, kind, caps=told.isupper()) for token, told in zip(raw, tokens, strict=True)]
    first = next((k for k, reason in enumerate(why) if reason is not None), None)
    if first is None:
        return None
    bad = 0
    for token, reason in zip(raw, why, strict=True):
        filler = (
            token in _STAND_INS or token in _FILL[kind] or token.isdigit() or (len(set(token)) == 1 and len(token) < 4)
        )
        bad += len(token) * (reason is not None or (len(raw) > 1 and filler))
    return Noise(str(why[first]), raw[first], round(bad / sum(map(len, raw)), 3))


@cache
def _walks() -> frozenset[str]:
    """Runs of three keys and more that lie side by side."""
    rows = [*KEYBOARDS, *(row[::-1] for row in KEYBOARDS)]
    return (
        frozenset(row[a:b] for row in rows for a in range(len(row)) for b in range(a + 3, len(row) + 1))
        - _WORDS_OF_KEYS
    )


def token_noise(token: str, kind: Kind, *, caps: bool = False) -> str | None:
    """Why one token, in lower case, is noise; None where it may be a word or a name. caps: it was written in capitals."""
    letters = token.rstrip("0123456789") if kind != "company" else token
    n = len(letters)
    if n < 2 or _ASCII.fullmatch(letters) is None:
        return MASH if re.fullmatch(r"(?:фыва|йцук|ывап)\w*", letters) else None
    if kind == "text" and n < 7 and _LAUGHTER.fullmatch(letters):
        return None
    if n == 2:
        return (
            REPEATED if kind != "text" and not caps and letters[0] == letters[1] and letters[0] not in _VOWELS else None
        )
    if letters in _MASH_UNITS and letters not in _MEANT_UNITS:
        return None if caps and kind != "name" else MASH
    unit = _period(letters)
    if unit:
        return _repeated(letters, unit, kind)
    walked = _walked(letters)
    if walked >= 4 and walked >= 0.7 * n and not _NO_WALK.fullmatch(letters):
        return MASH
    return MASH if not (caps and n <= 5) and _mashed(letters, kind) else None


def _mashed(letters: str, kind: Kind) -> bool:
    """Whether letters follow each other as on keys hit at random: near each other, hardly a vowel, as in no language."""
    n, cost, near = len(letters), mean_cost(letters), _near(letters)
    vowels = sum(letter in _VOWELS for letter in letters) / n
    home = sum(letter in _HOME for letter in letters) / n
    if n == 3:
        return cost >= 4 and vowels == 0 and home == 1
    if n == 4:
        return cost >= 3.2 and vowels == 0 and home >= 0.8 and kind != "company"
    if vowels <= 0.2 and ((cost >= 3.3 and (near >= 0.6 or home >= 0.7)) or (vowels == 0 and home == 1)):
        return True
    if vowels <= 0.34 and home >= 0.8 and cost >= 2.6 and near >= 0.4 + 0.2 * (n < 6):
        return True
    if n >= 6 and near >= 0.8 and (cost >= 3.2 or set(letters) <= set("asdf")):
        return True
    if n >= 8 and vowels <= 0.35 and cost >= 3.5 and (near >= 0.4 or home >= 0.6):
        return True
    return n >= 8 and vowels == 0 and cost >= 3.0


def _repeated(letters: str, unit: str, kind: Kind) -> str | None:
    """A token that is one unit over and over."""
    n = len(letters)
    if len(unit) == 1:
        if kind == "text":
            return REPEATED if n >= (7 if _LAUGHTER.fullmatch(letters) else 5 if letters[0] in _VOWELS else 4) else None
        return None if n == 3 and kind == "company" and letters != "xxx" else REPEATED
    if len(unit) == 2:
        laughs = _LAUGHTER.fullmatch(letters) is not None and kind == "text"
        return REPEATED if n >= 6 and not laughs else None
    said = (len(unit) == 3 and unit[1] in _VOWELS) or len(unit) == 4
    odd = unit in _MASH_UNITS or not _VOWELS & set(unit) or unit in _walks() or (set(unit) <= _HOME and not said)
    odd = odd and not (kind == "text" and _LAUGHTER.fullmatch(letters) is not None)
    return (MASH if odd else None) if n < 3 * len(unit) else REPEATED


def _period(token: str) -> str:
    """The shortest unit that a token repeats twice or more, up to four characters; '' where there is none."""
    for size in range(1, 5):
        if len(token) < max(3, 2 * size):
            break
        if all(a == b for a, b in zip(token, token[size:], strict=False)):
            return token[:size]
    return ""


def mean_cost(letters: str) -> float:
    """How odd it is that these letters (a to z) follow each other, in bits a letter."""
    keys = [0, *(ord(letter) - 96 for letter in letters), 0]
    return sum(int(COST[a, b]) for a, b in itertools.pairwise(keys)) / (len(letters) + 1)


def _walked(letters: str) -> int:
    """How many letters stand in runs of three keys or more that lie side by side."""
    covered, k, walks = 0, 0, _walks()
    while k < len(letters):
        size = 0
        while k + max(size + 1, 3) <= len(letters) and letters[k : k + max(size + 1, 3)] in walks:
            size = max(size + 1, 3)
        covered += size
        k += max(size, 1)
    return covered


def _near(letters: str) -> float:
    """Share of the steps from letter to letter that go to the key beside, or to the one after it."""
    pairs = _neighbours()
    return sum(a + b in pairs for a, b in itertools.pairwise(letters)) / max(1, len(letters) - 1)


@cache
def _neighbours() -> frozenset[str]:
    """Pairs of letters that lie beside each other on a keyboard, or with one key between them."""
    rows = [*KEYBOARDS, *(row[::-1] for row in KEYBOARDS)]
    return frozenset(row[k] + row[k + step] for row in rows for step in (1, 2) for k in range(len(row) - step))
