"""Who has sent a BFD Control packet: signing and verifying (RFC 5880 6.7).

A digest is over the whole packet with the key in the digest's place. Sequence numbers keep recorded packets from being
sent again: the receiver takes only numbers that follow the last one closely. With the meticulous types each packet
has a number of its own; with the others the number grows when the packet says something new, so that a recorded packet
can be repeated as long as nothing changes.

A session has one type of authentication and one or more keys. It signs with the first and takes all: to change
keys without losing the session, add the new one behind the old one on both sides, put it first, remove the old one.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from bgp.bfd.packet import (
    HEADER_LENGTH,
    AuthenticationSection,
    AuthenticationType,
    BFDPacket,
    Discard,
    encode,
)
from bgp.errors import LocalError
from bgp.values import in_range, several, shown, utf8
from bgp.wire import uint8, uint32

_DIGESTS: Final[dict[AuthenticationType, Callable[[bytes], bytes]]] = {
    AuthenticationType.KEYED_MD5: lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    AuthenticationType.METICULOUS_KEYED_MD5: lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    AuthenticationType.KEYED_SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    AuthenticationType.METICULOUS_KEYED_SHA1: lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
}

_LENGTHS: Final = {
    AuthenticationType.SIMPLE_PASSWORD: 16,
    AuthenticationType.KEYED_MD5: 16,
    AuthenticationType.METICULOUS_KEYED_MD5: 16,
    AuthenticationType.KEYED_SHA1: 20,
    AuthenticationType.METICULOUS_KEYED_SHA1: 20,
}
"""How long a secret may be; for keys also how long their digests are."""

_METICULOUS: Final = {AuthenticationType.METICULOUS_KEYED_MD5, AuthenticationType.METICULOUS_KEYED_SHA1}

_BEFORE_DIGEST: Final = 5
"""Octets between key ID and digest: a reserved one and the sequence number."""

_NAMES: Final = {kind.name.lower().replace("_", "-"): kind for kind in AuthenticationType}


def _type(value: str | int) -> AuthenticationType:
    if isinstance(value, str) and value in _NAMES:
        return _NAMES[value]
    if isinstance(value, int) and value in AuthenticationType._value2member_map_:
        return AuthenticationType(value)
    raise LocalError(f"authentication type {shown(value)}, must be one of {', '.join(_NAMES)}")


def _secret(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return utf8("secret", value)
    except LocalError:
        # Whose message would show it.
        raise LocalError("secret, must be octets or text that can be written in UTF-8") from None


@attrs.frozen
class BFDKey:
    """A password or key: `BFDKey("meticulous-keyed-sha1", "secret", key_id=1)`.

    Raises `LocalError` for an unknown type, and for a secret of a length that the type does not allow.
    """

    type: AuthenticationType = attrs.field(converter=_type)
    """simple-password, keyed-md5, meticulous-keyed-md5, keyed-sha1 or meticulous-keyed-sha1."""

    secret: bytes = attrs.field(converter=_secret, repr=False)
    """1 to 16 octets, for SHA1 to 20; text is taken for UTF-8."""

    key_id: int = attrs.field(default=1, validator=in_range(0, 0xFF))
    """What packets call it, 0 to 255; the same on both sides."""

    @secret.validator
    def _check_secret(self, _attribute: object, value: bytes) -> None:
        limit = _LENGTHS[self.type]
        if not 1 <= len(value) <= limit:
            raise LocalError(f"secret of {len(value)} octets, must be 1 to {limit}")

    @property
    def is_meticulous(self) -> bool:
        """Whether each packet has a sequence number of its own."""
        return self.type in _METICULOUS


def bfd_keys(values: BFDKey | Iterable[BFDKey] | None) -> tuple[BFDKey, ...]:
    """Read the keys of a session: none, one, or several of one type, each with an ID of its own."""
    if values is None:
        return ()
    keys = (values,) if isinstance(values, BFDKey) else several("authentication", values, BFDKey)
    for key in keys:
        if key.type is not keys[0].type:
            raise LocalError(f"authentication of {keys[0].type!r} and {key.type!r}, must be of one type")
    if len({key.key_id for key in keys}) < len(keys):
        raise LocalError("authentication with two keys of one key_id, must differ")
    return keys


def sign(packet: BFDPacket, key: BFDKey, sequence: int = 0) -> bytes:
    """Write a packet that is signed with a key; `sequence` is of no use to a simple password."""
    if key.type not in _DIGESTS:
        section = AuthenticationSection(key.type, key.key_id, key.secret)
        return encode(attrs.evolve(packet, authentication=section))
    content = uint8(0) + uint32(sequence) + _padded(key)
    data = encode(attrs.evolve(packet, authentication=AuthenticationSection(key.type, key.key_id, content)))
    return data[: -_LENGTHS[key.type]] + _DIGESTS[key.type](data)


def verify(data: bytes, section: AuthenticationSection, keys: Iterable[BFDKey]) -> BFDKey | Discard:
    """Find the key that a packet was signed with; `data` is the packet as received, `section` is out of it."""
    keys = tuple(keys)
    if not any(key.type == section.type for key in keys):
        return Discard.AUTHENTICATION_TYPE
    key = next((key for key in keys if key.key_id == section.key_id), None)
    if key is None:
        return Discard.KEY_ID
    if key.type not in _DIGESTS:
        return key if hmac.compare_digest(section.content, key.secret) else Discard.DIGEST
    if len(section.content) != _BEFORE_DIGEST + _LENGTHS[key.type]:
        return Discard.AUTHENTICATION_LENGTH
    start = HEADER_LENGTH + 3 + _BEFORE_DIGEST
    digest = _DIGESTS[key.type](data[:start] + _padded(key))
    return key if hmac.compare_digest(section.content[_BEFORE_DIGEST:], digest) else Discard.DIGEST


def follows(section: AuthenticationSection, key: BFDKey, last: int, multiplier: int) -> bool:
    """Whether the sequence number of a packet may follow the last one; `multiplier` is the packet's (6.7.3, 6.7.4)."""
    ahead = (sequence_of(section) - last) & 0xFFFFFFFF
    return (1 if key.is_meticulous else 0) <= ahead <= 3 * multiplier


def sequence_of(section: AuthenticationSection) -> int:
    """The sequence number in a section that `verify` has approved; 0 for a simple password."""
    if section.type == AuthenticationType.SIMPLE_PASSWORD:
        return 0
    return int.from_bytes(section.content[1:_BEFORE_DIGEST], "big")


def _padded(key: BFDKey) -> bytes:
    return key.secret.ljust(_LENGTHS[key.type], b"\0")
