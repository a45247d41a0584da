"""Draws the state machine for the README, from its table.

python -m tests.bgp.diagram     writes the drawing into README.md

A test fails if the two differ. Each arrow has the inputs that lead along it. An input that leaves a state as it is has
none; one that leads elsewhere with one of the options has that in brackets.
"""

from collections.abc import Iterator
from pathlib import Path

from bgp.fsm import _TRANSITIONS, _key, transition
from bgp.vocabulary import Input, MessageRejected, Options, State, TimerExpired
from tests.bgp.test_fsm import INPUTS

README = Path(__file__).parents[2] / "README.md"
BEGIN = "<!-- The drawing is made by python -m tests.bgp.diagram -->\n"
END = "<!-- The drawing ends here -->\n"

_OPTIONS = {"": Options(), "passive": Options(passive=True), "DelayOpen": Options(delay_open=True)}


def draw() -> str:
    """The state machine as a mermaid diagram."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state in State:
        for arrow, label in _arrows(state):
            labels = arrows.setdefault(arrow, [])
            if label not in labels:
                labels.append(label)
    lines = [
        f"    {old.value} --> {new.value}: {'<br/>'.join(labels)}" for (old, new), labels in arrows.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> Idle", *lines, "```", ""])


def _arrows(state: State) -> Iterator[tuple[tuple[State, State], str]]:
    others = []
    for event in INPUTS:
        targets = {name: transition(state, event, options)[0] for name, options in _OPTIONS.items()}
        if (state, _key(event)) not in _TRANSITIONS:
            others.append(targets[""])
            continue
        for name, target in targets.items():
            if target is not state and (not name or target is not targets[""]):
                yield (state, target), f"{_label(event)} [{name}]" if name else _label(event)
    for target in dict.fromkeys(others):
        if target is not state:
            yield (state, target), "anything else"


def _label(event: Input) -> str:
    match event:
        case TimerExpired(timer):
            return f"{timer.value} timer"
        case MessageRejected(error):
            return type(error).__name__
        case _:
            return type(event).__name__


def with_drawing(text: str) -> str:
    """The text with the drawing between its marks as it should be."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + draw() + END + after


if __name__ == "__main__":
    README.write_text(with_drawing(README.read_text()))
