"""The ConfigMap that MetalLB v0.7 reads, in its own words.

    peers: [{my-asn, peer-asn, peer-address, peer-port, hold-time, router-id, password, node-selectors}]
    bgp-communities: {alias: "a:b"}
    address-pools: [{name, protocol, addresses, auto-assign, avoid-buggy-ips, bgp-advertisements}]

MetalLB v0.7 refuses the whole document for one mistake, and lets a few mistakes pass. Here every pool and every
peer is judged alone and with what it refers to: one with a problem is set aside, the others are in force, and all
problems come back at once, each with its place. Only a mistake at the top (an unknown key, one that is given twice,
no list where one must be) makes the whole document unusable, because it hides an unknown number of pools. What v0.7
let pass by accident (a reversed range, which left a pool without addresses; `hold-time: 500ms`, which became 0, that
is, no hold timer at all) is a problem here.
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, ip_network

import attrs

from k8sglue.config import (
    AddressRange,
    BGPAdvertisement,
    Config,
    IPAddress,
    L2Advertisement,
    Peer,
    Pool,
    Protocol,
    overlap,
    parse_address,
)
from k8sglue.documents import Document, DocumentError, load_embedded
from k8sglue.durations import parse_duration
from k8sglue.fields import Fields, Problem, show
from k8sglue.selectors import Operator, Requirement, Selector

CONFIG_KEY = "config"
"""The key below `data` that holds the document."""

_UINT32 = 2**32 - 1
_RESERVED = tuple(
    AddressRange(network[0], network[-1])
    for network in map(
        ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8", "fe80::/10")
    )
)
"""This host, loopback, multicast and what lies beyond, link-local."""
_COMMUNITY = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_RFC4271_HOLD_TIMES = "must be 0 (no keepalives) or from 3s to 65535s"


@attrs.frozen(kw_only=True)
class Reading:
    """What a document says, as far as it can be used."""

    config: Config | None = None
    """The pools and peers without a problem; None if the text is no document of this kind at all."""
    problems: tuple[Problem, ...] = ()
    pools_set_aside: frozenset[str] = frozenset()
    """Names of the pools with a problem."""
    peers_set_aside: frozenset[str] = frozenset()
    """Names (`address:port`) of the peers with a problem, as far as they can be told."""

    def over(self, previous: Config | None) -> Config | None:
        """Return what is in force from now on, given what was: the last good state of whatever has a problem."""
        if self.config is None or previous is None:
            return self.config or previous
        return self.config.keeping(previous, self.pools_set_aside, self.peers_set_aside)


def read_text(text: str) -> Reading:
    """Read the value of the ConfigMap's key `config`."""
    try:
        return read_document(load_embedded(text))
    except DocumentError as error:
        return Reading(problems=(Problem((), f"not YAML: {error}"),))


def read_document(document: Document) -> Reading:
    """Read a document that has been parsed already."""
    problems = list(document.problems)
    if not isinstance(document.data, Mapping):
        what = "empty" if document.data is None else show(document.data)
        problems.append(Problem((), f"{what}, must be a mapping with peers and address-pools"))
        return Reading(problems=tuple(problems))
    reading = _Reader(problems).read(Fields.of(document.data, problems))
    if any(len(problem.path) == 1 for problem in reading.problems):
        # A slip in a top-level key hides all that stands below it; what that was, nobody can tell.
        return Reading(problems=reading.problems)
    return reading


@attrs.define
class _Reader:
    problems: list[Problem]
    communities: dict[str, str | None] = attrs.field(factory=dict)
    """By alias; None for one whose value is no community."""
    pools: dict[str, Pool] = attrs.field(factory=dict)
    pools_set_aside: set[str] = attrs.field(factory=set)
    peers_set_aside: set[str] = attrs.field(factory=set)

    def read(self, fields: Fields) -> Reading:
        fields.only("peers", "bgp-communities", "address-pools")
        duplicates = {problem.path for problem in self.problems}
        peers = tuple(filter(None, (self._peer(each, duplicates) for each in fields.each("peers"))))
        self._read_communities(fields)
        complete = True
        for each in fields.each("address-pools"):
            complete &= self._add_pool(each, duplicates)
        return Reading(
            config=Config(pools=self.pools, peers=peers, complete=complete),
            problems=tuple(self.problems),
            pools_set_aside=frozenset(self.pools_set_aside),
            peers_set_aside=frozenset(self.peers_set_aside),
        )

    def _read_communities(self, fields: Fields) -> None:
        below = fields.fields("bgp-communities")
        for alias, text in fields.text_map("bgp-communities").items():
            self.communities[alias] = _community(text)
            if self.communities[alias] is None:
                below.problem(f'"{text}", must be a:b with both from 0 to 65535', alias)

    def _peer(self, fields: Fields, duplicates: set[tuple[str | int, ...]]) -> Peer | None:
        found = len(self.problems)
        fields.only(
            "my-asn",
            "peer-asn",
            "peer-address",
            "peer-port",
            "hold-time",
            "router-id",
            "password",
            "node-selectors",
        )
        address = _address(fields, "peer-address", "missing, a peer needs the address of the router")
        port = fields.integer("peer-port", highest=65535) or 179
        my_asn, asn = _as_number(fields, "my-asn"), _as_number(fields, "peer-asn")
        hold_time = _hold_time(fields)
        router_id = _address(fields, "router-id") if "router-id" in fields else None
        if router_id is not None and not isinstance(router_id, IPv4Address):
            fields.problem(f"{router_id}, must be an IPv4 address", "router-id")
        if address is not None and (address.is_multicast or address.is_unspecified):
            fields.problem(f"{address}, must be the address of one router", "peer-address")
        if router_id is not None and router_id.is_unspecified:
            fields.problem(f"{router_id}, must not be zero", "router-id")
        if address is not None and address.version == 6 and router_id is None:
            fields.problem("missing, must be given for a peer with an IPv6 address", "router-id")
        selectors = tuple(map(_selector, fields.each("node-selectors")))
        password = fields.text("password")
        if len(password.encode()) > 80:
            fields.problem(f"{len(password.encode())} octets, at most 80 fit in a TCP MD5 key", "password")
        name = Peer(name="", address=address, asn=asn, my_asn=my_asn, port=port).endpoint if address else ""
        if len(self.problems) > found or _is_below(fields, duplicates):
            self.peers_set_aside |= {name} - {""}
            return None
        assert address is not None
        return Peer(
            name=name,
            address=address,
            asn=asn,
            my_asn=my_asn,
            port=port,
            hold_time=hold_time,
            router_id=router_id if isinstance(router_id, IPv4Address) else None,
            password=password,
            node_selectors=selectors,
        )

    def _add_pool(self, fields: Fields, duplicates: set[tuple[str | int, ...]]) -> bool:
        """Take the pool in, or set it aside and return False."""
        found = len(self.problems)
        pool = self._pool(fields)
        if pool.name in self.pools:
            fields.problem(f'"{pool.name}" is the name of a pool above, names must be unique', "name")
            return False
        clash = overlap(pool, self.pools)
        if clash:
            mine, other, theirs = clash
            fields.problem(f'{mine} overlaps with {theirs} of the pool "{other.name}"', "addresses")
        if len(self.problems) > found or _is_below(fields, duplicates):
            self.pools_set_aside |= {pool.name} - {""}
            return False
        self.pools[pool.name] = pool
        return True

    def _pool(self, fields: Fields) -> Pool:
        fields.only("name", "protocol", "addresses", "auto-assign", "avoid-buggy-ips", "bgp-advertisements")
        name = fields.text("name")
        if not name:
            fields.problem("missing, a pool needs a name", "name")
        protocol = fields.text("protocol")
        if protocol not in ("layer2", "bgp"):
            fields.problem(f"{show(protocol) if protocol else 'missing'}, must be layer2 or bgp", "protocol")
        ranges = _ranges(fields)
        if protocol == "layer2" and "bgp-advertisements" in fields:
            fields.problem("only a pool with protocol bgp has advertisements", "bgp-advertisements")
        advertisements = tuple(
            self._advertisement(each, ranges) for each in fields.each("bgp-advertisements")
        )
        return Pool(
            name=name,
            ranges=ranges,
            auto_assign=fields.boolean("auto-assign", True),
            avoid_buggy_ips=fields.boolean("avoid-buggy-ips", False),
            layer2=(L2Advertisement(),) if protocol == Protocol.LAYER2.value else (),
            bgp=(advertisements or (BGPAdvertisement(),)) if protocol == Protocol.BGP.value else (),
        )

    def _advertisement(self, fields: Fields, ranges: tuple[AddressRange, ...]) -> BGPAdvertisement:
        fields.only("aggregation-length", "localpref", "communities")
        length = fields.integer("aggregation-length", 32, lowest=1, highest=32)
        for network in (network for addresses in ranges for network in addresses.networks()):
            if network.version == 4 and length < network.prefixlen:
                fields.problem(f"{length}, shorter than {network} of the pool", "aggregation-length")
        return BGPAdvertisement(
            aggregation_length=length,
            local_pref=fields.integer("localpref", highest=_UINT32) if "localpref" in fields else None,
            communities=tuple(sorted(set(self._communities(fields)))),
        )

    def _communities(self, fields: Fields) -> Iterator[str]:
        for index, text in enumerate(fields.texts("communities")):
            community = self.communities[text] if text in self.communities else _community(text)
            if community:
                yield community
            elif text in self.communities:
                fields.problem(f'"{text}", an alias whose value is no community', "communities", index)
            else:
                fields.problem(
                    f'"{text}", must be an alias from bgp-communities or a:b with both from 0 to 65535',
                    "communities",
                    index,
                )


def _is_below(fields: Fields, places: set[tuple[str | int, ...]]) -> bool:
    return any(place[: len(fields.path)] == fields.path for place in places)


def _community(text: str) -> str | None:
    match = _COMMUNITY.fullmatch(text)
    halves = [int(half) for half in match.groups()] if match else []
    return ":".join(map(str, halves)) if halves and max(halves) <= 0xFFFF else None


def _as_number(fields: Fields, key: str) -> int:
    number = fields.integer(key, -1, highest=_UINT32)
    if number == 0 or key not in fields:
        fields.problem("missing, must be an AS number from 1 to 4294967295", key)
    return number


def _address(fields: Fields, key: str, missing: str = "") -> IPAddress | None:
    text = fields.text(key)
    address = parse_address(text) if text else None
    if address is None and (text or missing):
        fields.problem(f'"{text}", must be an IP address' if text else missing, key)
    return address


def _hold_time(fields: Fields) -> float:
    text = fields.text("hold-time")
    if not text:
        return 90.0
    seconds = parse_duration(text)
    if seconds is None:
        unit = f', for example "{text}s"' if text.isdigit() else ""
        fields.problem(f'"{text}", must be a duration with a unit{unit}', "hold-time")
        return 90.0
    if seconds and not 3 <= int(seconds) <= 65535:
        fields.problem(f"{text}, {_RFC4271_HOLD_TIMES}", "hold-time")
        return 90.0
    return float(int(seconds))


def _selector(fields: Fields) -> Selector:
    fields.only("match-labels", "match-expressions")
    labels = fields.text_map("match-labels")
    requirements = [Requirement(key, Operator.IN, frozenset({value})) for key, value in labels.items()]
    for expression in fields.each("match-expressions"):
        requirements += filter(None, [_requirement(expression)])
    return Selector(tuple(requirements))


def _requirement(fields: Fields) -> Requirement | None:
    fields.only("key", "operator", "values")
    key, text, values = fields.text("key"), fields.text("operator"), frozenset(fields.texts("values"))
    operator = next((each for each in Operator if each.value == text), None)
    if not key:
        fields.problem("missing, an expression needs the key of a label", "key")
    if operator is None:
        fields.problem(f'"{text}", must be one of {", ".join(each.value for each in Operator)}', "operator")
        return None
    if (operator in (Operator.IN, Operator.NOT_IN)) != bool(values):
        rule = "must not be empty" if not values else "must be empty"
        fields.problem(f"{rule} with the operator {text}", "values")
    return Requirement(key, operator, values)


def _ranges(fields: Fields) -> tuple[AddressRange, ...]:
    texts = fields.texts("addresses")
    if not texts:
        fields.problem("missing, a pool needs at least one network or range", "addresses")
    ranges: list[AddressRange] = []
    for index, text in enumerate(texts):
        found = _range(text)
        if isinstance(found, str):
            fields.problem(f'"{text}", {found}', "addresses", index)
            continue
        clash = next((other for other in ranges if other.overlaps(found)), None)
        if clash:
            fields.problem(f'"{text}" overlaps with {clash} of the same pool', "addresses", index)
        ranges.append(found)
    return tuple(ranges)


def _range(text: str) -> AddressRange | str:
    """Read a network or a range, or say what is wrong with it."""
    if "-" in text:
        first, last = (parse_address(end.strip()) for end in text.split("-", 1))
        if first is None or last is None:
            return "must be first-last with an IP address on either side"
        if first.version != last.version:
            return "mixes IPv4 and IPv6"
        if int(first) > int(last):
            return "ends before it begins"
        return _usable(AddressRange(first, last))
    try:
        # Host bits are masked away, as MetalLB does.
        network = ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        network = None
    if network is None:
        return "must be a network (10.0.0.0/24) or a range (10.0.0.1-10.0.0.9)"
    return _usable(AddressRange(network[0], network[-1]))


def _usable(addresses: AddressRange) -> AddressRange | str:
    clash = next((reserved for reserved in _RESERVED if addresses.overlaps(reserved)), None)
    return f"overlaps with {clash}, which no Service can have" if clash else addresses
