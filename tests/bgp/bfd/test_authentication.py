"""Authentication of BFD packets: RFC 5880 6.7."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.bfd.authentication import BFDKey, bfd_keys, follows, sequence_of, sign, verify
from bgp.bfd.packet import AuthenticationSection, AuthenticationType, BFDPacket, BFDState, Discard, decode
from bgp.testing import bfd_keys as keys
from bgp.testing import bfd_packets

PACKET = BFDPacket(state=BFDState.UP, my_discriminator=1, your_discriminator=2)


def received(data: bytes) -> AuthenticationSection:
    packet = decode(data)
    assert isinstance(packet, BFDPacket)
    assert packet.authentication is not None
    return packet.authentication


@given(bfd_packets(), keys(), st.integers(0, 0xFFFFFFFF))
def test_what_is_signed_is_verified(packet: BFDPacket, key: BFDKey, sequence: int) -> None:
    data = sign(packet, key, sequence)
    section = received(data)
    assert verify(data, section, [key]) == key
    expected = 0 if key.type is AuthenticationType.SIMPLE_PASSWORD else sequence
    assert sequence_of(section) == expected


@given(bfd_packets(), keys(), st.data())
def test_no_octet_may_change_under_a_digest(packet: BFDPacket, key: BFDKey, data: st.DataObject) -> None:
    assume(key.type is not AuthenticationType.SIMPLE_PASSWORD)
    signed = bytearray(sign(packet, key, 5))
    # All but what says that there is a section, how long it is, and whose.
    places = [place for place in range(len(signed)) if place not in (0, 1, 2, 3, 24, 25, 26)]
    place = data.draw(st.sampled_from(places))
    signed[place] ^= data.draw(st.integers(1, 255))
    section = decode(bytes(signed))
    assume(isinstance(section, BFDPacket))
    assert verify(bytes(signed), received(bytes(signed)), [key]) is Discard.DIGEST


@pytest.mark.parametrize(
    ("kind", "algorithm", "length"),
    [
        ("keyed-md5", "md5", 16),
        ("meticulous-keyed-md5", "md5", 16),
        ("keyed-sha1", "sha1", 20),
        ("meticulous-keyed-sha1", "sha1", 20),
    ],
)
def test_a_digest_is_over_the_packet_with_the_key_in_its_place(
    kind: str, algorithm: str, length: int
) -> None:
    data = sign(PACKET, BFDKey(kind, "secret", 9), 0x01020304)
    assert data[24:32] == bytes(
        [AuthenticationType[kind.replace("-", "_").upper()], 8 + length, 9, 0, 1, 2, 3, 4]
    )
    assert data[32:] == hashlib.new(algorithm, data[:32] + b"secret".ljust(length, b"\0")).digest()
    assert data[3] == len(data) == 32 + length


def test_a_simple_password_stands_there() -> None:
    assert sign(PACKET, BFDKey("simple-password", "secret", 9))[24:] == b"\x01\x09\x09secret"


SHA1, SIMPLE = BFDKey("keyed-sha1", "secret", 1), BFDKey("simple-password", "secret", 1)


@pytest.mark.parametrize(
    ("signer", "accepted", "reason"),
    [
        (SHA1, [BFDKey("keyed-md5", "secret", 1)], Discard.AUTHENTICATION_TYPE),
        (SHA1, [BFDKey("meticulous-keyed-sha1", "secret", 1)], Discard.AUTHENTICATION_TYPE),
        (SHA1, [BFDKey("keyed-sha1", "secret", 2)], Discard.KEY_ID),
        (SHA1, [BFDKey("keyed-sha1", "other", 1)], Discard.DIGEST),
        (SIMPLE, [BFDKey("simple-password", "secreT", 1)], Discard.DIGEST),
        (SIMPLE, [BFDKey("simple-password", "secret1", 1)], Discard.DIGEST),
        (SIMPLE, [SHA1], Discard.AUTHENTICATION_TYPE),
    ],
)
def test_why_a_packet_is_not_verified(signer: BFDKey, accepted: list[BFDKey], reason: Discard) -> None:
    data = sign(PACKET, signer)
    assert verify(data, received(data), accepted) is reason


def test_any_of_the_keys_will_do() -> None:
    old, new = BFDKey("keyed-sha1", "old", 1), BFDKey("keyed-sha1", "new", 2)
    for key in (old, new):
        data = sign(PACKET, key)
        assert verify(data, received(data), [new, old]) == key


def test_a_digest_of_another_length() -> None:
    section = AuthenticationSection(AuthenticationType.KEYED_SHA1, 1, bytes(21))
    assert verify(bytes(48), section, [SHA1]) is Discard.AUTHENTICATION_LENGTH


@pytest.mark.parametrize(
    ("kind", "last", "sequence", "accepted"),
    [
        ("keyed-md5", 10, 10, True),
        ("keyed-md5", 10, 9, False),
        ("keyed-md5", 10, 19, True),
        ("keyed-md5", 10, 20, False),
        ("meticulous-keyed-md5", 10, 10, False),
        ("meticulous-keyed-md5", 10, 11, True),
        ("meticulous-keyed-md5", 10, 19, True),
        ("meticulous-keyed-md5", 10, 20, False),
        ("meticulous-keyed-sha1", 0xFFFFFFFE, 7, True),
        ("meticulous-keyed-sha1", 0xFFFFFFFE, 8, False),
        ("meticulous-keyed-sha1", 0, 0xFFFFFFFF, False),
    ],
)
def test_which_sequence_numbers_may_follow(kind: str, last: int, sequence: int, accepted: bool) -> None:
    key = BFDKey(kind, "secret")
    assert follows(received(sign(PACKET, key, sequence)), key, last, multiplier=3) is accepted


@pytest.mark.parametrize(
    ("kind", "secret", "why"),
    [
        ("sha1", "x", "authentication type 'sha1', must be one of simple-password, keyed-md5"),
        (6, "x", "authentication type 6, must be one of"),
        (None, "x", "authentication type None, must be one of"),
        ("keyed-sha1", "", "secret of 0 octets, must be 1 to 20"),
        ("keyed-sha1", "x" * 21, "secret of 21 octets, must be 1 to 20"),
        ("keyed-md5", "x" * 17, "secret of 17 octets, must be 1 to 16"),
        ("simple-password", "x" * 17, "secret of 17 octets, must be 1 to 16"),
        ("keyed-md5", "\ud800", "secret, must be octets or text that can be written in UTF-8"),
        ("keyed-md5", 5, "secret, must be octets or text that can be written in UTF-8"),
    ],
)
def test_keys_that_cannot_be(kind: str, secret: str, why: str) -> None:
    with pytest.raises(LocalError, match=why) as caught:
        BFDKey(kind, secret)
    assert "x" * 8 not in str(caught.value)


def test_a_key_does_not_print_its_secret() -> None:
    assert repr(BFDKey(4, b"secret")) == "BFDKey(type=AuthenticationType.KEYED_SHA1, key_id=1)"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([SHA1, BFDKey("keyed-md5", "x", 2)], "must be of one type"),
        ([SHA1, BFDKey("keyed-sha1", "x", 1)], "two keys of one key_id"),
        (["secret"], "authentication 'secret', must be BFDKey"),
    ],
)
def test_keys_that_cannot_be_together(values: list[BFDKey], why: str) -> None:
    with pytest.raises(LocalError, match=why):
        bfd_keys(values)
    assert bfd_keys(None) == ()
    assert bfd_keys(SHA1) == (SHA1,)
