"""UPDATEs that break one rule each; see malformed.py for what they are.

A row is a rule, and a strategy for the octets that break it; everything around them is in order for the session.
"""

import functools
from collections.abc import Iterable, Iterator

from hypothesis import strategies as st

from bgp.faults import Treatment
from bgp.iana import AttributeCode, ErrorCode, MessageType, UpdateSubcode
from bgp.negotiated import Negotiated, PeerType
from bgp.prefix import IPV4_UNICAST, IPV6_MULTICAST, IPV6_UNICAST, Family
from bgp.testing.labels import numbers, octets
from bgp.testing.malformed import Malformed, hosts, whole_message
from bgp.wire import uint16

_WITHDRAW = Treatment.TREAT_AS_WITHDRAW
_DISCARD = Treatment.ATTRIBUTE_DISCARD
_DISABLE = Treatment.AFI_SAFI_DISABLE

# Attribute flags, RFC 4271 4.3.
_WELL_KNOWN, _NON_TRANSITIVE, _TRANSITIVE = 0x40, 0x80, 0xC0


def malformed_updates(negotiated: Negotiated) -> st.SearchStrategy[Malformed]:
    """UPDATE messages that break a rule in such a session (RFC 4271 6.3, RFC 7606 and its successors).

    IPv4 unicast has to be among the families; if IPv6 unicast or multicast is, there are cases for
    MP_REACH_NLRI and MP_UNREACH_NLRI.
    """
    return _cases(negotiated)


@functools.lru_cache(maxsize=64)
def _cases(negotiated: Negotiated) -> st.SearchStrategy[Malformed]:
    session = _Session(negotiated)
    cases = [
        *_bad_values(session),
        *_without_routes(session),
        *(case(session) for case in (_bad_flags, _missing, _repeated, _cut, _unknown, _lengths, _prefixes)),
    ]
    for family in session.families:
        cases += [*_bad_reach(session, family), *_bad_unreach(session, family)]
        cases += _bad_multiprotocol(session, family)
    return st.one_of(cases)


class _Session:
    """What a receiver expects in a session, and the parts of a good UPDATE in it."""

    def __init__(self, negotiated: Negotiated) -> None:
        self.negotiated = negotiated
        self.width = 4 if negotiated.four_octet_as else 2
        self.external = negotiated.peer_type is PeerType.EXTERNAL
        self.families = sorted(negotiated.families & {IPV6_UNICAST, IPV6_MULTICAST})

    def asn(self) -> st.SearchStrategy[bytes]:
        return numbers(64511, low=64496).map(lambda asn: asn.to_bytes(self.width, "big"))

    def segment(self, kind: int, count: int = 1) -> st.SearchStrategy[bytes]:
        asns = st.lists(self.asn(), min_size=count, max_size=count)
        return asns.map(lambda several: bytes([kind, count]) + b"".join(several))

    def path(self) -> st.SearchStrategy[bytes]:
        """An AS_PATH; from a member of our confederation it has to begin with one (RFC 5065 5)."""
        sequence = self.segment(2, 2)
        if self.negotiated.peer_type is not PeerType.CONFEDERATION:
            return sequence
        return st.builds(bytes.__add__, self.segment(3), sequence)

    def attributes(self) -> st.SearchStrategy[dict[int, bytes]]:
        """What a route has to have, and sometimes more."""
        mandatory = {1: st.sampled_from([b"\0", b"\1", b"\2"]), 2: self.path(), 3: hosts()}
        if not self.external:
            mandatory[5] = octets(4)
        return st.fixed_dictionaries(mandatory, optional={4: octets(4), 8: octets(4)})

    def nlri(self, family: Family = IPV4_UNICAST) -> st.SearchStrategy[bytes]:
        """One prefix, with a path identifier where that was negotiated."""
        head = octets(4) if family in self.negotiated.add_path_receive else st.just(b"")
        return st.builds(bytes.__add__, head, _IPV4 if family == IPV4_UNICAST else _IPV6)

    def update(
        self, block: st.SearchStrategy[bytes], nlri: st.SearchStrategy[bytes] | None = None
    ) -> st.SearchStrategy[bytes]:
        """A message with these attributes and, unless given, one prefix."""
        return st.builds(_update, block, self.nlri() if nlri is None else nlri)


_IPV4 = st.sampled_from([b"\x18\xc0\x00\x02", b"\x19\xc6\x33\x64\x80", b"\x20\xcb\x00\x71\x07"])
_IPV6 = st.sampled_from([b"\x20\x20\x01\x0d\xb8", b"\x30\x20\x01\x0d\xb8\x00\x07"])
_IPV6_HOP = b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01"


def _update(block: bytes, nlri: bytes = b"", withdrawn: bytes = b"") -> bytes:
    lengths = uint16(len(withdrawn)), uint16(len(block))
    return whole_message(MessageType.UPDATE, lengths[0] + withdrawn + lengths[1] + block + nlri)


def _flags(code: int) -> int:
    if code in (1, 2, 3, 5, 6):
        return _WELL_KNOWN
    return _NON_TRANSITIVE if code in (4, 9, 10, 14, 15, 26) else _TRANSITIVE


def _attribute(code: int, value: bytes, flags: int | None = None) -> bytes:
    return bytes([_flags(code) if flags is None else flags, code, len(value)]) + value


def _coded(code: int, value: bytes) -> tuple[int, bytes]:
    return code, _attribute(code, value)


def _block(attributes: dict[int, bytes]) -> list[bytes]:
    return [_attribute(code, value) for code, value in attributes.items()]


def _shuffled(pieces: Iterable[bytes]) -> st.SearchStrategy[bytes]:
    return st.permutations(list(pieces)).map(b"".join)


def _beside_good(
    session: _Session, attribute: st.SearchStrategy[tuple[int, bytes]]
) -> st.SearchStrategy[bytes]:
    """Attributes of a route, one of them replaced by, or with the addition of, a code and whole octets."""
    return st.tuples(session.attributes(), attribute).flatmap(
        lambda both: _shuffled([*_block({c: v for c, v in both[0].items() if c != both[1][0]}), both[1][1]])
    )


def _survived(
    rule: str, treatment: Treatment, messages: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Malformed]:
    return messages.map(lambda data: Malformed(data, rule, treatment))


def _fatal(
    rule: str, subcode: UpdateSubcode, messages: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Malformed]:
    error = (int(ErrorCode.UPDATE_MESSAGE_ERROR), int(subcode))
    return messages.map(lambda data: Malformed(data, rule, error=error))


# Values of attributes.

_BadValue = tuple[str, int, Treatment, st.SearchStrategy[bytes]]


def _other_than(*sizes: int) -> st.SearchStrategy[bytes]:
    return numbers(40).filter(lambda size: size not in sizes).flatmap(octets)


def _no_multiple_of(size: int) -> st.SearchStrategy[bytes]:
    return numbers(40).filter(lambda count: count % size > 0 or count == 0).flatmap(octets)


def _bad_values(session: _Session) -> Iterator[st.SearchStrategy[Malformed]]:
    rows = [*_bad_paths(session), *_bad_numbers(session), *_bad_lists(), *_bad_as4(session)]
    for rule, code, treatment, values in rows:
        attributes = st.builds(_coded, st.just(code), values)
        yield _survived(rule, treatment, session.update(_beside_good(session, attributes)))


def _bad_paths(session: _Session) -> list[_BadValue]:
    good, one = session.path(), session.segment(2)
    types = st.just(0) | numbers(255, low=5)
    zero = st.just(b"\x02\x01" + bytes(session.width))
    bad: list[tuple[str, st.SearchStrategy[bytes]]] = [
        ("RFC 7606 7.2: AS_PATH segment of an unknown type", types.flatmap(session.segment)),
        ("RFC 7606 7.2: AS_PATH segment of no AS", good.map(lambda path: path + b"\x02\x00")),
        ("RFC 7606 7.2: AS_PATH segment runs over", good.map(lambda path: path[:-1])),
        ("RFC 7606 7.2: AS_PATH has an octet left", good.map(lambda path: path + b"\x02")),
        ("RFC 7607 2: AS_PATH with AS 0", st.builds(bytes.__add__, good, zero)),
    ]
    if session.external:
        confederation = st.sampled_from([3, 4]).flatmap(session.segment)
        bad.append(
            (
                "RFC 5065 5: AS_PATH of a confederation from outside",
                st.builds(bytes.__add__, confederation, one),
            )
        )
    if session.negotiated.peer_type is PeerType.CONFEDERATION:
        bad.append(("RFC 5065 5: AS_PATH that does not begin with AS_CONFED_SEQUENCE", one | st.just(b"")))
    if session.negotiated.reject_as_sets:
        bad.append(("RFC 9774 3: AS_PATH with AS_SET", st.builds(bytes.__add__, good, session.segment(1, 2))))
    return [(rule, AttributeCode.AS_PATH, _WITHDRAW, values) for rule, values in bad]


def _bad_numbers(session: _Session) -> list[_BadValue]:
    aggregator = session.width + 4
    rows: list[_BadValue] = [
        ("RFC 7606 7.1: ORIGIN of a length other than 1", 1, _WITHDRAW, _other_than(1)),
        ("RFC 7606 7.1: ORIGIN is undefined", 1, _WITHDRAW, numbers(255, low=3).map(lambda n: bytes([n]))),
        ("RFC 7606 7.3: NEXT_HOP of a length other than 4", 3, _WITHDRAW, _other_than(4)),
        ("RFC 7606 7.4: MULTI_EXIT_DISC of a length other than 4", 4, _WITHDRAW, _other_than(4)),
        ("RFC 7606 7.6: ATOMIC_AGGREGATE is not empty", 6, _DISCARD, _other_than(0)),
        ("RFC 7606 7.7: AGGREGATOR of another length", 7, _DISCARD, _other_than(aggregator)),
        ("RFC 7607 2: AGGREGATOR of AS 0", 7, _DISCARD, hosts().map(lambda a: bytes(session.width) + a)),
        ("RFC 7311 3.2: AIGP TLV of another length", 26, _DISCARD, st.just(b"\x01\x00\x0a" + bytes(7))),
        ("RFC 9234 5: ONLY_TO_CUSTOMER of a length other than 4", 35, _WITHDRAW, _other_than(4)),
    ]
    if session.external:
        return [
            *rows,
            ("RFC 7606 7.5: LOCAL_PREF from outside", 5, _DISCARD, octets(4)),
            ("RFC 7606 7.9: ORIGINATOR_ID from outside", 9, _DISCARD, octets(4)),
            ("RFC 7606 7.10: CLUSTER_LIST from outside", 10, _DISCARD, octets(8)),
        ]
    return [
        *rows,
        ("RFC 7606 7.5: LOCAL_PREF of a length other than 4", 5, _WITHDRAW, _other_than(4)),
        ("RFC 7606 7.9: ORIGINATOR_ID of a length other than 4", 9, _WITHDRAW, _other_than(4)),
        ("RFC 7606 7.10: CLUSTER_LIST of no multiple of 4", 10, _WITHDRAW, _no_multiple_of(4)),
    ]


def _bad_lists() -> list[_BadValue]:
    return [
        ("RFC 7606 7.8: COMMUNITIES of no multiple of 4", 8, _WITHDRAW, _no_multiple_of(4)),
        ("RFC 7606 7.14: EXTENDED COMMUNITIES of no multiple of 8", 16, _WITHDRAW, _no_multiple_of(8)),
        ("RFC 7606 7.15: IPv6 EXTENDED COMMUNITIES of no multiple of 20", 25, _WITHDRAW, _no_multiple_of(20)),
        ("RFC 8092 6: LARGE_COMMUNITY of no multiple of 12", 32, _WITHDRAW, _no_multiple_of(12)),
    ]


def _bad_as4(session: _Session) -> list[_BadValue]:
    path = st.just(b"\x02\x01\x00\x01\x11\x70")
    aggregator = hosts().map(lambda address: b"\x00\x01\x11\x70" + address)
    if session.negotiated.four_octet_as:
        return [
            ("RFC 6793 4.1: AS4_PATH between NEW speakers", 17, _DISCARD, path),
            ("RFC 6793 4.1: AS4_AGGREGATOR between NEW speakers", 18, _DISCARD, aggregator),
        ]
    return [
        ("RFC 6793 6: AS4_PATH shorter than 6 octets", 17, _DISCARD, numbers(5).flatmap(octets)),
        ("RFC 6793 6: AS4_PATH segment runs over", 17, _DISCARD, path.map(lambda value: value[:-2])),
        (
            "RFC 6793 6: AS4_PATH segment of an unknown type",
            17,
            _DISCARD,
            path.map(lambda v: b"\x09" + v[1:]),
        ),
        ("RFC 6793 6: AS4_AGGREGATOR of a length other than 8", 18, _DISCARD, _other_than(8)),
    ]


def _without_routes(session: _Session) -> Iterator[st.SearchStrategy[Malformed]]:
    """RFC 7606 5.2: what would be treated as a withdrawal, but of nothing."""
    rows: list[tuple[str, UpdateSubcode, bytes]] = [
        ("ORIGIN is undefined", UpdateSubcode.INVALID_ORIGIN_ATTRIBUTE, b"\x40\x01\x01\x03"),
        ("ORIGIN of 2 octets", UpdateSubcode.ATTRIBUTE_LENGTH_ERROR, b"\x40\x01\x02\x00\x00"),
        ("ORIGIN is optional", UpdateSubcode.ATTRIBUTE_FLAGS_ERROR, b"\xc0\x01\x01\x00"),
        ("AS_PATH segment of an unknown type", UpdateSubcode.MALFORMED_AS_PATH, b"\x40\x02\x02\x05\x00"),
        ("MULTI_EXIT_DISC of 3 octets", UpdateSubcode.ATTRIBUTE_LENGTH_ERROR, b"\x80\x04\x03\x00\x00\x00"),
    ]
    withdrawn = st.just(b"") | session.nlri()
    for what, subcode, attribute in rows:
        block = _beside_good(session, st.just((attribute[1], attribute)))
        messages = st.builds(_update, block, withdrawn=withdrawn)
        yield _fatal(f"RFC 7606 5.2: {what}, and no route", subcode, messages)


# Lists of attributes.


def _bad_flags(session: _Session) -> st.SearchStrategy[Malformed]:
    def changed(attributes: dict[int, bytes], choice: int, by: int) -> list[bytes]:
        code = list(attributes)[choice % len(attributes)]
        others = {other: value for other, value in attributes.items() if other != code}
        return [*_block(others), _attribute(code, attributes[code], _flags(code) ^ by)]

    pieces = st.builds(changed, session.attributes(), numbers(9), st.sampled_from([0x40, 0x80, 0xC0]))
    rule = "RFC 7606 3 (c): optional or transitive bit is wrong"
    return _survived(rule, _WITHDRAW, session.update(pieces.flatmap(_shuffled)))


def _missing(session: _Session) -> st.SearchStrategy[Malformed]:
    internal = session.negotiated.peer_type is PeerType.INTERNAL
    codes = st.sampled_from([1, 2, 3, *([5] if internal else [])])
    pieces = st.builds(
        lambda attributes, code: _block({c: v for c, v in attributes.items() if c != code}),
        session.attributes(),
        codes,
    )
    rule = "RFC 7606 3 (d): a well-known mandatory attribute is missing"
    return _survived(rule, _WITHDRAW, session.update(pieces.flatmap(_shuffled)))


def _repeated(session: _Session) -> st.SearchStrategy[Malformed]:
    pieces = session.attributes().map(_block)
    blocks = st.builds(lambda each, n: b"".join([*each, each[n % len(each)]]), pieces, numbers(9))
    return _survived("RFC 7606 3 (g): an attribute occurs twice", _DISCARD, session.update(blocks))


def _cut(session: _Session) -> st.SearchStrategy[Malformed]:
    """The last attribute is one of 40 octets by its length, or has no length."""
    rests = (
        octets(3).map(lambda start: b"\xc0\x63\x28" + start),
        st.sampled_from([b"\xc0", b"\xc0\x63", b"\xd0\x63\x00"]),
    )
    good = session.attributes().map(_block).flatmap(_shuffled)
    blocks = st.builds(bytes.__add__, good, st.one_of(*rests))
    return _survived("RFC 7606 4: an attribute runs over", _WITHDRAW, session.update(blocks))


def _unknown(session: _Session) -> st.SearchStrategy[Malformed]:
    unknown = st.builds(
        lambda code, value: (code, _attribute(code, value, _WELL_KNOWN)),
        st.sampled_from([99, 150, 200]),
        st.binary(max_size=9),
    )
    rule = "RFC 4271 6.3: a well-known attribute is unknown"
    subcode = UpdateSubcode.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE
    return _fatal(rule, subcode, session.update(_beside_good(session, unknown)))


# Lengths and prefixes.


def _lengths(session: _Session) -> st.SearchStrategy[Malformed]:
    good = session.update(session.attributes().map(_block).flatmap(_shuffled))
    # Both lengths stand where they do in a message that withdraws nothing.
    places = st.sampled_from([19, 21])
    too_large = st.builds(
        lambda data, place, more: data[:place] + uint16(len(data) - place - 1 + more) + data[place + 2 :],
        good,
        places,
        numbers(60000),
    )
    rule = "RFC 7606 3 (b): a length reaches beyond the message"
    return _fatal(rule, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, too_large)


def _prefixes(session: _Session) -> st.SearchStrategy[Malformed]:
    bad = _bad_nlri(session, IPV4_UNICAST, 32)
    good = session.attributes().map(_block).flatmap(_shuffled)
    messages = st.builds(_update, good, bad) | st.builds(_update, good, session.nlri(), bad)
    return _fatal("RFC 7606 5.3: a prefix cannot be", UpdateSubcode.INVALID_NETWORK_FIELD, messages)


def _bad_nlri(session: _Session, family: Family, bits: int) -> st.SearchStrategy[bytes]:
    """A good prefix, and one that is longer than an address or than the field."""
    good = session.nlri(family)
    head = octets(4) if family in session.negotiated.add_path_receive else st.just(b"")
    lengths = numbers(255, low=bits + 1).map(lambda length: bytes([length]) + bytes(-(-length // 8)))
    too_long = st.builds(bytes.__add__, head, lengths)
    return st.builds(bytes.__add__, good, too_long | good.map(lambda prefix: prefix[:-1]))


# MP_REACH_NLRI and MP_UNREACH_NLRI.


def _afi_safi(family: Family) -> bytes:
    return uint16(family.afi) + bytes([family.safi])


def _reach(family: Family, nlri: bytes, hop: bytes = _IPV6_HOP) -> bytes:
    return _afi_safi(family) + bytes([len(hop)]) + hop + b"\0" + nlri


def _bad_reach(session: _Session, family: Family) -> Iterator[st.SearchStrategy[Malformed]]:
    good = session.nlri(family).map(lambda nlri: _reach(family, nlri))
    bad = _bad_nlri(session, family, 128).map(lambda nlri: _reach(family, nlri))
    hops = _other_than(16, 24, 32, 48)
    other_hops = st.builds(lambda nlri, hop: _reach(family, nlri, hop), session.nlri(family), hops)
    short = st.sampled_from([b"", b"\0"]).map(lambda end: _afi_safi(family) + end)
    rows: list[tuple[str, st.SearchStrategy[bytes], int]] = [
        ("RFC 7606 7.11: next hop of another length", other_hops, _NON_TRANSITIVE),
        ("RFC 7606 5.3: MP_REACH_NLRI shorter than 5 octets", short, _NON_TRANSITIVE),
        ("RFC 7606 5.3: MP_REACH_NLRI with wrong flags", good, _TRANSITIVE),
        ("RFC 7606 5.3: MP_REACH_NLRI with a prefix that cannot be", bad, _NON_TRANSITIVE),
    ]
    for rule, values, flags in rows:
        yield _disabling(session, rule, AttributeCode.MP_REACH_NLRI, values, flags)


def _bad_unreach(session: _Session, family: Family) -> Iterator[st.SearchStrategy[Malformed]]:
    good = session.nlri(family).map(lambda nlri: _afi_safi(family) + nlri)
    bad = _bad_nlri(session, family, 128).map(lambda nlri: _afi_safi(family) + nlri)
    code = AttributeCode.MP_UNREACH_NLRI
    wrong, cannot = "MP_UNREACH_NLRI with wrong flags", "MP_UNREACH_NLRI with a prefix that cannot be"
    yield _disabling(session, f"RFC 7606 5.3: {wrong}", code, good, _TRANSITIVE)
    yield _disabling(session, f"RFC 7606 5.3: {cannot}", code, bad, _NON_TRANSITIVE)


def _disabling(
    session: _Session, rule: str, code: int, values: st.SearchStrategy[bytes], flags: int
) -> st.SearchStrategy[Malformed]:
    attributes = values.map(lambda value: (code, _attribute(code, value, flags)))
    return _survived(rule, _DISABLE, session.update(_beside_good(session, attributes)))


def _bad_multiprotocol(session: _Session, family: Family) -> Iterator[st.SearchStrategy[Malformed]]:
    """What is fatal: one attribute twice, and one without room for a family."""
    good = session.nlri(family).map(lambda nlri: _attribute(15, _afi_safi(family) + nlri))
    twice = good.map(lambda attribute: (15, attribute * 2))
    rule = "RFC 7606 3 (g): MP_UNREACH_NLRI occurs twice"
    messages = session.update(_beside_good(session, twice))
    yield _fatal(rule, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST, messages)
    short = st.builds(_coded, st.sampled_from([14, 15]), numbers(2).flatmap(octets))
    rule = "RFC 7606 5.3: an attribute of routes shorter than 3 octets"
    messages = session.update(_beside_good(session, short))
    yield _fatal(rule, UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR, messages)
