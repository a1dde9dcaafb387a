"""Phone numbers: by their shape where that says enough, by the words around them where it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tamis.core.errors import UsageError

from .pii_numbers import Span

#: Words that say a phone number follows: labels anywhere before it, verbs with only a few plain words between.
_SAID = re.compile(
    r"""\b(?:(?:tele|cell)?phone(?:[ _]?(?:number|no|nr|home|work|cell|mobile))?s?|tel[ée]?|mob(?:ile|il)?|cell(?:ular)?|fax|whats ?app|hotline|helpline|pager|landline|ph
    |telefon\w*|tlf|tfn|handy\w*|mobil(?!i[tsz])\w*|rufnummer\w*|durchwahl|t[ée]l[ée]phone\w*|portable\s?:|t[ée]l[ée]fono|tel[ée]fonos?|m[óo]vil|celular|cellulare|telefone\w*
    |telem[óo]vel|telefoon\w*|gsm|puhelin\w*|kom[óo]rk\w*|тел|телефон\w*|моб\w*)(?![\w])
    |電話|电话|手机|手機|携帯|전화|연락처|휴대폰|☎|📞|📱
    |\b(?:desk|direct|contact|numer|office|home|work|emergency|sms|call|text)\s?:\s*$
    |\b(?:(?:call|reach|contact|text|messag|answer|ring|dial|sms|direct)(?:e[ds]?|s|ing|ly)?(?!\w)|(?:anruf|ruf|appel|llam|llám|chiam|ligu|dzwo|bel)\w*)\b
    (?:[^\d.;:(\n]{0,30}\b(?:at|on|to|from|via|under|number|is|line|me|us|am|au|al|el|pod|op)\b[^\d.;(\n]{0,14}|\s+)[:\s]*$""",
    re.I | re.X,
)
_SAID_AFTER = re.compile(
    r"^[\s,\-(:]{0,3}(?:is my|is the best|office|fax|mobile|cell|home|work|phone|desk|direct|tel\b|ext\b|whatsapp|\(?[mcwhof]\)(?!\w))",
    re.I,
)
#: What stands in every text in which `_SAID` finds something, as far as it is ASCII.
TELLING = (
    "phone", "tel", "mob", "cell", "fax", "whats", "hotline", "helpline", "pager", "landline", "ph", "tlf", "tfn", "handy", "rufnummer", "durchwahl",
    "portable", "movil", "celular", "gsm", "puhelin", "komork", "desk", "direct", "contact", "numer", "office", "home", "work", "emergency", "sms", "call",
    "text", "reach", "messag", "answer", "ring", "dial", "anruf", "ruf", "appel", "llam", "chiam", "ligu", "dzwo", "bel",
)  # fmt: skip
_OTHER = re.compile(
    r"""(?:\b(?:orders?|invoices?|tickets?|cases?|ref(?:erence|s)?|tracking|acc(?:oun)?t|isbn\S*|issn|sku|upc|ean|gtin|id|ids|identifier|serial|part|model|version
    |build|po|p\.o\.|doi|pmid|arxiv|zip|flight|policy|claim|confirmation|transaction|receipt|license|licence|passport|vin|imei|batch|lot|item|product|article
    |customer|member|employee|student|patient|booking|reservation|post|thread|bug|issue|commit|timestamp|seed|port|pin|code|otp|asin|uuid|guid|hash|nr\.?\s?art|artikel\w*
    |bestell\w*|rechnung\w*|kunden\w*|auftrag\w*|vorgang\w*|sendung\w*|commande|facture|dossier|pedido|factura|ordine|fattura|zam[óo]wieni\w*|faktur\w*|ssn|social security
    |iban|konto\w*|steuer\w*|routing|sort code|swift|bic|vat|tax)
    [\s_]*(?:number|numbers|num|no|nr|n[°º]|id|code|ref)?[\s.:=#_"'()\-]*(?:is|was|of|=|:)?[\s"'#]*|[$€£¥₹§]\s?|\#\s?)$""",
    re.I | re.X,
)
_DATE = re.compile(
    r"(?:1[4-9]|2[01])\d\d([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?:0?[1-9]|[12]\d|3[01])([-./ ])(?:0?[1-9]|[12]\d|3[01])\2(?:1[4-9]|2[01])\d\d(?!\d)"
    r"|(?:19|20)\d\d\s?[-/ ]\s?(?:19|20)\d\d(?!\d)|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{6})?(?![\d\-])"
)
_EXTENSION = re.compile(
    r"(?:[ ]{0,2}(?:,[ ]?)?(?:x|ext\.?|extension|durchwahl|poste|toestel|int\.)[ .:]{0,2}\d{1,6})(?!\w)", re.I
)
_UNIT = re.compile(
    r"[%°‰]|\s?(?:[€£¥₹]|usd\b|eur\b|gbp\b|dollars?\b|euros?\b|people\b|bytes\b|times\b|km\b|kg\b|years?\b|votes\b|views\b|ms\b|hz\b)|,\d{1,3}(?!\d)|:\d|[_@]",
    re.I,
)
#: What stands between the groups of one number.
_GAPS = frozenset((" ", ")  ", "-", ".", "/", ") ", ")", ")-", " - ", "-(", " (", "(", ").", ")/", "- ", " / "))
#: Parts of one number: two spaces or a tab part two numbers.
_DIGITS, _BETWEEN = re.compile(r"\d+"), re.compile(r"\D+")
_PART = re.compile(r"\d(?:(?:\)[ ]{2}|[^\d\s]{0,2}[ ]?[^\d\s]{0,2})\d)*")
_NANP = re.compile(r"(?<!\d)(?:1[-. ])?[2-9]\d{2}(?:\) ?|[-. /])[2-9]\d{2}[-. ]\d{4}(?!\d)")
#: Calling codes, with one, two and three digits.
_CODES = re.compile(
    r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    r"|2[1-69]\d|3[578]\d|42\d|50\d|59\d|6[789]\d|80[08]|85\d|87[0-48]|88\d|96\d|97\d|99\d"
)


def phones(window: str, at: int, to: int, region: str | None = None) -> Iterator[Span]:
    """Phone numbers, the extension included. `region`: see `_valid`."""
    for part in _PART.finditer(window, at, to):
        whole = next(_phone(window, *part.span(), region), None)
        if whole is None or whole[3] < 85:
            inside = [m.span() for m in _NANP.finditer(window, *part.span()) if m.span() != part.span()]
            parts = [span for begin, end in inside for span in _phone(window, begin, end, region) if span[3] >= 85]
            if parts:
                yield from parts
                continue
        if whole is not None:
            yield whole


def _phone(window: str, at: int, to: int, region: str | None) -> Iterator[Span]:
    number = window[at:to]
    start = at
    if window[start - 1 : start] == "(" and ")" in number:
        start -= 1
    plus = window[start - 1 : start] == "+"
    if plus:
        start -= 1
        if window[start - 1 : start] == "(" and ")" in number:
            start -= 1
    before, after = window[max(0, start - 60) : start], window[to : to + 24]
    attached = before[-1:]
    glued = attached in ("-", "/", ".", "_", "@", "~", "^", "*") and before[-2:-1].isalnum()
    glued = glued or (attached in (",", ":") and before[-2:-1].isdigit())
    if glued and not _SAID.search(before[-12:-1]):
        return
    if attached.isalnum() or (after[:1].isalnum() and not _EXTENSION.match(after)) or _UNIT.match(after):
        return
    groups = _DIGITS.findall(number)
    digits = "".join(groups)
    gaps = _BETWEEN.findall(number)
    certain = _shape(number, digits, groups, gaps, plus)
    equal = after[:1] and after[0] in "=*^<"
    if not plus and certain < 90 and equal and (not attached or attached in "<=*$^~"):
        return
    if certain < 85 and (likely := _said_shape(number, digits, groups, gaps)) > certain:
        near = before[-48:] if gaps or len(digits) > 7 else before[-24:]
        if _SAID_AFTER.match(after) or _SAID.search(near):
            certain = likely
    doubtful = region and certain < 90 and len(digits) >= 7 and not _DATE.match(number)
    if doubtful and _valid(window[start:to], str(region)):
        certain = max(certain, 85 if gaps or plus else 55)
    if certain < 50 or (not plus and not (certain >= 80 and attached == "#") and _OTHER.search(before[-40:])):
        return
    extension = _EXTENSION.match(window, to)
    yield start, extension.end() if extension else to, "phone", certain


def _shape(number: str, digits: str, groups: list[str], gaps: list[str], plus: bool) -> int:
    """How much the number alone looks like a phone number, 0..100."""
    size = len(digits)
    if size < 7 or size > 15 or len(set(digits)) < 2:
        return 0
    if plus:
        known = bool(_CODES.match(digits))
        fits = size >= 8 and len(groups) <= 8 and (")" not in "".join(gaps[:1]) or len(groups[0]) < 4)
        return 95 if known and fits else 0
    if _DATE.match(number) or (size > 13 and groups[0][:2] != "00"):
        return 0
    lengths = tuple(map(len, groups))
    if groups[0][:2] == "00" and size >= 10 and len(groups) > 1 and set(gaps) <= _GAPS:
        return 85 if _CODES.match(digits, 2) else 0
    local, between = lengths, gaps
    if len(lengths) == 4 and groups[0] == "1":
        local, between = lengths[1:], gaps[1:]
    if local == (3, 3, 4) and set(gaps) <= _GAPS:
        body = digits[-10:]
        strict = body[0] > "1" and body[3] > "1"
        if between[1] in ("-", ".") or ")" in between[0]:
            return 90 if strict else 75
        return 70 if strict and digits[-3:] != "000" else 0
    if local == (3, 7) and ")" in between[0]:
        return 80
    if between and ")" in between[0] and size >= 8 and set(gaps) <= _GAPS and lengths[0] <= 5:
        return 70
    if local in ((2, 4, 4), (3, 4, 4)) and set(gaps) == {"-"}:
        return 65
    if digits[0] == "0" and digits[1] != "0" and 9 <= size <= 13 and 2 <= len(groups) <= 6 and 2 <= lengths[0] <= 5:
        if set(gaps) == {"."} and (len(groups) == 2 or lengths[0] != 2):
            return 0
        return 75 if min(lengths[1:]) >= 2 and set(gaps) <= _GAPS and "/" not in gaps else 0
    made_up = digits in "01234567890123456789" or len(set(digits)) < 4
    if not gaps and 10 <= size <= 11 and digits[0] == "0" and digits[1] != "0" and not made_up:
        return 55 if digits[1] in "1679" else 52
    return 0


def _said_shape(number: str, digits: str, groups: list[str], gaps: list[str]) -> int:
    """The same where words nearby speak of a phone."""
    if not 7 <= len(digits) <= 15 or len(set(digits)) < 2 or len(groups) > 7 or not set(gaps) <= _GAPS:
        return 0
    if sum(len(group) == 1 for group in groups) > 2 or _DATE.match(number):
        return 0
    if gaps and (len(groups[0]) > 5 or len(groups[-1]) < 2 or (set(gaps) == {"."} and len(gaps) == 1)):
        return 0
    signs = {gap.strip() for gap in gaps}
    slashed = (
        "/" in signs
        and digits[0] != "0"
        and tuple(map(len, groups)) not in ((2, 3, 4), (2, 3, 3), (1, 3, 4), (1, 3, 3))
    )
    if slashed or signs >= {"-", "."}:
        return 0
    if len(gaps) > 1 and set(gaps) == {" "} and all(len(group) == 3 for group in groups[1:]) and digits.endswith("000"):
        return 0
    return 75


@cache
def _library() -> Any:
    try:
        import phonenumbers
    except ImportError:
        raise UsageError(
            "a region's phone numbers are judged by the package phonenumbers, which is not installed",
            hint="pip install 'tamis[privacy]'",
        ) from None
    return phonenumbers


@cache
def check_region(region: str) -> None:
    """UsageError unless `region` is a country whose numbers are known, and the package that knows them is there."""
    library = _library()
    if region not in library.SUPPORTED_REGIONS:
        raise UsageError(
            f"no phone numbers are known of region {region!r}", hint="two letters as in ISO 3166: DE, US, GB"
        )


def _valid(number: str, region: str) -> bool:
    """Whether `number` is one that the region's numbering plan gives out."""
    library = _library()
    try:
        return bool(library.is_valid_number(library.parse(number, region)))
    except library.NumberParseException:
        return False
