"""A router among peers that follow a script, on virtual time.

    lab = Lab()
    one, two = lab.peer(), lab.peer(asn=64514, export_policy=accept_all)
    one.announces("203.0.113.0/24", med=5)
    assert two.routes == {}

We are AS 64512 at 192.0.2.1; peers are at 192.0.2.11 and up, which are their BGP Identifiers too.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any, TypeVar

import attrs

from bgp import (
    IPV4_UNICAST,
    NLRI,
    Capability,
    Family,
    Keepalive,
    Message,
    Negotiated,
    Notification,
    Open,
    Output,
    Path,
    PathAttributes,
    PeerConfig,
    PeerType,
    SendBytes,
    State,
    Update,
    decode,
    encode,
)
from bgp.events import Event
from bgp.framing import MAX_EXTENDED, Framer
from bgp.iana import AddPathDirection
from bgp.member import Member
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.nlri import Destination, destination, withdrawal_of
from bgp.offers import (
    AddPathCapability,
    FourOctetASCapability,
    GracefulRestartCapability,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
)
from bgp.policy import Policy, accept_all
from bgp.prefix import Prefix
from bgp.router import Router
from bgp.vocabulary import CloseConnection

OURS = "192.0.2.1"
BOTH = AddPathDirection.SEND | AddPathDirection.RECEIVE

_E = TypeVar("_E")

Told = tuple[PathAttributes, NextHop | None]


@attrs.define(eq=False)
class Remote:
    """A peer: what it says, and what it has been told."""

    lab: "Lab"
    member: Member
    address: str
    asn: int
    offers: tuple[Capability, ...]

    routes: dict[str, Told] = attrs.field(factory=dict, init=False)
    """What it has been told of and not told to forget, by destination without labels, and path identifier."""

    heard: list[Message] = attrs.field(factory=list, init=False)
    """All messages since it came."""

    events: list[Event] = attrs.field(factory=list, init=False)
    """What the application is told about it."""

    negotiated: Negotiated = attrs.field(default=Negotiated(four_octet_as=True), init=False)
    """How it writes and reads messages."""

    _framer: Framer = attrs.field(init=False)
    _connection: int | None = attrs.field(default=None, init=False)

    @property
    def state(self) -> State:
        """Where our session with it is."""
        return self.member.peering.state

    # Coming and going.

    def comes(
        self, *offers: Capability, then: Iterable[Message | bytes] = (), keepalive: bool = True
    ) -> "Remote":
        """Let it dial us and agree; `offers` beside the usual ones. What it says then arrives with its KEEPALIVE."""
        while self.state is not State.ACTIVE:
            self.lab.run(0.05)
        self._framer = Framer(MAX_EXTENDED)
        self.routes.clear()
        self.heard.clear()
        number, outputs = self.member.peering.connection_accepted(
            self.lab.now, local_address=OURS, remote_address=self.address
        )
        self._connection = number
        self.perform(outputs)
        families = [MultiprotocolCapability(family) for family in sorted(self.member.config.families)]
        capabilities = [*families, FourOctetASCapability(self.asn), *self.offers, *offers]
        self.says(Open(my_as=self.asn, hold_time=0, router_id=self.address, capabilities=capabilities))
        ours = self.member.peering.negotiated
        assert ours is not None
        self.negotiated = attrs.evolve(
            ours, add_path_send=ours.add_path_receive, add_path_receive=ours.add_path_send
        )
        return self.says(Keepalive(), *then) if keepalive else self

    def leaves(self) -> "Remote":
        """TCP fails."""
        assert self._connection is not None
        number, self._connection = self._connection, None
        self.perform(self.member.peering.connection_lost(number, self.lab.now))
        self.lab.settle()
        return self

    # What it says.

    def says(self, *messages: Message | bytes) -> "Remote":
        """Let messages arrive, in one piece."""
        data = b"".join(
            each if isinstance(each, bytes) else encode(each, self.negotiated) for each in messages
        )
        assert self._connection is not None, "it is not connected"
        self.perform(self.member.peering.receive_data(self._connection, data, self.lab.now))
        self.lab.settle()
        return self

    def announces(
        self, *routes: str | Destination | Path, next_hop: str | NextHop | None = None, **values: Any
    ) -> "Remote":
        """Announce destinations of one family; an external peer's AS path is its AS alone unless said otherwise."""
        return self.says(self.announcement(*routes, next_hop=next_hop, **values))

    def announcement(
        self, *routes: str | Destination | Path, next_hop: str | NextHop | None = None, **values: Any
    ) -> Update:
        """What `announces` says."""
        nlri = self._nlri(routes)
        usual: dict[str, Any] = {"origin": 0, "as_path": [self.asn]}
        if self.negotiated.peer_type is PeerType.INTERNAL:
            usual = {"origin": 0, "as_path": [], "local_pref": 100}
        if nlri.family == IPV4_UNICAST and not isinstance(next_hop, NextHop):
            values["next_hop"] = next_hop or self.address
            return Update(announced=nlri, attributes=PathAttributes(**{**usual, **values}))
        hop = next_hop if isinstance(next_hop, NextHop) else NextHop(next_hop or _mapped(self.address))
        return Update(attributes=PathAttributes(**{**usual, **values}), mp_reach=MPReach(nlri, hop))

    def withdraws(self, *routes: str | Destination | Path) -> "Remote":
        """Withdraw destinations of one family."""
        nlri = self._nlri(routes)
        if nlri.family == IPV4_UNICAST:
            return self.says(Update(withdrawn=nlri))
        return self.says(Update(mp_unreach=MPUnreach(nlri)))

    def ends(self, family: Family = IPV4_UNICAST) -> "Remote":
        """Say End-of-RIB."""
        if family == IPV4_UNICAST:
            return self.says(Update())
        return self.says(Update(mp_unreach=MPUnreach(NLRI((), family))))

    def _nlri(self, routes: Iterable[str | Destination | Path]) -> NLRI:
        found: list[Destination | Path] = [Prefix(each) if isinstance(each, str) else each for each in routes]
        if found[0].family in self.negotiated.add_path_send:
            found = [each if isinstance(each, Path) else Path(each, 0) for each in found]
        return NLRI(found)

    # What it hears.

    def perform(self, outputs: list[Output]) -> None:
        """Carry out what a verb of its peering returned."""
        for output in outputs:
            match output:
                case SendBytes(data, number) if number == self._connection:
                    for raw in self._framer.feed(data):
                        self._hear(decode(raw, self.negotiated))
                case CloseConnection(number) if number == self._connection:
                    self._connection = None
                case SendBytes() | CloseConnection():
                    pass
                case _:
                    self.events.append(output)  # type: ignore[arg-type]  # it does not dial
                    self.events += self.lab.router.take(self.member, output)  # type: ignore[arg-type]

    def _hear(self, message: Message) -> None:
        self.heard.append(message)
        if not isinstance(message, Update):
            return
        gone, new = [message.withdrawn], [(message.announced, None)]
        if message.mp_unreach is not None:
            gone.append(message.mp_unreach.nlri)
        if message.mp_reach is not None:
            new.append((message.mp_reach.nlri, message.mp_reach.next_hop))  # type: ignore[arg-type]
        for nlri in gone:
            for each in nlri:
                assert self.routes.pop(_name(each), None), f"{each} was not announced"
        for nlri, next_hop in new:
            self.routes.update(dict.fromkeys(map(_name, nlri), (message.attributes, next_hop)))

    def path(self, name: str) -> str:
        """The AS path that it was told, as text."""
        return str(self.routes[name][0].as_path)

    def updates(self) -> list[Update]:
        """The UPDATEs that it has heard since the last time."""
        heard, self.heard = self.heard, []
        return [message for message in heard if isinstance(message, Update)]

    def told(self, kind: type[_E]) -> list[_E]:
        """The events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def received(self, family: Family = IPV4_UNICAST) -> list[str]:
        """The destinations in its Adj-RIB-In."""
        return sorted(str(route.prefix) for route in self.member.received(family))

    def accepted(self, family: Family = IPV4_UNICAST) -> list[str]:
        """Those that take part."""
        return sorted(str(route.prefix) for route in self.member.accepted(family))


class Lab:
    """A router and the peers around it."""

    def __init__(self, **options: Any) -> None:
        self.router = Router(**options)
        self.now = 0.0
        self.remotes: list[Remote] = []

    def peer(
        self,
        asn: int = 64513,
        *offers: Capability,
        import_policy: Policy | None = None,
        export_policy: Policy | None = None,
        up: bool = True,
        **config: Any,
    ) -> Remote:
        """Add a peer and let it come, unless `up` says otherwise. The options are those of `PeerConfig`."""
        values = {"local_as": 64512, "router_id": OURS, "passive": True, "idle_hold_time": 0.05, **config}
        wanted = PeerConfig(peer_as=asn, **values)
        member = self.router.add(wanted, import_policy=import_policy, export_policy=export_policy)
        address = str(IPv4Address("192.0.2.11") + len(self.remotes))
        remote = Remote(self, member, address, asn, offers)
        self.remotes.append(remote)
        remote.perform(member.peering.start(self.now))
        return remote.comes() if up else remote

    def open_peer(self, asn: int = 64513, *offers: Capability, **options: Any) -> Remote:
        """Add a peer whose routes are taken, and that is told all."""
        return self.peer(
            asn, *offers, **{"import_policy": accept_all, "export_policy": accept_all, **options}
        )

    def remove(self, remote: Remote) -> None:
        """Stop a peer's session and forget it."""
        remote.perform(remote.member.peering.stop(self.now, Notification(6, 3)))
        self.router.remove(remote.member)
        self.remotes.remove(remote)
        self.settle()

    def settle(self) -> None:
        """Let everything happen that does not need time."""
        self.run(0.0)

    def run(self, seconds: float) -> None:
        """Let time pass, and all that happens in it."""
        end = self.now + seconds
        while due := [
            (moment, remote)
            for remote in self.remotes
            if (moment := remote.member.peering.next_timeout()) is not None and moment <= end
        ]:
            moment, remote = min(due, key=lambda pair: pair[0])
            self.now = max(self.now, moment)
            remote.perform(remote.member.peering.handle_timeout(self.now))
        self.now = end


# Offers.


def paths(*families: Family, direction: AddPathDirection = BOTH) -> AddPathCapability:
    """Several paths, of IPv4 unicast prefixes unless said otherwise."""
    return AddPathCapability(dict.fromkeys(families or (IPV4_UNICAST,), direction))


def graceful(
    *families: Family, preserved: bool = True, restart_time: int = 60, **more: Any
) -> GracefulRestartCapability:
    """Routes that survive a restart."""
    kept = dict.fromkeys(families or (IPV4_UNICAST,), preserved)
    return GracefulRestartCapability(restart_time=restart_time, families=kept, **more)


def long_lived(*families: Family, stale_time: int = 600) -> LongLivedGracefulRestartCapability:
    """Routes that survive a long one."""
    return LongLivedGracefulRestartCapability(dict.fromkeys(families or (IPV4_UNICAST,), stale_time))


def _name(each: Destination | Path) -> str:
    path = each if isinstance(each, Path) else Path(each, 0)
    family = path.family
    plain = destination(family, withdrawal_of(family, path.destination.key, False))
    return str(plain) if path is not each else f"{plain} path {path.path_id}"


def _mapped(address: str) -> str:
    return f"2001:db8::{address.rpartition('.')[2]}"
