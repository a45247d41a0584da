from ipaddress import ip_address

import pytest

from bgp import IPV6_UNICAST, LocalError, PeerConfig, PeerType


def config(**values: object) -> PeerConfig:
    return PeerConfig(**{"local_as": 64512, "peer_as": 64513, **values})  # type: ignore[arg-type]  # any value


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"local_as": 0}, "local_as 0, must be 1 to 4294967295"),
        ({"peer_as": 1 << 32}, "peer_as 4294967296"),
        ({"hold_time": 2}, "hold time 2 s, must be 0 or 3 to 65535"),
        ({"hold_time": 3.5}, "hold time 3.5 s"),
        ({"local_as": None}, "local_as None, must be"),
        ({"peer_as": "64512"}, "peer_as 64512, must be"),
        ({"port": 0}, "port 0, must be 1 to 65535"),
        ({"connect_retry_time": 0}, "connect_retry_time 0 s, must be 0.1 to 65535"),
        ({"idle_hold_time": 121}, "idle_hold_time 121 s"),
        ({"peer_address": "router"}, "'router' is not an IP address"),
        ({"local_address": "10.0.0.0/8"}, "is not an IP address"),
        ({"router_id": "2001:db8::1"}, "is not an IPv4 address"),
        ({"router_id": "0.0.0.0"}, "must not be zero"),
        ({"password": "x" * 81}, "password of 81 octets, at most 80 fit"),
        ({"families": []}, "families empty, must be ipv4 unicast"),
        ({"families": [IPV6_UNICAST]}, "families ipv6 unicast, must be ipv4 unicast"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        config(**values)


def test_reads_text() -> None:
    found = config(peer_address="2001:db8::2", local_address="2001:db8::1", password="secret")
    assert found.peer_address == ip_address("2001:db8::2")
    assert found.password == b"secret"


def test_does_not_show_the_password() -> None:
    assert "secret" not in repr(config(password="secret"))


def test_the_type_of_the_peer_follows_from_the_as_numbers() -> None:
    assert config().peer_type is PeerType.EXTERNAL
    assert config(peer_as=64512).peer_type is PeerType.INTERNAL
