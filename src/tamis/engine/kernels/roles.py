"""The order of roles in conversations."""

from __future__ import annotations

import numpy as np

from .jit import njit

UNKNOWN, SYSTEM, USER, ASSISTANT, TOOL = range(5)

#: what is wrong with a conversation, in the order in which it is looked for; 0: nothing
(
    FINE,
    UNKNOWN_ROLE,
    SYSTEM_LATE,
    NOT_USER_FIRST,
    SAME_ROLE_TWICE,
    STRAY_TOOL,
    UNANSWERED_CALL,
    WRONG_LAST,
    EMPTY_TURN,
    ECHO,
) = range(10)


@njit(nogil=True, cache=True)
def check_roles(
    starts: np.ndarray,
    roles: np.ndarray,
    calls: np.ndarray,
    blank: np.ndarray,
    last_role: int,
    out: np.ndarray,
    place: np.ndarray,
) -> None:
    """out (n,) uint8: the first thing wrong with each conversation; place (n,) int32: in which message, from 0.

    starts: (n + 1,) int64 into the messages; roles: (m,) uint8; calls, blank: (m,) bool, whether a message calls tools,
    and whether it says nothing; last_role: the role the last message must have, 0: any. A conversation without messages
    is fine.
    """
    for i in range(starts.shape[0] - 1):
        first, end = starts[i], starts[i + 1]
        out[i] = FINE
        place[i] = -1
        before, called = UNKNOWN, False  # the role of the last message that is not the system's; whether a call is open
        for j in range(first, end):
            role = roles[j]
            wrong = FINE
            if role == UNKNOWN:
                wrong = UNKNOWN_ROLE
            elif role == SYSTEM:
                if j > first:
                    wrong = SYSTEM_LATE
            elif before == UNKNOWN and role != USER:
                wrong = NOT_USER_FIRST
            elif role == TOOL:
                if not called:
                    wrong = STRAY_TOOL
            elif called and before != TOOL:
                wrong = UNANSWERED_CALL
            elif role == before:
                wrong = SAME_ROLE_TWICE
            if wrong == FINE and blank[j] and not calls[j] and role != TOOL and role != SYSTEM:
                wrong = EMPTY_TURN
            if wrong != FINE:
                out[i], place[i] = wrong, j - first
                break
            if role != SYSTEM:
                before = role
                if role != TOOL:
                    called = calls[j]
        if out[i] == FINE and end > first and last_role != UNKNOWN and roles[end - 1] != last_role:
            out[i], place[i] = WRONG_LAST, end - 1 - first


@njit(nogil=True, cache=True)
def _next(data: np.ndarray, k: int, end: int) -> int:
    """Where the next byte is that is not white space."""
    while k < end and data[k] <= 32:
        k += 1
    return k


@njit(nogil=True, cache=True)
def mark_echoes(data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, roles: np.ndarray, out: np.ndarray) -> None:
    """out (n,) bool: the last message is the assistant's and says what the message before it says.

    White space and the case of ASCII letters make no difference; two messages that say nothing are no echo.
    """
    for i in range(starts.shape[0] - 1):
        out[i] = False
        last = starts[i + 1] - 1
        if last - 1 < starts[i] or roles[last] != ASSISTANT or roles[last - 1] != USER:
            continue
        a, a_end = offsets[last], offsets[last + 1]
        b, b_end = offsets[last - 1], offsets[last]
        a, b = _next(data, a, a_end), _next(data, b, b_end)
        same = a < a_end
        while same and a < a_end and b < b_end:
            x, y = data[a], data[b]
            if 0x41 <= x <= 0x5A:
                x |= np.uint8(0x20)
            if 0x41 <= y <= 0x5A:
                y |= np.uint8(0x20)
            same = x == y
            a, b = _next(data, a + 1, a_end), _next(data, b + 1, b_end)
        out[i] = same and a == a_end and b == b_end
