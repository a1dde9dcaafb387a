"""Names that stand for names: words that are given and family name alike and tell no gender, by script.

Each word of a name is replaced by itself, so that "Anna Berg", "Anna" and "Mrs Berg" stay the same person. The words
are common ones of several languages; none of them is meant to be anybody.
"""

from __future__ import annotations

import unicodedata

LATIN = (
    "Addison Alexis Ari Ariel Arden Ash Ashby Aubrey Auden Avery Bailey Beck Bellamy Berger Blair Blake Bowie Brett Briar "
    "Brooks Cameron Campbell Carey Carson Carter Casey Cassidy Chandler Charlie Chen Cole Corey Courtney Dakota Dale Dallas "
    "Dana Darcy Daryl Devin Drew Dorian Eden Elliot Ellis Ellery Emerson Emery Ezra Fabian Farrell Finley Flynn Frankie "
    "Gale Garnet Glenn Gray Greer Hadley Harley Harper Haven Hayden Hayes Hollis Hunter Indigo Iris Jackie Jamie Jan Jean "
    "Jensen Jesse Jocelyn Jordan Jules Kai Keegan Keith Kelly Kendall Kerry Kim Kirby Kit Lake Landry Lane Laurel Laurie "
    "Lee Leigh Lennon Leslie Linden Logan London Loren Luca Lyle Lynn Mackenzie Madison Marin Marley Marlow Martin Maurice "
    "Meredith Merritt Micah Milan Mika Monroe Morgan Morris Murray Navarro Nevada Nico Noel Noa Oakley Ocean Olsen Palmer "
    "Paris Parker Pascal Pat Paxton Perry Peyton Phoenix Presley Quincy Quinn Ramsey Raven Reese Regan Reid Remy Rene "
    "Riley River Robin Rory Rowan Royal Ryan Sage Salem Sam Sandy Sasha Sawyer Schuyler Scout Selby Shannon Shelby Shiloh "
    "Sidney Simone Skyler Sloan Spencer Stacy Sterling Stevie Storm Sutton Sydney Tate Taylor Teagan Terry Toby Toni Tracy "
    "Tristan Valentine Vesper Wallis Wesley West Whitney Winter Wren Yael Yuri Zion"
)
CYRILLIC = (
    "Саша Женя Валя Слава Шура Никита Паша Мишель Карелин Бондаренко Коваленко Шевченко Ткаченко Кравченко Романенко "
    "Павленко Черненко Седых Белых Черных Долгих Сухих Донских Короленко Лисенко Марченко Назаренко Петренко Руденко Савченко"
)
GREEK = "Άλκης Ρένα Φωτεινού Χρυσάνθου Οικονόμου Παπαδάκη Γεωργίου Νικολάου Βασιλείου Αλεξίου Δημητρίου Ιωάννου"
ARABIC = "نور رضا صباح إحسان جهاد وسام عصمت شمس رجاء إسلام أمل ضياء كمال سلام حكمت نضال فجر سنا بدر غيث"
HEBREW = "נועם עדי טל ים שי גל אור רון דרור שחר עומר אריאל ליאור מור רוני יובל חן ניצן עדן סתיו"
DEVANAGARI = "किरण ज्योति सुमन राजी हरि मनी चेतन प्रीत अमन दीप गगन नूर सोनम शान्ति कमल"
HANGUL = "지민 서윤 하늘 은우 시우 지우 수민 유진 민서 현수 가온 다온 라온 새론 이든 도윤"
HAN = "林安 陈宁 周晨 吴辰 徐清 孙晓 何平 高远 罗云 宋文 唐一 许言 邓新 冯安 曹宁 彭晨 曾清 萧云 田文 董言"
KANA = "かおる まこと しのぶ ひかる つばさ あおい みつる ちひろ いずみ あきら なぎさ ひなた"
THAI = "มณี วันดี สกุล พร แก้ว ศรี อรุณ นภา ดาว ทองดี บุญมี จันทร์"

POOLS: dict[str, list[str]] = {
    script: words.split()
    for script, words in (
        ("LATIN", LATIN), ("CYRILLIC", CYRILLIC), ("GREEK", GREEK), ("ARABIC", ARABIC), ("HEBREW", HEBREW),
        ("DEVANAGARI", DEVANAGARI), ("HANGUL", HANGUL), ("CJK", HAN), ("HIRAGANA", KANA), ("KATAKANA", KANA), ("THAI", THAI),
    )
}  # fmt: skip

_MAIL = frozenset(word.lower() for word in POOLS["LATIN"])


def script(word: str) -> str:
    """The script of a word's first letter, by the first word of its Unicode name; '' where it has no letter.

    >>> script("Ärzte"), script("Саша"), script("42")
    ('LATIN', 'CYRILLIC', '')
    """
    letter = next((c for c in word if c.isalpha()), "")
    return unicodedata.name(letter, "").split(" ")[0] if letter else ""


def is_mail_name(local: str) -> bool:
    """Whether the part of an address before @ is one that we make: two words of the pool, a dot between, six digits."""
    words = local[:-6].split(".")
    return local[-6:].isdigit() and len(words) == 2 and all(word in _MAIL for word in words)
