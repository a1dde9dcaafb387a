"""Many phrases as one machine, for `pii_mark`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

GROUPS = 7  # phrases of group g are marked as GROUPS + g; below that stand the marks of other places

#: What a phrase needs: no letter or digit before it, none behind it, a digit within 64 bytes before, 32 bytes behind.
BEGINS, ENDS, DIGIT_BEFORE, DIGIT_BEHIND = 1, 2, 4, 8


class Machine(NamedTuple):
    """Many phrases as one machine (Aho and Corasick) that goes on after a find.

    classes: (256,) uint8; moves: (n_states × n_classes,) int32, times n_classes; ends: (n_states,) int16: the longest
    phrase that ends in the state, else -1; sizes, groups, needs: (n_phrases,): its bytes, what it is marked as, and what
    must hold around it (`BEGINS`, `ENDS`, `DIGIT_BEFORE`, `DIGIT_BEHIND`).
    """

    classes: np.ndarray
    moves: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray
    groups: np.ndarray
    needs: np.ndarray


def machine(phrases: list[tuple[bytes, int, int]]) -> Machine:
    """The machine for (phrase in lower case, group, needs)."""
    alphabet = sorted({byte for phrase, _, _ in phrases for byte in phrase})
    classes = np.zeros(256, np.uint8)
    for number, byte in enumerate(alphabet, 1):
        classes[byte] = number
        if 0x61 <= byte <= 0x7A:
            classes[byte - 32] = number
    width = len(alphabet) + 1
    trie: list[dict[int, int]] = [{}]
    ends = [-1]
    for number, (phrase, _, _) in enumerate(phrases):
        state = 0
        for byte in phrase:
            step = int(classes[byte])
            if step not in trie[state]:
                trie[state][step] = len(trie)
                trie.append({})
                ends.append(-1)
            state = trie[state][step]
        ends[state] = number
    moves = np.zeros((len(trie), width), np.int64)
    fallback = [0] * len(trie)
    queue = []
    for step, state in trie[0].items():
        moves[0, step] = state
        queue.append(state)
    for state in queue:  # grows while it is walked: breadth first
        back = fallback[state]
        if ends[state] < 0:
            ends[state] = ends[back]
        moves[state] = moves[back]
        for step, target in trie[state].items():
            moves[state, step] = target
            fallback[target] = int(moves[back, step])
            queue.append(target)
    return Machine(
        classes,
        (moves * width).astype(np.int32).reshape(-1),
        np.array(ends, np.int16).repeat(width),
        np.array([len(phrase) for phrase, _, _ in phrases], np.int64),
        np.array([GROUPS + group for _, group, _ in phrases], np.uint8),
        np.array([needs for _, _, needs in phrases], np.uint8),
    )
