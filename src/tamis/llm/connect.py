"""From the roles of a recipe to endpoints: known connections, keys from the environment, what is local and free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tamis.core.errors import UsageError, did_you_mean

from .families import family
from .prices import FREE
from .spec import Connection, Model, Price, connection_name, is_local, model_name

#: connections that need no entry in the recipe (from the providers' API references)
KNOWN: dict[str, Connection] = {
    "openai": Connection(url="https://api.openai.com/v1", key_env="OPENAI_API_KEY"),
    "anthropic": Connection(url="https://api.anthropic.com/v1", key_env="ANTHROPIC_API_KEY", shape="anthropic"),
    "together": Connection(url="https://api.together.xyz/v1", key_env="TOGETHER_API_KEY"),
    "fireworks": Connection(url="https://api.fireworks.ai/inference/v1", key_env="FIREWORKS_API_KEY"),
    "groq": Connection(url="https://api.groq.com/openai/v1", key_env="GROQ_API_KEY"),
    "mistral": Connection(url="https://api.mistral.ai/v1", key_env="MISTRAL_API_KEY"),
    "deepseek": Connection(url="https://api.deepseek.com/v1", key_env="DEEPSEEK_API_KEY"),
    "openrouter": Connection(url="https://openrouter.ai/api/v1", key_env="OPENROUTER_API_KEY"),
    "cohere": Connection(url="https://api.cohere.ai/compatibility/v1", key_env="COHERE_API_KEY"),
    "gemini": Connection(
        url="https://generativelanguage.googleapis.com/v1beta/openai", key_env="GEMINI_API_KEY"
    ),
    "ollama": Connection(url="http://127.0.0.1:11434/v1", slots=4),
    "vllm": Connection(url="http://127.0.0.1:8000/v1"),
}  # fmt: skip
#: what Cohere's compatible endpoint does not take for embeddings: what they are for
COHERE_EMBEDS = Connection(url="https://api.cohere.com/v2", key_env="COHERE_API_KEY", shape="cohere")
#: the connection whose models Tamis itself serves
LOCAL = "local"


class Player(NamedTuple):
    """Who plays a role.

    name: the model as its endpoint knows it; served: by Tamis itself, so that the connection only says what its
    replies are kept under; price: None where it is unknown.
    """

    role: str
    spec: Model
    via: str
    connection: Connection
    name: str
    served: bool
    price: Price | None
    family: str | None


def family_of(spec: Model) -> str | None:
    """The family of a model, as stated or by its name; None where neither tells."""
    return spec.family.lower() if spec.family else family(model_name(spec))


def players(models: Mapping[str, Model], connections: Mapping[str, Connection]) -> dict[str, Player]:
    """Everybody of a recipe. UsageError where a connection is not known."""
    return {role: _player(role, model, connections) for role, model in models.items()}


def key_of(player: Player, environ: Mapping[str, str]) -> str | None:
    """The key of a role's endpoint. UsageError where the variable that should hold it is not set."""
    name = player.connection.key_env
    if name is None:
        return None
    key = environ.get(name, "").strip()
    if not key:
        raise UsageError(
            f"the role {player.role!r} is played by {player.spec.model}, whose endpoint needs a key: "
            f"the environment variable {name} is not set",
            hint=f"export {name}=…, or name another variable with key_env: under connections: {player.via}:",
        )
    return key


def _player(role: str, spec: Model, connections: Mapping[str, Connection]) -> Player:
    via, name = connection_name(spec), model_name(spec)
    if spec.connection is None and (not name or name == spec.model):
        raise UsageError(
            f"the model {spec.model!r} of the role {role!r} names no connection",
            hint=f"write openai/{spec.model}, or whoever serves it, or state connection: beside it",
        )
    stated = family_of(spec)
    if via == LOCAL and via not in connections:
        from .local import model_version
        from .local_embed import embedder_version, embeds

        version = embedder_version(name) if embeds(name) else model_version(name)
        place = Connection(url="http://127.0.0.1/v1", cache_as=f"{LOCAL}@{version}")
        return Player(role, spec, via, place, name, True, spec.price or FREE, stated)
    connection = connections.get(via) or KNOWN.get(via)
    if via == "cohere" and via not in connections and name.startswith("embed-"):
        via, connection = "cohere/v2", COHERE_EMBEDS
    if connection is None:
        possible = [*connections, *KNOWN, LOCAL]
        raise UsageError(
            f"the role {role!r} names the connection {via!r}, which is not known: {did_you_mean(via, possible)}",
            hint=f"connections:\n  {via}: {{url: https://…/v1, key_env: …}}",
        )
    price = spec.price or (FREE if is_local(spec, {via: connection}) else None)
    return Player(role, spec, via, connection, name, False, price, stated)
