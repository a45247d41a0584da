import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.syn import Syn

SIGNATURE = b"\x13\x12" + bytes(16)
MSS = b"\x02\x04\x05\xb4"

# As Linux 6.18 saved them, on the loopback interface.
IPV4 = bytes.fromhex(
    "4500003c1ae64000400621d47f0000017f000001"
    "b0c48aeb8d4c567a00000000a002ffd7fe3000000204ffd70402080aaf4e3e3f000000000103030a"
)
IPV6 = bytes.fromhex(
    "6004eacb0028064000000000000000000000000000000001"
    "00000000000000000000000000000001"
    "836eb64debb1b07b00000000a002ffc4003000000204ffc40402080a0ac3bcf1000000000103030a"
)


def tcp(options: bytes) -> bytes:
    return bytes(12) + bytes([(20 + len(options)) // 4 << 4]) + bytes(7) + options


def ipv4(options: bytes, *, ip_options: bytes = b"") -> bytes:
    header = bytes([0x40 | (20 + len(ip_options)) // 4, *bytes(7), 255, 6, *bytes(10)])
    return header + ip_options + tcp(options)


def ipv6(options: bytes, *, next_header: int = 6) -> bytes:
    return bytes([0x60, *bytes(5), next_header, 254, *bytes(32)]) + tcp(options)


def test_what_the_kernel_saves() -> None:
    assert Syn.decode(IPV4) == Syn(64, is_signed=False)
    assert Syn.decode(IPV6) == Syn(64, is_signed=False)


def test_a_signature() -> None:
    assert Syn.decode(ipv4(MSS + b"\1\1" + SIGNATURE)) == Syn(255, is_signed=True)
    assert Syn.decode(ipv6(SIGNATURE + b"\1\1")) == Syn(254, is_signed=True)


def test_a_header_with_options_of_ip() -> None:
    assert Syn.decode(ipv4(b"\1\1" + SIGNATURE, ip_options=b"\1" * 8)) == Syn(255, is_signed=True)


def test_extension_headers_are_not_looked_into() -> None:
    assert Syn.decode(ipv6(b"\1\1" + SIGNATURE, next_header=socket.IPPROTO_DSTOPTS)) == Syn(
        254, is_signed=False
    )


@pytest.mark.parametrize(
    "options",
    [
        b"",
        b"\0\1" + SIGNATURE,  # behind the end of options
        b"\2\0" + SIGNATURE,  # behind an option that cannot be
        b"\2\1" + SIGNATURE,
        b"\2\x28" + SIGNATURE,  # in an option that does not fit
        b"\x02\x14" + SIGNATURE,  # in another option
        b"\1\1\x13\x11" + bytes(16),  # of a wrong length
        b"\1\1\x1d\x12" + bytes(16),  # TCP-AO
        b"\1\1\1" + SIGNATURE[:17],  # cut short
    ],
)
def test_what_is_no_signature(options: bytes) -> None:
    assert not Syn.decode(ipv4(options)).is_signed


@given(st.binary(max_size=40).map(lambda options: options[: len(options) // 4 * 4]))
def test_whatever_options_there_are(options: bytes) -> None:
    assert SIGNATURE[:2] in options or not Syn.decode(ipv4(options)).is_signed
