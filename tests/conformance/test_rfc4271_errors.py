"""RFC 4271, section 6.1 to 6.4: what is wrong with a message, and what the NOTIFICATION says about it.

Most of 6.3 is revised by RFC 7606: the faults stay, and what they are called stays in `Fault`, but few of them still
end the session.
"""

import pytest

from bgp import Fault, Notification, Treatment, Update
from bgp.iana import AttributeCode, ErrorCode, HeaderSubcode, MessageType, OpenSubcode, UpdateSubcode
from tests.conformance.octets import (
    AS_PATH,
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


def header(subcode: HeaderSubcode, data: str = "") -> Notification:
    return Notification(ErrorCode.MESSAGE_HEADER_ERROR, subcode, bytes.fromhex(data))


def wrong_open(subcode: OpenSubcode, data: str = "") -> Notification:
    return Notification(ErrorCode.OPEN_MESSAGE_ERROR, subcode, bytes.fromhex(data))


def only_fault(value: Update) -> Fault:
    [fault] = value.faults
    return fault


# 6.1: the header.


@rfc("4271 6.1", "MUST answer a marker that is not all ones with Connection Not Synchronized")
def test_marker() -> None:
    for place in (0, 15):
        marker = bytearray(b"\xff" * 16)
        marker[place] = 0xFE
        broken = message(MessageType.KEEPALIVE, marker=bytes(marker))
        assert refusal(broken) == header(HeaderSubcode.CONNECTION_NOT_SYNCHRONIZED)


@rfc("4271 6.1", "MUST answer a length below 19 or above 4096 with Bad Message Length, the data that length")
@pytest.mark.parametrize("length", [0, 18, 4097, 0xFFFF])
def test_length(length: int) -> None:
    for kind in (MessageType.UPDATE, MessageType.NOTIFICATION, 9):
        broken = message(kind, bytes(10), length=length)
        assert refusal(broken) == header(HeaderSubcode.BAD_MESSAGE_LENGTH, f"{length:04x}")


@rfc(
    "4271 6.1",
    "MUST answer an OPEN, UPDATE or NOTIFICATION that is too short, and a KEEPALIVE that is not of 19 octets",
)
@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (MessageType.OPEN, 28),
        (MessageType.UPDATE, 22),
        (MessageType.NOTIFICATION, 20),
        (MessageType.KEEPALIVE, 20),
    ],
)
def test_length_of_a_kind(kind: MessageType, length: int) -> None:
    broken = message(kind, bytes(length - 19))
    assert refusal(broken) == header(HeaderSubcode.BAD_MESSAGE_LENGTH, f"{length:04x}")


@rfc("4271 6.1", "MUST answer a type that it does not know with Bad Message Type, the data that type")
@pytest.mark.parametrize("kind", [0, 6, 255])
def test_type(kind: int) -> None:
    assert refusal(message(kind)) == header(HeaderSubcode.BAD_MESSAGE_TYPE, f"{kind:02x}")


# 6.2: OPEN.


@rfc(
    "4271 6.2",
    "MUST answer another version with Unsupported Version Number, the data version 4 in two octets",
)
@pytest.mark.parametrize("version", [0, 3, 5])
def test_version(version: int) -> None:
    answer = wrong_open(OpenSubcode.UNSUPPORTED_VERSION_NUMBER, "0004")
    assert refusal(open_message(version=version)) == answer


@rfc("4271 6.2", "MUST answer an AS number that cannot be with Bad Peer AS")
def test_as_number() -> None:
    assert refusal(open_message(my_as=0)) == wrong_open(OpenSubcode.BAD_PEER_AS)


@rfc("4271 6.2", "MUST reject hold times of one and two seconds, with Unacceptable Hold Time")
@pytest.mark.parametrize("hold_time", [1, 2])
def test_hold_time(hold_time: int) -> None:
    assert refusal(open_message(hold_time=hold_time)) == wrong_open(OpenSubcode.UNACCEPTABLE_HOLD_TIME)


@rfc("4271 6.2", "MUST answer an identifier that cannot be with Bad BGP Identifier")
def test_identifier() -> None:
    assert refusal(open_message(router_id="00000000")) == wrong_open(OpenSubcode.BAD_BGP_IDENTIFIER)


@rfc(
    "4271 6.2", "MUST answer an optional parameter that it does not know with Unsupported Optional Parameter"
)
def test_unknown_parameter() -> None:
    answer = wrong_open(OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER)
    assert refusal(open_message(parameters="0301 00")) == answer


@rfc("4271 6.2", "MUST answer a parameter that it knows and that is malformed with the subcode Unspecific")
@pytest.mark.parametrize("parameters", ["02", "0203 0100", "0203 410200"])
def test_malformed_parameter(parameters: str) -> None:
    assert refusal(open_message(parameters=parameters)) == wrong_open(OpenSubcode.UNSPECIFIC)


# 6.3: UPDATE.


@rfc("4271 6.3", "MUST answer lengths that go beyond the message with Malformed Attribute List")
@pytest.mark.parametrize("body", ["0001 0000", "ffff 0000", "0000 0001", "0001 08 0001"])
def test_lengths(body: str) -> None:
    answer = Notification(ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST)
    assert refusal(message(MessageType.UPDATE, body)) == answer


@rfc(
    "4271 6.3",
    "MUST answer a well-known attribute that is none with Unrecognized Well-known Attribute, and show it",
)
def test_unrecognised_well_known() -> None:
    strange = attribute(99, "aabb", flags=0x40)
    answer = Notification(
        ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE, strange
    )
    assert refusal(update("", ORIGIN + AS_PATH + NEXT_HOP + strange, PREFIX)) == answer


@rfc(
    "4271 6.3",
    "MUST call a mandatory attribute that is not there Missing Well-known Attribute, the data its code",
)
@pytest.mark.parametrize("code", [AttributeCode.ORIGIN, AttributeCode.AS_PATH, AttributeCode.NEXT_HOP])
def test_missing(code: AttributeCode) -> None:
    fault = only_fault(route_with(without=code))
    assert (fault.subcode, fault.data) == (UpdateSubcode.MISSING_WELL_KNOWN_ATTRIBUTE, bytes([code]))


@rfc("4271 6.3", "MUST call flags that conflict with the code Attribute Flags Error, and show the attribute")
@pytest.mark.parametrize("flags", [0x00, 0x80, 0xC0])
def test_flags(flags: int) -> None:
    wrong = attribute(AttributeCode.ORIGIN, "00", flags=flags)
    fault = only_fault(route_with(wrong))
    assert (fault.subcode, fault.data) == (UpdateSubcode.ATTRIBUTE_FLAGS_ERROR, wrong)


@rfc(
    "4271 6.3", "MUST call a length that does not fit the code Attribute Length Error, and show the attribute"
)
@pytest.mark.parametrize(
    "code", [AttributeCode.ORIGIN, AttributeCode.NEXT_HOP, AttributeCode.MULTI_EXIT_DISC]
)
def test_attribute_length(code: AttributeCode) -> None:
    wrong = attribute(code, "00 00")
    fault = only_fault(route_with(wrong))
    assert (fault.subcode, fault.data) == (UpdateSubcode.ATTRIBUTE_LENGTH_ERROR, wrong)


@rfc("4271 6.3", "MUST call an ORIGIN without meaning Invalid ORIGIN Attribute, and show it")
def test_origin() -> None:
    wrong = attribute(AttributeCode.ORIGIN, "03")
    fault = only_fault(route_with(wrong))
    assert (fault.subcode, fault.data) == (UpdateSubcode.INVALID_ORIGIN_ATTRIBUTE, wrong)


@rfc("4271 6.3", "MUST call a NEXT_HOP that is no address of a host Invalid NEXT_HOP Attribute")
@pytest.mark.parametrize("address", ["00000000", "e0000001", "ffffffff"])
def test_next_hop(address: str) -> None:
    fault = only_fault(route_with(attribute(AttributeCode.NEXT_HOP, address)))
    assert fault.subcode == UpdateSubcode.INVALID_NEXT_HOP_ATTRIBUTE


@rfc("4271 6.3", "MUST call an AS_PATH that cannot be read Malformed AS_PATH")
@pytest.mark.parametrize("path", ["0500", "0201", "0202 00000001", "0201 00000001 02"])
def test_as_path(path: str) -> None:
    fault = only_fault(route_with(attribute(AttributeCode.AS_PATH, path)))
    assert fault.subcode == UpdateSubcode.MALFORMED_AS_PATH


@rfc(
    "4271 6.3", "MUST discard an optional attribute with a wrong value, and call it Optional Attribute Error"
)
def test_optional() -> None:
    fault = only_fault(route_with(attribute(AttributeCode.AGGREGATOR, "00000000 c0000201")))
    assert fault.treatment is Treatment.ATTRIBUTE_DISCARD
    assert fault.subcode == UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR


@rfc("4271 6.3", "MUST answer NLRI that cannot be read with Invalid Network Field")
@pytest.mark.parametrize("nlri", ["21 0a00000000", "18 0a00", "20"])
def test_nlri(nlri: str) -> None:
    answer = Notification(ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.INVALID_NETWORK_FIELD)
    assert refusal(update("", ORIGIN + AS_PATH + NEXT_HOP, nlri)) == answer


@rfc("4271 6.3", "MUST take an UPDATE with good attributes and without NLRI for valid")
def test_without_nlri() -> None:
    value = received(update("", ORIGIN + AS_PATH + NEXT_HOP))
    assert (value.faults, len(value.announced)) == ((), 0)


@rfc(
    "4271 6",
    "MUST use subcode 0 where none is defined, and MUST leave the data empty where none is asked for",
)
def test_nothing_to_add() -> None:
    assert refusal(open_message(parameters="02")) == Notification(ErrorCode.OPEN_MESSAGE_ERROR, 0, b"")
