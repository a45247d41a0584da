"""Who has which address, and what that leaves of each pool.

Addresses outlive configurations: a ledger is told of other pools with `configure`, and whoever has an address has it
still, whether or not it is in a pool now. Which address a Service should have is not decided here (choosing.py).

Everything that leaves more for others is told to `note`, as the topic that who waits for it depends on.
"""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeAlias

import attrs

from k8sglue.config import AddressRange, Config, IPAddress
from k8sglue.freelist import Return
from k8sglue.resources import Key
from k8sglue.sharing import Claim, Holding
from k8sglue.stock import VERSIONS, Demand, Stock

Topic: TypeAlias = tuple[Hashable, ...]
"""Something that can become available. Make it with the functions below."""


def free_topic(pool: str, version: int) -> Topic:
    """The free addresses of a pool, of one IP version."""
    return "free", pool, version


def shared_topic(pool: str, version: int, claim: Claim) -> Topic:
    """The addresses of a pool that a Service might join on these terms."""
    return "shared", pool, version, claim.sharing_key, claim.backends


def quota_topic(pool: str, namespace: str) -> Topic:
    """What a namespace may still take of a pool."""
    return "quota", pool, namespace


def address_topic(address: IPAddress) -> Topic:
    """The Services that have an address."""
    return "address", address


def topics_of(demand: Demand) -> Iterator[Topic]:
    """Go through all that a demand depends on."""
    for version in demand.versions:
        yield free_topic(demand.pool, version)
        if demand.claim.sharing_key:
            yield shared_topic(demand.pool, version, demand.claim)
    if demand.namespace:
        yield quota_topic(demand.pool, demand.namespace)


@attrs.define
class _Index:
    """Which pool an address is in, by binary search."""

    _firsts: dict[tuple[int, bool], list[int]] = attrs.field(factory=dict)
    """First addresses of the ranges of one IP version, ascending: those given out, and those that are only kept."""
    _ranges: dict[tuple[int, bool], list[tuple[AddressRange, Stock]]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, stocks: Iterable[Stock]) -> "_Index":
        index = cls()
        for stock in stocks:
            for kept, ranges in ((False, stock.pool.ranges), (True, stock.pool.kept)):
                for each in ranges:
                    index._ranges.setdefault((each.first.version, kept), []).append((each, stock))
        for which, found in index._ranges.items():
            found.sort(key=lambda entry: int(entry[0].first))
            index._firsts[which] = [int(each.first) for each, _ in found]
        return index

    def find(self, address: IPAddress) -> Stock | None:
        # What one pool gives out counts more than that another one has kept it.
        for which in ((address.version, False), (address.version, True)):
            position = bisect_right(self._firsts.get(which, ()), int(address)) - 1
            if position >= 0:
                each, stock = self._ranges[which][position]
                if address in each:
                    return stock
        return None


@attrs.define
class Ledger:
    """All addresses that Services have, by pool and by themselves."""

    note: Callable[[Topic], None]
    """Called with what becomes available."""
    config: Config | None = attrs.field(init=False, default=None)
    """What is in force."""
    stocks: dict[str, Stock] = attrs.field(init=False, factory=dict)
    """By the name of the pool."""
    _holdings: dict[IPAddress, Holding] = attrs.field(init=False, factory=dict)
    _index: _Index = attrs.field(init=False, factory=_Index)

    def configure(self, config: Config) -> None:
        """Put other pools in force. Nobody loses an address by that."""
        past = sorted(
            (returned for stock in self.stocks.values() for returned in stock.returns()),
            key=lambda returned: returned.time,
        )
        self.config = config
        self.stocks = {pool.name: Stock(pool) for pool in config.pools.values()}
        self._index = _Index.of(self.stocks.values())
        for address, holding in self._holdings.items():
            if (stock := self.stock_of(address)) is not None:
                stock.occupy(address)
                for number, (key, claim) in enumerate(holding.claims.items()):
                    stock.share(address, claim, first=number == 0)
                    stock.charge(key.namespace, address)
        for returned in past:
            stock = self.stock_of(returned.address)
            if stock is not None and returned.address not in self._holdings:
                stock.recall(returned)

    def stock_of(self, address: IPAddress) -> Stock | None:
        """Return the pool that an address is in, if only because a Service has kept it."""
        return self._index.find(address)

    def holding(self, address: IPAddress) -> Holding | None:
        """Return who has an address, or None if nobody has."""
        return self._holdings.get(address)

    def hold(self, address: IPAddress, key: Key, claim: Claim) -> None:
        """Note that a Service has an address on these terms, to which nobody objects."""
        holding = self._holdings.setdefault(address, Holding())
        if holding.claims.get(key) == claim:
            return
        stock = self.stock_of(address)
        old = holding.remove(key) if key in holding.claims else None
        if stock is not None:
            self._enter(stock, address, key, claim, old, first=not holding.claims)
        holding.add(key, claim)
        self.note(address_topic(address))

    def drop(self, address: IPAddress, key: Key, now: float) -> None:
        """Note that a Service has an address no longer."""
        holding = self._holdings[address]
        claim = holding.remove(key)
        last = not holding.claims
        if last:
            del self._holdings[address]
        stock = self.stock_of(address)
        if stock is not None:
            stock.unshare(address, claim, last)
            stock.discharge(key.namespace, address)
            if last:
                stock.vacate(Return(address, key, now))
                self.note(free_topic(stock.pool.name, address.version))
            elif claim.sharing_key:
                self.note(shared_topic(stock.pool.name, address.version, claim))
            self.note(quota_topic(stock.pool.name, key.namespace))
        self.note(address_topic(address))

    def expire(self, now: float) -> None:
        """Let addresses rest no longer that have done so for long enough."""
        for name, stock in self.stocks.items():
            for version in stock.expire(now):
                self.note(free_topic(name, version))

    def next_due(self, is_awaited: Callable[[Topic], bool]) -> float | None:
        """Return when the next address that somebody waits for has rested for long enough, or None."""
        due = (
            stock.next_due(version)
            for name, stock in self.stocks.items()
            for version in VERSIONS
            if is_awaited(free_topic(name, version))
        )
        return min((time for time in due if time is not None), default=None)

    def _enter(
        self, stock: Stock, address: IPAddress, key: Key, claim: Claim, old: Claim | None, first: bool
    ) -> None:
        """Tell the stock of a Service that has an address, or has it on other terms than the old ones."""
        if old is not None:
            stock.unshare(address, old, last=first)
        else:
            stock.charge(key.namespace, address)
            if first:
                stock.occupy(address)
        stock.share(address, claim, first)
        if claim.sharing_key:
            self.note(shared_topic(stock.pool.name, address.version, claim))
