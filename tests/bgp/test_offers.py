"""What a speaker can offer: which values are legal, and which are equal."""

from typing import Any

import attrs
import pytest

from bgp.errors import LocalError
from bgp.iana import AFI, AddPathDirection, Role
from bgp.offers import (
    AddPathCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    SoftwareVersionCapability,
)
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family

BOTH_WAYS = AddPathDirection.RECEIVE | AddPathDirection.SEND

MANY = [Family(1, number) for number in range(256)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiprotocolCapability(IPV4_UNICAST, reserved=256), "reserved 256, must be 0 to 255"),
        (lambda: RoleCapability(256), "role 256, must be 0 to 255"),
        (lambda: FourOctetASCapability(0), "asn 0, must be 1 to 4294967295"),
        (
            lambda: ExtendedNextHopCapability([(IPV4_UNICAST, 65536)]),
            "AFI of next hops 65536, must be 0 to 65535",
        ),
        (lambda: ExtendedNextHopCapability([(f, 2) for f in MANY[:43]]), "43 next_hops, at most 42 fit"),
        (lambda: GracefulRestartCapability(restart_time=4096), "restart_time 4096, must be 0 to 4095"),
        (lambda: GracefulRestartCapability(families=dict.fromkeys(MANY, True)), "at most 63 fit"),
        (lambda: GracefulRestartCapability(reserved=4), "reserved 4, must be 0 to 3"),
        (lambda: RestartFamily(IPV4_UNICAST, reserved=128), "reserved 128, must be 0 to 127"),
        (lambda: LongLivedFamily(IPV4_UNICAST, 1 << 24), "stale_time 16777216, must be 0 to 16777215"),
        (lambda: LongLivedFamily(IPV4_UNICAST, 0, reserved=128), "reserved 128, must be 0 to 127"),
        (lambda: LongLivedGracefulRestartCapability(dict.fromkeys(MANY, 1)), "at most 36 fit"),
        (
            lambda: AddPathCapability({IPV4_UNICAST: AddPathDirection(0)}),
            "ipv4 unicast direction 0, must be 1 to 3",
        ),
        (lambda: AddPathCapability([(IPV4_UNICAST, AddPathDirection(4))]), "direction 4, must be 1 to 3"),
        (lambda: AddPathCapability(dict.fromkeys(MANY, BOTH_WAYS)), "256 families, at most 63 fit"),
        (lambda: FQDNCapability("h" * 127, "d" * 127), "host and domain of 254 octets, at most 253 fit"),
        (lambda: FQDNCapability("\ud800"), "cannot be written in UTF-8"),
        (lambda: SoftwareVersionCapability("é" * 128), "text of 256 octets, at most 254 fit"),
    ],
)
def test_refuses_what_cannot_be(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(LocalError, match=message):
        make()


def test_mappings_stand_for_pairs() -> None:
    restart = GracefulRestartCapability(families={IPV4_UNICAST: True, IPV6_UNICAST: False})
    assert restart.families == (RestartFamily(IPV4_UNICAST, True), RestartFamily(IPV6_UNICAST))
    long_lived = LongLivedGracefulRestartCapability({IPV4_UNICAST: 60})
    assert long_lived.families == (LongLivedFamily(IPV4_UNICAST, 60),)
    assert AddPathCapability({IPV4_UNICAST: BOTH_WAYS}).families == ((IPV4_UNICAST, BOTH_WAYS),)
    assert GracefulRestartCapability(families=iter(restart.families)) == restart
    assert LongLivedGracefulRestartCapability(iter(long_lived.families)) == long_lived


def test_numbers_with_a_name_get_it() -> None:
    assert RoleCapability(3).role is Role.CUSTOMER
    assert RoleCapability(77).role == 77
    assert ExtendedNextHopCapability([(IPV4_UNICAST, 2)]).next_hops[0][1] is AFI.IPV6


def test_names_may_have_any_letters() -> None:
    assert FQDNCapability("rüter", domain="bücher.example").host == "rüter"
    assert FQDNCapability("h" * 127, "d" * 126).domain == "d" * 126
    assert SoftwareVersionCapability("x" * 254).text == "x" * 254


def test_reserved_bits_do_not_count() -> None:
    assert MultiprotocolCapability(IPV4_UNICAST, reserved=1) == MultiprotocolCapability(IPV4_UNICAST)
    assert hash(GracefulRestartCapability(reserved=1)) == hash(GracefulRestartCapability())


def test_a_set_of_next_hops_has_one_order() -> None:
    pairs = [(Family(1, safi), 2) for safi in range(20, 0, -1)]
    assert ExtendedNextHopCapability(set(pairs)) == ExtendedNextHopCapability(sorted(pairs))


def test_values_can_be_changed_into_others() -> None:
    capability = GracefulRestartCapability(restart_time=120, families={IPV4_UNICAST: True})
    changed = attrs.evolve(capability, restarting=True)
    assert changed.families == (RestartFamily(IPV4_UNICAST, True),)
    assert changed != capability


ANY: Any = "x"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiprotocolCapability(ANY), "family 'x', must be Family"),
        (lambda: RoleCapability(ANY), "role 'x', must be 0 to 255"),
        (lambda: FourOctetASCapability(ANY), "asn 'x', must be"),
        (lambda: ExtendedNextHopCapability(ANY), "next hops 'x', must be a list"),
        (lambda: ExtendedNextHopCapability([(ANY, 2)]), "must be a Family and what belongs to it"),
        (
            lambda: ExtendedNextHopCapability([(IPV4_UNICAST, ANY)]),
            "AFI of next hops 'x', must be 0 to 65535",
        ),
        (lambda: AddPathCapability(ANY), "directions 'x', must be a list"),
        (lambda: AddPathCapability([ANY]), "directions 'x', must be tuple"),
        (lambda: AddPathCapability({IPV4_UNICAST: ANY}), "ipv4 unicast direction 'x', must be 1 to 3"),
        # An IntFlag takes it for both directions.
        (lambda: AddPathCapability({IPV4_UNICAST: -1}), "ipv4 unicast direction -1, must be 1 to 3"),  # type: ignore[arg-type]
        (lambda: RestartFamily(ANY), "family 'x', must be Family"),
        (lambda: RestartFamily(IPV4_UNICAST, ANY), "forwarding_preserved 'x', must be bool"),
        (lambda: GracefulRestartCapability(families=ANY), "families 'x', must be a list"),
        (lambda: GracefulRestartCapability(families=[ANY]), "families 'x', must be RestartFamily"),
        (lambda: GracefulRestartCapability(restarting=ANY), "restarting 'x', must be bool"),
        (lambda: LongLivedGracefulRestartCapability([ANY]), "families 'x', must be LongLivedFamily"),
        (lambda: LongLivedFamily(IPV4_UNICAST, ANY), "stale_time 'x', must be 0"),
        (lambda: FQDNCapability(None), "host None, must be str"),  # type: ignore[arg-type]
        (lambda: SoftwareVersionCapability(None), "text None, must be str"),  # type: ignore[arg-type]
    ],
)
def test_refuses_other_types(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(LocalError, match=message):
        make()
