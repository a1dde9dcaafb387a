"""clean.email"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.clean.email import Email
from tamis.testing import run_step

CASES = [
    ({}, [{"prompt": "Hi\n\n-- \nBob"}, {"prompt": "Hi"}, {"prompt": None}], ["kept", "kept", "kept"]),
    ({"in": ["column:body", "prompt"], "disclaimers": False}, {"prompt": "ok\n> no", "body": "x"}, None),
]
NOTICE = (
    "CONFIDENTIALITY NOTICE: This e-mail is intended only for the person named above.\n"
    "If you have received it in error, please delete it; any disclosure is prohibited."
)


def cleaned(text: str, **settings: Any) -> str:
    result = run_step(Email(**settings), [{"prompt": text}])
    content: str = result.column("messages")[0][0]["content"]
    assert result.changed == [content != text]
    return content


@pytest.mark.parametrize(
    "tail",
    [
        "> quoted\n>> more",
        "On Mon, 3 May 2021 at 10:02, Bob Lee <bob@x.org> wrote:\n> quoted\n>\n> lines",
        "On Mon, 3 May 2021 at 10:02, Bob Lee\n<bob@x.org> wrote:\n\n> quoted",
        "Bob Lee <bob@x.org> writes:\n> quoted",
        "On 5/3/2021 10:02, Bob wrote:\n\nno mark before the quote\nnor here",
        "-----Original Message-----\nFrom: Bob\nSent: today\n\nHello",
        "________________________________\nFrom: Bob Lee <bob@x.org>\nSent: Monday\nTo: Ann\nSubject: Re: x\n\nHello",
        "Von: Bob\nGesendet: Montag\nAn: Ann\nBetreff: AW: x\n\nHallo",
        "Am 03.05.2021 um 10:02 schrieb Bob Lee:\n> zitiert",
        "-------- Ursprüngliche Nachricht --------\nVon: Bob\nHallo",
        "Le lun. 3 mai 2021 à 10:02, Bob <bob@x.org> a écrit :\n> cité",
        "De : Bob\nEnvoyé : lundi\nÀ : Ann\nObjet : RE: x\n\nBonjour",
        "El 3/5/2021 a las 10:02, Bob escribió:\n> citado",
        "De: Bob\nEnviado el: lunes\nPara: Ann\nAsunto: RE: x\n\nHola",
    ],
)
def test_quotes_are_cut(tail: str) -> None:
    assert cleaned(f"Yes, Tuesday suits me.\n\n{tail}") == "Yes, Tuesday suits me."
    assert cleaned(f"Yes, Tuesday suits me.\n\n{tail}", quotes=False) != "Yes, Tuesday suits me."


def test_answers_between_quotes_stay() -> None:
    text = "Bob wrote:\n> First?\nYes.\n\n> Second?\nNo.\n> Third?"
    assert cleaned(text) == "Yes.\n\nNo."


@pytest.mark.parametrize(
    "tail",
    [
        "-- \nAnn Lee\n+1 555 0100\nannlee@example.org",
        "--\nAnn",
        "Sent from my iPhone",
        "Get Outlook for iOS",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Best regards,\nAnn Lee\nHead of Sales\nTel. 555 0100",
        "Thanks.\nSara",
        "Mit freundlichen Grüßen\n\nAnn Lee\nVertrieb",
        "Cordialement,\nAnn Lee",
        "Un saludo,\nAna de la Torre",
        "Kind regards,\n\nAnn van der Lee\n\nSent from my iPhone",
    ],
)
def test_signatures_are_cut(tail: str) -> None:
    assert cleaned(f"The order is late.\n\n{tail}") == "The order is late."
    assert cleaned(f"The order is late.\n\n{tail}", signatures=False) == f"The order is late.\n\n{tail}"


@pytest.mark.parametrize(
    "text",
    [
        "Hello.\n\nThanks,\nI will call you tomorrow about the open order.",
        "Hello.\n\nBest,\nhowever you look at it, is the enemy of good.",
        "Hello.\n\nRegards.\nIs Sara there?",
        "Options:\n--\nfirst\n" + "and a long line of text that goes on for more than a signature would\n" * 9,
        "He wrote: it is late.\nI agree.",
        "A review.\n\nOn page 3 the author wrote:\nwe are all one.",
        "Mind the step.\n>From here on it is dark.",
        "Hello.\n\nThanks,\nAnn Lee\nPlease bring the report to the meeting.",
        "Hello.\n\nRegards,\nAnn Lee\nWill you come?",
        "The clinic keeps its files confidential, as the law asks of every clinic in the land.\nSo do we.",
        "Read it.\n\nThis message was intended for you, and for you alone, and I hope that it finds you well.",
        "From: here\nto there it is far.\n\nFrom: there\nit is near.",
        "This message is confidential.",
        "a > b\n  and b > c",
        "```\n> ls\n```\nshows the files",
        "- one\n-- two\n--- three",
        "Thanks!",
        "Hello",
        "",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "notice",
    [
        NOTICE,
        f"*****\n{NOTICE}\n*****",
        "Diese E-Mail ist vertraulich und nur für den Empfänger bestimmt.\n"
        "Wenn Sie diese Nachricht irrtümlich erhalten haben, löschen Sie sie bitte. Jede Weitergabe ist verboten.",
        "Ce message est confidentiel et réservé à son destinataire.\n"
        "Si vous avez reçu ce message par erreur, merci de le détruire ; toute diffusion est interdite.",
        "Este mensaje es confidencial y va dirigido a su destinatario.\n"
        "Si lo ha recibido por error, bórrelo; su difusión está prohibida.",
    ],
)
def test_disclaimers_are_cut(notice: str) -> None:
    assert cleaned(f"See you at ten.\n\n{notice}") == "See you at ten."
    assert cleaned(f"See you at ten.\n\n{notice}\n\nThanks,\nAnn") == "See you at ten."
    assert cleaned(f"See you at ten.\n\nThanks,\nAnn\n\n{notice}") == "See you at ten."
    assert cleaned(f"See you at ten.\n\n{notice}", disclaimers=False) == f"See you at ten.\n\n{notice}"


def test_lines_above_a_notice_in_its_paragraph_stay() -> None:
    assert cleaned(f"See you at ten.\nBring the files.\n{NOTICE}") == "See you at ten.\nBring the files."


def test_a_mail_of_which_nothing_would_be_left_is_left_whole() -> None:
    rows = [{"prompt": "> all of it\n> is quoted"}, {"prompt": NOTICE}, {"prompt": "-- \nAnn"}, {"prompt": "Yes\n> no"}]
    result = run_step(Email(), rows)
    assert result.changed == [False, False, False, True]
    assert [evidence["left_whole"] for evidence in result.evidence] == [1, 1, 1, 0]
    assert result.evidence[0] == {"quotes": 0, "signatures": 0, "disclaimers": 0, "left_whole": 1}


def test_evidence_counts_characters_by_kind() -> None:
    mail = f"Fine.\n> why\n\nBest,\nAnn\n\n{NOTICE}"
    result = run_step(Email(), [{"prompt": mail, "response": "ok\n> x"}])
    assert [message["content"] for message in result.column("messages")[0]] == ["Fine.", "ok"]
    found = result.evidence[0]
    assert found == {"quotes": 6 + 4, "signatures": 6 + 4 + 1, "disclaimers": len(NOTICE) + 1, "left_whole": 0}


def test_line_ends_of_windows() -> None:
    assert cleaned("Yes.\r\n\r\n-- \r\nAnn\r\n") == "Yes."
    assert cleaned("Yes.\r\n\r\nThanks,\r\nAnn\r\n") == "Yes."


def test_cutting_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing would be cut"):
        Email(quotes=False, signatures=False, disclaimers=False)


@pytest.mark.parametrize(
    "piece",
    ["> ", "On 1 wrote:\n", "From: x\n", "a\n\n", "Thanks,\n", "x wrote:\n", "this email confidential\n", "-- \n", "-"],
)
def test_long_rows(piece: str) -> None:
    assert cleaned("Hi\n" + piece * (100_000 // len(piece))) != ""


def test_real_mails_keep_their_message(data: Path) -> None:
    """Mails of a company: what is cut is a small part, and no mail is emptied."""
    path = data / "aeslc-email" / "aeslc_dev.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}")
    rows = [
        {"text": json.loads(line)["body"]} for line in gzip.decompress(path.read_bytes()).decode().split("\n") if line
    ]
    result = run_step(Email(), rows)
    before, after = (
        ["".join(row["text"].split()) for row in rows],
        ["".join(row["text"].split()) for row in result.rows],
    )
    assert all(new or not old for old, new in zip(before, after, strict=True))
    assert 20 < sum(result.changed) < len(rows) / 10
    cut = [1 - len(new) / len(old) for old, new, hit in zip(before, after, result.changed, strict=True) if hit]
    assert sorted(cut)[len(cut) // 2] < 0.2
