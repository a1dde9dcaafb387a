"""IPv6 addresses, hardware addresses, and addresses of crypto currencies."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from .pii_checks import is_base58check, is_bech32
from .pii_numbers import Span

_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:]|\.\d)")
_MAC = re.compile(r"(?<![\w:\-])[0-9A-Fa-f]{2}([:\-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w]|[:\-][0-9A-Fa-f])")
_MAC_CISCO = re.compile(r"(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.])")
_BITCOIN = re.compile(r"(?<![A-Za-z0-9])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z0-9])")
_BECH32 = re.compile(r"(?<![A-Za-z0-9])(?:bc1|tb1)[02-9ac-hj-np-z]{11,71}(?![A-Za-z0-9])", re.I)
_ETHEREUM = re.compile(r"(?<![A-Za-z0-9])0x[0-9a-fA-F]{40}(?![A-Za-z0-9])")
_ETHEREUM_SAID = re.compile(
    r"\beth(?:ereum|er)?\b|wallet|address|contract|\bto\b|\bfrom\b|usdt|usdc|erc-?20|metamask|crypto", re.I
)


def ipv6(window: str, at: int, to: int) -> Iterator[Span]:
    """IPv6 addresses; `::` and `::1` are nobody's."""
    match = _IPV6.match(window, at)
    if not match or not re.search(r"\d", match.group()):
        return
    written = match.group()
    if ("::" in written and len(re.findall(r"[0-9A-Fa-f]+", written)) < 2) or len(written) < 6:
        return
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return
    if not (address.is_loopback or address.is_unspecified):
        yield at, match.end(), "ipv6", 70 if address.is_private or address.is_link_local else 95


def macs(window: str, at: int, to: int) -> Iterator[Span]:
    """Hardware addresses of six bytes; all zeros and all ones are nobody's."""
    for match in _MAC.finditer(window, max(0, at - 2), min(len(window), to + 20)):
        if len(set(re.sub(r"[:\-]", "", match.group()))) > 1:
            yield *match.span(), "mac", 95
            return


def bitcoins(window: str, at: int, to: int) -> Iterator[Span]:
    """Bitcoin addresses of the older kinds, by their checksum, and Ethereum's, by their form."""
    match = _BITCOIN.match(window, at)
    if match and is_base58check(match.group()):
        yield *match.span(), "crypto_address", 98
    match = _ETHEREUM.match(window, at)
    if match and len(set(match.group().lower())) > 6:
        said = _ETHEREUM_SAID.search(window[max(0, at - 40) : at])
        yield *match.span(), "crypto_address", 92 if said else 75


def segwits(window: str, at: int, to: int) -> Iterator[Span]:
    """Bitcoin addresses of the newer kinds, by their checksum."""
    match = _BECH32.match(window, at)
    if match and (match.group().islower() or match.group().isupper()) and is_bech32(match.group()):
        yield *match.span(), "crypto_address", 98
