import pytest
from hypothesis import given

from bgp import Community, LocalError
from bgp.testing import communities


@given(communities())
def test_prints_as_it_is_typed(community: Community) -> None:
    assert Community(str(community)) == community
    assert eval(repr(community)) == community


def test_names_and_numbers() -> None:
    assert Community("64512:100") == 0xFC000064
    assert Community("No-Export") == Community("65535:65281")
    assert Community(0xFC000064) == Community("64512:100")


@pytest.mark.parametrize(
    "text", ["", "1", "1:", ":1", "65536:1", "1:65536", "1:2:3", "-1:2", "a:b", "no-such", "²:1"]
)
def test_refuses_what_is_no_community(text: str) -> None:
    with pytest.raises(LocalError, match="community"):
        Community(text)


def test_refuses_numbers_of_more_than_four_octets() -> None:
    with pytest.raises(LocalError, match="must be 0 to 4294967295"):
        Community(1 << 32)
