from typing import Any

import attrs
import pytest

from bgp.attributes import PathAttributes
from bgp.errors import LocalError, UpdateError
from bgp.iana import TableDumpV2Subtype
from bgp.labelled import LabelledPrefix, VPNPrefix
from bgp.mrt.rib import (
    RIB,
    Peer,
    PeerIndexTable,
    RIBEntry,
    TableDump,
    Target,
    decode_peer_index_table,
    decode_rib,
    decode_table_dump,
    encode_peer_index_table,
    encode_rib,
    encode_table_dump,
)
from bgp.multiprotocol import NextHop
from bgp.prefix import IPV4_MULTICAST, IPV6_MULTICAST, Prefix
from bgp.wire import Reader, WireError

PLAIN = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.1")
ENTRY = RIBEntry.of(PLAIN, peer_index=1, originated=9)
VPN = VPNPrefix("198.51.100.0/25", rd="64512:1", labels=[100])


def rib(destination: str | Target = "203.0.113.0/24", *entries: RIBEntry) -> RIB:
    return RIB(timestamp=5, sequence=6, destination=destination, entries=entries)


def dump(**values: Any) -> TableDump:
    usual: dict[str, Any] = {
        "timestamp": 5,
        "prefix": "203.0.113.0/24",
        "peer_address": "192.0.2.2",
        "peer_as": 64513,
        "block": b"\x40\x01\x01\x00",
    }
    return TableDump(**{**usual, **values})


# The octets, by RFC 6396 4.3 and RFC 8050 4.


def test_peer_index_table() -> None:
    table = PeerIndexTable(
        timestamp=5,
        collector_id="192.0.2.9",
        view_name="main",
        peers=[
            Peer(address="192.0.2.2", asn=64513, router_id="192.0.2.3", four_octet_as=False),
            Peer(address="2001:db8::2", asn=70000),
        ],
    )
    octets = bytes.fromhex(
        "c0000209 0004 6d61696e 0002"
        "00 c0000203 c0000202 fc01"
        "03 00000000 20010db8000000000000000000000002 00011170"
    )
    assert encode_peer_index_table(table) == octets
    assert decode_peer_index_table(5, Reader(octets)) == table


def test_a_name_that_is_no_utf_8() -> None:
    octets = bytes.fromhex("c0000209 0002 6dff 0000")
    table = decode_peer_index_table(5, Reader(octets))
    assert table.view_name == "m\udcff"
    assert encode_peer_index_table(table) == octets


@pytest.mark.parametrize(
    ("destination", "plain", "with_path_ids", "octets"),
    [
        (Prefix("203.0.113.0/24"), 2, 8, "18cb0071"),
        (Prefix("203.0.113.0/24", IPV4_MULTICAST), 3, 9, "18cb0071"),
        (Prefix("2001:db8::/33"), 4, 10, "2120010db800"),
        (Prefix("2001:db8::/33", IPV6_MULTICAST), 5, 11, "2120010db800"),
        (LabelledPrefix("203.0.113.0/24", labels=[100]), 6, 12, "000104 30000641cb0071"),
        (VPN, 6, 12, "000180 71000641 0000fc0000000001 c6336400"),
    ],
    ids=str,
)
def test_rib(destination: Target, plain: int, with_path_ids: int, octets: str) -> None:
    record = rib(destination, ENTRY)
    wire = PLAIN.wire
    expected = bytes.fromhex("00000006" + octets) + bytes.fromhex("0001 0001 00000009 0014") + wire
    assert encode_rib(record) == (plain, expected)
    assert decode_rib(5, plain, expected) == record

    record = rib(destination, attrs.evolve(ENTRY, path_id=7), attrs.evolve(ENTRY, path_id=8))
    entries = b"".join(bytes.fromhex(f"0001 00000009 0000000{path_id} 0014") + wire for path_id in (7, 8))
    expected = bytes.fromhex("00000006" + octets + "0002") + entries
    assert encode_rib(record) == (with_path_ids, expected)
    assert decode_rib(5, with_path_ids, expected) == record


def test_a_table_without_routes() -> None:
    assert encode_rib(rib()) == (2, bytes.fromhex("00000006 18cb0071 0000"))


def test_a_path_identifier_in_front_of_the_nlri() -> None:
    # RFC 8050 has it so for RIB_GENERIC_ADDPATH alone.
    octets = bytes.fromhex("00000006 000180 00000007") + VPN.wire
    octets += bytes.fromhex("0001 0001 00000009 0014") + PLAIN.wire
    found = decode_rib(5, TableDumpV2Subtype.RIB_GENERIC_ADDPATH, octets)
    assert found == rib(VPN, attrs.evolve(ENTRY, path_id=7))
    with pytest.raises(UpdateError):
        decode_rib(5, TableDumpV2Subtype.RIB_GENERIC, octets)


def test_bits_behind_a_prefix_mean_nothing() -> None:
    found = decode_rib(5, 2, bytes.fromhex("00000006 14cb007f 0000"))
    assert found == rib("203.0.112.0/20")


def test_families_that_are_not_read() -> None:
    assert decode_rib(5, 6, bytes.fromhex("00000006 001946 0203 0000")) is None


@pytest.mark.parametrize(
    ("subtype", "octets", "reason"),
    [
        (2, "", "0 octets, too few for a destination"),
        (2, "00000006", "4 octets, too few for a destination"),
        (2, "00000006 18cb0071", "0 entries end at octet 10 of 8"),
        (2, "00000006 18cb0071 0000 00", "0 entries end at octet 10 of 11"),
        (2, "00000006 18cb0071 0002 0001 00000009 0000 0001", "entry 1 of 2 is cut short"),
        (2, "00000006 18cb0071 0001 0001 00000009 0001", "1 entries end at octet 19 of 18"),
        (8, "00000006 18cb0071 0001 0001 00000009 0000", "entry 0 of 1 is cut short"),
        (6, "00000006 0001", "6 octets, too few for AFI and SAFI"),
        (6, "00000006 000180", "7 octets, too few for a destination"),
        (12, "00000006 000180 00000007", "11 octets, too few for a destination"),
    ],
)
def test_what_cannot_be_read(subtype: int, octets: str, reason: str) -> None:
    with pytest.raises((WireError, UpdateError), match=reason):
        decode_rib(5, subtype, bytes.fromhex(octets))


@pytest.mark.parametrize("octets", ["00000006 21cb00710000 0000", "00000006 18cb00"])
def test_destinations_that_cannot_be(octets: str) -> None:
    with pytest.raises(UpdateError, match="ipv4 unicast NLRI at octet 0"):
        decode_rib(5, 2, bytes.fromhex(octets))


def test_an_entry_of_another_family() -> None:
    hop = NextHop("2001:db8::1")
    entry = RIBEntry.of(PLAIN.evolve(next_hop=None), hop, peer_index=0)
    # RFC 6396 4.3.4: length and address, nothing else.
    assert entry.block.startswith(bytes.fromhex("800e11 10 20010db8000000000000000000000001 400101"))
    assert entry.next_hop == hop


# TABLE_DUMP, by RFC 6396 4.2.


@pytest.mark.parametrize(
    ("record", "afi", "octets"),
    [
        (
            dump(view=1, sequence=2, originated=9),
            1,
            "0001 0002 cb007100 18 01 00000009 c0000202 fc01 0004 40010100",
        ),
        (
            dump(prefix="2001:db8::/33", peer_address="2001:db8::2", status=3),
            2,
            "0000 0000 20010db8000000000000000000000000 21 03 00000000"
            "20010db8000000000000000000000002 fc01 0004 40010100",
        ),
    ],
    ids=["IPv4", "IPv6"],
)
def test_table_dump(record: TableDump, afi: int, octets: str) -> None:
    assert encode_table_dump(record) == (afi, bytes.fromhex(octets))
    assert decode_table_dump(5, afi, Reader(bytes.fromhex(octets))) == record
    assert record.attributes == PathAttributes(origin=0)


def test_a_length_that_cannot_be() -> None:
    octets = bytes.fromhex("0001 0002 cb007100 21 01 00000009 c0000202 fc01 0000")
    with pytest.raises(UpdateError):
        decode_table_dump(5, 1, Reader(octets))


# What people may write.


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"asn": -1}, "asn -1, must be 0 to 4294967295"),
        ({"asn": 70000, "four_octet_as": False}, "asn 70000 in two octets"),
        ({"address": "x"}, "'x' is not an IP address"),
        ({"router_id": "::"}, "'::' is not an IPv4 address"),
    ],
)
def test_peers_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        Peer(**{"address": "192.0.2.1", "asn": 1, **values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"view_name": 1}, "view_name 1, must be str"),
        ({"view_name": "x" * 65536}, "view_name of 65536 octets, at most 65535 fit"),
        ({"view_name": "\ud800"}, "cannot be written in UTF-8"),
        ({"peers": ["192.0.2.1"]}, "must be Peer"),
        ({"peers": [Peer(address="192.0.2.1", asn=1)] * 65536}, "65536 peers, at most 65535 fit"),
        ({"timestamp": 1 << 32}, "timestamp 4294967296"),
    ],
)
def test_tables_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        PeerIndexTable(**{"timestamp": 0, "collector_id": "192.0.2.1", "peers": [], **values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"destination": "x"}, "'x' is not a prefix"),
        ({"destination": 7}, "destination 7, must be Prefix or LabelledPrefix or VPNPrefix"),
        ({"entries": [ENTRY, attrs.evolve(ENTRY, path_id=1)]}, "with and without path identifiers"),
        ({"entries": [1]}, "must be RIBEntry"),
        ({"sequence": -1}, "sequence -1"),
    ],
)
def test_ribs_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        RIB(**{"timestamp": 0, "destination": "0.0.0.0/0", "entries": [], **values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"prefix": "2001:db8::/32"}, "2001:db8::/32 is ipv6 unicast, must be ipv4 unicast"),
        ({"peer_address": "::"}, "203.0.113.0/24 is ipv4 unicast, must be ipv6 unicast"),
        ({"peer_as": 70000}, "peer_as 70000, must be 0 to 65535"),
        ({"block": bytes(65536)}, "block of 65536 octets, at most 65535 fit"),
    ],
)
def test_table_dumps_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        dump(**values)
