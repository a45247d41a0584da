"""Why a Service gets no address, or not the one that it asks for: each reason has a name."""

import enum


class Refusal(enum.Enum):
    """Why a Service gets no address, or not the one it asks for."""

    NO_CONFIG = "there is no configuration yet"
    """Nothing is decided before the pools are known."""
    MALFORMED_ADDRESS = "the address that it asks for is not an IP address"
    """`spec.loadBalancerIP` or the annotation `loadBalancerIPs` can not be read."""
    TWO_REQUESTS = "it asks for addresses in spec.loadBalancerIP and in an annotation"
    """One of the two places, not both."""
    TOO_MANY_ADDRESSES = "it asks for more than one address of an IP family"
    """At most one IPv4 and one IPv6 address."""
    WRONG_FAMILY = "the address that it asks for is not of its IP family"
    """An IPv6 address for an IPv4 Service, or the reverse."""
    NOT_ENOUGH_CLUSTER_IPS = "it requires dual stack, but has a cluster IP of one IP family only"
    """The cluster itself is not dual stack."""
    OUTSIDE_ALL_POOLS = "the address that it asks for is in no pool"
    """Nobody configured it, or not any more."""
    OUTSIDE_THE_POOL = "the address that it asks for is not in the pool that it asks for"
    """Two wishes that contradict each other."""
    DIFFERENT_POOLS = "the addresses that it asks for are of different pools"
    """Both addresses of a Service are of one pool."""
    BUGGY_ADDRESS = "the address that it asks for ends in .0 or .255, which its pool avoids"
    """`avoidBuggyIPs` holds for requests, too."""
    NOT_ADMITTED = "the pool that it asks for is for other namespaces or Services"
    """The pool's `serviceAllocation` does not admit it; also if it asks for an address of that pool."""
    ADDRESS_TAKEN = "the address that it asks for belongs to another Service"
    """And they have no sharing key in common."""
    DIFFERENT_BACKENDS = "the address that it asks to share leads to other pods"
    """Under `externalTrafficPolicy: Local`, only Services that select the same pods share an address."""
    PORT_TAKEN = "a port of it is in use on the address that it asks to share"
    """Services that share an address have no protocol and port in common."""
    UNKNOWN_POOL = "the pool that it asks for does not exist"
    """The annotation names no pool in force."""
    LACKS_FAMILY = "the pool that it asks for has no addresses of its IP family"
    """Or not of both, where both are required."""
    POOL_EXHAUSTED = "the pool that it asks for has no free address"
    """Of the families that the Service needs."""
    NO_POOL = "no pool gives addresses of its IP family to it unasked"
    """All that could are for other namespaces or Services, or do not assign by themselves."""
    NO_FREE_ADDRESS = "no pool has a free address"
    """None that gives addresses to this Service by itself, of the families that it needs."""
    QUOTA_EXCEEDED = "its namespace has as many addresses of the pool as it may have"
    """The pool's `quota`."""
    INCOMPLETE = "its pool has no free address of its other IP family"
    """A dual-stack Service has one address; it gets the other one as soon as there is one."""


class RefusedError(Exception):
    """A wish that can not be met."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(refusal, detail)
        self.refusal = refusal
        self.detail = detail
