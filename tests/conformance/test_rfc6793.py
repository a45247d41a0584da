"""RFC 6793: AS numbers of four octets, past speakers that know only two.

A NEW speaker knows them, an OLD one does not.
"""

import pytest

from bgp import (
    Aggregator,
    ASPath,
    Keepalive,
    Negotiated,
    Open,
    Origin,
    PathAttributes,
    PeerType,
    Route,
    State,
    Treatment,
    Update,
    decode,
    encode,
)
from bgp.iana import AS_TRANS, AttributeCode
from bgp.offers import FourOctetASCapability
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import (
    EXTERNAL,
    NEXT_HOP,
    OLD,
    ORIGIN,
    PREFIX,
    attribute,
    capabilities,
    open_message,
    received,
    update,
)
from tests.conformance.requirements import rfc

NARROW_PATH = attribute(AttributeCode.AS_PATH, "0202 fc01 5ba0")
"""64513, and one that did not fit."""

TRUE_END = attribute(AttributeCode.AS4_PATH, "0201 00010000")
"""65536."""


def sent(negotiated: Negotiated, path: str, aggregator: Aggregator | None = None) -> dict[int, str]:
    """The attributes of a route with this path, as octets, by their codes."""
    attributes = PathAttributes(origin=Origin.IGP, as_path=path, next_hop="192.0.2.1", aggregator=aggregator)
    data = encode(Update(announced=["10.0.0.0/8"], attributes=attributes), negotiated)
    block = data[23 : 23 + int.from_bytes(data[21:23], "big")]
    found = {}
    while block:
        end = 3 + block[2]
        found[block[1]] = block[3:end].hex()
        block = block[end:]
    return found


def from_old(*attributes: bytes) -> Update:
    """Receive a route from an OLD speaker."""
    return received(update("", ORIGIN + NEXT_HOP + b"".join(attributes), PREFIX), OLD)


def path_from_old(*attributes: bytes) -> str:
    return str(from_old(*attributes).attributes.as_path)


@rfc("6793 3", "MUST state the own AS number in capability 65, in four octets")
@rfc("6793 4.1", "MUST offer four-octet AS numbers by that capability")
def test_capability() -> None:
    value = Open(
        my_as=AS_TRANS, hold_time=90, router_id="192.0.2.1", capabilities=[FourOctetASCapability(65536)]
    )
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("4104 00010000"))


@rfc("6793 4.1", "MUST take the AS number of a NEW peer from the capability, not from My Autonomous System")
def test_number_in_the_capability() -> None:
    value = decode(open_message(my_as=AS_TRANS, parameters=capabilities("4104 00010000")), EXTERNAL)
    assert isinstance(value, Open)
    assert value.asn == 65536


@rfc("6793 4.1", "MUST write AS_PATH and AGGREGATOR for a NEW peer with four octets a number")
def test_sent_to_new() -> None:
    found = sent(EXTERNAL, "1 65536", Aggregator(1, "192.0.2.9"))
    assert found[AttributeCode.AS_PATH] == "02020000000100010000"
    assert found[AttributeCode.AGGREGATOR] == "00000001c0000209"


@rfc("6793 4.1", "MUST read AS_PATH and AGGREGATOR of a NEW peer with four octets a number")
def test_received_from_new() -> None:
    ours = [FourOctetASCapability(1)]
    both = Negotiated.between(ours, ours, peer_type=PeerType.EXTERNAL, hold_time=0)
    path, aggregator = attribute(2, "0201 00010000"), attribute(7, "00010000 c0000209")
    attributes = received(update("", ORIGIN + NEXT_HOP + path + aggregator, PREFIX), both).attributes
    assert (attributes.as_path, attributes.aggregator) == (ASPath([65536]), Aggregator(65536, "192.0.2.9"))


@rfc("6793 4.1", "MUST NOT send AS4_PATH or AS4_AGGREGATOR to a NEW peer")
def test_nothing_more_to_new() -> None:
    assert sent(EXTERNAL, "65536", Aggregator(65536, "192.0.2.9")).keys().isdisjoint({17, 18})


@rfc("6793 4.1", "MUST discard AS4_PATH and AS4_AGGREGATOR from a NEW peer, and go on")
def test_nothing_more_from_new() -> None:
    path = attribute(AttributeCode.AS_PATH, "0201 0000fc01")
    extra = TRUE_END + attribute(AttributeCode.AS4_AGGREGATOR, "00010000 c0000209")
    value = received(update("", ORIGIN + NEXT_HOP + path + extra, PREFIX))
    assert (str(value.attributes.as_path), value.attributes.aggregator) == ("64513", None)
    assert value.treatment is Treatment.ATTRIBUTE_DISCARD


@rfc("6793 4.2.1", "MUST state AS_TRANS as My Autonomous System if the own number does not fit")
def test_as_trans_in_open() -> None:
    for local_as, stated in ((65536, 23456), (65535, 65535)):
        [opening] = Neighbour.at(State.OPEN_SENT, local_as=local_as).hears()
        assert isinstance(opening, Open)
        assert (opening.my_as, opening.asn) == (stated, local_as)


@rfc("6793 4.1", "MUST agree with a NEW peer by the number in its capability")
def test_peer_with_a_long_number() -> None:
    peer = Neighbour.at(State.OPEN_SENT, peer_as=65536)
    peer.says(peer.greeting(my_as=AS_TRANS))
    assert peer.state is State.OPEN_CONFIRM


@rfc("6793 4.2", "MUST take a peer without the capability for an OLD one")
def test_old_peer() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.says(peer.greeting(capabilities=[]), Keepalive())
    peer.hears()
    peer.negotiated = OLD
    peer.perform(peer.session.announce([Route("10.0.0.0/8", as_path=[65536])], peer.now))
    [update] = peer.hears()
    assert isinstance(update, Update)
    assert str(update.attributes.as_path) == "64512 65536"


@rfc(
    "6793 4.2.2",
    "MUST write AS_PATH for an OLD peer with two octets a number, AS_TRANS for one that does not fit",
)
def test_path_to_old() -> None:
    assert sent(OLD, "1 65536 {65537}")[AttributeCode.AS_PATH] == "020200015ba001015ba0"


@rfc("6793 4.2.2", "MUST send an OLD peer the true path in AS4_PATH beside it")
def test_as4_path_to_old() -> None:
    assert sent(OLD, "1 65536")[AttributeCode.AS4_PATH] == "02020000000100010000"


@rfc("6793 4.2.2", "MUST NOT send AS4_PATH if all numbers fit into two octets")
def test_no_as4_path() -> None:
    assert AttributeCode.AS4_PATH not in sent(OLD, "1 65535")


@rfc("6793 3", "MUST NOT write a confederation's segments into AS4_PATH")
@rfc("6793 4.2.2", "MUST leave a confederation's segments out of AS4_PATH")
def test_confederation_to_old() -> None:
    found = sent(OLD, "(1 65540) 65536")
    assert found[AttributeCode.AS4_PATH] == "020100010000"
    assert found[AttributeCode.AS_PATH] == "030200015ba002015ba0"


@rfc("6793 4.2.2", "MUST send AGGREGATOR with AS_TRANS, and AS4_AGGREGATOR, for a number that does not fit")
def test_aggregator_to_old() -> None:
    found = sent(OLD, "1", Aggregator(65536, "192.0.2.9"))
    assert found[AttributeCode.AGGREGATOR] == "5ba0c0000209"
    assert found[AttributeCode.AS4_AGGREGATOR] == "00010000c0000209"


@rfc("6793 4.2.2", "MUST NOT send AS4_AGGREGATOR if the number fits")
def test_no_as4_aggregator() -> None:
    found = sent(OLD, "1", Aggregator(2, "192.0.2.9"))
    assert found[AttributeCode.AGGREGATOR] == "0002c0000209"
    assert AttributeCode.AS4_AGGREGATOR not in found


@rfc("6793 4.2.3", "MUST put what AS_PATH has more in front of AS4_PATH from an OLD peer")
def test_merge() -> None:
    assert path_from_old(NARROW_PATH, TRUE_END) == "64513 65536"


@rfc("6793 4.2.3", "MUST ignore AS4_PATH if it counts more ASes than AS_PATH")
def test_longer_as4_path() -> None:
    assert path_from_old(NARROW_PATH, attribute(17, "0203 00000001 00000002 00010000")) == "64513 23456"


@rfc("6793 4.2.3", "MUST count a set as one AS when it compares the two")
def test_sets_count_once() -> None:
    path = attribute(AttributeCode.AS_PATH, "0201 fc01 0102 5ba0 5ba0")
    assert path_from_old(path, attribute(17, "0102 00010000 00010001")) == "64513 {65536 65537}"


@rfc("6793 4.2.3", "MUST take the aggregator from AS4_AGGREGATOR if AGGREGATOR says AS_TRANS")
def test_as4_aggregator() -> None:
    narrow, true = attribute(7, "5ba0 c0000209"), attribute(18, "00010000 c0000208")
    aggregator = from_old(NARROW_PATH, narrow, true).attributes.aggregator
    assert aggregator == Aggregator(65536, "192.0.2.8")


@rfc("6793 4.2.3", "MUST ignore AS4_AGGREGATOR and AS4_PATH if AGGREGATOR says another number than AS_TRANS")
def test_stale_as4() -> None:
    attributes = from_old(
        NARROW_PATH, TRUE_END, attribute(7, "fc05 c0000209"), attribute(18, "00010000 c0000208")
    ).attributes
    assert str(attributes.as_path) == "64513 23456"
    assert attributes.aggregator == Aggregator(64517, "192.0.2.9")


@rfc("6793 4.2.3", "MUST keep a confederation's segment that stands in front of AS_PATH")
def test_confederation_in_front() -> None:
    inside = Negotiated(four_octet_as=False, peer_type=PeerType.CONFEDERATION)
    path = attribute(2, "0301 fc05 0201 5ba0")
    block = ORIGIN + NEXT_HOP + attribute(5, "00000064") + path + TRUE_END
    assert str(received(update("", block, PREFIX), inside).attributes.as_path) == "(64517) 65536"


@rfc("6793 6", "MUST discard an AS4_PATH that is malformed, and go on")
@pytest.mark.parametrize(
    "value", ["", "0201", "0201 000100", "0200 0201 00010000", "0501 00010000", "0202 00010000"]
)
def test_malformed_as4_path(value: str) -> None:
    update = from_old(NARROW_PATH, attribute(AttributeCode.AS4_PATH, value))
    assert update.treatment is Treatment.ATTRIBUTE_DISCARD
    assert str(update.attributes.as_path) == "64513 23456"


@rfc("6793 6", "MUST discard a confederation's segments in AS4_PATH, and keep the rest")
def test_confederation_in_as4_path() -> None:
    value = attribute(AttributeCode.AS4_PATH, "0301 0000fc05 0201 00010000")
    assert path_from_old(NARROW_PATH, value) == "64513 65536"


@rfc("6793 6", "MUST discard an AS4_AGGREGATOR that is not of eight octets, and go on")
@pytest.mark.parametrize("value", ["", "00010000 c00002", "00010000 c0000208 00"])
def test_malformed_as4_aggregator(value: str) -> None:
    update = from_old(NARROW_PATH, attribute(7, "5ba0 c0000209"), attribute(18, value))
    assert update.treatment is Treatment.ATTRIBUTE_DISCARD
    assert update.attributes.aggregator == Aggregator(23456, "192.0.2.9")
