"""privacy.detect"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep
from tamis.engine.pii_kinds import KINDS, SECRETS, Kind


class Detect(RowStep):
    """Find personal data and secrets, say where they stand, and drop rows that hold some, where wanted.

    ## What it does
    Looks through whole conversations, the arguments of tool calls included, for e-mail addresses, phone numbers, bank
    accounts (IBAN), payment cards, network and hardware addresses, national numbers (United States, United Kingdom,
    Germany, France, Spain, Italy, Netherlands, Poland, India, Brazil), links with passwords, keys of services, signed
    tokens, private keys, crypto addresses, dates of birth, and, less surely, street addresses and people's names. Check
    digits are computed where a number has some; a date, a version or an order number is no phone number. `known` names
    columns of the row, like `customer_name`, whose values are looked for, whole and in parts. Each find has a
    certainty, 0..100: a rank, no probability.

    The evidence says which kinds, where and how certain, and never what was found. Nothing is changed.

    ## Why
    A model learns the phone numbers and passwords of its training data by heart. How much is found and how much is
    missed, by kind: `docs/figures/privacy.md`. Names in running text are mostly not found without `known`.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Write to ada@example.org."}, {"response": "password: hunter2!"}, {"response": "Room 12"}]
    >>> result = run_step(Detect(drop=["api_key"]), rows)
    >>> result.evidence[0]["kinds"], result.evidence[0]["spans"][0]["start"]
    ('email 1', 9)
    >>> print(result.line)
    3 in = 2 kept + 1 dropped (secret 1)
    """

    version: ClassVar[int] = 4
    codes: ClassVar[tuple[str, ...]] = ("kinds", "spans")
    reasons: ClassVar[Reasons] = {
        "secret": "the row holds a secret of a kind named in `drop`: a password, a key, a token",
        "personal": "the row holds personal data of a kind named in `drop`",
    }
    libraries: ClassVar[tuple[str, ...]] = ("phonenumbers",)

    texts: View | tuple[View, ...] = Field(
        ("all", "rejected", "text"),
        alias="in",
        description="Which texts are looked through: one view or several; `rejected` is the whole rejected conversation.",
    )
    tool_calls: bool = Field(True, description="Whether the calls of the messages, as JSON, are looked through too.")
    kinds: tuple[Kind, ...] = Field(KINDS, description="What is looked for.", validate_default=True)
    drop: tuple[Kind, ...] = Field((), description="Rows that hold one of these kinds are dropped.")
    min_certain: int = Field(50, ge=1, le=100, description="Least certainty of what counts as found, 1..100.")
    region: str | None = Field(
        None,
        pattern="^[A-Z]{2}$",
        description="Country (ISO 3166) whose national phone numbers count wherever they stand; needs the extra `privacy`.",
    )
    known: tuple[str, ...] = Field((), description="Columns with names of people, looked for in the row's texts.")
    ner: str | None = Field(
        None,
        pattern=r"^(spacy|gliner|presidio):.+$",
        description="A model that looks for names and places too, as `spacy:en_core_web_sm`; needs the extra `pii`.",
    )
    columns: bool = Field(
        False, description="Whether rows get columns `found` (how many) and `kinds` (how many of which)."
    )

    @model_validator(mode="after")
    def _can_be_meant(self) -> Self:
        if not self.texts or not self.kinds:
            raise ValueError("nothing would be found: `in` and `kinds` must not be empty")
        if missing := [kind for kind in self.drop if kind not in self.kinds]:
            raise ValueError(f"`drop` names {', '.join(missing)}, which `kinds` does not look for")
        if self.known and "person" not in self.kinds:
            raise ValueError("`known` looks for people, but `kinds` leaves `person` out")
        return self

    def reads(self) -> tuple[str, ...] | None:
        return tuple(dict.fromkeys((*(super().reads() or ()), *self.known)))

    def identity(self) -> Any:
        from tamis.engine.pii_ner import versions

        return self.version if self.ner is None else [self.version, versions(self.ner)]

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.pii_rows import evidence, find_in_rows

        found = find_in_rows(
            rows,
            self.views(),
            self.kinds,
            region=self.region,
            known=self.known,
            tool_calls=self.tool_calls,
            ner=self.ner,
            least=self.min_certain,
        )
        told = evidence(found, rows.height)
        verdict = keep().note(**told)
        for reason, secret in (("secret", True), ("personal", False)):
            numbers = [KINDS.index(kind) for kind in self.drop if (kind in SECRETS) == secret]
            if numbers:
                holds: Any = [False] * rows.height
                for row, kind in zip(found.row.tolist(), found.kind.tolist(), strict=True):
                    holds[row] |= kind in numbers
                verdict = verdict.drop(reason, when=pl.Series(holds, dtype=pl.Boolean))
        if self.columns:
            verdict = verdict.change(found=told["found"].fill_null(0), kinds=told["kinds"])
        return verdict
