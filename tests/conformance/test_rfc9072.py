"""RFC 9072: more optional parameters in an OPEN than an octet can count."""

import pytest

from bgp import Capability, Notification, Open, decode, encode
from bgp.capabilities import UnknownCapability
from bgp.iana import ErrorCode, OpenSubcode
from bgp.open import ParameterLayout
from tests.conformance.octets import EXTERNAL, open_message, refusal
from tests.conformance.requirements import rfc

FEW = [UnknownCapability(200, b"abc")]
MANY = [UnknownCapability(200, bytes([n]) * 100) for n in range(5)]


def parameters_of(capabilities: list[UnknownCapability], layout: ParameterLayout | None = None) -> bytes:
    """All that an OPEN has after its identifier."""
    value = Open(my_as=1, hold_time=0, router_id="192.0.2.1", capabilities=capabilities, layout=layout)
    return encode(value, EXTERNAL)[28:]


def read(parameters: str, length: int) -> tuple[Capability, ...]:
    value = decode(open_message(parameters=parameters, length=length), EXTERNAL)
    assert isinstance(value, Open)
    return value.capabilities


@rfc("9072 2", "SHOULD write parameters of up to 255 octets as RFC 4271 does")
def test_few() -> None:
    assert parameters_of(FEW) == bytes.fromhex("07 02 05 c8 03") + b"abc"


@rfc("9072 2", "MUST write more than 255 octets of parameters with lengths of two octets")
@rfc("9072 2", "MUST write 255 as the type that shows it, and SHOULD write 255 as the length before it")
def test_many() -> None:
    data = parameters_of(MANY)
    assert data[:7] == bytes.fromhex("ff ff 0201 02 01fe")
    assert len(data) == 4 + 0x201


@rfc("9072 2", "MUST NOT write 0 as the length before it")
def test_length_that_is_sent() -> None:
    assert parameters_of(FEW, ParameterLayout([1], extended=True))[0] == 255


@rfc("9072 2", "MUST take the extended form for few parameters too")
def test_extended_and_few() -> None:
    assert read("ff 0008 02 0005 c803616263", length=255) == tuple(FEW)


@rfc("9072 2", "MUST ignore the length before it")
@rfc("9072 3", "MUST read the extended form by the type 255, whatever the length before it")
@pytest.mark.parametrize("length", [1, 12, 254])
def test_length_that_arrives(length: int) -> None:
    assert read("ff 0008 02 0005 c803616263", length) == tuple(FEW)


@rfc("9072 2", "MUST NOT look for the extended form where the length of the parameters is 0")
def test_no_parameters() -> None:
    assert refusal(open_message(parameters="ff 0000", length=0)).code == ErrorCode.OPEN_MESSAGE_ERROR


@rfc("9072 3", "MUST answer type 255 in any other place with Unsupported Optional Parameter")
def test_type_elsewhere() -> None:
    unsupported = Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER)
    assert refusal(open_message(parameters="0202 0200 ff 00")) == unsupported
    assert refusal(open_message(parameters="ff 0003 ff 0000", length=255)) == unsupported
