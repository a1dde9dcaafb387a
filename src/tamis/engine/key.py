"""The key that pseudonyms are made with: where it is found, what is derived from it, and that it is never shown."""

from __future__ import annotations

import hmac
import importlib
import os
import secrets

from tamis.core.errors import UsageError

#: the environment variable that holds it, and where a keyring keeps it
VARIABLE = "TAMIS_PRIVACY_KEY"
SERVICE, ACCOUNT = "tamis", "privacy-key"

#: shorter keys, or keys of fewer different characters, can be guessed
LENGTH, DIFFERENT = 32, 8

HOW = (
    'export TAMIS_PRIVACY_KEY="$(tamis privacy key)", or the output of '
    'python -c "import secrets; print(secrets.token_hex(32))"; keep it where secrets are kept, outside the workspace. '
    "For a one-off that can be neither resumed nor repeated: tamis run --throwaway-key"
)


class Key:
    """A secret key. `origin`: where it comes from, in words. Its text is in no representation of it."""

    __slots__ = ("_derived", "_secret", "origin")

    def __init__(self, secret: str, origin: str) -> None:
        secret = secret.strip()
        if len(secret) < LENGTH or len(set(secret)) < DIFFERENT:
            raise UsageError(
                f"the privacy key from {origin} could be guessed: it has {len(secret)} characters, "
                f"{len(set(secret))} of them different; at least {LENGTH} and {DIFFERENT} are needed",
                hint=HOW,
            )
        self._secret = secret.encode("utf-8", "surrogateescape")
        self.origin = origin
        self._derived: dict[str, bytes] = {}

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose: what is known of one says nothing of the others."""
        found = self._derived.get(purpose)
        if found is None:
            found = self._derived[purpose] = hmac.digest(self._secret, f"tamis/{purpose}/1".encode(), "sha256")
        return found

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell two keys apart and do not tell the key."""
        return self.derive("fingerprint")[:8].hex()

    def __repr__(self) -> str:
        return f"Key({self.origin}, fingerprint {self.fingerprint})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._secret, other._secret)

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def new_key() -> str:
    """A fresh key: 256 random bits in hexadecimal digits."""
    return secrets.token_hex(32)


def throwaway_key() -> Key:
    """A key that nobody keeps."""
    return Key(new_key(), "--throwaway-key")


def find_key() -> Key | None:
    """The key of the environment, else of the keyring, else None. UsageError where it could be guessed."""
    secret = os.environ.get(VARIABLE, "").strip()
    if secret:
        return Key(secret, VARIABLE)
    kept = _from_keyring()
    return Key(kept, "the keyring") if kept else None


def need_key(who: str) -> Key:
    """The key, or UsageError that says how to make one."""
    key = find_key()
    if key is None:
        raise UsageError(
            f"{who} needs a key, and there is none: {VARIABLE} is not set, and no keyring holds one", hint=HOW
        )
    return key


def keep_in_keyring(secret: str) -> None:
    """Keep a key in the system's keyring. UsageError where there is none, or where it holds a key already."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise UsageError("no keyring to keep the key in", hint='pip install "tamis[keyring]"') from None
    if _from_keyring():
        raise UsageError(
            "the keyring holds a key already; with another one, every pseudonym would be another",
            hint=f"to replace it, first: keyring del {SERVICE} {ACCOUNT}",
        )
    try:
        keyring.set_password(SERVICE, ACCOUNT, secret)
    except Exception as error:
        raise UsageError(f"the keyring did not take the key: {type(error).__name__}", hint=HOW) from None


def _from_keyring() -> str | None:
    """The key that a keyring holds; none where no keyring is installed or unlocked."""
    try:
        keyring = importlib.import_module("keyring")
        found = keyring.get_password(SERVICE, ACCOUNT)
    except Exception:  # an absent, locked or broken keyring holds no key; what it says may name one
        return None
    return str(found) if found else None
