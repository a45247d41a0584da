"""A router between neighbours that follow a script: what one says, and what the others hear of it.

    router = Router()
    sender = Neighbour.of(router, "192.0.2.2", 64513)
    listener = Neighbour.of(router, "192.0.2.3", 64514)
    sender.says(Update(announced=["203.0.113.0/24"], attributes=...))
    assert listener.routes()

Time is virtual. We are AS 64512 at 192.0.2.1; every route passes, unless told otherwise.
"""

from typing import Any

import attrs

from bgp import (
    Capability,
    Keepalive,
    Message,
    Negotiated,
    Open,
    OpenConnection,
    Output,
    Path,
    PathAttributes,
    PeerConfig,
    SendBytes,
    State,
    Update,
    decode,
    encode,
)
from bgp.capabilities import MultiprotocolCapability
from bgp.framing import Framer
from bgp.member import Member
from bgp.offers import FourOctetASCapability
from bgp.policy import Policy, accept_all
from bgp.router import Router

US = 64512


@attrs.define(eq=False)
class Neighbour:
    """One of them, with an established session."""

    router: Router
    member: Member
    address: str
    negotiated: Negotiated
    now: float = 0.0
    _number: int = 0
    _heard: list[Message] = attrs.field(factory=list)
    _framer: Framer = attrs.field(factory=Framer)

    @classmethod
    def of(
        cls,
        router: Router,
        address: str,
        asn: int,
        *offers: Capability,
        import_policy: Policy | None = accept_all,
        export_policy: Policy | None = accept_all,
        **values: Any,
    ) -> "Neighbour":
        """Bring a session up; `values` are of our configuration."""
        usual = {"local_as": US, "peer_as": asn, "router_id": "192.0.2.1", "peer_address": address}
        config = PeerConfig(**{**usual, **values})
        member = router.add(config, import_policy=import_policy, export_policy=export_policy)
        peer = cls(router, member, address, Negotiated(four_octet_as=True, peer_type=config.peer_type))
        peer.perform(member.peering.start(0.0))
        addresses = {"local_address": "192.0.2.1", "remote_address": address}
        peer.perform(member.peering.connection_opened(peer._number, 0.0, **addresses))
        families = map(MultiprotocolCapability, sorted(config.families))
        capabilities = [FourOctetASCapability(asn), *families, *offers]
        peer.says(Open(my_as=asn, hold_time=90, router_id=address, capabilities=capabilities), Keepalive())
        assert member.peering.state is State.ESTABLISHED
        assert member.peering.negotiated is not None
        sends = member.peering.negotiated.add_path_send, member.peering.negotiated.add_path_receive
        peer.negotiated = attrs.evolve(peer.negotiated, add_path_receive=sends[0], add_path_send=sends[1])
        peer.hears()
        return peer

    def says(self, *said: Message) -> None:
        """Messages arrive, and everybody is told what follows from them."""
        for each in said:
            data = encode(each, self.negotiated)
            self.perform(self.member.peering.receive_data(self._number, data, self.now))

    def hears(self) -> list[Message]:
        """What it has been sent since the last time."""
        for peer in self.router.members:
            assert peer.peering.state is not State.IDLE
        self.waits(0.0)
        heard, self._heard = self._heard, []
        return heard

    def waits(self, seconds: float) -> None:
        """Time passes for its session."""
        self.now += seconds
        while (moment := self.member.peering.next_timeout()) is not None and moment <= self.now:
            self.perform(self.member.peering.handle_timeout(self.now))

    def updates(self) -> list[Update]:
        """The UPDATEs that it has been sent since the last time."""
        return [message for message in self.hears() if isinstance(message, Update)]

    def routes(self) -> dict[str, PathAttributes]:
        """The IPv4 routes that it has been told of since the last time, by prefix."""
        return {
            str(each.destination if isinstance(each, Path) else each): update.attributes
            for update in self.updates()
            for each in update.announced
        }

    def perform(self, outputs: list[Output]) -> None:
        """Carry out what a verb returned."""
        for output in outputs:
            match output:
                case OpenConnection(number):
                    self._number = number
                case SendBytes(data):
                    self._heard += [decode(raw, self.negotiated) for raw in self._framer.feed(data)]
                case _:
                    self.router.take(self.member, output)  # type: ignore[arg-type]  # an event


def announcement(*path: int, prefix: str = "203.0.113.0/24", **values: Any) -> Update:
    """What a neighbour says of a route; its next hop is 192.0.2.2 unless told otherwise."""
    usual = {"origin": 0, "as_path": path, "next_hop": "192.0.2.2"}
    return Update(announced=[prefix], attributes=PathAttributes(**{**usual, **values}))
