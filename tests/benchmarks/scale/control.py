"""Asking a router through the socket that its own command-line tool uses, without starting that tool each time."""

import abc
import socket
from pathlib import Path

_PATIENCE = 120.0


class Control(abc.ABC):
    """A connection to a router; a question waits until the router has time to answer."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_PATIENCE)
        self._socket.connect(str(path))

    @abc.abstractmethod
    def ask(self, question: str) -> str:
        """Send a command and return the answer."""

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _until(self, end: bytes, *, behind: int = 0) -> bytes:
        """What arrives up to a mark, and some octets behind it."""
        found = b""
        while end not in found or len(found) < found.index(end) + len(end) + behind:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError(f"the router hung up after {found[-200:]!r}")
            found += data
        return found


class LineControl(Control):
    """A line is answered by a line."""

    def ask(self, question: str) -> str:
        """Send a command and return the answer."""
        self._socket.sendall(question.encode() + b"\n")
        return self._until(b"\n").decode()


class BirdControl(Control):
    """BIRD's: lines with a number of four digits, and a blank behind it in the last one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._answer()

    def ask(self, question: str) -> str:
        """Send a command and return the answer."""
        self._socket.sendall(question.encode() + b"\n")
        return self._answer()

    def _answer(self) -> str:
        found = ""
        while not _is_whole(found):
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError(f"BIRD hung up after {found[-200:]!r}")
            found += data.decode(errors="replace")
        return found


def _is_whole(text: str) -> bool:
    if not text.endswith("\n"):
        return False
    last = text.splitlines()[-1]
    return last[:4].isdigit() and last[4:5] in ("", " ")


class VtyControl(Control):
    """FRR's: commands end with a zero octet, answers with three and a status."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ask("enable")

    def ask(self, question: str) -> str:
        """Send a command and return the answer."""
        self._socket.sendall(question.encode() + b"\0")
        return self._until(b"\0\0\0", behind=1).split(b"\0\0\0")[0].decode(errors="replace")
