"""What a mail carries beside its message: quoted replies, signatures, disclaimers.

In English, German, French, Spanish and Italian.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .rewrite import fenced

QUOTE, SIGNATURE, DISCLAIMER = "quotes", "signatures", "disclaimers"

#: one of these stands in every mail with something to cut; letters outside ASCII in the case that is used
SIGNS = (
    ">", "wrote", "writes", "schrieb", "crit", "escribi", "scritto", "original message", "ngliche nachricht",
    "message d", "message original", "mensaje original", "messaggio originale", "from:", "von:", "de:", "de :",
    "de\u00a0:", "da:", "--", "sent from", "sent via", "gesendet", "envoy", "enviado", "inviato", "get outlook",
    "confiden", "privileged", "intended", "vertraulich", "regards", "wishes", "thank", "cheers", "sincerely",
    "truly", "faithfully", "best", "grü", "gruss", "gruess", "mfg", "cordialement", "bien ", "salutations",
    "saludo", "atentamente", "saluti",
)  # fmt: skip

_QUOTED = re.compile(r"\s{0,3}>(?!From )")
_WROTE = r"(?:wrote|writes|schrieb(?: am)?|écrit|escribió|ha scritto)"
_ATTRIBUTION = re.compile(rf"\s*(?:On|Am|Le|El|Il)\s.{{0,300}}\b{_WROTE}\b.{{0,120}}:\s*$", re.IGNORECASE)
_NAMED = re.compile(rf"\s*\S.{{0,200}}\b{_WROTE}\s*:\s*$", re.IGNORECASE)
_DATED = re.compile(r"\d{1,2}:\d\d|\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\S@\S")
_ORIGINAL = re.compile(
    r"\s*[-_*]{2,}\s*(?:Original Message|Original-Nachricht|Ursprüngliche Nachricht|Message d['’ ]origine"
    r"|Message original"
    r"|Mensaje original|Messaggio originale)\s*[-_*]{2,}\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\**(?:From|Von|De|Da)\**\s?:\**\s?\S", re.IGNORECASE)
_HEADER = re.compile(
    r"\s*\**(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado(?: el)?|Fecha"
    r"|Para|Asunto|Inviato|Data|A|Oggetto)\**\s?:",
    re.IGNORECASE,
)
_CONTINUED = re.compile(r"\s+\S|.*[@;]")
_DELIMITER = re.compile(r"--[ \u00a0]?\r?$")
_DEVICE = re.compile(
    r"\s*(?:Sent (?:from|via) (?:my|the|Yahoo|Mail|Outlook|Gmail|Proton)\b.{0,60}"
    r"|Get Outlook for \w.{0,40}|Von meinem .{1,40} gesendet"
    r"|Gesendet (?:von|mit) (?:meinem|der|Outlook|Mail)\b.{0,60}|Envoyé (?:de|depuis) (?:mon|ma|Outlook"
    r"|Yahoo)\b.{0,60}"
    r"|Enviado (?:desde|de) (?:mi|meu)\b.{0,60}|Inviato da(?:l mio)? .{1,40})$",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"\s*(?:(?:with )?(?:(?:kind|kindest|best|warm|warmest|my best|many) )?(?:regards|wishes)|best"
    r"|(?:many )?thanks(?: again| a lot| in advance)?"
    r"|thank you(?: very much| again)?|(?:thanks|thank you) and (?:best |kind )?regards|cheers"
    r"|(?:yours )?(?:sincerely|truly|faithfully)(?: yours)?"
    r"|mit freundlichen gr(?:ü|ue)(?:ß|ss)en|(?:viele|liebe|beste|herzliche|sch(?:ö|oe)ne"
    r"|freundliche) gr(?:ü|ue)(?:ß|ss)e|(?:viele|herzlichen) dank"
    r"|mfg|(?:bien )?cordialement|bien à vous|(?:meilleures |sincères )?salutations"
    r"|(?:un )?saludos?(?: cordial(?:es)?)?|atentamente"
    r"|(?:cordiali|distinti) saluti)\s*[,.!]?\s*$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s*[-_=*~#]{3,}\s*$")
_CONFIDENCE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:confidential|privileged|vertraulich|confidentiel|confidencial|riservat)",
        r"\b(?:intended (?:only|solely|recipient|for the)|named addressee|adressaten?\b|empfängers?\b"
        r"|destinataire|destinatario)",
        r"\b(?:this|diese|ce|este|questo|the information).{0,40}(?:e-?mail|message|communication|transmission"
        r"|nachricht|courriel|correo|messaggio)",
        r"\b(?:received|erhalten|reçu|recibido|ricevuto)\b.{0,60}\b(?:error|mistake|irrtümlich|versehentlich"
        r"|erreur|error|errore)"
        r"|\b(?:irrtümlich|versehentlich)\b.{0,60}\berhalten",
        r"\b(?:disclos|dissemination|distribution|copying|unauthori[sz]ed|weitergabe|diffusion|difusión|diffusione)",
    )
)
_PARTICLES = frozenset(["van", "von", "der", "den", "de", "da", "del", "della", "di", "la", "le", "of", "the", "and"])
#: without one of these no paragraph is a notice
_SUSPECT = (
    "confiden",
    "privileg",
    "intended",
    "addressee",
    "vertraulich",
    "riservat",
    "adressat",
    "empfänger",
    "destinata",
)
#: a signature has at most so many lines with content, of so many characters
_LINES, _WIDTH, _LONGEST = 8, 70, 500


class Cut(NamedTuple):
    """text: what stays; cut: characters cut by kind; left_whole: all would have gone, so nothing did."""

    text: str
    cut: dict[str, int]
    left_whole: bool = False


def cut(text: str, kinds: frozenset[str]) -> Cut:
    """The message alone. In fenced code nothing is a quote."""
    lines = text.split("\n")
    gone: dict[int, str] = {}
    end = len(lines)
    if QUOTE in kinds:
        end = _cut_quotes(lines, gone)
    tail = [k for k in range(end) if k not in gone]
    if DISCLAIMER in kinds:
        tail = _cut_disclaimers(lines, tail, gone)
    if SIGNATURE in kinds:
        tail = _cut_signature(lines, tail, gone)
        if DISCLAIMER in kinds:  # some stand above the signature
            _cut_disclaimers(lines, tail, gone)
    if not gone:
        return Cut(text, {})
    kept = "\n".join(line for k, line in enumerate(lines) if k not in gone)
    if not kept.strip(" \t\r\n-_=*"):
        return Cut(text, {}, left_whole=True)
    counts: dict[str, int] = {}
    for k, kind in gone.items():
        counts[kind] = counts.get(kind, 0) + len(lines[k]) + 1
    return Cut(re.sub(r"\n(?:[ \t\r]*\n){2,}", "\n\n", kept).strip("\r\n"), counts)


def _cut_quotes(lines: list[str], gone: dict[int, str]) -> int:
    """Mark quoted lines; returns where the reply that ends the mail begins."""
    content = False
    for k, (line, in_code) in enumerate(zip(lines, fenced(lines), strict=True)):
        if not line.strip():
            continue
        if in_code:
            content = True
            continue
        if _QUOTED.match(line):
            gone[k] = QUOTE
            continue
        if content and (_ORIGINAL.match(line) or _begins_reply(lines, k)):
            for j in range(_without_separators(lines, k), len(lines)):
                gone[j] = QUOTE
            return k
        quoted_after = _attribution(lines, k)
        if quoted_after:
            for j in range(k, quoted_after):
                gone[j] = QUOTE
            continue
        content = content or k not in gone
    return len(lines)


def _begins_reply(lines: list[str], k: int) -> bool:
    """Whether the mail that was answered begins here and runs to the end: headers, or a dated attribution."""
    if _FROM.match(lines[k]) and (k == 0 or not lines[k - 1].strip() or _SEPARATOR.match(lines[k - 1])):
        block = lines[k + 1 : _block_end(lines, k)]
        known = [bool(_HEADER.match(line)) for line in block]
        if (
            len(block) <= 12
            and sum(known) >= 2
            and all(is_known or _CONTINUED.match(line) for is_known, line in zip(known, block, strict=True))
        ):
            return True
    for span in (1, 2):
        joined = _introduction(lines, k, span)
        if joined and _ATTRIBUTION.match(joined) and _DATED.search(joined):
            after = _next_content(lines, k + span)
            return after < len(lines) and not _QUOTED.match(lines[after])
    return False


def _attribution(lines: list[str], k: int) -> int:
    """Where the attribution at `k` ends (`X wrote:`, on one line or two), if quoted lines follow it; else 0."""
    for span in (1, 2):
        joined = _introduction(lines, k, span)
        if joined and (_ATTRIBUTION.match(joined) or (span == 1 and _NAMED.match(joined))):
            after = _next_content(lines, k + span)
            return k + span if after < len(lines) and _QUOTED.match(lines[after]) else 0
    return 0


def _introduction(lines: list[str], k: int, span: int) -> str:
    """`span` lines as one if they end on a colon, as what introduces a quote does; else nothing."""
    if k + span > len(lines) or not lines[k + span - 1].rstrip().endswith(":") or not lines[k].strip():
        return ""
    joined = " ".join(lines[k : k + span])
    return joined if len(joined) <= 500 else ""


def _block_end(lines: list[str], k: int) -> int:
    """Where the lines with content that begin at `k` end."""
    while k < len(lines) and lines[k].strip():
        k += 1
    return k


def _next_content(lines: list[str], k: int) -> int:
    while k < len(lines) and not lines[k].strip():
        k += 1
    return k


def _without_separators(lines: list[str], k: int) -> int:
    """`k`, or the first of the rules drawn right above it."""
    while k > 0 and (_SEPARATOR.match(lines[k - 1]) or not lines[k - 1].strip()):
        k -= 1
    return k


def _cut_disclaimers(lines: list[str], tail: list[int], gone: dict[int, str]) -> list[int]:
    """Mark closing paragraphs that are disclaimers; returns the lines left."""
    while True:
        last = len(tail)
        while last and (not lines[tail[last - 1]].strip() or _SEPARATOR.match(lines[tail[last - 1]])):
            last -= 1
        first = last
        while first and lines[tail[first - 1]].strip():
            first -= 1
        begin = _notice(lines, tail[first:last])
        if begin < 0:
            return tail
        begin += first
        while begin and _SEPARATOR.match(lines[tail[begin - 1]]):
            begin -= 1
        gone.update(dict.fromkeys(tail[begin:], DISCLAIMER))
        tail = tail[:begin]


def _notice(lines: list[str], paragraph: list[int]) -> int:
    """Where, in a paragraph, the notice begins that runs to its end: three signs or more; -1 where there is none."""
    whole = " ".join(lines[k] for k in paragraph).lower()
    if len(whole) < 80 or not any(word in whole for word in _SUSPECT):
        return -1
    found: set[int] = set()
    begin = size = 0
    for begin in range(len(paragraph) - 1, -1, -1):
        line = lines[paragraph[begin]]
        size += len(line)
        found |= {k for k, sign in enumerate(_CONFIDENCE) if sign.search(line)}
        if len(found) >= 3 and size >= 80:
            break
    else:
        return -1
    while begin and any(sign.search(lines[paragraph[begin - 1]]) for sign in _CONFIDENCE[:3]):
        begin -= 1
    return begin


def _cut_signature(lines: list[str], tail: list[int], gone: dict[int, str]) -> list[int]:
    """Mark the signature at the end of what is left; returns the lines left."""
    content = [k for k, line in enumerate(tail) if lines[line].strip()]
    begin = len(tail)
    while content and _DEVICE.match(lines[tail[content[-1]]].rstrip()):
        begin = content.pop()
    for seen, k in enumerate(reversed(content)):
        line = lines[tail[k]].rstrip("\r")
        below = [lines[tail[j]].strip() for j in content[len(content) - seen :]]
        if seen > _LINES or sum(map(len, below)) > _LONGEST:
            break
        if _DELIMITER.match(line) or (
            _SIGN_OFF.match(line) and below and _is_name(below[0]) and not any(map(_is_sentence, below))
        ):
            begin = k
            break
    gone.update(dict.fromkeys(tail[begin:], SIGNATURE))
    return tail[:begin]


def _is_name(line: str) -> bool:
    """Whether a line may be a name: a few words, all with a capital but for the like of `van der`."""
    words = line.rstrip(".,").split()
    return (
        0 < len(words) <= 5
        and len(line) <= 60
        and all(word[0].isupper() or word in _PARTICLES for word in words)
        and line[-1] not in "?!:"
    )


def _is_sentence(line: str) -> bool:
    """Whether a line is more than a name, a title, a number or an address."""
    return len(line) > _WIDTH or (line.endswith(("?", "!")) or (line.endswith(".") and len(line.split()) > 4))
