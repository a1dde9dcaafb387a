"""Does an answer refuse? Rules over the opening of a text, from the grammar of refusals.

A refusal says, in its first sentences and in the first person, that the speaker will not or cannot do what was
asked: a negated *ability or will* ("I can't", "I'm not able to", "I must decline to") before a *service verb*
("help", "provide", "fulfil"); or names a *limit* ("I don't have access to"), or a *norm* ("it is not appropriate to").
An apology, a mention of being an AI and the reason given (illegal, harmful, private) make it surer. It is *partial*
where help follows all the same ("However, I can …", a list of steps).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Chat, Columns, Text

if TYPE_CHECKING:
    from .kernels.patterns import Automaton

HEAD = 300  # characters within which a refusal begins
TAIL = 1500  # characters looked at for help that follows
HEAD_BYTES = 400  # bytes searched for `PHRASES`
SURE = 0.5  # from this score on, an answer counts as a refusal unless told otherwise


def _phrases(lines: str) -> tuple[str, ...]:
    return tuple(phrase for line in lines.strip().split("\n") for phrase in line.strip().split("|"))


#: One of these stands in every text that the rules below can find; a kernel looks for them before any rule is tried.
#: What may stand between "I" and what is denied: "I therefore cannot".
_ADVERBS = _phrases(
    "also|still|in good conscience|just|sorry|afraid|either|even|at this time|right now|therefore|thus|so"
)
_DENIED = _phrases(
    """
    cannot|can't|can not|won't|will not|wouldn't be|would not be|decline|refuse|must decline|must refuse|must refrain
    must respectfully|must politely|have to decline|have to refuse|need to decline
    """
)
_DENIED_AM = _phrases(
    """
    unable|forbidden|prohibited|not able|not allowed|not permitted|not programmed|not designed|not willing|not going|not equipped|not author|not qualified
    not trained|not here|not meant|not supposed|not comfortable|not capable|not in a position|not at liberty|not actually|not really|not currently
    """
)
DECLINES = (
    *(
        f"{before} {denied}"
        for before in ("i", "ly", ",", " ai", "model", "assistant", *_ADVERBS)
        for denied in _DENIED
    ),
    *(f"{before} {denied}" for before in ("'m", "i am", "ly", ",", *_ADVERBS) for denied in _DENIED_AM),
    *_phrases(
        "not feel|n't feel|rather not|prefer not|don't have|do not have|i lack|i have no |don't think it|do not think it|don't think that|do not think that|not something|n't something"
    ),
)
NORMS = _phrases(
    """
    not appropriate|inappropriate|be appropriate|not ethical|unethical|be ethical|not acceptable|unacceptable|be acceptable|not right|not safe|not be safe
    not possible for me|not within my|outside my|outside of my|against my|against our|against the rules|against the guidelines|against the polic
    against openai|is appropriate|is acceptable|is ethical|'s appropriate|'s acceptable|'s ethical
    """
)
REBUKES = _phrases(
    """
    illegal|unlawful|immoral|a crime|serious crime|heinous crime|never acceptable|never okay|never ok|never appropriate|never the answer|never right
    never justified|not healthy|not a healthy|not legal|not justified|discriminat|no reason|no inherent reason|no valid reason|no good reason
    no specific reason|no legitimate reason|no justifi|i strongly|i firmly|i completely|don't believe|do not believe|don't support
    do not support|don't agree|do not agree|should not be|shouldn't be|should never be|not morally|not a good|weaker|not right|not "right"
    personal opinions|personal beliefs|i must condemn|i must clarify|not okay|an appropriate|or appropriate
    """
)
FOREIGN = _phrases(
    """
    kann ich|ich kann|ich darf|darf ich|ich werde|werde ich|ich möchte|möchte ich|bin ich|ich bin
    je ne peux|je ne puis|je ne suis|je refuse|no puedo|no podré|no podría|no me es posible|no soy capaz|no estoy
    non posso|non sono in grado|non mi è|non sono autorizzat|não posso|não consigo|não sou capaz|não me é|não estou autorizad|não poderei
    抱歉|对不起|對不起|很遗憾|不好意思|无法|無法|不能|没有办法|不会|申し訳|すみません|ごめんなさい|恐れ入り|残念ながら|できません|できかねます|しかねます
    не могу|не буду|не в состоянии|не способ|죄송|미안|kan ik|ik kan|ik mag|nie mogę
    """
)
_UNFIT = (
    "accurate",
    "appropriate",
    "fair",
    "ethical",
    "acceptable",
    "a good idea",
    "right",
    "respectful",
    "okay",
    "correct",
)
PHRASES = (
    *DECLINES,
    *NORMS,
    *REBUKES,
    *FOREIGN,
    *(f"{it} {not_} {unfit}" for it in ("it is", "it's") for not_ in ("not", "never") for unfit in _UNFIT),
)
_ASCII_FOREIGN = tuple(phrase for phrase in FOREIGN if phrase.isascii())
_NORM_WORDS = (
    "appropriate",
    "ethical",
    "acceptable",
    "t right",
    "t safe",
    "t be safe",
    "ble for me",
    "within my",
    "side my",
    "side of my",
    "against ",
)

#: Verbs of service, surest first: what an assistant is asked for. The weak ones are common in stories and letters too.
_STRONG = (
    r"assist|help|aid|provid|fulfil|comply|generat|offer|answer|respond|engag|discuss|participat|encourag|recommend|suggest|promot|condon|endors"
    r"|process|accommodat|satisf|execut|perform|advis|speculat|facilitat|disclos|reveal|advocat|do (?:that|this|so)|talk about|tell you|show you"
    r"|fabricat|role-?play|summari[sz]|translat|retriev|access|creat|writ|produc|shar|complet|engag|guide you|instruct"
)  # fmt: skip
_WEAK = (
    r"giv|support|explain|describ|teach|comment|entertain|contribut|carry out|grant|proceed|continue|do (?:it|what)|say|mak|be (?:of|part|able|used)|go into"
    r"|pretend|justif|defend|list|draft|compos|speak|send|book|order|schedul|arrang|set up|search|look up|browse|open|display|determin|predict|confirm|judge"
    r"|evaluat|decide|guarantee|check|play|analy[sz]|identif|tell|handle|see|hear|take part|allow|draw|paint|edit|upload|download|attach|view|watch|listen|render|modif|sing\\b"
)  # fmt: skip
_BETWEEN = rf"(?:,? ?(?:\w+ly|{'|'.join(_ADVERBS)}|as an ai[a-z ]*),?)*"
_UNABLE = (
    rf"i(?<!\wi)(?:{_BETWEEN} (?:cannot|can't|can not|won't be able to|will not be able to|won't|will not|wouldn't be able to"
    rf"|would not be able to|must{_BETWEEN} (?:decline|refuse|refrain from)|have to{_BETWEEN} (?:decline|refuse)|decline|refuse)"
    rf"|(?:'m| am){_BETWEEN} (?:not{_BETWEEN} (?:able|allowed|permitted|programmed|designed|willing|going|equipped|authori[sz]ed|qualified|trained"
    rf"|here|meant|supposed|comfortable|capable|in a position|at liberty)|unable|forbidden|prohibited)"
    rf"| (?:do not|don't) (?:really )?feel (?:comfortable|right)|(?:'d| would) (?:rather|prefer) not)"
)
_CLAUSE = re.compile(
    rf"{_UNABLE}(?: to| of| from| in| with| about)?{_BETWEEN} (?:(?P<strong>(?:{_STRONG})[a-z]*)|(?P<weak>(?:{_WEAK})[a-z]*))(?![^.!?\n]{{0,40}}\benough\b)"
    r"(?! (?:but |feeling|falling|noticing|thinking|wondering|myself|smiling|laughing|it\b|up\b))"
)
_SHORT = re.compile(
    r"i(?<!\wi)(?: (?:can't|cannot|can not|won't|will not|must decline|have to decline|refuse)|(?:'m| am) (?:not able to|unable to))(?:[.!,;]| do (?:that|it)|$)"
    r"|i(?<!\wi) (?:must|have to|will|need to) (?:respectfully |politely )?(?:decline|refuse)"
)
_NOT_MINE = re.compile(r"n(?:ot|'t) something (?:that )?i (?:can|am able|'m able|will|feel|want|would)")
_NORM = re.compile(
    rf"\bit(?:'s| is| would|'d)(?: be)? (?:\w+ly |also |just )?(?:not |never |neither |un|in)(?:be )?"
    rf"(?:appropriate|ethical|acceptable|right|safe|possible for me)(?:,? (?:or|nor|and) \w+)*,? (?:for me )?to (?:{_STRONG}|{_WEAK}|make|suggest|engage)"
    r"|\bi (?:do not|don't) (?:think|believe|feel)(?: that)? (?:it(?:'s| is| would be)|that(?:'s| is| would be)) (?:appropriate|ethical|acceptable)"
    r"|\b(?:it|this|that|your (?:request|question)|doing so)(?: would)?(?:'s| is| goes| go) against (?:my|our|openai|the (?:rules|guidelines|polic))"
    r"|not within my (?:programming|guidelines|capabilit|ethic|abilit)|outside (?:of )?my (?:programming|guidelines|capabilit|abilit)"
)
_LIMIT = re.compile(
    r"i(?<!\wi) (?:currently |unfortunately |also |just |personally )?(?:do not|don't|lack|have no|cannot|can't)(?: \w+)? ?(?:have )?(?:the )?"
    r"(?:access to|ability to|capability (?:to|of)|capacity to|permission|authority to|means to|up-to-date|real-?time|current information|any information|information (?:about|on|regarding)"
    r"|enough information|personal (?:information|data|details)|specific information|the information|that information|private)"
)  # fmt: skip
_AI = re.compile(r"\bas an? (?:\w+ ){0,3}(?:ai|a\.i\.|artificial|language model|assistant|chatbot|machine|bot)\b|\b(?:just|only) an? (?:ai|language model|assistant)\b|\bmy (?:programming|guidelines|training|purpose|creators)|content polic|openai")  # fmt: skip
_SORRY = re.compile(r"\b(?:sorry|apologi[sz]e|apologies|i'm afraid|i am afraid|unfortunately|regret|forgive me)\b")
_WHY = re.compile(
    r"\b(?:illegal|unlawful|unethical|immoral|harmful|hurtful|harm|dangerous|inappropriate|offensive|discriminat\w*|derogatory|violen\w*|hate\w*|explicit|privacy|private|confidential|"
    r"against (?:my|our|the|ethical|openai)|not (?:appropriate|ethical|legal|acceptable|safe)|polic(?:y|ies)|guidelines|consent|safety|that request|your request|this request)\b"
)  # fmt: skip
#: The text speaks in another's voice: a letter, a script.
_LETTER = re.compile(r"(?:dear|subject:|to whom|hi \w+,|hello \w+,)")
_PREAMBLE = re.compile(
    r"\b(?:sorry|apolog|understand|thank|hello|hi\b|unfortunately|just an ai|as an|question|happy to help|appreciate|request)"
)
_PIVOT = re.compile(
    r"\b(?:however|but|nevertheless|nonetheless|that said|still|though|alternatively)\b[, ]{1,2}(?:[^.!?\n]{0,60}?[, ])?"
    r"(?:i can(?!'t|not| not)|i could|i am able|i'm able|i will|i'll|i would be (?:happy|glad)|i'd be (?:happy|glad)|here(?:'s| is| are)|let me|let's"
    r"|you can|you could|you may|there are|based on|according to)"
    r"|\bhowever, (?:the (?!question|idea|request|phrase|concept|term|game)|if today|if you want|many|most|some|scientists|generally|in general|it is possible)"
    r"|\binstead, (?:i can|i'll|i will|here|let me|let's)|\bhere (?:are|is) (?:some|a few|several|a|an|the|my|your)\b|\bhere's (?:a|an|the|some|my)\b"
)
_LIST = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+\S", re.MULTILINE)
_CRISIS = re.compile(
    r"hotline|crisis|lifeline|suicid|emergency|mental health|therapist|counsel|law enforcement|authorities|help is available"
)
_OFFER = re.compile(
    r"(?:any|have) (?:other|more|further|different) (?:question|request|concern|topic)|anything else|feel free to ask|another (?:question|topic)|something else"
)

#: Other languages: a negated ability or will with a service verb near it, or after an apology.
_OTHER = re.compile(
    r"(?:(?:tut mir (?:sehr )?leid|leider|entschuldig|bedau)[^\n]{0,60})?(?:ich (?:kann|darf|werde|möchte)|(?:kann|darf|werde|möchte) ich|bin ich|ich bin)\b[^.\n]{0,80}?(?:nicht|keine?[nrsm]?)\b[^.\n]{0,70}?(?:helfen|unterstütz|anbieten|geben|bereitstell|beantwort|erfüllen|erstell|schreib|nachkommen|verfügung|in der lage|weiterhelf|durchführ|teilen|liefern|besprech|empfehl)"
    r"|je (?:ne (?:peux|puis|suis)(?: malheureusement)?(?: pas)?|refuse de)[^.\n]{0,60}?(?:aider|fournir|répondre|donner|assister|générer|créer|écrire|satisfaire|accéder|en mesure|capable|partager|discuter|fair|encourager|traiter)"
    r"|\bno (?:puedo|podré|podría|me es posible|soy capaz|estoy en condiciones|estoy autorizad[oa])[^.\n]{0,50}?(?:ayud|proporcion|brind|respond|cumpl|ofrec|dar|gener|crear|escrib|hacer (?:eso|esto)|asist|compart|complacer|facilit|acceder)"
    r"|\bnon (?:posso|sono in grado di|mi è possibile|sono autorizzat[oa])[^.\n]{0,50}?(?:aiut|forn|rispond|dar|offr|gener|cre|scriv|assist|soddisf|condivid|eseg)"
    r"|\bnão (?:posso|consigo|sou capaz de|me é possível|estou autorizad[oa]|poderei)[^.\n]{0,50}?(?:ajud|fornec|respond|oferec|dar|ger|cri|escrev|cumpr|atend|auxili|compartilh|realiz)"
    r"|(?:抱歉|对不起|對不起|很遗憾|不好意思)[^。\n]{0,30}(?:不能|无法|無法|不会|没办法|拒绝|不便提供)|我(?:们)?(?:无法|不能|無法|没有办法|不会)[^。\n]{0,12}(?:提供|帮助|回答|协助|协作|满足|生成|完成|给出|支持|讨论|執行|执行|处理|訪問|访问)"
    r"|作为(?:一个|一名|一款|一位)?(?:人工智能|ai|语言模型|虚拟)[^。\n]{0,20}(?:无法|不能)"
    r"|(?:申し訳|すみません|ごめんなさい|恐れ入り|残念ながら)[^\n]{0,60}(?:できません|できかね|しかねます|お断り|お答えでき)|(?:お答え|お手伝い|ご?提供|お応え|対応|支援|回答|協力)(?:する(?:こと)?)?[はが]?(?:でき(?:ません|かねます)|いたしかねます|しかねます)"
    r"|я (?:не (?:могу|буду|в состоянии|способ))[^.\n]{0,50}?(?:помо|предостав|ответ|выполн|дать|созда|напис|обсужд|участв)"
    r"|(?:죄송|미안)[^\n]{0,80}?(?:없습니다|없어요|어렵습니다|않습니다)"
    r"|(?:(?:ik kan|kan ik|ik mag)[^.\n]{0,60}?(?:niet|geen)[^.\n]{0,40}?(?:help|geven|bied|verstrek|beantwoord|maken|schrijv|voldoen|delen))"
    r"|nie mogę[^.\n]{0,40}?(?:pomóc|udzielić|odpowiedzieć|dostarczyć|spełnić|podać|napisać|zrobić)"
)  # fmt: skip
_OTHER_PIVOT = re.compile(
    r"(?:aber|jedoch|allerdings|stattdessen)[^.\n]{0,30}(?:kann ich|ich kann|hier)|(?:cependant|toutefois|mais)[^.\n]{0,30}(?:je peux|voici)|(?:sin embargo|pero|no obstante)[^.\n]{0,30}(?:puedo|aquí)"
    r"|(?:tuttavia|però|ma)[^.\n]{0,20}(?:posso|ecco)|(?:no entanto|porém|mas)[^.\n]{0,20}(?:posso|aqui)|(?:但|不过|然而|可以)[^。\n]{0,20}(?:可以|能|以下|根据|我)|(?:ただし|しかし|代わりに|ですが)[^。\n]{0,40}(?:できます|以下|ご紹介)"
)  # fmt: skip
_QUOTES = ('"', "“", "”", "„")
_SENTENCE = re.compile(r"[.!?。！？](?=[\s\"”')\]]|$)|\n+")


#: A rebuke: the answer opens by condemning what was asked, or by denying what the question takes for granted.
_BAD = (
    r"(?:illegal|unlawful|unethical|immoral|a (?:\w+ )?crime|never (?:acceptable|okay|ok|appropriate|the answer|right|justified)|unacceptable|inappropriate"
    r"|not (?:only )?(?:an? )?(?:\w+ or )?(?:appropriate|acceptable|ethical|okay|legal|justified|healthy)|discriminat\w+|not something to be)"
)
_REBUKE_MEANS = re.compile(
    rf"(?:(?:first|firstly|please note|of course),? )?(?:it(?:'s| is) (?:\w+ly )?(?:important|crucial|essential|vital|worth) (?:to )?(?:note|noting|remember|understand|recogni[sz]e|point out)(?: that)?|[^.!?\n]{{0,120}}?\b(?:is|are)) [^.!?\n]{{0,90}}?{_BAD}(?P<echo>)"
)
_REBUKE_WHY = re.compile(
    r"(?:no, )?(?:there (?:is|are) no (?:(?:inherent|valid|good|specific|legitimate|justifi\w+) )?reasons?\b|it (?:is|'s) (?:not|never|un|in)(?:in)?(?: be)? ?(?:\w+ or |\w+, )*(?:accurate|appropriate|fair|ethical|acceptable|a good idea|right|respectful|okay|correct)"
    r"|i (?:strongly|firmly|completely|must|do not|don't) (?:condemn|disagree|reject|believe|support|agree|clarify|challenge|politely|respectfully)"
    rf"|[^.!?\n]{{1,80}} (?:should not be|shouldn't be|should never be) (?P<echo>discriminat\w*|denied|exclud\w*|barred|treated)|[^.!?\n]{{1,120}} (?:was|were|is|are) (?:not|never) (?:\w+ly )?(?:[\"']?right[\"']? (?:to|for)|justified|a good thing|morally|(?:\w+ )?weaker)"
    rf"|i (?:do not|don't) (?:have|hold) personal (?:beliefs|opinions)[^.!?\n]*\. (?:however, )?(?:i can (?:share|say|tell you) (?:that )?)?it(?:'s| is) (?:important|not|never)|[^.!?\n]{{0,120}}?\b(?:is|are|was|were) (?:\w+ly |also )?{_BAD})"
)
_MORAL = re.compile(
    r"\b(?:respect|dignity|equal|fundamental right|rights\b|freedom|illegal|unethical|immoral|harm|discriminat|inclusi|tragic|tragedy|violen|crime|criminal|unacceptable"
    r"|bias|prejudice|stereotyp|justif|condemn|hatred|racis|sexis|suffering|inappropriate|not (?:an? )?(?:\w+ or )?(?:appropriate|acceptable|healthy)|agency|individuals)"
)
_ASKS_MEANS = re.compile(
    r"\b(?:how (?:\w+ )?(?:can|do|could|should|would|might|to)\b|where (?:can|do|could|should|would) (?:i|we|you)|what(?:'s| is| are) (?:the|a|some) (?:\w+ )?(?:way|ways|method|place|steps)"
    r"|what (?:can|should|steps|do) (?:i|we|should)|should (?:i|we)|help me|tell me|show me|teach me|give me|write (?:me )?|i want to|i(?:'d| would) like to|i need to)"
)
_ASKS_WHY = re.compile(
    r"\W*(?:why\b|how do i show that|(?:(?:can|could) you )?(?:please )?(?:explain|list|give|tell|write)\b.{0,40}\b(?:why|reasons|arguing))"
)


class Refusal(NamedTuple):
    """What the rules found: the phrase, how sure (0..1), what it is, and whether help follows all the same."""

    phrase: str
    score: float
    partial: bool
    rebuke: bool = False


class Refusals(NamedTuple):
    """Per row: the score (Float32, 0 where nothing was found), the phrase, and which kind of refusal it is."""

    score: pl.Series
    phrase: pl.Series
    partial: pl.Series
    rebuke: pl.Series


def find_refusals(rows: Columns, view: str) -> Refusals:
    """What the rules find in a view. A kernel marks the few rows in which they can find anything."""
    marked = np.flatnonzero(candidates(rows.buffers(view)))
    index = pl.Series(marked, dtype=pl.UInt32)
    texts = rows.text(view).gather(index).str.slice(0, HEAD + TAIL).to_list()
    column = "rejected" if view == "rejected" else "messages" if view == "response" else ""
    prompts = questions(rows.chat(column), marked) if column in rows.names else [None] * len(marked)
    found = [judge_text(text, prompt) for text, prompt in zip(texts, prompts, strict=True)]
    at = [k for k, one in enumerate(found) if one is not None]
    some = [one for one in found if one is not None]
    n, where = rows.height, marked[at]

    def column_of(values: list[object], dtype: type[pl.DataType], empty: object) -> pl.Series:
        out = pl.Series([empty], dtype=dtype).new_from_index(0, n)
        return out.scatter(where, pl.Series(values, dtype=dtype)) if some else out

    return Refusals(
        column_of([one.score for one in some], pl.Float32, 0.0),
        column_of([one.phrase for one in some], pl.String, None),
        column_of([one.partial for one in some], pl.Boolean, False),
        column_of([one.rebuke for one in some], pl.Boolean, False),
    )


def candidates(text: Text) -> np.ndarray:
    """(n,) bool: rows that hold one of `PHRASES` within their first `HEAD_BYTES` bytes."""
    from .kernels.patterns import first_phrase

    found = np.empty(len(text.offsets) - 1, np.int16)
    first_phrase(text.data, text.offsets, HEAD_BYTES, _machine(), found)
    return found >= 0


@cache
def _machine() -> Automaton:
    from .kernels.patterns import automaton

    curly = [phrase.replace("'", "’") for phrase in PHRASES if "'" in phrase]
    return automaton([phrase.encode() for phrase in (*PHRASES, *curly)])


def questions(chat: Chat, rows: np.ndarray) -> list[str | None]:
    """What the user said just before the last message of each of `rows`."""
    before = chat.starts[rows + 1] - 2
    before = np.where(before >= chat.starts[rows], before, -1)
    index = pl.Series(before, dtype=pl.Int64)
    asked = chat.messages.select("role", "content")[index.clip(lower_bound=0)] if chat.messages.height else None
    if asked is None:
        return [None] * len(rows)
    mine = (asked["role"] == "user") & (index >= 0)
    return pl.select(pl.when(mine).then(asked["content"].str.tail(TAIL))).to_series().to_list()


def judge_text(text: str, prompt: str | None = None) -> Refusal | None:
    """Whether a text opens with a refusal, or with a rebuke; None where nothing speaks for it.

    A rebuke is only one where `prompt` asks how or why; without a prompt, the text alone decides.
    """
    text = _plain(text[: HEAD + TAIL])
    head = text[: HEAD + 80]
    refusal = _refusal(text, head)
    if refusal is None or refusal.score < SURE:
        return _rebuke(text, None if prompt is None else _plain(prompt[-TAIL:])) or refusal
    return refusal


def _plain(text: str) -> str:
    """Lower case, straight apostrophes, no markup or quotation marks around the whole."""
    text = text.replace("’", "'").replace("\u00a0", " ").strip(" \t\n\r*_#>").lower()
    if text[:1] in _QUOTES and text[-1:] in _QUOTES and not any(mark in text[1:-1] for mark in _QUOTES):
        text = text[1:-1]
    return text


def _rebuke(text: str, prompt: str | None) -> Refusal | None:
    match = _REBUKE_WHY.match(text)
    if match is None or not (prompt is None or _ASKS_WHY.match(prompt)):
        match = _REBUKE_MEANS.match(text)
        if match is None or not (prompt is None or _ASKS_MEANS.search(prompt)):
            return None
    if not _MORAL.search(text[:400].replace(match["echo"] or "\0", "")):
        return None
    start = max(0, match.end() - 120)
    score = 0.6 if _WHY.search(text[:HEAD]) else 0.5
    return Refusal(text[start : match.end()].strip(), score, _helps(text[match.end() :]), rebuke=True)


def _refusal(text: str, head: str) -> Refusal | None:
    found = [(weight - _lateness(text[:start]), start, end) for weight, start, end in _openings(head)]
    if not found:
        return None
    score, start, end = max(found, key=lambda one: (one[0], -one[1]))
    opening, reason = text[: end + 120], text[:start] + text[end : end + 120]
    score += (
        0.15 * bool(_SORRY.search(text[:start])) + 0.15 * bool(_AI.search(opening)) + 0.15 * bool(_WHY.search(reason))
    )
    score += 0.1 * (len(text) < 200 and start < 60 and score > 0.3) + 0.1 * bool(_OFFER.search(text))
    phrase = text[start : end + 40].split("\n")[0].strip()
    return Refusal(phrase, min(1.0, max(0.0, round(score, 2))), _helps(text[end:]))


def _openings(head: str) -> Iterator[tuple[float, int, int]]:
    """What might be a refusal's first clause: (weight, start, end)."""
    rules = [(_CLAUSE, 0.7), (_SHORT, 0.6), (_NOT_MINE, 0.6), (_LIMIT, 0.3)]
    if any(word in head for word in _NORM_WORDS):
        rules.append((_NORM, 0.5))
    if any(phrase in head for phrase in (_ASCII_FOREIGN if head.isascii() else FOREIGN)):
        rules.append((_OTHER, 0.8))
    for rule, weight in rules:
        for match in rule.finditer(head):
            if match.start() < HEAD:
                weak = rule is _CLAUSE and match["weak"]
                yield 0.45 if weak else weight, match.start(), match.end()
                if not weak:
                    break


def _lateness(before: str) -> float:
    """What is taken off for what stands before the clause: other sentences, another's voice."""
    off = 0.0
    for sentence in _SENTENCE.split(before)[:-1]:
        off += 0.1 if _PREAMBLE.search(sentence) else 0.2
    line = before.rsplit("\n", 1)[-1]
    quoted = (
        before.count('"') % 2 == 1 or before.count("“") > before.count("”") or before.count("„") > before.count("“")
    )
    return off + 0.4 * (quoted or bool(_LETTER.match(before)) or bool(re.match(r"[\w .]{1,30}: ", line)))


def _helps(rest: str) -> bool:
    """Whether help follows the refusal."""
    if _PIVOT.search(rest[:400]) or _OTHER_PIVOT.search(rest[:200]) or "```" in rest:
        return True
    return len(_LIST.findall(rest)) >= 3 and not _CRISIS.search(rest)
