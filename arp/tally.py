"""The answers to a question that was asked several times: who has the address, how often it answered, and how fast."""

import enum
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import MACAddress
from arp.prober import Answer


class Verdict(enum.IntEnum):
    """Who has an address; the numbers are exit statuses, and 2 is that nobody could be asked."""

    ONE_HOLDER = 0
    """One station answered."""
    NO_HOLDER = 1
    """None did."""
    SEVERAL_HOLDERS = 3
    """More than one did."""


@attrs.define(eq=False)
class Tally:
    """What came back for one address."""

    address: IPv4Address | IPv6Address
    """The address that is asked for."""
    asked: int = attrs.field(init=False, default=0)
    """How often it was asked for."""
    _times: dict[MACAddress, list[float]] = attrs.field(init=False, factory=dict)

    @property
    def holders(self) -> list[MACAddress]:
        """The stations that answered, in the order of their first answers."""
        return list(self._times)

    @property
    def verdict(self) -> Verdict:
        """What the answers mean."""
        if len(self._times) > 1:
            return Verdict.SEVERAL_HOLDERS
        return Verdict.ONE_HOLDER if self._times else Verdict.NO_HOLDER

    def add(self, answers: Iterable[Answer]) -> None:
        """Take the answers to one question, which may be none."""
        self.asked += 1
        for answer in answers:
            self._times.setdefault(answer.mac, []).append(answer.elapsed)

    def lines(self) -> list[str]:
        """Give the summary: a line for each station, and one for what it means if it is not what should be."""
        told = [
            f"{mac}: {len(times)} of {self.asked} answered, fastest {milliseconds(min(times))}, mean"
            f" {milliseconds(sum(times) / len(times))}, slowest {milliseconds(max(times))}"
            for mac, times in self._times.items()
        ]
        if not told:
            return [f"nobody has {self.address}: {self.asked} asked, no answer"]
        if len(told) > 1:
            told.append(f"CONFLICT: {len(told)} stations have {self.address}")
        return told


def milliseconds(seconds: float) -> str:
    """Give a time as people read it."""
    return f"{1000 * seconds:.2f} ms"
