# Whatever arrives and whenever, a responder raises nothing, begins with one answer or one reason for each frame, sends
# nothing about what it does not own and nothing while the link is down, and keeps to its limit.
"""Fuzz a responder: an octet for the settings, then an octet for each verb, some with edits of a frame behind it."""

from arp import ConflictPolicy, Ignored, Output, Responder, SendFrame, Settings
from bgp.wire import Reader, WireError
from fuzz.segments import ADDRESSES, MAC, OTHER_MAC, frame, spoken_of

_LIMIT = 10.0
_Outputs = tuple[Output | None, list[Output]]  # what is said of a frame, and what else there is to do


def check(data: bytes) -> None:
    """Check one input."""
    octet, reader, now, slots = data[0] if data else 0, Reader(data[1:]), 0.0, list[float]()
    policy, probes = list(ConflictPolicy)[octet % 3], octet >> 2 & 3
    settings = Settings(probe_count=probes, conflict_policy=policy, announcements_per_second=_LIMIT)
    responder, down = Responder(mac=MAC, settings=settings), False
    while reader.remaining:
        octet = reader.uint8()
        now += (octet >> 6) ** 4 / 10  # up to 8.1 seconds
        down ^= octet % 8 == 2
        try:
            first, outputs = _call(responder, octet, now, down, reader)
        except WireError:
            return
        due = responder.next_timeout()
        assert octet % 8 > 3 or due is None or due > now
        assert first is None or isinstance(first, Ignored) or spoken_of(first) in responder.addresses
        spoken = {spoken_of(output) for output in outputs if isinstance(output, SendFrame)}
        assert spoken <= (frozenset() if down else responder.addresses)
        slots += [now] * len(spoken)
        assert all(len(slots) - n <= 1 + _LIMIT * (now - then + 0.011) for n, then in enumerate(slots))


def _call(r: Responder, octet: int, now: float, down: bool, reader: Reader) -> _Outputs:
    address = ADDRESSES[octet >> 3 & 3]
    match octet % 8:
        case 0:
            return None, r.add(address, now)
        case 1:
            r.remove(address, now, OTHER_MAC)  # what it says is about what is not owned any more
        case 2:
            return None, r.link_down(now) if down else r.link_up(now)
        case 4:
            return None, r.change_mac(MAC if octet & 8 else "02:00:00:00:00:12", now)
    if octet % 8 > 4:
        first, *rest = r.receive_frame(frame(reader), now)
        return first, rest
    return None, r.handle_timeout(now)
