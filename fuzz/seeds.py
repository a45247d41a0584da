"""Make the corpus: `python -m fuzz.seeds [TARGET…]` writes `fuzz/corpus/` anew, but for what `fuzz.distil` put there.

Half of it is what daemons and Linux sent (tests/data), half comes from the strategies of `bgp.testing` and
`arp.testing`. Every input is short, since a fuzzer takes its inputs apart and puts them together by itself.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import attrs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from arp import ETHERTYPE_IPV6, EthernetFrame
from arp import testing as arp_testing
from bgp import Negotiated, PeerType, Prefix, Update, bfd, bmp, encode, mrt, testing
from bgp.capabilities import encode_capability
from bgp.framing import HEADER_LENGTH
from bgp.open import encode_open
from fuzz.contexts import FAMILIES, octet_of, session_of

_HERE = Path(__file__).parent
_DATA = _HERE.parent / "tests" / "data"
_DRAWN, _CAPTURED = 14, 14
"""Inputs of each origin for a target, at most."""

_LONGEST = 400
_SESSION = Negotiated(four_octet_as=True)
_T = TypeVar("_T")


def main() -> None:
    """Write the corpus, or the part of it that belongs to the targets named on the command line."""
    for target in sys.argv[1:] or _INPUTS:
        folder = _HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        made = _INPUTS[target]()
        for old in folder.iterdir():
            if old.name.split("-")[0] in made:
                old.unlink()
        for origin, some in made.items():
            for number, data in enumerate(some):
                (folder / f"{origin}-{number:02}").write_bytes(data)


def _captured(kind: str) -> list[tuple[int, bytes]]:
    """Messages that daemons sent, and the octets for their sessions: as various as so few can be."""
    found: dict[bytes, int] = {}
    for path in sorted((_DATA / "captures").glob("*.json")):
        for session in json.loads(path.read_text())["sessions"]:
            octet = octet_of(
                Negotiated(
                    four_octet_as=session["four_octet_as"],
                    peer_type=PeerType(session["peer_type"]),
                    add_path_receive=FAMILIES if session["add_path"] else (),
                    extended_message=session["extended_message"],
                )
            )
            lines = (line.split() for line in session["received"])
            found |= {bytes.fromhex(octets): octet for name, octets in lines if name == kind}
    short = [(octet, message) for message, octet in found.items() if len(message) <= _LONGEST]
    return short[:: max(1, len(short) // _CAPTURED)][:_CAPTURED]


def _drawn(strategy: st.SearchStrategy[_T], encoded: Callable[[_T], bytes]) -> list[bytes]:
    found: list[bytes] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=8 * _DRAWN,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: _T) -> None:
        found.append(encoded(value))

    draw()
    short = [data for data in dict.fromkeys(found) if len(data) <= _LONGEST]
    return short[:: max(1, len(short) // _DRAWN)][:_DRAWN]


def _sessions() -> st.SearchStrategy[tuple[int, Negotiated]]:
    return st.integers(0, 47).map(lambda octet: (octet, session_of(octet)))


def _drawn_messages(kind: Callable[[Negotiated], st.SearchStrategy[Any]], cut: int) -> list[bytes]:
    """An octet for the session, and a message or, without so many octets, its body."""
    return _drawn(
        _sessions().flatmap(lambda each: st.tuples(st.just(each), kind(each[1]))),
        lambda drawn: bytes([drawn[0][0]]) + encode(drawn[1], drawn[0][1])[cut:],
    )


def _messages() -> dict[str, Iterable[bytes]]:
    kinds = ("OPEN", "UPDATE", "UPDATE", "NOTIFICATION", "ROUTE-REFRESH")
    some = [bytes([octet]) + message for kind in kinds for octet, message in _captured(kind)[:4]]
    return {"capture": dict.fromkeys(some), "drawn": _drawn_messages(testing.messages, 0)}


def _updates() -> dict[str, Iterable[bytes]]:
    captured = [bytes([octet]) + message[HEADER_LENGTH:] for octet, message in _captured("UPDATE")]
    return {"capture": captured, "drawn": _drawn_messages(testing.updates, HEADER_LENGTH)}


def _attributes() -> dict[str, Iterable[bytes]]:
    drawn = _drawn(
        _sessions().flatmap(lambda each: st.tuples(st.just(each), testing.path_attributes(each[1]))),
        lambda drawn: bytes([drawn[0][0]]) + encode(Update(attributes=drawn[1]), drawn[0][1])[23:],
    )
    return {"capture": _captured_blocks(), "drawn": drawn}


def _captured_blocks() -> Iterator[bytes]:
    for octet, message in _captured("UPDATE"):
        start = HEADER_LENGTH + 2 + int.from_bytes(message[19:21], "big")
        length = int.from_bytes(message[start : start + 2], "big")
        if length:
            yield bytes([octet]) + message[start + 2 : start + 2 + length]


def _nlri() -> dict[str, Iterable[bytes]]:
    return {
        "drawn": [
            bytes([number | 8 * add_path]) + data
            for number, family in enumerate(FAMILIES)
            for add_path in (False, True)
            for data in _drawn(testing.nlris(family, add_path), lambda nlri: nlri.encode())[1:3]
        ]
    }


def _opens() -> dict[str, Iterable[bytes]]:
    captured = [message[HEADER_LENGTH:] for _, message in _captured("OPEN")]
    return {"capture": captured, "drawn": _drawn(testing.opens(), encode_open)}


def _capabilities() -> dict[str, Iterable[bytes]]:
    some = st.lists(testing.capabilities(), min_size=1, max_size=6)
    return {"drawn": _drawn(some, lambda found: b"\2" + b"".join(map(encode_capability, found)))}


def _notifications() -> dict[str, Iterable[bytes]]:
    def body(message: Any) -> bytes:
        return encode(message, _SESSION)[HEADER_LENGTH:]

    errors = _drawn(testing.notifications(), lambda message: b"\0" + body(message))
    refreshes = _drawn(testing.route_refreshes(), lambda message: b"\xff" + body(message))
    return {"drawn": [*errors, *refreshes[::2]]}


def _texts() -> dict[str, Iterable[bytes]]:
    kinds = (
        testing.as_paths(),
        testing.communities(),
        testing.extended_communities(),
        testing.ipv6_extended_communities(),
        testing.large_communities(),
        testing.ipv6_addresses(),
        testing.networks().map(Prefix),
        testing.route_distinguishers(),
        st.sampled_from(["64512", "1.10"]),
    )
    return {
        "drawn": [
            bytes([number]) + text
            for number, kind in enumerate(kinds)
            for text in _drawn(kind, lambda value: str(value).encode())[:4]
        ]
    }


def _framing() -> dict[str, Iterable[bytes]]:
    captured = [message for _, message in _captured("UPDATE")]
    pairs = zip(captured[::2], captured[1::2], strict=False)
    return {"capture": [bytes([number]) + one + other for number, (one, other) in enumerate(pairs)]}


def _sessions_up() -> dict[str, Iterable[bytes]]:
    # Start, TCP up, OPEN, KEEPALIVE; then whatever there is.
    return _programs(b"\x00\x03\x0b\x0c\x04\x00")


def _peerings_up() -> dict[str, Iterable[bytes]]:
    # The same; and with a connection in the other direction first.
    return _programs(b"\x00\x03\x0a\x0c\x04\x00") | {
        "collision": _programs(b"\x00\x03\x04\x0a\x1a\x0c\x04\x00")["drawn"]
    }


def _programs(up: bytes) -> dict[str, Iterable[bytes]]:
    bodies = [message[HEADER_LENGTH:] for _, message in _captured("UPDATE") if len(message) < 200]
    fed = [bytes([number % 4]) + up + bytes([12, 2, len(body)]) + body for number, body in enumerate(bodies)]
    verbs = st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=6))
    return {
        "capture": fed[:_CAPTURED],
        "drawn": _drawn(verbs, lambda drawn: bytes([drawn[0]]) + up + drawn[1]),
    }


def _dumps() -> dict[str, Iterable[bytes]]:
    return {"drawn": _drawn(testing.mrt_records(), lambda record: b"\x07" + mrt.encode(record))}


def _bmp() -> dict[str, Iterable[bytes]]:
    return {"drawn": _drawn(testing.bmp_messages(), lambda message: b"\x01" + bmp.encode(message))}


def _bfd() -> dict[str, Iterable[bytes]]:
    """Packets that a session with the discriminator 1 has a use for, most of them."""
    states = st.sampled_from(bfd.BFDState)
    packets = st.builds(
        lambda packet, state, knows: bfd.encode(attrs.evolve(packet, state=state, your_discriminator=knows)),
        testing.bfd_packets(),
        states,
        st.integers(0, 1),
    )
    records = st.lists(st.tuples(st.integers(0, 60), packets), min_size=1, max_size=6)
    return {
        "drawn": _drawn(
            st.tuples(st.integers(0, 255), records),
            lambda drawn: (
                bytes([drawn[0]])
                + b"".join(bytes([pause, len(packet)]) + packet for pause, packet in drawn[1])
            ),
        )
    }


def _neighbours() -> list[bytes]:
    """Frames that Linux sent."""
    found = json.loads((_DATA / "neighbours" / "linux.json").read_text())
    return [bytes.fromhex(octets) for octets in found.values()]


def _arp_frames() -> dict[str, Iterable[bytes]]:
    drawn = _drawn(arp_testing.frames(mac="02:00:00:00:00:01", addresses=["203.0.113.7"]), bytes)
    return {"capture": _neighbours(), "drawn": drawn}


def _arp_ndp() -> dict[str, Iterable[bytes]]:
    frames = map(EthernetFrame.decode, _neighbours())
    captured = [b"\0" + frame.payload for frame in frames if frame.ethertype == ETHERTYPE_IPV6]
    return {
        "capture": captured,
        "drawn": _drawn(arp_testing.ndp_packets(), lambda packet: b"\1" + packet.encode()),
    }


def _arp_responder() -> dict[str, Iterable[bytes]]:
    """Each address taken over, then verbs and frames in any order."""
    verbs = st.binary(min_size=4, max_size=60)
    return {"drawn": _drawn(verbs, lambda drawn: drawn[:1] + bytes([0, 8, 16, 24]) + drawn[1:])}


_INPUTS: dict[str, Callable[[], dict[str, Iterable[bytes]]]] = {
    "messages": _messages,
    "updates": _updates,
    "attributes": _attributes,
    "nlri": _nlri,
    "opens": _opens,
    "capabilities": _capabilities,
    "notifications": _notifications,
    "texts": _texts,
    "framing": _framing,
    "sessions": _sessions_up,
    "peerings": _peerings_up,
    "mrt": _dumps,
    "bmp": _bmp,
    "bfd": _bfd,
    "arp_frames": _arp_frames,
    "arp_ndp": _arp_ndp,
    "arp_responder": _arp_responder,
}


if __name__ == "__main__":
    main()
