"""What instructions aimed at a model look like: families of patterns, each with a weight, and where they are described.

The families and their sources (read for what attackers do; the patterns are ours):

- `ignore_previous`: Perez and Ribeiro, *Ignore Previous Prompt* (arXiv:2211.09527); OWASP Top 10 for LLM applications (2025), LLM01.
- `role_override`: Liu et al., *Formalizing and Benchmarking Prompt Injection* (arXiv:2310.12815); Greshake et al., *Not what
  you've signed up for* (arXiv:2302.12173).
- `prompt_leak`: Perez and Ribeiro (prompt leaking); OWASP LLM07.
- `exfiltration`: Greshake et al. (tools, Markdown images that carry data away); OWASP LLM01, LLM06.
- `hidden_text`: Boucher et al., *Bad Characters* (arXiv:2106.09898); Boucher and Anderson, *Trojan Source* (arXiv:2111.00169);
  Wei et al., *Jailbroken* (arXiv:2307.02483; base64).
- `delimiter`: Liu et al. (fake completion, escape characters); the chat templates' own tokens.
- `jailbreak`: Shen et al., *Do Anything Now* (arXiv:2308.03825); Wei et al. (refusal suppression, prefix injection).
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

FAMILIES = (
    "ignore_previous", "role_override", "prompt_leak", "exfiltration", "hidden_text", "delimiter", "jailbreak"
)  # fmt: skip


class Rule(NamedTuple):
    """A pattern of a family, and how sure a match alone makes, 0..1. One of `needs`, in lower case, stands in each match."""

    family: str
    weight: float
    needs: frozenset[str]
    pattern: re.Pattern[str]


def _rule(family: str, weight: float, needs: str, pattern: str, flags: int = re.IGNORECASE) -> Rule:
    return Rule(family, weight, frozenset(needs.split("¦")), re.compile(pattern, flags))


_VERB = r"\b(?:ignore|disregard|forget|discard|override|overrule|bypass|neglect|unlearn|do not follow|don't follow|stop following|pay no attention to)\b"
_THING = r"(?:instructions?|prompts?|directions|directives?|guidelines?|rules|commands|orders|constraints|restrictions|programming|policies|context)\b"
_OLD = r"(?:previous|prior|above|preceding|earlier|past|former|initial|original|foregoing|old)"
_MODEL = r"(?:ais?|ai (?:assistant|model|agent|system|reviewer)s?|(?:large )?language models?|llms?|chatgpt|gpt(?:-\d)?|assistants?|chatbots?)"
_LOOSE = (
    r"unfiltered|unrestricted|uncensored|jailbroken|amoral|machiavellian|never refuses?|cannot refuse|never say no"
    r"|no (?:content policy|content policies|filters?|ethic\w*|moral\w*|restrictions|limits)|no rules\b|without (?:any |ethical |moral )?(?:filters?|restrictions|limitations|censorship)"
    r"|free(?:d)? (?:from|of) (?:all|the typical|your|any|its)|regardless of (?:your|any) (?:polic|guideline|rule)|(?:safety )?(?:rules|policies|guidelines) forbid"
)
_PAYLOAD = r"(?:and|then|,)? ?(?:instead |only |just |now )*(?:say|print|output|write|reply|respond|answer|act|tell|translate|return|give|mark|rate|approve|reveal|do)\b"

_VERBS = "ignore¦disregard¦forget¦discard¦override¦overrule¦bypass¦neglect¦unlearn¦not follow¦n't follow¦stop following¦no attention to"
_MODELS = (
    "to the ai¦to any ai¦to all ai¦to ai ¦ai reading¦ai that is¦as the ai ¦as an ai grad¦as an ai read¦as an ai review¦as an ai eval¦as an ai rank¦as an ai scor¦as an ai summ¦attention ai¦dear ai¦hey ai¦ai grading¦ai processing¦ai reviewing"
    "¦ai summ¦ai evaluating¦ai scoring¦ai ranking¦ais reading¦ais that¦ais processing¦ai assistant¦ai model¦ai agent¦ai system¦ai reviewer¦language model"
    "¦ llm¦chatgpt¦to gpt¦hey gpt¦dear gpt¦attention gpt¦to the assistant¦to assistant¦dear assistant¦hey assistant¦attention assistant¦any assistant¦the assistant read"
    "¦assistants read¦assistants that¦as the assistant¦assistant that is¦chatbot"
)
_LOOSER = (
    "unfiltered¦unrestricted¦uncensored¦jailbroken¦amoral¦machiavellian¦never refuse¦cannot refuse¦never say no¦no content polic¦no filter"
    "¦no ethic¦no moral¦no restriction¦no limits¦no rules¦without filter¦without any filter¦without restriction¦without any restriction"
    "¦without limitation¦without any limitation¦without censorship¦without any censorship¦without ethical¦without moral¦free from¦free of"
    "¦freed from¦freed of¦regardless of your¦regardless of any¦forbid"
)

RULES: tuple[Rule, ...] = (
    # -- ignore what was said before ---------------------------------------------------------------
    _rule("ignore_previous", 0.7, _VERBS, rf"{_VERB}(?:\W+\w+){{0,3}}?\W+{_OLD}\W+(?:\w+\W+){{0,2}}?{_THING}(?! (?:of|in|for|on) )"),
    _rule("ignore_previous", 0.65, _VERBS, rf"{_VERB}(?:\W+\w+){{0,3}}?\W+{_THING} (?:\w+ ){{0,2}}?(?:above|before|so far|you were|you have|you've|i gave|from (?:the|your) (?:developer|system))"),
    _rule("ignore_previous", 0.6, _VERBS, rf"{_VERB} (?:all )?(?:of )?(?:your|ur|the system|the developer'?s?) (?:\w+ )?{_THING}"),
    _rule("ignore_previous", 0.55, _VERBS, rf"{_VERB} (?:all|any|every) (?:of )?(?:the |these |those |my |other )?(?:instructions|directives|guidelines|rules)\b(?! (?:of|in|for|on) )"),
    _rule("ignore_previous", 0.6, _VERBS, rf"{_VERB} (?:everything|anything|all|whatever|what)(?: that)? (?:you (?:were|have been|had been|'ve been) (?:told|taught|instructed)|(?:the |your )?(?:developers?|system|admin\w*|creators?|openai|user) (?:told|said|asked|instructed|wrote))"),
    _rule("ignore_previous", 0.6, _VERBS, rf"{_VERB} (?:everything|all|anything|the (?:text|content|stuff))? ?(?:of )?(?:the |written )?(?:above|before this|previously) {_PAYLOAD}"),
    _rule("ignore_previous", 0.55, "new task¦new instruction¦new objective¦new goal¦real task¦actual task¦real instruction¦actual instruction¦true task", r"\b(?:your )?(?:new|real|actual|true) (?:task|instructions?|objective|goal)s? (?:is|are)?(?: now)?:? (?:to )?(?:forget|ignore|print|output|write a phishing|reply|say|reveal)\b"),
    _rule("ignore_previous", 0.65, "ignoriere¦vergiss¦vergessen sie¦missachte¦oublie¦ignore ¦ignorez¦ignores¦ignorer¦ignora¦olvida¦olvide¦descarta¦dimentica¦esqueça¦desconsidere¦zignoruj¦zapomnij¦pomiń¦negeer¦vergeet¦игнорируй¦забудь¦ignorera¦glöm¦glem¦忽略¦无视¦無視¦忘记¦忘掉¦不要理会¦忘れ¦무시¦잊¦yok say¦görmezden¦unut",
        r"\b(?:ignorieren?|vergiss|vergessen sie|missachten?)\b(?! nicht)[^.\n]{0,30}\b(?:anweisungen|instruktionen|vorgaben|regeln|befehle|richtlinien)"
        r"|\b(?:ignore[zr]?|oublie[zr]?)\b[^.\n]{0,30}\b(?:consignes|instructions précédentes|directives précédentes|règles précédentes)"
        r"|\b(?:ignora|olvida|descarta|ignore|olvide)\b[^.\n]{0,30}\b(?:instrucciones|indicaciones)"
        r"|\b(?:ignora|dimentica|ignorate)\b[^.\n]{0,30}\b(?:istruzioni|direttive)|\b(?:ignore|ignora|esqueça|desconsidere)\b[^.\n]{0,30}\b(?:instruções|diretrizes)"
        r"|\b(?:zignoruj|zapomnij|pomiń)\b[^.\n]{0,30}\b(?:instrukcj|polece|zasad|wytyczn)|\b(?:negeer|vergeet)\b[^.\n]{0,30}\b(?:instructies|opdrachten|richtlijnen)"
        r"|(?:игнорируй|забудь)\w*[^.\n]{0,30}(?:инструкци|указани|правил)|\b(?:ignorera|glöm|ignorer|glem)\b[^.\n]{0,30}\b(?:instruktion|anvisning|instruks)"
        r"|(?:忽略|无视|無視|忘记|忘掉|不要理会)[^。\n]{0,12}(?:指令|指示|提示词|规则|要求)|(?:指示|命令|ルール|プロンプト)[^。\n]{0,8}(?:無視|忘れ)"
        r"|(?:지시|명령|지침)[^.\n]{0,8}(?:무시|잊)|\b(?:talimat|yönerge)\w*[^.\n]{0,10}(?:yok say|görmezden|unut)"),
    # -- another role, another authority -----------------------------------------------------------
    _rule("role_override", 0.5, "no longer a¦no longer the¦no longer my", r"\byou are no longer (?:an? |the |my )?(?:\w+ ){0,3}(?:assistant|chatbot|ai|model|bot)\b"),
    _rule("role_override", 0.6, _LOOSER, rf"\b(?:you are now|from (?:now|this point) on,? (?:you|respond|act|answer)|act as|pretend)\b[^.\n]{{0,70}}\b(?:{_LOOSE})"),
    _rule("role_override", 0.55, "maintenance mode¦admin mode¦administrator mode¦debug mode¦god mode¦root mode¦developer mode¦sudo mode", r"\byou (?:are now in|have entered|are in) (?:maintenance|admin\w*|debug|god|root|developer|sudo) mode\b"),
    _rule("role_override", 0.55, "system:¦system :¦system]:¦system message¦system override¦system note¦system instruction¦system prompt¦system notice¦admin:¦administrator:¦admin note¦administrator note¦admin mess¦administrator mess¦admin override¦administrator override¦admin prompt¦admin instr¦administrator instr¦admin notice¦developer:¦developer note¦developer mess¦developer override¦developer instr¦developer prompt¦developer notice¦system**:¦system>:", r"(?<=\n)\W{0,6}(?:system|admin\w*|developer)(?: (?:message|override|note|instruction|prompt|notice)s?)*\W{0,4}:\W*(?:you|the user is|all (?:previous|prior)|reply|answer|ignore|from now)"),
    _rule("role_override", 0.6, "system:¦system :¦system]¦system message¦system override¦system note¦system instruction¦system notice¦system command¦system prompt¦admin:¦administrator:¦admin note¦administrator note¦admin mess¦administrator mess¦admin override¦administrator override¦admin instr¦administrator instr¦admin]¦administrator]¦admin command¦administrator command¦admin notice¦administrator notice¦developer:¦developer note¦developer message¦developer]¦developer override¦developer instruction", r"(?:^|\n)\W{0,4}(?:system|admin\w*|developer)(?: (?:message|override|note|instruction|prompt|notice|command)s?)*(?: to (?:the )?(?:ai|assistant|model))?\W{0,4}[:\]]\s*[^\n]{0,60}\b(?:user is an? (?:admin|developer)|grant|filters|previous safety|all previous|you have been granted|override|disabled)\b"),
    _rule("role_override", 0.55, "safety filter¦safety rule¦safety polic¦safety guard¦safety restr¦content filter¦content rule¦content polic¦content guard¦content restr¦security filter¦security rule¦security polic¦security guard¦security restr", r"\b(?:safety|content|security) (?:filters?|rules|polic(?:y|ies)|guardrails|restrictions) (?:are|is|have been|were) (?:now )?(?:disabled|off|void|lifted|suspended|removed)"),
    _rule("role_override", 0.55, "your developer¦your creator¦your maker¦your owner", r"\byour (?:developers?|creators?|makers?|owners?) (?:have |has )?(?:updated|changed|lifted|removed|disabled)\b"),
    _rule("role_override", 0.55, _MODELS, rf"\b(?:note|message|instructions?|attention|reminder|hey|dear)[ ,:]*(?:to|for)?[ ,:]*(?:the |any |all )?{_MODEL}\b(?! (?:manager|director|coach))[^\n]{{0,80}}\b(?:recommend only|say that (?:it|this)|rank this|rate this|approve|top score|full marks|(?:the )?best (?:paper|candidate|product)|perfect|do not mention|don't mention|you may now|you must ignore|mark (?:this|the))"),
    _rule("role_override", 0.6, _MODELS, rf"\b{_MODEL}(?: that (?:is|are))? (?:reading|processing|summari[sz]ing|reviewing) (?:this|the)\b[^.\n]{{0,60}}\b(?:must|should|recommend|ignore|say|only|always)\b"),
    _rule("role_override", 0.55, _MODELS, rf"\bas (?:an? |the )?{_MODEL} (?:grading|reading|reviewing|evaluating|ranking|scoring|summari[sz]ing)\b[^\n]{{0,60}}\b(?:must|give it|rank|should give|always)\b"),
    # -- what are your instructions ----------------------------------------------------------------
    _rule("prompt_leak", 0.6, "system prompt¦system message¦system instructions¦initial prompt¦hidden prompt¦original prompt¦secret prompt¦internal prompt¦initial instructions¦hidden instructions¦original instructions¦secret instructions¦internal instructions¦your instructions¦your prompt¦your guidelines¦your directives¦your full instr¦your full prompt¦your full guide¦your full direc¦your exact instr¦your exact prompt¦your exact guide¦your exact direc¦your entire instr¦your entire prompt¦your entire guide¦your entire direc¦your own instr¦your own prompt¦your own guide¦your own direc¦instructions you¦instructions that you", r"\b(?:reveal|print|output|show|repeat|display|tell me|give me|copy|leak|expose|share|dump|recite|write out|disclose)\b[^.\n?]{0,45}\b(?:(?:your|the|its|this) (?:\w+ )?system (?:prompt|message|instructions)|(?:your|the) (?:\w+ )?(?:initial|hidden|original|secret|internal) (?:prompt|instructions)|hidden prompt|your (?:full |exact |entire |own )?(?:instructions|prompt|guidelines|directives)\b|(?:exact text of )?the instructions (?:that )?you (?:were|are|have been) given)"),
    _rule("prompt_leak", 0.55, "system prompt¦system message¦initial prompt¦initial instructions¦hidden prompt¦hidden instructions¦exact instructions", r"\bwhat(?:'s| is| are| were| was) your (?:\w+ )?(?:system prompt|system message|initial (?:prompt|instructions)|hidden (?:prompt|instructions)|exact instructions)"),
    _rule("prompt_leak", 0.65, "repeat the ¦repeat all¦repeat every¦repeat back¦repeat words¦repeat text¦repeat of¦repeat sentence¦repeat content¦repeat message¦repeat above", r"\brepeat (?:back )?(?:all |everything|every |the )?(?:of )?(?:the )?(?:words|text|sentences?|content|message)?s? ?(?:written )?above\b(?! in )"),
    _rule("prompt_leak", 0.55, "prompt above¦above this¦starting with", r"\b(?:print|output|show|write)\b[^.\n]{0,30}\b(?:prompt above|above this (?:line|message|prompt)|starting with (?:the (?:phrase|words) )?[\"“']you are)"),
    _rule("prompt_leak", 0.55, "system-prompt¦systemprompt¦prompt système¦prompt del sistema¦prompt di sistema¦prompt do sistema¦prompt systemowy¦系统提示¦提示词¦系统指令¦システムプロンプト¦初期プロンプト¦시스템 프롬프트", r"(?:\b(?:gib|zeige?|nenne?|montre|donne|affiche|muéstrame|muestra|dime|mostrami|mostra|pokaż|toon)\b[^.\n]{0,30}(?:system-?prompt|systemprompt|prompt (?:système|del sistema|di sistema|do sistema)|prompt systemowy))|(?:输出|显示|告诉我|打印|透露)[^。\n]{0,8}(?:系统提示|提示词|系统指令)|(?:システムプロンプト|初期プロンプト)[^。\n]{0,6}(?:表示|出力|教え|見せ)|시스템 프롬프트[^.\n]{0,8}(?:보여|출력|알려)"),
    # -- tools, and data carried away --------------------------------------------------------------
    _rule("exfiltration", 0.65, "](", r"!\[[^\]\n]{0,80}\]\(https?://[^)\s]{1,200}[?=][^)\s]{0,100}[{<\[$%]"),
    _rule("exfiltration", 0.6, "this conversation¦the conversation¦full conversation¦entire conversation¦whole conversation¦conversation to ¦chat history¦chat log¦api key¦'s password¦the password¦all password¦their password¦passwords to ¦passwords and¦credential¦user data¦user's data¦user's mess¦user's e¦user's input to¦user's secret¦users data¦all messages¦all the messages¦all e-mails¦all emails¦all the emails¦all the e-mails¦ secrets", r"\b(?:send|forward|post|upload|e-?mail|transmit|exfiltrate|leak|append|include|submit|visit)\b[^.\n]{0,60}\b(?:conversation|chat (?:history|log)s?|api keys?|passwords?|credentials?|user'?s? (?:data|messages|e-?mails|input|secrets)|all (?:the )?(?:messages|e-?mails)|secrets)\b[^\n]{0,60}(?:https?://|\bto \S+@|to our server|parameter in)"),
    _rule("exfiltration", 0.55, "?q=¦?data=¦?d=¦?k=¦?key=¦?token=¦?msg=¦?text=¦?s=¦?c=¦?p=¦?info=¦&q=¦&data=¦&d=¦&k=¦&key=¦&token=¦&msg=¦&text=", r"https?://\S{1,200}[?&](?:q|data|d|k|key|token|msg|text|s|c|p|info)=(?:\s|$)[^\n]{0,30}\b(?:followed by|the user|password|conversation|secret|key)\b"),
    _rule("exfiltration", 0.55, "without telling¦without informing¦without notifying¦without alerting¦without asking", r"\bwithout (?:telling|informing|notifying|alerting|asking)(?: (?:the user|for (?:confirmation|permission)|anyone))\b[^.\n]{0,20}(?:,|$|\.|\n)(?<!\?)"),
    _rule("exfiltration", 0.55, "the user about¦not mention this", r"\b(?:do not|don't|never) (?:tell|inform|alert|notify) the user about (?:this|it)\b|\bdo not mention this (?:note|message|instruction)"),
    _rule("exfiltration", 0.6, "curl¦wget", r"\b(?:execute|run)\b[^.\n]{0,50}\b(?:tool|command|code)\b[^\n]{0,60}\b(?:curl|wget)\b[^\n|]{0,120}\|\s*(?:ba|z)?sh\b"),
    _rule("exfiltration", 0.55, "forward all¦forward every¦forward any¦forward the¦forward it¦forward them¦all messages¦all documents¦every document¦every file¦every message", r"\b(?:call|invoke|use) (?:the |your )?\w*(?:_\w+| tool| function| plugin)\b[^\n]{0,50}\b(?:forward (?:all|every|any|the|it|them)\b|all (?:messages|documents)|every (?:document|file|message))"),
    _rule("exfiltration", 0.55, "silently¦secretly¦covertly", r"\b(?:silently|secretly|covertly) (?:upload|send|forward|post|e-?mail|transmit)\b"),
    # -- text that people do not see ---------------------------------------------------------------
    _rule("hidden_text", 0.65, "<!--", rf"<!--[^>]{{0,200}}\b(?:ignore (?:the|all|any|previous|your)|{_MODEL}\b ?[:,]|language model|system prompt|recommend only|disregard)[^>]{{0,200}}-->"),
    _rule("hidden_text", 0.6, "hidden>¦display:¦font-size:¦color:w¦color: w¦color:#f¦color: #f¦opacity:¦visibility:¦div hidden¦span hidden¦p hidden", rf"(?:(?:<div|<span|<p) hidden\b|display: ?none|font-size: ?0|color: ?(?:white|#fff\w*)|opacity: ?0|visibility: ?hidden)[^>]{{0,60}}>[^<]{{0,120}}\b(?:{_MODEL}\b ?[:,]|ignore (?:all|the|previous|your))"),
    _rule("hidden_text", 0.6, "[//]", rf"\[//\]: # \([^)\n]{{0,60}}\b{_MODEL}\b", re.IGNORECASE | re.MULTILINE),
    # -- where the text ends and the prompt begins -------------------------------------------------
    _rule("delimiter", 0.6, "</user¦</input¦</document¦</context¦</data¦</query¦</text¦</message¦</email", r"</(?:user|user_input|input|document|context|data|query|text|message|email)>\s{0,3}<(?:system|instructions?|assistant|admin|developer)>"),
    _rule("delimiter", 0.6, "role\"¦role'", r"[}\]]\s*,?\s*\{\s*[\"']role[\"']\s*:\s*[\"']system[\"']"),
    _rule("delimiter", 0.6, "-end of¦- end of¦=end of¦= end of¦#end of¦# end of¦*end of¦* end of", r"[-=#*]{3,} ?END OF (?:\w+ ){0,3}?(?:TEXT|INPUT|DOCUMENT|DATA|PROMPT|CONTEXT|CONTENT|MESSAGE)\b[^\n]{0,10}\n\W{0,4}(?:new|system|assistant|instruction|task|you |ignore)"),
    _rule("delimiter", 0.6, "<|im_¦<|start_header¦<|endoftext¦[/inst]¦<<sys>>¦<|system", r"<\|(?:im_start|start_header_id)\|>\s?(?:system|developer)\b|<\|endoftext\|>\s{0,2}\S|\[/INST\][^\[]{0,200}\[INST\]|<<SYS>>|<\|system\|>"),
    _rule("delimiter", 0.3, "<|im_¦<|endoftext¦<|eot_id¦<|start_h¦<|end_h¦<|user|>¦<|assistant¦[inst]¦[/inst]¦<start_of_turn", r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|user|assistant)\|>|\[/?INST\]|<start_of_turn>"),
    # -- personas without rules --------------------------------------------------------------------
    _rule("jailbreak", 0.65, "anything now", r"(?<!can )\bdo anything now\b(?! that)"),
    _rule("jailbreak", 0.6, "as dan¦are dan¦re dan¦as stan¦are stan¦re stan¦as aim¦are aim¦re aim¦as dude¦are dude¦re dude¦as a dan¦as a stan¦as a aim¦as a dude¦are a dan¦called dan¦called stan¦called aim¦called dude¦simulate dan¦called a dan¦evilbot¦betterdan¦mongo tom", r"\b(?i:act as|acting as|you are|you're|as|respond as|simulate|called) (?:a )?(?:DAN|STAN|AIM|DUDE|EvilBot|BetterDAN|Mongo Tom)\b(?! \w+ing\b)", 0),
    _rule("jailbreak", 0.6, "developer mode¦jailbreak mode¦god mode¦unrestricted mode¦dan mode¦evil mode¦uncensored mode¦debug mode", r"\b(?:enable|enter|activate|switch to|simulate|in) (?:chatgpt )?(?:developer|jailbreak|god|unrestricted|DAN|evil|uncensored|debug) mode\b(?! (?:on|in|for|of) (?:my|the|an?|your|this|chrome|android|windows|ios|iphone))(?= ?(?:enabled|output|you|,|\.|:|and))"),
    _rule("jailbreak", 0.6, "jailbreak¦your jailbroken¦your unfiltered¦your evil¦its evil¦its jailbroken¦its unfiltered", r"\bjailbreak(?:ed)? mode\b|\b(?:your|its) (?:jailbroken|unfiltered|evil) (?:alter ego|self|twin|version|side)"),
    _rule("jailbreak", 0.55, "grandma¦grandmother", r"\bgrand(?:mother|ma)\b[^\n]{0,60}\b(?:used to|would)\b[^\n]{0,40}\b(?:keys?|napalm|bombs?|passwords?|serial|exploits?|meth)\b"),
    _rule("jailbreak", 0.55, _LOOSER, rf"\b(?:ai|chatbot|character|persona|bot|model|assistant|respond|answer)\b[^.\n]{{0,60}}\b(?:{_LOOSE})"),
    _rule("jailbreak", 0.55, "your reply with¦your response with¦your answer with", r"\b(?:start|begin) your (?:reply|response|answer) with [\"“']?(?:absolutely|sure|of course|yes)\b[^\n]{0,80}\b(?:never|do not|don't)\b"),
    _rule("jailbreak", 0.55, "comply¦obey", r"\b(?:must|will|have to) (?:comply|obey)\b[^.\n]{0,30}\b(?:every|any|all|the user)\b|\bobeys? the user (?:without|uncondition)"),
    _rule("jailbreak", 0.55, "tokens", r"\byou (?:have|start with) \d+ tokens\b[^\n]{0,120}\brefus|\beach time you (?:refuse|reject)[^\n]{0,40}\btokens\b"),
)  # fmt: skip

#: The text speaks about attacks, or asks something about words that look like one.
DISCUSSION = re.compile(
    r"prompt[- ]injection|jailbreak(?:ing)? (?:prompts?|attempts?|attacks?)|chatgpt jailbreaks?|red[- ]team|(?<![/.@])\battack(?:ers?|s)?\b(?![.@])|\bdefend\b|mitigat|vulnerab"
    r"|\bwhat (?:is|are) (?:an? |the )?(?:prompt|jailbreak|dan\b|system (?:prompt|message))|\bwhat does\b[^\n]{0,60}\bmean\b|\bexplain (?:why|what|how|the difference)|\bunit tests?\b"
    r"|\bwrite (?:an? |me an? )?(?:blog|story|dialogue|article|paper|regex|function|novel|scene|essay)|\bexamples? (?:of|such)|in the context of|\bdetect(?:s|ion|or|ing)?\b"
    r"|\bhow (?:do|can|would|could|should) (?:i|we)\b",
    re.IGNORECASE,
)
#: The same, where it stands before the words on their line: they are told, translated, or part of a story.
BEFORE = re.compile(
    r"\b(?:told|asked|ordered|said|instructed|asking|telling|wrote|says|called) (?:\w+ ){0,3}(?:to\b|[\"“«])|\btranslate\b[^\n]{0,30}[\"“«]|\bhow to\b",
    re.IGNORECASE,
)
QUOTE_MARKS = '"“”„«»「」'

#: Characters that hide text, or letters from a search.
INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufeff"
OVERRIDES = "\u202d\u202e"
TAGS = range(0xE0020, 0xE007F)

#: Words of attacks, which a kernel looks for in base64: as they are encoded at each of three offsets.
_ENCODED = ("gnore all", "gnore previous", "instructions", "system prompt", "isregard ", "ou are now", "previous ")


def encoded(word: str) -> set[str]:
    """What a word looks like inside base64, whatever stands before and after it, in lower case."""
    out = set()
    for before in range(3):
        code = base64.b64encode(b" " * before + word.encode()).decode().rstrip("=")
        sure = (len(word) + before) * 8 // 6  # characters that what follows has no part in
        out.add(code[-(-before * 8 // 6) : sure].lower())
    return out


#: One of these stands in every text in which there can be something to find; a kernel looks for them first.
PHRASES = tuple(
    sorted(
        {need for rule in RULES for need in rule.needs}
        | {code for word in _ENCODED for code in encoded(word)}
        | {*INVISIBLE, *OVERRIDES}
    )
)
