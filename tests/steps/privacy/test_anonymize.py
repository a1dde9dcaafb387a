"""privacy.anonymize"""

from __future__ import annotations

import datetime as dt
import gzip
import hmac
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis import _conformance
from tamis.core.errors import UsageError
from tamis.engine.anonymize import MODES
from tamis.engine.frame import Frame
from tamis.engine.key import Key
from tamis.engine.rescan import Rescan
from tamis.engine.surrogates import surrogate
from tamis.steps.privacy.anonymize import Anonymize
from tamis.testing import run_step

KEY = "0123456789abcdef0123456789abcdef"
MAIL, CARD, IBAN = "bob.stone@firma-nord.de", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"

CASES: list[Any] = [
    ({}, {"prompt": f"I am {MAIL}", "response": "Thanks"}, "kept"),
    ({"mode": "mask", "keep_last": 4}, {"response": f"card {CARD}"}, "kept"),
    ({"modes": {"email": "keep"}}, {"response": MAIL, "source.note": IBAN}, "kept"),
    ({"names": ["customer"], "mode": "mask"}, {"response": "Dear Ann", "customer": "Ann Lee"}, "kept"),
    ({"kinds": ["email"], "without": ["note"]}, {"response": MAIL, "source.note": MAIL}, "kept"),
]


def anonymize(key: str | None = KEY, **fields: Any) -> Anonymize:
    step = Anonymize(**fields)
    return step if key is None else step.given({"privacy-key": Key(key, "a test")})


def content(rows: list[dict[str, Any]], step: Anonymize, row: int = 0, message: int = -1) -> str:
    return str(run_step(step, rows).column("messages")[row][message]["content"])


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("tag", "I'm [EMAIL], pay with [CARD] or [IBAN]."),
        ("mask", "I'm •••, pay with •••1111 or •••3000."),
    ],
)
def test_each_mode_says_what_it_says(mode: str, text: str) -> None:
    rows = [{"response": f"I'm {MAIL}, pay with {CARD} or {IBAN}."}]
    assert content(rows, anonymize(mode=mode, keep_last=4)) == text


def test_a_pseudonym_is_a_keyed_hash_of_kind_and_normalised_value() -> None:
    secret = hmac.digest(KEY.encode(), b"tamis/pseudonym/1", "sha256")
    word = hmac.new(secret, f"email|{MAIL}".encode(), "sha256").hexdigest()[:8].upper()
    assert content([{"response": f"I'm {MAIL.title()}."}], anonymize(mode="pseudonym")) == f"I'm [EMAIL_{word}]."


def test_kinds_can_differ_in_what_stands_for_them() -> None:
    rows = [{"response": f"{MAIL} and {CARD} and {IBAN}"}]
    step = anonymize(None, modes={"email": "mask", "iban": "keep"})
    assert content(rows, step) == f"••• and [CARD] and {IBAN}"
    assert run_step(step, rows).evidence[0] == {"found": "card 1, email 1"}


def test_every_string_of_a_row_is_looked_into() -> None:
    arguments = json.dumps({"to": MAIL, "cc": [f"x\n{MAIL}"], "card": 4111111111111111, MAIL: 1.10})
    calls = json.dumps([{"id": "c1", "function": {"name": "send", "arguments": arguments}}])
    row = {
        "messages": [
            {"role": "user", "content": f"Hi {MAIL}", "name": MAIL},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "content": json.dumps({"ok": MAIL}), "tool_call_id": "c1"},
        ],
        "rejected": [{"role": "assistant", "content": MAIL}],
        "tools": json.dumps([{"description": f"writes to {MAIL}"}]),
        "text": MAIL,
        "note": MAIL,
        "map.auto.seen": MAIL,
        "tags": ["a", MAIL],
        "meta": json.dumps({"deep": {"er": [MAIL, None, 12345678, 1.50]}}, indent=1),
    }
    done = run_step(anonymize(None), [row]).rows[0]
    assert "firma" not in json.dumps(done)
    (call,) = json.loads(done["messages"][1]["tool_calls"])
    inner = json.loads(call["function"]["arguments"])
    assert inner == {"to": "[EMAIL]", "cc": ["x\n[EMAIL]"], "card": "[CARD]", "[EMAIL]": 1.1}
    assert done["source.meta"] == json.dumps({"deep": {"er": ["[EMAIL]", None, 12345678, 1.50]}}, indent=1)
    assert done["source.tags"] == ["a", "[EMAIL]"]
    assert done["map.auto.seen"] == "[EMAIL]"


def test_a_line_break_written_out_is_no_letter_of_an_address() -> None:
    assert content([{"response": 'say {"a": "\\nbob@firma.de"} now'}], anonymize(None)) == 'say {"a": "\\n[EMAIL]"} now'


def test_one_person_stays_one_over_turns_rows_batches_and_runs() -> None:
    rows = [
        {"prompt": f"I'm {MAIL}", "response": f"Hello {MAIL.upper()}", "customer": "Ann Berg"},
        {"prompt": "Mrs Berg here", "response": "Yes, Ann?", "customer": "Ann Berg"},
    ]
    step = anonymize(mode="surrogate", names=("customer",))
    whole = run_step(step, rows).column("messages")
    single = [run_step(step, [row]).column("messages")[0] for row in rows]
    assert whole == single
    first = whole[0][0]["content"].removeprefix("I'm ")
    assert whole[0][1]["content"] == f"Hello {first}"
    given, family = run_step(step, rows).column("source.customer")[0].split()
    assert whole[1][0]["content"] == f"Mrs {family} here"
    assert whole[1][1]["content"] == f"Yes, {given}?"
    other = anonymize("fedcba9876543210fedcba9876543210", mode="surrogate", names=("customer",))
    assert run_step(other, rows).column("messages") != whole


def test_numbers_in_columns_of_numbers_are_looked_at() -> None:
    rows = [{"response": "x", "card": 4111111111111111, "phone": 4915123456789, "year": 2024, "order": 1234567890123}]
    done = run_step(anonymize(None), rows).rows[0]
    assert (done["source.card"], done["source.phone"]) == (None, None)
    assert (done["source.year"], done["source.order"]) == (2024, 1234567890123)
    made = run_step(anonymize(mode="surrogate"), rows).rows[0]["source.card"]
    assert isinstance(made, int)
    assert made != 4111111111111111


def test_the_name_of_a_column_says_what_its_values_are() -> None:
    rows = [{"response": "x", "date_of_birth": "1990-03-12", "shipped": "1990-03-12", "ssn": "536-22-8726"}]
    done = run_step(anonymize(None), rows).rows[0]
    assert done["source.date_of_birth"] == "[DATE_OF_BIRTH]"
    assert done["source.shipped"] == "1990-03-12"
    assert done["source.ssn"] == "[US_SSN]"


def test_a_column_of_names_goes_whole() -> None:
    rows = [{"response": "Yes", "customer": name} for name in ("Li", "x", "#9", None, " ")]
    done = run_step(anonymize(None, names=("customer",)), rows)
    assert done.column("source.customer") == ["[PERSON]", "[PERSON]", "[PERSON]", None, " "]


def test_a_surrogate_is_the_same_wherever_it_stands() -> None:
    """After the word `card` a card with a wrong check digit is found again; it must not be replaced again."""
    step = anonymize(mode="surrogate")
    made = surrogate(Key(KEY, ""), "card", CARD)
    for text in (CARD, f"card number: {CARD}", f"card {CARD} iban {IBAN}"):
        assert made in content([{"response": text}], step)


def test_dates_of_a_subject_move_together_and_keep_their_distance() -> None:
    rows = [
        {"response": "From 2024-02-27 to 05.03.2024 (March 5, 2024).", "who": "p1"},
        {"response": "On 27.02.2024.", "who": "p1"},
        {"response": "On 27.02.2024.", "who": "p2"},
        {"response": "On 27.02.2024.", "who": None},
    ]
    step = anonymize(subject="who", shift_dates=90)
    done = [row["messages"][-1]["content"] for row in run_step(step, rows).rows]
    start = dt.date.fromisoformat(done[0][5:15])
    end = dt.datetime.strptime(done[0][19:29], "%d.%m.%Y").date()
    assert (end - start).days == 7
    assert start != dt.date(2024, 2, 27)
    assert done[0].endswith(f"({end:%B} {end.day}, {end.year}).")
    assert done[1] == f"On {start:%d.%m.%Y}."
    assert done[2] != done[1]
    assert done[3] == "On 27.02.2024."


def test_replacing_again_changes_nothing() -> None:
    rows = [{"response": f"{MAIL}, {CARD}, {IBAN}, +49 151 23456789, 8.8.4.4, AA:BB:CC:DD:EE:01"}]
    for mode in MODES[:3]:
        step = anonymize(mode=mode)
        once = content(rows, step)
        assert content([{"response": once}], step) == once


def test_without_a_key_it_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAMIS_PRIVACY_KEY", raising=False)
    monkeypatch.setattr("tamis.engine.key._from_keyring", lambda: None)
    with pytest.raises(UsageError, match="tamis privacy key"):
        run_step(Anonymize(mode="pseudonym"), [{"response": MAIL}])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"mode": "keep"}, "nothing would be replaced"),
        ({"shift_dates": 10}, "needs `subject`"),
        ({"subject": "who"}, "only used with"),
        ({"names": ["customer"], "modes": {"person": "keep"}}, "not looked for or kept"),
        ({"kinds": ["e-mail"]}, "unknown kind"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Anonymize(**fields)


def test_the_key_is_in_no_representation() -> None:
    step = anonymize(mode="surrogate")
    for told in (repr(step), str(step.settings()), str(step.configuration()), step.key(), repr(step._key)):
        assert KEY not in told
        assert KEY[:12] not in told


@pytest.mark.parametrize("mode", ["pseudonym", "surrogate"])
def test_keyed_modes_keep_the_contract(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    cases = [
        ({"mode": mode, "names": ["customer"]}, {"response": f"{MAIL} {CARD}, says Ann", "customer": "Ann Lee"}, "kept")
    ]
    for check in (_conformance.survives, _conformance.is_the_same_in_any_batch, _conformance.is_deterministic):
        check(Anonymize, cases)
    _conformance.changes_nothing_it_was_given(Anonymize, cases)


_TEXT = st.text(st.sampled_from('ab@.de \\n"{}[]:,1234é👍'), max_size=40)


@given(_TEXT, _TEXT)
def test_json_stays_json_and_all_else_stays_byte_for_byte(before: str, after: str) -> None:
    value = {"k": [before + " " + MAIL + " " + after, 1.0, {"in": json.dumps({"x": before + " " + MAIL})}]}
    text = json.dumps(value, ensure_ascii=len(before) % 2 == 0)
    new = run_step(anonymize(None, kinds=("email",)), [{"text": text}]).rows[0]["text"]
    assert MAIL not in new
    assert isinstance(json.loads(new), dict)
    quiet = json.dumps({"k": [before.replace("@", "")]})
    assert run_step(anonymize(None, kinds=("email",)), [{"text": quiet}]).rows[0]["text"] == quiet


@pytest.mark.parametrize("mode", ["tag", "surrogate"])
def test_real_mail_passes_the_second_look(data: Path, mode: str) -> None:
    with gzip.open(data / "aeslc-email" / "aeslc_dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = pl.DataFrame({"source.body": [json.loads(line)["body"] for line in file]})
    step = anonymize(mode=mode, region="US")
    done = step.judge(Frame.of(rows))
    assert done.changed is not None
    assert 200 < done.changed.sum() < 600
    assert Rescan([step.covers()])(pl.DataFrame(list(done.changes.values()))) == {}
    assert len(Rescan([step.covers()])(rows)) > 150


def test_a_name_of_which_a_part_is_known_goes_as_a_whole() -> None:
    rows = [{"prompt": "From: Imran Khan\n\nHello, when?", "response": "Soon.", "source.customer": "Moses Khan"}]
    done = run_step(anonymize(None, names=("customer",)), rows)
    assert done.column("messages")[0][0]["content"] == "From: [PERSON]\n\nHello, when?"
