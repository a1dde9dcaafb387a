"""Which strings hold one of many phrases, anywhere in them.

Every phrase is looked for by its rarest few bytes (a *gram*): at each byte of a text a hash of the next bytes asks one
bit, and only where the bit is set are phrases compared. The look-ups of neighbouring bytes do not wait for each other,
so whole texts are read at about half a nanosecond a byte, however many phrases there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .jit import njit
from .words import load64

BITS = 18  # of a gram's hash: a table of 32 KB, which stays in the nearest cache
LEFT, RIGHT = 1, 2  # the phrase must begin, end, where a word does
_DOWN = np.uint64(32 - BITS)
_RANGE = np.uint64((1 << BITS) - 1)
_PRIME = np.uint64(0x9E3779B1)
_FOLD = np.uint64(0x20202020)
_FOLD_ALL = np.uint64(0x2020202020202020)
_LOW32 = np.uint64(0xFFFFFFFF)
_3, _7, _8, _16, _24 = (np.uint64(n) for n in (3, 7, 8, 16, 24))
#: letters of English text, most frequent first; what is not among them is rarer
_FREQUENT = " etaoinshrdlucmfwypvbgkjqxz"

#: four letters that stand in every tenth English text or more (`_` is a space): no phrase should be looked for by them
_COMMON = frozenset(
    gram.replace("_", " ")
    for gram in re.findall(
        r"\S+",
        """
    ____ ___c ___f ___i ___p ___r ___s __co __fo __if __in __re __st _a_c _a_s _abo _acc _add _all _an_ _and _app
    _are _arr _as_ _be_ _by_ _cal _can _cha _com _con _cou _cre _cur _dat _def _dis _exp _fac _fil _fin _for _fro
    _fun _hav _hea _her _if_ _imp _in_ _inc _inf _ins _int _is_ _it_ _lea _mai _mar _mat _mod _my_ _new _not _num
    _of_ _on_ _or_ _out _par _per _pla _pre _pri _pro _pub _pyt _req _res _ret _rev _sea _spe _sta _std _str _sum
    _sys _tha _the _thi _thr _tim _to_ _tra _use _usi _val _wea _whi _wik _wil _wit _wol _wor _you able abou acti
    acto age_ all_ ally alue ampl ance and_ ange arch are_ arra arti ata_ ate_ ated ates athe atio atur ave_ ber_
    bers ble_ blic bout cal_ can_ cati cess chan char cial clud comm comp cons cont coun crea ctio ctor curr d_co
    d_in d_th d_to data date def_ ding e_a_ e_an e_ar e_ca e_co e_cu e_de e_fo e_in e_is e_mo e_of e_pr e_re e_st
    e_th e_to e_wi earc eate eath ect_ ecti ecto ed_t edia een_ eir_ emen ence ener engt ent_ enti ents eque er_i
    er_t erat ere_ ers_ erse es_a es_i es_o es_t ess_ est_ esul etur even ever exam f_th fact file for_ form fram
    from func g_th ght_ h_th hat_ have he_a he_b he_c he_d he_e he_f he_i he_l he_m he_n he_p he_r he_s he_t he_w
    head heir her_ here his_ http ial_ ical icat ient ies_ ific ight ikip ile_ ilit ill_ impo in_a in_t incl ine_
    ines ing_ inpu inst int_ inte ion_ iona ions iped is_a is_t is_w ith_ itio its_ ity_ ive_ king kipe late lati
    lear lect leng les_ lfra lic_ line list llow lude main mati mber ment mode mple mpor n_an n_be n_in n_of n_th
    nal_ name nce_ nclu ncti nd_a nd_c nd_i nd_p nd_s nd_t new_ news ng_a ng_i ng_s ng_t ngth ning nput nst_ nt_t
    nten nter nts_ numb o_th odel of_a of_t olfr ome_ on_a on_o on_t onal ons_ onst or_t ore_ oria orma ort_ ou_c
    ould ound ount our_ out_ over ower pedi ple_ port pres prin prov publ pyth ques r_in r_th ract rate rati re_a
    re_i re_t read reat rect red_ rent requ ress resu retu reve rial ring rint rmat rom_ rray rren s_a_ s_an s_fo
    s_in s_of s_th s_to s_wi sear sed_ self serv sing sion spec stan stat stem stor stre stri sult syst t_an t_in
    t_is t_ma t_of t_re t_th t_to tain tati te_a te_t tech ted_ tent ter_ test text th_t that the_ thei ther this
    thon tic_ time ting tion tive to_a to_c to_t tori tory trea trin ture turn u_ca ubli ude_ uest ulat uld_ ult_
    umbe unct ure_ urn_ urre use_ user usin valu vers weat wiki will with wolf word work xamp y_of you_ your yste
    ytho
        """,
    )
)


class Phrases(NamedTuple):
    """Phrases to look for.

    width: bytes of a gram; fold: whether ASCII letters are compared without case; bits: one per hash of a gram;
    first: (2**BITS + 1,) the entries of each hash; order: phrase of each entry; data, starts: the phrases' bytes;
    at: where in its phrase the gram stands; edges: LEFT | RIGHT per phrase.
    """

    width: int
    fold: bool
    bits: np.ndarray
    first: np.ndarray
    order: np.ndarray
    data: np.ndarray
    starts: np.ndarray
    at: np.ndarray
    edges: np.ndarray


def _hash(gram: bytes) -> int:
    word = int.from_bytes(gram, "little") | int(_FOLD) & ((1 << 8 * len(gram)) - 1)
    return ((word * int(_PRIME)) & 0xFFFFFFFF) >> (32 - BITS)


def _rarity(gram: bytes) -> int:
    common = gram.decode("latin-1").lower() in _COMMON
    return -100 * common + sum(
        _FREQUENT.find(chr(byte | 0x20)) if chr(byte | 0x20) in _FREQUENT else 40 for byte in gram
    )


def phrases(texts: Sequence[bytes], *, width: int = 4, fold: bool = True, edges: Sequence[int] = ()) -> Phrases:
    """The table of some phrases, each of at least `width` bytes (3 or 4)."""
    given = [text.lower() if fold else text for text in texts]
    if any(len(text) < width for text in given) or width not in (3, 4):
        raise ValueError(f"every phrase needs at least {width} bytes")
    at = [max(range(len(text) - width + 1), key=lambda k, t=text: (_rarity(t[k : k + width]), -k)) for text in given]
    hashes = np.array([_hash(text[k : k + width]) for text, k in zip(given, at, strict=True)], np.int64)
    order = np.argsort(hashes, kind="stable")
    bits = np.zeros(1 << (BITS - 3), np.uint8)
    np.bitwise_or.at(bits, hashes >> 3, (1 << (hashes & 7)).astype(np.uint8))
    starts = np.concatenate([[0], np.cumsum([len(text) for text in given])]).astype(np.int64)
    return Phrases(
        width,
        fold,
        bits,
        np.searchsorted(hashes[order], np.arange((1 << BITS) + 1)).astype(np.int32),
        order.astype(np.int32),
        np.frombuffer(b"".join(given), np.uint8),
        starts,
        np.array(at, np.int64),
        np.array(edges if len(edges) else [0] * len(given), np.uint8),
    )


@njit(nogil=True, cache=True)
def _letter(data: np.ndarray, k: int) -> bool:
    """Whether the character that begins at `k` is part of a word: ASCII letters and digits, and what is no sign."""
    b = data[k]
    if b < 0x80:
        return bool(0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A)
    return bool(b != 0xC2 and b != 0xE2 and b != 0xF0)  # Latin-1 signs, quotation marks and symbols, emoji


@njit(nogil=True, cache=True)
def _letter_before(data: np.ndarray, k: int, start: int) -> bool:
    """Whether the character that ends just before `k` is part of a word."""
    if k <= start:
        return False
    k -= 1
    while k > start and (data[k] & 0xC0) == 0x80:
        k -= 1
    return _letter(data, k)


@njit(nogil=True, cache=True)
def _stands(
    data: np.ndarray, start: int, end: int, k: int, phrase: np.ndarray, fold: bool, edges: int
) -> bool:  # fmt: skip
    """Whether a phrase begins at `k`."""
    stop = k + phrase.shape[0]
    if k < start or stop > end:
        return False
    for j in range(phrase.shape[0]):
        b = data[k + j]
        if fold and 0x41 <= b <= 0x5A:
            b += 0x20
        if b != phrase[j]:
            return False
    if edges & 1 and _letter_before(data, k, start):
        return False
    return not (edges & 2 and stop < end and _letter(data, stop))


@njit(nogil=True, cache=True)
def _mark(
    data: np.ndarray, offsets: np.ndarray, width: int, fold: bool, bits: np.ndarray, first: np.ndarray,
    order: np.ndarray, bytes_: np.ndarray, starts: np.ndarray, at: np.ndarray, edges: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    keep = _LOW32 if width == 4 else np.uint64(0xFFFFFF)
    folded = _FOLD & keep
    safe = data.shape[0] - 8  # where eight bytes can be read
    for i in range(offsets.shape[0] - 1):
        start, end = offsets[i], offsets[i + 1]
        found = -1
        last = end - width
        k = start
        while k <= last and found < 0:
            stop = min(last - 3, safe)
            while k <= stop:  # four places at a time, one branch for all of them
                word = load64(data, k) | _FOLD_ALL
                a = ((word & keep) * _PRIME >> _DOWN) & _RANGE
                b = ((word >> _8 & keep) * _PRIME >> _DOWN) & _RANGE
                c = ((word >> _16 & keep) * _PRIME >> _DOWN) & _RANGE
                d = ((word >> _24 & keep) * _PRIME >> _DOWN) & _RANGE
                if (
                    bits[a >> _3] >> np.uint8(a & _7) | bits[b >> _3] >> np.uint8(b & _7)
                    | bits[c >> _3] >> np.uint8(c & _7) | bits[d >> _3] >> np.uint8(d & _7)
                ) & 1:  # fmt: skip
                    break
                k += 4
            until = min(k + 3, last)
            while k <= until and found < 0:
                word = np.uint64(0)
                for j in range(width):
                    word |= np.uint64(data[k + j]) << np.uint64(8 * j)
                h = ((word | folded) * _PRIME >> _DOWN) & _RANGE
                for entry in range(first[h], first[h + np.uint64(1)]):
                    p = order[entry]
                    phrase = bytes_[starts[p] : starts[p + 1]]
                    if _stands(data, start, end, k - at[p], phrase, fold, edges[p]):
                        found = p
                        break
                k += 1
        out[i] = found


def mark_phrases(data: np.ndarray, offsets: np.ndarray, table: Phrases, out: np.ndarray) -> None:
    """out (n,) int32: a phrase that stands in each string (the one whose gram is met first), -1 where none does."""
    _mark(
        data, offsets, table.width, table.fold, table.bits, table.first, table.order, table.data, table.starts,
        table.at, table.edges, out,
    )  # fmt: skip
