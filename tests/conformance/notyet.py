"""What the RFCs demand and the library does not do, and why.

Most of it is the business of a router that takes routes from one peer and gives them to another: best paths, policy,
next hops that can be reached. The library so far has sessions, and routes that an application originates. Demands on
those who write RFCs, or run networks, are not listed.
"""

from typing import Final

from tests.conformance.requirements import NotYet

PROPAGATION: Final = "passing on the routes of others"
SELECTION: Final = "selecting best paths"
RESTARTING: Final = "keeping our own forwarding state through a restart"
ROLES: Final = "acting on OTC, which needs best paths"

NOT_YET: Final = [
    NotYet(
        "4271 4.2",
        "MUST have one BGP Identifier for all peers",
        "one identifier for all peers by default",
    ),
    NotYet("4271 5.1.6", "SHOULD attach ATOMIC_AGGREGATE to an aggregate that leaves ASes out", PROPAGATION),
    NotYet("4271 5.1.6", "MUST NOT make a route with ATOMIC_AGGREGATE more specific", PROPAGATION),
    NotYet("4271 5.1.7", "MUST name itself in the AGGREGATOR of its aggregates", PROPAGATION),
    NotYet("4271 9.2.2.2", "MUST NOT aggregate routes with different MULTI_EXIT_DISC", PROPAGATION),
    NotYet("4271 9.3", "MUST NOT compare routes in an order of its own", SELECTION),
    NotYet("4724 4.1", "MUST keep forwarding state while it restarts, and mark it as stale", RESTARTING),
    NotYet("4724 4.1", "MUST remove stale forwarding state after selection", RESTARTING),
    NotYet(
        "5880 6.8.15",
        "MUST go Down with diagnostic 4 when the forwarding plane is reset",
        "noticing that the kernel's routes are gone",
    ),
    NotYet(
        "5880 7",
        "MUST send less over several hops when it detects congestion",
        "congestion control but for one packet a second while a session is down",
    ),
    NotYet(
        "7606 5.4",
        "MUST discard routes of types that it does not know, of families with types",
        "families with types, such as EVPN",
    ),
    NotYet(
        "7606 6",
        "MUST show the malformed UPDATE and its routes to who looks for faults",
        "logging UPDATEs in full",
    ),
    NotYet("8092 4", "SHOULD give an aggregate all large communities of its parts", PROPAGATION),
    NotYet(
        "8654 4", "SHOULD shrink an UPDATE that it passes on to a peer without long messages", PROPAGATION
    ),
    NotYet("8654 4", "SHOULD offer long messages whenever it can read them", "offering them by default"),
    NotYet(
        "9003 3",
        "SHOULD NOT send more than 128 octets of text to a peer of RFC 8203",
        "holding text to 128 octets",
    ),
]
