"""Secrets: keys that say whose they are by how they begin, signed tokens, private keys, and what stands behind
words such as `password:`.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from .pii_mail import is_placeholder
from .pii_numbers import Span

#: How keys begin (lower case, as the machine reads) → their whole form.
KEYS: dict[str, str] = {
    "sk-": r"sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-|or-v1-|lf-)?[A-Za-z0-9_\-]{20,}",
    "ghp_": r"ghp_[A-Za-z0-9]{36,}", "gho_": r"gho_[A-Za-z0-9]{36,}", "ghu_": r"ghu_[A-Za-z0-9]{36,}",
    "ghs_": r"ghs_[A-Za-z0-9]{36,}", "ghr_": r"ghr_[A-Za-z0-9]{36,}", "github_pat_": r"github_pat_[A-Za-z0-9_]{22,}",
    "akia": r"AKIA[A-Z0-9]{16}", "asia": r"ASIA[A-Z0-9]{16}", "xox": r"xox[abeoprs]-[A-Za-z0-9\-]{10,}",
    "xapp-": r"xapp-\d-[A-Za-z0-9\-]{20,}", "aiza": r"AIza[A-Za-z0-9_\-]{35}", "ya29.": r"ya29\.[A-Za-z0-9_\-]{20,}",
    "gocspx-": r"GOCSPX-[A-Za-z0-9_\-]{28}", "glpat-": r"glpat-[A-Za-z0-9_\-.]{20,}", "hf_": r"hf_[A-Za-z0-9]{30,}",
    "sg.": r"SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}", "sk_live_": r"sk_live_[A-Za-z0-9]{16,}",
    "sk_test_": r"sk_test_[A-Za-z0-9]{16,}", "rk_live_": r"rk_live_[A-Za-z0-9]{16,}", "rk_test_": r"rk_test_[A-Za-z0-9]{16,}",
    "whsec_": r"whsec_[A-Za-z0-9+/=]{24,}", "npm_": r"npm_[A-Za-z0-9]{36}", "pypi-": r"pypi-[A-Za-z0-9_\-]{50,}",
    "dop_v1_": r"dop_v1_[a-f0-9]{64}", "shpat_": r"shpat_[a-fA-F0-9]{32}", "shpss_": r"shpss_[a-fA-F0-9]{32}",
    "key-": r"key-[0-9a-f]{32}", "sq0atp-": r"sq0atp-[A-Za-z0-9_\-]{22}", "sq0csp-": r"sq0csp-[A-Za-z0-9_\-]{43}",
    "gsk_": r"gsk_[A-Za-z0-9]{40,}", "r8_": r"r8_[A-Za-z0-9]{37,}", "pplx-": r"pplx-[A-Za-z0-9]{40,}",
    "nvapi-": r"nvapi-[A-Za-z0-9_\-]{40,}", "xai-": r"xai-[A-Za-z0-9]{40,}", "tvly-": r"tvly-[A-Za-z0-9\-]{20,}",
    "lin_api_": r"lin_api_[A-Za-z0-9]{32,}", "ntn_": r"ntn_[A-Za-z0-9]{40,}", "secret_": r"secret_[A-Za-z0-9]{43}",
    "figd_": r"figd_[A-Za-z0-9_\-]{20,}", "dckr_pat_": r"dckr_pat_[A-Za-z0-9_\-]{20,}", "dapi": r"dapi[a-f0-9]{32}",
    "hvs.": r"hvs\.[A-Za-z0-9_\-]{24,}", "sntrys_": r"sntrys_[A-Za-z0-9+/=_]{40,}", "pmak-": r"PMAK-[A-Za-z0-9\-]{50,}",
    "nrak-": r"NRAK-[A-Z0-9]{27}", "atatt3": r"ATATT3[A-Za-z0-9_\-=]{50,}", "eaa": r"EAA[A-Za-z0-9]{60,}",
    "age-secret-key-1": r"AGE-SECRET-KEY-1[A-Z0-9]{58}", "hooks.slack.com/services/": r"hooks\.slack\.com/services/T\w+/B\w+/\w{20,}",
    "discord.com/api/webhooks/": r"discord\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_\-]{60,}",
}  # fmt: skip
_KEYS = {prefix: re.compile(pattern) for prefix, pattern in KEYS.items()}
_BY_FIRST = {first: [p for p in KEYS if p[0] == first] for first in {p[0] for p in KEYS}}
#: Words behind which a secret may stand.
SAID = (
    "password", "passwd", "passphrase", "passwort", "kennwort", "contraseña", "mot de passe", "wachtwoord", "senha", "hasło",
    "пароль", "密码", "密碼", "パスワード", "pwd", "secret", "token", "api_key", "apikey", "api-key", "api key", "access_key",
    "access key", "accesskey", "accountkey", "private_key", "auth_key", "encryption_key", "signing_key", "bearer", "credential",
)  # fmt: skip
_WEAK = frozenset(SAID[:15])  # a person thinks of these, so they are short
_BEHIND = re.compile(
    r"""[A-Za-z0-9_\-]{0,24}["'`*]{0,3}\]?\)?(?P<sign>\s{0,3}(?::=|=>|==?|:|：|->)\s{0,3}|\s+(?:is|was|ist|lautet|est|es|è|to)\s*:?\s+|\s+)
    (?:(?:bearer|basic|token)\s+)?(?P<quote>["'`“]?)(?P<value>[^\s"'`,;<>{}()\[\]“”|]{6,512})""",
    re.I | re.X,
)
_SIGNS = re.compile(r"[_.\-/:#@]+")
_WORDLIKE = re.compile(r"[A-Za-z]*[0-9]{0,4}")
_LOWER_NAME = re.compile(r"[a-z]+(?:[_.\-][a-z0-9]{1,12})+")
_JWT = re.compile(
    r"(?<![A-Za-z0-9_\-])(eyJ[A-Za-z0-9_\-]{8,})\.([A-Za-z0-9_\-]{4,})\.([A-Za-z0-9_\-]*)(?![A-Za-z0-9_\-])"
)
_PEM = re.compile(
    r"-----BEGIN ((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----(?:[A-Za-z0-9+/=\s\\:,.()\-]*?-----END \1-----|[A-Za-z0-9+/=\s\\]*)"
)
_TELEGRAM = re.compile(r"(?<![\w.])\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![\w\-])")


def entropy(text: str) -> float:
    """Bits for each character, by how often each occurs."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _is_name(value: str) -> bool:
    """Whether a value names a thing: words of letters joined by signs, with a short number or two among them."""
    parts = [part for part in _SIGNS.split(value) if part]
    words = sum(part.isalpha() and len(part) > 1 for part in parts)
    return bool(
        (len(parts) > 2 and words > 1 and all(_WORDLIKE.fullmatch(part) for part in parts))
        or _LOWER_NAME.fullmatch(value)
    )


def keys(window: str, at: int, to: int) -> Iterator[Span]:
    """Keys with a prefix of their own."""
    for prefix in _BY_FIRST.get(window[at].lower(), ()):
        match = _KEYS[prefix].match(window, at)
        if not match:
            continue
        body = match.group()[len(prefix) :]
        if window[match.end() : match.end() + 1].isalnum() or len(set(body)) < min(8, len(body) // 3):
            continue
        if prefix in ("sk-", "pypi-", "tvly-", "xox") and not re.search(r"\d", body):
            continue
        yield at, match.end(), "api_key", 96
        return


def telegrams(window: str, at: int, to: int) -> Iterator[Span]:
    """Keys of Telegram's robots: digits, a colon, 35 characters."""
    if window[to : to + 3] == ":AA" and (match := _TELEGRAM.match(window, at)):
        yield *match.span(), "api_key", 95


def said(window: str, at: int, to: int) -> Iterator[Span]:
    """What stands behind `api_key=`, `password:` and the like."""
    word = window[at:to].lower()
    match = _BEHIND.match(window, to)
    if not match:
        return
    value = match["value"].rstrip(".:*")
    start = match.start("value")
    following = window[start + len(value) : start + len(value) + 1]
    if (
        is_placeholder(value)
        or following in ("(", "[", "{", "<")
        or value.startswith(("http://", "https://", "/", "./", "--"))
    ):
        return
    sign = match["sign"].strip()
    strict = sign in ("=", ":", ":=", "=>", "：")
    letters = sum(char.isalpha() for char in value)
    figures = sum(char.isdigit() for char in value)
    signs = len(value) - letters - figures
    if word in _WEAK:
        if not sign or len(value) > 64 or (signs and re.fullmatch(r"[\w.\-]+", value) and not figures):
            return
        mixed = (letters > 0) + (figures > 0) + (signs > 0) >= 2
        if strict and mixed and (figures or match["quote"] or signs > 1):
            yield start, start + len(value), "api_key", 75
        elif mixed and figures and letters:
            yield start, start + len(value), "api_key", 65
        elif match["quote"] and strict and len(value) >= 8 and entropy(value) > 3 and not value.isalpha():
            yield start, start + len(value), "api_key", 55
        return
    if len(value) < 16 or not figures or not letters or not (sign or word == "bearer"):
        return
    if not re.fullmatch(r"[A-Za-z0-9_\-+/=.~:%!@#$^&*]+", value) or entropy(value) < (2.8 if len(value) < 24 else 3.0):
        return
    if _is_name(value):
        return
    yield start, start + len(value), "api_key", 88 if strict or word == "bearer" else 70


def jwts(window: str, at: int, to: int) -> Iterator[Span]:
    """Signed tokens of three parts whose first one decodes to JSON."""
    match = _JWT.match(window, at)
    if not match:
        return
    head = match.group(1)
    try:
        decoded = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return
    if isinstance(decoded, dict):
        yield *match.span(), "jwt", 99 if "alg" in decoded or "typ" in decoded else 85


def pems(window: str, at: int, to: int) -> Iterator[Span]:
    """Private keys in PEM armour, to the end line, or as far as they reach where it is cut off."""
    match = _PEM.match(window, at)
    if match and match.end() - match.start() > 60:
        yield at, len(match.group().rstrip()) + at, "pem", 99
