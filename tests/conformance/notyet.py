"""What the RFCs demand and the library does not do, and why.

Demands on those who write RFCs, or run networks, are not listed.
"""

from typing import Final

from tests.conformance.requirements import NotYet

AGGREGATION: Final = "making aggregates of routes"
SHRINKING: Final = "finding out which attributes to leave out"
FORWARDING: Final = "the application's business: the library forwards no packets"

NOT_YET: Final = [
    NotYet("4271 5.1.6", "SHOULD attach ATOMIC_AGGREGATE to an aggregate that leaves ASes out", AGGREGATION),
    NotYet("4271 5.1.6", "MUST NOT make a route with ATOMIC_AGGREGATE more specific", AGGREGATION),
    NotYet("4271 5.1.7", "MUST name itself in the AGGREGATOR of its aggregates", AGGREGATION),
    NotYet("4271 9.2.2.2", "MUST NOT aggregate routes with different MULTI_EXIT_DISC", AGGREGATION),
    NotYet("4724 4.1", "MUST keep forwarding state while it restarts, and mark it as stale", FORWARDING),
    NotYet("4724 4.1", "MUST remove stale forwarding state after selection", FORWARDING),
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
    NotYet("8092 4", "SHOULD give an aggregate all large communities of its parts", AGGREGATION),
    NotYet("8654 4", "SHOULD shrink an UPDATE that it passes on to a peer without long messages", SHRINKING),
    NotYet("8654 4", "SHOULD offer long messages whenever it can read them", "offering them by default"),
    NotYet(
        "9003 3",
        "SHOULD NOT send more than 128 octets of text to a peer of RFC 8203",
        "holding text to 128 octets",
    ),
]
