"""Is a mail one that went to thousands: footers, links and tracking, weighed.

A mail that someone wrote to someone may have a link, a signature and a line of fine print. A newsletter has several kinds of
boilerplate (how to leave the list, how to see it in a browser, why one gets it, whose rights are reserved), or is made of links.
Each kind counts once.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text

if TYPE_CHECKING:
    from .kernels.patterns import Automaton

#: Kinds of boilerplate: what each weighs, and its phrases, in lower case.
KINDS: dict[str, tuple[float, str]] = {
    "leave": (
        0.5,
        "unsubscribe¦to opt out of¦to opt-out of¦wish to be removed¦want to be removed¦like to be removed¦to be removed from this¦to be removed from our"
        "¦to be removed from future¦to be removed, ¦removed from our mailing¦removed from this mailing¦removed from future mailings¦no longer wish to receive e¦no longer wish to receive this¦no longer wish to receive these¦no longer wish to receive future¦no longer wish to receive further¦no longer wish to receive our¦no longer wish to receive any¦no longer wish to receive more¦no longer wish to receive news¦no longer wish to receive mail¦do not wish to receive e¦do not wish to receive this¦do not wish to receive these¦do not wish to receive future¦do not wish to receive further¦do not wish to receive our¦do not wish to receive any¦do not wish to receive more¦do not wish to receive news¦do not wish to receive mail"
        "¦don't want to receive e¦don't want to receive this¦don't want to receive these¦don't want to receive future¦don't want to receive further¦don't want to receive our¦don't want to receive any¦don't want to receive more¦don't want to receive news¦don't want to receive mail¦do not want to receive e¦do not want to receive this¦do not want to receive these¦do not want to receive future¦do not want to receive further¦do not want to receive our¦do not want to receive any¦do not want to receive more¦do not want to receive news¦do not want to receive mail¦prefer not to receive¦would rather not receive¦no longer would like to receive¦cancel your subscription¦manage your subscription"
        "¦newsletter abmelden¦hier abmelden¦newsletter abbestellen¦newsletter ab¦abzubestellen¦keine weiteren e-mails¦désabonner¦désinscrire¦désinscription"
        "¦darse de baja¦darte de baja¦cancelar suscripción¦cancelar la suscripción¦anular la suscripción¦disiscri¦cancellarsi dalla¦annullare l'iscrizione"
        "¦cancelar inscrição¦cancelar a inscrição¦descadastrar¦afmelden voor¦hier afmelden¦uitschrijven¦wypisz się¦wypisać się¦zrezygnuj z subskrypcji¦zrezygnować z otrzymywania"
        "¦отписаться¦отказаться от рассылки¦avregistrera¦avsluta prenumeration¦avprenumerera¦afmeld nyhedsbrev¦leiratkoz¦aboneliğ¦odhlásit se z¦dezabona"
        "¦退订¦取消订阅¦配信停止¦登録解除¦購読解除¦수신거부¦수신 거부",
    ),
    "remove": (0.2, "opt out¦opt-out¦remove your name¦remove me from¦stop receiving¦update your profile¦leave this list¦abmelden¦abbestellen¦afmelden"),
    "browser": (
        0.3,
        "view in browser¦view in your browser¦view this email¦view this e-mail¦view this message in¦view online¦view it online¦view as a web page¦having trouble viewing"
        "¦trouble reading this¦can't see this e¦can't read this e¦read this online¦read it online¦if this e-mail is not displayed¦im browser¦online ansehen"
        "¦wird nicht richtig dargestellt¦nicht korrekt angezeigt¦dans votre navigateur¦version en ligne¦en su navegador¦en tu navegador¦nel browser¦nel tuo browser"
        "¦no navegador¦no seu navegador¦in je browser¦in uw browser¦w przeglądarce¦в браузере¦在浏览器中¦ブラウザで¦브라우저에서",
    ),
    "why": (
        0.3,
        "signed up to receive¦you are receiving this¦you're receiving this¦you received this e¦you received this message because¦you have received this e-mail because¦you have received this email because"
        "¦this message was sent to¦this email was sent to¦this e-mail was sent to¦this mailing was sent¦you are subscribed¦you're subscribed¦you are currently subscribed"
        "¦because you signed up¦because you subscribed¦because you registered¦because you have subscribed¦as a valued¦as a registered user¦you signed up for"
        "¦sie erhalten diese¦sie erhalten diesen newsletter¦du erhältst diese¦vous recevez ce¦recibe este correo¦recibes este¦hai ricevuto questa¦ricevi questa"
        "¦você está recebendo¦você recebeu este¦je ontvangt deze¦u ontvangt deze¦otrzymujesz¦вы получили это¦您收到此邮件¦このメールは¦본 메일은",
    ),
    "rights": (
        0.15,
        "all rights reserved¦copyright ©¦copyright (c)¦© 19¦© 20¦(c) 19¦(c) 20¦copyright 19¦copyright 20¦alle rechte vorbehalten¦tous droits réservés¦todos los derechos"
        "¦tutti i diritti¦todos os direitos¦版权所有¦無断転載",
    ),
    "policy": (
        0.15,
        "privacy policy¦privacy statement¦privacy notice¦terms of use¦terms of service¦terms and conditions¦datenschutz¦impressum¦politique de confidentialité"
        "¦mentions légales¦política de privacidad¦informativa sulla privacy¦política de privacidade¦privacybeleid¦polityka prywatności¦隐私政策¦プライバシーポリシー",
    ),
    "preferences": (
        0.2,
        "email preferences¦e-mail preferences¦manage preferences¦manage your preferences¦update preferences¦update your preferences¦change your preferences¦subscription preferences"
        "¦communication preferences¦einstellungen ändern¦gérer vos préférences¦gestionar preferencias¦gestisci le preferenze",
    ),
    "share": (
        0.15,
        "forward to a friend¦forward this e¦forward this newsletter¦follow us on¦like us on¦find us on¦join us on facebook¦add us to your address book¦to subscribe¦click here to subscribe"
        "¦subscribe to¦folgen sie uns¦suivez-nous¦síguenos¦seguici su¦siga-nos¦volg ons",
    ),
    "serial": (
        0.25,
        "dear member¦valued client¦valued customer¦newsletter, vol¦weekly publication¦monthly publication¦issue number¦, issue no¦newsletter vol¦weekly newsletter¦monthly newsletter¦our newsletter"
        "¦this newsletter¦in this issue¦this week's issue¦e-mailed weekly¦in dieser ausgabe¦unser newsletter¦dans ce numéro¦notre newsletter¦en este número¦in questo numero¦nesta edição"
        "¦in deze uitgave¦w tym numerze¦в этом выпуске",
    ),
    "reader": (
        0.5,
        "valued subscriber¦dear subscriber¦as a subscriber, you¦as a subscriber you¦dear valued¦dear reader¦dear customer¦opt-in subscriber¦subscribers, please"
        "¦liebe leserin¦liebe abonnent¦lieber abonnent¦liebe kundin¦sehr geehrte kundin¦chère abonnée¦cher abonné¦chère cliente¦cher client¦estimado cliente¦estimado suscriptor"
        "¦gentile cliente¦gentile abbonat¦caro cliente¦prezado cliente¦caro assinante¦beste klant¦beste abonnee¦geachte klant¦szanowny kliencie¦drogi czytelniku¦уважаемый клиент"
        "¦уважаемый подписчик¦尊敬的客户¦尊敬的用户¦亲爱的用户¦お客様各位¦고객님",
    ),
    "nobody": (
        0.3,
        "post-only¦do not reply to this e¦do not reply to this m¦do not respond to this m¦do not respond to this e¦please do not reply¦please do not respond¦this mailbox is not monitored"
        "¦this is an automated¦automatically generated¦received this reminder in error¦please disregard this¦nicht auf diese e-mail¦nicht auf diese nachricht¦automatisch generiert¦ne pas répondre"
        "¦no responda a este¦non rispondere a questa¦não responda a este",
    ),
    "offer": (
        0.15,
        "huge saving¦great saving¦save big¦hurry¦don't miss¦while supplies last¦discount¦special rate¦special price¦best deal¦great deal¦deals from¦early bird¦early booking¦complimentary¦trial subscription¦pleased to offer you¦like to offer you¦free!¦free trial¦free gift"
        "¦free information¦free report¦work from home¦per week!¦risk-free¦no obligation¦seats are limited¦space is limited¦register today¦register online¦register by¦make plans now¦read on for¦on sale¦sale ends¦"
        "click here¦click below¦click on the link¦shop now¦buy now¦order now¦order today¦act now¦limited time¦special offer¦free shipping¦save up to¦% off¦read more¦learn more¦sign up now¦register now¦full story"
        "¦jetzt kaufen¦hier klicken¦mehr erfahren¦weiterlesen¦cliquez ici¦en savoir plus¦haga clic¦haz clic¦leer más¦clicca qui¦leggi tutto¦clique aqui¦saiba mais¦klik hier¦kliknij¦点击这里¦立即购买",
    ),
    "track": (
        0.2,
        "utm_source¦utm_medium¦utm_campaign¦/unsubscribe¦/track/¦/click?¦/click/¦/open?¦list-manage¦mailchi¦sendgrid¦mailgun¦constantcontact¦campaign-archive¦?mc_cid¦trk=¦tracking?¦email.m",
    ),
}  # fmt: skip
#: How many links, and which share of the text in them, weigh what.
LINKY, LINKS_DENSE = 0.3, 0.25
PERSONAL = 0.3  # what it takes off that a mail is short, or quotes the one it answers
SHORT = 120  # bytes
_LEFT = re.compile(rb"unsubscribed", re.IGNORECASE)  # tells of someone, invites nobody
_ANSWER = re.compile(
    rb"^>|wrote:\s*$|-----Original Message|schrieb:\s*$|a \xc3\xa9crit ?:\s*$|escribi\xc3\xb3:\s*$", re.MULTILINE
)
OFFERS = (0.0, 0.15, 0.35)  # what a second and a third offer of another kind add


class Newsletter(NamedTuple):
    """Per row: the score (Float32, 0..1), the kinds of boilerplate found (null: none), and how many links there are."""

    score: pl.Series
    signs: pl.Series
    links: pl.Series


def find_newsletters(text: Text) -> Newsletter:
    """How much each mail looks like a newsletter."""
    from .kernels import links as kernel
    from .kernels.patterns import first_phrase
    from .kernels.phrase_list import list_phrases

    n = len(text.offsets) - 1
    figures = np.empty((n, kernel.FIGURES), np.int64)
    kernel.measure_links(text.data, text.offsets, figures)
    first = np.empty(n, np.int16)
    machine, lengths, kinds, weights = _machine()
    first_phrase(text.data, text.offsets, 1 << 62, machine, first)
    score = _link_score(figures)
    signs = pl.Series([None], dtype=pl.String).new_from_index(0, n)
    rows = np.flatnonzero(first >= 0)
    told = []
    seen = np.empty(len(lengths), np.bool_)
    names = list(KINDS)
    offer = names.index("offer")
    for i in rows.tolist():
        part = _LEFT.sub(b"", text.data[text.offsets[i] : text.offsets[i + 1]].tobytes())
        seen[:] = False
        list_phrases(np.frombuffer(part, np.uint8), machine, lengths, seen)
        found = sorted(set(kinds[seen].tolist()))
        score[i] += sum(weights[kind] for kind in found)
        score[i] += OFFERS[min(max(int((kinds[seen] == offer).sum()) - 1, 0), 2)]
        if len(part) < SHORT or _ANSWER.search(part):
            score[i] -= PERSONAL
        told.append(" ".join(names[kind] for kind in found))
    if told:
        signs = signs.scatter(rows, pl.Series(told, dtype=pl.String))
    return Newsletter(
        pl.Series(np.clip(score, 0, 1).round(2).astype(np.float32)),
        signs,
        pl.Series(figures[:, kernel.LINKS].astype(np.int32)),
    )


def _link_score(figures: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the links of each text weigh."""
    from .kernels import links as kernel

    links, words = figures[:, kernel.LINKS], np.maximum(figures[:, kernel.WORDS], 1)
    share = figures[:, kernel.LINK_BYTES] / np.maximum(figures[:, kernel.VISIBLE], 1)
    score = np.where((links >= 4) & (share >= 0.25), LINKY, 0.0)
    score = np.where((links >= 8) & (share >= 0.4), 2 * LINKY, score)
    return score + np.where((links >= 4) & (25 * links >= words), LINKS_DENSE, 0.0)


@cache
def _machine() -> tuple[Automaton, NDArray[np.int64], NDArray[np.int64], list[float]]:
    """The machine over all phrases, their lengths in bytes, the kind of each, and what each kind weighs."""
    from .kernels.patterns import automaton

    phrases: dict[bytes, int] = {}
    for kind, (_, listed) in enumerate(KINDS.values()):
        for phrase in listed.split("¦"):
            for one in (phrase, phrase.replace("'", "’"), phrase.capitalize() if not phrase.isascii() else phrase):
                folded = "".join(character.lower() if character.isascii() else character for character in one)
                phrases.setdefault(folded.encode(), kind)
    codes = list(phrases)
    lengths = np.array([len(code) for code in codes], np.int64)
    weights = [weight for weight, _ in KINDS.values()]
    return automaton(codes), lengths, np.array(list(phrases.values()), np.int64), weights
