"""E-mail addresses, and links that carry a password or a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .pii_numbers import Span

_LABEL = r"[^\W_](?:[\w\-]{0,61}[^\W_])?"
_EMAIL = re.compile(
    rf"(?<![\w.+%\-])(?:[^\W_]|_)[\w.!#$%&'*+/=?^`{{|}}~\-]{{0,63}}@(?:{_LABEL}\.)+(?:[^\W\d_]{{2,24}}|xn--[a-z0-9\-]{{2,59}})(?![\w@\-])"
)
_GLUED = re.compile(r"[=/]")
#: Endings of file names: those that are no domains, as in `logo@2x.png`, and those that are.
_FILES = re.compile(r"(?:png|jpe?g|gif|svg|webp|css|js|ts|go|html|json|ya?ml|txt|exe|dll|tar|gz)\Z")
_DOUBTFUL = re.compile(r"(?:py|rs|md|zip|java|sh|pl)\Z")
#: what a login may stand before in a link: scheme://name:password@host, or scheme://token@host
_LOGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://([^\s/?#@\"'<>]{1,512})@([^\s/?#@\"'<>]+)")
_PARAMETER = re.compile(
    r"[?&#;](?:access_?token|refresh_?token|id_?token|auth_?token|auth|token|api_?key|apikey|key|secret|client_?secret|password|passwd|pwd|pass|sig|signature|"
    r"x-amz-(?:credential|security-token|signature)|awsaccesskeyid|session_?id|sid|jwt|code|otp|hash|private_?token)=([^&#\s\"'<>]{6,})",
    re.I,
)
_URL_END = re.compile(r"[.,;:!?)\]}'*_]+$")
_PLACEHOLDER = re.compile(
    r"^(?:<.*|\{.*|\[.*|\$.*|%[({].*|x+|\*+|\.+|your[-_ ]?.*|my[-_ ]?(?:key|token|secret|password).*|(?:api[-_ ]?)?(?:key|token|secret|password|passwd|pass)(?:[-_]?here)?|example.*|placeholder.*|changeme|redacted.*|true|false|null|none|undefined)$",
    re.I,
)


def emails(window: str, at: int, to: int) -> Iterator[Span]:
    """Addresses name@host.tld, in any script."""
    sign = window.find("@", at, to)
    for match in _EMAIL.finditer(window, max(0, at - 1), min(len(window), to + 2)):
        start, end = match.span()
        if not start < sign < end:
            continue
        local, _, host = match.group().rpartition("@")
        trimmed = _GLUED.split(local)[-1].lstrip("'*`|{&?!#$^~")  # mailto=a@b, x/a@b
        start += len(local) - len(trimmed)
        if not trimmed or trimmed[0] == "." or trimmed[-1] == "." or ".." in match.group():
            continue
        tld = host.rpartition(".")[2].lower()
        remote = trimmed == "git" and window[end : end + 1] in (":", "/")  # git@host:path is a repository
        if not _FILES.match(tld) and not remote:
            yield start, end, "email", 60 if _DOUBTFUL.match(tld) else 97


def is_placeholder(value: str) -> bool:
    """Whether a secret's value only says that one belongs there."""
    return bool(_PLACEHOLDER.match(value)) or len(set(value)) < 3


def links(window: str, at: int, to: int) -> Iterator[Span]:
    """Links with a login before the host, or with a secret among their parameters."""
    url = window[at:to]
    url = url[: len(url) - len(match.group())] if (match := _URL_END.search(url)) else url
    login = _LOGIN.match(url)
    if login:
        name, colon, password = login.group(1).partition(":")
        if colon and password and not is_placeholder(password):
            yield at, at + len(url), "url_credentials", 97
            return
        if not colon and len(name) >= 16 and any(c.isdigit() for c in name) and not is_placeholder(name):
            yield at, at + len(url), "url_credentials", 85
            return
    for match in _PARAMETER.finditer(url):
        value = match.group(1)
        weak = match.group(0)[1:].lower().startswith(("key=", "code=", "hash=", "sid=", "auth=", "sig", "pass"))
        if is_placeholder(value) or (weak and (len(value) < 16 or not any(c.isdigit() for c in value))):
            continue
        yield at, at + len(url), "url_credentials", 70 if weak else 90
        return
