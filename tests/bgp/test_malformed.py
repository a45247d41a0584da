"""Our own decoder against messages that break one rule each, and that the messages cover the rules."""

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Negotiated,
    PeerError,
    PeerType,
    Treatment,
    Update,
    decode,
)
from bgp.prefix import IPV6_MULTICAST
from bgp.testing import Malformed, malformed_headers, malformed_opens, malformed_updates

ANY = Negotiated(four_octet_as=True)
EVERYTHING = Negotiated(
    four_octet_as=True, reject_as_sets=True, families={IPV4_UNICAST, IPV6_UNICAST, IPV6_MULTICAST}
)
OTHERS = [
    Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL, reject_as_sets=True),
    Negotiated(four_octet_as=True, peer_type=PeerType.CONFEDERATION, add_path_receive={IPV4_UNICAST}),
    Negotiated(four_octet_as=False, peer_type=PeerType.INTERNAL),
    Negotiated(
        four_octet_as=False,
        families={IPV4_UNICAST, IPV6_UNICAST},
        add_path_receive={IPV4_UNICAST, IPV6_UNICAST},
    ),
]


def outcome(case: Malformed, negotiated: Negotiated) -> tuple[Treatment | None, tuple[int, int] | None]:
    """What we make of a message, in the words of `Malformed`."""
    try:
        message = decode(case.octets, negotiated)
    except PeerError as error:
        return None, (int(error.code), int(error.subcode))
    assert isinstance(message, Update)
    return message.treatment, None


@given(malformed_headers() | malformed_opens())
def test_what_ends_a_session(case: Malformed) -> None:
    assert outcome(case, ANY) == (case.treatment, case.error), case.rule


@pytest.mark.parametrize("negotiated", OTHERS)
@given(data=st.data())
def test_what_an_update_costs(negotiated: Negotiated, data: st.DataObject) -> None:
    case = data.draw(malformed_updates(negotiated))
    assert outcome(case, negotiated) == (case.treatment, case.error), case.rule


@given(malformed_updates(EVERYTHING) | malformed_headers() | malformed_opens())
def test_a_case_says_what_it_is(case: Malformed) -> None:
    assert case.rule.startswith("RFC ")
    assert (case.treatment is None) is not (case.error is None)
    assert eval(repr(case), {"Malformed": Malformed, "Treatment": Treatment}) == case


SECTIONS = {
    *("4271 6.3", "7606 3 (b)", "7606 3 (c)", "7606 3 (d)", "7606 3 (g)", "7606 4", "7606 5.2", "7606 5.3"),
    *(f"7606 7.{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 15)),
    *("5065 5", "6793 4.1", "7311 3.2", "7607 2", "8092 6", "9234 5", "9774 3"),
}


def test_every_section_and_what_it_costs() -> None:
    found: set[str] = set()

    @settings(max_examples=400, database=None)
    @given(malformed_updates(EVERYTHING))
    def collect(case: Malformed) -> None:
        assert outcome(case, EVERYTHING) == (case.treatment, case.error), case.rule
        found.add(case.rule.partition(":")[0].removeprefix("RFC "))

    # What is drawn depends on more than the strategy, such as the modules that other tests have imported.
    for number in range(20):
        if found != SECTIONS:
            seed(number)(collect)()
    assert found == SECTIONS
