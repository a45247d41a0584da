"""Signals that stop the lab, let through only where the lab can be stopped.

A signal handler of Python may run between any two instructions. One that raises right after a process was
started, and before anybody wrote that down, would leave the process behind. So signals are deferred by default;
`allowed` lets them through for the stretch of code whose end is followed by cleaning up, and `deferred` keeps
them out again where something comes into being. Cleaning up itself is never interrupted: it has deadlines of
its own.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Self

from k8sglue.lab.errors import Interrupted

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """A context in which SIGINT, SIGTERM and SIGHUP raise `Interrupted`, once, and only where that is allowed."""

    def __init__(self) -> None:
        self._allowed = False
        self._pending: int | None = None
        self._raised = False
        self._previous: list[tuple[int, object]] = []

    def __enter__(self) -> Self:
        self._previous = [(number, signal.signal(number, self._handle)) for number in _STOPPING]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous:
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned

    @contextlib.contextmanager
    def allowed(self) -> Iterator[None]:
        """Let signals interrupt this stretch, also one that came before it."""
        with self._set(True):
            yield

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Keep signals out of this stretch; one that comes interrupts right after it, if that is allowed."""
        with self._set(False):
            yield

    @contextlib.contextmanager
    def _set(self, allowed: bool) -> Iterator[None]:
        before, self._allowed = self._allowed, allowed
        try:
            self._raise_pending()
            yield
        finally:
            self._allowed = before
        self._raise_pending()

    def _raise_pending(self) -> None:
        if self._allowed and self._pending is not None and not self._raised:
            self._raised = True
            raise Interrupted(self._pending)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._pending is None:
            self._pending = number
        self._raise_pending()
