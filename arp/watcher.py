"""What happens on a segment, without I/O: every frame in words, and what no single frame tells.

    watcher = arp.Watcher()
    for seen in watcher.receive_frame(frame, now=0.5):
        print(seen.text)

Three things show only in a row of frames. A `Seen` of its own tells each of them, behind the frame that showed it.

*Conflicts.* That an address is claimed by another station than before is no conflict yet: fail-over looks the same. It
is one when both go on, and that shows in two ways. Both have answered the same question; or the address comes
back to a station from which it went no longer than `window` ago. Two that only refresh their announcements, each
once a minute, are found by the second rule as well. The price is that an address which is moved and hurriedly moved
back counts as a conflict, once. With `claims`, who is right is known, and every other station is in conflict at once.

*Moves.* Every other change of station.

*Questions without an answer.* A switch does not bring us answers to others, so that none is seen means nothing. What
tells is that the asker repeats itself: with an answer, it has no reason to. Hosts ask three times (RFC 4861 10:
MAX_MULTICAST_SOLICIT), so the third time by one station within `patience` is told, and then the 6th, the 12th, ...

*Memory* is bounded, whatever is sent: the holders of `capacity` addresses are kept, and as many questions, those that
were heard of longest ago making room. A flood of questions does not displace holders. VLANs are segments of their
own, where the same address is another one.

Left out: anycast addresses, which several stations may advertise at the same time (RFC 4861 7.2.7), look like a
conflict; and two stations that probe for the same address look like nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Generic, TypeVar

import attrs

from arp.addresses import host_address, station
from arp.errors import LocalError
from arp.ethernet import MACAddress
from arp.sighting import Fact, IPAddress, Seen, Sighting, What, sight, vlan_note

ANSWER_WINDOW = 1.0
"""Seconds in which two stations that answer the same question have answered it at the same time."""

_FORMER_HOLDERS = 8
_ASKED_OFTEN = 3

_Place = tuple[tuple[int, ...], IPAddress]  # VLANs and address
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class _Recent(Generic[_Key, _Value]):
    """What was put last, up to a number of entries."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def __iter__(self) -> Iterator[tuple[_Key, _Value]]:
        return iter(self._entries.items())

    def get(self, key: _Key) -> _Value | None:
        return self._entries.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)


@attrs.define(eq=False)
class _Holder:
    """The station that claimed an address last."""

    mac: MACAddress
    since: float
    heard: float
    has_answered: bool = False  # since the last question
    former: dict[MACAddress, float] = attrs.field(
        factory=dict
    )  # those before it, and when they were heard last

    def when_heard(self, mac: MACAddress) -> float | None:
        return self.heard if mac == self.mac else self.former.get(mac)


@attrs.define(eq=False)
class _Question:
    """What a station asks for without seeing an answer."""

    first: float
    last: float
    count: int = 1


def _seconds(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    if not value > 0:
        raise LocalError(f"{field.name} {value!r}, must be a number of seconds above 0")


def _at_least_one(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if value < 1:
        raise LocalError(f"{field.name} {value!r}, must be 1 or more")


def _known(
    claims: Mapping[IPv4Address | IPv6Address | str, MACAddress | str] | None,
) -> Mapping[IPAddress, MACAddress]:
    return {host_address(address): station(mac) for address, mac in (claims or {}).items()}


@attrs.define(eq=False)
class Watcher:
    """Tells what happens on one segment.

    Raises `LocalError`, naming the value and its limit, for one out of range (`AddressError` for an address).
    """

    claims: Mapping[IPAddress, MACAddress] = attrs.field(default=None, converter=_known)
    """Which station has an address, as far as that is known beforehand; another one that claims it is in conflict."""
    window: float = attrs.field(default=60.0, kw_only=True, validator=_seconds)
    """Seconds within which an address that comes back to a station is in conflict; above 0."""
    patience: float = attrs.field(default=5.0, kw_only=True, validator=_seconds)
    """Seconds after which a question counts as a new one, and not as a repeated one; above 0."""
    capacity: int = attrs.field(default=4096, kw_only=True, validator=_at_least_one)
    """How many holders are remembered, and how many questions; from 1."""
    _holders: _Recent[_Place, _Holder] = attrs.field(init=False, repr=False)
    _questions: _Recent[tuple[_Place, MACAddress], _Question] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make the tables, as large as `capacity` says."""
        self._holders = _Recent(self.capacity)
        self._questions = _Recent(self.capacity)

    @property
    def holders(self) -> dict[IPAddress, MACAddress]:
        """Which station claimed an address last, in untagged frames."""
        return {address: holder.mac for (vlans, address), holder in self._holders if not vlans}

    def receive_frame(self, frame: bytes, now: float) -> list[Seen]:
        """Tell what a frame says, any octets at all, and what shows by it; nothing if it is of another protocol.

        Never raises for what a frame contains.
        """
        sighting = sight(frame)
        if sighting is None:
            return []
        found = [sighting.seen(now)]
        if sighting.claimed is not None:
            found += self._claim(sighting, (sighting.segment, sighting.claimed), now)
        if sighting.asked is not None:
            found += self._ask(sighting, (sighting.segment, sighting.asked), now)
        return found

    def _claim(self, sighting: Sighting, place: _Place, now: float) -> list[Seen]:
        mac, holder = sighting.sender, self._holders.get(place)
        found = self._usurpation(mac, holder, place, now)
        if holder is None:
            holder = _Holder(mac, since=now, heard=now)
        elif holder.mac != mac:
            if not found:
                what = What.CONFLICT if self._are_both_active(holder, sighting, now) else What.MOVED
                found = [_change(what, place, mac, holder.mac, now - holder.heard, now)]
            holder = _successor(holder, mac, now)
        holder.heard = now
        holder.has_answered |= sighting.is_answer
        self._holders.put(place, holder)
        return found

    def _usurpation(self, mac: MACAddress, holder: _Holder | None, place: _Place, now: float) -> list[Seen]:
        """Tell the conflict with the station that is known to have the address, if it is another one."""
        rightful = self.claims.get(place[1])
        if rightful is None or rightful == mac:
            return []
        heard = holder.when_heard(rightful) if holder is not None else None
        return [_change(What.CONFLICT, place, mac, rightful, None if heard is None else now - heard, now)]

    def _are_both_active(self, holder: _Holder, sighting: Sighting, now: float) -> bool:
        comes_back = sighting.sender in holder.former and now - holder.since <= self.window
        answers_as_well = sighting.is_answer and holder.has_answered and now - holder.heard <= ANSWER_WINDOW
        return comes_back or answers_as_well

    def _ask(self, sighting: Sighting, place: _Place, now: float) -> list[Seen]:
        holder = self._holders.get(place)
        if holder is not None:
            holder.has_answered = False
        # Whoever probes hopes for silence, and a question to one station is no search.
        if sighting.claimed is None or not sighting.to_all:
            return []
        question = self._questions.get((place, sighting.sender))
        is_answered = question and holder and holder.heard >= question.last
        if question is None or is_answered or now - question.last > self.patience:
            question = _Question(first=now, last=now)
        else:
            question.count += 1
            question.last = now
        self._questions.put((place, sighting.sender), question)
        return [_unanswered(sighting, question, place, now)] if _is_worth_telling(question.count) else []


def _successor(holder: _Holder, mac: MACAddress, now: float) -> _Holder:
    """Give the next holder, who remembers those before it."""
    former = holder.former | {holder.mac: holder.heard}
    latest = sorted(former, key=former.__getitem__)[-_FORMER_HOLDERS:]
    return _Holder(mac, since=now, heard=now, former={other: former[other] for other in latest})


def _is_worth_telling(count: int) -> bool:
    """Whether it is the 3rd time, the 6th, the 12th, and so on."""
    rounds, rest = divmod(count, _ASKED_OFTEN)
    return not rest and rounds.bit_count() == 1


def _change(
    what: What, place: _Place, mac: MACAddress, other: MACAddress, ago: float | None, now: float
) -> Seen:
    vlans, address = place
    before = "which was not heard yet" if ago is None else f"heard {_duration(ago)} ago"
    text = f"{address} moved from {other}, {before}, to {mac}"
    if what is What.CONFLICT:
        text = f"{address} is used by {mac} and by {other}, {before}"
    facts: dict[str, Fact] = {"address": str(address), "mac": str(mac), "other": str(other), "ago": ago}
    return _finding(what, text, facts, vlans, frozenset({address}), now)


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _unanswered(sighting: Sighting, question: _Question, place: _Place, now: float) -> Seen:
    vlans, address = place
    seconds = question.last - question.first
    text = (
        f"{sighting.claimed} ({sighting.sender}) asked {question.count} times in {_duration(seconds)}"
        f" who has {address}, and no answer was seen"
    )
    facts: dict[str, Fact] = {
        "address": str(sighting.claimed),
        "mac": str(sighting.sender),
        "target": str(address),
        "count": question.count,
        "seconds": seconds,
    }
    return _finding(What.UNANSWERED, text, facts, vlans, sighting.addresses, now)


def _finding(
    what: What,
    text: str,
    facts: dict[str, Fact],
    vlans: tuple[int, ...],
    addresses: frozenset[IPAddress],
    now: float,
) -> Seen:
    if vlans:
        facts["vlans"] = vlans
    return Seen(what=what, time=now, text=text + vlan_note(vlans), facts=facts, addresses=addresses)
