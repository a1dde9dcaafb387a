"""Names where the words around say that one stands there, and dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .pii_numbers import Span

#: Before a date of birth; whether they say so by themselves.
BIRTH = (
    "born", "dob", "d.o.b", "date of birth", "date_of_birth", "dateofbirth", "birth date", "birth_date", "birthdate", "birthday", "geboren", "geb.",
    "geburtsdatum", "geburtstag", "né le", "née le", "né(e) le", "date de naissance", "fecha de nacimiento", "nacido", "nacida",
    "nací", "data di nascita", "nato il", "nata il", "data de nascimento", "nascido", "nascida", "geboortedatum", "urodzon", "data urodzenia",
    "född", "født", "syntynyt", "дата рождения", "родился", "родилась", "生年月日", "出生日期", "생년월일",
)  # fmt: skip
#: Before a name.
NAMED = (
    "my name is", "my name's", "my full name is", "name is", "mein name ist", "ich heiße", "ich heisse", "je m'appelle", "je m’appelle", "mon nom est", "me llamo",
    "mi nombre es", "mi chiamo", "il mio nome è", "meu nome é", "me chamo", "mijn naam is", "ik heet", "nazywam się", "jag heter", "меня зовут",
    "this is",
)  # fmt: skip
#: Labels of forms, in front of a name.
LABELS = (
    "first name", "first_name", "firstname", "last name", "last_name", "lastname", "full name", "full_name", "fullname", "customer name", "customer_name",
    "customername", "surname", "given name", "given_name", "family name", "family_name", "contact name", "contact_name", "patient name", "patient_name",
    "employee name", "employee_name", "account holder", "account_holder", "cardholder", "cardholder name", "name on card", "passenger name", "vorname",
    "nachname", "prénom", "apellido", "apellidos", "cognome", "sobrenome", "achternaam", "voornaam", "name:",
)  # fmt: skip
TITLES = ("mr.", "mrs.", "ms.", "mr ", "mrs ", "ms ", "dr. ", "prof. ", "herr ", "frau ", "señor ", "señora ", "monsieur ", "madame ", "signor ", "signora ", "mme ")  # fmt: skip
GREETED = (
    "dear ", "hi ", "hello ", "hey ", "good morning ", "good afternoon ", "liebe ", "lieber ", "hallo ", "bonjour ", "cher ", "chère ", "hola ", "querida ",
    "querido ", "estimado ", "estimada ", "ciao ", "caro ", "cara ", "beste ", "olá ", "prezado ", "prezada ",
)  # fmt: skip
SIGNED = (
    "regards", "sincerely", "cheers", "yours truly", "best wishes", "many thanks", "grüße", "grüßen", "grüsse", "gruß", "cordialement", "saludos", "saluti", "atentamente",
    "groeten", "yours faithfully", "respectfully", "warmly", "thank you,", "thanks,", "best,", "love,", "pozdrawiam",
)  # fmt: skip

#: Lines of a mail's head, in front of a name.
HEADERS = ("from:", "von:", "de:", "da:", "van:", "to:", "an:", "cc:", "bcc:", "reply-to:", "para:", "aan:")

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĖĘĚĞĠĢĦĪĬĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŴŶŸŹŻŽȘȚА-ЯЁІЇЄΑ-Ω"
_WORD = rf"[{_UPPER}](?:[^\W\d_]|['’\-](?=[^\W\d_]))*"
_NAME = rf"{_WORD}(?:[ \u00a0](?:[{_UPPER}]\.|(?:van|von|der|den|de|del|della|di|da|dos|du|la|le|el|al|bin|ibn|ter|ten|af|y)(?=[ \u00a0])|{_WORD})){{0,4}}"
_AFTER_NAMED = re.compile(rf"[\s:*\"“]{{1,4}}({_NAME})(?![\w])")
_AFTER_LABEL = re.compile(rf"[ \t\"'*_`:=|]{{1,8}}({_NAME})(?=[\"'*_`,;.|)\s]|$)")
_AFTER_THIS = re.compile(rf"[ ]({_NAME})(?=\s*(?:,|from\b|calling\b|speaking\b|here\b))")
_AFTER_TITLE = re.compile(rf"[ .\u00a0]{{0,2}}({_NAME})")
_AFTER_GREETED = re.compile(
    rf"(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Sr|Sra|M|Mme)\.?\s+)?({_NAME})(?=\s*(?:[,!:]|[-–—]|\n|$))"
)
_AFTER_SIGNED = re.compile(
    rf"[,.!]?[ \t]*(?:\r?\n[ \t]*){{1,3}}[-–—*_]{{0,2}}[ ]?({_NAME})[*_]{{0,2}}[ \t.]*(?=,|\r?\n|$|\()"
)
#: a name that an address, an empty line, or the rest of a mail's head follows: `From: New York` of a trip is no name
_AFTER_HEADER = re.compile(
    rf"[*_]{{0,2}}[ \t]{{0,3}}[\"']?({_NAME})[\"']?[ \t]*(?:(<|\[mailto)|\r?\n[ \t]*\r?\n|(?:\r?\n[*_]{{0,2}}[A-Z][A-Za-z\-]{{1,11}}[*_]{{0,2}}:[^\n]*)"
    r"{0,3}\r?\n[*_]{0,2}(?:Subject|Betreff|Sent|Gesendet|Objet|Oggetto|Asunto|Assunto|Onderwerp)\b)"
)
_NOBODY_LINE = """
    sir madam sirs customer customers all team everyone everybody there hiring manager mom mum dad diary friend
    friends valued colleague colleagues sirmadam recruiter editor professor doctor teacher student students user
    users god lord santa parent parents members member world guys folks ladies gentlemen committee reader
    readers captain love darling honey sweetheart subscriber client clients support president miss mister
    neighbor neighbour employee employees staff whom it this that the a an not my i you we they he she what how
    please thanks thank yes no is are was so just very really name title your company position contact job
    department damen herren zusammen alle madame monsieur tous toutes todos señor señora assistant ai chatgpt
    insert best here also only today and but if when where why who unknown undefined none null
"""
_NOBODY = frozenset(_NOBODY_LINE.split())
_MONTH = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|fev(?:ereiro)?|février|mar(?:ch|s|zo|ço)?|märz|maerz|apr(?:il|ile)?|avril|abr(?:il)?|may|mai|mayo|maggio|maio|mei|june?|juni|juin|junio|"
    "giugno|junho|july?|juli|juillet|julio|luglio|julho|aug(?:ust)?|août|agosto|sep(?:t|tember|tembre|tiembre)?|settembre|setembro|oct(?:ober|obre|ubre)?|okt(?:ober)?|ottobre|outubro|nov(?:ember|embre|iembre|embro)?|"
    "dec(?:ember)?|dez(?:ember|embro)?|déc(?:embre)?|dic(?:iembre|embre)?|gennaio|febbraio|janeiro|enero|febrero|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia"
)
_DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?[ \-]*(?:of |de |do )?(?:{_MONTH})\.?,?[ \-]*(?:de |do )?(?:19|20)?\d\d"
    rf"|(?:{_MONTH})\.?[ \-]\d{{1,2}}(?:st|nd|rd|th)?,?[ \-]*(?:19|20)\d\d"
    r"|(?:19|20)\d\d[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}\. ?\d{1,2}\. ?(?:19|20)?\d\d|\d{1,2}[-/]\d{1,2}[-/](?:19|20)?\d\d"
    r"|(?:19|20)\d\d ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]?)"
)
_AFTER_BIRTH = re.compile(
    rf"[^\d\n]{{0,28}}?(?<![\w/.\-])(?:\n[ \t]*)?({_DATE})(?![\w/\-])|[^\n]{{0,6}}\n?[ \t]*({_DATE})(?![\w/\-])", re.I
)


def births(window: str, at: int, to: int) -> Iterator[Span]:
    """Whole dates behind words of birth; a year alone is none, and bornite is a stone."""
    if window[to : to + 1].isalpha() and window[at:to].lower() == "born":
        return
    match = _AFTER_BIRTH.match(window, to)
    if match:
        which = 1 if match.group(1) else 2
        said = window[at:to].lower()
        yield *match.span(which), "date_of_birth", 80 if said.startswith(("born", "birthday", "geburtstag")) else 92


def _name(match: re.Match[str] | None, certain: int) -> Iterator[Span]:
    if match is None:
        return
    start, end = match.span(1)
    words = match.group(1).replace("\u00a0", " ").split(" ")
    if words[0].lower().strip("'’-") in _NOBODY or (len(words) == 1 and len(words[0]) < 2):
        return
    if any(word.lower() in _NOBODY for word in words):
        return
    if words[-1][-2:] in ("'s", "’s"):
        end -= 2
    yield start, end, "person", certain


def named(window: str, at: int, to: int) -> Iterator[Span]:
    """Names behind `my name is` and the like."""
    said = window[at:to].lower()
    if said == "this is":
        yield from _name(_AFTER_THIS.match(window, to), 60)
    else:
        yield from _name(_AFTER_NAMED.match(window, to), 60 if said == "name is" else 80)


def labelled(window: str, at: int, to: int) -> Iterator[Span]:
    """Names behind labels of forms: `First name: Ada`. Behind `Name:` alone, which things have too, at a line's start."""
    match = _AFTER_LABEL.match(window, to)
    if match is None:
        return
    if window[at:to].lower() != "name:":
        if re.search("[:=|]", window[to : match.start(1)]):
            yield from _name(match, 70)
    elif window[at - 2 : at] == "- " and window[at].islower():
        return  # a list of steps in YAML
    elif match.group(1).count(" ") in (1, 2, 3) and not window[:at].rstrip(" \t*_>-\"'\x1e")[-1:].strip("\n\r"):
        yield from _name(match, 55)


def headed(window: str, at: int, to: int) -> Iterator[Span]:
    """Names in a mail's head: `From: Ada Byron` at a line's start; one word alone only before an address."""
    if window[:at].rstrip(" \t*_>\"'\x1e")[-1:].strip("\n\r"):
        return
    match = _AFTER_HEADER.match(window, to)
    if match and (match.group(2) or match.group(1).count(" ") in (1, 2, 3)):
        yield from _name(match, 60)


def titled(window: str, at: int, to: int) -> Iterator[Span]:
    """Names behind Mr., Frau and the like."""
    if window[at].isupper() and (window[at + 1].islower() or window[at + 1] == "R"):
        yield from _name(_AFTER_TITLE.match(window, to), 70)


def greeted(window: str, at: int, to: int) -> Iterator[Span]:
    """Names in greetings that begin a line: `Dear Anna,`."""
    if window[at].isupper() and not window[:at].rstrip(" \t*_>\"'“").strip("\x1e")[-1:].strip("\n\r,.!?:"):
        yield from _name(_AFTER_GREETED.match(window, to), 60)


def signed(window: str, at: int, to: int) -> Iterator[Span]:
    """Names on the line after `Regards,` and the like."""
    match = _AFTER_SIGNED.match(window, to)
    if match and match.group(1).count(" ") < 3:
        yield from _name(match, 60)
