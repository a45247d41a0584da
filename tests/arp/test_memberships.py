"""Groups joined and left on real interfaces, and what happens when that is not possible."""

import logging
import os
import resource
import socket
from collections.abc import Iterator
from ipaddress import IPv6Address

import pytest

from arp import InterfaceError, solicited_node_group
from arp.memberships import Memberships
from tests.arp.wire import Wire, wire
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

GROUPS = [solicited_node_group(IPv6Address(f"2001:db8::{last:x}")) for last in range(0x11, 0x1B)]


@pytest.fixture
def cable() -> Iterator[Wire]:
    """Give a node and a client; the test is on the node."""
    with wire() as made:
        yield made


@pytest.fixture
def memberships(cable: Wire) -> Iterator[Memberships]:
    """Give the memberships of the node's eth0."""
    made = Memberships("eth0", socket.if_nametoindex("eth0"))
    yield made
    made.close()
    assert made.groups == frozenset()


def joined(cable: Wire) -> set[IPv6Address]:
    """Give those of the groups that the kernel is a member of."""
    lines = cable.node.run("cat", "/proc/net/igmp6").splitlines()
    known = {IPv6Address(bytes.fromhex(line.split()[2])) for line in lines if line.split()[1] == "eth0"}
    return known & set(GROUPS)


def test_groups_are_joined_and_left_a_few_at_a_time(cable: Wire, memberships: Memberships) -> None:
    wanted = frozenset(GROUPS[:6])
    assert not memberships.replace(wanted, most=4)
    assert len(joined(cable)) == len(memberships.groups) == 4
    assert memberships.replace(wanted, most=4)
    assert joined(cable) == memberships.groups == wanted
    others = frozenset(GROUPS[4:])
    assert not memberships.replace(others, most=5)  # four to leave, four to join
    assert memberships.replace(others, most=3)
    assert joined(cable) == others


def test_each_socket_holds_as_many_as_fit(cable: Wire, memberships: Memberships) -> None:
    many = frozenset(solicited_node_group(IPv6Address(0x20010DB8 << 96 | last)) for last in range(3000))
    before = open_files()
    assert memberships.replace(many)
    assert 1 < open_files() - before < 100
    assert memberships.replace(frozenset(GROUPS))
    assert joined(cable) == set(GROUPS)


def open_files() -> int:
    """Count what this process has open."""
    return len(os.listdir("/proc/self/fd"))


def test_an_interface_that_is_gone_has_no_groups(
    cable: Wire, memberships: Memberships, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "arp")
    memberships.replace(frozenset(GROUPS[:1]))
    cable.ip("link delete eth0")
    with pytest.raises(InterfaceError, match=f"^eth0: cannot join {GROUPS[1]} "):
        memberships.replace(frozenset(GROUPS[1:2]))
    assert memberships.groups == frozenset()


def test_what_the_system_has_no_room_for_is_named(memberships: Memberships) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(InterfaceError, match=r"^eth0: cannot join .* \(Too many open files\)"):
            memberships.replace(frozenset(GROUPS))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
