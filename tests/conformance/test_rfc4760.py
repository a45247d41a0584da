"""RFC 4760: routes of other families than IPv4 unicast."""

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AttributeFlag,
    Capability,
    MPReach,
    MPUnreach,
    Negotiated,
    Notification,
    Open,
    Origin,
    PathAttributes,
    PeerType,
    Route,
    RoutesReceived,
    State,
    Treatment,
    Update,
    decode,
    encode,
)
from bgp.iana import AttributeCode, ErrorCode, UpdateSubcode
from bgp.offers import MultiprotocolCapability
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    INTERNAL,
    IPV6_ROUTE,
    LOCAL_PREF,
    NEXT_HOP,
    ORIGIN,
    attribute,
    capabilities,
    open_message,
    received,
    refusal,
    update,
)
from tests.conformance.requirements import rfc

ROUTE = PathAttributes(origin=Origin.IGP, as_path=[64512])
REACH = attribute(AttributeCode.MP_REACH_NLRI, IPV6_ROUTE)


def reach(value: str) -> Update:
    """Receive an IPv6 route that is written like this."""
    return received(update("", attribute(AttributeCode.MP_REACH_NLRI, value) + ORIGIN + AS_PATH))


@rfc("4760 3", "MUST read MP_REACH_NLRI as AFI, SAFI, next hop with its length, an octet, and NLRI")
def test_reach() -> None:
    assert reach(IPV6_ROUTE).mp_reach == MPReach(["2001:db8::/32"], "2001:db8::1")


@rfc("4760 3", "MUST send MP_REACH_NLRI as optional and non-transitive")
@rfc("4760 3", "MUST send the reserved octet of MP_REACH_NLRI as 0")
def test_reach_that_is_sent() -> None:
    value = Update(mp_reach=MPReach(["2001:db8::/32"], "2001:db8::1"), attributes=ROUTE)
    assert REACH in encode(value, EXTERNAL)
    assert REACH[0] == AttributeFlag.OPTIONAL


@rfc("4760 3", "SHOULD ignore the reserved octet of MP_REACH_NLRI")
def test_reserved_octet() -> None:
    strange = IPV6_ROUTE.replace("00 20 20010db8", "2a 20 20010db8")
    assert strange != IPV6_ROUTE
    assert reach(strange) == reach(IPV6_ROUTE)


@rfc("4760 3", "MUST take the NLRI of MP_REACH_NLRI only with ORIGIN and AS_PATH")
def test_mandatory_attributes() -> None:
    for present, missing in ((ORIGIN, AttributeCode.AS_PATH), (AS_PATH, AttributeCode.ORIGIN)):
        value = received(update("", REACH + present))
        assert value.treatment is Treatment.TREAT_AS_WITHDRAW
        assert [fault.code for fault in value.faults] == [missing]


@rfc("4760 3", "MUST take the NLRI of MP_REACH_NLRI from an internal peer only with LOCAL_PREF")
def test_local_pref() -> None:
    without = received(update("", REACH + ORIGIN + AS_PATH), INTERNAL)
    assert without.treatment is Treatment.TREAT_AS_WITHDRAW
    assert not received(update("", REACH + ORIGIN + AS_PATH + LOCAL_PREF), INTERNAL).faults


@rfc("4760 3", "SHOULD NOT ask for NEXT_HOP in an UPDATE whose only NLRI are in MP_REACH_NLRI")
def test_no_next_hop() -> None:
    assert reach(IPV6_ROUTE).faults == ()


@rfc("4760 3", "SHOULD ignore NEXT_HOP in an UPDATE whose only NLRI are in MP_REACH_NLRI")
def test_next_hop_is_ignored() -> None:
    value = received(update("", REACH + ORIGIN + AS_PATH + NEXT_HOP))
    assert value.faults == ()
    assert value.mp_reach == reach(IPV6_ROUTE).mp_reach


@rfc("4760 4", "MUST read MP_UNREACH_NLRI as AFI, SAFI and withdrawn routes")
@rfc("4760 4", "MUST NOT ask for other attributes beside MP_UNREACH_NLRI")
def test_unreach() -> None:
    value = received(update("", attribute(AttributeCode.MP_UNREACH_NLRI, "0002 01 20 20010db8")))
    assert value.mp_unreach == MPUnreach(["2001:db8::/32"])
    assert value.faults == ()


@rfc("4760 4", "MUST send MP_UNREACH_NLRI as optional and non-transitive")
def test_unreach_that_is_sent() -> None:
    data = encode(Update(mp_unreach=MPUnreach(["2001:db8::/32"])), EXTERNAL)
    assert data == update("", attribute(AttributeCode.MP_UNREACH_NLRI, "0002 01 20 20010db8", flags=0x80))


@rfc(
    "4760 5",
    "MUST read prefixes as a length in bits and as many octets as these need, whatever the bits beyond",
)
def test_prefixes() -> None:
    odd = reach("0002 01 10 20010db8000000000000000000000001 00  1d 20010dbf  00")
    assert odd.mp_reach is not None
    assert list(map(str, odd.mp_reach.nlri)) == ["2001:db8::/29", "::/0"]


@rfc("4760 6", "MUST keep unicast and multicast routes of an address family apart")
def test_safi() -> None:
    families = {reach(IPV6_ROUTE.replace("0002 01", f"0002 {safi}")).mp_reach.family for safi in ("01", "02")}  # type: ignore[union-attr]
    assert len(families) == 2


@rfc("4760 7", "MUST drop all routes of a family when its MP_REACH_NLRI or MP_UNREACH_NLRI is incorrect")
def test_incorrect() -> None:
    for code, value in ((14, "0002 01 10 20010db8"), (15, "0002 01 81 00")):
        broken = received(update("", attribute(code, value) + ORIGIN + AS_PATH))
        assert broken.treatment is Treatment.AFI_SAFI_DISABLE
        assert [fault.family for fault in broken.faults] == [IPV6_UNICAST]


@rfc(
    "4760 7",
    "SHOULD call the incorrect attribute UPDATE Message Error, Optional Attribute Error, if it ends the session",
)
def test_incorrect_beyond_repair() -> None:
    wrong = attribute(AttributeCode.MP_REACH_NLRI, "0002")
    answer = Notification(ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR, wrong)
    assert refusal(update("", wrong)) == answer


def greeting(*offers: Capability) -> bytes:
    return encode(Open(my_as=64512, hold_time=90, router_id="192.0.2.1", capabilities=offers), EXTERNAL)


def offers_of(*values: str) -> tuple[Capability, ...]:
    value = decode(open_message(parameters=capabilities(*values)), EXTERNAL)
    assert isinstance(value, Open)
    return value.capabilities


@rfc("4760 8", "MUST offer a family by capability 1 of four octets, one capability for each family")
def test_capability() -> None:
    offers = (MultiprotocolCapability(IPV4_UNICAST), MultiprotocolCapability(IPV6_UNICAST))
    assert greeting(*offers).endswith(bytes.fromhex("0104 0001 0001  0104 0002 0001"))
    assert offers_of("0104 0001 0001", "0104 0002 0001") == offers


@rfc("4760 8", "SHOULD send the reserved octet of the capability as 0, and SHOULD ignore it")
def test_reserved_octet_of_the_capability() -> None:
    assert offers_of("0104 0001 ff01") == offers_of("0104 0001 0001")
    assert greeting(MultiprotocolCapability(IPV6_UNICAST)).endswith(bytes.fromhex("0002 00 01"))


@rfc("4760 8", "MUST exchange routes of a family only if both sides have offered it")
def test_both_sides() -> None:
    ours = [MultiprotocolCapability(IPV4_UNICAST), MultiprotocolCapability(IPV6_UNICAST)]
    both = Negotiated.between(ours, ours[1:], peer_type=PeerType.EXTERNAL, hold_time=90)
    assert both.families == {IPV6_UNICAST}


@rfc("4760 8", "MUST NOT send routes of a family that was not agreed on")
def test_family_that_was_not_agreed_on() -> None:
    peer = Neighbour.at(State.ESTABLISHED, MultiprotocolCapability(IPV6_UNICAST), families=[IPV6_UNICAST])
    peer.hears()
    peer.perform(peer.session.announce([Route("203.0.113.0/24")], peer.now))
    assert peer.hears() == []


@rfc("4760 8", "MUST NOT take routes of a family that was not agreed on")
def test_family_that_arrives() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update("", REACH + ORIGIN + AS_PATH))
    assert peer.told(RoutesReceived) == []
    assert peer.state is State.ESTABLISHED
