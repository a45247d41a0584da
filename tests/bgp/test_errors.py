"""Errors say what the NOTIFICATION about them will."""

import pytest

from bgp.errors import BGPError, LocalError, OpenError, PeerError, UpdateError
from bgp.iana import ErrorCode


def test_an_error_shows_all_that_its_notification_says() -> None:
    assert repr(UpdateError("no next hop", 3, b"\x03")) == (
        "UpdateError('no next hop', code=ErrorCode.UPDATE_MESSAGE_ERROR, "
        "subcode=UpdateSubcode.MISSING_WELL_KNOWN_ATTRIBUTE, data=b'\\x03')"
    )
    assert "subcode=99," in repr(OpenError("odd", 99))
    assert str(OpenError("odd", 99)) == "odd"


@pytest.mark.parametrize("kind", PeerError.__subclasses__())
def test_every_kind_of_peer_error_has_its_code(kind: type[PeerError]) -> None:
    assert isinstance(kind.code, ErrorCode)
    assert f"code={kind.code!r}" in repr(kind("reason"))


def test_the_class_for_all_of_them_has_no_code() -> None:
    assert not hasattr(PeerError, "code")
    assert repr(PeerError("reason")) == "PeerError('reason', code=None, subcode=0, data=b'')"


def test_a_caller_can_catch_them_as_the_kind_that_they_are() -> None:
    assert issubclass(LocalError, ValueError)
    assert issubclass(LocalError, BGPError)
    assert issubclass(PeerError, BGPError)
