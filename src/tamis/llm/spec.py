"""What a recipe says of models: who plays which role, over which connection, at what price, up to which sum."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Spec):
    """What a model costs, in USD for a million tokens."""

    input: float = Field(ge=0, description="USD per million tokens sent.")
    output: float = Field(0.0, ge=0, description="USD per million tokens received.")
    cached_input: float | None = Field(
        None, ge=0, description="USD per million tokens sent that the endpoint had cached; by default as `input`."
    )


class Model(_Spec):
    """Who plays a role."""

    model: str = Field(
        description="`connection/name`, such as openai/gpt-5-mini or local/smollm2, or the name alone with `connection:`."
    )
    connection: str | None = Field(
        None, description="The connection it is reached by; by default what stands before `/`."
    )
    temperature: float | None = Field(None, ge=0, description="Sampling temperature, where a step does not set one.")
    top_p: float | None = Field(None, gt=0, le=1, description="Nucleus sampling, where a step does not set it.")
    max_tokens: int | None = Field(None, ge=1, description="Longest reply in tokens, where a step does not set it.")
    seed: int | None = Field(None, description="Sampling seed, for endpoints that take one.")
    price: Price | None = Field(None, description="What it costs; unknown where it is not stated, never nothing.")
    family: str | None = Field(
        None, description="Its family, where the name does not tell (a fine-tune): llama, gpt, …"
    )
    terms: str = Field("", description="What its provider allows to be done with its outputs; goes on the card.")
    trains: bool | None = Field(None, description="Whether its terms allow outputs to train the model you train.")
    batch: bool = Field(False, description="Send requests through the endpoint's Batch API: cheaper, within a day.")


class Connection(_Spec):
    """An endpoint."""

    url: str = Field(description="Base URL, such as https://api.openai.com/v1 or http://127.0.0.1:8080/v1.")
    key_env: str | None = Field(None, description="The environment variable that holds the key.")
    shape: Literal["openai", "anthropic", "cohere"] = Field("openai", description="Whose API it speaks.")
    slots: int = Field(256, ge=1, description="Most requests at once; fewer where the endpoint refuses.")
    deadline: float = Field(600.0, gt=0, description="Seconds for one call with all its retries.")
    retries: int = Field(8, ge=0, description="Most retries of one call.")
    cache_as: str | None = Field(
        None, description="The name replies are cached under; by default the URL. For an endpoint that moves."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Further headers; no secrets, use `key_env`.")
    local: bool | None = Field(
        None, description="Whether text sent there stays on machines of yours; by default true for loopback addresses."
    )


class Budget(_Spec):
    """Where spending stops. A run that stops here goes on with a larger budget, and buys nothing twice."""

    usd: float | None = Field(None, ge=0, description="Most USD for the whole recipe, earlier runs included.")
    calls: int | None = Field(None, ge=0, description="Most calls in one run.")
    tokens: int | None = Field(None, ge=0, description="Most tokens, in and out, in one run.")


#: connections that need no `connections:` entry and stay on this machine
LOCAL = ("local", "ollama")


def connection_name(model: Model) -> str:
    """The connection a model is reached by."""
    return model.connection or model.model.partition("/")[0]


def model_name(model: Model) -> str:
    """The model's name as its endpoint knows it."""
    head, slash, rest = model.model.partition("/")
    return rest if slash and (model.connection is None or head == model.connection) else model.model


def is_local(model: Model, connections: Mapping[str, Connection]) -> bool:
    """Whether text sent to the model stays on machines of yours."""
    name = connection_name(model)
    connection = connections.get(name)
    if connection is None:
        return name in LOCAL
    if connection.local is not None:
        return connection.local
    host = urlsplit(connection.url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def identity(model: Model, connections: Mapping[str, Connection]) -> list[object]:
    """What a reply of the model depends on, apart from what is asked. Not its price, nor how fast it is asked."""
    name = connection_name(model)
    connection = connections.get(name)
    if connection is None and name == "local":
        from .local import model_version

        name = f"{name}@{model_version(model_name(model))}"
    place = name if connection is None else connection.cache_as or connection.url
    return [place, model_name(model), model.temperature, model.top_p, model.max_tokens, model.seed]
