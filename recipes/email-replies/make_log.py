"""Makes log.db: 2,500 drafts of a writing product, from the situations in situations.txt, and the dirt such logs have.

    python recipes/email-replies/make_log.py [--into FOLDER]

situations.txt holds the writing. A situation begins with `# name | sector | template`, or `sector: Company, Company` where it
only suits some. `>` is the e-mail that came, `?`
what the user typed (variants between ` / `), each `=` a reply's body. `[this|that]` is drawn; `{price=90|120}` is drawn once
and then stands wherever `{price}` does; `¶` begins a paragraph. companies.txt says who works where, dirt.txt what is
planted besides. Nothing else is drawn from: the same seed gives the same bytes. `planted.csv` says which rows hold what.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sqlite3
import struct
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from planting import plant
from voices import FIRST, HURRIED, LAST, SHORTER, User, draft, edited, mail

HERE = Path(__file__).resolve().parent
SEED = 7
ROWS = 2500
BEGIN, DAYS = datetime(2026, 3, 2, 7, 0), 210
COLUMNS = (
    "id",
    "user_id",
    "created_at",
    "template",
    "template_class",
    "template_version",
    "sender_name",
    "profession",
    "company",
    "company_description",
    "instruction",
    "received_message",
    "generated_text",
    "accepted",
    "sent_text",
    "edit_distance",
    "retained_30d",
)
GENERAL = ("reply", "reply-short")
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TIMES = ("9:00", "9:30", "10:00", "10:30", "11:15", "13:30", "14:00", "15:00", "15:45", "16:30")
#: how often people send what a version of the templates wrote, as a shift of the log-odds
BETTER = {1: -0.9, 2: -0.2, 3: 0.5, 4: 0.9}

_DRAWN, _SLOT = re.compile(r"\[([^\[\]]+)\]"), re.compile(r"\{(\w+)(?:=([^{}]+))?\}")


class Situation(NamedTuple):
    name: str
    sector: str
    template: str
    mail: str
    asked: list[str]
    bodies: list[str]


def situations(text: str) -> list[Situation]:
    """What is written in situations.txt."""
    found = []
    for block in re.split(r"(?m)^# ", text)[1:]:
        head, *lines = block.strip().split("\n")
        name, sector, template = head.split(" | ")
        by_sign: dict[str, list[str]] = {">": [], "?": [], "=": []}
        for line in filter(None, lines):
            if line[:2] not in ("> ", "? ", "= "):
                raise ValueError(f"{name}: {line!r} is neither a mail, an instruction nor a reply")
            by_sign[line[0]].append(line[2:])
        if len(by_sign[">"]) != 1 or len(by_sign["?"]) != 1 or not by_sign["="]:
            raise ValueError(f"{name}: one mail, one line of instructions, at least one reply")
        found.append(Situation(name, sector, template, by_sign[">"][0], by_sign["?"][0].split(" / "), by_sign["="]))
    return found


def users(text: str, chance: random.Random) -> dict[str, list[User]]:
    """The people of companies.txt by sector: one for each profession that a company names."""
    found: dict[str, list[User]] = {}
    for line in text.strip().split("\n"):
        sector, company, description, professions = line.split(" | ")
        for profession in professions.split("; "):
            name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
            number = sum(map(len, found.values())) + 1
            user = User(
                f"u{number:03}", name, profession, company, description, chance.random() < 0.35, chance.random() < 0.06
            )
            found.setdefault(sector, []).append(user)
    return found


def dirt(text: str) -> dict[str, list[str]]:
    """What is written in dirt.txt: the texts of each kind."""
    found = {}
    for block in re.split(r"(?m)^# ", text)[1:]:
        kind, _, rest = block.partition("\n")
        found[kind.strip()] = [one.strip().replace("¶", "\n\n") for one in re.split(r"(?m)^%$", rest)]
    return found


def distance(one: str, other: str) -> int:
    """Levenshtein's, in bits side by side."""
    if not one or not other:
        return len(one) + len(other)
    mask, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    places: dict[str, int] = {}
    for k, sign in enumerate(one):
        places[sign] = places.get(sign, 0) | 1 << k
    up, down, found = mask, 0, len(one)
    for sign in other:
        same = places.get(sign, 0)
        level = same | down
        cross = (((same & up) + up) ^ up) | same
        more, less = down | ~(cross | up) & mask, up & cross
        found += bool(more & last) - bool(less & last)
        more, less = (more << 1 | 1) & mask, less << 1 & mask
        up, down = (less | ~(level | more)) & mask, more & level
    return found


def filled(text: str, slots: dict[str, str], chance: random.Random) -> str:
    """The text with its choices drawn; slots that it names first are drawn, and remembered."""

    def slot(match: re.Match[str]) -> str:
        name, values = match[1], match[2]
        if name not in slots:
            if values is None:
                raise ValueError(f"nothing says what {{{name}}} is: {text[:60]}")
            slots[name] = chance.choice(values.split("|"))
        return slots[name]

    return _SLOT.sub(slot, _DRAWN.sub(lambda m: chance.choice(m[1].split("|")), text)).replace("¶ ", "\n\n")


def row(user: User, moment: datetime, template: str, chosen: str, version: int, **rest: Any) -> dict[str, Any]:
    return {
        "user_id": user.id,
        "created_at": moment,
        "template": template,
        "template_class": chosen,
        "template_version": version,
        "sender_name": user.name,
        "profession": user.profession,
        "company": user.company,
        "company_description": user.description,
        "accepted": 0,
        "sent_text": None,
        "edit_distance": None,
        **rest,
    }


def version_at(share: float, chance: random.Random) -> int:
    """A version is rolled out over some weeks."""
    at = share + chance.uniform(-0.05, 0.05)
    return 1 + (at > 0.08) + (at > 0.22) + (at > 0.62)


def judged(made: dict[str, Any], user: User, last: bool, chance: random.Random) -> dict[str, Any]:
    """Whether the user sent it, and as what: rather with newer versions, specific templates, and short drafts."""
    words = len(made["generated_text"].split())
    odds = 1.2 + BETTER[made["template_version"]] + 0.8 * (made["template_class"] == "specific")
    odds -= 0.025 * max(0, words - 80) + 0.4 * (len(made["instruction"].split()) < 4) + (0.0 if last else 4.0)
    likely = 1 / (1 + 2.718281828**-odds)
    draw = chance.random()
    if draw < likely:
        heavy = max(0.0, min(1.0, 0.55 - 0.22 * odds + chance.gauss(0.1, 0.22)))
        untouched = chance.random() < 0.38 * likely
        sent = made["generated_text"] if untouched else edited(made["generated_text"], user, heavy, chance)
        made |= {"accepted": 1, "sent_text": sent}
    elif last and draw > likely + (1 - likely) * 0.8:
        sent = chance.choice(HURRIED).format(made["generated_text"].split("\n")[0], user.name.split()[0])
        made |= {"sent_text": sent}
    return made


def instruction_for(body: str, situation: Situation, chance: random.Random) -> str:
    """An instruction that tells what the body says: one of those that name most of what the mail leaves open."""
    open_ = {name for name, _ in _SLOT.findall(body)} - {name for name, _ in _SLOT.findall(situation.mail)}
    told = [len(open_ & {name for name, _ in _SLOT.findall(one)}) for one in situation.asked]
    return chance.choice([one for one, many in zip(situation.asked, told, strict=True) if many == max(told)])


def generations(
    situation: Situation, user: User, moment: datetime, version: int, chance: random.Random
) -> list[dict[str, Any]]:
    """One user's drafts for one e-mail: the first, and those after it until one would do."""
    them = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
    days = chance.sample(WEEK, 2)
    date = moment + timedelta(days=chance.randint(4, 24))
    slots = {"day": days[0], "day2": days[1], "time": chance.choice(TIMES), "me": user.name.split()[0]}
    slots |= {"time2": chance.choice([t for t in TIMES if t != slots["time"]]), "them": them.split()[0]}
    slots |= {"date": f"{date.day} {date:%B}", "name": chance.choice(FIRST), "co": user.company}
    plain = situation.sector.startswith("abroad")
    for text in (situation.mail, *situation.asked):
        for name, values in _SLOT.findall(text):
            if values:
                slots.setdefault(name, chance.choice(values.split("|")))
    came = mail(filled(situation.mail, slots, chance), them, user, chance, plain=plain)
    specific = chance.random() < 0.48
    template = situation.template if specific else chance.choice(GENERAL)
    found = []
    tries = 1 + (chance.random() < 0.24) + (chance.random() < 0.1)
    for k in range(tries):
        wanted = chance.choice(situation.bodies)
        asked = filled(instruction_for(wanted, situation, chance), slots, chance)
        if user.terse:
            asked = asked.lower()
        body = filled(wanted, slots, chance)
        if k:
            asked += chance.choice(SHORTER)
        text = body if plain else draft(body, them, user, version, template, chance)
        made = row(
            user,
            moment,
            template,
            "specific" if specific else "general",
            version,
            instruction=asked,
            received_message=came,
            generated_text=text,
            situation=situation.name,
        )
        made = judged(made, user, k == tries - 1, chance)
        if plain and made["sent_text"] is not None:
            made["sent_text"] = text
        found.append(made)
        moment += timedelta(seconds=chance.randint(25, 400))
    return found


def log() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All rows by time, and what was planted: row, what, and the row it is a copy of."""
    chance = random.Random(SEED)
    written = situations((HERE / "situations.txt").read_text(encoding="utf-8"))
    people = users((HERE / "companies.txt").read_text(encoding="utf-8"), chance)
    texts = dirt((HERE / "dirt.txt").read_text(encoding="utf-8"))
    chance.shuffle(written)
    last_user: dict[str, int] = {}
    found: list[dict[str, Any]] = []

    def moment() -> tuple[datetime, float]:
        share = chance.random() ** 0.8
        at = BEGIN + timedelta(days=int(share * DAYS))
        while at.weekday() > 4 and chance.random() < 0.85:
            at -= timedelta(days=1)
        return at + timedelta(seconds=chance.randint(0, 46_800)), share

    def some(one: Situation) -> list[dict[str, Any]]:
        sector, _, only = one.sector.partition(": ")
        staff = [p for p in people[sector] if not only or any(word in p.company for word in only.split(", "))]
        turn = last_user.setdefault(one.name, chance.randrange(len(staff)))
        last_user[one.name] = turn + 1
        user = staff[turn % len(staff)]
        at, share = moment()
        version = 1 if user.pinned and share > 0.3 else version_at(share, chance)
        made = generations(one, user, at, version, chance)
        for each in made:
            if version == 1 and share > 0.3:
                each["what"] = "old_version"
            elif one.sector.startswith("abroad") and not one.name.startswith("de-"):
                each["what"] = "other_language"
        return made

    english = [one for one in written if not one.sector.startswith("abroad")]
    planted = plant(texts, english, some, chance)
    k = 0
    while len(found) + len(planted) < ROWS:
        one = written[k % len(written)]
        k += 1
        if one.sector.startswith("abroad") and k > 3 * len(written):
            continue
        found += some(one)
    found = [*found[: ROWS - len(planted)], *planted]
    return finished(found, chance)


def finished(found: list[dict[str, Any]], chance: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows in the order of time with ids, distances and retention; and what was planted."""
    found.sort(key=lambda one: (one["created_at"], one["user_id"], one["generated_text"]))
    rates: dict[str, list[int]] = {}
    for one in found:
        rates.setdefault(one["user_id"], []).append(one["accepted"])
    stays = {
        user: int(chance.random() < min(0.97, max(0.05, 1.6 * sum(one) / len(one) - 0.5)))
        for user, one in sorted(rates.items())
    }
    for number, one in enumerate(found, 1):
        one["id"] = f"g-{number:04}"
        one["retained_30d"] = stays[one["user_id"]]
        if one["sent_text"] is not None:
            one["edit_distance"] = distance(one["generated_text"], one["sent_text"])
    planted = [
        {"id": one["id"], "what": one["what"], "of": one["of"]["id"] if "of" in one else ""}
        for one in found
        if "what" in one
    ]
    for one in found:
        one["created_at"] = one["created_at"].isoformat(sep=" ")
    return found, planted


def write(rows: list[dict[str, Any]], path: Path) -> None:
    """The database, the same bytes with every SQLite: its header names the one that wrote it, so that is set."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA page_size = 4096")
    connection.execute("PRAGMA journal_mode = OFF")
    whole = {"template_version", "accepted", "edit_distance", "retained_30d"}
    kinds = ", ".join(f"{name} {'INTEGER' if name in whole else 'TEXT'}" for name in COLUMNS)
    connection.execute(f"CREATE TABLE generations ({kinds.replace('id TEXT', 'id TEXT PRIMARY KEY', 1)}) WITHOUT ROWID")
    connection.execute("BEGIN")
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO generations VALUES ({marks})", ([one[c] for c in COLUMNS] for one in rows))
    connection.execute("COMMIT")
    connection.execute("VACUUM")
    connection.close()
    data = bytearray(path.read_bytes())
    data[24:28] = data[92:96] = struct.pack(">I", 1)
    data[96:100] = struct.pack(">I", 3_040_000)
    path.write_bytes(bytes(data))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=HERE, help="folder for log.db and planted.csv")
    options = parser.parse_args()
    rows, planted = log()
    write(rows, options.into / "log.db")
    with (options.into / "planted.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, ["id", "what", "of"], lineterminator="\n")
        table.writeheader()
        table.writerows(planted)


if __name__ == "__main__":
    main()
