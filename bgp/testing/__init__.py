"""Tools for tests of BGP software: hypothesis strategies for every value, and two peers on a fake network.

Strategies yield only legal values. Those that depend on what was negotiated take a `Negotiated`, so that
`decode(encode(message, negotiated), negotiated) == message` holds for all they yield:

    @given(st.data(), negotiated_sessions())
    def test_round_trip(data, negotiated):
        message = data.draw(messages(negotiated))

`Link` joins two peers without network or clock. A hold time of ninety seconds passes in microseconds:

    link = Link(PeerConfig(local_as=1, peer_as=2), PeerConfig(local_as=2, peer_as=1))
    link.start()
    link.run(1.0)
    link.silent = True      # nothing gets through from now on
    link.run(90.0)
    assert link.left.state is State.IDLE

`BFDLink` does the same for two BFD sessions.

Needs hypothesis: `pip install k8sglue[testing]`.
"""

from bgp.testing.bfd import (
    BFDEnd,
    BFDLink,
    authentication_sections,
    bfd_configs,
    bfd_keys,
    bfd_packets,
)
from bgp.testing.labels import (
    as_paths,
    asns,
    communities,
    extended_communities,
    ipv6_extended_communities,
    large_communities,
)
from bgp.testing.link import End, Link
from bgp.testing.malformed import Malformed, malformed_headers, malformed_opens
from bgp.testing.malformed_update import malformed_updates
from bgp.testing.opens import (
    add_path_capabilities,
    capabilities,
    extended_next_hop_capabilities,
    families,
    four_octet_as_capabilities,
    fqdn_capabilities,
    graceful_restart_capabilities,
    known_capabilities,
    layouts,
    long_lived_graceful_restart_capabilities,
    multiprotocol_capabilities,
    negotiated_sessions,
    notifications,
    opens,
    role_capabilities,
    router_ids,
    software_version_capabilities,
    unknown_capabilities,
)
from bgp.testing.records import (
    bgp_messages,
    bmp_messages,
    monitored_peers,
    mrt_records,
    peer_downs,
    peer_index_tables,
    peer_ups,
    rib_entries,
    ribs,
    route_monitorings,
    state_changes,
    table_dumps,
    unknown_records,
)
from bgp.testing.strategies import (
    READABLE_FAMILIES,
    destinations,
    host_addresses,
    ipv4_addresses,
    ipv6_addresses,
    label_stacks,
    labelled_prefixes,
    messages,
    mp_reaches,
    mp_unreaches,
    networks,
    next_hops,
    nlris,
    path_attributes,
    paths,
    prefixes,
    route_distinguishers,
    route_refreshes,
    routes,
    unknown_attributes,
    updates,
    vpn_prefixes,
)

__all__ = [
    "BFDEnd",
    "BFDLink",
    "End",
    "Link",
    "Malformed",
    "READABLE_FAMILIES",
    "add_path_capabilities",
    "as_paths",
    "asns",
    "bgp_messages",
    "bmp_messages",
    "authentication_sections",
    "bfd_configs",
    "bfd_keys",
    "bfd_packets",
    "capabilities",
    "communities",
    "destinations",
    "extended_communities",
    "extended_next_hop_capabilities",
    "families",
    "four_octet_as_capabilities",
    "fqdn_capabilities",
    "graceful_restart_capabilities",
    "host_addresses",
    "ipv4_addresses",
    "ipv6_addresses",
    "ipv6_extended_communities",
    "known_capabilities",
    "label_stacks",
    "labelled_prefixes",
    "large_communities",
    "layouts",
    "long_lived_graceful_restart_capabilities",
    "malformed_headers",
    "malformed_opens",
    "malformed_updates",
    "messages",
    "monitored_peers",
    "mp_reaches",
    "mp_unreaches",
    "mrt_records",
    "multiprotocol_capabilities",
    "negotiated_sessions",
    "networks",
    "next_hops",
    "nlris",
    "notifications",
    "opens",
    "path_attributes",
    "paths",
    "peer_downs",
    "peer_index_tables",
    "peer_ups",
    "prefixes",
    "rib_entries",
    "ribs",
    "role_capabilities",
    "route_distinguishers",
    "route_monitorings",
    "route_refreshes",
    "router_ids",
    "routes",
    "software_version_capabilities",
    "state_changes",
    "table_dumps",
    "unknown_attributes",
    "unknown_capabilities",
    "unknown_records",
    "updates",
    "vpn_prefixes",
]
