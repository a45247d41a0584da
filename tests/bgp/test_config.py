from ipaddress import ip_address
from typing import Any

import pytest

from bgp import IPV4_UNICAST, IPV6_UNICAST, LocalError, PeerConfig, PeerType
from bgp.config import Confederation, GracefulRestartConfig, PrefixLimit, needs_new_session
from bgp.iana import AddPathDirection, Role


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
        ({"peer_as": "64512"}, "peer_as '64512', must be"),
        ({"port": 0}, "port 0, must be 1 to 65535"),
        ({"connect_retry_time": 0}, "connect_retry_time 0 s, must be 0.1 to 65535"),
        ({"idle_hold_time": 121}, "idle_hold_time 121 s"),
        ({"peer_address": "router"}, "'router' is not an IP address"),
        ({"local_address": "10.0.0.0/8"}, "is not an IP address"),
        (
            {"local_address": "::1", "peer_address": "127.0.0.1"},
            "::1 cannot reach peer_address 127.0.0.1: not",
        ),
        ({"local_address": "::"}, "local_address ::, must be the address of a host"),
        ({"peer_address": "0.0.0.0"}, "peer_address 0.0.0.0, must be the address of a host"),
        ({"peer_address": "255.255.255.255"}, "255, must be the address of a host"),
        ({"peer_address": "ff02::1%eth0"}, "peer_address ff02::1%eth0, must be the address of a host"),
        ({"peer_address": "::ffff:192.0.2.1"}, "must be written as IPv4: 192.0.2.1"),
        ({"router_id": "2001:db8::1"}, "is not an IPv4 address"),
        ({"router_id": "0.0.0.0"}, "must not be zero"),
        ({"password": "x" * 81}, "password of 81 octets, at most 80 fit"),
        ({"password": ""}, "password of 0 octets, must be 1 to 80; None: no password"),
        ({"password": b""}, "password of 0 octets"),
        ({"families": []}, "families empty, must be one or more"),
        ({"delay_open_time": 241}, "delay_open_time 241 s, must be 0 to 240"),
        ({"send_hold_time": 90}, "send_hold_time 90 s, must be 0, or more than 90 and to 65535"),
        ({"send_hold_time": 65536}, "send_hold_time 65536 s"),
        ({"extended_next_hop": [(IPV4_UNICAST, 65536)]}, "AFI of next hops 65536, must be 0 to 65535"),
        ({"role": 5}, "role 5, must be 0 to 4"),
        ({"role_strict": True}, "role_strict without a role"),
        ({"next_hop_ipv4": "2001:db8::1"}, "is not an IPv4 address"),
        ({"next_hop_ipv4": "224.0.0.1"}, "next hop 224.0.0.1, must be the address of a host"),
        ({"next_hop_ipv6": "192.0.2.1"}, "next_hop_ipv6 192.0.2.1, must be an IPv6 address without a zone"),
        ({"next_hop_ipv6": "fe80::1%eth0"}, "next_hop_ipv6 fe80::1%eth0, must be an IPv6 address without a"),
        ({"cluster_id": "0.0.0.0"}, "must not be zero"),
        ({"allow_own_as": 11}, "allow_own_as 11, must be 0 to 10"),
        ({"advertisement_interval": 601}, "advertisement_interval 601 s, must be 0 to 600"),
        ({"route_server_client": 1}, "route_server_client 1, must be bool"),
        ({"confederation": 100}, "confederation 100, must be Confederation"),
        ({"families": ["ipv4-unicast"]}, "families 'ipv4-unicast', must be Family"),
        ({"families": [(1, 1)]}, r"families \(1, 1\), must be Family"),
        ({"families": IPV4_UNICAST}, "must be a list"),
        ({"password": "\ud800 secret"}, "^password, must be octets or text that can be written in UTF-8$"),
        ({"password": bytearray(b"secret")}, "^password, must be octets or text"),
        ({"peer_address": 5}, "5 is not an IP address"),
        ({"passive": "no"}, "passive 'no', must be bool"),
        ({"send_hold_time": "100"}, "send_hold_time '100' s, must be 0 to 65535"),
        ({"add_path": {IPV4_UNICAST: -1}}, "ipv4 unicast direction -1, must be 1 to 3"),
        ({"extended_next_hop": [5]}, "next hops 5, must be tuple"),
        ({"capabilities": [1]}, "capabilities 1, must be MultiprotocolCapability or"),
        ({"graceful_restart": 120}, "graceful_restart 120, must be GracefulRestartConfig or None"),
        ({"prefix_limits": {IPV4_UNICAST: 5}}, "limit of ipv4 unicast 5, must be PrefixLimit"),
        ({"prefix_limits": 5}, "prefix_limits 5, must be a list"),
        ({"role": "customer"}, "role 'customer', must be 0 to 4"),
        ({"interface": ""}, "interface '', must be 1 to 15 octets without white space, / and :"),
        ({"interface": "x" * 16}, "interface 'xxxxxxxxxxxxxxxx', must be"),
        ({"interface": "a b"}, "interface 'a b', must be"),
        ({"interface": "a/b"}, "interface 'a/b', must be"),
        ({"interface": ".."}, r"interface '\.\.', must be"),
        ({"interface": 2}, "interface 2, must be str"),
        ({"ttl": 0}, "ttl 0, must be 1 to 255"),
        ({"ttl": 256}, "ttl 256, must be"),
        ({"ttl_security": 0}, "ttl_security 0, must be 1 to 254"),
        ({"ttl_security": 255}, "ttl_security 255, must be"),
        ({"ttl_security": 1, "ttl": 64}, "ttl_security 1 with ttl 64: it sends with 255"),
        ({"user_timeout": 0}, "user_timeout 0 s, must be 0.1 to 65535"),
        ({"dscp": 64}, "dscp 64, must be 0 to 63"),
        ({"dscp": None}, "dscp None, must be"),
        ({"local_as": 10**5000}, "local_as int of too many digits, must be 1 to 4294967295"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        config(**values)


def test_reads_text() -> None:
    found = config(peer_address="2001:db8::2", local_address="2001:db8::1", password="secret")
    assert found.peer_address == ip_address("2001:db8::2")
    assert found.password == b"secret"


def test_options_of_tcp() -> None:
    found = config(peer_address="fe80::2%eth0", interface="eth0", ttl_security=1, user_timeout=30)
    assert str(found.peer_address) == "fe80::2%eth0"
    assert (found.ttl, found.ttl_security, found.dscp) == (None, 1, 48)
    assert config(ttl=255).ttl == 255


def test_does_not_show_the_password() -> None:
    assert "secret" not in repr(config(password="secret"))


def test_the_type_of_the_peer_follows_from_the_as_numbers() -> None:
    assert config().peer_type is PeerType.EXTERNAL
    assert config(peer_as=64512).peer_type is PeerType.INTERNAL


def test_a_configuration_is_a_value() -> None:
    one, other = (
        config(
            families=families,
            add_path=dict.fromkeys(families, AddPathDirection.SEND),
            prefix_limits=dict.fromkeys(families, PrefixLimit(10)),
            graceful_restart=GracefulRestartConfig(long_lived=dict.fromkeys(families, 60)),
            extended_next_hop=[(IPV4_UNICAST, 2)],
            role=Role.PEER,
            send_hold_time=100,
        )
        for families in ([IPV4_UNICAST, IPV6_UNICAST], [IPV6_UNICAST, IPV4_UNICAST])
    )
    assert one == other
    assert hash(one) == hash(other)
    assert one.prefix_limits[0] == (IPV4_UNICAST, PrefixLimit(10))
    assert config(prefix_limits=one.prefix_limits).prefix_limits == one.prefix_limits
    assert config(send_hold_time=0).send_hold_time == 0


def test_prefix_limits() -> None:
    assert PrefixLimit(10).warning_count == 7
    with pytest.raises(LocalError, match="maximum 0, must be 1 to 4294967295"):
        PrefixLimit(0)
    with pytest.raises(LocalError, match="warning 2, must be 0 to 1"):
        PrefixLimit(1, warning=2)
    wrong: Any = "x"
    with pytest.raises(LocalError, match="warning 'x', must be int or float"):
        PrefixLimit(1, warning=wrong)


def test_graceful_restart() -> None:
    with pytest.raises(LocalError, match="restart_time 4096, must be 0 to 4095"):
        GracefulRestartConfig(restart_time=4096)
    with pytest.raises(LocalError, match="long-lived stale time of ipv4 unicast -1, must be 0 to 16777215"):
        GracefulRestartConfig(long_lived={IPV4_UNICAST: -1})


def test_confederation() -> None:
    # RFC 5065 4.
    confed = Confederation(100, [65001, 65002])
    inside = config(local_as=65001, peer_as=65002, confederation=confed)
    assert (inside.peer_type, inside.presented_as) == (PeerType.CONFEDERATION, 65001)
    same = config(local_as=65001, peer_as=65001, confederation=confed)
    assert (same.peer_type, same.presented_as) == (PeerType.INTERNAL, 65001)
    outside = config(local_as=65001, peer_as=64513, confederation=confed)
    assert (outside.peer_type, outside.presented_as) == (PeerType.EXTERNAL, 100)
    assert config().presented_as == 64512
    for values, message in (
        ((0, [1]), "identifier 0, must be 1 to 4294967295"),
        ((100, [0]), "member AS 0, must be 1 to 4294967295"),
        ((100, "1"), "members '1', must be a list"),
    ):
        with pytest.raises(LocalError, match=message):
            Confederation(*values)


def test_next_hops_that_are_ourselves() -> None:
    found = config(next_hop_ipv4="192.0.2.1", next_hop_ipv6="2001:db8::1")
    assert (found.next_hop_ipv4, found.next_hop_ipv6) == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"next_hop_self": True, "route_reflector_client": True, "advertisement_interval": 5}, False),
        ({"connect_retry_time": 7, "passive": True}, False),
        ({"hold_time": 30}, True),
        ({"families": [IPV6_UNICAST]}, True),
        ({"password": "other"}, True),
        ({"next_hop_self": True, "role": Role.PEER}, True),
    ],
)
def test_what_needs_a_new_session(changes: dict[str, Any], expected: bool) -> None:
    assert needs_new_session(config(), config(**changes)) is expected
