"""Purging a workspace: what models were asked is original text too."""

from __future__ import annotations

from pathlib import Path

from tamis.llm.journal import NAME, Journal
from tamis.runs.purge import purge


def test_what_models_were_asked_is_named_and_deleted_only_when_asked_for(tmp_path: Path) -> None:
    journal = tmp_path / ".tamis" / "recorded" / NAME
    Journal(journal).close()
    told = purge(tmp_path)
    [left] = [one for one in told["left"] if one["path"] == ".tamis/recorded"]
    assert "--replies" in left["why"]
    assert journal.exists()
    told = purge(tmp_path, replies=True)
    assert ".tamis/recorded" in [one["path"] for one in told["deleted"]]
    assert not journal.exists()
