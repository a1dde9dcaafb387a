"""engine.pii finds at its marks what its rules find when they are tried at every character: no mark is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine import pii_ids, pii_mail, pii_network, pii_numbers, pii_secrets
from tamis.engine.pii import KINDS, find
from tamis.engine.pii_numbers import Span
from tamis.engine.text import to_text

Rule = Callable[[str, int, int], Iterator[Span]]


def at_each(rule: Rule, text: str) -> Iterator[Span]:
    """The rule at every place where a word may begin."""
    for k in range(len(text)):
        if k == 0 or not re.match(r"\w", text[k - 1]):
            yield from rule(text, k, len(text))


def at_signs(text: str) -> Iterator[Span]:
    for match in re.finditer(r"@", text):
        left = re.search(r"[^\s\"(),:;<>@\[\]\\]*$", text[: match.start()])
        right = re.match(r"[\w.\-]*", text[match.end() :])
        assert left is not None
        assert right is not None
        yield from pii_mail.emails(text, left.start(), match.end() + right.end())


def at_numbers(rule: Rule, text: str) -> Iterator[Span]:
    for match in re.finditer(r"\d(?:[ \t\-./()]{0,3}\d)*", text):
        yield from rule(text, *match.span())


TWINS: dict[str, Callable[[str], Iterator[Span]]] = {
    "email": at_signs,
    "iban": lambda text: at_each(pii_numbers.ibans, text),
    "ipv4": lambda text: pii_numbers.ipv4(text, 0, len(text)),
    "card": lambda text: at_numbers(pii_numbers.cards, text),
    "us_ssn": lambda text: at_numbers(pii_ids.ssns, text),
    "ipv6": lambda text: at_each(pii_network.ipv6, text),
    "mac": lambda text: at_each(lambda t, k, to: pii_network.macs(t, k, k), text),
    "crypto_address": lambda text: (
        span for rule in (pii_network.bitcoins, pii_network.segwits) for span in at_each(rule, text)
    ),
    "jwt": lambda text: at_each(pii_secrets.jwts, text),
    "pem": lambda text: at_each(pii_secrets.pems, text),
}
PIECES = [
    "ada@example.org", "a.b+c@ex-ample.co.uk", "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "203.0.113.77", "10.1.2.3:80",
    "4111 1111 1111 1111", "378282246310005", "5555-5555-5555-4444", "536-22-8712", "536 22 8712", "2001:db8:85a3::8a2e:370:7334",
    "fe80::1", "00:1A:2B:3C:4D:5E", "a4-83-e7-12-9f-0c", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "0x52908400098527886E0F7030069857D2E4169EE7", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8c\n-----END PRIVATE KEY-----",
    "hello", "12", "3.14", "a:b", "x-1", "2024-05-06", "std::b",
]  # fmt: skip
GLUE = [" ", ", ", " (", ") ", '"', "\n", "; ", " <", "> ", "…", " = "]


@pytest.mark.parametrize("kind", TWINS)
@settings(max_examples=60)
@given(data=st.data())
def test_no_mark_is_missing(kind: str, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GLUE)), min_size=1, max_size=4))
    text = "".join(piece + glue for piece, glue in pieces)
    expected = {text[s:e] for s, e, name, certain in TWINS[kind](text) if name == kind and certain >= 50}
    found = find(to_text(pl.Series([text])), [kind])
    raw = text.encode()
    told = {raw[s:e].decode() for s, e in zip(found.start.tolist(), found.end.tolist(), strict=True)}
    assert {KINDS[k] for k in found.kind.tolist()} <= {kind}
    assert told <= expected
    assert all(any(one in other for other in told) for one in expected)
