"""The recipe: what to do, declared. The same from YAML and from Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializeAsAny, model_validator

from tamis.core.calls import Calling
from tamis.core.errors import did_you_mean
from tamis.core.fingerprint import canonical, fingerprint
from tamis.core.origin import Sink, Source
from tamis.core.step import Step, written
from tamis.llm.connect import KNOWN, LOCAL, family_of
from tamis.llm.judges import family_doubts, family_problems
from tamis.llm.spec import Budget, Connection, Model, connection_name, identity, is_local, model_name

from . import order
from .metrics import Metrics

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]*")


_Written = PlainSerializer(written, return_type=dict)

#: a model's name alone is short for `{model: name}`
_Named = BeforeValidator(lambda value: {"model": value} if isinstance(value, str) else value)


Place = tuple[str | int, ...]


class Problems(ValueError):
    """What is wrong with a recipe as a whole: where, as keys and positions in it, and what."""

    def __init__(self, found: Sequence[tuple[Place, str]]) -> None:
        super().__init__("; ".join(told for _, told in found))
        self.found = list(found)


class Recipe(BaseModel):
    """What to do with which rows, and where they go.

    >>> from tamis.steps.filter.length import Length
    >>> Recipe(name="short", steps=[Length(min=2)]).steps[0].name
    'filter.length'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    tamis: Literal[1] = Field(1, description="The recipe format's version.")
    name: str = Field(description="The recipe's name: letters, digits, `.`, `_`, `-`.", pattern=f"^{NAME.pattern}$")
    description: str = Field("", description="What this dataset is for; goes on its card.")
    license: str = Field("", description="The licence of what is delivered; goes on its card.")
    seed: int = Field(42, ge=0, description="Every random choice derives from it and from row ids.")
    max_quarantined: float = Field(
        0.01, ge=0, le=1, description="Largest share of unreadable rows a run accepts, 0..1."
    )
    order: Literal["source", "shuffle"] = Field(
        "source", description="Order of delivered rows: as the sources have them, or by a seeded hash of the row id."
    )
    unprotected: str = Field(
        "", description="Why text may leave this machine before personal data are taken away; empty: it may not."
    )
    models: dict[str, Annotated[Model, _Named]] = Field(
        default_factory=dict, description="Who plays which role. Steps name roles; only here are models named."
    )
    connections: dict[str, Connection] = Field(
        default_factory=dict, description="Endpoints by name, for those that are not known by theirs."
    )
    metrics: tuple[Metrics, ...] = Field((), description="Figures for the report: they change no row.")
    budget: Budget | None = Field(None, description="Where spending on models stops.")
    sources: tuple[Annotated[SerializeAsAny[Source], _Written], ...] = Field(
        (), description="Where rows come from, in order."
    )
    steps: tuple[Annotated[SerializeAsAny[Step], _Written], ...] = Field(
        (), description="What happens to rows, in order."
    )
    deliver: tuple[Annotated[SerializeAsAny[Sink], _Written], ...] = Field(
        (), description="Where the rows that are left go."
    )

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        found = [
            *self._repeated("steps", [step.name for step in self.steps], "an `id:`"),
            *self._repeated("sources", [source.label for source in self.sources], "a `name:`"),
            *self._unplayed(),
            *self._of_metrics(),
        ]
        if not found:  # what may follow from those
            let_out = order.problems(self.sources, self.steps, self.unprotected, self.sends)
            found = [*((self._place(told), told) for told in let_out), *self._judging_their_kind()]
        if found:
            raise Problems(found)
        return self

    def _place(self, told: str) -> Place:
        """Where the first step that a sentence names stands."""
        named = [(told.index(repr(step.name)), at) for at, step in enumerate(self.steps) if repr(step.name) in told]
        return ("steps", min(named)[1]) if named else ()

    @staticmethod
    def _repeated(key: str, names: Sequence[str], word: str) -> list[tuple[Place, str]]:
        return [
            ((key, at), f"{key[:-1]} {name!r} is used more than once; give each {word} of its own")
            for at, name in enumerate(names)
            if names[:at].count(name) == 1
        ]

    def _unplayed(self) -> list[tuple[Place, str]]:
        """Roles that nobody plays, models that nobody serves."""
        found: list[tuple[Place, str]] = []
        for step in self.calling():
            for role in step.roles():
                if role not in self.models:
                    told = (
                        f"step {step.name!r} asks the role {role!r}, which `models:` does not name; "
                        f"{did_you_mean(role, self.models) if self.models else f'add `models: {{{role}: local/smollm2}}`'}"
                    )
                    found.append((self._place(told), told))
        for role, model in self.models.items():
            if model.connection is None and "/" not in model.model:
                told = (
                    f"model {model.model!r} of the role {role!r} names no connection; write `connection/name`, such as "
                    "openai/gpt-5-mini or local/smollm2"
                )
                found.append((("models", role), told))
            elif (via := connection_name(model)) not in (known := [*self.connections, *KNOWN, LOCAL]):
                told = (
                    f"the role {role!r} names the connection {via!r}, which is not known; {did_you_mean(via, known)}; or "
                    f"state it: `connections: {{{via}: {{url: …, key_env: …}}}}`"
                )
                found.append((("models", role), told))
        return found

    def _of_metrics(self) -> list[tuple[Place, str]]:
        names = [step.name for step in self.steps]
        return [(("metrics", at), told) for at, one in enumerate(self.metrics) for told in one.problems(names)]

    def _judging_their_kind(self) -> list[tuple[Place, str]]:
        families = {role: family_of(model) or model_name(model).lower() for role, model in self.models.items()}
        writers: list[str] = []
        found: list[tuple[Place, str]] = []
        for step in self.calling():
            writers += step.writers()
            place = self._place(repr(step.name))
            found += [(place, told) for told in family_problems(step, families, writers)]
        return found

    def doubts(self) -> list[str]:
        """What is allowed and cannot be vouched for: judges of families that are not known."""
        families = {role: family_of(model) for role, model in self.models.items()}
        return [doubt for step in self.calling() for doubt in family_doubts(step, families)]

    def calling(self) -> tuple[Calling, ...]:
        """The steps that ask models, those of sources' own maps first."""
        every = [*(step for source in self.sources for step in source.map), *self.steps]
        return tuple(step for step in every if isinstance(step, Calling))

    def sends(self, step: Step) -> bool:
        """Whether a step sends text of rows to a machine that is not yours."""
        if step.sends_text:
            return True
        roles = step.roles() if isinstance(step, Calling) else ()
        return any(not is_local(self.models[role], self.connections) for role in roles if role in self.models)

    def players(self, step: Calling) -> list[list[object]]:
        """Who plays a step's roles: what its answers depend on beside the step and the rows."""
        return [[role, *identity(self.models[role], self.connections)] for role in step.roles() if role in self.models]

    def used_connections(self) -> dict[str, Connection]:
        """The connections that are written down, for the models there are."""
        names = {connection_name(model) for model in self.models.values()}
        return {name: one for name, one in self.connections.items() if name in names}

    def settings(self) -> dict[str, Any]:
        """The recipe as plain data, defaults left out: what its YAML says."""
        data = self.model_dump(mode="json", exclude_defaults=True)
        return {"tamis": 1, **data}

    def to_yaml(self) -> str:
        """The recipe as YAML."""
        import yaml

        return yaml.safe_dump(self.settings(), sort_keys=False, allow_unicode=True, width=110)

    def fingerprint(self) -> str:
        """Hash of the whole recipe."""
        return fingerprint(canonical(self.settings()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.settings() == other.settings()

    def __hash__(self) -> int:
        return hash(self.fingerprint())
