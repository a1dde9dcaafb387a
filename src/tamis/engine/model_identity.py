"""Does a text speak as some model: its name, its maker, how far its knowledge goes, that it is an AI?

Only the first person counts ("I am …", "as an AI, I …"; "you are …" where the model is spoken to). Names that are also
words or people's names (Claude, Gemini, llama, bard) count only beside talk of AI. Quotations and code speak for others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

import polars as pl

from tamis.core.columns import Columns

Kind = Literal["name", "maker", "cutoff", "ai"]

#: names that mean a model, and nothing else
_MODELS = (
    r"chat-?gpt|openai|anthropic|gpt-?[345](?:\.5|o|-turbo|-mini)*|instructgpt|text-davinci|deepseek(?:-\w+)?|deep seek|qwen[\d.]*|tongyi(?: qianwen)?|通义(?:千问)?|通義千問|文心一言"
    r"|ernie bot|chatglm\w*|智谱清言|豆包|kimi|混元|讯飞星火|盘古|internlm|书生|baichuan|百川|yi-\d+b|mixtral|codellama|llama[- ]?[234][\d.]*|vicuna-\w+|wizardlm|openassistant|open assistant"
    r"|(?:google|microsoft|github|bing) (?:bard|gemini|copilot|chat)|meta ai|claude[- ]?(?:[1-4][\d.]*|instant|opus|sonnet|haiku)|phi-[1-4]|command r\+?|starcoder|stablelm|bloomz?|gigachat|yandexgpt|hyperclova"
)
#: names that mean other things too
_WORDS = r"claude|gemini|gemma|llama|bard|mistral|copilot|grok|vicuna|alpaca|falcon|bing|dolly|orca|koala|zephyr|nova|cohere|replika|alexa|siri|cortana"
_VENDORS = (
    r"open ?ai|anthropic|google(?: deepmind)?|deepmind|meta(?: ai| platforms)?|facebook|microsoft|mistral(?: ai)?|alibaba(?: cloud| group)?|阿里(?:巴巴|云)?|百度|baidu|腾讯|tencent|字节跳动|bytedance"
    r"|deepseek|深度求索|智谱(?:ai|华章)?|zhipu(?: ai)?|清华(?:大学)?|月之暗面|moonshot(?: ai)?|百川智能|科大讯飞|华为|huawei|xai|x\.ai|cohere|ai21(?: labs)?|stability ai|hugging ?face|nvidia|apple|amazon|ibm"
    r"|lmsys|large model systems(?: organization)?|stanford|uc berkeley|together(?: ai)?|nomic(?: ai)?|databricks|01\.ai|零一万物|inflection(?: ai)?|eleutherai|technology innovation institute|tii|sber|сбер|яндекс\w*|yandex|naver|네이버|카카오|kakao"
)
_AI = r"a\.?i\.?(?![\w'])|artificial intelligence|(?:large |big )?language models?|llms?|chat ?bots?|(?:virtual|digital|ai|intelligent) assistant"
_AI_OTHER = (
    r"(?:ki|ia|ai|ии)(?!\w)|ki-?(?:sprach)?modell|sprachmodell|künstliche intelligenz|ki-assistent\w*"
    r"|modèle de langage|intelligence artificielle|assistant (?:ia|virtuel)|modelo de (?:lenguaje|linguagem)|inteligencia artificial|inteligência artificial|asistente virtual|assistente virtual|modello linguistico|intelligenza artificiale"
    r"|taalmodel|model językowy|sztuczn\w+ inteligencj\w+|языков\w+ модел\w+|искусственн\w+ интеллект\w*|нейросет\w+|人工智能|语言模型|語言模型|大模型|ai助手|智能助手|言語モデル|人工知能|アシスタント|언어 모델|인공지능"
)
_MADE = r"(?:trained|developed|created|built|made|designed|programmed|invented|released|engineered|powered)"
_FILLER = r"(?:(?:actually|just|only|simply|indeed|also|still|not human, but|called|named|known as|a version of|an instance of|based on|powered by|built on|running on|an?|the|your|new|friendly|helpful|large|language|model|ai|assistant|chatbot|virtual|artificial|intelligence|conversational|openai's|google's|anthropic's|meta's|alibaba's),? ){0,7}"
_AFTER = r"(?![\w-]|'s|’s| (?:user|fan|expert|prompt|api|plus|account|subscri|developer|engineer|researcher|alternativ|output|response|conversation))"
#: the rules below begin with one of these, where a word begins; looked for as plain strings, which is fast
_ANCHORS = (
    "i'm", "i am", "i was", "i've been", "i have been", "i do not have", "i don't have", "i go by", "as ", "my ", "me as ",
    "call me", "refer to me", "you can", "you may", "you are", "you're",
)  # fmt: skip
_I = r"i(?:'m| am| was|'ve been| have been)"
_NAME = re.compile(
    rf"(?:{_I}|my name is|(?:you (?:can|may) )?(?:call me|refer to me as)|i go by(?: the name)?(?: of)?) {_FILLER}(?:(?P<model>{_MODELS})|(?P<word>{_WORDS})){_AFTER}"
)
_AS_NAME = re.compile(rf"as (?P<model>{_MODELS}),? (?:i|my)\b")
_YOU = re.compile(
    rf"you(?:'re| are) {_FILLER}(?:(?P<model>{_MODELS})|(?P<word>{_WORDS})){_AFTER}|you(?:'re| are)[^.!?\n]{{0,60}}\b{_MADE} by (?:{_VENDORS})\b"
)
_WHO = rf"(?:(?:the |a )?(?:researchers|engineers|team|scientists|developers|people|company|folks)(?: of [a-z]+)? (?:from|at|of|called) )?(?:the )?(?:{_VENDORS})(?!\w)"
_MAKER = re.compile(
    rf"{_I}(?:,? [\w{{}}'-]+){{0,9}}?,? {_MADE}(?:,? (?:and|&) {_MADE})? by {_WHO}"
    rf"|(?:{_I}|as|me as)(?:,? [\w{{}}'-]+){{0,6}}? (?:{_AI}|assistant)(?:,? [\w'-]+){{0,5}}?,? {_MADE}(?:,? (?:and|&) {_MADE})? by (?!(?:the )?(?:user|law|myself)\b)(?:[\w{{]|\[)"
    rf"|my (?:creators?|developers?|makers?)(?:,| is| are| at) {_WHO}"
)
_YEAR = r"(?:19|20)\d\d"
_CUTOFF = re.compile(
    rf"my (?:own |current )?(?:knowledge|training|training data|data|information)(?: base| set)?(?:'s)?,?(?: \(\w+\))? (?:cut-?off|cut off)|as of my (?:last |latest |most recent |current )?(?:knowledge|training)\b"
    rf"|my (?:last|latest|most recent) (?:knowledge|training|data) (?:update|cut-?off|cut off|training)|as of my (?:last|latest|most recent) (?:update|training)[^.\n]{{0,12}}{_YEAR}|my (?:last|latest|most recent) update (?:was )?in (?:\w+ )?{_YEAR}"
    rf"|my (?:knowledge|training data|training|information)(?: base| is| was| only)*,? (?:goes|go|extends?|ends?|ended|stops?|stopped|limited|current|accurate|up to date|up-to-date|based on (?:data|information))[^.\n]{{0,50}}{_YEAR}"
    rf"|{_I}(?: only| last)* (?:trained|updated) (?:on (?:\w+ )?(?:data|information|texts?)[^.\n]{{0,40}}|in |until |up to |up until )[^.\n]{{0,16}}{_YEAR}|i (?:don't|do not) have (?:any )?(?:information|knowledge|data)[^.\n]{{0,50}}(?:after|beyond|past) (?:\w+ )?{_YEAR}"
)
_NOT_JOBS = r"(?!-| (?:research|engineer|expert|enthusiast|therapist|negotiator|president|develop|special|consult|scientist|start|compan|system design))"
_IS_AI = re.compile(
    rf"as an? (?:[\w-]+ ){{0,3}}?(?:{_AI}){_NOT_JOBS}|{_I} (?:(?:just|only|actually|simply|merely|not a human|but) )*(?:an? |the )?(?:[\w-]+ ){{0,2}}?(?:{_AI}){_NOT_JOBS}"
)
#: rules of other languages, and those that begin with no anchor, are searched for in the whole text
_MADE_ZH = "(?:开发|訓練|训练|创建|创造|研发|设计|打造|制作|推出|構建|构建|發明|发明)"
_FREE: dict[Kind, re.Pattern[str]] = {
    "name": re.compile(
        r"(?:\b(?:ich bin|ich heiße|mein name ist|je suis|je m'appelle|soy|me llamo|mi nombre es|sono|mi chiamo|eu sou|meu nome é|ik ben|jestem|nazywam się|mam na imię)"
        r" (?:(?:ein|eine|das|der|un|une|le|la|el|uno|o|um|een|het)? ?(?:ki|ia|ai)?[- ]?(?:sprachmodell|assistent\w*|chatbot|modèle de langage|modelo de (?:lenguaje|linguagem)|modello linguistico|taalmodel|model\w* językow\w+)?(?:,| namens| nommé| llamado| chiamato| chamado| genaamd| o nazwie)? ?)?"
        r"|\b(?:я(?: —| -|,)? |меня зовут )(?:(?:языковая модель|чат-бот|ассистент)[ ,]*)?"
        r"|我(?:是|叫|名叫|名为|的名字是)[^。，,\n]{0,12}?|(?:私|わたし|僕)は[^。\n]{0,12}?|(?:저는|나는|제 이름은) ?[^.\n]{0,12}?)"
        rf"(?:(?P<model>{_MODELS})|(?P<word>{_WORDS})){_AFTER}"
    ),
    "maker": re.compile(
        rf"(?<!\w)(?:{_VENDORS}|\{{\{{?\w+\}}?\}})(?: \([^)\n]{{1,20}}\))? (?:has )?{_MADE} me\b"
        rf"|(?:\bich (?:bin|wurde)|\bje suis|\bj'ai été|\b(?:soy|fui|he sido)|\bsono|\beu (?:sou|fui)|\bik ben)\b[^.!?\n]{{0,60}}?(?:von|par|por|da|dalla|pela|pelo|door) (?:der |la |l'|a )?(?:{_VENDORS})"
        rf"|\bя[^.!?\n]{{0,50}}?(?:разработ|созда|обучен)\w* (?:компани\w+ |командой )?(?:{_VENDORS})"
        rf"|我(?:是|叫|名叫|名为)?[^。\n]{{0,30}}?(?:由|被)[^。，,\n]{{1,24}}?{_MADE_ZH}|我(?:是|叫|名叫|名为)[^。\n]{{1,24}}?，?是? ?[^。，,\n]{{1,20}}?{_MADE_ZH}的|由[^。，,\n]{{1,24}}?{_MADE_ZH}的[^。，,\n]{{0,6}}?(?:ai|人工智能|助手|语言模型)"
        rf"|(?:{_VENDORS}|\{{\{{\w+\}}\}}) ?{_MADE_ZH}了我|(?:私|わたし)は[^。\n]{{0,40}}?(?:によって|が)(?:開発|訓練|作成|設計)|(?:저는|나는)[^.\n]{{0,40}}?(?:{_VENDORS})[^.\n]{{0,10}}?(?:개발|훈련|만들)"
    ),
    "cutoff": re.compile(
        rf"\bmeine? (?:wissensstand|wissen|trainingsdaten)[^.\n]{{0,40}}{_YEAR}|stand meines letzten (?:updates|trainings)|mes connaissances (?:s'arrêtent|vont|datent)[^.\n]{{0,40}}{_YEAR}|ma dernière mise à jour[^.\n]{{0,20}}{_YEAR}|mis (?:conocimientos|datos)[^.\n]{{0,40}}hasta[^.\n]{{0,20}}{_YEAR}|mi (?:última actualización|fecha de corte)"
        rf"|meu conhecimento[^.\n]{{0,30}}até[^.\n]{{0,20}}{_YEAR}|我的(?:知识|訓練|训练|数据|知識)[^。\n]{{0,12}}(?:截止|截至|更新)|截至我(?:的)?(?:最后|上次|最近|知识|训练)|私の知識[^。\n]{{0,20}}(?:まで|カットオフ)|мои (?:знания|данные)[^.\n]{{0,30}}(?:до|ограничен)[^.\n]{{0,20}}{_YEAR}"
    ),
    "ai": re.compile(
        rf"\b(?:als|en tant qu(?:e |'une? )|como|in quanto)(?: ein| eine| un| una| uma?)? ?(?:{_AI_OTHER})|作为(?:一个|一名|一款)?(?:{_AI_OTHER})|我(?:只)?是(?:一个|一名|一款)?[^。，\n]{{0,6}}?(?:{_AI_OTHER})|как (?:{_AI_OTHER})"
    ),
}
#: one of these, between spaces or before more letters, stands in a text in which they can find anything
_OTHER = (
    " ich ", " mein", " stand meines", " je ", " j'ai", " mes ", " ma ", " soy ", " fui ", " he sido", " me llamo", " mi ", " mis ", " sono ",
    " eu ", " meu ", " ik ", " jestem ", " nazywam", " mam na", " als ", " como ", " in quanto", " en tant",
    *(f"{made} me{after}" for made in ("ed", "uilt", "ade") for after in " .,;:!?"),
)  # fmt: skip
_NEAR_AI = re.compile(rf"(?<!\w)(?:{_AI}|{_AI_OTHER}|assistant)|\b{_MADE} by (?:{_VENDORS})")
_OPENING = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」"}


class Claim(NamedTuple):
    """What a text says of its speaker: the kind, the words, and where they stand (code points)."""

    kind: Kind
    phrase: str
    start: int
    end: int


def find_claims(
    text: str, kinds: Collection[str], *, allow: Collection[str] = (), spoken_to: bool = False
) -> list[Claim]:
    """The claims in one message, in order. spoken_to: "you are …" counts too (system prompts, users' messages)."""
    from .special_tokens import hidden_code

    shown = hidden_code(text).replace("’", "'")
    low = shown.lower() if shown.isascii() else "".join(c if len(c.lower()) != 1 else c.lower() for c in shown)
    allowed = [name.casefold() for name in allow]
    found = []
    for kind, match in _matches(low, kinds, spoken_to):
        start, end = match.span()
        if _quoted(shown, start) or (allowed and _only_allowed(_sentence(low, start, end), allowed)):
            continue
        phrase = text[start : end + 30].split("\n")[0].strip()
        found.append(Claim(kind, phrase, start, end))
    return sorted(found, key=lambda claim: claim.start)


def _matches(low: str, kinds: Collection[str], spoken_to: bool) -> Iterator[tuple[Kind, re.Match[str]]]:
    rules: list[tuple[Kind, re.Pattern[str]]]
    rules = [("name", rule) for rule in (_NAME, _AS_NAME, *((_YOU,) if spoken_to else ()))]
    rules += [("maker", _MAKER), ("cutoff", _CUTOFF), ("ai", _IS_AI)]
    chosen = [(kind, rule) for kind, rule in rules if kind in kinds]
    for place in _anchored(low):
        for kind, rule in chosen:
            match = rule.match(low, place)
            if match and _meant(match, low):
                yield kind, match
    spaced = f" {low} ".replace("\n", " ")
    if not low.isascii() or any(word in spaced for word in _OTHER):
        for kind, rule in _FREE.items():
            if kind in kinds:
                for match in rule.finditer(low):
                    if _meant(match, low):
                        yield kind, match


def _anchored(low: str) -> list[int]:
    """Where an anchor stands at the beginning of a word."""
    found = []
    for anchor in _ANCHORS:
        place = low.find(anchor)
        while place >= 0:
            if place == 0 or not (low[place - 1].isalnum() or low[place - 1] in "_'"):
                found.append(place)
            place = low.find(anchor, place + 1)
    return sorted(set(found))


def _meant(match: re.Match[str], low: str) -> bool:
    """Whether a name that is also a word stands beside talk of AI."""
    word = match.groupdict().get("word")
    return not word or bool(_NEAR_AI.search(_without(_sentence(low, *match.span()), word)))


def _without(text: str, word: str) -> str:
    return text.replace(word, " ")


def _sentence(text: str, start: int, end: int) -> str:
    """The sentence around a place, and the one after it."""
    before = max(text.rfind(mark, 0, start) for mark in (". ", "! ", "? ", "\n", "。"))
    stops = [k for mark in (". ", "! ", "? ", "\n", "。") if (k := text.find(mark, end)) >= 0]
    return text[before + 1 : min([*stops, end + 200])]


def _quoted(text: str, start: int) -> bool:
    """Whether a place stands inside quotation marks of its line."""
    line = text[text.rfind("\n", 0, start) + 1 : start]
    if line[-1:] in ("'", "`", "‘") or line.count('"') % 2 == 1:
        return True
    return any(line.count(a) > line.count(b) for a, b in _OPENING.items() if a != b)


def _only_allowed(sentence: str, allowed: Collection[str]) -> bool:
    folded = sentence.casefold()
    if not any(name in folded for name in allowed):
        return False
    for name in allowed:
        folded = folded.replace(name, " ")
    return not re.search(rf"(?<!\w)(?:{_MODELS}|{_VENDORS})(?!\w)", folded)


class Claims(NamedTuple):
    """Per row: how many claims, the first one's kind and words, and its span (message, start, end); else null."""

    claims: pl.Series
    kind: pl.Series
    phrase: pl.Series
    message: pl.Series
    start: pl.Series
    end: pl.Series


def claims_of(rows: Columns, view: str, kinds: Collection[str], *, allow: Collection[str] = ()) -> Claims:
    """The claims in a view."""
    from .identity_phrases import table
    from .marked import marked_rows, messages_of, spread

    at = marked_rows(rows.buffers(view), table("ai" in kinds))
    first: dict[int, tuple[Claim, int]] = {}
    counts: dict[int, int] = {}
    for message in messages_of(rows, view, at):
        spoken_to = message.role in ("system", "user")
        for claim in find_claims(message.text, kinds, allow=allow, spoken_to=spoken_to):
            first.setdefault(message.row, (claim, message.number))
            counts[message.row] = counts.get(message.row, 0) + 1
    n, where = rows.height, list(first)
    found = [claim for claim, _ in first.values()]
    return Claims(
        spread(list(counts.values()), where, n, pl.Int32, 0),
        spread([claim.kind for claim in found], where, n, pl.String),
        spread([claim.phrase for claim in found], where, n, pl.String),
        spread([number for _, number in first.values()], where, n, pl.Int32),
        spread([claim.start for claim in found], where, n, pl.Int32),
        spread([claim.end for claim in found], where, n, pl.Int32),
    )
