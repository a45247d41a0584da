from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bgp.nlri as nlri_module
from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    SAFI,
    Family,
    LabelledPrefix,
    LocalError,
    Path,
    Prefix,
    UpdateError,
    VPNPrefix,
)
from bgp.nlri import (
    MAX_OPAQUE,
    OpaqueNLRI,
    decoder,
    destination,
    is_readable,
    key_of,
    longest,
    withdrawal_of,
)
from bgp.prefix import IPV4_LABELLED, IPV4_MULTICAST, IPV4_VPN, address_bits
from bgp.testing import READABLE_FAMILIES, destinations, families, nlris, paths
from tests.bgp.pasting import pasted

EVPN = Family(25, 70)
KINDS = st.tuples(st.sampled_from(READABLE_FAMILIES), st.booleans())


def cut(data: bytes, family: Family, add_path: bool) -> Iterator[bytes]:
    """Cut a field as RFC 4760 5, 7911 3, 8277 2 and 4364 4.3.4 say, slowly; raise `ValueError` if it cannot be."""
    while data:
        start = 4 if add_path else 0
        bits = data[start : start + 1][0] if len(data) > start else -1
        end = start + 1 + -(-bits // 8)
        if bits < 0 or end > len(data):
            raise ValueError("cut short")
        wire, value = data[:end], data[start + 1 : end]
        if family.safi in (SAFI.LABELLED_UNICAST, SAFI.VPN):
            first = True
            while True:
                label, value, bits = value[:3], value[3:], bits - 24
                if len(label) < 3:
                    raise ValueError("no bottom of the stack")
                if label[2] & 1 or (first and label in (b"\x80\0\0", b"\0\0\0")):
                    break
                first = False
        if family.safi == SAFI.VPN:
            bits -= 64
        if not 0 <= bits <= address_bits(family):
            raise ValueError("too many bits, or too few")
        if spare := -bits % 8:
            wire = wire[:-1] + bytes([wire[-1] >> spare << spare])
        yield wire
        data = data[end:]


def reference(data: bytes, family: Family, add_path: bool) -> tuple[bytes, ...] | None:
    try:
        return tuple(cut(data, family, add_path))
    except ValueError:
        return None


def found(data: bytes, family: Family, add_path: bool) -> tuple[bytes, ...] | None:
    try:
        nlri = NLRI.decode(data, family, add_path)
    except UpdateError:
        return None
    assert nlri.family == family
    assert nlri.add_path is (add_path and bool(data))
    return nlri.wire


@given(st.data(), KINDS)
def test_round_trip(data: st.DataObject, kind: tuple[Family, bool]) -> None:
    nlri = data.draw(nlris(*kind))
    assert NLRI.decode(nlri.encode(), *kind) == nlri
    assert NLRI(nlri) == NLRI(list(nlri), nlri.family) == NLRI.from_wire(nlri.wire, *kind) == nlri
    assert pasted(nlri) == nlri


@given(st.data(), KINDS)
def test_is_cut_as_the_rfcs_say(data: st.DataObject, kind: tuple[Family, bool]) -> None:
    field = data.draw(nlris(*kind)).encode()
    assert found(field, *kind) == reference(field, *kind) is not None


@given(st.data(), KINDS, st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_octet_is_cut_as_the_rfcs_say(
    data: st.DataObject, kind: tuple[Family, bool], place: int, octet: int
) -> None:
    field = bytearray(data.draw(nlris(*kind, min_size=1)).encode())
    field[place % len(field)] = octet
    assert found(bytes(field), *kind) == reference(bytes(field), *kind)


@given(st.binary(max_size=60), KINDS)
@example(b"\x20\xff\xff\xff\xff", (IPV4_UNICAST, False))
def test_any_octets_are_cut_as_the_rfcs_say(field: bytes, kind: tuple[Family, bool]) -> None:
    wires = found(field, *kind)
    assert wires == reference(field, *kind)
    for item in NLRI.from_wire(wires or (), *kind):
        destination = item.destination if isinstance(item, Path) else item
        assert not isinstance(destination, OpaqueNLRI)
        assert address_bits(kind[0]) == destination.network.max_prefixlen
        assert str(destination)


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_UNICAST])
@pytest.mark.parametrize("path_id", [b"", b"\x00\x0a\x18\xff"])
def test_every_length_is_cut_by_the_short_cut(
    family: Family, path_id: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(nlri_module, "_walk")
    bits = address_bits(family)
    wires = [path_id + bytes([n]) + b"\n" * (n // 8) + b"\x80" * (n % 8 > 0) for n in range(bits + 1)]
    assert NLRI.decode(b"".join(wires), family, bool(path_id)).wire == tuple(wires)


def test_bits_after_the_length_do_not_count() -> None:
    assert NLRI.decode(b"\x14\xc0\x00\x2f") == NLRI(["192.0.32.0/20"])
    assert NLRI.decode(b"\x00\x09\xff\xff") == NLRI(["0.0.0.0/0", "255.128.0.0/9"])


@pytest.mark.parametrize(
    ("field", "add_path", "octet"),
    [
        ("21 0102030405", False, 0),
        ("18 c000", False, 0),
        ("08 0a 20", False, 2),
        ("08 0a 18 c000", False, 2),
        ("000000", True, 0),
        ("00000001", True, 0),
        ("00000001 08 0a 00000001 18", True, 6),
        ("00000001 21 0102030405", True, 0),
    ],
)
def test_a_field_that_cannot_be_read_resets_the_session(field: str, add_path: bool, octet: int) -> None:
    data = bytes.fromhex(field)
    with pytest.raises(UpdateError, match=f"ipv4 unicast NLRI at octet {octet} of {len(data)}: ") as caught:
        NLRI.decode(data, add_path=add_path)
    assert (caught.value.code, caught.value.subcode) == (3, 10)


# As values.


def test_is_a_sequence_of_prefixes() -> None:
    nlri = NLRI(["192.0.2.0/24", "198.51.100.0/24"])
    assert nlri[1] == Prefix("198.51.100.0/24")
    assert nlri[1:] == NLRI(["198.51.100.0/24"])
    assert Prefix("192.0.2.0/24") in nlri
    assert len(nlri) == 2
    assert hash(nlri) == hash(NLRI(list(nlri)))
    assert repr(nlri) == "NLRI(['192.0.2.0/24', '198.51.100.0/24'])"
    assert nlri.encode() == bytes.fromhex("18c00002 18c63364")


def test_is_a_sequence_of_paths() -> None:
    nlri = NLRI([Path("192.0.2.0/24", 1), Path(Prefix("192.0.2.0/24"), 0xFFFFFFFF)])
    assert nlri.add_path
    assert nlri[0] == Path("192.0.2.0/24", 1)
    assert nlri[1:].add_path
    assert nlri.encode() == bytes.fromhex("00000001 18c00002 ffffffff 18c00002")
    assert repr(nlri) == (
        "NLRI([Path(destination=Prefix('192.0.2.0/24'), path_id=1),"
        " Path(destination=Prefix('192.0.2.0/24'), path_id=4294967295)])"
    )


@given(st.sampled_from(READABLE_FAMILIES).flatmap(paths))
def test_a_path_is_its_identifier_and_its_destination(path: Path) -> None:
    assert path.wire == path.path_id.to_bytes(4, "big") + path.destination.wire
    assert path.family == path.destination.family
    assert list(NLRI([path])) == [path]


@pytest.mark.parametrize("path_id", [-1, 1 << 32])
def test_path_identifiers_have_four_octets(path_id: int) -> None:
    with pytest.raises(LocalError, match=f"path_id {path_id}, must be 0 to 4294967295"):
        Path("192.0.2.0/24", path_id)


def test_an_empty_list_has_a_family_and_no_paths() -> None:
    assert repr(NLRI()) == "NLRI()"
    assert NLRI().family == IPV4_UNICAST
    assert repr(NLRI([], EVPN)) == f"NLRI([], {EVPN!r})"
    assert NLRI.decode(b"", IPV6_UNICAST, add_path=True) == NLRI([], IPV6_UNICAST)
    assert NLRI.from_wire([], IPV6_UNICAST, add_path=True) == NLRI([], IPV6_UNICAST)
    assert NLRI([Path("192.0.2.0/24", 1)])[1:] == NLRI()


@given(st.data(), families())
def test_other_families_pass_through(data: st.DataObject, family: Family) -> None:
    nlri = data.draw(nlris(family, add_path=True))
    if nlri.is_known:
        return
    assert not nlri.add_path
    assert NLRI.decode(nlri.encode(), family, add_path=True) == nlri
    assert list(nlri) == [OpaqueNLRI(family, wire) for wire in nlri.wire]
    assert NLRI(list(nlri), family) == nlri


def test_only_some_families_are_known() -> None:
    assert all(NLRI([], family).is_known for family in READABLE_FAMILIES)
    assert not NLRI([], EVPN).is_known


@given(st.sampled_from(READABLE_FAMILIES).flatmap(lambda family: st.lists(destinations(family), min_size=1)))
def test_knows_the_family_of_what_it_holds(items: list[Prefix | LabelledPrefix | VPNPrefix]) -> None:
    nlri = NLRI(items)
    assert nlri.family == items[0].family
    assert list(nlri) == items


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["192.0.2.0/24", "2001:db8::/32"], "NLRI of ipv4 unicast, ipv6 unicast, with and without"),
        (["192.0.2.0/24", Prefix("192.0.2.0/24", IPV4_MULTICAST)], "NLRI of ipv4 multicast, ipv4 unicast"),
        (["192.0.2.0/24", Path("192.0.2.0/24", 1)], "with and without path identifiers"),
        (["192.0.2.0"], None),
        (["192.0.2.1/24"], "is not a prefix"),
    ],
)
def test_what_does_not_belong_together(items: list[str | Prefix | Path], message: str | None) -> None:
    if message is None:
        assert NLRI(items) == NLRI(["192.0.2.0/32"])
    else:
        with pytest.raises(LocalError, match=message):
            NLRI(items)


@pytest.mark.parametrize("items", [["192.0.2.0/24"], NLRI(["192.0.2.0/24"]), NLRI([])])
def test_a_family_that_was_stated_has_to_fit(items: list[str] | NLRI) -> None:
    with pytest.raises(LocalError, match="NLRI of ipv4 unicast, must be ipv6 unicast"):
        NLRI(items, IPV6_UNICAST)
    assert NLRI(items, IPV4_UNICAST) == NLRI(items)


def test_decoders_are_made_once() -> None:
    assert decoder(IPV4_LABELLED, False) is decoder(IPV4_LABELLED, False)
    assert decoder(IPV4_VPN, True)(b"").family == IPV4_VPN


def test_text_is_in_the_list() -> None:
    listed = NLRI(["10.0.0.0/8", "192.0.2.0/24"])
    text: object = "10.0.0.0/8"
    assert text in listed
    assert Prefix("192.0.2.0/24") in listed
    for other in ("10.0.0.0/9", "::/0", "x", 5, None, Path("10.0.0.0/8", 1)):
        assert other not in listed


def test_paths_are_in_the_list_with_their_identifiers() -> None:
    listed = NLRI([Path("10.0.0.0/8", 7)])
    assert Path("10.0.0.0/8", 7) in listed
    assert Path("10.0.0.0/8", 8) not in listed
    assert Prefix("10.0.0.0/8") not in listed


@given(st.sampled_from(READABLE_FAMILIES).flatmap(nlris) | nlris(Family(7, 7)))
def test_all_that_is_listed_is_in_the_list(listed: NLRI) -> None:
    assert all(item in listed for item in listed)


@given(st.sampled_from(READABLE_FAMILIES), st.booleans(), st.data())
def test_keys_need_no_objects(family: Family, add_path: bool, data: st.DataObject) -> None:
    listed = data.draw(nlris(family, add_path))
    assert [key_of(family, wire, listed.add_path) for wire in listed.wire] == [item.key for item in listed]


def test_keys_of_what_cannot_be_read() -> None:
    family = Family(7, 7)
    assert key_of(family, b"ab", False) == OpaqueNLRI(family, b"ab").key == b"ab"


def test_a_withdrawn_path_has_the_key_of_the_announced_one() -> None:
    there = Path(VPNPrefix("10.0.0.0/8", rd="64512:1", labels=[100]), 7)
    gone = Path(VPNPrefix("10.0.0.0/8", rd="64512:1"), 7)
    assert there.key == gone.key != Path(gone.destination, 8).key


def test_a_path_says_which_it_is() -> None:
    assert str(Path("203.0.113.0/24", 7)) == "203.0.113.0/24 path 7"


@pytest.mark.parametrize("items", ["10.0.0.0/8", b"ab", 5, None, [None], [5], [b"ab"], [["10.0.0.0/8"]]])
def test_a_list_is_of_destinations(items: Any) -> None:
    with pytest.raises(LocalError, match=r"NLRI .*, must be a list|prefix .*, must be"):
        NLRI(items)


def test_other_types_are_refused() -> None:
    wrong: Any = "x"
    for make in (
        lambda: NLRI([], wrong),
        lambda: Path(Prefix("10.0.0.0/8"), wrong),
        lambda: Path(None, 1),  # type: ignore[arg-type]  # on purpose
        lambda: OpaqueNLRI(wrong, b""),
        lambda: OpaqueNLRI(IPV4_UNICAST, wrong),
        lambda: NLRI.decode(wrong),
    ):
        with pytest.raises(LocalError, match="must be"):
            make()


def test_decodes_octets_of_any_type() -> None:
    expected = NLRI(["10.0.0.0/8"])
    for data in (bytearray(b"\x08\x0a"), memoryview(b"\x08\x0a")):
        assert NLRI.decode(data) == expected


# One destination, for the tables of routes.


@given(
    st.sampled_from([*READABLE_FAMILIES, EVPN]).flatmap(destinations), st.none() | st.integers(0, 0xFFFFFFFF)
)
def test_one_destination(prefix: Any, path_id: int | None) -> None:
    family, add_path = prefix.family, path_id is not None
    front = b"" if path_id is None else path_id.to_bytes(4, "big")
    assert destination(family, prefix.wire) == prefix
    assert len(prefix.wire) <= longest(family)
    key = key_of(family, front + prefix.wire, add_path)
    gone = withdrawal_of(family, key, add_path)
    assert key == front + prefix.key
    assert key_of(family, gone, add_path) == key
    if is_readable(family):
        [read] = NLRI.decode(gone, family, add_path)
        assert (read if path_id is None else read.destination).key == prefix.key  # type: ignore[union-attr]


def test_which_families_are_readable() -> None:
    assert [family for family in [*READABLE_FAMILIES, EVPN] if not is_readable(family)] == [EVPN]
    assert longest(EVPN) == MAX_OPAQUE
    assert [NLRI((), family).has_labels for family in (IPV4_UNICAST, IPV4_LABELLED, IPV4_VPN, EVPN)] == [
        False,
        True,
        True,
        False,
    ]
