"""privacy.anonymize"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import AfterValidator, Field, PrivateAttr, WithJsonSchema, model_validator

from tamis.core.columns import Columns
from tamis.core.errors import did_you_mean
from tamis.core.outcome import Verdict, change
from tamis.core.step import RowStep
from tamis.engine.anonymize import Mode, Replacer, Rules, told
from tamis.engine.key import Key, need_key
from tamis.engine.pii import KINDS


def _kind(name: str) -> str:
    if name not in KINDS:
        raise ValueError(f"unknown kind {name!r}; {did_you_mean(name, KINDS)}")
    return name


Kind = Annotated[str, AfterValidator(_kind), WithJsonSchema({"enum": list(KINDS)})]


class Anonymize(RowStep):
    """Replace personal data and secrets in every text of a row, the same way wherever they stand.

    ## What it does
    Looks for the `kinds` in messages, tool calls (inside their JSON), tools, `text`, rejected answers and every other
    text column, and puts something in the place of what it finds: `tag` (`[EMAIL]`), `mask` (`•••`), `pseudonym`
    (`[EMAIL_7F3A91C2]`) or `surrogate` (`robin.kelly204817@example.com`: natural, of the same type, nobody's).
    `pseudonym` and `surrogate` are made from a secret key and the value alone, so one person stays one person over
    turns, rows, splits and runs; they need the key (`TAMIS_PRIVACY_KEY` or a keyring). With a key, row ids are keyed
    too. `names` and `addresses` are columns whose values, and parts of them, are looked for in the row's text.

    Every later step, delivery, ledger and report sees only the replacements; texts told of earlier steps are told
    without what was found, and what is delivered is looked through once more. See the page on privacy.

    ## Why
    A model repeats what it was trained on, and a plain hash of a telephone number is found by trying them all. Put this
    step after deduplication: with names masked, letters to two people look like copies.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "I'm ann.lee@post.org", "response": "Thanks, Ann.", "customer": "Ann Lee"}, {"prompt": "Hello"}]
    >>> result = run_step(Anonymize(names=("customer",)), rows)
    >>> result.column("messages")[0][0]["content"], result.column("source.customer")[0]
    ("I'm [EMAIL]", '[PERSON]')
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 4
    codes: ClassVar[tuple[str, ...]] = ("found",)
    libraries: ClassVar[tuple[str, ...]] = ("phonenumbers",)
    rewrites: ClassVar[bool] = True

    kinds: tuple[Kind, ...] = Field(
        KINDS, min_length=1, description="What is looked for; by default all kinds there are."
    )
    mode: Mode = Field("tag", description="What stands in the place of what was found.")
    modes: dict[Kind, Mode] = Field(
        {}, description="Kinds for which something else stands; `keep` leaves a kind as it is."
    )
    names: tuple[str, ...] = Field(
        (), description="Columns that hold people's names, looked for in the row's text too."
    )
    addresses: tuple[str, ...] = Field((), description="Columns that hold addresses, looked for in the row's text too.")
    without: tuple[str, ...] = Field((), description="Columns that are left as they are, such as a topic or a product.")
    keep_last: int = Field(
        0,
        ge=0,
        le=6,
        description="Digits that `mask` leaves at the end of card, account, telephone and national numbers.",
    )
    region: str | None = Field(
        None,
        pattern="^[A-Z]{2}$",
        description="Country (ISO 3166, as in `DE`) whose national telephone numbers are meant.",
    )
    ner: str | None = Field(
        None,
        pattern=r"^(spacy|gliner|presidio):.+$",
        description="A model that looks for names and places too, as `spacy:en_core_web_sm`; needs the extra `pii`.",
    )
    least: int = Field(50, ge=0, le=100, description="Certainty from which something counts as found, 0..100.")
    subject: str | None = Field(None, description="Column that says whom a row is about: its dates move together.")
    shift_dates: int = Field(
        0, ge=0, le=3650, description="Most days by which all dates of a subject move, forth or back; 0 for none."
    )

    _key: Key | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.shift_dates and self.subject is None:
            raise ValueError("`shift_dates` needs `subject`: the column that says whose dates move together")
        if self.subject is not None and not self.shift_dates:
            raise ValueError("`subject` is only used with `shift_dates`")
        if not self._rules().wanted and not self.shift_dates:
            raise ValueError("nothing would be replaced: every kind is kept")
        for kind, column in (("person", self.names), ("address", self.addresses)):
            if column and kind not in self._rules().wanted:
                raise ValueError(f"columns with {kind}s are named, but that kind is not looked for or kept")
        return self

    def _rules(self) -> Rules:
        return Rules(
            self.kinds, self.mode, tuple(self.modes.items()), self.names, self.addresses, self.without, self.keep_last,
            self.region, self.least, self.shift_dates, self.subject, self.ner,
        )  # fmt: skip

    def reads(self) -> None:
        return None

    def identity(self) -> Any:
        from tamis.engine.pii_ner import versions

        return self.version if self.ner is None else [self.version, versions(self.ner)]

    def secrets(self) -> tuple[str, ...]:
        return ("privacy-key",) if self._rules().keyed else ("privacy-key?",)

    def given(self, secrets: Mapping[str, Any]) -> Self:
        step = self.model_copy()
        step._key = secrets.get("privacy-key")
        return step

    def covers(self) -> dict[str, Any]:
        rules = self._rules()
        return {"kinds": list(rules.kinds), "names": list(self.names), "addresses": list(self.addresses),
                "region": self.region, "least": self.least, "without": list(self.without), "dates": bool(self.shift_dates),
                "ner": self.ner,
                "modes": {kind: rules.mode_of(kind) for kind in rules.kinds}}  # fmt: skip

    def judge(self, rows: Columns) -> Verdict:
        rules = self._rules()
        key = self._key or (need_key("privacy.anonymize") if rules.keyed else None)
        done = Replacer(rules, key).rows(rows)
        columns: dict[str, Any] = dict(done.columns)
        return change(**columns).note(found=told(done.counts)).only(pl.Series(done.changed))
