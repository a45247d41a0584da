"""What the targets for sessions share: who talks to whom, what the peer says, and what holds for all that we say."""

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address

import attrs

from bgp import (
    AddPathDirection,
    GracefulRestartConfig,
    Negotiated,
    PeerConfig,
    PrefixLimit,
    Role,
    Route,
    SendBytes,
    State,
    StateChanged,
    decode,
    encode,
)
from bgp.agreement import offer
from bgp.events import Output
from bgp.framing import HEADER_LENGTH, MARKER, MAX_EXTENDED, Framer
from bgp.wire import Reader
from fuzz.contexts import FAMILIES

ROUTES = [Route("203.0.113.7/32"), Route("198.51.100.0/24", communities=["no-export"], as_path=[1, 2])]
ADDRESSES = {"local_address": "192.0.2.1", "remote_address": "192.0.2.2"}

_PEER_ID = IPv4Address("192.0.2.2")
_BEFORE_OPEN = Negotiated(four_octet_as=False)

_PLAIN = PeerConfig(local_as=64512, peer_as=64513, router_id="192.0.2.1")
_EVERYTHING = attrs.evolve(
    _PLAIN,
    families=FAMILIES,
    add_path=dict.fromkeys(FAMILIES, AddPathDirection.RECEIVE),
    extended_message=True,
    graceful_restart=GracefulRestartConfig(long_lived={FAMILIES[0]: 600}),
    role=Role.PROVIDER,
    prefix_limits={FAMILIES[0]: PrefixLimit(2)},
    reject_as_sets=True,
)
CONFIGS = (
    _PLAIN,
    _EVERYTHING,
    attrs.evolve(_EVERYTHING, passive=True, delay_open_time=5.0, send_hold_time=120.0),
    attrs.evolve(_PLAIN, peer_as=64512, hold_time=0, graceful_restart=GracefulRestartConfig()),
)


@functools.cache
def greeting(config: PeerConfig) -> bytes:
    """The OPEN of a peer that can do all that we can."""
    opposite = None if config.role is None else Role.CUSTOMER
    assert config.peer_as is not None
    add_path = {family: AddPathDirection.SEND for family, _ in config.add_path}
    peer = attrs.evolve(
        config, local_as=config.peer_as, peer_as=config.local_as, role=opposite, add_path=add_path
    )
    return encode(offer(peer, _PEER_ID), _BEFORE_OPEN)


def message(reader: Reader) -> bytes:
    """A message with a right header: an octet for its type, one for its length, and its body."""
    kind, length = reader.take(min(reader.remaining, 2)).ljust(2, b"\0")
    body = reader.take(min(reader.remaining, length))
    return MARKER + (HEADER_LENGTH + len(body)).to_bytes(2, "big") + bytes([kind]) + body


def check_sent(outputs: Iterable[Output], *contexts: Negotiated | None) -> None:
    """What goes out is whole messages, and each is one to the peer; the first context that there is counts."""
    context = next(filter(None, contexts), _BEFORE_OPEN)
    for output in outputs:
        if isinstance(output, SendBytes):
            messages = list(Framer(MAX_EXTENDED).feed(output.data))
            assert b"".join(messages) == output.data
            for each in messages:
                decode(each, _as_the_peer_sees_it(context))


def follow(outputs: Iterable[Output], state: State) -> State:
    """The state that changes lead to; each goes on where the one before has ended."""
    for output in outputs:
        if isinstance(output, StateChanged):
            assert output.old is state
            state = output.new
    return state


@functools.lru_cache
def _as_the_peer_sees_it(context: Negotiated) -> Negotiated:
    return attrs.evolve(
        context,
        add_path_receive=context.add_path_send,
        extended_message_receive=context.extended_message,
    )
