"""An allocator and the Services that it serves, run as a controller would, with a clock that only the test moves."""

from collections.abc import Mapping

import attrs

from k8sglue.allocator import Allocator, PoolCounters, Settled
from k8sglue.config import AddressRange, Config, Pool, parse_address
from k8sglue.freelist import Draw
from k8sglue.resources import Key, Service, ServicePort
from k8sglue.stock import lowest
from tests.k8sglue.objects import service

Labels = Mapping[str, str]


def ranges(*texts: str) -> tuple[AddressRange, ...]:
    """Read ranges such as `10.0.0.1-10.0.0.9`."""
    made = []
    for text in texts:
        first, last = map(parse_address, text.split("-"))
        assert first is not None
        assert last is not None
        made.append(AddressRange(first, last))
    return tuple(made)


def asking(name: str, address: str = "", pool: str = "", sharing: str = "", **fields: object) -> Service:
    """Make a Service with these wishes; a name such as `team/web` tells its namespace."""
    namespace, _, name = name.rpartition("/")
    wishes = {"loadBalancerIPs": address, "address-pool": pool, "allow-shared-ip": sharing}
    made = service(
        name, annotations={f"metallb.io/{wish}": text for wish, text in wishes.items() if text}, **fields
    )
    return attrs.evolve(made, key=Key(namespace or "default", name))


def ports(*numbers: int, protocol: str = "TCP") -> tuple[ServicePort, ...]:
    """Make ports of a Service."""
    return tuple(ServicePort(number, protocol) for number in numbers)


BOTH = ("10.96.0.1", "fd00::1")
"""Cluster IPs of a dual-stack Service."""


@attrs.define
class Cluster:
    """Services, their statuses, and who gives them their addresses."""

    config: Config
    namespaces: Mapping[str, Labels] = attrs.field(factory=dict)
    draw: Draw = lowest
    now: float = 0.0
    services: dict[Key, Service] = attrs.field(init=False, factory=dict)
    """All that there are, with what was written into their statuses."""
    last: dict[Key, Settled] = attrs.field(init=False, factory=dict)
    """What was said about each of them the last time."""
    allocator: Allocator = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.allocator = Allocator(self.draw)
        self.allocator.configure(self.config, self.namespaces)

    def apply(self, *changed: Service) -> Settled:
        """Create Services, or change all about them but their statuses; return what became of the last one."""
        for each in changed:
            old = self.services.get(each.key)
            ingress = old.ingress if old is not None else each.ingress
            self.services[each.key] = attrs.evolve(each, ingress=ingress)
            self.settle(each.key)
        return self.last[changed[-1].key]

    def delete(self, name: str) -> None:
        """Remove a Service."""
        namespace, _, name = name.rpartition("/")
        key = Key(namespace or "default", name)
        del self.services[key], self.last[key]
        self.allocator.release(key, self.now)

    def configure(self, config: Config, namespaces: Mapping[str, Labels] | None = None) -> set[Key]:
        """Change the configuration, settle who must be because of it, and return them."""
        self.config = config
        self.namespaces = self.namespaces if namespaces is None else namespaces
        keys = self.allocator.configure(config, self.namespaces)
        self._settle_in_order(keys)
        return keys

    def restart(self) -> None:
        """Begin anew with what the statuses say."""
        self.allocator = Allocator(self.draw)
        self.allocator.configure(self.config, self.namespaces)
        for _, each in sorted(self.services.items()):
            if each.ingress:
                self.allocator.keep(each)
        self._settle_in_order(set(self.services))

    def retry(self) -> list[Key]:
        """Settle again whom something may have helped, until there is nobody left; return them all."""
        asked: list[Key] = []
        while keys := self.allocator.take_retries(self.now):
            asked += sorted(keys)
            assert len(asked) < 1000, "it never ends"
            self._settle_in_order(keys)
        return asked

    def settle(self, key: Key) -> Settled:
        """Settle a Service, and write its status."""
        settled = self.allocator.settle(self.services[key], self.now)
        self.last[key] = settled
        ingress = tuple(map(str, settled.addresses))
        self.services[key] = attrs.evolve(self.services[key], ingress=ingress)
        return settled

    def has(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a Service."""
        namespace, _, name = name.rpartition("/")
        return self.services[Key(namespace or "default", name)].ingress

    def counters(self, pool: Pool) -> PoolCounters:
        """Return how many addresses of a pool are in use and left."""
        return self.allocator.counters(pool.name)

    def _settle_in_order(self, keys: set[Key]) -> None:
        for key in sorted(keys, key=lambda key: (not self.services[key].ingress, key)):
            self.settle(key)
