"""BGPPeer and BFDProfile, field by field, like the other custom resources in specs.py."""

import attrs

from k8sglue.config import DynamicASN, IPAddress
from k8sglue.schema import UINT32, Address, Boolean, Choice, Duration, Integer, One, Selectors, Text, declared
from k8sglue.selectors import Selector

_AS_NUMBER = Integer(1, UINT32, "an AS number")
_MILLISECONDS = Integer(10, 60000, "a number of milliseconds")


@attrs.frozen(kw_only=True)
class SecretReference:
    """The Secret that holds a password, under the key `password`."""

    name: str = declared("name", Text("the name of a Secret"), "Of type kubernetes.io/basic-auth.", "")
    namespace: str = declared("namespace", Text(), "The namespace of the BGPPeer, or nothing.", "")


@attrs.frozen(kw_only=True)
class BGPPeerSpec:
    """BGPPeer: a router to have BGP sessions with."""

    my_asn: int = declared("myASN", _AS_NUMBER, "Our AS number.", 0, key="my-asn", required=True)
    peer_asn: int = declared(
        "peerASN", Integer(0, UINT32, "an AS number"), "The peer's AS number.", 0, key="peer-asn"
    )
    dynamic_asn: DynamicASN | None = declared(
        "dynamicASN",
        Choice(DynamicASN),
        "Take any AS number of the peer that is (not) ours.",
        None,
        version="v1beta2",
    )
    local_asn: int | None = declared(
        "localASN", _AS_NUMBER, "An AS number to show to the peer instead of myASN.", None, version="v1beta2"
    )
    peer_address: IPAddress | None = declared(
        "peerAddress", Address(), "Where the peer is.", None, key="peer-address"
    )
    interface: str = declared(
        "interface",
        Text(longest=15),
        "The interface that the peer is the only other router on, in place of an address.",
        "",
        version="v1beta2",
    )
    source_address: IPAddress | None = declared(
        "sourceAddress", Address(), "The address of ours to connect from.", None, key="source-address"
    )
    peer_port: int = declared(
        "peerPort", Integer(0, 65535), "The TCP port that the peer listens on.", 179, key="peer-port"
    )
    hold_time: float | None = declared(
        "holdTime",
        Duration(3, 65535, zero="no keepalives"),
        "The silence of the peer that ends a session (default: 90s, or three times keepaliveTime).",
        None,
        key="hold-time",
    )
    keepalive_time: float | None = declared(
        "keepaliveTime",
        Duration(1, 65535, zero="a third of the hold time"),
        "How often to say that we are alive (default: a third of the hold time).",
        None,
        key="keepalive-time",
    )
    connect_time: float | None = declared(
        "connectTime", Duration(1, 65535), "The pause between attempts to connect.", None, version="v1beta2"
    )
    router_id: IPAddress | None = declared(
        "routerID",
        Address("an IPv4 address"),
        "Our BGP Identifier (default: the address that the connection leaves from).",
        None,
        key="router-id",
    )
    node_selectors: tuple[Selector, ...] = declared(
        "nodeSelectors",
        Selectors(),
        "Nodes that have a session with the peer (default: all).",
        (),
        key="node-selectors",
    )
    password: str = declared(
        "password", Text(longest=80), "Signs each TCP segment (RFC 2385).", "", key="password", secret=True
    )
    password_secret: SecretReference | None = declared(
        "passwordSecret",
        One(SecretReference),
        "The Secret that holds the password, in place of password.",
        None,
        version="v1beta2",
    )
    bfd_profile: str = declared(
        "bfdProfile", Text(), "The BFDProfile to watch the path to the peer with.", "", key="bfd-profile"
    )
    enable_graceful_restart: bool = declared(
        "enableGracefulRestart",
        Boolean(),
        "Ask the peer to keep our routes while we restart (RFC 4724).",
        False,
        version="v1beta2",
    )
    ebgp_multi_hop: bool = declared(
        "ebgpMultiHop", Boolean(), "The peer may be several hops away.", False, key="ebgp-multihop"
    )
    vrf: str = declared("vrf", Text(longest=15), "The Linux VRF that the peer is in.", "", version="v1beta2")
    disable_mp: bool = declared(
        "disableMP", Boolean(), "Without effect: a relic of MetalLB's.", False, version="v1beta2"
    )
    dual_stack_address_family: bool = declared(
        "dualStackAddressFamily",
        Boolean(),
        "Carry the routes of IPv4 and IPv6 over this one session.",
        False,
        version="v1beta2",
    )
    listen: bool = declared("listen", Boolean(), "Take connections of the peer too.", False, ours=True)
    passive: bool = declared(
        "passive", Boolean(), "Never connect, but wait for the peer to.", False, ours=True
    )
    ttl_security: int | None = declared(
        "ttlSecurity",
        Integer(1, 254),
        "At most how many hops away the peer is: packets from farther off do not count (RFC 5082).",
        None,
        ours=True,
    )
    max_prefixes: int | None = declared(
        "maxPrefixes", Integer(1, UINT32), "More prefixes from the peer end the session.", None, ours=True
    )
    shutdown_message: str = declared(
        "shutdownMessage",
        Text(longest=255),
        "What the peer is told when we end the session (RFC 9003).",
        "",
        ours=True,
    )


@attrs.frozen(kw_only=True)
class BFDProfileSpec:
    """BFDProfile: how fast to notice that the path to a peer is broken (RFC 5880)."""

    receive_interval: int = declared(
        "receiveInterval",
        _MILLISECONDS,
        "Milliseconds between packets that we can take.",
        300,
        key="receive-interval",
    )
    transmit_interval: int = declared(
        "transmitInterval",
        _MILLISECONDS,
        "Milliseconds between packets that we send.",
        300,
        key="transmit-interval",
    )
    detect_multiplier: int = declared(
        "detectMultiplier", Integer(2, 255), "How many packets may be missed.", 3, key="detect-multiplier"
    )
    echo_interval: int = declared(
        "echoInterval", _MILLISECONDS, "Without effect: echo mode runs as plain BFD.", 50, key="echo-interval"
    )
    echo_mode: bool = declared(
        "echoMode", Boolean(), "Without effect: echo mode runs as plain BFD.", False, key="echo-mode"
    )
    passive_mode: bool = declared(
        "passiveMode", Boolean(), "Send nothing before the peer does.", False, key="passive-mode"
    )
    minimum_ttl: int = declared(
        "minimumTtl",
        Integer(1, 254),
        "The smallest TTL to take of a peer several hops away.",
        254,
        key="minimum-ttl",
    )
