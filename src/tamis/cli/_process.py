"""The command line as a process of its own: how it begins and how it ends."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable

from tamis.engine.memory import collect_seldom

#: log2 of the cycles that a thread of OpenBLAS spins before it sleeps, about half a millisecond. Its own 26 kept a core busy
#: for 25 ms after each product, and after the import.
_SPIN = "20"


def as_process(main: Callable[[], None]) -> None:
    """Run the command line, and end the process without taking it down piece by piece.

    Destroying compiled code and giving back each block took a third of a second, and the system does it at once. What
    others left to do at the end is still done: threads are waited for, and this, registered first, is called last.
    """
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _SPIN)  # read when NumPy is first imported
    collect_seldom()  # imports make no cycles of garbage; looking for them took 3 % of the start
    code = 1

    def leave() -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None and not stream.closed:
                    stream.flush()
            except OSError:
                os._exit(code or 120)  # as Python ends where the last words reach nobody
        os._exit(code)

    atexit.register(leave)
    try:
        main()
    except SystemExit as end:
        code = 0 if end.code is None else end.code if isinstance(end.code, int) else 1
        raise
    code = 0
