"""What a person sees of the lab: headings, commands that could have been typed, their output, what was checked."""

import os
import sys

import attrs

_BOLD, _GREEN, _DIM, _OFF = "\033[1m", "\033[32m", "\033[2m", "\033[0m"


def wants_colour() -> bool:
    """Return whether standard output is a terminal whose owner likes colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


@attrs.define
class Screen:
    """Writes to standard output, with one empty line between things that do not belong together."""

    colour: bool = attrs.field(factory=wants_colour)
    _gap: bool = attrs.field(init=False, default=False)
    """What comes next is set apart from what is there."""

    def heading(self, text: str) -> None:
        """Begin a step."""
        self._gap = True
        self._print(self._in(_BOLD, text))
        self._gap = True

    def say(self, text: str) -> None:
        """Explain what is going on."""
        self._print(text)
        self._gap = True

    def command(self, line: str, output: str = "") -> None:
        """Show a command and what it printed."""
        self._print(f"  {self._in(_BOLD, '$ ' + line)}")
        for each in output.rstrip().splitlines():
            self._print(f"  {each.expandtabs(8)}".rstrip())
        self._gap = bool(output)

    def held(self, text: str) -> None:
        """State what the last output has proved."""
        self._gap = False
        self._print(f"  {self._in(_GREEN, 'ok:')} {text}")
        self._gap = True

    def notice(self, text: str) -> None:
        """Tell what takes long, or goes on behind the scene."""
        self._gap = False
        self._print(f"  {self._in(_DIM, f'({text})')}")

    def _print(self, text: str) -> None:
        if self._gap:
            print()
        self._gap = False
        print(text, flush=True)

    def _in(self, style: str, text: str) -> str:
        return f"{style}{text}{_OFF}" if self.colour else text
