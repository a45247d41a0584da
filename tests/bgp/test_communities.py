from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import Community, LocalError
from bgp.communities import (
    LargeCommunity,
    decode_communities,
    encode_communities,
    large_communities,
)
from bgp.communities import communities as read_communities
from bgp.testing.labels import communities, numbers
from bgp.testing.labels import large_communities as all_large_communities
from bgp.wire import WireError

# Communities.


@given(communities())
def test_prints_as_it_is_typed(community: Community) -> None:
    assert Community(str(community)) == community
    assert Community(community.numeric) == community
    assert eval(repr(community)) == community


@given(communities())
def test_round_trip(community: Community) -> None:
    assert len(community.wire) == Community.WIDTH
    assert Community.from_wire(community.wire) == community
    assert type(Community.from_wire(community.wire)) is Community


def test_names_and_numbers() -> None:
    assert Community("64512:100") == 0xFC000064
    assert Community("No-Export") == Community("65535:65281")
    assert Community(0xFC000064) == Community("0xFC000064") == Community("64512:100")
    assert (Community("64512:100").asn, Community("64512:100").label) == (64512, 100)


def test_a_well_known_one_prints_its_name() -> None:
    assert str(Community("65535:65281")) == "no-export"
    assert Community("no-export").numeric == "65535:65281"
    assert str(Community("64512:100")) == "64512:100"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1:",
        ":1",
        "65536:1",
        "1:65536",
        "1:2:3",
        "-1:2",
        "a:b",
        "no-such",
        "²:1",
        "0x",
        "0x1ffffffff",
    ],
)
def test_refuses_what_is_no_community(text: str) -> None:
    with pytest.raises(
        LocalError, match=f"community '{text}', must be two numbers up to 65535, or a well-known"
    ):
        Community(text)


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_refuses_numbers_of_more_than_four_octets(number: int) -> None:
    with pytest.raises(LocalError, match="must be 0 to 4294967295"):
        Community(number)


def test_reads_several() -> None:
    assert read_communities(["1:2", "no-export", 3]) == (
        Community("1:2"),
        Community("no-export"),
        Community(3),
    )


# Large communities.


@given(all_large_communities())
def test_a_large_one_prints_as_it_is_typed(community: LargeCommunity) -> None:
    assert LargeCommunity(str(community)) == community
    assert eval(repr(community)) == community
    assert LargeCommunity(community) == LargeCommunity.from_wire(community.wire) == community
    assert hash(LargeCommunity(str(community))) == hash(community)


def test_three_numbers() -> None:
    community = LargeCommunity("4200000000:1:2")
    assert community.numbers == (4200000000, 1, 2)
    assert community.asn == 4200000000
    assert community.wire == bytes.fromhex("fa56ea00 00000001 00000002")
    assert repr(community) == "LargeCommunity('4200000000:1:2')"


@given(st.tuples(*[numbers(0xFFFFFFFF)] * 3), st.tuples(*[numbers(0xFFFFFFFF)] * 3))
def test_large_ones_order_by_their_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    first, second = (LargeCommunity(":".join(map(str, numbers))) for numbers in (one, other))
    assert (first < second) == (one < other)
    assert (first == second) == (one == other)


@pytest.mark.parametrize(
    "text", ["", "1:2", "1:2:3:4", "1:2:4294967296", "4294967296:1:2", "1:-2:3", "a:1:2", "1::2"]
)
def test_refuses_what_is_no_large_community(text: str) -> None:
    with pytest.raises(LocalError, match=f"large community '{text}', must be three numbers up to 4294967295"):
        LargeCommunity(text)


def test_refuses_what_is_not_twelve_octets() -> None:
    with pytest.raises(LocalError, match="LargeCommunity of 11 octets, must be 12"):
        LargeCommunity(bytes(11))


def test_reads_several_large_ones() -> None:
    assert large_communities(["1:2:3", LargeCommunity("4:5:6")]) == tuple(
        map(LargeCommunity, ["1:2:3", "4:5:6"])
    )


# All.


@given(st.text() | st.text("0123456789:x"))
def test_any_text_is_a_community_or_refused(text: str) -> None:
    for kind in (Community, LargeCommunity):
        try:
            community = kind(text)
        except LocalError:
            continue
        assert kind(str(community)) == community


@given(st.lists(communities(), min_size=1), st.lists(all_large_communities(), min_size=1))
def test_lists_travel(small: list[Community], large: list[LargeCommunity]) -> None:
    assert decode_communities(Community, encode_communities(small)) == tuple(small)
    assert decode_communities(LargeCommunity, encode_communities(large)) == tuple(large)


@pytest.mark.parametrize("length", [0, 11, 13])
def test_refuses_a_list_of_another_length(length: int) -> None:
    with pytest.raises(WireError, match=f"{length} octets of communities, must be a multiple of 12"):
        decode_communities(LargeCommunity, bytes(length))


@pytest.mark.parametrize("text", ["NO_EXPORT", "No-Export", "no_export"])
def test_reads_well_known_names_as_others_write_them(text: str) -> None:
    assert str(Community(text)) == "no-export"


@pytest.mark.parametrize(
    "value", [5.5, None, b"abcd", [1], pytest.param(10**5000, id="huge"), "\uff11:1", "1:1\0"]
)
def test_a_community_is_text_or_an_integer(value: Any) -> None:
    with pytest.raises(LocalError, match=r"community .*, must be"):
        Community(value)


@pytest.mark.parametrize("value", [5, None, [1, 2, 3], bytearray(12), Community("1:1")])
def test_a_large_community_is_text_or_octets(value: Any) -> None:
    with pytest.raises(LocalError, match=r"LargeCommunity .*, must be LargeCommunity"):
        LargeCommunity(value)


@pytest.mark.parametrize("values", ["64512:1", "64512:1:1", b"ab", 5])
def test_one_community_is_no_list(values: Any) -> None:
    for read in (read_communities, large_communities):
        with pytest.raises(LocalError, match=r"communities .*, must be a list"):
            read(values)
