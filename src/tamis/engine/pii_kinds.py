"""The kinds of personal data and secrets that are told apart."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "email", "phone", "iban", "card", "ipv4", "ipv6", "mac", "us_ssn", "national_id", "url_credentials", "api_key",
    "jwt", "pem", "crypto_address", "date_of_birth", "person", "address",
]  # fmt: skip

KINDS: tuple[str, ...] = get_args(Kind)

#: Kinds that open something, rather than tell of somebody.
SECRETS = ("url_credentials", "api_key", "jwt", "pem")
