"""Street addresses, and postal codes where something says that they are. Addresses have no check digit: less certain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .pii_numbers import Span

#: Words after which, or in which, an address is looked for: (word, digit before it, digit behind it).
STREETS_AFTER_NUMBER = (
    "street", "avenue", "road", "boulevard", "lane", "drive", "court", "square", "terrace", "crescent", "parkway", "highway", "mews",
    "circle", "trail", "close", "gardens", "grove", "place", "way", "st", "ave", "rd", "blvd", "ln", "dr", "ct", "pl", "pkwy", "hwy", "cir", "ter",
)  # fmt: skip
STREETS_BEFORE_NUMBER = ("straße", "strasse", "str.", "weg", "platz", "allee", "gasse", "damm", "ufer", "straat", "laan", "plein", "gade", "vägen", "gatan", "katu", "vej", "stræde", "veien", "vegen", "kuja", "stigen", "gränd", "utca", "útja")  # fmt: skip
STREETS_FIRST = ("rue ", "boulevard ", "impasse ", "chemin ", "quai ", "calle ", "avenida ", "plaza ", "via ", "piazza ", "viale ", "rua ", "ulica ", "ul. ", "av. ", "avda. ")  # fmt: skip
BOXES = ("p.o. box", "po box", "postfach", "p o box", "apo ", "fpo ", "dpo ")
CODES = ("zip", "postal code", "postcode", "post code", "postleitzahl", "plz", "code postal", "código postal", "psc ")
UNITS = ("apt", "apartment", "suite", "ste.", "flat")
LOCATED = (
    "address:", "address is", "address to", 'address"', "address1", "lives at", "live at", "living at", "located at", "ship to", "ship it to", "shipped to", "deliver to",
    "delivered to", "reside at", "resides at", "residing at", "wohnhaft in", "wohne in", "wohnt in", "anschrift", "adresse", "dirección", "direccion", "indirizzo",
    "endereço", "adres:", "adres is", "address line", "return to", "taxi to", "meet me at",
)  # fmt: skip

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĞĠĢĦĪĬĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŴŶŸŹŻŽȘȚА-ЯЁІЇЄΑ-ΩΆΈΉΊΌΎΏ"
_UNIT = r"(?:,?\s+(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Room|Rm|Floor|Fl|Bldg)\.?[ ]?#?|#)\d\w{0,5})?"
_STATES = "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR|GU|AA|AE|AP"
_US_TAIL = rf",?\s+(?:[{_UPPER}][\w'.\-]+[ ]?){{1,4}},?\s+(?:{_STATES})(?:\s+\d{{5}}(?:-\d{{4}})?)?"
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2}(?!\w)"
_UK_TAIL = rf",?\s+(?:[{_UPPER}][\w'.\-]+,?[ ]?){{1,4}},?\s+{_UK_CODE}"
_US = re.compile(
    rf"(?<![\w.,$£€#:/\-])\d{{1,6}}(?:[A-Za-z]|-\d{{1,4}}|[ ]?1/2)?,?[ ](?:[NSEW]{{1,2}}\.?[ ])?(?:\d{{1,3}}(?:st|nd|rd|th)|[{_UPPER}][\w'’.\-]*)[ ](?:(?:[{_UPPER}][\w'’.\-]*|of|the|de|la)[ ]){{0,4}}?"
    r"(?:Street|Avenue|Road|Boulevard|Lane|Drive|Court|Square|Terrace|Crescent|Parkway|Highway|Mews|Circle|Trail|Close|Gardens|Grove|Place|Way|STREET|AVENUE|ROAD"
    r"|St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Pkwy|Hwy|Cir|Ter|ST|AVE|RD|BLVD|LN|DR)\b\.?(?:[ ](?:[NSEW]{1,2})\b)?"
    + _UNIT
    + rf"(?:{_UK_TAIL}|{_US_TAIL})?"
)
_DE = re.compile(
    rf"(?<!\w)(?:[{_UPPER}][\w.\-]*[ -]){{0,3}}(?:[{_UPPER}][^\W\d]*(?:straße|strasse|str\.|weg|platz|allee|gasse|damm|ufer|straat|laan|plein|(?<!Bri)gade|vägen|gatan|katu|vej|stræde|veien|vegen|kuja|stigen|gränd)"
    rf"|(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Damm|Ufer)|[{_UPPER}][^\W\d]+ (?:utca|útja))[ ]?\d{{1,4}}[ ]?[a-zA-Z]?(?:[ ]?[-/][ ]?\d{{1,4}})?(?![\w])(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:[ ][A-Z]{{2}})?[ ][{_UPPER}][\w\-]+)?"
)
_FR = re.compile(
    rf"(?<![\w.,])(?:\d{{1,4}}(?:[ ]?(?:bis|ter))?,?[ ](?:rue|boulevard|impasse|chemin|quai|avenue|Rue|Boulevard|Avenue)[ ](?:(?:de|du|des|la|le|les|l'|d')[ ]?)*[{_UPPER}][\w'’\-]+(?:[ ][{_UPPER}][\w'’\-]+){{0,3}}"
    rf"(?:,?\s+\d{{5}}[ ][{_UPPER}][\w\-]+)?|(?:[Cc]alle|[Aa]venida|[Pp]laza|[Vv]ia|[Pp]iazza|[Vv]iale|[Rr]ua|[Uu]lica|[Uu]l\.|[Aa]v\.|[Aa]vda\.)[ ](?:(?:de|del|la|las|los|di|della|dei|da|do|das|dos)[ ])*[{_UPPER}](?=[\w'’.\-]*[a-zß-ÿ])[\w'’.\-]+(?:[ ](?:de|del|di|da)?[ ]?[{_UPPER}][\w'’\-]+){{0,3}},?[ ](?:n[°º.][ ]?)?\d{{1,4}}[a-zA-Z]?(?:[/\-]\d{{1,4}})?(?!\w)"
    rf"(?:,?\s+\d{{2}}-?\d{{3}}[ ][{_UPPER}][\w\-]+)?)"
)
_BOX = re.compile(rf"(?i:P\.?\s?O\.?\s?Box|Postfach)[ ]#?\d{{1,6}}(?:[ ]\d{{1,4}})?(?!\w)(?:{_US_TAIL})?")
#: Mail to soldiers and diplomats of the United States: Unit 2050 Box 4190, APO AP 96278.
_MILITARY = re.compile(
    r"(?:(?:PSC|CMR|UNIT)[ ]\d{1,5},?[ ]BOX[ ]\d{1,5}(?:,[ ]?|\s{1,4}))?(?:APO|FPO|DPO),?[ ](?:AA|AE|AP)[ ]\d{5}(?:-\d{4})?(?!\w)",
    re.I,
)
_CODE = re.compile(
    r"(?:[ _]?codes?)?[\s\"'*_]{0,3}(?:[:=#]|is|are)?[\s\"'*_]{0,3}((?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}|[A-Z]\d[A-Z][ ]?\d[A-Z]\d|\d{2}-\d{3}|\d{4}[ ]?[A-Z]{2}|\d{3}-\d{4}|\d{4}))(?![\w\-]|[.,]\d)",
    re.I,
)


_ANY_STATE = f"(?:{_STATES})"
_ZIP = re.compile(
    rf"(?:(?<![\w.,$£€#:/\-])\d{{1,6}}[A-Za-z]?[ ](?:[NSEW][.]?[ ])?[{_UPPER}][^\n;|:\"<>]{{2,60}}?,?[\s]{{1,4}}|\b[{_UPPER}][\w'.\-]*(?:[ ][{_UPPER}][\w'.\-]*){{0,3}}?,?[ ])(?:(?<=, )ID|(?!ID){_ANY_STATE})[ ]\d{{5}}(?:-\d{{4}})?(?![\w\-])"
)
_UK_ALONE = re.compile(
    r"(?<!\w)(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|M[EKL]?|N[EGNPRW]?"
    r"|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE)\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2}(?!\w)"
)

_NO_STREET = re.compile(
    r"(?:1[5-9]|20)\d\d, |\d+[ ](?:[A-Z][\w.]*[ ]){0,3}(?:Supreme|Superior|District|High|Federal|Appeals|County|Circuit|Crown|Google|Hard|Disk|Flash|USB)[ ](?:Court|Drive)"
)
#: The same as people type it, without capitals; words that stand in sentences are no names of streets.
_US_LOWER = re.compile(
    r"(?<![\w.,$£€#:/\-])\d{1,5}[ ](?:[nsew]\.?[ ])?(?:(?!(?:a|an|and|are|as|at|by|down|for|from|in|is|it|its|my|of|off|on|or|our|out|people|men|women|per|than|that|the|their|"
    r"this|to|times|up|was|were|with|your|st|nd|rd|th|minutes?|hours?|days?|miles?|km|feet|ft|cars?|lanes?|way|more|other|new|old|different|long)[ ])[a-z'’]{2,}[ ]){1,3}"
    r"(?:street|avenue|road|boulevard|st|ave|rd|blvd|ln)\b\.?(?![\w])"
)
#: Lines of an address written in lines, as on an envelope; they may be quoted, as in a reply to a mail.
_LEAD = r"[ \t>|?*]{0,6}"
_STREET_LINE = re.compile(
    rf"(?:^|\n){_LEAD}(?P<street>(?=[^\n]{{0,50}}\d)(?=[^\n]*[^\W\d_]{{2}})[^\W_][^\n:;=!?\"()<>{{}}]{{3,60}}?),?[ \t]*\r?\n{_LEAD}\Z"
)
_TOWN_LINES = re.compile(
    rf"(?:[ ]?[A-Za-z])?,?[ \t]*(?:\r?\n{_LEAD},?[ ]?(?:[^\W\d_]|\d{{3,6}}[ ])[^\n:;=!?\"()<>{{}}.]{{1,36}}?[ \t]*(?=\r?\n|\Z)(?:\r?\n[ \t]*(?=\r?\n))?){{0,3}}?"
    rf"\r?\n{_LEAD},?[ ]?(?P<code>(?:[^\W\d_][^\n\d:;=!?\"()<>{{}}]{{0,36}}[ ])?(?:[A-Z]{{1,2}}-)?\d{{3,6}}(?:[- ]\d{{3,4}})?(?:[ ][A-Z]{{2}})?)(?![^\s,.>])"
)
#: A line of two to four capitalised words above the street: to whom it goes.
_ADDRESSEE = re.compile(
    rf"(?<![^\n]){_LEAD}((?!The\b)[{_UPPER}][^\W\d_A-Z]+(?:[ ](?:[{_UPPER}]\.?|[{_UPPER}][^\W\d_]+)){{1,3}})[ ]?(?:\r?\n[ \t]*)?\r?\n{_LEAD}\Z"
)
_LINE_END = re.compile(r"[ \t,]*(?:\r?\n|\Z)")
_UNIT_ALONE = re.compile(r"(?:Apt|Apartment|Suite|Ste|Flat)\.?[ ]?#?(?:No\.?[ ]?)?\d{1,5}[A-Za-z]?(?![\w])", re.I)
#: Words that begin a sentence behind "St." and the like.
_BEGINS = r"(?:The|This|That|These|There|Then|It|Its|He|She|They|We|You|I|My|His|Her|Our|Your|If|In|On|At|And|But|Can|Could|Please|What|Who|How|When|Is|Do|No|Yes|So|To|For)\b"
#: What follows words like "lives at" on the same line, with a number of at most six digits and a name among its words.
_BEHIND = re.compile(
    rf"[\s:\"'*=]{{1,6}}(?P<place>(?!(?:Chapter|Zone|Step|Section|Figure|Table|Page|Line|Version|Level|Part|Phase|Type|Class|Port|Day|Week|Year|Question|Option|Case|Exercise|Episode|Season|Slide|Appendix)\b)(?=[^\n\"]{{0,40}}(?<![\w.,$])\d{{1,6}}[A-Za-z]?(?![\w%]|[.,]\d))(?=[^\n\"]{{0,40}}(?<!\w)[{_UPPER}][^\W\d_]{{2}})"
    rf"(?:\d{{1,6}}|[{_UPPER}])[\w'’./#\-]*(?:,?(?<![^\W\d_]{{5}}\.)(?<!\d\.)(?:(?<!\.)|(?![ ]{_BEGINS}))[ ](?:\d|[{_UPPER}(#]|(?:de|del|la|of|du|des|di|da|do|van|den|st|apt|u)[ .])[\w'’./#\-()]*){{1,10}})"
)


def _inside(pattern: re.Pattern[str], window: str, at: int, to: int, certain: int) -> Iterator[Span]:
    """What matches around the word at `at`."""
    for match in pattern.finditer(window, max(0, at - 60)):
        if match.start() > at:
            return
        if match.end() >= to:
            yield *match.span(), "address", certain
            return


def numbered(window: str, at: int, to: int) -> Iterator[Span]:
    """12 Long Street, Springfield, IL 62701."""
    if window[at - 1 : at] == " " and (window[at].isupper()):
        yield from (span for span in _inside(_US, window, at, to, 70) if not _NO_STREET.match(window, span[0]))
    elif window[at - 1 : at] == " ":
        yield from _inside(_US_LOWER, window, at, to, 55)


def compound(window: str, at: int, to: int) -> Iterator[Span]:
    """Lange Straße 12, 10115 Berlin."""
    yield from _inside(_DE, window, at, to, 70)


def romance(window: str, at: int, to: int) -> Iterator[Span]:
    """12 rue de la Paix; Calle Mayor 12; Via Roma 12."""
    yield from _inside(_FR, window, at, to - 1, 65)


def boxes(window: str, at: int, to: int) -> Iterator[Span]:
    """P.O. Box 1234."""
    match = _BOX.match(window, at) or next(
        (m for m in _MILITARY.finditer(window, max(0, at - 30)) if m.end() > to), None
    )
    if match:
        yield *match.span(), "address", 75


def postal(window: str, at: int, to: int) -> Iterator[Span]:
    """Postal codes behind words that say so."""
    match = _CODE.match(window, to)
    if match:
        yield *match.span(1), "address", 60


def coded(window: str, at: int, to: int) -> Iterator[Span]:
    """Springfield, IL 62701 with what stands before it; and British postcodes, SW1A 1AA."""
    for match in _ZIP.finditer(window, max(0, at - 90)):
        if match.end() >= to > match.start():
            yield *match.span(), "address", 72 if match.group()[0].isdigit() else 65
            return
        if match.start() > at:
            break
    match_ = _UK_ALONE.match(window, at)
    if match_:
        yield *match_.span(), "address", 62


def units(window: str, at: int, to: int) -> Iterator[Span]:
    """Apt. 12, Suite 300: parts of addresses. On a line of their own: with the street above and the town below."""
    match = _UNIT_ALONE.match(window, at)
    if not match:
        return
    yield *match.span(), "address", 55
    street = _STREET_LINE.search(window, max(0, at - 80), at)
    if street and _LINE_END.match(window, match.end()):
        town = _TOWN_LINES.match(window, match.end())
        start = street.start("street")
        yield start, town.end("code") if town else match.end(), "address", 72
        above = _ADDRESSEE.search(window, max(0, start - 60), start)
        if above:
            yield *above.span(1), "person", 60


def located(window: str, at: int, to: int) -> Iterator[Span]:
    """What stands behind `lives at` and the like, where it holds a number and a name."""
    match = _BEHIND.match(window, to)
    if match:
        yield match.start("place"), match.start("place") + len(match["place"].rstrip(".-/")), "address", 58
