"""filter.newsletter"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tamis.engine.newsletter import KINDS
from tamis.steps.filter.newsletter import Newsletter
from tamis.testing import run_step


def mail(text: str | None) -> dict[str, Any]:
    return {"prompt": text, "response": "Fine."}


#: Written for this test: mails as shops, papers and clubs send them.
NEWSLETTERS = [
    "Having trouble viewing this email? View in your browser.\n\nOur spring sale has begun: 30% off all shoes and boots until Sunday. Shop now!",
    "This week in the garden: tulips.\n\nYou are receiving this because you subscribed on our site. To unsubscribe, click here.",
    "Dear member,\n\nthe hall is closed in May and opens again in June with new floors and lamps.\n\nIf you no longer wish to receive e-mails from the club, write to us.",
    "Liebe Leserinnen und Leser,\n\ndie neuen Termine stehen fest. Mehr erfahren Sie auf unserer Seite.\n\nSie erhalten diesen Newsletter an ann@example.com. Hier klicken und vom Newsletter abmelden.",
    "Bonjour,\n\nles soldes commencent demain. En savoir plus : https://boutique.example/soldes?utm_source=lettre\n\nPour vous désinscrire, cliquez ici.",
    "Hola:\n\neste mes llegan los vinos nuevos. Haz clic para verlos.\n\nPuede darse de baja en cualquier momento. Política de privacidad.",
    "Ciao,\n\ni nuovi corsi partono a ottobre. Leggi tutto sul sito.\n\nHai ricevuto questa email perché sei iscritto. Clicca qui per cancellarsi dalla lista.",
    "Olá,\n\nas férias chegaram e os preços caíram. Saiba mais no nosso site.\n\nPara cancelar a inscrição, clique aqui. Todos os direitos reservados.",
    "Beste klant,\n\nde winkel is verhuisd naar de Dorpsstraat. Klik hier voor de route.\n\nU ontvangt deze mail als klant. Uitschrijven kan altijd.",
    "Cześć,\n\nnowa kolekcja już jest w sklepie. Kliknij i zobacz.\n\nOtrzymujesz tę wiadomość, bo masz u nas konto. Aby wypisać się z listy, odpowiedz.",
    "Здравствуйте!\n\nВ нашем магазине началась распродажа зимних курток и сапог.\n\nЧтобы отписаться от рассылки, перейдите по ссылке ниже. Вы получили это письмо по подписке.",
    "您好，\n\n春季新品已经上架，点击这里查看全部商品和价格，数量有限，先到先得，欢迎选购。\n\n如不想再收到此类邮件，请退订。",
    "新商品のお知らせです。詳しくはサイトをご覧ください。今月は送料が無料になります。どうぞご利用ください。\n\n配信停止をご希望の方はこちらへ。",
    "\n".join(f"Story {k}: https://news.example/2026/0{k}/a-long-title-of-a-story?utm_source=mail&utm_campaign=w{k}" for k in range(1, 9)),
]  # fmt: skip
#: … and as people write them, with all that looks alike.
MAILS = [
    "Hi Ann,\n\nthe plan is at https://docs.example/plan. Please look at page 3.\n\nBest regards,\nBob Lee\nSales, Example Ltd\nwww.example.com | +1 555 0100",
    "Please remove me from the distribution list of the Tuesday meeting, today is my last day.\n\nThanks for everything, and keep in touch,\nMark",
    "How do I unsubscribe from the building's list?",
    "Bill,\n\nhere are the four papers I told you of: https://a.example/1, https://b.example/2. The second is the best one, I think; the first has a good table of "
    "prices, and the third tells how they were collected. Read them before Thursday if you can.\n\nCarol",
    "Team,\n\nthe privacy policy needs a new paragraph about cookies before Friday. Legal has sent a draft; please comment in the file.\n\nThanks,\nDana",
    "Would you like to opt out of the dental plan? The form is due on Monday, and HR needs your signature on page two.\n\nErin",
    "> To unsubscribe, write to list-leave@example.org\n\nI agree with you: the second patch is better. On the build server it fails only because the cache is old.",
    "This message is confidential. If you are not the intended recipient, please tell the sender and delete it.\n\nThe meeting moves to room 4. Bring the slides.",
    "Sehr geehrte Frau Lang,\n\nich möchte mein Kind vom Sportunterricht abmelden, weil es sich den Fuß gebrochen hat. Ein Attest liegt bei.\n\nMit freundlichen Grüßen\nK. Wolf",
    "我们周五下午三点开会，地点是四楼会议室，请带上报告。如果有问题，请给我打电话。谢谢！",
    "Geoff unsubscribed from the band's group today. He is moving to Lisbon in May, so let us meet before he goes and give him the guitar.",
]
CASES: list[Any] = [
    *(({}, mail(text), "newsletter") for text in NEWSLETTERS),
    *(({}, mail(text), "kept") for text in MAILS),
    ({"in": "text"}, {"text": NEWSLETTERS[1]}, "newsletter"),
    ({"min_score": 1.0}, mail(NEWSLETTERS[2]), "kept"),
    ({}, mail(""), "kept"),
    ({}, mail(None), "kept"),
]


def test_what_tells_is_told() -> None:
    evidence = run_step(Newsletter(), [mail(NEWSLETTERS[1]), mail(MAILS[0])]).evidence
    assert evidence[0]["signs"].split() == ["leave", "why", "offer"]
    assert evidence[1] == {"score": 0, "signs": None, "links": 2}


def test_a_personal_mail_that_quotes_a_footer_is_less_sure() -> None:
    bare, answer = run_step(Newsletter(), [mail(MAILS[6].removeprefix("> ")), mail(MAILS[6])]).evidence
    assert answer["score"] < 0.5 <= bare["score"]


def test_phrases_are_lower_case() -> None:
    for _, phrases in KINDS.values():
        assert phrases == phrases.lower()
        assert all(phrases.split("¦"))


PARTS = ("tuned", "held_out")


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("Dear Subscriber: from June 16 the full text is there for you, every morning, with all tables. " * 2, "reader"),
        ("We have sent you a reminder of the talk. Seats are limited, so register today! If you have received this reminder in "
         "error, please disregard this message, we shall not write again.", "nobody offer"),
        ("Cruises! Special offer: Hawaii, limited time. Hurry and call the office on the third floor, there are only ten "
         "places left on the boat this year and none the next.", "offer"),
    ],
)  # fmt: skip
def test_a_salutation_to_readers_or_three_offers_are_enough(text: str, signs: str) -> None:
    result = run_step(
        Newsletter(),
        [mail(text), mail(text.replace("Subscriber", "Ann").replace("Hurry", "Go").replace("register today", "come"))],
    )
    assert (result.outcomes[0], result.evidence[0]["signs"]) == ("newsletter", signs)
    assert result.outcomes[1] == "kept"


def test_real_mails_of_an_office_stay(data: Path) -> None:
    """Of 16,396 mails few are newsletters; those dropped were read, and the docs tell what they are."""
    folder = data / "aeslc-email"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    lines = [
        line
        for name in ("dev", "train")
        for line in gzip.decompress((folder / f"aeslc_{name}.jsonl.gz").read_bytes()).decode().split("\n")
        if line
    ]
    outcomes = run_step(Newsletter(), [mail(json.loads(line)["body"]) for line in lines]).outcomes
    assert len(outcomes) == 16396
    assert 155 <= outcomes.count("newsletter") <= 175
    # mails that a first version kept though a word or four links speak of a list, labelled by reading them
    dropped = {json.loads(line)["id"] for line, outcome in zip(lines, outcomes, strict=True) if outcome == "newsletter"}
    with (Path(__file__).parent / "newsletter_labels.csv").open(encoding="utf-8") as file:
        labelled = list(csv.DictReader(file))
    right = {
        part: [row["newsletter"] for row in labelled if row["part"] == part and row["id"] in dropped] for part in PARTS
    }
    assert {part: found.count("1") for part, found in right.items()} == {"tuned": 21, "held_out": 5}
    assert {part: found.count("0") for part, found in right.items()} == {"tuned": 1, "held_out": 0}
