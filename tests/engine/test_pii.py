"""engine.pii: what counts as personal data or a secret, and what does not."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.engine import pii_checks as checks
from tamis.engine.pii import KINDS, Found, find
from tamis.engine.pii_rows import code_points
from tamis.engine.text import to_text

HEX40 = "52908400098527886E0F7030069857D2E4169EE7"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\n" * 3 + "-----END RSA PRIVATE KEY-----"


def told(text: str, *kinds: str, **options: Any) -> list[tuple[str, str]]:
    """(kind, text found) of one string."""
    found = find(to_text(pl.Series([text])), kinds or KINDS, **options)
    raw = text.encode()
    spans = zip(found.start.tolist(), found.end.tolist(), found.kind.tolist(), strict=True)
    return [(KINDS[kind], raw[start:end].decode()) for start, end, kind in spans]


#: kind, text; what is found stands between « and ».
FOUND = [
    ("email", "write to «ada.lovelace+x@mail.example.co.uk», please"),
    ("email", "<«ada@example.org»>"),
    ("email", "mailto:«ada@example.org»?subject=x"),
    ("email", "to=«ada@example.org»&cc=b"),
    ("email", "Reach «o'brien@example.ie»."),
    ("email", '{"mail":"a\\n«ada@example.org»"}'),
    ("email", "почта: «иван@пример.рф»!"),
    ("email", "«info@müller-gmbh.de»"),
    ("phone", "+49 (0)30 901820 or «+49 30 901820»"),
    ("phone", "mein Handy: «0171 1234567»"),
    ("phone", "appelez le «06 12 34 56 78»"),
    ("phone", "«01.84.17.61.18»"),
    ("phone", "«(415) 555-2671»"),
    ("phone", "«415.555.2671 x12»"),
    ("phone", "phone «5403926876»"),
    ("phone", "Fax: «(713)  853-3399» and"),
    ("phone", '{"phone_number": "«5403926876»"}'),
    ("phone", "電話 «０３－１２３４－５６７８»"),
    ("phone", "tel «+1\u00a0415\u00a0555\u00a02671»"),
    ("phone", "Call me at «467 3395» tonight"),
    ("phone", "ring «+44 7700 900123» now"),
    ("phone", "dial «00 41 44 668 18 00»"),
    ("phone", "هاتف «+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧»"),
    ("phone", "«0049 30 901820-12» bitte"),
    ("card", "card «4111 1111 1111 1111», exp 12/27"),
    ("card", "«5555-5555-5555-4444»"),
    ("card", "amex «3782 822463 10005»"),
    ("card", '{"number":"«378282246310005»"}'),
    ("card", "«４１１１１１１１１１１１１１１１»"),
    ("card", "the card number is «4111 1111 1111 1112»"),
    ("iban", "auf «DE89 3704 0044 0532 0130 00» bitte"),
    ("iban", "«GB82WEST12345698765432»"),
    ("iban", "from «gb82west12345698765432» to"),
    ("iban", "IBAN:«NO93 8601 1117 947» and more"),
    ("iban", "«FR14 2004 1010 0505 0001 3M02 606» merci"),
    ("iban", "«ＤＥ８９ ３７０４ ００４４ ０５３２ ０１３０ ００»"),
    ("iban", "to «GB٨٢WEST١٢٣٤٥٦٩٨٧٦٥٤٣٢» now"),
    ("ipv4", "from «203.0.113.77» at noon"),
    ("ipv4", "http://«203.0.113.77»:8080/x"),
    ("ipv4", "subnet «10.1.2.0»/24"),
    ("ipv4", "hosts «192.168.7.31»"),
    ("ipv6", "at «2001:db8:85a3::8a2e:370:7334»."),
    ("ipv6", "«2a02:908:1391:9c80:d1a5:6b2:4f1c:1»"),
    ("mac", "eth0 «00:1A:2B:3C:4D:5E» up"),
    ("mac", "«a4-83-e7-12-9f-0c»"),
    ("us_ssn", "SSN «536-22-8712»"),
    ("us_ssn", "her social security number is «536228712»"),
    ("national_id", "NI number «QQ123456C»".replace("QQ", "AB")),
    ("national_id", "«AB 12 34 56 C»"),
    ("national_id", "Steuer-ID: «86 095 742 719»"),
    ("national_id", "DNI «12345678Z»"),
    ("national_id", "NIE «X1234567L»"),
    ("national_id", "C.F. «RSSMRA85T10A562S»"),
    ("national_id", "PESEL «44051401359»"),
    ("national_id", "CPF «529.982.247-25»"),
    ("national_id", "BSN «111222333»"),
    ("national_id", "Aadhaar «2341 2341 2346»"),
    ("national_id", "n° sécu «1 85 05 78 006 084 91»"),
    ("url_credentials", "clone «https://bot:s3cr3tpw@git.example.org/x.git» now"),
    ("url_credentials", "«postgres://app:Tr0ub4dor@db:5432/x»"),
    ("url_credentials", "GET «https://api.example.org/v1?access_token=9f8a7b6c5d4e3f2a»."),
    ("api_key", "key «sk-proj-abcDEF1234567890abcdef12ghIJ» ok"),
    ("api_key", "«ghp_16C7e42F292c6912E7710c838347Ae178B4a»"),
    ("api_key", "aws «AKIAIOSFODNN7EXAMPLE»"),
    ("api_key", "«xoxb-123456789012-abcdefGHIJKL»"),
    ("api_key", "«AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe»"),
    ("api_key", "«glpat-abcdefgh12345678ABCD»"),
    ("api_key", "«hf_abcdefghijklmnopqrstuvwxyzABCDEFGH»"),
    ("api_key", "api_key = '«a8f5f167f44f4964e6c998dee827110c»'"),
    ("api_key", "Authorization: Bearer «9f8A7b6C5d4E3f2A1b0C9d8E»"),
    ("api_key", "my password is «hunter2»"),
    ("api_key", "Passwort: «Sommer2024!»"),
    ("api_key", 'DB_PASSWORD="«Tr0ub4dor&3»"'),
    ("api_key", "aws_secret_access_key=«wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY»"),
    ("api_key", "bot «123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1»"),
    ("jwt", f"token «{JWT}»"),
    ("pem", f"here:\n«{PEM}»\nbye"),
    ("pem", "«" + PEM.replace("\n", "\\n") + "»"),
    ("crypto_address", "send to «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa»"),
    ("crypto_address", "«bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq»"),
    ("crypto_address", f"wallet «0x{HEX40}»"),
    ("date_of_birth", "born on «March 3, 1980» in Rome"),
    ("date_of_birth", "DOB: «1980-03-03»"),
    ("date_of_birth", "geboren am «3. März 1980»"),
    ("date_of_birth", "née le «03/03/1980» à Lyon"),
    ("date_of_birth", "fecha de nacimiento: «3 de marzo de 1980»"),
    ("date_of_birth", '"date_of_birth": "«1980-03-03»"'),
    ("person", "Hello, my name is «Ada Lovelace»."),
    ("person", "Dear «Ada»,\nthanks"),
    ("person", "Best regards,\n«Jean-Luc Picard»\nCaptain"),
    ("person", "Mein Name ist «Jürgen von der Lippe»."),
    ("person", '{"first_name": "«Mei»", "x": 1}'),
    ("person", "Name: «Ada Lovelace»\nAge: 36"),
    ("person", "- **Last name:** «O'Neil»"),
    ("person", "Cardholder: «Jean-Luc Picard», exp"),
    ("person", "From: «Bilal Lane»\n\nHello,\nwe met."),
    ("person", "Hi\n> Von: «Jürgen von der Lippe» <j@example.de>"),
    ("person", "**From:** «Ada» <a@example.org>"),
    ("person", "From: «Ada Byron»\r\nDate: Monday\r\nTo: info@example.com\r\nSubject: Keys"),
    ("person", "Von: «Meike Lund»\nGesendet: Montag"),
    ("address", "I live at «12 Long Street, Springfield, IL 62701» now"),
    ("address", "at «221B Baker Street» in"),
    ("address", "«Müllerstraße 12, 10115 Berlin»"),
    ("address", "«12 rue de la Paix»"),
    ("address", "its address is «114 powell st» and"),
    ("address", "home: «1600 Pennsylvania Avenue NW, Washington, DC 20500»"),
    ("address", "«0487 Hull Village Suite 759, Lisaville, AZ 48184» please"),
    ("address", "from «Springfield, IL 62701-1234»"),
    ("address", "post it to «SW1A 1AA», London"),
    ("address", "he lives at «Pagari 18»."),
    ("address", '{"address2": "«Apt. 322»"}'),
    ("address", "«P.O. Box 1234»"),
    ("address", "«Calle Mayor 12»"),
    ("address", "my zip code is «94105»"),
    ("address", "Ann Roe\n\n«4521 Harjukuja 54\n Suite 12\n OULU\n\n Finland 80896»"),
    ("address", "> Ann Roe\n> «77 Trenerys gate 2\n> Apt. 3\n> TRONDHEIM\n> Norway 64389»\n> Tel"),
    ("address", "Ship to:\n«9 Larch Court\nFlat 2B»\nLeeds\nThanks for the flat"),
    ("address", "mail «Unit 2050 Box 4190, APO AP 96278» today"),
    ("address", "to «FPO AE 09499-0074»."),
    ("address", "on «Gammel Kongevej 12» in"),
    ("address", "de «Avda. Rio Nalon 58» en"),
    ("address", "in «Kossuth utca 5», ok"),
    ("address", "she lives at «10252 Μεγάλη Άμμος 184, ΠΑΦΟΣ»"),
    ("address", "located at «19 1st Avenue, New York, NY 10003». The price is $3."),
    ("address", "ship it to «123 Main St., New York». It is late"),
    ("address", "Employer Address: «1800 F St. NW, Washington, D.C. 20405»"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "marked"), FOUND)
def test_found(kind: str, marked: str) -> None:
    wanted = marked[marked.index("«") + 1 : marked.index("»")]
    text = marked.replace("«", "").replace("»", "")
    assert (kind, wanted) in told(text)
    assert (kind, wanted) in told(text, kind)
    far = "Æ‡ " * 40 + text + " ok" * 40
    assert (kind, wanted) in told(far) or kind in ("person", "pem")


NOT_FOUND = [
    "version 1.2.3.4 and v10.20.30.40, release 4.15.0.21",
    "127.0.0.1, 0.0.0.0, 255.255.255.0, 256.1.1.1, 1.2.3.4.5, section 1.2.3.4",
    "std::vector<int>, a::b::c, 10:30:45, ::1, ::, Foo::Bar, 12:30",
    "1999-12-31 23:59:59, 31.12.1999, 12/31/1999, 1990-2000, 19991231, 2020 - 2024",
    "Order number 1234567890, invoice #20240012345, ISBN 978-3-16-148410-0, ticket 5551234567",
    "1 000 000 people, 12 345 678 €, 100 200 300 400, 3.14159265358979, 1234567.89, 0.0000001",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "<<2400/200=12>> <<1200-1000=200>> 500*1000000=500000000",
    "4111 1111 1111 1112 and 1234 5678 9012 3456",
    "DE89 3704 0044 0532 0130 01, XX12 3456 7890 1234 5678",
    "550e8400-e29b-41d4-a716-446655440000, da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "user_1234567890, id=12345678901, /articles/4409607962387-x, a1234567890",
    "000-12-3456, 666-12-3456, 123-00-4567, 123-45-0000",
    "password: your_password, api_key=YOUR_API_KEY, token: <token>, secret = ${SECRET}, password=********",
    "password = os.environ['PASSWORD']; token = tokenizer.encode(text); secret_number = rand()",
    "The secret to a happy life is patience. Enter your password below. A token is a word.",
    "sk-learn, sk-ipped, ghp_short, AKIA123, eyJhbGci.abc.def, task-management-system-overview",
    "https://example.org/a?b=c&page=2#top, https://example.org/@ada, a@b, @ada, ada@, x @ y",
    "git clone git@github.com:ada/engine.git, logo@2x.png and icon@3x.jpeg, pkg@1.2.3, @types/node@18.0.0",
    "0xdeadbeef, 1BoatSLRHtKNngkdXEeobR76b53LETtpyX, bc1qqqqqqq",
    "born in 1971, a new idea was born. Dear Sir or Madam, Dear Customer, Hi there! Hello world",
    '{"name": "Water Bottle"}, first name basis, last name: null, the last name of the list, Name: str, full name is required',
    "My name is irrelevant. Thanks,\nthe team",
    "Type Drive 12 of Street art; the long road 5; 7 places to close",
    "movie with ID 12345, user ID 67890, IN 12345, shipped via UPS 3 days ago, go to Chapter 9, a bmw 1 series front drive",
    "2 people on the street, 1 st street, 10 minutes down the road, Return to Chapter 9, the address is 5 bytes long",
    'digits = "0123456789", check("01010101010"), 0000000000',
    "the 1824 Supreme Court decision; in 2012, Google Drive began; 2 Hard Drive",
    "-(1) +(989899)(1001001), (1-2)+(2003-2004) + 2007, t(x) = 0.05(45000-20000)",
    "hotel 5551234, graph 5551234, mobility 5551234, textbook 5551234, ringlet 5551234, public 12345678, reporting 5551234",
    "bornite 12.03.1980, newborn 12.03.1980, adobe 01/02/1980, zipper 94105, scorecard 4111111111112",
    "Boarding gate 12 of Av. 5; APO algorithm 12345, apo 5; write the address to 5 bytes; the vej 3, u. 12",
    "page 415 to 555 and 2671 more; chapter 555 1234",
    "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY3ODkw",
    "From: New York\nTo: Los Angeles\nDate: May 3, Tickets: Two Adults",
    "a letter from: Ada Byron\n\nwas read. To: Do List\nmilk. Von: Hand zu Hand. From: Monday\n\nopen",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_FOUND)
def test_not_found(text: str) -> None:
    assert told(text) == []


def test_the_more_certain_find_stays_where_two_overlap() -> None:
    assert told("https://ada:pa55w0rd@example.org/x") == [("url_credentials", "https://ada:pa55w0rd@example.org/x")]
    assert told("IBAN DE89370400440532013000") == [("iban", "DE89370400440532013000")]
    assert told(f"token: {JWT}") == [("jwt", JWT)]


def test_two_numbers_side_by_side_are_two() -> None:
    assert told("415-555-2671 415-555-2672", "phone") == [("phone", "415-555-2671"), ("phone", "415-555-2672")]
    assert told("77079  281/584-5511 (phone)  281/584-5515 (fax)", "phone") == [
        ("phone", "281/584-5511"),
        ("phone", "281/584-5515"),
    ]
    assert [text for _, text in told("10.0.0.1 10.0.0.2", "ipv4")] == ["10.0.0.1", "10.0.0.2"]


def test_national_numbers_of_a_region_need_no_words() -> None:
    assert told("the shop, 20 7946 0958,", "phone") == []
    assert told("the shop, 20 7946 0958,", "phone", region="GB") == [("phone", "20 7946 0958")]
    assert told("order 20 7946 0958,", "phone", region="GB") == []
    with pytest.raises(UsageError, match="ISO 3166"):
        find(to_text(pl.Series(["x"])), region="ZZ")


def test_only_kinds_that_were_asked_for() -> None:
    assert told("ada@example.org, +49 30 901820", "phone") == [("phone", "+49 30 901820")]
    with pytest.raises(ValueError, match="unknown kind 'mail'"):
        told("x", "mail")


def test_known_values_are_found_whole_and_in_parts() -> None:
    text = to_text(pl.Series(["Hi JOÃO DA SILVA, Mr. silva; Silvana", "So Silva", None]))
    names = to_text(pl.Series(["João da Silva", None, "X"]))
    found = find(text, known=[names])
    raw = text.data.tobytes()
    spans = zip(found.row.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
    assert [(row, raw[start:end].decode()) for row, start, end in spans] == [(0, "JOÃO DA SILVA"), (0, "silva")]


def test_parts_of_names_that_are_words_need_a_capital() -> None:
    text = to_text(pl.Series(["Mark Hill will mark it on the hill, said Hill. WILL he, Markus?"]))
    found = find(text, known=[to_text(pl.Series(["Mark Hill"]))])
    raw = text.data.tobytes()
    assert [raw[s:e].decode() for s, e in zip(found.start.tolist(), found.end.tolist(), strict=True)] == [
        "Mark Hill",
        "Hill",
    ]


def test_a_name_that_is_sure_is_found_wherever_it_stands() -> None:
    text = "My name is Ada Byron-Hill, but call me Ada. Byron-Hill, Adam and ada agree with Ada's sister. A Bill."
    assert [name for _, name in told(text, "person")] == ["Ada Byron-Hill", "Ada", "Byron-Hill", "Ada"]
    assert [name for _, name in told("Mr. Will Émond will see Émond, Émondes and Will.", "person")] == [
        "Will Émond",
        "Émond",
    ]
    assert [name for _, name in told("Dear Coal Board,\nthe Coal is here", "person")] == ["Coal Board"]


def test_the_addressee_above_an_address_is_a_person_where_people_are_looked_for() -> None:
    text = "Send it to\n> Ada Byron\n> 77 Trenerys gate 2\n> Apt. 3\n> TRONDHEIM\n> Norway 64389\n"
    assert told(text)[0] == ("person", "Ada Byron")
    assert [kind for kind, _ in told(text, "address")] == ["address"]


def test_only_names_count_in_parts() -> None:
    text = to_text(pl.Series(["The street is long: 12 Long Street"]))
    found = find(text, ["address"], known=[to_text(pl.Series(["12 long street"]))], known_kinds=["address"])
    assert (found.start.tolist(), found.end.tolist()) == ([20], [34])


def test_known_values_may_be_of_another_kind() -> None:
    text = to_text(pl.Series(["Send it to Acme Towers, floor 3"]))
    found = find(text, known=[to_text(pl.Series(["acme towers"]))], known_kinds=["address"])
    assert [KINDS[kind] for kind in found.kind] == ["address"]


def well_formed(found: Found, texts: list[str]) -> None:
    for k in range(len(found.row)):
        raw = texts[found.row[k]].encode()
        assert 0 <= found.start[k] < found.end[k] <= len(raw)
        raw[found.start[k] : found.end[k]].decode()  # never half a character
        if k and found.row[k] == found.row[k - 1]:
            assert found.start[k] >= found.end[k - 1]
    assert np.all(np.diff(found.row) >= 0)
    assert np.all(found.certain >= 50)


PIECES = [marked.replace("«", "").replace("»", "") for _, marked in FOUND if len(marked) < 200]


@given(st.lists(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=4).map("".join), max_size=4))
def test_any_text_gives_whole_spans_that_do_not_overlap(texts: list[str]) -> None:
    text = to_text(pl.Series(texts, dtype=pl.String))
    found = find(text)
    well_formed(found, texts)
    start, end = code_points(text, found)
    for k, row in enumerate(found.row.tolist()):
        span = texts[row].encode()[found.start[k] : found.end[k]].decode()
        assert texts[row][start[k] : end[k]] == span


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
def test_a_row_is_judged_alone(texts: list[str]) -> None:
    together = find(to_text(pl.Series(texts)))
    for row, text in enumerate(texts):
        alone = find(to_text(pl.Series([text])))
        mine = together.row == row
        for name in ("start", "end", "kind", "certain"):
            assert np.array_equal(getattr(together, name)[mine], getattr(alone, name))


def test_check_digits() -> None:
    assert checks.luhn("4111111111111111")
    assert not checks.luhn("4111111111111112")
    for length in set(checks.IBAN_LENGTHS.values()):
        assert 15 <= length <= 33
    assert checks.is_steuer_id("86095742719")
    assert not checks.is_steuer_id("86095742718")
    assert checks.verhoeff("234123412346")
    assert not checks.verhoeff("234123412347")
    assert checks.is_bech32("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr")
    assert not checks.is_bech32("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdw")


@given(st.text("0123456789", min_size=15, max_size=18), st.integers(0, 9))
def test_one_digit_changed_breaks_luhn(digits: str, place: int) -> None:
    check = next(d for d in "0123456789" if checks.luhn(digits + d))
    other = str((int(digits[place]) + 1) % 10)
    assert not checks.luhn(digits[:place] + other + digits[place + 1 :] + check)


def test_no_value_takes_for_ever() -> None:
    for value in (
        "github_pat_CSeh8eRgm3w9C32qeE2WZuy2koG3BnaDwB",
        "a" * 400 + "1!",
        "ab-" * 150 + "1!",
        "aB3_" * 120 + "!",
    ):
        told(f"token={value}&x")  # a pattern that tries every cut of such a value would not return


def test_signed_tokens_need_a_head_of_json() -> None:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    assert told(f"{head}.e30abcd.x") == [("jwt", f"{head}.e30abcd.x")]
    assert told("eyJhbGciOiJIUzI.eyJzdWIiOiIx.abc") == []
