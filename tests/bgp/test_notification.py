"""NOTIFICATION: what it says to a person, and what stands in its data (RFC 4271 4.5, RFC 4486, RFC 8538, RFC 9003)."""

from typing import Any

import pytest
from hypothesis import given

from bgp.errors import LocalError, OpenError, RouteRefreshError
from bgp.iana import SUBCODES, CeaseSubcode, ErrorCode
from bgp.notification import Notification
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST
from bgp.testing import notifications
from tests.bgp.pasting import pasted

SHUTDOWN, RESET = CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, CeaseSubcode.ADMINISTRATIVE_RESET


@given(notifications())
def test_whatever_a_peer_sends_fits_into_a_line(notification: Notification) -> None:
    text = str(notification)
    assert text.isprintable()
    assert text
    assert hash(notification) == hash(notification)
    assert notification.prefix_limit is None or notification.subcode == 1
    assert pasted(notification) == notification


@pytest.mark.parametrize(
    ("notification", "text"),
    [
        (Notification(6, 2), "Cease / Administrative Shutdown"),
        (Notification(6, 1), "Cease / Maximum Number of Prefixes Reached"),
        (Notification(6, 3), "Cease / Peer De-configured"),
        (Notification(4), "Hold Timer Expired"),
        (Notification(2, 2), "OPEN Message Error / Bad Peer AS"),
        (Notification(7, 1), "ROUTE-REFRESH Message Error / Invalid Message Length"),
        (Notification(8), "Send Hold Timer Expired"),
        (Notification(9), "Loss of LSDB Synchronization"),
        (Notification(6, 99), "Cease / 99"),
        (Notification(6), "Cease"),
        (Notification(77, 1), "error 77/1"),
    ],
)
def test_codes_and_subcodes_have_names(notification: Notification, text: str) -> None:
    assert str(notification) == text


def test_every_number_of_the_registry_has_a_name() -> None:
    names = [str(Notification(code, subcode)) for code in SUBCODES for subcode in SUBCODES[code]]
    assert len(set(names)) == len(names)
    assert not any(character.isdigit() for name in names for character in name)
    assert not any("error" in str(Notification(code)) for code in ErrorCode)


# From a fault.


def test_data_of_a_fault() -> None:
    error = OpenError("BGP version 3", 1, b"\x00\x04")
    assert Notification.from_error(error) == Notification(2, 1, b"\x00\x04")


def test_data_that_would_not_fit_into_a_message_is_cut_off() -> None:
    # RFC 7313 5 repeats the whole message, which may have had 4096 octets itself, or more.
    message = bytes(range(256)) * 255
    notification = Notification.from_error(RouteRefreshError("too long", 1, message))
    assert notification.data == message[:4075]


def test_extended_messages_have_room_for_more() -> None:
    assert len(Notification(3, 5, bytes(65514)).data) == 65535 - 21  # RFC 8654
    with pytest.raises(LocalError, match="data of 65515 octets, at most 65514 fit"):
        Notification(3, 5, bytes(65515))


@pytest.mark.parametrize(("code", "subcode"), [(256, 0), (-1, 0), (6, 256)])
def test_refuses_numbers_that_do_not_fit(code: int, subcode: int) -> None:
    with pytest.raises(LocalError, match="must be 0 to 255"):
        Notification(code, subcode)


# Shutdown communication: RFC 9003.


def test_shutdown_and_reset_say_why() -> None:
    shutdown = Notification.shutdown("Wartung für zwei Stunden")
    assert shutdown == Notification(6, SHUTDOWN, b"\x19" + "Wartung für zwei Stunden".encode())
    assert shutdown.communication == "Wartung für zwei Stunden"
    assert str(shutdown) == 'Cease / Administrative Shutdown: "Wartung für zwei Stunden"'
    assert str(Notification.reset("new policy")) == 'Cease / Administrative Reset: "new policy"'
    assert Notification.reset("x").subcode == RESET


def test_they_need_not() -> None:
    assert Notification.shutdown() == Notification.cease(SHUTDOWN)
    assert Notification.reset() == Notification.cease(RESET)
    assert Notification.shutdown().communication is None


def test_a_text_that_is_too_long() -> None:
    assert Notification.shutdown("é" * 127 + "e").communication == "é" * 127 + "e"
    with pytest.raises(LocalError, match="communication of 256 octets, at most 255 fit"):
        Notification.shutdown("é" * 128)
    with pytest.raises(LocalError, match="cannot be written in UTF-8"):
        Notification.reset("\ud800")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", None),
        (b"\x00", None),
        (b"\x00ignored", None),
        (b"\x02ab", "ab"),
        (b"\x02abc", "ab"),
        (b"\xffabc", "abc"),  # the length lies
        (b"\x04caf\xe9", "caf\\xe9"),  # not UTF-8
        (b"\xff" + b"a" * 255, "a" * 255),
    ],
)
def test_a_communication_may_be_anything(data: bytes, text: str | None) -> None:
    assert Notification(6, SHUTDOWN, data).communication == text


def test_only_shutdown_and_reset_have_a_communication() -> None:
    assert Notification(6, CeaseSubcode.PEER_DE_CONFIGURED, b"\x02ab").communication is None
    assert Notification(2, 2, b"\x02ab").communication is None


def test_a_text_cannot_leave_its_line() -> None:
    text = str(Notification.shutdown("a\r\nb\x1b[2Jc\u202ed\u2028e"))
    assert text == 'Cease / Administrative Shutdown: "a\\r\\nb\\x1b[2Jc\\u202ed\\u2028e"'


# Hard reset: RFC 8538 3.1.


def test_a_hard_reset_has_a_reason() -> None:
    notification = Notification.hard_reset(Notification.shutdown("bye"))
    assert notification == Notification(6, 9, b"\x06\x02\x03bye")
    assert notification.encapsulated == Notification.shutdown("bye")
    assert notification.communication == "bye"
    assert str(notification) == 'Cease / Hard Reset (Cease / Administrative Shutdown: "bye")'


@pytest.mark.parametrize("data", [b"", b"\x06"])
def test_a_hard_reset_without_a_reason(data: bytes) -> None:
    notification = Notification(6, CeaseSubcode.HARD_RESET, data)
    assert notification.encapsulated is None
    assert notification.communication is None
    assert str(notification) == "Cease / Hard Reset"


def test_other_notifications_encapsulate_nothing() -> None:
    assert Notification(6, CeaseSubcode.OUT_OF_RESOURCES, b"\x06\x02").encapsulated is None


def test_hard_resets_in_hard_resets() -> None:
    assert str(Notification(6, 9, b"\x06\x09" * 32757)) == "Cease / Hard Reset (Cease / Hard Reset)"


def test_a_reason_that_does_not_fit() -> None:
    with pytest.raises(LocalError, match="data of 65516 octets"):
        Notification.hard_reset(Notification(3, 5, bytes(65514)))


# Prefix limit: RFC 4486 4.


def test_a_prefix_limit() -> None:
    notification = Notification.maximum_prefixes(IPV6_UNICAST, 1000)
    assert notification == Notification(6, 1, b"\x00\x02\x01\x00\x00\x03\xe8")
    assert notification.prefix_limit == (IPV6_UNICAST, 1000)
    assert str(notification) == "Cease / Maximum Number of Prefixes Reached: 1000 of ipv6 unicast"


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x01\x00\x00\x03", b"\x00\x01\x01\x00\x00\x03\xe8\x00"])
def test_a_prefix_limit_that_cannot_be_read(data: bytes) -> None:
    notification = Notification(6, 1, data)
    assert notification.prefix_limit is None
    assert str(notification) == "Cease / Maximum Number of Prefixes Reached"


def test_a_prefix_limit_of_something_else() -> None:
    assert Notification(6, 2, b"\x00\x01\x01\x00\x00\x03\xe8").prefix_limit is None


@pytest.mark.parametrize("limit", [-1, 1 << 32])
def test_a_prefix_limit_that_cannot_be(limit: int) -> None:
    with pytest.raises(LocalError, match=f"limit {limit}, must be 0 to 4294967295"):
        Notification.maximum_prefixes(IPV4_UNICAST, limit)


def test_codes_have_their_names_whoever_made_the_message() -> None:
    plain = Notification(6, 2)
    assert repr(plain) == repr(Notification(ErrorCode.CEASE, CeaseSubcode.ADMINISTRATIVE_SHUTDOWN))
    assert plain.code is ErrorCode.CEASE
    assert plain.subcode is CeaseSubcode.ADMINISTRATIVE_SHUTDOWN


@pytest.mark.parametrize(("code", "subcode"), [(6, 99), (99, 1), (4, 1)])
def test_unknown_codes_stay_numbers(code: int, subcode: int) -> None:
    assert Notification(code, subcode).subcode == subcode
    assert type(Notification(code, subcode).subcode) is int


@pytest.mark.parametrize("number", ["6", 6.0, None, -1, 256, []])
def test_codes_are_octets(number: Any) -> None:
    with pytest.raises(LocalError, match=r"^code .*, must be 0 to 255"):
        Notification(number)
    with pytest.raises(LocalError, match=r"subcode .*, must be 0 to 255"):
        Notification(6, number)


def test_other_types_are_refused() -> None:
    wrong: Any = 5
    with pytest.raises(LocalError, match="data 5, must be bytes"):
        Notification(6, 2, wrong)
    with pytest.raises(LocalError, match="communication 5, must be str"):
        Notification.shutdown(wrong)
    with pytest.raises(LocalError, match="reason 5, must be Notification"):
        Notification.hard_reset(wrong)
    with pytest.raises(LocalError, match="family 5, must be Family"):
        Notification.maximum_prefixes(wrong, 1)
