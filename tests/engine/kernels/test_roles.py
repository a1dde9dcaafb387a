"""The order of roles, against a slow twin that reads a conversation as a list of names."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import roles as kernel
from tamis.engine.kernels.roles import ASSISTANT, SYSTEM, TOOL, UNKNOWN, USER, check_roles

Turn = tuple[int, bool, bool]
turn = st.tuples(st.integers(UNKNOWN, TOOL), st.booleans(), st.booleans())
likely = st.sampled_from(
    [(USER, False, False), (ASSISTANT, False, False), (ASSISTANT, True, True), (TOOL, False, False)]
)


def slow(turns: list[Turn], last: int) -> tuple[int, int]:
    """(what is wrong, where)."""
    for j, (role, calls, blank) in enumerate(turns):
        spoken = [earlier for earlier in turns[:j] if earlier[0] != SYSTEM]
        asked = [earlier for earlier in spoken if earlier[0] != TOOL]
        called = bool(asked) and asked[-1][1]
        if role == UNKNOWN:
            return kernel.UNKNOWN_ROLE, j
        if role == SYSTEM:
            if j:
                return kernel.SYSTEM_LATE, j
            continue
        if not spoken:
            if role != USER:
                return kernel.NOT_USER_FIRST, j
        elif role == TOOL:
            if not called:
                return kernel.STRAY_TOOL, j
        elif called and spoken[-1][0] != TOOL:
            return kernel.UNANSWERED_CALL, j
        elif role == spoken[-1][0]:
            return kernel.SAME_ROLE_TWICE, j
        if blank and not calls and role != TOOL:
            return kernel.EMPTY_TURN, j
    if turns and last and turns[-1][0] != last:
        return kernel.WRONG_LAST, len(turns) - 1
    return kernel.FINE, -1


@given(st.lists(st.lists(st.one_of(likely, turn), max_size=6), max_size=5), st.sampled_from([UNKNOWN, USER, ASSISTANT]))
@settings(max_examples=300)
@example([[(USER, False, False), (ASSISTANT, True, True), (TOOL, False, True), (ASSISTANT, False, False)]], ASSISTANT)
@example([[], [(SYSTEM, False, True), (TOOL, False, False)]], USER)
def test_against_the_twin(chats: list[list[Turn]], last: int) -> None:
    starts = np.zeros(len(chats) + 1, np.int64)
    np.cumsum([len(chat) for chat in chats], out=starts[1:])
    turns = [turn for chat in chats for turn in chat]
    out, place = np.full(len(chats), 99, np.uint8), np.full(len(chats), 99, np.int32)
    check_roles(
        starts,
        np.array([role for role, _, _ in turns], np.uint8),
        np.array([calls for _, calls, _ in turns], np.bool_),
        np.array([blank for _, _, blank in turns], np.bool_),
        last,
        out,
        place,
    )
    assert list(zip(out.tolist(), place.tolist(), strict=True)) == [slow(chat, last) for chat in chats]
