"""Which Service has which address: pools in, assignments out, without I/O.

The allocator holds the assignments in memory; the truth that survives a restart is the status of the Services.
`settle` is asked about one Service at a time and answers what its status should say. Its order of preference is
what keeps addresses where they are:

1. what the status says is kept while it is legal, even if it could not be given out anew;
2. an address that the user asks for, then a pool that the user asks for, then any pool that assigns by itself, in
   the order of priorities and names, so that nothing is left to chance;
3. a wish that can not be met does not cost a Service the address it has.

While the configuration is incomplete (a pool had to be set aside), an address outside of all pools may belong to
what is missing: it is kept, too, and not given to anybody else.

A Service that was refused waits for what could help it, and for nothing else. Whoever runs the allocator settles those
that `take_retries` names, after everything that it has settled or released, until there are none; and those that
`configure` names, because other pools are in force.

The parts: what a Service wishes (wishes.py), who has what (ledger.py), what a pool has to give (stock.py, freelist.py,
sharing.py), which addresses a Service should have (choosing.py), and who waits for what (waiting.py).
"""

from collections.abc import Iterable, Mapping

import attrs

from k8sglue.choosing import Addresses, Applicant, Choice, Chooser, Hope, Labels, Request
from k8sglue.config import Config, IPAddress, parse_address
from k8sglue.fields import printable
from k8sglue.freelist import Draw
from k8sglue.ledger import Ledger, Topic, topics_of
from k8sglue.refusals import Refusal, RefusedError
from k8sglue.resources import Key, Service
from k8sglue.settled import Change, PoolCounters, Settled
from k8sglue.sharing import ALONE, Claim
from k8sglue.stock import lowest
from k8sglue.waiting import WaitingRoom
from k8sglue.wishes import Wish, claim_of, deprecations, versions_of

__all__ = ["Allocator", "Change", "PoolCounters", "Refusal", "Settled"]


@attrs.define
class Allocator:
    """Assigns addresses of pools to Services. All times are in seconds, of one clock that never goes back."""

    draw: Draw
    """Draws a number from 0 to its argument - 1, for pools that assign at random; `random.randrange` is one."""
    _waiting: WaitingRoom[Hope, Topic] = attrs.field(init=False, factory=WaitingRoom)
    _ledger: Ledger = attrs.field(init=False)
    _chooser: Chooser = attrs.field(init=False)
    _assigned: dict[Key, Addresses] = attrs.field(init=False, factory=dict)
    _services: dict[Key, Service] = attrs.field(init=False, factory=dict)
    """All that have addresses or wait, as they were when they were looked at last."""
    _refused: set[Key] = attrs.field(init=False, factory=set)
    """Services with a wish that could not be met."""

    def __attrs_post_init__(self) -> None:
        self._ledger = Ledger(self._waiting.note)
        self._chooser = Chooser(self._ledger)

    @property
    def config(self) -> Config | None:
        """What is in force; change it with `configure`."""
        return self._ledger.config

    @property
    def assignments(self) -> Mapping[Key, tuple[IPAddress, ...]]:
        """The addresses of each Service that has any."""
        return self._assigned

    def counters(self, pool: str) -> PoolCounters:
        """Count the addresses of a pool that is in force. Raise KeyError if it is not."""
        return self._ledger.stocks[pool].counters

    def configure(self, config: Config, namespaces: Mapping[str, Labels] | None = None) -> set[Key]:
        """Put other pools in force, and other labels of namespaces. Return the Services to settle because of that.

        Assignments stay as they are until then.
        """
        labels = {name: dict(each) for name, each in (namespaces or {}).items()}
        if self.config is not None and _are_alike(self.config, config):
            before, self._chooser.namespaces = self._chooser.namespaces, labels
            changed = {name for name in {*before, *labels} if before.get(name) != labels.get(name)}
            return {key for key in self._services if key.namespace in changed and self._is_unsettled(key)}
        pools = {key: self._pool_name(addresses) for key, addresses in self._assigned.items()}
        self._ledger.configure(config)
        self._chooser.namespaces = labels
        return {
            key
            for key in self._services
            if pools.get(key, "") != self._pool_name(self._assigned.get(key, ())) or self._is_unsettled(key)
        }

    def settle(self, service: Service, now: float) -> Settled:
        """Decide on the addresses of a Service of type LoadBalancer, and remember them.

        Never raises, whatever the Service says.
        """
        key, claim = service.key, claim_of(service)
        self._ledger.expire(now)
        self._waiting.leave(key)
        self._services[key] = service
        self._assign(key, claim, self._keepable(service, claim), now)
        choice = self._choose(service, claim, self.draw)
        self._refused.discard(key)
        if choice.refusal is not None:
            self._refused.add(key)
            # Before it gives anything up: what that leaves may be what it waits for.
            self._waiting.wait(key, choice.hopes, _topics)
        self._assign(key, claim, choice.addresses, now)
        return Settled(
            addresses=choice.addresses,
            pool=self._pool_name(choice.addresses),
            change=Change.NONE if self.config is None else _change(service, choice.addresses),
            refusal=choice.refusal,
            detail=printable(choice.detail),
            warnings=deprecations(service),
        )

    def keep(self, service: Service) -> tuple[IPAddress, ...]:
        """Return what a Service has; if it is new, that is what its status says and it may keep.

        To be called for all Services with a status before any is settled, so that nobody is given their addresses.
        """
        key = service.key
        if key not in self._assigned:
            claim = claim_of(service)
            kept = self._keepable(service, claim)
            for address in kept:
                self._ledger.hold(address, key, claim)
            if kept:
                self._assigned[key] = kept
                self._services[key] = service
        return self._assigned.get(key, ())

    def release(self, key: Key, now: float) -> bool:
        """Take the addresses of a Service back, and forget it. Tell whether it had any."""
        had = key in self._assigned
        self._waiting.leave(key)
        self._refused.discard(key)
        self._services.pop(key, None)
        self._assign(key, ALONE, (), now)
        return had

    def take_retries(self, now: float) -> set[Key]:
        """Return Services that something that happened since may help; they are to be settled again.

        Call it again after that, until it returns none: then no Service waits for what it could have.
        """
        self._ledger.expire(now)
        return self._waiting.take(self._can_be_met)

    def next_retry(self) -> float | None:
        """Return when to call `take_retries` if nothing else happens: when an address that somebody waits for has
        rested for long enough. None if there is none."""
        return self._ledger.next_due(self._waiting.is_awaited)

    def _keepable(self, service: Service, claim: Claim) -> Addresses:
        held = self._assigned.get(service.key)
        if held is None:
            held = tuple(address for text in service.ingress if (address := parse_address(text)))
        return self._chooser.keepable(service, claim, versions_of(service), held)

    def _choose(self, service: Service, claim: Claim, draw: Draw) -> Choice:
        """Return what a Service should have, which has nothing that it may not keep."""
        current = self._assigned.get(service.key, ())
        if self.config is None:
            return Choice(current, None if current else Refusal.NO_CONFIG)
        try:
            wish = Wish.of(service)
        except RefusedError as refused:
            return Choice(current, refused.refusal, refused.detail)
        return self._chooser.choose(Applicant(service, claim, wish, current), draw)

    def _assign(self, key: Key, claim: Claim, addresses: Addresses, now: float) -> None:
        for address in self._assigned.pop(key, ()):
            if address not in addresses:
                self._ledger.drop(address, key, now)
        for address in addresses:
            self._ledger.hold(address, key, claim)
        if addresses:
            self._assigned[key] = addresses

    def _is_unsettled(self, key: Key) -> bool:
        """Tell whether settling a Service again could change what it has, or what it waits for."""
        service, current = self._services[key], self._assigned.get(key, ())
        claim = claim_of(service)
        return (
            key in self._refused
            or self._keepable(service, claim) != current
            or self._choose(service, claim, lowest) != Choice(current)
        )

    def _can_be_met(self, hope: Hope) -> bool:
        if isinstance(hope, Request):
            service = self._services[hope.key]
            choice = self._choose(service, claim_of(service), lowest)
            return choice.addresses != self._assigned.get(hope.key, ())
        stock = self._ledger.stocks.get(hope.pool)
        return stock is not None and stock.find(hope) is not None

    def _pool_name(self, addresses: Addresses) -> str:
        stock = self._ledger.stock_of(addresses[0]) if addresses else None
        return stock.pool.name if stock else ""


def _are_alike(old: Config, new: Config) -> bool:
    """Tell whether two configurations are the same to the allocator."""
    return (old.pools, old.complete) == (new.pools, new.complete)


def _topics(hope: Hope) -> Iterable[Topic]:
    return hope.topics if isinstance(hope, Request) else topics_of(hope)


def _change(service: Service, addresses: Addresses) -> Change:
    written = {parse_address(text) or text for text in service.ingress}
    if written == set(addresses):
        return Change.NONE
    return Change.ASSIGNED if addresses else Change.CLEARED
