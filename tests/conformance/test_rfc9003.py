"""RFC 9003, and RFC 8203 before it: what operators tell each other when they shut a session down."""

import pytest

from bgp import CeaseSubcode, LocalError, Notification, decode, encode
from bgp.iana import ErrorCode, MessageType
from tests.conformance.octets import EXTERNAL, message
from tests.conformance.requirements import rfc

TEXT = "Wartung: узел 1"


def cease(subcode: int, data: str) -> Notification:
    """Receive a Cease."""
    value = decode(message(MessageType.NOTIFICATION, f"06 {subcode:02x}" + data), EXTERNAL)
    assert isinstance(value, Notification)
    return value


@rfc("9003 2", "MUST say it in the data of Cease, Administrative Shutdown or Administrative Reset")
def test_subcodes() -> None:
    assert (Notification.shutdown(TEXT).code, Notification.shutdown(TEXT).subcode) == (6, 2)
    assert (Notification.reset(TEXT).code, Notification.reset(TEXT).subcode) == (6, 4)
    assert cease(CeaseSubcode.PEER_DE_CONFIGURED, "02 6869").communication is None


@rfc("9003 2", "MUST write a length of one octet, and text in UTF-8")
def test_layout() -> None:
    data = TEXT.encode()
    assert Notification.shutdown(TEXT).data == bytes([len(data)]) + data
    assert decode(encode(Notification.reset(TEXT), EXTERNAL), EXTERNAL) == Notification.reset(TEXT)
    assert Notification.reset(TEXT).communication == TEXT


@rfc("9003 2", "MUST NOT write more than 255 octets")
def test_longest() -> None:
    assert Notification.shutdown("я" * 127).data[0] == 254
    with pytest.raises(LocalError, match="256"):
        Notification.shutdown("я" * 128)


@rfc("9003 2", "MUST take up to 255 octets of text")
def test_longest_that_arrives() -> None:
    assert cease(2, "ff" + "61" * 255).communication == "a" * 255


@rfc("9003 2", "MUST take a length of 0, or no data, for no text")
def test_nothing_said() -> None:
    assert cease(2, "00").communication is None
    assert cease(2, "").communication is None


@rfc("9003 2", "MUST write each character of the text in its shortest form")
def test_shortest_form() -> None:
    overlong = cease(2, "02 c0af").communication
    assert overlong is not None
    assert "/" not in overlong


@rfc("9003 2", "MUST NOT interpret octets that are not UTF-8")
@pytest.mark.parametrize("data", ["02 ff41", "01 80", "03 eda080"])
def test_no_utf8(data: str) -> None:
    said = cease(2, data).communication
    assert said is not None
    assert "\\x" in said
    assert said.isascii()


@rfc("9003 4", "SHOULD tell people of text that is malformed, and MUST end the session as without it")
@pytest.mark.parametrize("data", ["05 6869", "02 ff41"])
def test_malformed(data: str) -> None:
    value = cease(2, data)
    assert value.code == ErrorCode.CEASE
    assert "Administrative Shutdown" in str(value)
    assert str(value).isprintable()
