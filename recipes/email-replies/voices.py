"""How people write, how four versions of the templates do, and what users make of a draft."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

FIRST = """
Ada Amir Anouk Ayo Beatriz Ben Bilal Carla Chidi Clara Dana Davor Dilek Ed Elif Emeka Esther Farah Felix Gita
Greta Hamid Hannah Ilse Imran Ines Jakub Jo Kaito Karim Keira Lena Leo Lucia Luka Maeve Malik Marek Marta Mei
Milan Nadia Nils Noor Olga Omar Otto Paula Pavel Petra Rafael Ravi Rosa Ruth Samir Sara Selma Stan Tariq Tessa
Tom Uma Vera Viktor Wanda Yara Yusuf Zoe
""".split()  # noqa: SIM905
LAST = """
Abbott Adeyemi Bauer Bell Berg Brandt Castro Chen Cole Costa Diaz Dubois Evans Farkas Fischer Fox Garcia Grant
Haas Hale Ito Jansen Keller Khan Kovacs Kowalska Lane Larsen Lopez Marsh Meyer Moreau Nagy Novak Nowak Okafor
Olsen Ortiz Patel Pereira Price Quinn Reyes Rossi Santos Shaw Silva Singh Stone Tanaka Vogel Walsh Weber Wolf
Yilmaz Zimmer
""".split()  # noqa: SIM905

UNGREETED = ("", "", "Good morning,", "Good evening,", "Hi there,", "Dear Sir or Madam,")
THANKS = (
    "Thanks,",
    "Many thanks,",
    "Best,",
    "Best wishes,",
    "Kind regards,",
    "Regards,",
    "Thank you in advance,",
    "Cheers,",
    "Yours sincerely,",
    "With kind regards,",
    "Thanks so much",
    "Sent from my phone",
    "",
    "",
)

OPENERS = {
    1: (
        "I hope this email finds you well. Thank you for reaching out to us.",
        "Thank you for contacting us. I hope this message finds you well.",
        "I hope you are having a wonderful week. Thank you very much for your email.",
        "Thank you so much for your email, which we have read with great interest.",
    ),
    2: (
        "Thank you for your message.",
        "Thank you for getting in touch.",
        "Thank you for your email.",
        "Many thanks for your message.",
        "I hope you are doing well.",
    ),
    3: (
        "Thanks for your message.",
        "Thanks for writing.",
        "Good to hear from you.",
        "",
        "",
        "Thank you for your mail.",
    ),
    4: ("", "", "", "", "Thanks for your message.", "Thanks for writing."),
}
ANSWERS = {
    1: (
        "Please do not hesitate to contact me should you have any further questions or concerns.",
        "Should you require any further assistance, please do not hesitate to reach out.",
        "We greatly appreciate your understanding and look forward to hearing from you.",
    ),
    2: (
        "Please let me know if you have any further questions.",
        "If you have any questions, feel free to contact me.",
        "I look forward to hearing from you.",
        "Thank you for your understanding.",
    ),
    3: (
        "Let me know if you have any questions.",
        "I look forward to your reply.",
        "Just write if something is unclear.",
        "",
        "",
    ),
    4: ("", "", "", "Let me know if that works for you.", "Just write back if anything is unclear."),
}
#: all of them
PHRASES = {phrase for some in ANSWERS.values() for phrase in some}

SIGNED = {
    1: ("Kind regards,\n{0}\n{2}, {3}", "Yours sincerely,\n{0}\n{2}, {3}", "Warm regards,\n{0}\n{3}"),
    2: ("Kind regards,\n{0}\n{3}", "Best regards,\n{0}", "Best regards,\n{0}\n{2}, {3}"),
    3: ("Best regards,\n{0}", "Best wishes,\n{1}", "Kind regards,\n{0}", "All the best,\n{1}"),
    4: ("Best,\n{1}", "Best wishes,\n{1}", "Kind regards,\n{0}", "All the best,\n{1}", "{1}"),
}

#: what users type when the first draft will not do
SHORTER = (
    ", shorter",
    " - less formal pls",
    ", warmer",
    ". no phrases please!!",
    ", more polite",
    ". half as long",
    ", sound like me",
    " (and dont start with thank you)",
    ", again but friendlier",
    ". simpler english",
)

#: what they change in a draft before they send it
SWAPS = (
    ("I hope this email finds you well. ", ""),
    ("I hope this message finds you well.", ""),
    ("I hope you are having a wonderful week. ", ""),
    ("I hope you are doing well.", "How are you?"),
    ("Thank you for reaching out to us.", "Thanks for your mail."),
    (
        "Please do not hesitate to contact me should you have any further questions or concerns.",
        "Any questions, just ask.",
    ),
    (
        "Should you require any further assistance, please do not hesitate to reach out.",
        "If there's anything else, ring me.",
    ),
    ("Thank you for your message.", "Thanks for your mail."),
    ("Let me know if you have any questions.", "Shout if anything's unclear."),
    ("I look forward to hearing from you.", "Speak soon."),
    ("I'm afraid", "sadly"),
    ("Of course", "Sure"),
    ("With pleasure", "Happy to"),
    ("Gladly", "Yes"),
    ("I apologise", "I'm sorry"),
    ("at once", "right away"),
    ("Could you", "Can you"),
    ("I'm sorry", "I'm really sorry"),
    ("I attach", "Attached is"),
    ("wonderful", "great"),
    ("we'll", "we will"),
    ("I'll", "I will"),
    ("somebody", "someone"),
    (" so that ", " so "),
    ("tell me", "let me know"),
    ("Shall I", "Should I"),
    ("Dear ", "Hi "),
)
ADDED = (
    "Sorry for the slow reply, it's been one of those weeks.",
    "I'm on the road today, so a text is the quickest way to reach me.",
    "Have a good weekend!",
    "And say hello to the others.",
    "I'm writing this between two appointments, so forgive the brevity.",
    "Ring me if that's easier.",
    "I've copied in a colleague, so that nothing gets lost while I'm away.",
    "It was nice to hear from you, by the way.",
    "Hope that's all right with you.",
    "You can also just drop by.",
    "Talk soon!",
    "Thanks again for your patience.",
    "Let's hope for better weather.",
    "Would you confirm briefly, so that I know you've got this?",
    "That's all from my side.",
)
#: rewritten from scratch
HURRIED = (
    "{0}\n\ncall me, easier on the phone. {1}",
    "{0}\n\nI've just tried to reach you by phone. Will try again later.\n\n{1}",
    "{0}\n\nsorry, no time today, will answer properly tomorrow\n\n{1}",
    "{0}\n\nyes, all fine.\n\n{1}",
    "{0}\n\nMy colleague will get back to you on this.\n\nBest\n{1}",
)
TYPOS = (
    ("the", "teh"),
    ("and", "adn"),
    ("because", "becuase"),
    ("received", "recieved"),
    ("definitely", "definately"),
    ("would", "woudl"),
    ("tomorrow", "tommorow"),
    ("please", "plese"),
    ("their", "thier"),
    ("really", "realy"),
    ("which", "wich"),
    ("possible", "posible"),
    ("appointment", "apointment"),
    ("something", "somthing"),
    ("already", "allready"),
    ("until", "untill"),
    ("address", "adress"),
    ("believe", "beleive"),
    ("before", "befor"),
    ("about", "abuot"),
)


class User(NamedTuple):
    id: str
    name: str
    profession: str
    company: str
    description: str
    terse: bool
    pinned: bool


def hurried(text: str, chance: random.Random) -> str:
    """As it is typed on a telephone."""
    kind = chance.random()
    if kind < 0.4:
        text = text[0].lower() + text[1:]
    if kind < 0.2:
        text = re.sub(r"(?<=[.?!] )[A-Z](?=[a-z])", lambda m: m[0].lower(), text).replace("'", "")
    for right, wrong in chance.sample(TYPOS, 5):
        text = re.sub(rf"\b{right}\b", wrong, text, count=1)
    return text


def mail(said: str, them: str, user: User, chance: random.Random, *, plain: bool) -> str:
    """The e-mail that came: greeting, text, signature."""
    if plain:
        return said
    first, mine = them.split()[0], user.name.split()[0]
    if chance.random() < 0.22:
        said = hurried(said, chance)
    greeting = chance.choice(
        (f"Hi {mine},", f"Hello {mine},", f"Dear {user.name},", f"Dear {mine},", "Hello,", "Hi,", *UNGREETED)
    )
    end = chance.choice(THANKS)
    sign = chance.choice((first, first, first, them, them, f"{first[0]}. {them.split()[1]}", ""))
    known = "" if first in sign else f"From: {them}"
    return "\n\n".join(filter(None, (known, greeting, said, "\n".join(filter(None, (end, sign))))))


def draft(body: str, them: str, user: User, version: int, template: str, chance: random.Random) -> str:
    """What a version of the templates makes of a body. The first ones were fond of phrases."""
    mine = user.name.split()[0]
    opener = chance.choice(OPENERS[version]) if template != "reply-short" else ""
    answer = chance.choice(ANSWERS[version]) if template != "reply-short" else ""
    greeting = chance.choice(
        {1: ("Dear {0} {1},", "Dear {0},"), 2: ("Dear {0},", "Hello {0},")}.get(
            version, ("Hi {0},", "Hello {0},", "Hi {0},", "Dear {0},")
        )
    )
    sign = chance.choice(SIGNED[version]).format(user.name, mine, user.profession, user.company)
    said = f"{opener} {body}".strip() if chance.random() < 0.5 or not opener else f"{opener}\n\n{body}"
    return "\n\n".join(filter(None, (greeting.format(*them.split()), said, answer, sign)))


def edited(text: str, user: User, heavy: float, chance: random.Random) -> str:
    """What a user makes of a draft before sending it; heavy: 0..1."""
    parts = text.split("\n\n")
    for old, new in chance.sample(SWAPS, len(SWAPS)):
        if chance.random() < 0.25 + heavy:
            text = text.replace(old, new, 1)
    parts = text.split("\n\n")
    if heavy > 0.2 and len(parts) > 3 and parts[-2] in PHRASES and chance.random() < 0.7:
        del parts[-2]
    if chance.random() < 0.35:
        parts[-1] = (
            f"{chance.choice(('Best,', 'Thanks,', 'Cheers,', 'Kind regards,', 'All the best,'))}\n{user.name.split()[0]}"
        )
    if chance.random() < 0.3 + heavy / 2:
        parts.insert(-1, chance.choice(ADDED))
    if heavy > 0.6:
        for k in range(1, len(parts) - 1):
            sentences = re.split(r"(?<=[.?!]) ", parts[k])
            if len(sentences) > 2:
                sentences.pop(chance.randrange(1, len(sentences)))
            parts[k] = " ".join(sentences)
    if user.terse and chance.random() < 0.3:
        parts = [parts[0], " ".join(parts[1:-1]), parts[-1]]
    return "\n\n".join(parts)
