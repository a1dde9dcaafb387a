"""clean.unicode"""

from __future__ import annotations

import gzip
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tamis.steps.clean.unicode import Unicode
from tamis.testing import run_step

CASES = [
    ({}, [{"response": "cafÃ©"}, {"response": "café"}, {"response": None}], ["kept", "kept", "kept"]),
    (
        {"in": "text", "fix_mojibake": False, "normalize": "NFKC", "controls": "keep", "invisible": "keep"},
        {"text": "ﬁ\u200b\x07"},
        None,
    ),
]


def cleaned(text: str, **settings: Any) -> tuple[str, str | None]:
    result = run_step(Unicode(**settings), [{"response": text}])
    content: str = result.column("messages")[0][0]["content"]
    assert result.changed == [content != text]
    again = run_step(Unicode(**settings), [{"response": content}])
    assert again.changed == [False], f"cleaned twice, {content!r} changes again"
    return content, result.evidence[0]["fixed"]


@pytest.mark.parametrize(
    ("text", "expected", "fixed"),
    [
        ("plain", "plain", None),
        ("Itâ€™s 20 Â°C", "It’s 20 °C", "mojibake"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет", "mojibake"),
        ("\x93quoted\x94\x85", "“quoted”…", "mojibake"),
        ("e\u0301te\u0301", "été", "normalized"),
        ("각 \u1112\u1161\u11ab", "각 한", "normalized"),
        ("a\x00b\x07c\x7f\ufeffd\ufffe", "abcd", "controls"),
        ("page\x0cpage\x0bline", "page\npage\nline", "controls"),
        ("\x1b[1;31mred\x1b[0m", "red", "controls"),
        ("tab\tnewline\nreturn\r\n", "tab\tnewline\nreturn\r\n", None),
        ("zero\u200bwidth soft\u00adhyphen \u2060join", "zerowidth softhyphen join", "invisible"),
        ("ignore\U000e0069\U000e0067\U000e006e\U000e006f\U000e0072\U000e0065", "ignore", "invisible"),
        ("😀\U000e0101\U000e0102", "😀", "invisible"),
        ("a\ufe01\ufe02", "a", "invisible"),
        ("safe\u202egnp.exe\u202c", "safegnp.exe", "invisible"),
        ("e\u200b\u0301", "é", "invisible,normalized"),
        ("cafÃ\u200b© e\u0301", "café é", "mojibake,invisible,normalized"),
        ("cafÃ©\u200b\x07", "café", "mojibake,controls,invisible"),
    ],
)
def test_what_is_repaired(text: str, expected: str, fixed: str | None) -> None:
    assert cleaned(text) == (expected, fixed)


@pytest.mark.parametrize(
    "text",
    [
        "“curly” ‘quotes’ – dashes… ﬁ ligature Ｆｕｌｌ ½ ²",
        "👩‍💻 👨‍👩‍👧 ❤️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👋🏽 ☎︎",
        "می‌خواهم",
        "क्‍ष",
        "שלום \u200eABC\u200f \u2067x\u2069",
        "ภาษา\u200bไทย",
        "葛\U000e0100",
        "ᠨᠡᠷ\u180eᠡ",
        "AMANHÃ À ÉTÉ, ça coûte 5 € — “Zoë’s”",
        "Ёлка, їжак, Ελλάδα, 中文、日本語 ガ, Tiếng Việt, اردو",
        "lost \ufffd character",
        "```\nbytes = 'cafÃ©' + 'e\u0301'\n```",
    ],
)
def test_what_is_meant_stays(text: str) -> None:
    assert cleaned(text) == (text, None)


def test_code_is_only_freed_of_what_nobody_sees() -> None:
    text = "cafÃ©\n```\ns = 'cafÃ©'\u200b\n```\ncafÃ©"
    assert cleaned(text) == ("café\n```\ns = 'cafÃ©'\n```\ncafé", "mojibake,invisible")


def test_each_repair_can_be_left_out() -> None:
    text = "cafÃ© e\u0301 ﬁ \x07 \u200b"
    assert cleaned(text, fix_mojibake=False) == ("cafÃ© é ﬁ  ", "controls,invisible,normalized")
    assert cleaned(text, normalize="none") == ("café e\u0301 ﬁ  ", "mojibake,controls,invisible")
    assert cleaned(text, normalize="NFKC") == ("café é fi  ", "mojibake,controls,invisible,normalized")
    assert cleaned(text, controls="keep") == ("café é ﬁ \x07 ", "mojibake,invisible,normalized")
    assert cleaned(text, invisible="keep") == ("café é ﬁ  \u200b", "mojibake,controls,normalized")
    off = {"fix_mojibake": False, "normalize": "none", "controls": "keep", "invisible": "keep"}
    assert cleaned(text, **off) == (text, None)


def test_evidence_is_told_over_all_texts_of_a_row() -> None:
    row = {"prompt": "cafÃ©", "response": "\x07", "text": "\u200b"}
    assert run_step(Unicode(), [row, {"text": "ok"}]).evidence == [
        {"fixed": "mojibake,controls,invisible"},
        {"fixed": None},
    ]


def test_the_unicode_version_is_part_of_the_steps_identity() -> None:
    assert Unicode().identity() == (Unicode.version, unicodedata.unidata_version)


def test_real_texts_in_many_languages_stay(data: Path) -> None:
    """Declarations in several hundred languages: what is read anew was misread."""
    files = sorted((data / "langid-udhr").glob("*.jsonl*"))
    assert files, "langid-udhr holds no JSON lines"
    rows = []
    for file in files:
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        rows += [{"text": json.loads(line)["text"]} for line in raw.decode().split("\n") if line]
    result = run_step(Unicode(), rows)
    read_anew = [k for k, evidence in enumerate(result.evidence) if "mojibake" in (evidence["fixed"] or "")]
    assert len(rows) > 300
    for k in read_anew:  # quotes of Windows-1252 among them, and nothing else
        assert "\x91" in rows[k]["text"] or "\x92" in rows[k]["text"]
        assert result.rows[k]["text"] == rows[k]["text"].replace("\x91", "‘").replace("\x92", "’")
    assert 1 <= len(read_anew) <= 5
