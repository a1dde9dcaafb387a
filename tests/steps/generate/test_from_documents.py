"""generate.from_documents"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.endpoint import Endpoint, Seen

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask, CallFailed
from tamis.core.errors import UsageError
from tamis.recipe.load import parse
from tamis.runner.execute import Options, execute
from tamis.steps.generate._passages import find_quote, passages
from tamis.steps.generate.from_documents import FromDocuments
from tamis.testing import run_step

TEXT = "The mill at Ham was built in 1782.\n\nIt burned down twice, and was “never sold”."
QUESTION = "When was the mill at Ham built?"


def script(questions: list[str] | Exception, answers: Any = None, verdict: str = "supported") -> Any:
    """questions of a passage; answers: (quote, answer) for each; the judge's verdict."""

    def replies(role: str, ask: Ask) -> Any:
        properties = ask.schema["properties"] if ask.schema else {}
        if "questions" in properties:
            return questions if isinstance(questions, Exception) else {"questions": questions}
        if "verdict" in properties:
            return {"claims": "…", "verdict": verdict}
        found = answers or ("built in 1782", "In 1782.")
        return found if isinstance(found, Exception) else dict(zip(("quote", "answer"), found, strict=True))

    return replies


CASES: list[Any] = [
    ({}, {"text": TEXT}, None),
    ({"count": 1}, {"text": TEXT}, ["merged"], script([QUESTION])),
    ({"count": 1}, {"text": TEXT}, ["no_pair"], script([])),
    ({"count": 1, "keep_parents": True}, {"text": TEXT}, ["kept"], script([])),
]


def made(replies: Any, **settings: Any) -> Any:
    return run_step(FromDocuments(**({"count": 1} | settings)), [{"text": TEXT, "title": "Mills"}], replies=replies)


def test_a_pair_carries_its_passage_and_the_words_it_rests_on() -> None:
    models = ScriptedModels(script([QUESTION], ("NEVER  sold", "It was never sold.")))
    result = made(models)
    [row] = result.born
    assert [m["content"] for m in row["messages"]] == [QUESTION, "It was never sold."]
    assert TEXT[row["passage_start"] : row["passage_end"]] == row["passage"] == TEXT
    assert TEXT[row["quote_start"] : row["quote_end"]] == "never sold"
    assert row["producer"] == "scripted/generator"
    assert [role for role, _ in models.asked] == ["generator", "generator", "judge"]
    assert "Mills" in models.asked[0][1].messages[1]["content"]


def test_the_passage_may_be_shown() -> None:
    [row] = made(script([QUESTION]), show_passage=True).born
    assert row["messages"][0]["content"] == f"{QUESTION}\n\n{TEXT}"


@pytest.mark.parametrize(
    ("replies", "problem"),
    [
        (script(CallFailed("schema", "no", lasting=True)), "schema"),
        (script([]), "missing"),
        (script([""]), "empty"),
        (script(["Sure! Here is a question: when was it built?"]), "talk"),
        (script(["The mill at Ham was built in 1782."]), "statement"),
        (script(["According to the passage, when was the mill built?"]), "refers"),
        (script(["I'm sorry, but I can't assist with that."]), "refused"),
        (script([QUESTION], ("built in 1782", "")), "unanswered"),
        (script([QUESTION], ("built in 1783", "In 1783.")), "no_quote"),
        (script([QUESTION], ("", "In 1782.")), "no_quote"),
        (script([QUESTION], ("“”", "In 1782.")), "no_quote"),
        (script([QUESTION], CallFailed("length", "cut", lasting=True)), "length"),
        (script([QUESTION], None, "unsupported"), "unsupported"),
        (script([QUESTION], None, "contradicted"), "contradicted"),
    ],
)
def test_what_makes_no_pair_is_counted(replies: Any, problem: str) -> None:
    result = made(replies)
    assert result.outcomes == ["no_pair"]
    assert result.evidence[0][problem] == 1


def test_a_question_is_asked_once_in_a_reply_and_over_all_documents() -> None:
    models = ScriptedModels(script([QUESTION, QUESTION.upper(), "Who sold the mill at Ham twice?"]))
    result = run_step(FromDocuments(count=3, judge=None), [{"text": TEXT}, {"text": TEXT + " Really."}], replies=models)
    assert [row["parent"] for row in result.born] == [0, 0]
    assert [e["not_novel"] for e in result.evidence] == [1, 3]
    assert result.outcomes == ["merged", "no_pair"]


def test_a_judge_of_the_same_family_is_refused_unless_told_why() -> None:
    models = ScriptedModels(script([QUESTION]), families={"generator": "gpt", "judge": "gpt"})
    with pytest.raises(UsageError, match="same_family"):
        made(models)
    assert made(models, same_family="there is only one").outcomes == ["merged"]


def test_long_texts_are_asked_about_passage_by_passage() -> None:
    text = "\n\n".join(f"Paragraph {k} tells of stone number {k}. " + "word " * 20 for k in range(6))
    models = ScriptedModels(script(CallFailed("schema", "no", lasting=True)))
    result = run_step(
        FromDocuments(max_characters=300), [{"text": text}, {"text": None}, {"text": " "}], replies=models
    )
    assert len(models.asked) == 3
    assert result.evidence[0]["schema"] == 3
    assert result.outcomes == ["no_pair", "kept", "kept"]


@given(st.text(st.sampled_from("ab. \n"), max_size=900), st.integers(200, 400))
def test_passages_are_slices_and_leave_only_space(text: str, longest: int) -> None:
    rest, at = "", 0
    for passage in passages(text, longest):
        assert text[passage.start : passage.end] == passage.text
        rest += text[at : passage.start]
        at = passage.end
    assert not (rest + text[at:]).strip()


@given(st.text(st.sampled_from("ab’'“\"—- \n."), min_size=1, max_size=60), st.data())
def test_a_slice_of_a_text_is_found_in_it(text: str, data: Any) -> None:
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    found = find_quote(text, quote.replace("’", "'").replace("—", "-").replace("\n", "  "))
    assert (found is not None) == any(c.isalnum() for c in quote)


RECIPE = """
tamis: 1
name: handbook
models:
  generator: {{model: lab/writer, family: gpt}}
  judge: {{model: lab/checker, family: claude}}
connections:
  lab: {{url: {url}}}
sources:
  - use: documents
    path: docs
steps:
  - use: generate.from_documents
    count: 1
deliver:
  - use: jsonl
    path: out
"""


def test_a_folder_of_documents_becomes_pairs_with_their_places(tmp_path: Path, endpoint: Endpoint) -> None:
    page = "# Mills\n\nIntro without facts.\n\n## Ham\n\nThe mill at Ham was built in 1782.\n"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/mills.md").write_text(page)

    def script(seen: Seen) -> Any:
        if "capital of France" in seen.last:
            return {"answer": "k7-ochre"}
        if "questions" in seen.last:
            return {"questions": [QUESTION] if "1782" in seen.last else []}
        if "The answer:" in seen.last:
            return {"claims": "1782", "verdict": "supported"}
        return {"quote": "built in 1782", "answer": "In 1782."}

    endpoint.script = script
    result = execute(parse(RECIPE.format(url=endpoint.url)), tmp_path, Options(base=tmp_path))
    [row] = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]
    assert (row["path"], row["headings"], row["producer"]) == ("docs/mills.md", "Mills > Ham", "lab/writer")
    section = page[row["start"] : row["end"]]
    assert section[row["quote_start"] : row["quote_end"]] == "built in 1782"
    [account] = [one for one in result.manifest["steps"] if one["name"] == "generate.from_documents"]
    assert (account["in"], account["born"], account["kept"], account["merged"], account["dropped"]) == (2, 1, 1, 1, 1)
