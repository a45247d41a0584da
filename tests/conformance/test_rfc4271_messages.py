"""RFC 4271, section 4: how messages are laid out."""

import pytest

from bgp import (
    AttributeFlag,
    Keepalive,
    LocalError,
    Message,
    Notification,
    Open,
    Origin,
    PathAttributes,
    Prefix,
    Treatment,
    UnknownAttribute,
    Update,
    decode,
    encode,
)
from bgp.iana import AttributeCode, ErrorCode, HeaderSubcode, MessageType, OpenSubcode
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    NEXT_HOP,
    ORIGIN,
    PREFIX,
    attribute,
    message,
    open_message,
    received,
    refusal,
    route_with,
    update,
)
from tests.conformance.requirements import rfc

GREETING = Open(my_as=64512, hold_time=90, router_id="192.0.2.1")
ROUTE = PathAttributes(origin=Origin.IGP, as_path=[64512], next_hop="192.0.2.1")
EVERY_KIND: list[Message] = [
    GREETING,
    Update(announced=["10.0.0.0/8"], attributes=ROUTE),
    Keepalive(),
    Notification(6, 2),
]


@rfc("4271 4.1", "MUST begin every message with a marker of 16 octets of ones")
def test_marker() -> None:
    for value in EVERY_KIND:
        assert encode(value, EXTERNAL)[:16] == b"\xff" * 16


@rfc("4271 4.1", "MUST tell in the header how many octets the whole message has")
def test_length_of_the_message() -> None:
    for value in EVERY_KIND:
        data = encode(value, EXTERNAL)
        assert int.from_bytes(data[16:18], "big") == len(data)


@rfc("4271 4.1", "MUST send no message of more than 4096 octets")
def test_nothing_longer_is_sent() -> None:
    many = Update(withdrawn=[f"10.{n >> 8}.{n & 255}.0/24" for n in range(1100)])
    with pytest.raises(LocalError, match="4096"):
        encode(many, EXTERNAL)


@rfc("4271 4", "MUST take messages of up to 4096 octets")
def test_the_longest_is_read() -> None:
    longest = update(withdrawn="20 0a000001" * 814 + "10 0a01")
    assert len(longest) == 4096
    assert len(received(longest).withdrawn) == 815


@rfc("4271 4.1", "MUST NOT take padding after what a message says")
def test_no_padding() -> None:
    padded = message(MessageType.KEEPALIVE, "00")
    assert refusal(padded).subcode == HeaderSubcode.BAD_MESSAGE_LENGTH
    parameters_and_more = open_message(parameters="00", length=0)
    assert refusal(parameters_and_more).code == ErrorCode.OPEN_MESSAGE_ERROR


@rfc("4271 4.1", "MUST use the type codes 1 to 4 for OPEN, UPDATE, NOTIFICATION and KEEPALIVE")
def test_type_codes() -> None:
    assert [encode(value, EXTERNAL)[18] for value in EVERY_KIND] == [1, 2, 4, 3]


@rfc(
    "4271 4.2", "MUST write version, AS number, hold time, identifier and length of parameters in this order"
)
def test_layout_of_open() -> None:
    body = "04 fc00 005a c0000201 00"
    assert encode(GREETING, EXTERNAL) == message(MessageType.OPEN, body)
    assert decode(message(MessageType.OPEN, body), EXTERNAL) == GREETING


@rfc("4271 4.2", "MUST offer a hold time of 0 or of at least 3 seconds")
def test_hold_time_that_is_offered() -> None:
    assert [Open(my_as=1, hold_time=n, router_id="192.0.2.1").hold_time for n in (0, 3)] == [0, 3]
    for seconds in (1, 2):
        with pytest.raises(LocalError, match=str(seconds)):
            Open(my_as=1, hold_time=seconds, router_id="192.0.2.1")


@rfc("4271 4.2", "MUST NOT look for optional parameters where their length is 0")
def test_no_parameters() -> None:
    value = decode(open_message(parameters=b""), EXTERNAL)
    assert isinstance(value, Open)
    assert value.capabilities == ()


@rfc("4271 4.2", "MUST read each optional parameter as type, length and value")
def test_parameters() -> None:
    value = decode(open_message(parameters="0202 0200  0206 0104 0001 0001"), EXTERNAL)
    assert isinstance(value, Open)
    assert len(value.capabilities) == 2
    lying = open_message(parameters="0207 0104 0001 0001")
    assert refusal(lying) == Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.UNSPECIFIC)


@rfc("4271 4.3", "MUST find withdrawn routes, path attributes and NLRI by the two lengths in an UPDATE")
def test_layout_of_update() -> None:
    value = received(update("10 0a01", ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    assert list(value.withdrawn) == [Prefix("10.1.0.0/16")]
    assert list(value.announced) == [Prefix("203.0.113.0/24")]
    assert value.attributes.origin is Origin.IGP


@rfc("4271 4.3", "MUST take an UPDATE in which no route is withdrawn, or none is announced")
def test_empty_fields() -> None:
    assert not route_with().withdrawn
    assert not received(update(withdrawn=PREFIX)).announced
    assert received(update(withdrawn=PREFIX)).treatment is Treatment.NONE


@rfc("4271 4.3", "MUST read a prefix as its length in bits and just as many octets as these need")
def test_prefixes() -> None:
    prefixes = received(update(withdrawn="00  07 0a  08 0a  09 0a80  20 0a000001")).withdrawn
    assert list(map(str, prefixes)) == [
        "0.0.0.0/0",
        "10.0.0.0/7",
        "10.0.0.0/8",
        "10.128.0.0/9",
        "10.0.0.1/32",
    ]


@rfc("4271 4.3", "MUST NOT heed the bits of a prefix after its length")
def test_padding_bits() -> None:
    assert received(update(withdrawn="09 0aff")) == received(update(withdrawn="09 0a80"))


@rfc("4271 4.3", "MUST take a prefix of length 0 for all addresses")
def test_default_route() -> None:
    assert list(received(update(withdrawn="00")).withdrawn) == [Prefix("0.0.0.0/0")]


@rfc("4271 4.3", "MUST be able to process an UPDATE with the same prefix withdrawn and announced")
def test_withdrawn_and_announced() -> None:
    value = route_with(withdrawn=PREFIX)
    assert value.treatment is Treatment.NONE
    assert list(value.announced) == [Prefix("203.0.113.0/24")]


@rfc("4271 4.3", "MUST set the transitive bit of well-known attributes")
@rfc("4271 4.3", "MUST leave the partial bit of well-known and of optional non-transitive attributes 0")
def test_flags_that_are_sent() -> None:
    sent = received(encode(Update(announced=["10.0.0.0/8"], attributes=_ALL), EXTERNAL)).attributes.raw
    well_known = [sent[code] for code in (1, 2, 3, 6)]
    assert {item.flags for item in well_known} == {AttributeFlag.TRANSITIVE}
    assert sent[AttributeCode.MULTI_EXIT_DISC].flags == AttributeFlag.OPTIONAL


_ALL = ROUTE.evolve(med=1, atomic_aggregate=True)


@rfc("4271 4.3", "MUST send the low four bits of the attribute flags as 0")
def test_low_bits_that_are_sent() -> None:
    strange = UnknownAttribute(flags=AttributeFlag(0xFF), code=99, value=b"x")
    data = encode(Update(announced=["10.0.0.0/8"], attributes=ROUTE.evolve(unknown=[strange])), EXTERNAL)
    assert b"\xe0\x63\x01x" in data


@rfc("4271 4.3", "MUST ignore the low four bits of the attribute flags")
def test_low_bits_that_arrive() -> None:
    assert route_with(attribute(AttributeCode.ORIGIN, "00", flags=0x4F)) == route_with()


@rfc("4271 4.3", "MUST read a length of two octets where the extended-length bit is set, whatever the length")
def test_extended_length() -> None:
    assert (
        route_with(attribute(AttributeCode.ORIGIN, "02", flags=0x50)).attributes.origin is Origin.INCOMPLETE
    )


@rfc("4271 4.3", "MUST write a length of two octets for an attribute of more than 255 octets")
def test_extended_length_that_is_sent() -> None:
    long = PathAttributes(communities=range(64))
    assert encode(Update(attributes=long), EXTERNAL)[23:27] == bytes.fromhex("d008 0100")


@rfc("4271 4.3", "MUST write an AS_PATH segment as type, count of ASes and their numbers")
def test_segments() -> None:
    path = route_with(
        attribute(AttributeCode.AS_PATH, "0202 00000001 00000002 0101 00000003")
    ).attributes.as_path
    assert str(path) == "1 2 {3}"


@rfc("4271 4.4", "MUST send a KEEPALIVE as a header alone")
def test_keepalive() -> None:
    assert encode(Keepalive(), EXTERNAL) == message(MessageType.KEEPALIVE)
    assert decode(message(MessageType.KEEPALIVE), EXTERNAL) == Keepalive()


@rfc("4271 4.5", "MUST write a NOTIFICATION as code, subcode and data")
def test_notification() -> None:
    value = Notification(ErrorCode.CEASE, 1, b"\0\1\1\0\0\0\1")
    assert encode(value, EXTERNAL) == message(MessageType.NOTIFICATION, "06 01 00010100000001")
    assert decode(encode(value, EXTERNAL), EXTERNAL) == value
