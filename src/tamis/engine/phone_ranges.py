"""Telephone numbers that belong to nobody: ranges that regulators reserve for films and examples.

From what Ofcom (GB), the North American Numbering Plan (555-0100 to 555-0199), ARCEP (FR), the Bundesnetzagentur (DE),
ACMA (AU) and PTS (SE) have set aside. For other countries the national part begins with 000, which can be dialled
nowhere: no national number begins so, and no country code begins with 0.
"""

from __future__ import annotations

import re

#: calling codes of the countries whose national numbers `region` may name
CALLING = {
    "US": "1", "CA": "1", "GB": "44", "IE": "353", "DE": "49", "AT": "43", "CH": "41", "FR": "33", "BE": "32", "NL": "31",
    "LU": "352", "ES": "34", "PT": "351", "IT": "39", "GR": "30", "PL": "48", "CZ": "420", "SK": "421", "HU": "36",
    "RO": "40", "BG": "359", "HR": "385", "SI": "386", "RS": "381", "UA": "380", "RU": "7", "KZ": "7", "TR": "90",
    "SE": "46", "NO": "47", "DK": "45", "FI": "358", "IS": "354", "EE": "372", "LV": "371", "LT": "370", "AU": "61",
    "NZ": "64", "JP": "81", "KR": "82", "CN": "86", "TW": "886", "HK": "852", "SG": "65", "MY": "60", "TH": "66",
    "VN": "84", "PH": "63", "ID": "62", "IN": "91", "PK": "92", "BD": "880", "LK": "94", "IL": "972", "AE": "971",
    "SA": "966", "EG": "20", "MA": "212", "NG": "234", "KE": "254", "ZA": "27", "BR": "55", "AR": "54", "CL": "56",
    "CO": "57", "PE": "51", "MX": "52",
}  # fmt: skip

#: calling code → (national prefix, how many digits follow and are free), landline first, mobile second
RANGES = {
    "1": (("", 0),),
    "44": (("2079460", 3), ("7700900", 3)),
    "33": (("19900", 4), ("63998", 4)),
    "49": (("3023125", 3), ("176040690", 2)),
    "61": (("25550", 4), ("000", 6)),
    "46": (("8465004", 2), ("70174069", 1)),
}
#: how mobile numbers begin, after the calling code
MOBILE = {"44": ("7",), "33": ("6", "7"), "49": ("15", "16", "17"), "61": ("4",), "46": ("7",)}

_CODES = sorted({*CALLING.values()}, key=len, reverse=True)
_DIGIT = re.compile(r"\d")
_EXTENSION = re.compile(r"(?i)\s*(?:ext\.?|extension|x|#|durchwahl|poste)\s*\d{1,6}\s*$")


def international(text: str, region: str | None) -> str:
    """A number as + and digits where its country is told or known, else its digits.

    >>> international("(0)151 2345-6789", "DE"), international("0049 (0)151 23456789", None)
    ('+4915123456789', '+4915123456789')
    """
    text = _EXTENSION.sub("", text)
    signed = text.lstrip("( ").startswith(("+", "＋"))
    digits = "".join(str(int(c)) for c in text if c.isdigit())
    plus = signed or (digits.startswith("00") and not digits.startswith("000"))
    if plus:
        digits = "".join(str(int(c)) for c in text.replace("(0)", "") if c.isdigit())
        return "+" + (digits if signed else digits.removeprefix("00"))
    if region not in CALLING:
        return digits
    code = CALLING[region]
    if code == "1":
        return "+1" + (digits[1:] if len(digits) == 11 and digits[0] == "1" else digits)
    return f"+{code}{digits if region == 'IT' else digits.removeprefix('0')}"


def calling_code(number: str) -> str:
    """The calling code of a number that begins with +; '' where it is none of ours."""
    return next((code for code in _CODES if number.startswith("+" + code)), "")


def unreal(number: str, free: str) -> str:
    """A number of nobody for a number from `international`; `free`: many digits to fill it with.

    >>> unreal("+447911123456", "0123456789"), unreal("+12125551234", "0123456789"), unreal("+34612345678", "0123456789")
    ('+447700900012', '+12125550101', '+34000012345')
    """
    code = calling_code(number) if number.startswith("+") else ""
    national = number.removeprefix("+").removeprefix(code)
    if code == "1" and len(national) == 10:
        return f"+1{national[:3]}55501{free[:2]}"
    if code in RANGES and code != "1":
        mobile = national.startswith(MOBILE[code])
        prefix, count = RANGES[code][int(mobile)]
        return f"+{code}{prefix}{free[:count]}"
    body = ("000" + free)[: max(4, len(national))]
    return f"+{code}{body}" if number.startswith("+") else body


def is_unreal(number: str) -> bool:
    """Whether a number, as `international` writes it, is one that `unreal` gives."""
    code = calling_code(number) if number.startswith("+") else ""
    national = number.removeprefix("+").removeprefix(code)
    if national.startswith("000") or (code == "" and number.startswith("+000")):
        return True
    if code == "1" or (not code and len(national) == 10):
        return len(national) == 10 and national[3:8] == "55501"
    return any(national.startswith(prefix) and len(national) == len(prefix) + n for prefix, n in RANGES.get(code, ()))


def shaped(original: str, digits: str) -> str:
    """`digits` written as `original` is: its signs stay where they are, digits too many or too few at the end.

    >>> shaped("(030) 123-456", "0302312507")
    '(030) 231-2507'
    """
    given = iter(digits)
    count = len(_DIGIT.findall(original))
    out, seen = [], 0
    for c in original:
        if not c.isdigit():
            out.append(c)
            continue
        seen += 1
        out.append(next(given, ""))
        if seen == count:
            out += list(given)
    return "".join(out).rstrip(" -./(")
