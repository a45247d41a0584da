"""What a Service says about its addresses: families, a pool, addresses, and with whom it would share.

A wish is read from the specification and the annotations of a Service, as MetalLB reads them. Annotations come
under two prefixes; the older one is deprecated, and counts where the newer one is not set.
"""

import attrs

from k8sglue.config import IPAddress, parse_address
from k8sglue.refusals import Refusal, RefusedError
from k8sglue.resources import Service
from k8sglue.sharing import ALONE, Claim

PREFIX = "metallb.io/"
"""Of the annotations that people set."""
DEPRECATED_PREFIX = "metallb.universe.tf/"
"""What MetalLB's annotations began with up to v0.14."""

_POOL = "address-pool"
_ADDRESSES = "loadBalancerIPs"
_SHARING_KEY = "allow-shared-ip"


@attrs.frozen(kw_only=True)
class Wish:
    """The addresses that a Service asks for."""

    versions: tuple[int, ...]
    """IP versions that it wants an address of, the primary one first."""
    requires_all: bool = False
    """One address is not enough: the policy is RequireDualStack."""
    pool: str = ""
    """The only pool that it wants addresses of, empty for any."""
    addresses: tuple[IPAddress, ...] = ()
    """Those that it wants, at most one of each version."""

    @classmethod
    def of(cls, service: Service) -> "Wish":
        """Read what a Service asks for. Raise RefusedError if that contradicts itself."""
        versions = versions_of(service)
        required = service.ip_family_policy == "RequireDualStack"
        if required and len(versions) < 2:
            raise RefusedError(Refusal.NOT_ENOUGH_CLUSTER_IPS, ", ".join(service.cluster_ips))
        return cls(
            versions=versions,
            requires_all=required,
            pool=_annotation(service, _POOL),
            addresses=_addresses(service, versions),
        )


def versions_of(service: Service) -> tuple[int, ...]:
    """Return the IP versions that a Service wants addresses of, the primary one first.

    Its cluster IPs decide. A manifest that no API server has completed has none; then what it says of its families
    does, and its policy: whoever prefers or requires dual stack wants both, and IPv4 first if it says nothing.
    """
    versions = [address.version for address in filter(None, map(parse_address, service.cluster_ips))]
    if not versions:
        versions = [6 if family == "IPv6" else 4 for family in service.ip_families] or [4]
        if service.ip_family_policy != "SingleStack":
            versions += [4, 6]
    return tuple(dict.fromkeys(versions))


def claim_of(service: Service) -> Claim:
    """Return on what terms a Service uses its addresses."""
    sharing_key = _annotation(service, _SHARING_KEY)
    if not sharing_key:
        return ALONE
    # Only the endpoints on a node get its traffic then, so all must be endpoints of every Service of the address.
    local = service.external_traffic_policy == "Local"
    return Claim(
        sharing_key=sharing_key,
        backends=tuple(sorted(service.selector.items())) if local else (),
        ports=frozenset((port.protocol, port.port) for port in service.ports),
    )


def deprecations(service: Service) -> tuple[str, ...]:
    """Return a sentence about each annotation of a Service that is spelled as it used to be."""
    return tuple(
        f"annotation {DEPRECATED_PREFIX}{name} is deprecated, use {PREFIX}{name}"
        for name in (_POOL, _ADDRESSES, _SHARING_KEY)
        if DEPRECATED_PREFIX + name in service.annotations
    )


def _annotation(service: Service, name: str) -> str:
    return service.annotations.get(PREFIX + name) or service.annotations.get(DEPRECATED_PREFIX + name, "")


def _addresses(service: Service, versions: tuple[int, ...]) -> tuple[IPAddress, ...]:
    annotation = _annotation(service, _ADDRESSES)
    if annotation and service.load_balancer_ip:
        raise RefusedError(Refusal.TWO_REQUESTS, f"{service.load_balancer_ip} and {annotation}")
    text = annotation or service.load_balancer_ip
    if not text:
        return ()
    addresses = []
    for part in text.split(",") if annotation else [text]:
        address = parse_address(part.strip())
        if address is None:
            raise RefusedError(Refusal.MALFORMED_ADDRESS, part.strip())
        if address.version not in versions:
            raise RefusedError(Refusal.WRONG_FAMILY, part.strip())
        addresses.append(address)
    if len({address.version for address in addresses}) < len(addresses):
        raise RefusedError(Refusal.TOO_MANY_ADDRESSES, text)
    return tuple(addresses)
