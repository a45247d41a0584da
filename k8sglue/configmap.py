"""The ConfigMap that MetalLB read until v0.12, in its own words, into what the custom resources are read into.

    peers: [{my-asn, peer-asn, peer-address, peer-port, source-address, hold-time, keepalive-time, router-id, password,
             ebgp-multihop, bfd-profile, node-selectors}]
    bgp-communities: {alias: "a:b"}
    bfd-profiles: [{name, receive-interval, transmit-interval, detect-multiplier, echo-interval, echo-mode,
                    passive-mode, minimum-ttl}]
    address-pools: [{name, protocol, addresses, auto-assign, avoid-buggy-ips,
                     bgp-advertisements: [{aggregation-length, aggregation-length-v6, localpref, communities}]}]

MetalLB v0.7 refuses the whole document for one mistake, and lets a few mistakes pass. Here every entry is judged alone
and with what it refers to: one with a problem is set aside, the others are in force, and all problems come back at
once, each with its place. Only a mistake at the top (an unknown key, one that is given twice, no list where one must
be) makes the whole document unusable, because it hides an unknown number of pools. What v0.7 let pass by accident (a
reversed range, which left a pool without addresses; `hold-time: 500ms`, which became 0, that is, no hold timer at all)
is a problem here.

Peers have no names here. They get one from their address, so that it stays when others come and go; a pool's
advertisements are called as the pool is.
"""

from collections.abc import Iterator, Mapping

import attrs

from k8sglue import schema
from k8sglue.communities import COMMUNITY_RULE
from k8sglue.customresources import add_rules
from k8sglue.declarations import Declaration, ObjectName
from k8sglue.documents import Document, DocumentError, load_embedded
from k8sglue.fields import Fields, Path, Problem, show
from k8sglue.kinds import Kind
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.schema import Form, properties
from k8sglue.specs import (
    AliasSpec,
    BGPAdvertisementSpec,
    CommunitySpec,
    IPAddressPoolSpec,
    L2AdvertisementSpec,
    Spec,
)

CONFIG_KEY = "config"
"""The key below `data` that holds the document."""

TOP_KEYS = ("peers", "bgp-communities", "bfd-profiles", "address-pools")
"""The keys at the top of the document."""


@attrs.frozen(kw_only=True)
class ConfigMapReading:
    """What a document says."""

    declarations: tuple[Declaration[Spec], ...] = ()
    """Every entry, with its problems; empty if the document is unusable."""
    problems: tuple[Problem, ...] = ()
    """Why the document as a whole is unusable; empty if it is not."""


def read_text(text: str, origin: ObjectName) -> ConfigMapReading:
    """Read the value of the ConfigMap's key `config`."""
    try:
        return read_document(load_embedded(text), origin)
    except DocumentError as error:
        return ConfigMapReading(problems=(Problem((), f"not YAML: {error}"),))


def read_document(document: Document, origin: ObjectName) -> ConfigMapReading:
    """Read a document that has been parsed already."""
    if not isinstance(document.data, Mapping):
        what = "empty" if document.data is None else show(document.data)
        problem = Problem((), f"{what}, must be a mapping with peers and address-pools")
        return ConfigMapReading(problems=(*document.problems, problem))
    top: list[Problem] = [problem for problem in document.problems if len(problem.path) < 2]
    fields = Fields.of(document.data, top)
    fields.only(*TOP_KEYS)
    # Each entry gets the problems below it; what is left is about the document.
    reader = _Reader(fields, origin, [problem for problem in document.problems if problem not in top])
    declarations = tuple(reader.read())
    if top:
        # A slip in a top-level key hides all that stands below it; what that was, nobody can tell.
        return ConfigMapReading(problems=tuple(top))
    return ConfigMapReading(declarations=declarations)


@attrs.define
class _Reader:
    fields: Fields
    origin: ObjectName
    doubles: list[Problem]
    """Keys that are given twice."""
    names: set[str] = attrs.field(factory=set)
    """Of the peers so far."""

    def read(self) -> Iterator[Declaration[Spec]]:
        for each in _entries(self.fields, "peers"):
            peer = self._spec(BGPPeerSpec, each)
            yield self._declare(Kind.BGP_PEER, self._peer_name(peer), peer, each)
        for name in self.fields.fields("bgp-communities").keys:
            yield self._alias(name)
        for each in _entries(self.fields, "bfd-profiles"):
            name = _name(each, "a profile")
            profile = self._spec(BFDProfileSpec, each, "name")
            yield self._declare(Kind.BFD_PROFILE, name, profile, each)
        for each in _entries(self.fields, "address-pools"):
            yield from self._pool(each)

    def _alias(self, name: str) -> Declaration[Spec]:
        fields = self.fields.fields("bgp-communities").apart([])
        value = fields.text(name)
        below = Fields({}, (*fields.path, name), fields.problems)
        if not value and not fields.problems:
            below.problem(f"missing, must be {COMMUNITY_RULE}")
        spec = CommunitySpec(communities=(AliasSpec(name=name, value=value),))
        return self._declare(Kind.COMMUNITY, name, spec, below)

    def _pool(self, fields: Fields) -> Iterator[Declaration[Spec]]:
        name = _name(fields, "a pool")
        protocol = fields.text("protocol")
        if protocol not in ("layer2", "bgp"):
            fields.problem(f"{show(protocol) if protocol else 'missing'}, must be layer2 or bgp", "protocol")
        pool = self._spec(IPAddressPoolSpec, fields, "name", "protocol", "bgp-advertisements")
        if protocol == "layer2" and "bgp-advertisements" in fields:
            fields.problem("only a pool with protocol bgp has advertisements", "bgp-advertisements")
        if protocol == "layer2":
            spec = L2AdvertisementSpec(ip_address_pools=(name,))
            yield self._declare(Kind.L2_ADVERTISEMENT, name, spec, fields.apart([]))
        if protocol == "bgp":
            yield from self._advertisements(name, fields)
        yield self._declare(Kind.IP_ADDRESS_POOL, name, pool, fields)

    def _advertisements(self, pool: str, fields: Fields) -> Iterator[Declaration[Spec]]:
        entries = list(_entries(fields, "bgp-advertisements"))
        # An empty list is one advertisement with all as by default.
        for index, each in enumerate(entries or [Fields({}, fields.path, [])]):
            spec = attrs.evolve(self._spec(BGPAdvertisementSpec, each), ip_address_pools=(pool,))
            yield self._declare(Kind.BGP_ADVERTISEMENT, f"{pool}-{index + 1}" if index else pool, spec, each)

    def _spec(self, kind: type[schema.S], fields: Fields, *others: str) -> schema.S:
        known = [meant.key for meant in properties(kind).values() if meant.key]
        fields.only(*others, *known)
        return schema.read(kind, fields, Form.CONFIG_MAP)

    def _declare(self, kind: Kind, name: str, spec: Spec, fields: Fields) -> Declaration[Spec]:
        problems, warnings = fields.problems, list[Problem]()
        problems += [double for double in self.doubles if _is_of(double.path, fields.path)]
        add_rules(spec, Form.CONFIG_MAP, fields.path, problems, warnings)
        return Declaration(
            kind=kind,
            name=name,
            spec=spec,
            origin=self.origin,
            path=fields.path,
            form=Form.CONFIG_MAP,
            problems=tuple(problems),
            warnings=tuple(warnings),
        )

    def _peer_name(self, peer: BGPPeerSpec) -> str:
        """Name a peer as a resource might be named, after what tells it from others."""
        port = f"-{peer.peer_port}" if peer.peer_port not in (0, 179) else ""
        base = f"peer-{str(peer.peer_address or 'nowhere').replace(':', '-').strip('-')}{port}"
        name, number = base, 1
        while name in self.names:
            number += 1
            name = f"{base}-{number}"
        self.names.add(name)
        return name


def _entries(fields: Fields, key: str) -> Iterator[Fields]:
    """Go through a list of mappings; the problems of each are its own."""
    for each in fields.each(key):
        own = [problem for problem in fields.problems if problem.path == each.path]
        fields.problems[:] = [problem for problem in fields.problems if problem.path != each.path]
        yield each.apart(own)


def _is_of(place: Path, entry: Path) -> bool:
    """Tell whether a place is in an entry; an advertisement is an entry of its own, not a part of the pool's."""
    below = place[len(entry) :]
    return place[: len(entry)] == entry and not (below[:1] == ("bgp-advertisements",) and len(below) > 1)


def _name(fields: Fields, what: str) -> str:
    name = fields.text("name")
    if not name:
        fields.problem(f"missing, {what} needs a name", "name")
    return name


def path_in_object(path: Path) -> Path:
    """Return where a place in the document is in the ConfigMap itself."""
    return ("data", CONFIG_KEY, *path)
