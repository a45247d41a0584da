"""The kinds of objects that the programs read, and what identifies one of them."""

import enum
from collections.abc import Mapping
from typing import NamedTuple


class Kind(enum.Enum):
    """A kind of object, by the name that manifests give it."""

    SERVICE = "Service"
    ENDPOINT_SLICE = "EndpointSlice"
    NODE = "Node"
    NAMESPACE = "Namespace"
    CONFIG_MAP = "ConfigMap"
    SECRET = "Secret"
    LEASE = "Lease"
    IP_ADDRESS_POOL = "IPAddressPool"
    BGP_PEER = "BGPPeer"
    BGP_ADVERTISEMENT = "BGPAdvertisement"
    L2_ADVERTISEMENT = "L2Advertisement"
    COMMUNITY = "Community"
    BFD_PROFILE = "BFDProfile"

    @property
    def is_namespaced(self) -> bool:
        """Tell whether objects of the kind are in a namespace."""
        return self not in (Kind.NODE, Kind.NAMESPACE)

    @property
    def plural(self) -> str:
        """The name of a collection of the kind in the paths of the API."""
        name = self.value.lower()
        return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the group `metallb.io` in which the kind is served, the preferred one first; else empty."""
        return _CUSTOM.get(self, ())


_CUSTOM = {
    Kind.IP_ADDRESS_POOL: ("v1beta1",),
    Kind.BGP_PEER: ("v1beta2", "v1beta1"),
    Kind.BGP_ADVERTISEMENT: ("v1beta1",),
    Kind.L2_ADVERTISEMENT: ("v1beta1",),
    Kind.COMMUNITY: ("v1beta1",),
    Kind.BFD_PROFILE: ("v1beta1",),
}

GROUP = "metallb.io"
"""The API group of the custom resources."""

CUSTOM_KINDS = tuple(_CUSTOM)
"""The kinds of custom resources."""


class Key(NamedTuple):
    """What identifies an object among those of its kind. Objects without a namespace have an empty one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def kind_of(manifest: object) -> Kind | None:
    """Return the kind that a manifest says it is, or None if the programs have no use for that kind.

    Others have a BGPPeer too, so a custom resource counts only with its group.
    """
    if not isinstance(manifest, Mapping):
        return None
    name = manifest.get("kind")
    kind = next((kind for kind in Kind if kind.value == name), None)
    ours = str(manifest.get("apiVersion")).startswith(f"{GROUP}/")
    return kind if kind is None or bool(kind.versions) == ours else None
