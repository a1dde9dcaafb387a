"""What stands in the place of a piece of personal data: a mask, a tag, or a pseudonym that only the key can repeat.

A pseudonym is a pure function of key, kind and normalised value, so it is the same over turns, rows, splits and runs.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata

from .key import Key
from .phone_ranges import international

MASK = "•••"
#: kinds of which a mask may leave the end, by which people know which card is meant
NUMBERS = ("card", "iban", "phone", "us_ssn", "national_id")
#: hexadecimal digits of a pseudonym: with 8, ten thousand values share one with a chance of about 1 in 100
DIGITS = 8

_SPACE = re.compile(r"\s+")
_AT = re.compile(r"\s*[\[({<]\s*(?:at|@)\s*[\])}>]\s*", re.IGNORECASE)
_DOT = re.compile(r"\s*[\[({<]\s*(?:dot|\.)\s*[\])}>]\s*", re.IGNORECASE)
_COMPACT = frozenset({"iban", "card", "us_ssn", "national_id"})


def normalised(kind: str, value: str, region: str | None = None) -> str:
    """The value as it is compared: the same for every way of writing it.

    >>> normalised("email", "Ann.Lee (at) Example.org"), normalised("iban", "de89 3704 0044 0532 0130 00")
    ('ann.lee@example.org', 'DE89370400440532013000')
    """
    text = unicodedata.normalize("NFKC", value).strip()
    if kind in _COMPACT:
        return "".join(c for c in text if c.isalnum()).upper()
    if kind == "email":
        return _SPACE.sub("", _DOT.sub(".", _AT.sub("@", text))).casefold().removeprefix("mailto:")
    if kind == "phone":
        return international(text, region)
    if kind in ("ipv4", "ipv6"):
        try:
            return str(ipaddress.ip_address(text.strip("[]")))
        except ValueError:
            return text.casefold()
    if kind == "mac":
        return "".join(c for c in text if c.isalnum()).lower()
    if kind == "crypto_address":
        return text.lower() if text[:2].lower() in ("0x", "bc") else text
    if kind in ("person", "address"):
        return " ".join(word.strip(".,;:'’\"()") for word in _SPACE.split(text.casefold())).strip()
    return text.casefold() if kind == "date_of_birth" else text


def digest(key: Key, purpose: str, kind: str, value: str) -> bytes:
    """HMAC-SHA256 over kind and normalised value, 32 bytes."""
    return hmac.digest(key.derive(purpose), f"{kind}|{value}".encode("utf-8", "surrogatepass"), "sha256")


def tag(kind: str) -> str:
    """`[EMAIL]`"""
    return f"[{kind.upper()}]"


def mask(kind: str, value: str, keep_last: int) -> str:
    """`•••`, for numbers with their last few digits where they have at least three times as many.

    >>> mask("card", "4111 1111 1111 1234", 4), mask("email", "ann.lee@post.org", 4)
    ('•••1234', '•••')
    """
    signs = [c for c in value if c.isalnum()] if kind in NUMBERS else []
    return MASK + ("".join(signs[-keep_last:]) if 0 < keep_last <= len(signs) // 3 else "")


def pseudonym(key: Key, kind: str, value: str, region: str | None = None) -> str:
    """`[EMAIL_7F3A91C2]`"""
    word = digest(key, "pseudonym", kind, normalised(kind, value, region)).hex()[:DIGITS].upper()
    return f"[{kind.upper()}_{word}]"
