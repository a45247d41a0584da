import pytest

from bgp import IPV4_UNICAST, IPV6_UNICAST, NLRI, MPReach, MPUnreach, NextHop, PathAttributes, Update
from bgp.events import RoutesReceived
from bgp.prefix import Family

PLAIN = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
HOP = NextHop("2001:db8::1")
A, B = NLRI(["203.0.113.1/32"]), NLRI(["203.0.113.2/32"])
C, D = NLRI(["2001:db8::/32"]), NLRI(["2001:db8:1::/48"])
NONE, NO_IPV6 = NLRI(), NLRI([], IPV6_UNICAST)


@pytest.mark.parametrize(
    ("family", "announced", "withdrawn", "hop", "expected"),
    [
        (IPV4_UNICAST, A, B, None, Update(announced=A, withdrawn=B, attributes=PLAIN)),
        (IPV4_UNICAST, NONE, B, None, Update(withdrawn=B)),
        (
            IPV4_UNICAST,
            A,
            B,
            HOP,
            Update(attributes=PLAIN, mp_reach=MPReach(A, HOP), mp_unreach=MPUnreach(B)),
        ),
        (IPV6_UNICAST, C, NO_IPV6, HOP, Update(attributes=PLAIN, mp_reach=MPReach(C, HOP))),
        (IPV6_UNICAST, NO_IPV6, D, HOP, Update(mp_unreach=MPUnreach(D))),
        (IPV6_UNICAST, NO_IPV6, D, None, Update(mp_unreach=MPUnreach(D))),
        (IPV4_UNICAST, NONE, NONE, None, None),
        (IPV6_UNICAST, NO_IPV6, NO_IPV6, HOP, None),
    ],
)
def test_routes_as_an_update(
    family: Family, announced: NLRI, withdrawn: NLRI, hop: NextHop | None, expected: Update | None
) -> None:
    event = RoutesReceived(
        family=family, announced=announced, withdrawn=withdrawn, attributes=PLAIN, next_hop=hop
    )
    assert event.update == expected
