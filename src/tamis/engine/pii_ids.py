"""Numbers that states give to people. Where the shape alone is too common, a word nearby must say what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import pii_checks as checks
from .pii_numbers import Span, digits_of

_SSN = re.compile(r"(?<![\w\-.])(\d{3})([- .]?)(\d{2})\2(\d{4})(?![\w\-]|\.\d)")
_SSN_SAID = re.compile(r"\bs\.?s\.?n\b|social[ _-]?security|\bitin\b|tax(?:payer)? id", re.I)
_SAID = {
    "steuer": re.compile(r"steuer|\btin\b|\bidnr|tax id|identifikationsnummer", re.I),
    "nir": re.compile(r"s[ée]curit[ée] sociale|\bnir\b|\binsee\b|carte vitale|n°\s?ss", re.I),
    "bsn": re.compile(r"\bbsn\b|burgerservice|sofi[- ]?nummer|citizen service", re.I),
    "pesel": re.compile(r"\bpesel\b", re.I),
    "aadhaar": re.compile(r"\ba+dha+r\b|\buidai\b|आधार", re.I),
    "cpf": re.compile(r"\bcpf\b|cadastro de pessoas", re.I),
    "nino": re.compile(r"national insurance|\bni(?:no)?\b|\bn\.i\.", re.I),
    "dni": re.compile(r"\bdni\b|\bnif\b|\bnie\b|documento", re.I),
}
_NINO = re.compile(
    r"(?<![A-Za-z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]([ -]?)\d{2}\1\d{2}\1\d{2}\1[A-D](?![A-Za-z0-9])"
)
_DNI = re.compile(
    r"(?<![A-Za-z0-9.\-])(\d{2}\.?\d{3}\.?\d{3}|[XYZ]-?\d{7})[- ]?([A-HJ-NP-TV-Za-hj-np-tv-z])(?![A-Za-z0-9])"
)
_CODICE = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z](?![A-Za-z0-9])", re.I
)
_NIR = re.compile(r"(?<!\w)[12][ .]?\d{2}[ .]?\d{2}[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .-]?\d{2}(?![\w])")
_CPF = re.compile(r"(?<![\w.\-])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w|-)")


def ssns(window: str, at: int, to: int) -> Iterator[Span]:
    """United States social security numbers, 123-45-6789; without gaps only where words say so."""
    for match in _SSN.finditer(window, at, min(len(window), to + 2)):
        area, gap, group, serial = match.groups()
        said = bool(_SSN_SAID.search(window[max(0, match.start() - 48) : match.start()]))
        if checks.is_ssn(area + group + serial) and (gap in ("-", " ") or said):
            yield match.start(), match.end(), "us_ssn", 95 if said else 90 if gap == "-" else 65


def numbers(window: str, at: int, to: int) -> Iterator[Span]:
    """National numbers made of digits: Steuer-ID, NIR, BSN, PESEL, Aadhaar, CPF."""
    number = window[at:to]
    digits = digits_of(number)
    before = window[max(0, at - 48) : at]
    if window[to : to + 1].isalnum() or before[-1:].isalnum():
        return
    shape = tuple(len(group) for group in re.findall(r"\d+", number))

    def said(which: str) -> bool:
        return bool(_SAID[which].search(before))

    certain = 0
    if len(digits) == 11:
        if _CPF.fullmatch(number) and checks.is_cpf(digits):
            certain = 97
        elif said("cpf") and checks.is_cpf(digits):
            certain = 95
        elif (said("steuer") or shape == (2, 3, 3, 3)) and checks.is_steuer_id(digits):
            certain = 95 if said("steuer") else 75
        elif said("pesel") and checks.is_pesel(digits):
            certain = 97
    elif len(digits) == 15 and checks.is_nir(digits) and _NIR.fullmatch(number):
        certain = 97 if said("nir") else 85
    elif len(digits) == 12 and digits[0] > "1" and (shape == (4, 4, 4) or said("aadhaar")) and checks.verhoeff(digits):
        certain = 97 if said("aadhaar") else 80
    elif len(digits) == 9 and said("bsn") and checks.is_bsn(digits):
        certain = 95
    if certain:
        yield at, to, "national_id", certain


def words(window: str, at: int, to: int) -> Iterator[Span]:
    """National numbers with letters: NINO, DNI and NIE, codice fiscale."""
    low = max(0, at - 3)
    before = window[max(0, low - 48) : at]
    for match in _NINO.finditer(window, low, min(len(window), to + 3)):
        said = bool(_SAID["nino"].search(before))
        if said or match.group(1):  # disks and other things have numbers of this shape, without gaps
            yield *match.span(), "national_id", 95 if said else 80
    for match in _DNI.finditer(window, low, min(len(window), to + 3)):
        code = (match.group(1) + match.group(2)).upper().replace(".", "").replace("-", "")
        said = bool(_SAID["dni"].search(before))
        if checks.is_dni(code) and (said or match.group(2).isupper()):
            yield *match.span(), "national_id", 95 if said else 85 if code[0] in "XYZ" else 55
    match_ = _CODICE.match(window, at)
    if match_ and checks.is_codice_fiscale(match_.group().upper()):
        yield *match_.span(), "national_id", 98
