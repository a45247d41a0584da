"""All that is configured -> what of it is in force, and what is wrong with the rest.

Every declaration is judged alone (that was done when it was read) and with what it refers to: profile, Secret,
aliases, pools. One with a problem is set aside; if the same thing was good before, that stays in force in its place.
What is wrong between two is held against one of them, never against both:

- Of two things of one kind and name the resource wins over the ConfigMap's, and a warning says so.
- Of two pools that overlap the older one wins, by the time at which it was created; the resources of a directory have
  none and go by name. All programs have to come to the same result, so what they remember must not decide.
- An advertisement that can not go with a pool (its prefixes would reach out of the pool, or it contradicts another
  advertisement of the pool) goes with the other pools.
- An advertisement that names a peer or a pool that is not there goes with those that are. Without an alias that it
  names it is set aside, since what the community was to prevent would happen.

Addresses that Services have, and that no pool has any longer, stay with the pool that they were in, and are given to
nobody else, for as long as a Service has them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar, cast

import attrs

from k8sglue.addresses import Territory, parse_range
from k8sglue.advertising import Announcing, bgp_in_force, l2_in_force, pools_of
from k8sglue.communities import parse_community
from k8sglue.config import (
    AddressRange,
    BGPAdvertisement,
    Config,
    IPAddress,
    L2Advertisement,
    Peer,
    Pool,
    ServiceScope,
)
from k8sglue.declarations import Declaration, Identity, ObjectName
from k8sglue.fields import Path, Problem, show
from k8sglue.findings import Finding, Findings, Severity, by_object
from k8sglue.keeping import with_kept
from k8sglue.kinds import Key, Kind
from k8sglue.peering import peer_in_force, profile_in_force
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.resources import Secret
from k8sglue.schema import Form
from k8sglue.specs import (
    BGPAdvertisementSpec,
    CommunitySpec,
    IPAddressPoolSpec,
    L2AdvertisementSpec,
    ServiceAllocationSpec,
    Spec,
)

S = TypeVar("S", bound=Spec)
V = TypeVar("V")


@attrs.frozen
class Good(Generic[S, V]):
    """Something that is in force: what was written, and what it means."""

    declaration: Declaration[S]
    value: V


@attrs.frozen(kw_only=True)
class Reading:
    """What is in force, and what is wrong."""

    config: Config
    findings: tuple[Finding, ...] = ()
    good: Mapping[Identity, Good[Spec, object]] = attrs.field(factory=dict, repr=False)
    """All that is in force, for when it goes bad."""
    origins: Mapping[str, ObjectName] = attrs.field(factory=dict, repr=False)
    """The object that each pool came from, those that are kept though they are gone among them."""

    @property
    def problems(self) -> Mapping[ObjectName, tuple[Problem, ...]]:
        """What keeps objects, or parts of them, from being in force."""
        return by_object(self.findings, Severity.PROBLEM, Severity.MISSING)

    @property
    def warnings(self) -> Mapping[ObjectName, tuple[Problem, ...]]:
        """What is in force, but perhaps not as meant."""
        return by_object(self.findings, Severity.WARNING)


def judge(
    declarations: Iterable[Declaration[Spec]],
    *,
    secrets: Mapping[Key, Secret] | None = None,
    previous: Reading | None = None,
    in_use: Collection[IPAddress] = (),
    complete: bool = True,
) -> Reading:
    """Find out what is in force.

    Without `secrets`, none is looked for. `previous` is what was in force; `in_use` are the addresses that Services
    have. `complete` is False if it is known that there are pools that nobody could read.
    """
    judgement = _Judgement(declarations, secrets, previous)
    config = judgement.config(complete)
    origins = {
        identity.name: good.declaration.origin
        for identity, good in judgement.good.items()
        if identity.kind is Kind.IP_ADDRESS_POOL
    }
    if previous is not None:
        before = {**previous.origins, **origins}
        config = with_kept(config, previous.config, in_use, before, judgement.findings)
        origins = {name: before[name] for name in config.pools}
    return Reading(
        config=config,
        findings=tuple(judgement.findings.found),
        good=judgement.good,
        origins=origins,
    )


_NAMED = (Kind.IP_ADDRESS_POOL, Kind.BGP_PEER, Kind.BFD_PROFILE)
"""Kinds of which there must be one of a name only, in both forms together."""

_Pools = list[Good[IPAddressPoolSpec, Pool]]


class _Judgement:
    def __init__(
        self,
        declarations: Iterable[Declaration[Spec]],
        secrets: Mapping[Key, Secret] | None,
        previous: Reading | None,
    ) -> None:
        self.findings = Findings()
        self.secrets = secrets
        self.previous = previous.good if previous else {}
        self.good: dict[Identity, Good[Spec, object]] = {}
        ordered = sorted(declarations, key=_precedence)
        for each in ordered:
            self.findings.add_own(each)
        self.declarations = self._unique(ordered)
        self._compare_forms()

    def config(self, complete: bool) -> Config:
        """Judge everything; afterwards `findings` and `good` are whole."""
        profiles = {
            each.declaration.name: each.value for each in self._settle(BFDProfileSpec, profile_in_force)
        }
        peers = self._settle(
            BGPPeerSpec, lambda each: peer_in_force(each, profiles, self.secrets, self.findings)
        )
        self._compare_peers(peers)
        aliases = self._aliases()
        layer2 = self._settle(L2AdvertisementSpec, l2_in_force)
        bgp = self._settle(BGPAdvertisementSpec, lambda each: bgp_in_force(each, aliases, self.findings))
        self._check_names()
        pools = self._pools()
        announced = self._announced(pools, layer2, bgp)
        return Config(
            pools={pool.name: pool for pool in announced},
            peers=tuple(each.value for each in peers),
            complete=complete and len(pools) == len(self._of(IPAddressPoolSpec)),
        )

    def _of(self, spec_type: type[S]) -> list[Declaration[S]]:
        return [cast(Declaration[S], each) for each in self.declarations if isinstance(each.spec, spec_type)]

    def _unique(self, declarations: Sequence[Declaration[Spec]]) -> list[Declaration[Spec]]:
        """Leave out what has the name of something that comes before it."""
        first: dict[tuple[Kind, str], Declaration[Spec]] = {}
        left_out: set[tuple[ObjectName, Path]] = set()
        for each in declarations:
            other = first.setdefault((each.kind, each.name), each)
            if each.kind in _NAMED and each.name and other is not each:
                self._report_double(each, other)
                left_out.add((each.origin, each.path[:2]))
        # The advertisements of a pool in the ConfigMap stand below it, and go with it.
        return [each for each in declarations if (each.origin, each.path[:2]) not in left_out]

    def _report_double(self, declaration: Declaration[Spec], other: Declaration[Spec]) -> None:
        what = f"the {other.kind.value} {show(other.name)}"
        if declaration.form is other.form:
            where, severity = "names must be unique", Severity.PROBLEM
            message = f"{show(other.name)} is the name of another {other.kind.value} too, {where}"
        else:
            message, severity = f"not in force, since {what} is there as a resource", Severity.WARNING
        path = declaration.path if declaration.form is Form.CONFIG_MAP else ("metadata", "name")
        problem = Problem(path, message)
        self.findings.found.append(Finding(declaration.origin, severity, problem))

    def _compare_forms(self) -> None:
        """Say what the ConfigMap adds to the resources, if there are both."""
        if not any(each.form is Form.RESOURCE for each in self.declarations):
            return
        added: dict[ObjectName, list[str]] = {}
        for each in self.declarations:
            if each.form is Form.CONFIG_MAP and each.kind in _NAMED:
                added.setdefault(each.origin, []).append(f"{each.kind.value} {show(each.name)}")
        for origin, names in added.items():
            problem = Problem((), f"in force beside the resources: {', '.join(names)}")
            self.findings.found.append(Finding(origin, Severity.WARNING, problem))

    def _settle(self, spec_type: type[S], resolve: Callable[[Declaration[S]], V | None]) -> list[Good[S, V]]:
        """Return what is in force of one kind: what it means now, or else what it meant when it was good."""
        return [
            good
            for each in self._of(spec_type)
            if (good := self._remember(each, None if each.problems else resolve(each))) is not None
        ]

    def _remember(self, declaration: Declaration[S], value: V | None) -> Good[S, V] | None:
        before = cast("Good[S, V] | None", self.previous.get(declaration.identity))
        good = before if value is None else Good(declaration, value)
        if good is not None:
            self.good[declaration.identity] = cast(Good[Spec, object], good)
        return good

    def _compare_peers(self, peers: Iterable[Good[BGPPeerSpec, Peer]]) -> None:
        first: dict[tuple[object, ...], str] = {}
        for each in peers:
            peer = each.value
            other = first.setdefault((peer.endpoint, peer.vrf, peer.node_selectors), peer.name)
            if other != peer.name:
                message = f"{peer.endpoint}, where {show(other)} is too: only that one gets a session"
                self.findings.add(each.declaration, message, "peer_address", severity=Severity.WARNING)

    def _aliases(self) -> Mapping[str, str]:
        aliases: dict[str, str] = {}
        owners: dict[str, Declaration[CommunitySpec]] = {}
        for each in self._of(CommunitySpec):
            for index, alias in enumerate(each.spec.communities):
                owner = owners.setdefault(alias.name, each)
                community = parse_community(alias.value)
                if community is not None and owner is each:
                    aliases.setdefault(alias.name, community)
                elif owner is not each:
                    wins = owner.form is not each.form
                    message = f"{show(alias.name)}, which {owner.origin} has already"
                    severity = Severity.WARNING if wins else Severity.PROBLEM
                    self.findings.add(each, message, "communities", index, "name", severity=severity)
        return aliases

    def _check_names(self) -> None:
        """Look for names in advertisements of what is not there, not even with problems."""
        names = {(each.kind, each.name) for each in self.declarations}
        for each in self.declarations:
            spec = each.spec
            if each.form is Form.CONFIG_MAP or not isinstance(
                spec, BGPAdvertisementSpec | L2AdvertisementSpec
            ):
                continue
            wanted = [(Kind.IP_ADDRESS_POOL, "ip_address_pools", spec.ip_address_pools)]
            if isinstance(spec, BGPAdvertisementSpec):
                wanted.append((Kind.BGP_PEER, "peers", spec.peers))
            for kind, attribute, texts in wanted:
                for index, name in enumerate(texts):
                    if (kind, name) not in names:
                        message = f"there is no {kind.value} {show(name)}"
                        self.findings.add(each, message, attribute, index, severity=Severity.MISSING)

    def _pools(self) -> _Pools:
        territory = Territory()
        declared = self._of(IPAddressPoolSpec)
        claimed = {
            each.identity: _pool(each)
            for each in declared
            if not each.problems and self._claim(each, territory)
        }
        found: _Pools = []
        for each in declared:
            good = self._remember(each, claimed.get(each.identity))
            if good is None:
                continue
            if each.identity not in claimed and not _claim_all(good.value.ranges, territory, each.name):
                # What it was is somebody else's now.
                del self.good[each.identity]
                continue
            found.append(good)
        return found

    def _claim(self, declaration: Declaration[IPAddressPoolSpec], territory: Territory) -> bool:
        ranges = _ranges(declaration.spec.addresses)
        for index, addresses in enumerate(ranges):
            clash = territory.clash(addresses)
            if clash:
                message = f'{addresses} overlaps with {clash[0]} of the pool "{clash[1]}"'
                self.findings.add(declaration, message, "addresses", index)
        return _claim_all(ranges, territory, declaration.name)

    def _announced(
        self,
        pools: _Pools,
        layer2: Iterable[Good[L2AdvertisementSpec, L2Advertisement]],
        bgp: Iterable[Good[BGPAdvertisementSpec, BGPAdvertisement]],
    ) -> Iterable[Pool]:
        """Return the pools with their advertisements, the resources first and by name."""
        written = [(each.value, each.declaration.form) for each in pools]
        by_l2: dict[str, dict[L2Advertisement, None]] = {pool.name: {} for pool, _ in written}
        by_bgp = {pool.name: Announcing(pool, self.findings) for pool, _ in written}
        for l2 in layer2:
            for name in pools_of(l2.declaration, written):
                by_l2[name][l2.value] = None
        for each in bgp:
            for name in pools_of(each.declaration, written):
                by_bgp[name].add(each.declaration, each.value)
        written.sort(
            key=lambda pair: (pair[1] is Form.CONFIG_MAP, pair[0].name if pair[1] is Form.RESOURCE else "")
        )
        return [
            attrs.evolve(pool, layer2=tuple(by_l2[pool.name]), bgp=by_bgp[pool.name].advertisements)
            for pool, _ in written
        ]


def _precedence(declaration: Declaration[Spec]) -> tuple[bool, str, str]:
    if declaration.form is Form.CONFIG_MAP:
        return True, "", ""
    return False, declaration.created, declaration.name


def _ranges(texts: Iterable[str], *, single: bool = False) -> tuple[AddressRange, ...]:
    found = (parse_range(text, single=single) for text in texts)
    return tuple(each for each in found if isinstance(each, AddressRange))


def _claim_all(ranges: Iterable[AddressRange], territory: Territory, owner: str) -> bool:
    """Add the ranges of a pool to the territory, or none of them if one is somebody's already."""
    if any(territory.clash(addresses) for addresses in ranges):
        return False
    for addresses in ranges:
        territory.add(addresses, owner)
    return True


def _pool(declaration: Declaration[IPAddressPoolSpec]) -> Pool:
    """Return a pool, not announced yet."""
    spec = declaration.spec
    return Pool(
        name=declaration.name,
        ranges=_ranges(spec.addresses),
        labels=declaration.labels,
        auto_assign=spec.auto_assign,
        avoid_buggy_ips=spec.avoid_buggy_ips,
        scope=_scope(spec.service_allocation) if spec.service_allocation else None,
        order=spec.allocation,
        reuse_delay=spec.reuse_delay,
        reserved=_ranges(spec.reserved, single=True),
        quota=spec.quota,
    )


def _scope(spec: ServiceAllocationSpec) -> ServiceScope:
    return ServiceScope(
        priority=spec.priority,
        namespaces=frozenset(spec.namespaces),
        namespace_selectors=spec.namespace_selectors,
        service_selectors=spec.service_selectors,
    )
