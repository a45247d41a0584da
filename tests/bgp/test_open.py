"""OPEN: its body, its layout and what is wrong with one (RFC 4271 4.2 and 6.2, RFC 9072)."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.capabilities import Capability, FourOctetASCapability, RouteRefreshCapability, UnknownCapability
from bgp.errors import LocalError, OpenError
from bgp.open import Open, ParameterLayout, decode_open, encode_open
from bgp.testing import opens
from bgp.wire import Reader
from tests.bgp.pasting import pasted

HEAD = "04 fc00 005a c0000201"


def decode(octets: str) -> Open:
    return decode_open(Reader(bytes.fromhex(octets)))


@given(opens())
def test_round_trip(message: Open) -> None:
    octets = encode_open(message)
    decoded = decode_open(Reader(octets))
    assert decoded == message
    assert hash(decoded) == hash(message)
    assert encode_open(decoded) == octets


@given(opens())
def test_repr_can_be_pasted_back(message: Open) -> None:
    copy = pasted(message)
    assert copy == message
    assert encode_open(copy) == encode_open(message)


def judged(octets: bytes) -> None:
    """Check that octets are an OPEN which is written again the same, or an error that RFC 4271 6.2 knows."""
    try:
        message = decode_open(Reader(octets))
    except OpenError as refusal:
        error = refusal
    else:
        assert encode_open(message) == octets
        return
    assert error.subcode in (0, 1, 2, 3, 4, 6)
    assert str(error)


@given(st.binary(max_size=40) | st.binary(max_size=60).map(lambda rest: bytes.fromhex(HEAD) + rest))
def test_any_octets(octets: bytes) -> None:
    judged(octets)


@given(opens(), st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_octet(message: Open, place: int, octet: int) -> None:
    octets = bytearray(encode_open(message))
    octets[place % len(octets)] = octet
    judged(bytes(octets))


# The usual layout.


def test_known_octets() -> None:
    message = Open(
        my_as=23456, hold_time=90, router_id="192.0.2.1", capabilities=[FourOctetASCapability(70000)]
    )
    octets = "04 5ba0 005a c0000201 08 0206 4104 00011170"
    assert encode_open(message).hex() == octets.replace(" ", "")
    assert decode(octets) == message
    assert decode(octets).layout is None
    assert message.asn == 70000


def test_without_capabilities() -> None:
    message = decode(HEAD + "00")
    assert message == Open(my_as=64512, hold_time=90, router_id="192.0.2.1")
    assert message.layout is None
    assert message.asn == 64512
    assert encode_open(message).hex() == (HEAD + "00").replace(" ", "")


def capable(*capabilities: Capability, layout: ParameterLayout | None = None) -> Open:
    return Open(my_as=64512, hold_time=90, router_id="192.0.2.1", capabilities=capabilities, layout=layout)


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        (251, "ff 02 fd c8fb"),  # 255 octets in all
        (
            252,
            "ff ff 0101 02 00fe c8fc",
        ),  # RFC 9072 2: 256 would be too many, and an octet more for the length
    ],
)
def test_the_extended_form_is_for_what_does_not_fit(size: int, parameters: str) -> None:
    message = capable(UnknownCapability(200, bytes(size)))
    octets = encode_open(message)
    assert octets == bytes.fromhex(HEAD + parameters) + bytes(size)
    assert decode_open(Reader(octets)) == message
    assert decode_open(Reader(octets)).layout is None


def test_many_capabilities_fit() -> None:
    message = capable(*[UnknownCapability(200, bytes(255))] * 15)
    octets = encode_open(message)
    assert len(octets) == 10 + 3 + 3 + 15 * 257
    assert decode_open(Reader(octets)) == message


# Other layouts.


@pytest.mark.parametrize(
    ("parameters", "layout"),
    [
        ("06 0202 0200 0200", ParameterLayout([1, 0])),
        ("08 0202 0200 0202 0200", ParameterLayout([1, 1])),
        ("0a 0204 0200 0200 0202 0200", ParameterLayout([2, 1])),
        ("02 0200", ParameterLayout([0])),
        ("ff ff 0005 02 0002 0200", ParameterLayout([1], extended=True)),  # RFC 9072 2: short ones too
        ("07 ff 0005 02 0002 0200", ParameterLayout([1], extended=True, ignored_length=7)),
        ("ff ff 0000", ParameterLayout([], extended=True)),
    ],
)
def test_a_layout_is_kept(parameters: str, layout: ParameterLayout) -> None:
    message = decode(HEAD + parameters)
    assert message.layout == layout
    assert message.capabilities == (RouteRefreshCapability(),) * sum(layout.groups)
    assert encode_open(message) == bytes.fromhex(HEAD + parameters)
    # It means nothing.
    assert message == capable(*message.capabilities)


def test_a_layout_can_be_chosen() -> None:
    message = capable(RouteRefreshCapability(), UnknownCapability(200), layout=ParameterLayout([1] * 2))
    assert encode_open(message) == bytes.fromhex(HEAD + "08 0202 0200 0202 c800")


# What is wrong: RFC 4271 6.2.


@pytest.mark.parametrize(
    ("octets", "subcode", "data"),
    [
        ("03 fc00 005a c0000201 00", 1, b"\x00\x04"),
        ("05 0000 0001 00000000 00", 1, b"\x00\x04"),  # the version before all else
        ("04 0000 005a c0000201 00", 2, b""),  # RFC 7607
        ("04 fc00 005a 00000000 00", 3, b""),  # RFC 6286
        ("04 fc00 0001 c0000201 00", 6, b""),
        ("04 fc00 0002 c0000201 00", 6, b""),
        (HEAD + "03 01 01 00", 4, b""),  # authentication information, given up with RFC 4271
        (HEAD + "ff ff 0004 01 0001 00", 4, b""),
        (HEAD + "ff ff 0003 ff 0000", 4, b""),  # RFC 9072 2: the extended form does not nest
        (HEAD + "08 0206 4104 00000000", 2, b""),  # RFC 7607
        (HEAD + "06 0204 4102 0001", 0, b""),  # a capability that we know, malformed
        (HEAD + "09 0206 4104 0000fc00", 0, b""),  # declares an octet too many
        (HEAD + "07 0206 4104 0000fc00", 0, b""),  # declares an octet too few
        (HEAD + "08 0206 4105 0000fc00", 0, b""),  # so does a capability
        (HEAD + "08 0207 4104 0000fc00", 0, b""),  # and a parameter
        (HEAD + "ff ff 0006 02 0002 0200", 0, b""),
        (HEAD + "ff ff 0004 02 0002 0200", 0, b""),
        (HEAD + "ff ff 00", 0, b""),
        (HEAD + "00 00", 0, b""),  # octets after the parameters
        (HEAD, 0, b""),
        ("04 fc", 0, b""),
        ("", 0, b""),
    ],
)
def test_errors(octets: str, subcode: int, data: bytes) -> None:
    with pytest.raises(OpenError) as caught:
        decode(octets)
    assert (caught.value.code, caught.value.subcode, caught.value.data) == (2, subcode, data)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hold_time": 2}, "hold time 2 s, must be 0 or 3 to 65535"),
        ({"hold_time": 65536}, "hold time 65536 s"),
        ({"my_as": 0}, "my_as 0, must be 1 to 65535"),
        ({"my_as": 70000}, "my_as 70000"),
        ({"router_id": "0.0.0.0"}, "must not be zero"),
        ({"router_id": "x"}, "'x' is not an IPv4 address"),
        ({"layout": ParameterLayout([1])}, "layout of 1 capabilities, must be of all 0"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    legal: dict[str, object] = {"my_as": 64512, "hold_time": 90, "router_id": "192.0.2.1"}
    with pytest.raises(LocalError, match=message):
        Open(**{**legal, **values})  # type: ignore[arg-type]  # the point of the test


def test_refuses_a_layout_that_cannot_be() -> None:
    with pytest.raises(LocalError, match="group -1, must be 0 to 65535"):
        ParameterLayout([2, -1])
    with pytest.raises(LocalError, match="ignored_length 256, must be 1 to 255"):
        ParameterLayout([], ignored_length=256)


def test_a_layout_without_room() -> None:
    long = capable(UnknownCapability(200, bytes(252)), layout=ParameterLayout([1]))
    with pytest.raises(LocalError, match="optional parameters of 256 octets, at most 255 fit"):
        encode_open(long)
    assert encode_open(attrs.evolve(long, layout=None))
    far_too_long = capable(*[UnknownCapability(200, bytes(255))] * 256)
    with pytest.raises(LocalError, match="optional parameters of 65795 octets, at most 65535 fit"):
        encode_open(far_too_long)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("my_as", "1", "my_as '1', must be 1 to 65535"),
        pytest.param("hold_time", 10**5000, "hold time int of too many digits s, must be", id="huge"),
        ("router_id", 5, "5 is not an IPv4 address"),
        ("capabilities", [1], "capabilities 1, must be MultiprotocolCapability or"),
        ("capabilities", RouteRefreshCapability(), r"RouteRefreshCapability\(\), must be a list"),
        ("layout", [1], r"layout \[1\], must be ParameterLayout or None"),
    ],
)
def test_refuses_parts_of_other_types(field: str, value: object, message: str) -> None:
    values: Any = {"my_as": 1, "hold_time": 90, "router_id": "192.0.2.1", field: value}
    with pytest.raises(LocalError, match=message):
        Open(**values)


@pytest.mark.parametrize(
    ("groups", "message"), [(5, "groups 5, must be a list"), (["1"], "group '1', must be 0")]
)
def test_a_layout_is_of_integers(groups: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        ParameterLayout(groups)
