from bgp import NextHop, PathAttributes
from bgp.look import Look

ATTRIBUTES = PathAttributes(origin=0, as_path=[64512])


def test_what_routes_share() -> None:
    one, two = (Look(ATTRIBUTES, NextHop("192.0.2.1"), wire) for wire in (b"\x18\0\0\x11", b"\x18\0\0\x21"))
    assert one != two
    assert one.without_wire() == two.without_wire() == Look(ATTRIBUTES, NextHop("192.0.2.1"))
    assert hash(one.without_wire()) == hash(two.without_wire())


def test_a_next_hop_beside_the_attributes_makes_another_look() -> None:
    assert len({Look(ATTRIBUTES), Look(ATTRIBUTES, NextHop("192.0.2.1")), Look(ATTRIBUTES)}) == 2
