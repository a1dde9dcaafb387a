"""Runs with privacy steps: the key, ids, order, the second look, samples and purging."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from tamis.cli import tamis
from tamis.core.columns import Columns
from tamis.core.errors import DataError, GateWaiting, RecipeError, TamisError, TooManyQuarantined, UsageError
from tamis.core.outcome import Verdict, change
from tamis.core.step import RowStep
from tamis.engine.key import Key, find_key, new_key
from tamis.recipe import order
from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner.execute import Options, RunResult, execute
from tamis.runner.foresee import foresee
from tamis.runs.ledger import Ledger
from tamis.runs.purge import purge
from tamis.runs.questions import dropped_rows
from tamis.runs.recall import draw, keep, score
from tamis.runs.why import Why
from tamis.steps.privacy.anonymize import Anonymize
from tamis.steps.split.random import Random

KEY, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PHONE = "+49 151 23456789"

RECIPE = """
tamis: 1
name: calls
sources: [{use: files, path: calls.csv}]
steps:
  - {use: map.template, user: "{text}", assistant: "Noted."}
  - {use: filter.length, in: prompt, min: 3}
  - {use: privacy.anonymize, mode: MODE}
  - {use: split.random, shares: {train: 0.5, test: 0.5}}
deliver:
  - {use: jsonl, path: dist/calls, row_id: id}
"""


def set_up(folder: Path, mode: str = "pseudonym", recipe: str = RECIPE, rows: int = 30) -> Path:
    lines = [
        f"question {'abcdefghij'[k % 10] * (1 + k // 10)}: call {PHONE[:-2]}{k:02} or bob{k}@firma.de please"
        for k in range(rows)
    ] + [f"bob@firma.de {PHONE.replace(' ', '')}"]
    (folder / "calls.csv").write_text("text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(recipe.replace("MODE", mode), encoding="utf-8")
    return folder


def run(folder: Path, **options: Any) -> RunResult:
    recipe = parse((folder / "recipe.yaml").read_text(encoding="utf-8"))
    return execute(recipe, folder, Options(workers=1, **options))


def delivered(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "dist" / "calls").glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAMIS_PRIVACY_KEY", raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    return KEY


# -- the key ----------------------------------------------------------------------------------


def test_without_a_key_run_and_plan_stop_before_anything_is_read(tmp_path: Path) -> None:
    set_up(tmp_path)
    recipe = parse((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    for act in (lambda: run(tmp_path), lambda: foresee(recipe, tmp_path)):
        with pytest.raises(UsageError, match=r"privacy.anonymize.*needs a key") as caught:
            act()
        assert caught.value.hint is not None
        for way in ("tamis privacy key", "python -c", "--throwaway-key"):
            assert way in caught.value.hint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("weak", ["pa55word", "a" * 64, "ab" * 20])
def test_a_key_that_could_be_guessed_is_refused_and_not_told(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", weak)
    with pytest.raises(UsageError, match="could be guessed") as caught:
        find_key()
    assert weak not in str(caught.value)


def test_a_keyring_is_asked_where_the_environment_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[str, str], str] = {}
    keyring = ModuleType("keyring")
    keyring.get_password = lambda service, account: kept.get((service, account))  # type: ignore[attr-defined]
    keyring.set_password = lambda service, account, text: kept.update({(service, account): text})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    said = CliRunner().invoke(tamis, ["privacy", "key", "--keyring"])
    assert said.exit_code == 0
    (secret,) = kept.values()
    assert secret not in said.output
    found = find_key()
    assert found == Key(secret, "")
    assert found.fingerprint in said.output
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    assert find_key() == Key(KEY, "")
    with pytest.raises(UsageError, match="holds a key already"):
        CliRunner().invoke(tamis, ["privacy", "key", "--keyring"], standalone_mode=False, catch_exceptions=False)


def test_a_new_key_is_random_and_printed_alone() -> None:
    one, two = (CliRunner().invoke(tamis, ["privacy", "key"]).output for _ in range(2))
    assert one != two
    assert len(one.strip()) == 64
    Key(one, "here")


def test_another_key_judges_anew_and_the_same_key_does_not(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path)
    first = run(tmp_path)
    rows = delivered(tmp_path)
    again = run(tmp_path)
    assert delivered(tmp_path) == rows
    assert again.manifest["reused_rows"]["privacy.anonymize"] == 30
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", OTHER)
    other = run(tmp_path)
    assert other.manifest["reused_rows"]["privacy.anonymize"] == 0
    assert other.manifest["reused_rows"]["filter.length"] == 31
    assert {row["id"] for row in delivered(tmp_path)}.isdisjoint({row["id"] for row in rows})
    prints = [result.manifest["privacy"]["key"]["fingerprint"] for result in (first, again, other)]
    assert prints[0] == prints[1] != prints[2]


def test_with_tags_a_key_changes_ids_and_nothing_is_judged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(tmp_path, "tag")
    plain = run(tmp_path)
    before = delivered(tmp_path)
    assert any("plain hashes" in warning for warning in plain.manifest["warnings"])
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    keyed = run(tmp_path)
    assert keyed.manifest["reused_rows"]["privacy.anonymize"] == 30
    assert not any("plain hashes" in warning for warning in keyed.manifest["warnings"])
    assert {row["id"] for row in delivered(tmp_path)}.isdisjoint({row["id"] for row in before})


@pytest.mark.parametrize(
    ("columns", "warned"), [("{said: source.text}", False), ("{said: source.text, name: id}", True)]
)
def test_a_target_may_name_columns_that_only_the_run_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str, warned: bool
) -> None:
    monkeypatch.delenv("TAMIS_PRIVACY_KEY", raising=False)
    text = RECIPE.replace("row_id: id", f"columns: {columns}")
    done = execute(parse(set_up(tmp_path, "tag", text).joinpath("recipe.yaml").read_text()), tmp_path)
    assert any("plain hashes" in warning for warning in done.manifest["warnings"]) == warned


def test_a_throwaway_key_is_used_once(tmp_path: Path) -> None:
    set_up(tmp_path)
    first = run(tmp_path, throwaway_key=True)
    rows = delivered(tmp_path)
    assert first.manifest["privacy"]["repeatable"] is False
    assert "can be neither repeated" in (tmp_path / "dist/calls/README.md").read_text(encoding="utf-8")
    second = run(tmp_path, throwaway_key=True)
    assert second.manifest["reused_rows"]["privacy.anonymize"] == 0
    assert {row["id"] for row in rows}.isdisjoint({row["id"] for row in delivered(tmp_path)})


def test_a_stopped_throwaway_run_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(tmp_path)
    with monkeypatch.context() as patch:
        patch.setenv("TAMIS_FAILPOINTS", "")
        patch.setattr("tamis.runner.execute.failpoint", _stop_at("run.judged"))
        with pytest.raises(TamisError, match="stopped here"):
            run(tmp_path, throwaway_key=True)
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    assert run(tmp_path).folder.name == "2"


def _stop_at(place: str) -> Any:
    def failpoint(name: str) -> None:
        if name == place:
            raise TamisError("stopped here")

    return failpoint


def test_a_throwaway_key_is_refused_where_it_makes_no_sense(tmp_path: Path) -> None:
    gate = RECIPE.replace(
        "  - {use: split", '  - {use: review.gate, question: "Good?", where: "true"}\n  - {use: split'
    )
    set_up(tmp_path, recipe=gate)
    with pytest.raises(UsageError, match="could not be resumed"):
        run(tmp_path, throwaway_key=True)
    set_up(tmp_path, recipe=RECIPE.replace("  - {use: privacy.anonymize, mode: MODE}\n", ""))
    with pytest.raises(UsageError, match="no step of this recipe uses a key"):
        run(tmp_path, throwaway_key=True)


# -- ids --------------------------------------------------------------------------------------


def test_a_telephone_number_cannot_be_found_by_trying_them_all(tmp_path: Path, key: str) -> None:
    """Without a key, one number among a hundred is found from the row's id at once; with one, from nothing there is."""
    numbers = [f"{PHONE[:-2]}{k:02}" for k in range(100)]

    def guesses() -> set[str]:
        made = set()
        for number in numbers:
            for text in (number, f"call {number}", f"phone|{number}", number.replace(" ", "")):
                row = json.dumps(["files", [["text", text]]], ensure_ascii=False, separators=(",", ":"))
                made.add(hashlib.blake2b(row.encode(), digest_size=16).hexdigest())
                for one in (hashlib.sha256, hashlib.md5, hashlib.blake2b):
                    made.add(one(text.encode()).hexdigest())
        return made

    recipe = RECIPE.replace("in: prompt, min: 3", "in: prompt, min: 2")
    set_up(tmp_path, "pseudonym", recipe)
    (tmp_path / "calls.csv").write_text(f"text\n{numbers[42]}\ncall {numbers[17]}\n", encoding="utf-8")

    def told() -> str:
        run_folder = run(tmp_path).folder
        ids = [row["id"] for row in delivered(tmp_path)]
        ledger = Ledger(run_folder)
        lines = [f"{high:016x}{low:016x}" for high, low, *_ in ledger.rows(0).iter_rows()]
        texts = [path.read_text(encoding="utf-8") for path in run_folder.rglob("*.json*")]
        return "\n".join([*ids, *lines, *texts, *map(json.dumps, delivered(tmp_path))])

    keyed = told()
    assert not any(guess in keyed for guess in guesses())
    assert not any(guess[:8].upper() in keyed for guess in guesses())
    (tmp_path / "recipe.yaml").write_text(
        recipe.replace("  - {use: privacy.anonymize, mode: MODE}\n", ""), encoding="utf-8"
    )
    bare = told()
    assert sum(guess in bare for guess in guesses()) == 2, "the guesses would find what is not keyed"


def test_a_delivered_id_answers_why(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    why = Why(run(tmp_path).folder)
    for row in delivered(tmp_path)[:3]:
        (found,) = why.find(row["id"])
        life = why.life(found)
        assert life["id"] == row["id"]
        assert life["delivered"]
        assert life["row"]["messages"][0]["content"] == row["messages"][0]["content"]


def test_the_split_comes_from_the_keyed_ids(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(tmp_path, "tag", RECIPE.replace("test: 0.5}}", "test: 0.5}, together: []}"))

    def splits() -> dict[str, str]:
        run(tmp_path)
        return {row["text"]: row["split"] for row in delivered(tmp_path)}

    mine = splits()
    assert splits() == mine
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", OTHER)
    theirs = splits()
    assert theirs.keys() == mine.keys()
    assert theirs != mine, "thirty rows, by chance the same once in 2 ** 29"


def test_the_survivor_of_a_merge_is_named_by_its_keyed_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the merge was decided before there was a key, and is only told again."""
    set_up(
        tmp_path, "tag", RECIPE.replace("  - {use: privacy", "  - {use: dedup.exact, on: prompt}\n  - {use: privacy")
    )
    with open(tmp_path / "calls.csv", "a", encoding="utf-8") as file:
        file.write("question a: call +49 151 23456700 or bob0@firma.de please\n")

    def survivor() -> tuple[str, str]:
        ledger = Ledger(run(tmp_path).folder)
        ((row,), _) = dropped_rows(ledger, "dedup.exact", None, 5)
        return row["into"], ledger.at(0, 0).id

    into, first = survivor()
    assert into == first
    monkeypatch.setenv("TAMIS_PRIVACY_KEY", KEY)
    keyed_into, keyed_first = survivor()
    assert keyed_into == keyed_first != first


# -- what is told -----------------------------------------------------------------------------


def test_texts_of_rows_that_left_before_are_told_without_what_was_in_them(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    result = run(tmp_path)
    ledger = Ledger(result.folder)
    rows, _ = dropped_rows(ledger, "filter.length", None, 5)
    assert [row["text"] for row in rows] == ["[EMAIL] [PHONE] ⏎ Noted."]
    why = Why(result.folder)
    life = why.life(why.find("calls.csv:32")[0])
    assert "firma" not in json.dumps(life)
    assert "firma" not in (result.folder / "report.html").read_text(encoding="utf-8")


def test_a_run_that_waits_before_the_step_tells_nothing_either(tmp_path: Path, key: str) -> None:
    gate = RECIPE.replace(
        "  - {use: privacy", '  - {use: review.gate, question: "Good?", where: "true"}\n  - {use: privacy'
    )
    set_up(tmp_path, recipe=gate)
    with pytest.raises(GateWaiting):
        run(tmp_path)
    folder = tmp_path / "runs/calls/1"
    said = CliRunner().invoke(tamis, ["report", "-w", str(tmp_path)])
    assert said.exit_code == 0, said.output
    shown = CliRunner().invoke(tamis, ["decide", "review.gate", "-w", str(tmp_path)])
    why = Why(folder)
    (row,) = why.find("calls.csv:2")
    comment = ["decide", "review.gate", row.id, "--reject", "--why", "ask bob0@firma.de", "-w", str(tmp_path)]
    assert CliRunner().invoke(tamis, comment).exit_code == 0
    life = why.life(row)
    assert [one["kind"] for step in life["steps"] for one in step["decisions"]] == ["reject"]
    told = [json.dumps(life), shown.output]
    told += [path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*") if path.is_file()]
    assert not any("firma" in text for text in told)
    assert "[EMAIL]" in shown.output


class Refuses(RowStep):
    """Stops the run, and says at what."""

    def judge(self, rows: Columns) -> Verdict:
        if rows.height:
            raise UsageError(f"cannot go on at {rows.text('prompt')[0]}", hint=f"ask {rows.text('prompt')[0]}")
        return Verdict()


class Brittle(RowStep):
    """Fails, and says on what."""

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        if rows.height:
            raise ValueError(f"cannot read {rows.text('prompt')[0]}")
        return Verdict()


def test_errors_quote_nobody(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    recipe = parse((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match=r"cannot go on at .* \[PHONE\] or \[EMAIL\]") as stopped:
        execute(Recipe(**{**dict(recipe), "steps": (recipe.steps[0], Refuses(), *recipe.steps[1:])}), tmp_path)
    assert "firma" not in str(stopped.value)
    recipe = parse((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    recipe = Recipe(**{**dict(recipe), "steps": (recipe.steps[0], Brittle(), *recipe.steps[1:])})
    with pytest.raises(TooManyQuarantined, match=r"ValueError \(test_secrecy.py:") as caught:
        execute(recipe, tmp_path, Options(workers=1))
    assert "firma" not in str(caught.value)
    assert not any("firma" in p.read_text("utf-8", "replace") for p in (tmp_path / "runs").rglob("*") if p.is_file())


def test_a_run_begun_without_privacy_is_not_gone_on_with(tmp_path: Path, key: str) -> None:
    """Its folder may tell of what was read."""
    gate = '  - {use: review.gate, question: "Good?", where: "true"}\n'
    set_up(tmp_path, recipe=RECIPE.replace("  - {use: privacy.anonymize, mode: MODE}\n", gate))
    with pytest.raises(GateWaiting):
        run(tmp_path)
    set_up(tmp_path, recipe=RECIPE.replace("  - {use: privacy", f"{gate}  - {{use: privacy"))
    for _ in range(2):
        with pytest.raises(GateWaiting):
            run(tmp_path)
    assert sorted(path.name for path in (tmp_path / "runs/calls").iterdir()) == ["1", "2"]


def test_names_of_files_quote_nobody(tmp_path: Path, key: str) -> None:
    set_up(tmp_path, recipe=RECIPE.replace("path: calls.csv", "path: '*.csv'"))
    (tmp_path / "calls.csv").rename(tmp_path / "export of bob@firma.de.csv")
    folder = run(tmp_path).folder
    everything = [path for place in ("runs", "dist") for path in (tmp_path / place).rglob("*") if path.is_file()]
    assert not [path for path in everything if "firma" in path.read_text("utf-8", "replace")]
    assert Why(folder).life(Why(folder).find(delivered(tmp_path)[0]["id"])[0])["file"] == "export of [EMAIL]"


# -- the second look --------------------------------------------------------------------------


class Puts(RowStep):
    """Puts an address back into some rows, as a careless step would."""

    every: ClassVar[int] = 1
    sets: ClassVar[tuple[str, ...]] = ("note",)

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        import polars as pl

        text = rows.text("prompt")
        back = text.hash(1) % self.every == 0 if len(text) else pl.Series([], dtype=pl.Boolean)
        return change(note=pl.select(pl.when(back).then(pl.lit("eve@leak.org"))).to_series())


def test_what_comes_back_after_the_step_stops_the_delivery(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    recipe = parse((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    recipe = Recipe(**{**dict(recipe), "steps": (*recipe.steps, Puts())})
    with pytest.raises(TooManyQuarantined, match=r"personal data left: email in .*note, bytes 0 to 12") as caught:
        execute(recipe, tmp_path, Options(workers=1))
    assert "eve" not in str(caught.value)
    assert not (tmp_path / "dist/calls").exists()


@pytest.mark.parametrize("mode", ["tag", "mask", "pseudonym", "surrogate"])
def test_our_own_replacements_pass(tmp_path: Path, key: str, mode: str) -> None:
    set_up(tmp_path, mode, rows=300)
    assert run(tmp_path).outcomes["quarantined"] == 0


# -- order ------------------------------------------------------------------------------------


class Sends(RowStep):
    """Stands for a step that asks a model elsewhere."""

    sends_text: ClassVar[bool] = True

    def judge(self, rows: Columns) -> Verdict:
        return Verdict()


def test_text_goes_out_only_after_it_was_looked_through() -> None:
    with pytest.raises(ValueError, match="sends text to another machine"):
        Recipe(name="r", steps=(Sends(), Anonymize()))
    Recipe(name="r", steps=(Anonymize(), Sends()))
    Recipe(name="r", steps=(Sends(),))
    Recipe(name="r", steps=(Sends(), Anonymize()), unprotected="the model is ours")


def test_a_source_of_its_own_step_does_not_protect_the_others() -> None:
    text = """
tamis: 1
name: two
sources:
  - {use: files, name: a, path: a.csv, map: [{use: privacy.anonymize}]}
  - {use: files, name: b, path: b.csv}
"""
    with pytest.raises(RecipeError, match="rows of it would be delivered as they are"):
        parse(text)


def test_a_step_of_the_only_source_protects_it(tmp_path: Path, key: str) -> None:
    recipe = RECIPE.replace(
        "calls.csv}]",
        'calls.csv, map: [{use: map.template, user: "{text}", assistant: "Noted."}, {use: privacy.anonymize}]}]',
    )
    recipe = recipe.replace("  - {use: privacy.anonymize, mode: MODE}\n", "").replace(
        '  - {use: map.template, user: "{text}", assistant: "Noted."}\n', ""
    )
    set_up(tmp_path, recipe=recipe)
    result = run(tmp_path)
    assert result.manifest["privacy"]["replaced"] == {"email": 62, "phone": 62}
    assert json.loads((result.folder / "ledger/privacy.json").read_text(encoding="utf-8"))["hidden"] == 2
    assert "firma" not in json.dumps(delivered(tmp_path))


def test_deduplication_comes_first_or_a_warning(tmp_path: Path, key: str) -> None:
    """Masking before deduplication merges rows that differ only in names."""
    set_up(tmp_path, recipe=RECIPE.replace("  - {use: split", "  - {use: dedup.exact, on: prompt}\n  - {use: split"))
    recipe = parse((tmp_path / "recipe.yaml").read_text(encoding="utf-8"))
    assert "deduplicate first" in order.warnings(recipe.steps)[0]
    result = run(tmp_path)
    assert any("deduplicate first" in warning for warning in result.manifest["warnings"])
    planned = foresee(recipe, tmp_path)
    assert any("deduplicate first" in warning for warning in planned["warnings"])
    assert order.warnings((Random(shares={"train": 1.0}), Anonymize())) == []


# -- recall -----------------------------------------------------------------------------------


def test_a_checked_sample_gives_a_figure_that_goes_onto_the_card(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    result = run(tmp_path)
    card = tmp_path / "dist/calls/README.md"
    assert "has not been measured" in card.read_text(encoding="utf-8")
    sample = tmp_path / "decisions/calls.sample.jsonl"
    assert draw(result.folder, sample, 20) == 20
    lines = [json.loads(line) for line in sample.read_text(encoding="utf-8").splitlines()]
    assert all(line["found"] == {"email": 2, "phone": 2} for line in lines[1:])
    assert "firma" not in sample.read_text(encoding="utf-8")
    for line in lines[1:]:
        line["checked"] = True
    lines[1] |= {"missed": {"person": 2}, "wrong": {"phone": 1}}
    sample.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    told = score(sample)
    assert (told["rows"], told["found"], told["missed"], told["wrong"]) == (20, 80, 2, 1)
    assert told["recall"] == {"share": 0.9753, "low": 0.9144, "high": 0.9932}
    assert told["by_kind"]["person"]["recall"]["share"] == 0.0
    said = CliRunner().invoke(tamis, ["privacy", "score", str(sample), "-w", str(tmp_path)])
    assert said.exit_code == 0, said.output
    assert "Recall 97.5% (95% interval 91.4% to 99.3%)" in said.output
    again = run(tmp_path)
    for path in (card, again.folder / "report.html"):
        assert "Recall 97.5% (95% interval 91.4% to 99.3%)" in path.read_text(encoding="utf-8")
    set_up(tmp_path, "tag")
    run(tmp_path)
    assert "has not been measured" in card.read_text(encoding="utf-8"), "the figure was measured with other settings"


def test_a_labelled_file_gives_a_figure_too(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    run(tmp_path)
    text = "Ann Lee: é ann@lee.org, bob@lee.org, or 12345"
    spans = [
        {"start": 0, "end": 7, "kind": "person"},
        {"start": 11, "end": 22, "kind": "email"},
        {"start": 11, "end": 35, "kind": "address"},
    ]
    labelled = tmp_path / "marked.jsonl"
    labelled.write_text(json.dumps({"text": text, "spans": spans}) + "\n", encoding="utf-8")
    said = CliRunner().invoke(tamis, ["privacy", "score", str(labelled), "--labelled", "--json", "-w", str(tmp_path)])
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    kinds = {kind: (one["found"] - one["wrong"], one["missed"], one["wrong"]) for kind, one in told["by_kind"].items()}
    assert kinds == {"person": (0, 1, 0), "email": (1, 0, 0), "address": (1, 0, 0)}
    run(tmp_path)
    card = (tmp_path / "dist/calls/README.md").read_text(encoding="utf-8")
    assert "Recall 66.7% (95% interval 20.8% to 93.8%), measured on 1 other text in which" in card
    labelled.write_text('{"text": "x", "spans": [{"start": 0, "end": 9, "kind": "email"}]}\n', encoding="utf-8")
    wrong = CliRunner().invoke(tamis, ["privacy", "score", str(labelled), "--labelled", "-w", str(tmp_path)])
    assert isinstance(wrong.exception, DataError)


def test_the_card_never_says_anonymised(tmp_path: Path, key: str) -> None:
    for mode in ("tag", "surrogate"):
        set_up(tmp_path, mode)
        result = run(tmp_path)
        for path in (tmp_path / "dist/calls/README.md", result.folder / "report.html"):
            text = path.read_text(encoding="utf-8").lower()
            assert "anonymised" not in text.replace("pseudonymised", "")
            assert "not anonymous" in text


def test_a_figure_of_unchecked_rows_is_none(tmp_path: Path, key: str) -> None:
    set_up(tmp_path)
    sample = tmp_path / "sample.jsonl"
    draw(run(tmp_path).folder, sample, 5)
    with pytest.raises(UsageError, match=r"no row of .* is checked"):
        score(sample)
    sample.write_text('{"checked": true, "missed": {"email": "two"}}\n', encoding="utf-8")
    with pytest.raises(TamisError, match=r"sample.jsonl:1"):
        score(sample)
    assert keep(tmp_path / "decisions" / "x.jsonl", {"settings": ""}).exists()


# -- purge ------------------------------------------------------------------------------------


def test_purge_tells_first_and_deletes_when_told(tmp_path: Path, key: str) -> None:
    set_up(tmp_path, recipe=RECIPE.replace("  - {use: privacy.anonymize, mode: MODE}\n", ""))
    run(tmp_path)
    set_up(tmp_path)
    run(tmp_path)
    shown = CliRunner().invoke(tamis, ["purge", "-w", str(tmp_path)])
    assert "would delete  .tamis/raw" in shown.output
    assert list((tmp_path / ".tamis/raw").iterdir())
    done = CliRunner().invoke(tamis, ["purge", "--yes", "--json", "-w", str(tmp_path)])
    told = json.loads(done.output)
    assert {one["path"] for one in told["deleted"]} == {".tamis/raw", ".tamis/cache"}
    left = {one["path"]: one["why"] for one in told["left"]}
    assert "without privacy steps" in left["runs/calls/1"]
    assert "yours" in left["calls.csv"]
    assert any(".versions" in path for path in left), "the delivery before it held what was read"
    assert not list((tmp_path / ".tamis/cache").iterdir())
    purge(tmp_path, runs=True)
    assert not (tmp_path / "runs/calls/1").exists()
    assert (tmp_path / "runs/calls/2/report.html").exists()
    rest = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("calls.csv", "recipe.yaml")]
    assert not any(b"firma" in path.read_bytes() for path in rest)
    assert run(tmp_path).outcomes["kept"] == 30


def test_new_keys_are_strong() -> None:
    assert len({new_key() for _ in range(50)}) == 50
