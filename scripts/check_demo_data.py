"""Check the demo data of `recipes/customer-intents` against the fates that were planted in it.

    python scripts/check_demo_data.py

Reads `inquiries.csv` and `labels.csv` of the recipe and `tests/recipes/customer_intents_fates.csv`, prints a summary,
and exits with 1 if any promise made in the recipe's README does not hold. It shares no code with Tamis on purpose:
the tests of Tamis rely on these files.
"""

import csv
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import ftfy
from ftfy.badness import is_bad

ROOT = Path(__file__).resolve().parent.parent
INQUIRIES = ROOT / "recipes" / "customer-intents" / "inquiries.csv"
LABELS = ROOT / "recipes" / "customer-intents" / "labels.csv"
TEST = ROOT / "recipes" / "customer-intents" / "test_questions.csv"
FATES = ROOT / "tests" / "recipes" / "customer_intents_fates.csv"

KEPT = {"kept": 448, "fixed_mojibake": 15, "fixed_whitespace": 10, "contains_pii": 27}
DROPPED = {
    "exact_duplicate": 62,
    "normalised_duplicate": 46,
    "empty": 12,
    "one_word": 26,
    "refusal": 12,
    "repetition": 12,
    "language": 16,
    "label_slip": 16,
    "near_duplicate": 14,
    "junk": 8,
    "injection": 1,
    "leaked_test": 2,
}
SURVIVORS, TRAIN, EVAL = 500, 400, 100
PER_SUB_CATEGORY = range(14, 21)
GERMAN = range(10, 21)  # 2 to 4 % of the survivors
NEAR_DUPLICATE = 0.5  # Jaccard similarity of character 5-grams: survivors stay below
CLEAR_DUPLICATE = 0.65  # planted near-duplicates reach this
DUPLICATES = {"exact_duplicate", "normalised_duplicate"}

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
MESSY_SPACE = re.compile(rf"[\t\u00a0{INVISIBLE}]|  |^\s|\s$| \n|\n\n\n")
EMAIL = re.compile(r"[\w.+-]+@[\w.-]+\w")
PHONE = re.compile(r"\b\d{3}-\d{4}\b")
ORDER = re.compile(r"\bMR-\d{5}-\d\b")
FAKE_EMAIL = re.compile(r".+@example\.(com|org)")
FAKE_PHONE = re.compile(r"555-01\d\d")
CARD = re.compile(r"\b4111 1111 1111 1111\b")  # a test number of card networks
IBAN = re.compile(r"\bGB82 WEST 1234 5698 7654 32\b|\bDE89 3704 0044 0532 0130 00\b")  # the examples of the registry
KEY = re.compile(r"\bAKIAIOSFODNN7EXAMPLE\b")  # the example of its issuer
ADDRESS = re.compile(r"\b203\.0\.113\.\d+\b")  # a network reserved for documentation
JUNK = re.compile(r"(?:asdf|jkl|asdfjkl|test|\d+|qwertz|yxcvb|dfgdfg|hjkhjk|foo|bar|xxxx|aaaa|bbbb|cccc|\s)+")
INJECTION = re.compile(r"\bignore all previous instructions\b", re.IGNORECASE)
LONG_NUMBER = re.compile(r"\d(?:[ /-]?\d){6,}")  # what else could be a phone, card or account number
REFUSAL = re.compile(
    r"\bas an? (large )?(ai|language model)\b|\bjust an ai\b|\b(can't|cannot|unable to) (assist|help with that)\b"
    r"|\b(can't|cannot) fulfill this\b|\bunable to provide\b",
    re.IGNORECASE,
)
# Common words that settle the language of a sentence. Words that several languages share ("is", "do") are left out.
# fmt: off
ENGLISH = {
    "and", "any", "are", "at", "but", "can", "does", "for", "from", "have", "how", "i'd", "i'm", "isn't", "it's", "my",
    "not", "please", "pls", "still", "that", "the", "there", "this", "to", "too", "up", "what", "when", "where", "with",
    "which", "would", "you", "your",
}
GERMAN_WORDS = {
    "auch", "auf", "bei", "bitte", "das", "der", "gibt", "ich", "ist", "mein", "meine", "mit", "nicht", "seit", "sich",
    "und", "warum", "welche", "wir", "wurde",
}
# fmt: on


@dataclass(frozen=True)
class Row:
    id: str
    inquiry: str
    category: str
    sub_category: str
    fate: str
    reason: str
    of: str

    @property
    def kept(self) -> bool:
        return self.fate == "kept"

    @property
    def label(self) -> tuple[str, str]:
        return self.category, self.sub_category


def read(path: Path, header: list[str]) -> list[list[str]]:
    content = path.read_bytes()
    if b"\r" in content or not content.endswith(b"\n") or content.startswith(b"\xef\xbb\xbf"):
        raise SystemExit(f"{path}: expected UTF-8 without a byte order mark, and LF line ends")
    with path.open(encoding="utf-8", newline="") as file:
        first, *rest = csv.reader(file, strict=True)
    if first != header or any(len(record) != len(header) for record in rest):
        raise SystemExit(f"{path}: every record must have the columns {header}")
    return rest


def load() -> tuple[list[Row], list[tuple[str, str]]]:
    inquiries = read(INQUIRIES, ["inquiry_id", "inquiry", "category", "sub_category"])
    fates = read(FATES, ["inquiry_id", "fate", "reason", "of"])
    if [record[0] for record in inquiries] != [record[0] for record in fates]:
        raise SystemExit("inquiries and fates must list the same ids in the same order")
    rows = [Row(*inquiry, *fate[1:]) for inquiry, fate in zip(inquiries, fates, strict=True)]
    labels = read(LABELS, ["category", "sub_category", "description"])
    return rows, [(category, sub_category) for category, sub_category, _ in labels]


@cache
def test_questions() -> tuple[str, ...]:
    """The questions that must not be trained on."""
    return tuple(record[1] for record in read(TEST, ["question_id", "inquiry", "category", "sub_category"]))


# What the text is like ------------------------------------------------------------------------------------------------


def cleaned(text: str) -> str:
    """The text with its encoding repaired and its white space tidied."""
    text = ftfy.fix_text(text).replace("\u00a0", " ")
    text = "".join(c for c in text if c not in INVISIBLE)
    text = "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def normalised(text: str) -> str:
    """NFKC, case folded, without white space and punctuation."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in text if not (c.isspace() or c in INVISIBLE or unicodedata.category(c).startswith("P")))


def five_grams(text: str) -> set[str]:
    text = " ".join(text.casefold().split())
    return {text[i : i + 5] for i in range(max(1, len(text) - 4))}


def distinct_pairs(text: str) -> float:
    """The share of distinct ones among the pairs of neighbouring words: 1 for prose, near 0 for a loop."""
    words = text.casefold().split()
    pairs = list(pairwise(words))
    return len(set(pairs)) / len(pairs) if pairs else 1.0


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.casefold())


def is_german(text: str) -> bool:
    found = set(words_of(text))
    return len(found & GERMAN_WORDS) > len(found & ENGLISH)


def personal(text: str) -> list[str]:
    return [item for pattern in (EMAIL, PHONE, ORDER, CARD, IBAN, KEY, ADDRESS) for item in pattern.findall(text)]


def squeezed(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(c for c in text.casefold() if c.isalnum())


# What would drop a row, in the order of the recipe --------------------------------------------------------------------


def dropping_steps(row: Row, labels: set[tuple[str, str]]) -> list[str]:
    """Every step but deduplication that would drop the row, judged alone. More than one would be ambiguous."""
    text = cleaned(row.inquiry)
    if not text:
        return ["empty"]
    steps = []
    if len(text.split()) < 2:
        steps.append("one_word")
    if REFUSAL.search(text):
        steps.append("refusal")
    if INJECTION.search(text):
        steps.append("injection")
    if any(squeezed(question) in squeezed(text) for question in test_questions()):
        steps.append("leaked_test")
    if distinct_pairs(text) < 0.5:
        steps.append("repetition")
    elif JUNK.fullmatch(text) and len(text.split()) > 1:
        steps.append("junk")
    elif len(text.split()) >= 5 and not set(words_of(text)) & (ENGLISH | GERMAN_WORDS):
        steps.append("language")
    if row.label not in labels:
        steps.append("label_slip")
    return steps


# The checks: each yields what is wrong --------------------------------------------------------------------------------


def check_counts(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    ids = [row.id for row in rows]
    if ids != [f"INQ-{n:05d}" for n in range(1, len(rows) + 1)]:
        yield "ids must ascend from INQ-00001 without gaps"
    reasons = Counter((row.fate, row.reason) for row in rows)
    expected = {("kept", r): n for r, n in KEPT.items()} | {("dropped", r): n for r, n in DROPPED.items()}
    for key in sorted(set(reasons) | set(expected)):
        if reasons[key] != expected.get(key, 0):
            yield f"{key}: {reasons[key]} rows, expected {expected.get(key, 0)}"
    kept = sum(row.kept for row in rows)
    if kept != SURVIVORS:
        yield f"{kept} rows survive, expected {SURVIVORS}"


def check_labels(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    if len({category for category, _ in labels}) != 9 or not 28 <= len(labels) <= 33:
        yield "expected 9 categories with 28 to 33 sub-categories"
    if len(set(labels)) != len(labels) or len({sub for _, sub in labels}) != len(labels):
        yield "a sub-category is listed twice"
    for name in {name for label in labels for name in label}:
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
            yield f"label {name!r} is not snake_case"
    counts = Counter(row.label for row in rows if row.kept)
    for label in labels:
        if counts[label] not in PER_SUB_CATEGORY:
            yield f"{label}: {counts[label]} survivors"


def check_split(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    sizes = Counter(row.category for row in rows if row.kept)
    train = {category: size * TRAIN // SURVIVORS for category, size in sizes.items()}
    remainder = sorted(sizes, key=lambda category: (-(sizes[category] * TRAIN % SURVIVORS), category))
    for category in remainder[: TRAIN - sum(train.values())]:
        train[category] += 1
    if sum(train.values()) != TRAIN or sum(sizes.values()) - sum(train.values()) != EVAL:
        yield f"the stratified split gives {sum(train.values())} training rows, expected {TRAIN}"
    if any(not 0 < train[category] < size for category, size in sizes.items()):
        yield "a category is missing from one side of the split"


def check_duplicates(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    position = {row.id: i for i, row in enumerate(rows)}
    for i, row in enumerate(rows):
        if (row.reason in DUPLICATES | {"near_duplicate"}) != bool(row.of):
            yield f"{row.id}: `of` belongs to duplicates only"
        if not row.of:
            continue
        first = rows[position[row.of]]
        if not first.kept or position[row.of] >= i or first.label != row.label:
            yield f"{row.id}: {first.id} is not an earlier survivor with the same labels"
        if row.reason == "near_duplicate":
            left, right = five_grams(cleaned(row.inquiry)), five_grams(cleaned(first.inquiry))
            similarity = len(left & right) / len(left | right)
            if not CLEAR_DUPLICATE <= similarity < 1:
                yield f"{row.id}: {similarity:.2f} like {first.id}"
            continue
        if (row.reason == "exact_duplicate") != (row.inquiry == first.inquiry):
            yield f"{row.id}: is it an exact copy of {first.id} or not?"
        if normalised(cleaned(row.inquiry)) != normalised(cleaned(first.inquiry)):
            yield f"{row.id}: differs from {first.id} under normalisation"


def check_near_duplicates(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    grams = [(row.id, five_grams(cleaned(row.inquiry))) for row in rows if row.kept]
    for (a, left), (b, right) in combinations(grams, 2):
        similarity = len(left & right) / len(left | right)
        if similarity >= NEAR_DUPLICATE:
            yield f"{a} and {b} are near-duplicates ({similarity:.2f})"


def check_drops(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    valid = set(labels)
    for row in rows:
        expected = [] if row.kept or row.reason in DUPLICATES | {"near_duplicate"} else [row.reason]
        found = dropping_steps(row, valid)
        if found != expected:
            yield f"{row.id}: dropped by {found}, expected {expected}: {row.inquiry[:60]!r}"
        if row.reason == "language" and len(row.inquiry.split()) < 8:
            yield f"{row.id}: too short for its language to be certain"
        if row.kept and distinct_pairs(row.inquiry) < 0.7:
            yield f"{row.id}: a survivor that repeats itself"


def check_repairs(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    """Mojibake and messy white space occur where they were planted (and in copies of those rows), nowhere else."""
    for row in rows:
        if not row.kept:
            continue
        repaired = ftfy.fix_encoding(row.inquiry)
        if row.reason == "fixed_mojibake":
            if repaired == row.inquiry or is_bad(ftfy.fix_text(row.inquiry)):
                yield f"{row.id}: not repaired: {row.inquiry!r}"
            elif repaired.encode("utf-8").decode("cp1252") != row.inquiry:
                yield f"{row.id}: breaking the repaired text again does not give the row"
        elif ftfy.fix_text(row.inquiry) != row.inquiry:
            yield f"{row.id}: ftfy changes a row without planted mojibake"
        if bool(MESSY_SPACE.search(row.inquiry)) != (row.reason == "fixed_whitespace"):
            yield f"{row.id}: messy white space, or the lack of it, is unplanned"


def check_personal_data(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    for row in rows:
        found = personal(row.inquiry)
        if row.kept and bool(found) != (row.reason == "contains_pii"):
            yield f"{row.id}: {found} does not fit the reason {row.reason}"
        for item in found:
            if not any(
                pattern.fullmatch(item) for pattern in (FAKE_EMAIL, FAKE_PHONE, ORDER, CARD, IBAN, KEY, ADDRESS)
            ):
                yield f"{row.id}: {item} could be real"
        rest = row.inquiry
        for pattern in (PHONE, ORDER, CARD, IBAN):
            rest = pattern.sub("", rest)
        if row.reason != "repetition" and LONG_NUMBER.search(rest):
            yield f"{row.id}: contains a long number"


def check_languages(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    german = sum(is_german(cleaned(row.inquiry)) for row in rows if row.kept)
    if german not in GERMAN:
        yield f"{german} German survivors"


CHECKS: list[Callable[[list[Row], list[tuple[str, str]]], Iterator[str]]] = [
    check_counts,
    check_labels,
    check_split,
    check_duplicates,
    check_near_duplicates,
    check_drops,
    check_repairs,
    check_personal_data,
    check_languages,
]


def summary(rows: list[Row], labels: list[tuple[str, str]]) -> Iterator[str]:
    kept = [row for row in rows if row.kept]
    yield f"{len(rows)} rows = {len(kept)} kept + {len(rows) - len(kept)} dropped"
    for (fate, reason), n in sorted(Counter((row.fate, row.reason) for row in rows).items(), reverse=True):
        yield f"  {fate:<8} {reason:<21} {n:>4}"
    counts = Counter(row.label for row in kept)
    yield f"{len({category for category, _ in labels})} categories, {len(labels)} sub-categories, survivors in each:"
    for category in dict.fromkeys(category for category, _ in labels):
        inside = {sub: counts[category, sub] for c, sub in labels if c == category}
        yield f"  {category:<15} {sum(inside.values()):>3}  " + ", ".join(f"{sub} {n}" for sub, n in inside.items())
    lengths = sorted(len(row.inquiry.split()) for row in kept)
    german = sum(is_german(cleaned(row.inquiry)) for row in kept)
    yield f"words per survivor: {lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}; {german} in German"


def main() -> int:
    rows, labels = load()
    print("\n".join(summary(rows, labels)))
    failed = 0
    for check in CHECKS:
        problems = list(check(rows, labels))
        failed += len(problems)
        print(f"{'FAIL' if problems else 'ok':<4} {check.__name__.removeprefix('check_').replace('_', ' ')}")
        for problem in problems:
            print(f"       {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
