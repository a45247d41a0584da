"""What sockets are made like, and what the kernel says when it refuses; on the loopback interface."""

import errno
import os
import socket
from ipaddress import IPv6Address, ip_address, ip_network

import pytest

from bgp import LocalError
from bgp.sockets import address_of, admit, destination, dialling, listening, only, remove_key, set_key
from tests.bgp.ends import config, needs_ipv6, needs_signing

_IP_MINTTL = 21
_IPV6_MINHOPCOUNT = 73


@pytest.mark.parametrize(
    ("address", "level", "names"),
    [
        ("127.0.0.1", socket.IPPROTO_IP, (_IP_MINTTL, socket.IP_TTL, socket.IP_TOS)),
        ("::1", socket.IPPROTO_IPV6, (_IPV6_MINHOPCOUNT, socket.IPV6_UNICAST_HOPS, socket.IPV6_TCLASS)),
    ],
)
def test_the_options_of_a_peer(address: str, level: int, names: tuple[int, int, int]) -> None:
    def found(**options: object) -> list[int]:
        with dialling(config(address, **options)) as sock:
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            return [sock.getsockopt(level, name) for name in names]

    assert found() == [0, 64, 48 << 2]
    assert found(ttl=1, dscp=63) == [0, 1, 63 << 2]
    assert found(ttl_security=1) == [255, 255, 48 << 2]
    assert found(ttl_security=254, dscp=0) == [2, 255, 0]


@needs_ipv6
def test_a_timeout_and_an_address() -> None:
    with dialling(config("::1", local_address="::1", user_timeout=1.5)) as sock:
        assert sock.getsockname()[0] == "::1"
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500
        assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


@pytest.mark.parametrize(
    ("address", "interface", "wanted"),
    [
        ("192.0.2.1", None, ("192.0.2.1", 179)),
        ("2001:db8::1", "lo", ("2001:db8::1", 179, 0, 0)),
        ("fe80::1%lo", None, ("fe80::1", 179, 0, 1)),
        ("fe80::1%77", None, ("fe80::1", 179, 0, 77)),
        ("fe80::1", "lo", ("fe80::1", 179, 0, 1)),
        ("fe80::1%77", "lo", ("fe80::1", 179, 0, 77)),
    ],
)
def test_where_to_connect_to(address: str, interface: str | None, wanted: tuple[object, ...]) -> None:
    assert destination(config(address, interface=interface)) == wanted


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (("192.0.2.1", 179), "192.0.2.1"),
        (("2001:db8::1", 179, 0, 0), "2001:db8::1"),
        (("fe80::1", 179, 0, 1), "fe80::1%lo"),
        (("fe80::1%lo", 179, 0, 1), "fe80::1%lo"),
        (("fe80::1", 179, 0, 99999), "fe80::1%99999"),
    ],
)
def test_addresses_of_sockets(found: tuple[str, int], wanted: str) -> None:
    assert address_of(found) == ip_address(wanted)


def test_the_network_of_one_address() -> None:
    assert only(ip_address("192.0.2.1")) == ip_network("192.0.2.1/32")
    assert only(IPv6Address("fe80::1%eth0")) == ip_network("fe80::1/128")


def refusal(error: LocalError) -> int | None:
    """What the kernel said."""
    assert isinstance(error.__cause__, OSError)
    return error.__cause__.errno


def test_a_kernel_that_does_not_sign() -> None:
    # A socket of UDP knows as little of signing as such a kernel does.
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        message = r"^password for 10\.0\.0\.0/8: no TCP_MD5SIG_EXT: needs Linux 4\.13 or newer with CONFIG_TCP_MD5SIG$"
        with pytest.raises(LocalError, match=message) as refused:
            set_key(sock, ip_network("10.0.0.0/8"), b"secret")
        assert refusal(refused.value) == errno.ENOPROTOOPT
        assert "secret" not in str(refused.value)


@needs_signing
def test_a_kernel_that_says_something_else() -> None:
    with socket.socket() as sock:
        message = r"^password for ::/0: no TCP_MD5SIG_EXT: Invalid argument$"
        with pytest.raises(LocalError, match=message):
            # An address of IPv6 on a socket of IPv4.
            set_key(sock, ip_network("::/0"), b"secret")
        with pytest.raises(
            LocalError, match=r"^password for 10\.0\.0\.0/8: no TCP_MD5SIG_EXT: there is none$"
        ):
            remove_key(sock, ip_network("10.0.0.0/8"))


@pytest.mark.parametrize("options", [{"ttl_security": 254}, {"password": "secret"}])
def test_a_connection_of_which_the_beginning_is_not_known(options: dict[str, object]) -> None:
    wanted = config("127.0.0.1", **options)
    with socket.create_server(("127.0.0.1", 0)) as plain, socket.create_connection(plain.getsockname()):
        accepted, _ = plain.accept()
        with accepted, pytest.raises(LocalError, match="nothing is known of its SYN"):
            admit(accepted, ip_address("127.0.0.1"), wanted)


def test_a_beginning_that_is_longer_than_can_be() -> None:
    class Long(socket.socket):
        def getsockopt(self, *_: int) -> bytes:  # type: ignore[override]  # one of three
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    with Long() as sock, pytest.raises(LocalError, match="nothing is known of its SYN"):
        admit(sock, ip_address("127.0.0.1"), config("127.0.0.1", ttl_security=1))


def test_nothing_is_left_of_what_failed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(LocalError, match="not an address of this machine"):
        dialling(config("127.0.0.1", local_address="192.0.2.1"))
    with pytest.raises(LocalError, match="not an address of this machine"):
        listening(ip_address("192.0.2.1"), 0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_port_that_needs_a_privilege(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    message = (
        "cannot listen on 127.0.0.1 port 179: needs CAP_NET_BIND_SERVICE, or another port, such as port=1790"
    )
    with pytest.raises(LocalError, match=message):
        listening(ip_address("127.0.0.1"), 179)
