"""Messages and events as text for people: for a terminal or a log.

    UPDATE, treat-as-withdraw
      withdrawn: 192.0.2.0/24
      announced: 203.0.113.7/32, 203.0.113.8/32
      ORIGIN: igp [well-known, transitive]
      AS_PATH: 64512 {64513 64514} [well-known, transitive]
      fault: NEXT_HOP is missing; treat-as-withdraw, once UPDATE Message Error / Missing Well Known Attribute; 0x03

The first line is a headline, further ones are indented. Of a fault it tells what it costs, and what NOTIFICATION it
would have led to before RFC 7606. Text is not meant to be read by programs, which jsonform.py is for, and may change.
What a peer has written is escaped where it could break a line or move the cursor.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from bgp.attributes import PathAttributes, RawAttribute
from bgp.attributetable import BY_CODE, Aggregator
from bgp.capabilities import Capability, UnknownCapability, encode_capability
from bgp.errors import PeerError
from bgp.events import AttemptFailed, Established, Event, RoutesReceived, SessionClosed, StateChanged
from bgp.faults import Fault
from bgp.iana import AttributeCode, AttributeFlag, CapabilityCode, ErrorCode, RefreshSubtype, Role
from bgp.jsonform import flag_names
from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.multiprotocol import NextHop
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, Destination, OpaqueNLRI, Path
from bgp.notification import Notification
from bgp.offers import (
    AddPathCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RoleCapability,
    SoftwareVersionCapability,
)
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.route import Route
from bgp.update import Update
from bgp.values import printable


def to_text(value: Message | Event | PeerError) -> str:
    """Text for a person: a line, or several of which all but the first are indented; no newline at the end."""
    match value:
        case Open():
            return _lines(_open(value))
        case Update():
            return _lines(_update(value))
        case Notification():
            return _lines(_notification(value))
        case Keepalive():
            return "KEEPALIVE"
        case RouteRefresh():
            return _lines(_refresh(value))
        case PeerError():
            return _lines(_error(value))
        case _:
            return _event(value)


def _lines(lines: Iterable[str]) -> str:
    return "\n  ".join(lines)


# OPEN.


def _open(message: Open) -> Iterator[str]:
    two = "" if message.asn == message.my_as else f" ({message.my_as} in two octets)"
    yield f"OPEN: AS {message.asn}{two}, hold time {message.hold_time} s, router ID {message.router_id}"
    for capability in message.capabilities:
        yield f"capability {capability_text(capability)}"
    if message.layout is not None:
        extended = ", with extended lengths" if message.layout.extended else ""
        yield f"in {len(message.layout.groups)} optional parameters{extended}"


def capability_text(capability: Capability) -> str:
    """A capability in words, in one line: "69 add-path: ipv4 unicast send"."""
    code = encode_capability(capability)[0]
    name = f"{code} {_member(CapabilityCode(code))}" if CapabilityCode.has(code) else str(code)
    values = ", ".join(_offered(capability))
    return f"{name}: {values}" if values else name


def _offered(capability: Capability) -> Iterator[str]:
    match capability:
        case MultiprotocolCapability(family):
            yield str(family)
        case FourOctetASCapability(asn):
            yield str(asn)
        case AddPathCapability(families):
            yield from (f"{family} {'/'.join(flag_names(directions))}" for family, directions in families)
        case ExtendedNextHopCapability(next_hops):
            yield from (f"{family} through {registry_name(afi)}" for family, afi in next_hops)
        case RoleCapability(role):
            yield registry_name(role)
        case GracefulRestartCapability():
            yield from _graceful_restart(capability)
        case LongLivedGracefulRestartCapability(families):
            for each in families:
                kept = " (forwarding preserved)" if each.forwarding_preserved else ""
                yield f"{each.family} for {each.stale_time} s{kept}"
        case FQDNCapability(host, domain):
            yield printable(f"{host}.{domain}" if domain else host)
        case SoftwareVersionCapability(text):
            yield printable(text)
        case UnknownCapability(_, value) if value:
            yield _octets(value)


def _graceful_restart(capability: GracefulRestartCapability) -> Iterator[str]:
    yield f"{capability.restart_time} s"
    if capability.restarting:
        yield "restarting"
    if capability.notification:
        yield "after NOTIFICATIONs too"
    for each in capability.families:
        yield f"{each.family}{' (forwarding preserved)' if each.forwarding_preserved else ''}"


# UPDATE.


def _update(update: Update) -> Iterator[str]:
    if update.end_of_rib is not None:
        yield f"UPDATE, End-of-RIB of {update.end_of_rib}"
        return
    yield f"UPDATE, {_member(update.treatment)}" if update.faults else "UPDATE"
    if update.withdrawn:
        yield f"withdrawn: {nlri_text(update.withdrawn)}"
    if update.announced:
        yield f"announced: {nlri_text(update.announced)}"
    if update.mp_unreach is not None:
        yield f"withdrawn of {update.mp_unreach.family}: {nlri_text(update.mp_unreach.nlri)}"
    if update.mp_reach is not None:
        yield f"announced of {update.mp_reach.family}: {nlri_text(update.mp_reach.nlri)}"
        yield f"next hop: {update.mp_reach.next_hop}"
    for attribute in update.attributes.raw.values():
        yield f"{_attribute(update.attributes, attribute)} [{', '.join(_flags(attribute))}]"
    yield from map(_fault, update.faults)


def nlri_text(nlri: NLRI) -> str:
    """Destinations in one line, with commas between; "none" for none."""
    return ", ".join(map(_destination, nlri)) or "none"


def _destination(item: Destination | Path) -> str:
    match item:
        case Path():
            return f"{_destination(item.destination)} path {item.path_id}"
        case OpaqueNLRI():
            return _octets(item.wire)
        case _:
            return str(item)


def _attribute(attributes: PathAttributes, attribute: RawAttribute) -> str:
    name = _attribute_name(attribute.code)
    row = BY_CODE.get(attribute.code)
    value = _value(getattr(attributes, row.field)) if row else _octets(attribute.value)
    return f"{name}: {value}" if value else name


def _attribute_name(code: int) -> str:
    return AttributeCode(code).name if AttributeCode.has(code) else f"attribute {code}"


def _flags(attribute: RawAttribute) -> list[str]:
    flags = flag_names(AttributeFlag(attribute.flags))
    return flags if "optional" in flags else ["well-known", *flags]


def _value(value: object) -> str:
    """The value of a path attribute in words."""
    match value:
        case None:  # an AIGP that holds no metric
            return "no metric"
        case True:  # ATOMIC_AGGREGATE: its name says it all
            return ""
        case enum.Enum():
            return _member(value)
        case Aggregator(asn, address):
            return f"AS {asn}, {address}"
        case tuple():
            return " ".join(map(str, value))
        case _:
            return str(value) or "empty"


def _fault(fault: Fault) -> str:
    once = Notification(ErrorCode.UPDATE_MESSAGE_ERROR, fault.subcode)
    data = f"; {_octets(fault.data)}" if fault.data else ""
    return f"fault: {fault.reason}; {_member(fault.treatment)}, once {once}{data}"


# The others.


def _notification(message: Notification) -> Iterator[str]:
    yield f"NOTIFICATION {int(message.code)}/{int(message.subcode)}: {message}"
    if message.data:
        yield f"data: {_octets(message.data)}"


def _refresh(message: RouteRefresh) -> Iterator[str]:
    subtype = message.subtype
    what = _member(subtype) if isinstance(subtype, RefreshSubtype) else f"subtype {subtype}"
    yield f"ROUTE-REFRESH: {what} of {message.family}"
    if message.data:
        yield f"data: {_octets(message.data)}"


def _error(error: PeerError) -> Iterator[str]:
    yield f"ERROR: {error}"
    yield from (f"to be answered with {line}" for line in _notification(Notification.from_error(error)))


# Events.


def _event(event: Event) -> str:
    match event:
        case StateChanged(old, new):
            return f"{old.value} -> {new.value}"
        case Established(negotiated, peer_open):
            return _lines(
                (
                    f"established with AS {peer_open.asn}, router ID {peer_open.router_id}",
                    *_agreed(negotiated),
                )
            )
        case RoutesReceived():
            return "\n".join(_routes(event))
        case SessionClosed(reason):
            return f"session closed: {reason}"
        case AttemptFailed(reason):
            return f"attempt failed: {reason}"
        case _:
            return _in_words(event)


def _agreed(negotiated: Negotiated) -> Iterator[str]:
    """What both sides agreed on, a line for each point that is out of the ordinary."""
    hold_time = f"hold time {negotiated.hold_time:g} s" if negotiated.hold_time else "no hold time"
    yield f"{negotiated.peer_type.value} session, {hold_time}, {_families(negotiated.families)}"
    if not negotiated.four_octet_as:
        yield "AS numbers of two octets"
    if negotiated.extended_message:
        yield "extended messages"
    if negotiated.add_path_receive:
        yield f"path identifiers from the peer in {_families(negotiated.add_path_receive)}"
    if negotiated.add_path_send:
        yield f"path identifiers to the peer in {_families(negotiated.add_path_send)}"
    if negotiated.graceful_restart:
        yield f"the peer's graceful restart: {', '.join(_graceful_restart(negotiated.graceful_restart))}"
    if negotiated.peer_roles:
        yield f"the peer's role: {', '.join(registry_name(_role(role)) for role in sorted(negotiated.peer_roles))}"
    if negotiated.peer_name:
        yield f"the peer's name: {', '.join(_offered(negotiated.peer_name))}"
    if negotiated.peer_software:
        yield f"the peer's software: {printable(negotiated.peer_software)}"


def _families(families: Iterable[Family]) -> str:
    return ", ".join(map(str, sorted(families))) or "no family"


def _role(number: int) -> int:
    return Role.name_of(number)


def _routes(event: RoutesReceived) -> Iterator[str]:
    """A line for each destination, so that lines can be picked out."""
    family = "" if event.family in (IPV4_UNICAST, IPV6_UNICAST) else f"{event.family} "
    for gone in event.withdrawn:
        yield f"- {family}{_destination(gone)}"
    about = path_text(event.attributes, event.next_hop)
    for there in event.announced:
        yield f"+ {family}{_destination(there)} {about}"
    yield from map(_fault, event.faults)


def path_text(attributes: PathAttributes, next_hop: NextHop | None) -> str:
    """What the attributes of a route say, in one line; `next_hop` is that of MP_REACH_NLRI."""
    return ", ".join(_about(attributes, next_hop))


def _about(attributes: PathAttributes, next_hop: NextHop | None) -> Iterator[str]:
    if next_hop is not None:
        yield f"next hop {next_hop}"
    for attribute in attributes.raw.values():
        row = BY_CODE.get(attribute.code)
        name = row.field.replace("_", " ") if row else _attribute_name(attribute.code)
        value = _value(getattr(attributes, row.field)) if row else _octets(attribute.value)
        yield f"{name} {value}".rstrip()


_WORD: Final = re.compile(r"[A-Z][a-z]+")


def _in_words(event: Event) -> str:
    """Any other event: the name of its class, and its fields."""
    name = " ".join(_WORD.findall(type(event).__name__)).lower()
    values = (getattr(event, field.name) for field in attrs.fields(type(event)))
    return f"{name}: {', '.join(map(_part, values))}"


def _part(value: object) -> str:
    match value:
        case Route():
            return _destination(value.prefix)
        case tuple():
            return ", ".join(map(_part, value))
        case Fault():
            return value.reason
        case _:
            return str(value)


def registry_name(number: int) -> str:
    """The name of a member of a registry, else the number."""
    return _member(number) if isinstance(number, enum.Enum) else str(number)


def _member(member: enum.Enum) -> str:
    return member.name.lower().replace("_", "-")


def _octets(octets: bytes) -> str:
    return f"0x{octets.hex()}" if octets else ""
