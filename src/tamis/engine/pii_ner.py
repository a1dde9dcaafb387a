"""Models that find names and places in running text: spaCy, GLiNER, Presidio. All optional, all loaded from disk.

A model is named as `library:model`: `spacy:en_core_web_sm` (an installed package or a folder), `gliner:FOLDER`,
`presidio:en_core_web_sm` (Presidio's rules over that spaCy model). Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tamis.core.columns import Text
from tamis.core.errors import UsageError

#: What models call things → our kinds. Places and companies alone tell of nobody, and are left out.
LABELS = {
    "person": "person", "per": "person", "name": "person", "address": "address", "street address": "address", "street_address": "address",
    "email": "email", "email_address": "email", "phone": "phone", "phone number": "phone", "phone_number": "phone", "iban_code": "iban",
    "credit_card": "card", "ip_address": "ipv4", "us_ssn": "us_ssn", "crypto": "crypto_address", "date of birth": "date_of_birth",
    "mac_address": "mac", "us_itin": "us_ssn", "uk_nino": "national_id", "es_nif": "national_id", "it_fiscal_code": "national_id",
}  # fmt: skip
CERTAIN = 65  # of what a model says without a score
_ASKED = ("person", "street address", "date of birth")  # of GLiNER, which finds what it is asked for
_BATCH = 64  # texts given to a model at once
_PACKAGES = {"spacy": ("spacy",), "gliner": ("gliner",), "presidio": ("presidio-analyzer", "spacy")}

#: (start, end, label, score 0..1 or None) in code points
Entity = tuple[int, int, str, float | None]
Model = Callable[[list[str]], Iterable[list[Entity]]]


def entities(text: Text, name: str) -> Iterator[tuple[int, int, int, str, int]]:
    """(row, start, end, kind, certainty) of what the model finds; bytes within the row."""
    model = load(name)
    view = memoryview(text.data.data)
    rows = [row for row in range(len(text.offsets) - 1) if text.offsets[row + 1] > text.offsets[row]]
    for first in range(0, len(rows), _BATCH):
        some = rows[first : first + _BATCH]
        strings = [bytes(view[text.offsets[row] : text.offsets[row + 1]]).decode("utf-8", "replace") for row in some]
        for row, string, found in zip(some, strings, model(strings), strict=True):
            for start, end, label, score in found:
                kind = LABELS.get(label.lower())
                while start < end and string[start].isspace():
                    start += 1
                while end > start and string[end - 1].isspace():
                    end -= 1
                if kind is not None and start < end:
                    low = len(string[:start].encode())
                    certain = CERTAIN if score is None else max(1, min(95, round(score * 100)))
                    yield row, low, low + len(string[start:end].encode()), kind, certain


def versions(name: str) -> list[str]:
    """What the model's answers depend on, as far as it can be told: names and versions."""
    library, _, model = name.partition(":")
    told = [name]
    for package in (*_PACKAGES[library], model):
        try:
            told.append(f"{package} {version(package)}")
        except (PackageNotFoundError, ValueError):
            continue
    return told


@cache
def load(name: str) -> Model:
    """The model of that name; UsageError with the command that installs what is missing."""
    library, _, model = name.partition(":")
    try:
        return {"spacy": _spacy, "gliner": _gliner, "presidio": _presidio}[library](model)
    except ImportError:
        command = (
            "pip install gliner" if library == "gliner" else "pip install 'tamis[pii]'"
        )  # GLiNER brings torch, 2 GB
        raise UsageError(f"the model {name!r} needs a package that is not installed", hint=command) from None


def _pipeline(model: str) -> Any:
    import spacy

    try:
        return spacy.load(model)
    except OSError:
        raise UsageError(
            f"spaCy finds no model {model!r}", hint=f"python -m spacy download {model}, or give the folder it is in"
        ) from None


def _spacy(model: str) -> Model:
    pipeline = _pipeline(model)

    def read(texts: list[str]) -> Iterator[list[Entity]]:
        for document in pipeline.pipe(texts):
            yield [(entity.start_char, entity.end_char, entity.label_, None) for entity in document.ents]

    return read


def _gliner(model: str) -> Model:
    import gliner

    if not Path(model).is_dir():
        raise UsageError(
            f"there is no folder {model!r} with a GLiNER model",
            hint="download it first: nothing is fetched during a run",
        )
    loaded = gliner.GLiNER.from_pretrained(model, local_files_only=True)

    def read(texts: list[str]) -> Iterator[list[Entity]]:
        for text in texts:
            found = loaded.predict_entities(text, list(_ASKED))
            yield [(one["start"], one["end"], one["label"], float(one["score"])) for one in found]

    return read


def _presidio(model: str) -> Model:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    pipeline = _pipeline(model)
    language = pipeline.lang

    class Loaded(SpacyNlpEngine):  # type: ignore[misc]
        """Presidio's engine around a pipeline that is loaded already: its own loader would download."""

        def __init__(self) -> None:
            super().__init__(models=[{"lang_code": language, "model_name": model}])
            self.nlp = {language: pipeline}

    engine = AnalyzerEngine(nlp_engine=Loaded(), supported_languages=[language])
    engine.registry.remove_recognizer("EmailRecognizer")  # it fetches a list of domains at its first use

    def read(texts: list[str]) -> Iterator[list[Entity]]:
        for text in texts:
            found = engine.analyze(text, language=language)
            yield [(one.start, one.end, one.entity_type, float(one.score)) for one in found]

    return read
