"""One message compared field by field: our value beside what tshark reads from its octets.

`compare` fails where they differ and returns what could not be compared, a reason for each; the reasons are the
exceptions that test_tshark.py lists.
"""

from collections.abc import Iterator
from typing import assert_never

from bgp import (
    AFI,
    NLRI,
    SAFI,
    AttributeCode,
    Capability,
    ExtendedCommunity,
    Keepalive,
    LabelledPrefix,
    Message,
    MPReach,
    MPUnreach,
    Notification,
    Open,
    Path,
    PathAttributes,
    Prefix,
    RouteRefresh,
    Update,
    VPNPrefix,
)
from bgp.aspath import ASPath
from bgp.attributes import RawAttribute, split
from bgp.capabilities import UnknownCapability, encode_capability
from bgp.iana import AS_TRANS
from bgp.nlri import OpaqueNLRI
from bgp.offers import (
    AddPathCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    MultiprotocolCapability,
)
from bgp.prefix import IPV6_VPN
from tests.interop.dissection import Field

# Why a list of destinations is left out.
GUESSED_PATH_IDS = "tshark guesses path identifiers where there are none, or the other way round"
PATH_IDS_OF_VPN = "VPN with path identifiers"
VPN_IPV6 = "VPN of IPv6"
UNKNOWN_DISTINGUISHER = "a route distinguisher of an unassigned type"
LABELLED_DEFAULT_ROUTE = "a default route with labels"

_ATTRIBUTE = "update.path_attribute."
_REACH, _UNREACH = _ATTRIBUTE + "mp_reach_nlri", _ATTRIBUTE + "mp_unreach_nlri"

_QOS_MARKINGS = (0x04, 0x44)
"""Types of extended communities that have no subtype, to tshark."""

_Shown = dict[str, list[str]]
"""What the fields of a name are to show, in their order."""


def compare(message: Message, octets: bytes, wide: bool, field: Field) -> Iterator[str]:
    """Compare a message, encoded as these octets, with what tshark reads; yield what was left out.

    `wide` says whether AS numbers have four octets.
    """
    assert field.shows("length") == [str(len(octets))]
    match message:
        case Open():
            assert field.shows("type") == ["1"]
            yield from _compare_open(message, field)
        case Update():
            assert field.shows("type") == ["2"]
            yield from _compare_update(message, octets, wide, field)
        case Notification():
            assert field.shows("type") == ["3"]
            _compare_notification(message, field)
        case Keepalive():
            assert field.shows("type") == ["4"]
        case RouteRefresh():
            family = message.family
            wanted = {"afi": family.afi, "subtype": message.subtype, "safi": family.safi}
            _same({f"route_refresh.{name}": [str(int(number))] for name, number in wanted.items()}, field)
            assert field.shows("type") == ["5"]
        case _:
            assert_never(message)


def _same(wanted: _Shown, field: Field) -> None:
    found = {name: field.shows(name) for name in wanted}
    assert found == wanted, f"tshark has {found}, wanted was {wanted}"


def _compare_notification(message: Notification, field: Field) -> None:
    _same({"notify.major_error": [str(int(message.code))]}, field)
    minor = [each for each in field if each.name.startswith("notify.minor_error") and each.octets]
    assert [int(each.shown, 0) for each in minor] == [message.subcode]
    text = message.communication
    shown = field.first("notify.communication")
    if shown is not None and text is not None and message.data[0] == len(message.data) - 1:
        assert shown.octets == text.encode()


# OPEN.


def _compare_open(message: Open, field: Field) -> Iterator[str]:
    _same(
        {
            "open.version": ["4"],
            "open.myas": [str(message.my_as)],
            "open.holdtime": [str(message.hold_time)],
            "open.identifier": [str(message.router_id)],
        },
        field,
    )
    if field.shows("open.opt.param.type")[:1] == ["255"]:
        yield "the long form of parameters"
        return
    shown = field.all("cap")
    assert len(shown) == len(message.capabilities)
    for capability, each in zip(message.capabilities, shown, strict=True):
        code, length = encode_capability(capability)[:2]
        _same({"cap.type": [str(code)], "cap.length": [str(length)]}, each)
        wanted = _of_capability(capability)
        if wanted is None:
            yield f"capability {code}"
        else:
            _same(wanted, each)


def _of_capability(capability: Capability) -> _Shown | None:
    """The fields of a capability; None if tshark does not know them."""
    match capability:
        case MultiprotocolCapability(family):
            return {"cap.mp.afi": [_n(family.afi)], "cap.mp.safi": [_n(family.safi)]}
        case ExtendedNextHopCapability(pairs):
            return {
                "cap.enh.afi": [_n(family.afi) for family, _ in pairs],
                "cap.enh.safi": [_n(family.safi) for family, _ in pairs],
                "cap.enh.nhafi": [_n(afi) for _, afi in pairs],
            }
        case GracefulRestartCapability():
            return _of_graceful_restart(capability)
        case FourOctetASCapability(asn):
            return {"cap.4as": [str(asn)]}
        case AddPathCapability(families):
            return {
                "cap.ap.afi": [_n(family.afi) for family, _ in families],
                "cap.ap.safi": [_n(family.safi) for family, _ in families],
                "cap.ap.sendreceive": [_n(direction) for _, direction in families],
            }
        case FQDNCapability(host, domain):
            return {
                "cap.orf.fqdn.hostname.len": [_n(len(host.encode()))],
                "cap.orf.fqdn.domain_name.len": [_n(len(domain.encode()))],
            }
        case UnknownCapability():
            return None
        case _:
            return {} if len(encode_capability(capability)) == 2 else None


def _of_graceful_restart(capability: GracefulRestartCapability) -> _Shown:
    families = capability.families
    return {
        "cap.gr.timers.restart_flag": [_n(capability.restarting)],
        "cap.gr.timers.notification_flag": [_n(capability.notification)],
        "cap.gr.timers.restart_time": [_n(capability.restart_time)],
        "cap.gr.afi": [_n(entry.family.afi) for entry in families],
        "cap.gr.safi": [_n(entry.family.safi) for entry in families],
        "cap.gr.flag.pfs": [_n(entry.forwarding_preserved) for entry in families],
    }


def _n(number: int) -> str:
    return str(int(number))


# UPDATE.


def _compare_update(update: Update, octets: bytes, wide: bool, field: Field) -> Iterator[str]:
    lists = [(update.withdrawn, "update.withdrawn_routes"), (update.announced, "update.nlri")]
    lists += [
        (part.nlri, name) for part, name in ((update.mp_reach, _REACH), (update.mp_unreach, _UNREACH)) if part
    ]
    unread = [reason for nlri, name in lists if (reason := _unread(nlri, field.first(name)))]
    if unread and (field.first("_ws.malformed") or GUESSED_PATH_IDS in unread):
        # What tshark stumbles over, it may not get past.
        yield from unread
        return
    yield from _compare_nlri(update.withdrawn, field.first("update.withdrawn_routes"), "withdrawn_prefix")
    yield from _compare_nlri(update.announced, field.first("update.nlri"), "nlri_prefix")
    start = 23 + int.from_bytes(octets[19:21], "big")
    end = start + int.from_bytes(octets[start - 2 : start], "big")
    written = list(split(octets[start:end]))
    codes = {attribute.code for attribute in written}
    assert codes == update.attributes.raw.keys() | set(_beside(update, wide))
    shown = field.all("update.path_attribute")
    assert len(shown) == len(written)
    for attribute, each in zip(written, shown, strict=True):
        yield from _compare_attribute(update, attribute, wide, each)


def _beside(update: Update, wide: bool) -> Iterator[int]:
    """The attributes of an UPDATE that are none of its `attributes`."""
    path, aggregator = update.attributes.as_path, update.attributes.aggregator
    if update.mp_reach is not None:
        yield AttributeCode.MP_REACH_NLRI
    if update.mp_unreach is not None:
        yield AttributeCode.MP_UNREACH_NLRI
    if not wide and path is not None and max(path.without_confederations().asns, default=0) > 0xFFFF:
        yield AttributeCode.AS4_PATH
    if not wide and aggregator is not None and aggregator.asn > 0xFFFF:
        yield AttributeCode.AS4_AGGREGATOR


def _compare_attribute(update: Update, attribute: RawAttribute, wide: bool, field: Field) -> Iterator[str]:
    flags = int(field.shows(_ATTRIBUTE + "flags")[0])
    assert flags & ~0x10 == attribute.flags
    _same(
        {
            _ATTRIBUTE + "type_code": [str(attribute.code)],
            _ATTRIBUTE + "length": [str(len(attribute.value))],
        },
        field,
    )
    match attribute.code:
        case AttributeCode.MP_REACH_NLRI:
            assert update.mp_reach is not None
            yield from _compare_reach(update.mp_reach, field)
        case AttributeCode.MP_UNREACH_NLRI:
            assert update.mp_unreach is not None
            yield from _compare_unreach(update.mp_unreach, field)
        case AttributeCode.COMMUNITIES:
            assert _communities(field) == [int(community) for community in update.attributes.communities]
        case AttributeCode.EXTENDED_COMMUNITIES:
            _compare_extended(update.attributes.extended_communities, field)
        case code:
            wanted = _of_attribute(attribute, update.attributes, wide)
            if wanted is None:
                yield f"attribute {code}"
            else:
                _same(wanted, field)


def _of_attribute(written: RawAttribute, attributes: PathAttributes, wide: bool) -> _Shown | None:
    """What the fields of an attribute show; None if tshark does not know them."""
    aggregator = attributes.aggregator
    match written.code:
        case AttributeCode.ORIGIN:
            return {_ATTRIBUTE + "origin": [_n(attributes.origin or 0)]}
        case AttributeCode.AS_PATH:
            assert attributes.as_path is not None
            return _of_path(attributes.as_path, wide)
        case AttributeCode.AS4_PATH:
            assert attributes.as_path is not None
            return _of_path(attributes.as_path.without_confederations(), wide=True)
        case AttributeCode.NEXT_HOP:
            return {_ATTRIBUTE + "next_hop": [str(attributes.next_hop)]}
        case AttributeCode.MULTI_EXIT_DISC:
            return {_ATTRIBUTE + "multi_exit_disc": [str(attributes.med)]}
        case AttributeCode.LOCAL_PREF:
            return {_ATTRIBUTE + "local_pref": [str(attributes.local_pref)]}
        case AttributeCode.AGGREGATOR | AttributeCode.AS4_AGGREGATOR:
            assert aggregator is not None
            asn = aggregator.asn if len(written.value) == 8 else _narrow(aggregator.asn)
            return {
                _ATTRIBUTE + "aggregator_as": [str(asn)],
                _ATTRIBUTE + "aggregator_origin": [str(aggregator.address)],
            }
        case AttributeCode.ORIGINATOR_ID:
            return {_ATTRIBUTE + "originator_id": [str(attributes.originator_id)]}
        case AttributeCode.CLUSTER_LIST:
            return {"path_attribute.cluster_id": list(map(str, attributes.cluster_list))}
        case AttributeCode.AIGP:
            return {"update.attribute.aigp.accu_igp_metric": [str(attributes.aigp)]}
        case AttributeCode.LARGE_COMMUNITIES:
            numbers = [community.numbers for community in attributes.large_communities]
            names = ("ga", "ldp1", "ldp2")
            return {
                f"large_communities.{name}": [_n(n[at]) for n in numbers] for at, name in enumerate(names)
            }
        case AttributeCode.ATOMIC_AGGREGATE:
            return {}
    return None


def _of_path(path: ASPath, wide: bool) -> _Shown:
    segment = _ATTRIBUTE + "as_path_segment."
    asns = path.asns if wide else map(_narrow, path.asns)
    return {
        segment + "type": [_n(each.type) for each in path.segments],
        segment + "length": [_n(len(each.asns)) for each in path.segments],
        segment + ("as4" if wide else "as2"): list(map(str, asns)),
    }


def _narrow(asn: int) -> int:
    return asn if asn <= 0xFFFF else AS_TRANS


def _communities(field: Field) -> list[int]:
    found = []
    for each in field:
        if each.name == _ATTRIBUTE + "community_wellknown":
            found.append(int.from_bytes(each.octets, "big"))
        elif each.name == _ATTRIBUTE + "community":
            ((high,), (low,)) = (each.shows(_ATTRIBUTE + f"community_{part}") for part in ("as", "value"))
            found.append(int(high) << 16 | int(low))
    return found


def _compare_extended(communities: tuple[ExtendedCommunity, ...], field: Field) -> None:
    shown = field.all("ext_community")
    assert len(shown) == len(communities)
    for community, each in zip(communities, shown, strict=True):
        kind, subtype, *values = each.children
        assert kind.octets == community.wire[:1]
        assert subtype.octets == community.wire[1:2] or community.type in _QOS_MARKINGS
        if community.kind in ("rt", "soo"):
            assert [value.shown for value in values] == list(map(str, community.values))


# Destinations.


def _compare_reach(reach: MPReach, field: Field) -> Iterator[str]:
    _same({f"{_REACH}.afi": [_n(reach.family.afi)], f"{_REACH}.safi": [_n(reach.family.safi)]}, field)
    hops = (f"{_REACH}.next_hop.ipv4", f"{_REACH}.next_hop.ipv6")
    shown = [each.shown for each in field if each.name.startswith(hops)]
    assert shown == list(map(str, reach.next_hop.addresses))
    yield from _compare_nlri(reach.nlri, field.first(_REACH), f"mp_reach_nlri_{_version(reach)}_prefix")


def _compare_unreach(unreach: MPUnreach, field: Field) -> Iterator[str]:
    _same({f"{_UNREACH}.afi": [_n(unreach.family.afi)], f"{_UNREACH}.safi": [_n(unreach.family.safi)]}, field)
    yield from _compare_nlri(
        unreach.nlri, field.first(_UNREACH), f"mp_unreach_nlri_{_version(unreach)}_prefix"
    )


def _version(part: MPReach | MPUnreach) -> str:
    return "ipv4" if part.family.afi == AFI.IPV4 else "ipv6"


def _compare_nlri(nlri: NLRI, field: Field | None, prefix_name: str) -> Iterator[str]:
    """Compare the destinations of a field, whose prefixes have this name."""
    unread = _unread(nlri, field)
    if unread:
        yield unread
    elif field is None:
        assert not nlri
    else:
        items = _destinations(nlri)
        _same(
            {
                "nlri_path_id": [_n(item.path_id) for item in nlri if isinstance(item, Path)],
                "prefix_length": [_n(item.wire[0]) for item in items],
                prefix_name: [str(item.network.network_address) for item in items],
                "label_stack": [_stack(item) for item in items if not isinstance(item, Prefix)],
            },
            field,
        )
        assert [each.octets for each in field.all("rd")] == [
            i.rd.wire for i in items if isinstance(i, VPNPrefix)
        ]


def _destinations(nlri: NLRI) -> list[Prefix | LabelledPrefix | VPNPrefix]:
    found = [item.destination if isinstance(item, Path) else item for item in nlri]
    return [item for item in found if not isinstance(item, OpaqueNLRI)]


def _unread(nlri: NLRI, field: Field | None) -> str | None:
    """Why tshark does not read a list as it was meant; None if it ought to."""
    if not nlri:
        return None
    items, shown = _destinations(nlri), field.all("prefix_length") if field is not None else []
    if nlri.family.safi == SAFI.VPN and nlri.add_path:
        return PATH_IDS_OF_VPN
    if nlri.family == IPV6_VPN:
        return VPN_IPV6
    if any(isinstance(item, VPNPrefix) and item.rd.wire[:2] > b"\0\2" for item in items):
        return UNKNOWN_DISTINGUISHER
    if nlri.family.safi == SAFI.LABELLED_UNICAST and any(not item.network.prefixlen for item in items):
        return LABELLED_DEFAULT_ROUTE
    # A default route that something follows is half of a path identifier to tshark.
    stumbles = any(not item.network.prefixlen for item in items) and len(shown) != len(items)
    path_ids = field.all("nlri_path_id") if field is not None else []
    if stumbles or (field is not None and len(path_ids) != nlri.add_path * len(nlri)):
        return GUESSED_PATH_IDS
    return None


def _stack(destination: object) -> str:
    assert isinstance(destination, LabelledPrefix | VPNPrefix)
    labels = ",".join(map(str, destination.labels))
    return f"{labels} (bottom)" if labels else "0 (withdrawn)"
