"""Check digits and other arithmetic by which numbers tell that they are what they seem. All take plain ASCII."""

from __future__ import annotations

import hashlib

#: Length of an IBAN by country (the registry of ISO 13616).
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
    "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
    "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
    "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
    "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
}  # fmt: skip

#: First digits of payment cards, as (low, high, lengths); both ends have as many digits as are looked at.
_ISSUERS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)), ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)), ("37", "37", (15,)),  # American Express
    ("300", "305", (14, 16, 17, 18, 19)), ("3095", "3095", (14, 16, 17, 18, 19)), ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 16, 17, 18, 19)),  # Diners Club
    ("6011", "6011", (16, 17, 18, 19)), ("644", "649", (16, 17, 18, 19)), ("65", "65", (16, 17, 18, 19)),  # Discover
    ("35", "35", (16, 17, 18, 19)), ("2131", "2131", (15,)), ("1800", "1800", (15,)),  # JCB
    ("62", "62", (16, 17, 18, 19)), ("81", "81", (16, 17, 18, 19)),  # UnionPay
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)), ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("60", "61", (12, 13, 14, 15, 16, 17, 18, 19)), ("63", "63", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("67", "69", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, RuPay
    ("2200", "2204", (16,)),  # Mir
)  # fmt: skip


def luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = ord(digit) - 48
        if place % 2:
            value = value * 2 - 9 * (value > 4)
        total += value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """An issuer's first digits, a length that it uses, and the check digit."""
    size = len(digits)
    if not 12 <= size <= 19 or len(set(digits)) < 2:
        return False
    return any(low <= digits[: len(low)] <= high and size in sizes for low, high, sizes in _ISSUERS) and luhn(digits)


def is_iban(account: str) -> bool:
    """A country that has some, and the remainder 1 modulo 97. `account` in upper case, without gaps, 15 to 34 long."""
    if account[:2] not in IBAN_LENGTHS or not account[2:4].isdigit():
        return False
    return int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1


_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: str) -> bool:
    """The check digit of Aadhaar numbers."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_DIHEDRAL[state][int(_PERMUTED[place % 8][int(digit)])])
    return state == 0


def is_ssn(digits: str) -> bool:
    """A United States social security number that could have been given out, or is an ITIN."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or group == "00" or serial == "0000":
        return False
    return area[0] != "9" or group >= "50"


def is_steuer_id(digits: str) -> bool:
    """A German tax number: eleven digits, ISO 7064 mod 11,10; among the first ten one or two repeat."""
    if digits[0] == "0" or len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_nir(digits: str) -> bool:
    """A French social security number: fifteen characters, the last two being 97 - the rest modulo 97."""
    body = digits[:13].replace("2A", "19").replace("2B", "18")
    month = digits[3:5]
    if (
        digits[0] not in "12"
        or not body.isdigit()
        or not ("01" <= month <= "12" or "20" <= month <= "42" or month >= "50")
    ):
        return False
    return 97 - int(body) % 97 == int(digits[13:])


def is_dni(code: str) -> bool:
    """A Spanish DNI (8 digits and a letter) or NIE (X, Y or Z, 7 digits and a letter)."""
    body = code[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return body.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == code[-1]


_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def is_codice_fiscale(code: str) -> bool:
    """An Italian tax code: its sixteenth letter follows from the others."""
    total = 0
    for place, char in enumerate(code[:15]):
        value = ord(char) - (48 if char.isdigit() else 65)
        total += value if place % 2 else _ODD[value]
    return chr(65 + total % 26) == code[15]


def is_bsn(digits: str) -> bool:
    """A Dutch citizen number: nine digits, the weighted sum is a multiple of eleven."""
    return digits != "000000000" and (
        sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0
    )


def is_pesel(digits: str) -> bool:
    """A Polish PESEL: a date (the month tells the century) and a check digit."""
    month, day = int(digits[2:4]) % 20, int(digits[4:6])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return False
    total = sum(int(d) * w for d, w in zip(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True))
    return total % 10 == 0


def is_cpf(digits: str) -> bool:
    """A Brazilian CPF: two check digits modulo eleven."""
    if len(set(digits)) < 2:
        return False
    for size in (9, 10):
        total = sum(int(d) * w for d, w in zip(digits, range(size + 1, 1, -1), strict=False))
        if total * 10 % 11 % 10 != int(digits[size]):
            return False
    return True


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def is_base58check(address: str) -> bool:
    """A Bitcoin address of the old kinds: 25 bytes, the last four being a double SHA-256 of the others."""
    number = 0
    for char in address:
        value = _BASE58.find(char)
        if value < 0:
            return False
        number = number * 58 + value
    if number >= 1 << 200:
        return False
    raw = number.to_bytes(25, "big")
    if raw[0] not in (0, 5) or (address[0] == "1") != (raw[0] == 0):
        return False
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def is_bech32(address: str) -> bool:
    """A Bitcoin address of the newer kinds (BIP 173, BIP 350). `address` in one case."""
    prefix, _, body = address.lower().rpartition("1")
    values = [_BECH32.find(char) for char in body]
    if not len(values) > 6 or min(values) < 0:
        return False
    checksum = 1
    for value in (*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values):
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                checksum ^= generator
    return checksum in (1, 0x2BC830A3)
