"""The speaker under test, its peers, and the network between them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.interop.netns import NetworkNamespace, connect
from tests.soak import checks
from tests.soak.agent import PeerSetup
from tests.soak.daemons import DAEMONS
from tests.soak.parties import OUR_AS, US, AgentParty, Party, rows_shown
from tests.soak.shown import Shown

_PEERS_OF_OURS = 3
_RELAY = "10.0.0.30"
_STRANGER = "10.0.0.99"
_STARTS_WITHIN = 30.0
_SETTLES_WITHIN = 180.0
_MEGABYTE = 1 << 20
# A peer keeps connections that are closed until the next one is, and while it is fresh it may have two.
_SLACK = {"Connection": 18, "TimerHandle": 12, "descriptors": 4, "tasks": 2, "resident": 24 * _MEGABYTE}


class DifferenceError(Exception):
    """Something that must hold does not."""


class World:
    """All of it; the namespaces exist already."""

    def __init__(
        self, ours: NetworkNamespace, theirs: NetworkNamespace, folder: Path, daemons: list[str]
    ) -> None:
        self.ours, self.theirs = ours, theirs
        self.subject = AgentParty(ours, folder / "subject", US, OUR_AS)
        self.parties: list[Party] = []
        self.wanted: dict[str, PeerSetup] = {}
        self.is_corrupted = False
        """Whether the relay may have changed what the peer behind it was told."""
        self._first_health: dict[str, int] | None = None
        for number in range(_PEERS_OF_OURS):
            self._add_peer_of_ours(folder, number)
        for number, name in enumerate(daemons):
            party = DAEMONS[name](theirs, folder / name, f"10.0.0.{11 + number}", 64520 + number)
            self._add(party, PeerSetup(asn=party.asn, restarts=name == "bird"))
        self.subject.peers = self.wanted

    def _add_peer_of_ours(self, folder: Path, number: int) -> None:
        party = AgentParty(self.theirs, folder / f"peer{number}", f"10.0.0.{21 + number}", 64530 + number)
        flags: list[PeerSetup] = [{"restarts": True}, {"add_path": True}, {"passive": False}]
        its: PeerSetup = {"asn": OUR_AS, **flags[number]}
        if number == _PEERS_OF_OURS - 1:
            # A relay looks to both like the peer; whoever dialled through it could not be told from itself.
            party.relay = _RELAY
            its["passive"] = True
        party.peers = {party.us: its}
        self._add(party, PeerSetup(asn=party.asn, **flags[number]))

    def _add(self, party: Party, wanted: PeerSetup) -> None:
        self.parties.append(party)
        self.wanted[party.peer_address] = PeerSetup(imports="all", exports="all", **wanted)

    def start(self, random: Random) -> None:
        """Lay the cable, give everybody some routes, start everybody."""
        connect(self.ours, f"{US}/24", self.theirs, "10.0.0.2/24")
        for address in (*(each.address for each in self.parties), _RELAY, _STRANGER):
            self.theirs.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        for each in [self.subject, *self.parties]:
            prefixes = random.sample(self.pool(each), 20)
            each.routes = {prefix: random.randrange(5) for prefix in prefixes}
        for party in [self.subject, *self.parties]:
            party.start()
        for party in [self.subject, *self.parties]:
            self.wait_ready(party)

    def pool(self, party: Party) -> list[str]:
        """The prefixes that it may announce: some of its own, and some that others may announce as well."""
        number = int(party.address.split(".")[3])
        own = [f"10.{100 + number}.{third}.0/24" for third in range(40)]
        return own + [f"10.99.{third}.0/24" for third in range(20)]

    @property
    def relayed(self) -> AgentParty:
        """The peer behind the relay."""
        return next(each for each in self.agents if each.relay)

    @property
    def agents(self) -> list[AgentParty]:
        """The peers of ours."""
        return [each for each in self.parties if isinstance(each, AgentParty)]

    def wait_ready(self, party: Party) -> None:
        """Wait until it can be told things."""
        self._until(party.is_ready, _STARTS_WITHIN, lambda: f"{party} does not start")

    def _until(self, holds: Callable[[], bool], within: float, complaint: Callable[[], str]) -> None:
        deadline = time.monotonic() + within
        while not holds():
            if time.monotonic() > deadline:
                raise DifferenceError(complaint())
            time.sleep(0.1)

    # What must hold.

    def check(self) -> None:
        """Wait until all sessions are up and all sides agree; raise `DifferenceError` if they do not in the end."""
        self._until(lambda: not self._down(), _SETTLES_WITHIN, self._who_is_down)
        found: list[str] = []

        def agree() -> bool:
            found[:] = self._differences()
            return not found

        self._until(agree, _SETTLES_WITHIN / 4, lambda: "\n".join(found))
        self._check_health()

    def _down(self) -> list[str]:
        states = self.subject.call("states")
        return [address for address in self.wanted if states.get(address) != "Established"]

    def _who_is_down(self) -> str:
        errors = self.subject.call("last_errors")
        down = [f"{address} is {errors.get(address)!r}" for address in self._down()]
        return f"sessions that do not come back within {_SETTLES_WITHIN:.0f} s: {'; '.join(down)}"

    def _differences(self) -> list[str]:
        found: list[str] = []
        sent: dict[str, Shown] = {}
        best = self.subject.call("best")
        for party in self.parties:
            address, wanted = party.peer_address, self.wanted[party.peer_address]
            received = rows_shown(self.subject.call("received", peer=address))
            advertised = rows_shown(self.subject.call("advertised", peer=address))
            # With ADD-PATH each route has an identifier, which is its sender's affair.
            sent[address] = {name.split()[0]: value for name, value in received.items()}
            expected = checks.announced(party.asn, party.routes)
            found += checks.same(f"{party}: received", expected, sent[address])
            found += checks.same(f"{party}: what it has of us", advertised, party.shown())
            if not wanted.get("add_path"):
                must = checks.told(address, best, wanted.get("exports", "none"))
                found += self._unlike(f"{party}: advertised", must, set(advertised))
        imports = {address: wanted.get("imports", "all") for address, wanted in self.wanted.items()}
        found += self._unlike("best paths", checks.best(self.subject.routes, sent, imports), set(best))
        return found

    def _unlike(self, what: str, expected: set[str], found: set[str]) -> Iterator[str]:
        if expected != found:
            missing, extra = sorted(expected - found)[:5], sorted(found - expected)[:5]
            yield f"{what}: missing {missing}, too many {extra}"

    def _check_health(self) -> None:
        health: dict[str, int] = self.subject.call("health")
        if self._first_health is None:
            self._first_health = health
        if complaints := list(checks.grown(self._first_health, health, _SLACK)):
            raise DifferenceError("\n".join(complaints))

    def health(self) -> dict[str, int]:
        """What the speaker under test holds."""
        found: dict[str, int] = self.subject.call("health")
        return found

    # What can be done to it.

    def garbage(self, random: Random) -> dict[str, Any]:
        """Octets for a listener, and where they come from."""
        octets = random.randbytes(random.randint(1, 60))
        if random.random() < 0.5:
            octets = b"\xff" * 16 + octets
        source = random.choice([_STRANGER, *(each.address for each in self.parties)])
        return {"source": source, "target": US, "octets": octets.hex()}

    def cut(self, party: Party) -> None:
        """Drop all that it and the speaker under test say to each other."""
        self.ours.run("nft", "add", "table", "ip", "soak")
        self.ours.run(
            *("nft", "add chain ip soak in { type filter hook input priority 0; }"),
        )
        self.ours.run("nft", "add", "rule", "ip", "soak", "in", "ip", "saddr", party.peer_address, "drop")

    def heal(self) -> None:
        """Let the relay flip nothing any more, and start over: not every octet is one that somebody checks."""
        if self.is_corrupted and self.relayed.is_running:
            self.wait_ready(self.relayed)
            self.relayed.call("corrupt", count=0, seed=0)
            self.subject.call("reset", peer=self.relayed.peer_address)
            self.is_corrupted = False

    def mend(self) -> None:
        """Drop nothing any more."""
        self.ours.run("nft", "add", "table", "ip", "soak")
        self.ours.run("nft", "delete", "table", "ip", "soak")
