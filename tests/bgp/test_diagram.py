"""The README's drawing of the state machine is the table's."""

from bgp.vocabulary import State
from tests.bgp.diagram import README, draw, with_drawing


def test_the_readme_shows_the_table() -> None:
    text = README.read_text()
    assert with_drawing(text) == text, "run python -m tests.bgp.diagram"


def test_all_states_are_there_and_lead_down() -> None:
    drawn = draw()
    for state in set(State) - {State.IDLE}:
        assert f"{state.value} --> Idle: " in drawn


def test_the_way_up_is_drawn() -> None:
    for arrow in (
        "Idle --> Connect: Start<br/>idle-hold timer\n",
        "Idle --> Active: Start [passive]<br/>idle-hold timer [passive]\n",
        "Connect --> OpenSent: ConnectionOpened<br/>delay-open timer\n",
        "OpenSent --> OpenConfirm: OpenReceived\n",
        "OpenConfirm --> Established: KeepaliveReceived\n",
    ):
        assert arrow in draw()
