"""What can go wrong with a lab, as the person who runs it should read it."""

from pathlib import Path

_TAIL = 20


class LabError(Exception):
    """The lab can not do what was asked. The message says why, and what to do where that is known.

    `log` is the log of the program that is most likely to know more. Its end becomes a part of the message at
    once, because the file goes with the lab.
    """

    def __init__(self, message: str, *, log: Path | None = None) -> None:
        super().__init__(message + _end_of(log))


class Interrupted(BaseException):
    """A signal asked the lab to stop. As KeyboardInterrupt, it is no Exception: nobody takes it for an error."""

    def __init__(self, number: int) -> None:
        super().__init__(f"signal {number}")
        self.number = number


def _end_of(log: Path | None) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()[-_TAIL:] if log else []
    except OSError:
        lines = []
    return "".join(f"\n    {line}" for line in [f"The end of {log}:", *lines]) if lines else ""
