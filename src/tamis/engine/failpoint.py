"""Points at which tests kill the process, as a power cut would."""

from __future__ import annotations

import itertools
import os
import signal

_hits = itertools.count(1)


def failpoint(name: str) -> None:
    """Kill this process, without any clean-up, if the variable TAMIS_FAILPOINT names this point.

    `NAME` kills at the first time the point is passed, `NAME:7` at the seventh.
    """
    wanted, _, nth = os.environ.get("TAMIS_FAILPOINT", "").partition(":")
    if wanted == name and next(_hits) == int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
