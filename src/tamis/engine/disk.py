"""Writing that the disk does while rows are still being made."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor, wait

#: bytes written before the disk is asked to begin
SYNC_BYTES = 64 << 20
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="tamis-disk")


class Syncing:
    """fsyncs one open file in the background, so that little is left to wait for when it is closed."""

    def __init__(self, handle: int) -> None:
        self._handle, self._waiting = handle, 0
        self._begun: list[Future[None]] = []

    def wrote(self, size: int) -> None:
        """Say that `size` more bytes were written. OSError: what the disk said of earlier ones."""
        self._waiting += size
        if self._waiting < SYNC_BYTES or (self._begun and not self._begun[-1].done()):
            return
        self._settle()
        self.begin()

    def begin(self) -> None:
        """Ask the disk for everything written so far, without waiting for it."""
        self._waiting = 0
        self._begun.append(_THREAD.submit(os.fsync, self._handle))

    def finish(self) -> None:
        """Everything written is on the disk when this returns. OSError where it is not."""
        self._settle()
        os.fsync(self._handle)

    def abandon(self) -> None:
        """Wait until the file may be closed, without a care."""
        wait(self._begun)

    def _settle(self) -> None:
        """An error is told only once, to who waits for this."""
        begun, self._begun = self._begun, []
        for one in begun:
            one.result()
