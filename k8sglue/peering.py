"""BGP peers as configured, with what they refer to -> peers in force."""

from collections.abc import Mapping
from ipaddress import IPv4Address

from k8sglue.config import BFDProfile, Peer
from k8sglue.declarations import Declaration
from k8sglue.findings import Findings, Severity, missing_in
from k8sglue.kinds import Key
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.resources import Secret

SECRET_TYPE = "kubernetes.io/basic-auth"
"""The type of a Secret that holds a password."""

_LONGEST_PASSWORD = 80
_HOLD_TIME = 90.0


def profile_in_force(declaration: Declaration[BFDProfileSpec]) -> BFDProfile:
    """Return a profile; it refers to nothing."""
    spec = declaration.spec
    return BFDProfile(
        name=declaration.name,
        receive_interval=spec.receive_interval / 1000,
        transmit_interval=spec.transmit_interval / 1000,
        multiplier=spec.detect_multiplier,
        passive=spec.passive_mode,
        minimum_ttl=spec.minimum_ttl,
    )


def peer_in_force(
    declaration: Declaration[BGPPeerSpec],
    profiles: Mapping[str, BFDProfile],
    secrets: Mapping[Key, Secret] | None,
    findings: Findings,
) -> Peer | None:
    """Return a peer, or None if something that it refers to is not there or can not be used.

    Without `secrets`, none is looked for, and a peer whose password is in one has none.
    """
    spec = declaration.spec
    found = len(findings.found)
    if spec.bfd_profile and spec.bfd_profile not in profiles:
        message = f'there is no BFDProfile "{spec.bfd_profile}" that can be used'
        findings.add(declaration, message, "bfd_profile", severity=missing_in(declaration))
    password = _password(declaration, secrets, findings) if spec.password_secret else spec.password
    if len(findings.found) > found:
        return None
    hold_time = 3 * (spec.keepalive_time or 0.0) or _HOLD_TIME if spec.hold_time is None else spec.hold_time
    return Peer(
        name=declaration.name,
        address=spec.peer_address,
        interface=spec.interface,
        asn=spec.peer_asn or None,
        dynamic_asn=spec.dynamic_asn,
        my_asn=spec.my_asn,
        local_asn=spec.local_asn,
        port=spec.peer_port or 179,
        source_address=spec.source_address,
        hold_time=hold_time,
        keepalive_time=spec.keepalive_time or None,
        connect_time=spec.connect_time,
        router_id=spec.router_id if isinstance(spec.router_id, IPv4Address) else None,
        password=password,
        bfd_profile=profiles[spec.bfd_profile] if spec.bfd_profile else None,
        graceful_restart=spec.enable_graceful_restart,
        ebgp_multihop=spec.ebgp_multi_hop,
        vrf=spec.vrf,
        dual_stack=spec.dual_stack_address_family,
        listen=spec.listen or spec.passive,
        passive=spec.passive,
        ttl_security=spec.ttl_security,
        max_prefixes=spec.max_prefixes,
        shutdown_message=spec.shutdown_message,
        node_selectors=spec.node_selectors,
    )


def _password(
    declaration: Declaration[BGPPeerSpec], secrets: Mapping[Key, Secret] | None, findings: Findings
) -> str:
    """Return the password in the Secret that a peer names; what is wrong with that is noted."""
    reference = declaration.spec.password_secret
    assert reference is not None
    namespace = declaration.origin.key.namespace
    if reference.namespace and reference.namespace != namespace:
        message = f'"{reference.namespace}", must be {namespace}, where the BGPPeer is'
        findings.add(declaration, message, "password_secret", "namespace")
    if secrets is None:
        return ""
    secret = secrets.get(Key(namespace, reference.name))
    where = ("password_secret", "name")
    if secret is None:
        message = f'there is no Secret "{reference.name}"'
        findings.add(declaration, message, *where, severity=Severity.MISSING)
        return ""
    password = secret.password
    if secret.type != SECRET_TYPE:
        findings.add(
            declaration,
            f'Secret "{reference.name}" is of type {secret.type}, must be of {SECRET_TYPE}',
            *where,
        )
    elif not password:
        findings.add(declaration, f'Secret "{reference.name}" has nothing under the key password', *where)
    elif len(password.encode()) > _LONGEST_PASSWORD:
        size = len(password.encode())
        message = f'Secret "{reference.name}": {size} octets, must be at most {_LONGEST_PASSWORD}'
        findings.add(declaration, message, *where)
    return password or ""
