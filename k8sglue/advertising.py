"""Advertisements as configured -> how the addresses of each pool are announced."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from k8sglue.communities import COMMUNITY_RULE, parse_community, parse_extended_community
from k8sglue.config import AddressRange, BGPAdvertisement, IPNetwork, L2Advertisement, Pool, WeightedSelector
from k8sglue.declarations import Declaration
from k8sglue.fields import show
from k8sglue.findings import Findings, Severity, missing_in
from k8sglue.schema import Form
from k8sglue.selectors import Selector, selected
from k8sglue.specs import BGPAdvertisementSpec, L2AdvertisementSpec

_AdvertisementSpec = TypeVar("_AdvertisementSpec", BGPAdvertisementSpec, L2AdvertisementSpec)

_USUAL_PREFERENCE = 100


def l2_in_force(declaration: Declaration[L2AdvertisementSpec]) -> L2Advertisement:
    """Return a layer-2 advertisement; which pools it is for is another question."""
    spec = declaration.spec
    return L2Advertisement(
        name=declaration.name,
        node_selectors=spec.node_selectors,
        service_selectors=spec.service_selectors,
        interfaces=tuple(sorted(spec.interfaces)),
        preferred_node_selectors=tuple(
            WeightedSelector(each.weight, each.preference) for each in spec.preferred_node_selectors
        ),
        placement=spec.placement,
        failback=spec.failback,
        gratuitous_interval=spec.gratuitous_interval,
        conflict_policy=spec.conflict_policy,
        probe_before_claim=spec.probe_before_claim,
    )


def bgp_in_force(
    declaration: Declaration[BGPAdvertisementSpec], aliases: Mapping[str, str], findings: Findings
) -> BGPAdvertisement | None:
    """Return a BGP advertisement, or None if a community that it names is unknown."""
    spec = declaration.spec
    found = len(findings.found)
    communities: set[str] = set()
    for index, text in enumerate(spec.communities):
        community = aliases.get(text) or parse_community(text)
        if community is None:
            message = f"{show(text)}, must be an alias that can be used, or {COMMUNITY_RULE}"
            findings.add(declaration, message, "communities", index, severity=missing_in(declaration))
        else:
            communities.add(community)
    if len(findings.found) > found:
        return None
    return BGPAdvertisement(
        name=declaration.name,
        aggregation_length=spec.aggregation_length,
        aggregation_length_v6=spec.aggregation_length_v6,
        local_pref=spec.local_pref,
        communities=tuple(sorted(communities)),
        peers=tuple(sorted(spec.peers)),
        node_selectors=spec.node_selectors,
        service_selectors=spec.service_selectors,
        med=spec.med,
        as_path_prepend=spec.as_path_prepend,
        extended_communities=tuple(
            sorted(filter(None, map(parse_extended_community, spec.extended_communities)))
        ),
        weight=spec.weight,
    )


def pools_of(
    declaration: Declaration[_AdvertisementSpec], pools: Iterable[tuple[Pool, Form]]
) -> Iterator[str]:
    """Go through the names of the pools that an advertisement is for; each comes with the form it is written in."""
    spec = declaration.spec
    for pool, form in pools:
        if declaration.form is Form.CONFIG_MAP:
            # It stands within its pool, whatever pool of that name there is elsewhere.
            if form is Form.CONFIG_MAP and pool.name in spec.ip_address_pools:
                yield pool.name
        elif (
            not (spec.ip_address_pools or spec.ip_address_pool_selectors)
            or pool.name in spec.ip_address_pools
            or (spec.ip_address_pool_selectors and selected(spec.ip_address_pool_selectors, pool.labels))
        ):
            yield pool.name


@attrs.define
class Announcing:
    """The BGP advertisements of one pool, taken in one after the other as far as they go together."""

    pool: Pool
    findings: Findings
    _taken: list[tuple[Declaration[BGPAdvertisementSpec], BGPAdvertisement]] = attrs.field(
        init=False, factory=list
    )

    @property
    def advertisements(self) -> tuple[BGPAdvertisement, ...]:
        """What has been taken in."""
        return tuple(advertisement for _, advertisement in self._taken)

    def add(self, declaration: Declaration[BGPAdvertisementSpec], advertisement: BGPAdvertisement) -> None:
        """Take an advertisement in, unless it reaches out of the pool or contradicts another one."""
        if not self._stays_inside(declaration, advertisement):
            return
        for other_declaration, other in self._taken:
            if attrs.evolve(other, name="") == attrs.evolve(advertisement, name=""):
                message = f'the same as "{other.name}" for the pool "{self.pool.name}"'
                self.findings.add(declaration, message, severity=Severity.WARNING)
                return
            both_old = Form.RESOURCE not in (declaration.form, other_declaration.form)
            # MetalLB took contradictions within its ConfigMap.
            if not both_old and self._contradict(advertisement, other):
                mine, theirs = (_preference(each) for each in (advertisement, other))
                self.findings.add(
                    declaration,
                    f'{mine}, but "{other.name}" announces the same prefixes of the pool "{self.pool.name}" '
                    f"to the same peers with {theirs}",
                    "local_pref",
                )
                return
        self._taken.append((declaration, advertisement))

    def _stays_inside(
        self, declaration: Declaration[BGPAdvertisementSpec], advertisement: BGPAdvertisement
    ) -> bool:
        for addresses in self.pool.ranges:
            version = addresses.first.version
            length, attribute = (
                (advertisement.aggregation_length, "aggregation_length")
                if version == 4
                else (advertisement.aggregation_length_v6, "aggregation_length_v6")
            )
            widest = _widest(addresses)
            if length < widest.prefixlen:
                message = f'{length}, shorter than {widest} of the pool "{self.pool.name}"'
                self.findings.add(declaration, message, attribute)
                return False
        return True

    def _contradict(self, one: BGPAdvertisement, other: BGPAdvertisement) -> bool:
        """Tell whether two advertisements give one prefix two preferences on some node, for sure."""
        versions = {addresses.first.version for addresses in self.pool.ranges}
        same_prefix = (4 in versions and one.aggregation_length == other.aggregation_length) or (
            6 in versions and one.aggregation_length_v6 == other.aggregation_length_v6
        )
        return (
            same_prefix
            and _preference(one) != _preference(other)
            and (not one.peers or not other.peers or bool(set(one.peers) & set(other.peers)))
            and _share_nodes(one.node_selectors, other.node_selectors)
            and not (one.service_selectors or other.service_selectors)
        )


def _widest(addresses: AddressRange) -> IPNetwork:
    return min(addresses.networks(), key=lambda network: network.prefixlen)


def _preference(advertisement: BGPAdvertisement) -> int:
    return _USUAL_PREFERENCE if advertisement.local_pref is None else advertisement.local_pref


def _share_nodes(one: tuple[Selector, ...], other: tuple[Selector, ...]) -> bool:
    """Tell whether two lists of selectors select a node both, whichever nodes there are."""
    everything = Selector()
    return not one or not other or everything in one or everything in other or bool(set(one) & set(other))
