"""Running commands and starting programs, so that none is left behind.

Every process gets a session of its own: Ctrl-C in the terminal reaches the lab alone, which then stops the others
in the right order.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO

import attrs

from k8sglue.lab.errors import LabError
from k8sglue.lab.interrupts import Interrupts

_POLL_INTERVAL = 0.02
_SLOW = 1.5
_COMMAND_TIMEOUT = 20.0


@attrs.frozen
class Completed:
    """What became of a command."""

    status: int
    output: str
    """Standard output and standard error, in the order of writing."""


class Runner:
    """Runs commands and starts programs; knows the programs that it started."""

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._started: list[subprocess.Popen[str]] = []

    def run(
        self, command: Collection[str], *, stdin: str = "", timeout: float = _COMMAND_TIMEOUT
    ) -> Completed:
        """Run a command to its end. Raise LabError if it can not be run, or takes longer than `timeout`."""
        process = None
        try:
            with self._interrupts.deferred():
                process = _popen(command, stdin=subprocess.PIPE, output=subprocess.PIPE)
            output, _ = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"no end after {timeout:g} s: {' '.join(command)}") from error
        finally:
            if process is not None:
                _end(process)
        return Completed(process.returncode, output)

    def check(self, command: Collection[str], *, stdin: str = "") -> str:
        """Run a command that must succeed and return its output. Raise LabError if it fails."""
        completed = self.run(command, stdin=stdin)
        if completed.status != 0:
            raise LabError(
                f"exit status {completed.status}: {' '.join(command)}\n{completed.output.rstrip()}".rstrip()
            )
        return completed.output

    @contextlib.contextmanager
    def starting(self, command: Collection[str], log: Path) -> Iterator[subprocess.Popen[str]]:
        """Start a program that runs on, its output going to `log`; what is done within can not be interrupted."""
        with self._interrupts.deferred():
            with log.open("ab") as file:
                process = _popen(command, stdin=subprocess.DEVNULL, output=file)
            self._started.append(process)
            yield process

    def running(self) -> set[int]:
        """Return the process numbers of the programs that were started here and have not ended."""
        self._started = [process for process in self._started if process.poll() is None]
        return {process.pid for process in self._started}


def wait_until(
    condition: Callable[[], bool], timeout: float, slow: Callable[[], None] = lambda: None
) -> bool:
    """Wait until `condition` holds; return whether it did in time. Call `slow` once if it takes a while."""
    started = time.monotonic()
    told = False
    while not condition():
        waited = time.monotonic() - started
        if waited > timeout:
            return False
        if waited > _SLOW and not told:
            told = True
            slow()
        time.sleep(_POLL_INTERVAL)
    return True


def send(pids: Collection[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone already."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _end(process: subprocess.Popen[str]) -> None:
    """Make sure that a command has ended, whatever it was doing."""
    if process.poll() is None:
        process.kill()
    with process:
        process.wait()


def _popen(command: Collection[str], stdin: int, output: int | IO[bytes]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            list(command),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise LabError(f"{next(iter(command))} can not be run: {error.strerror}") from error
