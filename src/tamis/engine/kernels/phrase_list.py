"""Which of many phrases stand in a text: every one that contains no other."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .patterns import Automaton


@njit(nogil=True, cache=True)
def _list_phrases(
    part: np.ndarray,
    classes: np.ndarray,
    moves: np.ndarray,
    final: np.ndarray,
    lengths: np.ndarray,
    out: np.ndarray,
) -> None:
    state, k = np.uint64(0), 0
    while k < part.shape[0]:
        state = np.uint64(moves[state + np.uint64(classes[part[k]])])
        k += 1
        found = final[state]
        if found >= 0:  # the machine never leaves such a state: go on behind the first byte of the phrase
            out[found] = True
            k -= lengths[found] - 1
            state = np.uint64(0)


def list_phrases(part: np.ndarray, machine: Automaton, lengths: np.ndarray, out: np.ndarray) -> None:
    """Set out (n_phrases,) bool where a phrase is seen to end in the bytes `part`; lengths (n_phrases,) int64, in bytes.

    Of phrases that contain each other only the one that ends first is seen to end.
    """
    _list_phrases(part, machine.classes, machine.moves, machine.final, lengths, out)
