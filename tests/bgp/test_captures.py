"""What five daemons say decodes without a fault, and encodes again to the same octets.

tests/data/README.md tells where the captures come from and what the files look like.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

import attrs
import pytest

from bgp import AttributeCode, Family, Negotiated, Open, PeerType, Treatment, Update, decode, encode

_FOLDER = Path(__file__).parents[1] / "data" / "captures"
_DAEMONS = ["bird", "exabgp", "frr", "gobgp", "openbgpd"]
_IPV6 = 2

_LABELLED_ALONE = bytes.fromhex("20cb007108")
"""203.0.113.8/32, which is announced to the daemons as labelled unicast and as nothing else."""


class _Session(TypedDict):
    """A session as it stands in a file."""

    session: str
    peer_type: str
    four_octet_as: bool
    families: list[str]
    add_path: list[str]
    extended_next_hop: list[str]
    extended_message: bool
    sent_open: NotRequired[str]
    received: list[str]


@attrs.frozen
class Capture:
    """A message that a daemon sent, and the session that it belongs to."""

    daemon: str
    kind: str
    octets: bytes
    negotiated: Negotiated


def _sessions(daemon: str) -> list[_Session]:
    sessions: list[_Session] = json.loads((_FOLDER / f"{daemon}.json").read_text())["sessions"]
    return sessions


def _families(names: Sequence[str]) -> frozenset[Family]:
    return frozenset(Family(*map(int, name.split("/"))) for name in names)


def _negotiated(session: _Session) -> Negotiated:
    add_path = _families(session["add_path"])
    return Negotiated(
        four_octet_as=session["four_octet_as"],
        peer_type=PeerType(session["peer_type"]),
        families=_families(session["families"]),
        # What is decoded here is what the daemon sends; to encode it again, we send in its place.
        add_path_receive=add_path,
        add_path_send=add_path,
        extended_next_hop=frozenset((family, _IPV6) for family in _families(session["extended_next_hop"])),
        extended_message=session["extended_message"],
    )


def _captures(daemon: str) -> Iterator[tuple[str, Capture]]:
    """Every message of a file, with a name for it."""
    for session in _sessions(daemon):
        for number, line in enumerate(session["received"]):
            kind, octets = line.split()
            name = f"{daemon}-{session['session']}-{number}-{kind}"
            yield name, Capture(daemon, kind, bytes.fromhex(octets), _negotiated(session))


_CAPTURES = {name: capture for daemon in _DAEMONS for name, capture in _captures(daemon)}
_FAULTY = {
    name: capture
    for name, capture in _CAPTURES.items()
    if capture.daemon == "frr" and capture.octets.endswith(_LABELLED_ALONE)
}
"""FRR 8.4.4 passes routes of a peer of labelled unicast on to those of IPv4 unicast, and forgets the next hop."""

_SOUND = {name: capture for name, capture in _CAPTURES.items() if name not in _FAULTY}
_CONVERSATIONS = {
    f"{daemon}-{session['session']}": session
    for daemon in _DAEMONS
    for session in _sessions(daemon)
    if "sent_open" in session
}


@pytest.mark.parametrize("capture", _SOUND.values(), ids=_SOUND)
def test_round_trip(capture: Capture) -> None:
    message = decode(capture.octets, capture.negotiated)
    if isinstance(message, Update):
        assert message.faults == ()
    assert encode(message, capture.negotiated) == capture.octets


@pytest.mark.parametrize("capture", _FAULTY.values(), ids=_FAULTY)
def test_forgotten_next_hop(capture: Capture) -> None:
    message = decode(capture.octets, capture.negotiated)
    assert isinstance(message, Update)
    assert [(fault.code, fault.treatment) for fault in message.faults] == [
        (AttributeCode.NEXT_HOP, Treatment.TREAT_AS_WITHDRAW)
    ]


@pytest.mark.parametrize("session", _CONVERSATIONS.values(), ids=_CONVERSATIONS)
def test_what_the_two_opens_amount_to(session: _Session) -> None:
    expected = _negotiated(session)
    ours, theirs = (
        decode(bytes.fromhex(octets), expected)
        for octets in (session["sent_open"], session["received"][0].split()[1])
    )
    assert isinstance(ours, Open)
    assert isinstance(theirs, Open)
    found = Negotiated.between(
        ours.capabilities, theirs.capabilities, peer_type=expected.peer_type, hold_time=0.0
    )
    for name in ("four_octet_as", "families", "extended_message", "extended_next_hop", "add_path_receive"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize("daemon", _DAEMONS)
def test_there_are_enough_of_them(daemon: str) -> None:
    octets_by_kind: dict[str, set[bytes]] = {}
    for _, capture in _captures(daemon):
        octets_by_kind.setdefault(capture.kind, set()).add(capture.octets)
    assert len(octets_by_kind["UPDATE"]) >= 10
    assert len(octets_by_kind["OPEN"]) >= 2
