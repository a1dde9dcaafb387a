"""Same-type replacements that look natural and belong to nobody.

Each is a pure function of the key, the kind and the normalised value. What can be recognised as ours, so that a
rescan does not take it for somebody's, lies in a range that standards or regulators reserve (see `is_ours`).

- e-mail: two pool words and six digits at example.com (RFC 2606)
- phone: the same country where it is told, in a range reserved for films, see `phone_ranges`; written as it was
- card: same length and grouping; the last digit is the right Luhn digit plus 5, so the check fails
- IBAN: same country and length; check digits 00, which ISO 7064 never gives
- IPv4 and IPv6: the documentation ranges of RFC 5737 and RFC 3849; MAC: 00:00:5E:00:53:xx of RFC 7042
- US SSN: area 666, never issued; names: words of a pool in the same script; addresses: the same with other digits
- others (keys, tokens, national ids, crypto addresses, URLs with credentials): the pseudonym, for a natural-looking
  secret would teach a model to make secrets up
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from .key import Key
from .phone_ranges import CALLING, calling_code, international, is_unreal, shaped, unreal
from .pseudonyms import digest, normalised, pseudonym
from .surrogate_names import POOLS, is_mail_name, script

DOMAIN = "example.com"
_NETS_4 = ("192.0.2.", "198.51.100.", "203.0.113.")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+")


def surrogate(key: Key, kind: str, value: str, region: str | None = None) -> str:
    """A natural replacement of the same type, else the pseudonym."""
    make = _MAKERS.get(kind)
    made = make(key, value, region) if make is not None else None
    return made if made is not None else pseudonym(key, kind, value, region)


def is_ours(kind: str, value: str, region: str | None = None) -> bool:
    """Whether a value found in a text is one of our surrogates: it lies in a range that belongs to nobody."""
    if kind == "email":
        local, _, domain = value.casefold().rpartition("@")
        return domain == DOMAIN and is_mail_name(local)
    if kind == "phone":
        return is_unreal(international(value, region))
    if kind in ("ipv4", "ipv6"):
        plain = normalised(kind, value)
        return plain.startswith((*_NETS_4, "2001:db8:"))
    if kind == "mac":
        return normalised(kind, value).startswith("00005e0053")
    if kind == "us_ssn":
        return normalised(kind, value).startswith("666")
    if kind == "card":
        digits = normalised(kind, value)
        return digits.isdecimal() and len(digits) > 1 and (_luhn(digits[:-1]) + 5) % 10 == int(digits[-1])
    if kind == "iban":
        return normalised(kind, value)[2:4] == "00"
    return False


def may_be_ours(kind: str, value: str, region: str | None = None) -> bool:
    """Whether a value is a surrogate of ours of any kind, most likely of `kind`: the finder may take one for another."""
    return is_ours(kind, value, region) or any(is_ours(other, value, region) for other in _MAKERS if other != kind)


def _digits(key: Key, kind: str, value: str) -> str:
    """78 decimal digits, as good as random."""
    return str(int.from_bytes(digest(key, "surrogate", kind, value))).zfill(78)[::-1]


def _email(key: Key, value: str, region: str | None) -> str:
    raw = digest(key, "surrogate", "email", normalised("email", value))
    one, two, number = (int.from_bytes(raw[k : k + 8]) for k in (0, 8, 16))
    words = POOLS["LATIN"]
    return f"{words[one % len(words)]}.{words[two % len(words)]}{number % 10**6:06}@{DOMAIN}".lower()


def _phone(key: Key, value: str, region: str | None) -> str | None:
    real = international(value, region)
    new = unreal(real, _digits(key, "phone", real))
    written = value.strip()
    if not written.lstrip("( ").startswith(("+", "＋")):
        code = calling_code(new) if new.startswith("+") else ""
        if written.lstrip("( ").startswith("00"):
            new = "00" + new.removeprefix("+")
        elif new.startswith("+"):
            national = new.removeprefix("+").removeprefix(code)
            trunk = "" if code == "1" or CALLING.get(region or "") == "39" or not _begins(written, "0") else "0"
            new = ("1" if code == "1" and len(national) == 10 and _begins(written, "1") else trunk) + national
    body = written.replace("(0)", "") if "(0)" in written and new.startswith(("+", "00")) else written
    return shaped(body, new.removeprefix("+"))


def _begins(written: str, digit: str) -> bool:
    return next((c for c in written if c.isdigit()), "") == digit


def _card(key: Key, value: str, region: str | None) -> str:
    plain = normalised("card", value)
    body = plain[0] + _digits(key, "card", plain)[: len(plain) - 2]
    return shaped(value, body + str((_luhn(body) + 5) % 10))


def _luhn(body: str) -> int:
    """The digit that makes the Luhn sum of `body` and itself a multiple of ten.

    >>> _luhn("411111111111111")
    1
    """
    total = 0
    for place, c in enumerate(reversed(body)):
        digit = int(c) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return -total % 10


def _iban(key: Key, value: str, region: str | None) -> str:
    plain = normalised("iban", value)
    digits = iter(_digits(key, "iban", plain))
    body = "".join(next(digits) if c.isdigit() else chr(65 + int(next(digits))) for c in plain[4:])
    given = iter(plain[:2] + "00" + body)
    return "".join(next(given, "") if c.isalnum() else c for c in value)


def _ipv4(key: Key, value: str, region: str | None) -> str:
    raw = digest(key, "surrogate", "ipv4", normalised("ipv4", value))
    return f"{_NETS_4[raw[0] % 3]}{1 + raw[1] % 254}"


def _ipv6(key: Key, value: str, region: str | None) -> str:
    raw = digest(key, "surrogate", "ipv6", normalised("ipv6", value))
    return str(ipaddress.IPv6Address(bytes.fromhex("20010db8") + raw[:12]))


def _mac(key: Key, value: str, region: str | None) -> str:
    raw = digest(key, "surrogate", "mac", normalised("mac", value))
    digits = f"00005e0053{raw[0]:02x}"
    new = iter(digits.upper() if value == value.upper() else digits)
    return "".join(next(new, "") if c.isalnum() else c for c in value)


def _ssn(key: Key, value: str, region: str | None) -> str:
    digits = _digits(key, "us_ssn", normalised("us_ssn", value))
    group, serial = 1 + int(digits[:4]) % 99, 1 + int(digits[4:10]) % 9999
    return shaped(value, f"666{group:02}{serial:04}")


def _person(key: Key, value: str, region: str | None) -> str | None:
    return _worded(key, "person", value)


def _address(key: Key, value: str, region: str | None) -> str | None:
    return _worded(key, "address", value)


def _worded(key: Key, kind: str, value: str) -> str | None:
    """Each word by a word of the pool of its script, each number by one as long; None in scripts without a pool."""
    known = True

    def other(match: re.Match[str]) -> str:
        nonlocal known
        word = match[0]
        if word.isdigit():
            digits = _digits(key, kind, word)
            return (str(1 + int(digits[-4:]) % 9) + digits)[: len(word)]
        pool = POOLS.get(script(word))
        if pool is None:
            known = False
            return word
        number = int.from_bytes(digest(key, "surrogate", "person", normalised("person", word))[:8])
        new = pool[number % len(pool)]
        return new.upper() if word.isupper() and len(word) > 1 else new.lower() if word.islower() else new

    made = _WORD.sub(other, value)
    return made if known else None


_MAKERS: dict[str, Callable[[Key, str, str | None], str | None]] = {
    "email": _email,
    "phone": _phone,
    "card": _card,
    "iban": _iban,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "mac": _mac,
    "us_ssn": _ssn,
    "person": _person,
    "address": _address,
}
