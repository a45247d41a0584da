"""Which addresses a Service should have.

Two questions, asked one after the other, and answered without changing anything:

1. `keepable`: which of its addresses may it keep? Those that it could have been given by somebody who asked for them:
   of its families, of one pool that admits it, with nobody on them who objects. It does not matter whether the pool
   would give them out anew: a reserved address, one that the pool avoids by now, one above the quota is kept.
2. `choose`: what should it have, given those? Addresses that it asks for, else what it has, else what a pool gives:
   the pool that it asks for, or those that are for Services like it (by priority, then by name), or those that are for
   all Services (by name). Among pools of one rank, one that can give both families comes first; a Service that prefers
   dual stack takes one address if there is no better, and is given the other one later, of the same pool. One that
   requires dual stack moves to another pool for that, if its own can not give the other address.

A wish that can not be met does not cost a Service the addresses that it may keep.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs

from k8sglue.config import IPAddress
from k8sglue.freelist import Draw
from k8sglue.ledger import Ledger, Topic, address_topic, topics_of
from k8sglue.refusals import Refusal, RefusedError
from k8sglue.resources import Key, Service
from k8sglue.sharing import Claim
from k8sglue.stock import Demand, Stock
from k8sglue.wishes import Wish

Addresses: TypeAlias = tuple[IPAddress, ...]
Labels: TypeAlias = Mapping[str, str]


@attrs.frozen(kw_only=True)
class Request:
    """What a Service waits for that asks for certain addresses: that its wish can be met, as a whole."""

    key: Key
    topics: tuple[Topic, ...]
    """All that it depends on."""


Hope: TypeAlias = Demand | Request


@attrs.frozen
class Choice:
    """The addresses that a Service should have, and what else it wants."""

    addresses: Addresses = ()
    refusal: Refusal | None = None
    detail: str = ""
    hopes: tuple[Hope, ...] = ()
    """What would lift the refusal, short of other pools."""


@attrs.frozen
class Applicant:
    """A Service, and what it may keep."""

    service: Service
    claim: Claim
    wish: Wish
    current: Addresses = ()

    @property
    def key(self) -> Key:
        """What identifies the Service."""
        return self.service.key

    @property
    def missing(self) -> tuple[int, ...]:
        """The IP versions that it has no address of."""
        return without(self.wish.versions, self.current)


@attrs.define
class Chooser:
    """Answers both questions, by what the ledger says."""

    ledger: Ledger
    namespaces: Mapping[str, Labels] = attrs.field(factory=dict)
    """The labels of each namespace."""

    def keepable(
        self, service: Service, claim: Claim, versions: Iterable[int], addresses: Iterable[IPAddress]
    ) -> Addresses:
        """Return those of a Service's addresses that it may keep: the first of each of its families, of one pool."""
        kept: list[IPAddress] = []
        addresses = list(addresses)
        for version in versions:
            allowed = (
                address
                for address in addresses
                if address.version == version
                and self._may_keep(service, claim, address)
                and (not kept or self.ledger.stock_of(address) is self.ledger.stock_of(kept[0]))
            )
            kept.extend(itertools.islice(allowed, 1))
        return ordered(kept)

    def choose(self, applicant: Applicant, draw: Draw) -> Choice:
        """Return what a Service should have."""
        wish = applicant.wish
        try:
            if wish.addresses:
                return self._requested(applicant, draw)
            if not wish.pool:
                if applicant.current and not applicant.missing:
                    return Choice(applicant.current)
                tiers = self._tiers(applicant.service)
                return self._served(applicant, tiers, Refusal.NO_FREE_ADDRESS, draw)
            stock = self._wanted_pool(applicant)
            current = [each for each in applicant.current if self.ledger.stock_of(each) is stock]
            inside = attrs.evolve(applicant, current=tuple(current))
            choice = self._served(inside, [[stock]], Refusal.POOL_EXHAUSTED, draw)
            return choice if choice.addresses else attrs.evolve(choice, addresses=applicant.current)
        except RefusedError as refused:
            return Choice(applicant.current, refused.refusal, refused.detail)

    def _may_keep(self, service: Service, claim: Claim, address: IPAddress) -> bool:
        holding = self.ledger.holding(address)
        if holding is not None and holding.conflict(service.key, claim) is not None:
            return False
        stock = self.ledger.stock_of(address)
        if stock is None:
            return self.ledger.config is None or not self.ledger.config.complete
        return self._admits(stock, service)

    def _admits(self, stock: Stock, service: Service) -> bool:
        scope = stock.pool.scope
        labels = self.namespaces.get(service.key.namespace, {})
        return scope is None or scope.admits(service.key.namespace, labels, service.labels)

    def _wanted_pool(self, applicant: Applicant) -> Stock:
        name = applicant.wish.pool
        stock = self.ledger.stocks.get(name)
        if stock is None:
            raise RefusedError(Refusal.UNKNOWN_POOL, name)
        if not self._admits(stock, applicant.service):
            raise RefusedError(Refusal.NOT_ADMITTED, name)
        return stock

    def _tiers(self, service: Service) -> list[list[Stock]]:
        """Return the pools that give a Service addresses unasked, those of one rank together."""
        ranks: dict[tuple[int, int], list[Stock]] = {}
        for _, stock in sorted(self.ledger.stocks.items()):
            if stock.pool.auto_assign and self._admits(stock, service):
                ranks.setdefault(_rank(stock), []).append(stock)
        return [stocks for _, stocks in sorted(ranks.items(), key=lambda entry: entry[0])]

    def _served(
        self, applicant: Applicant, tiers: Sequence[Sequence[Stock]], exhausted: Refusal, draw: Draw
    ) -> Choice:
        """Keep what a Service has and add to it, or choose from these pools."""
        if not applicant.current:
            return self._fresh(applicant, tiers, exhausted, draw)
        if not applicant.missing:
            return Choice(applicant.current)
        completed = self._completed(applicant, draw)
        set_aside = self.ledger.stock_of(applicant.current[0]) is None
        if completed.refusal is None or not applicant.wish.requires_all or set_aside:
            return completed
        other = self._fresh(applicant, tiers, exhausted, draw)
        if other.refusal is None:
            return other
        return attrs.evolve(completed, hopes=completed.hopes + other.hopes)

    def _completed(self, applicant: Applicant, draw: Draw) -> Choice:
        """Add what is missing to what a Service has, from the same pool."""
        current, missing = applicant.current, applicant.missing
        stock = self.ledger.stock_of(current[0])
        if stock is None or not stock.has(missing):
            # A preference that the pool was not made for needs no complaint.
            if not applicant.wish.requires_all:
                return Choice(current)
            return Choice(current, Refusal.INCOMPLETE, stock.pool.name if stock else "")
        demand = stock.demand(missing, applicant.key, applicant.claim)
        found = stock.find(demand, draw)
        if found is None:
            return self._refused(applicant, [demand], Refusal.INCOMPLETE, stock.pool.name)
        return Choice(ordered(current + found))

    def _fresh(
        self, applicant: Applicant, tiers: Sequence[Sequence[Stock]], exhausted: Refusal, draw: Draw
    ) -> Choice:
        """Choose from pools for a Service that has nothing that it could add to."""
        wish = applicant.wish
        choices = [wish.versions]
        if len(wish.versions) > 1 and not wish.requires_all:
            choices += [(version,) for version in wish.versions]
        demands = []
        for stocks, versions in itertools.product(tiers, choices):
            for stock in stocks:
                if not stock.has(versions):
                    continue
                demand = stock.demand(versions, applicant.key, applicant.claim)
                found = stock.find(demand, draw)
                if found is not None:
                    return self._partial(attrs.evolve(applicant, current=ordered(found)), stock)
                demands.append(demand)
        if demands:
            return self._refused(applicant, demands, exhausted, wish.pool)
        return Choice(applicant.current, Refusal.LACKS_FAMILY if wish.pool else Refusal.NO_POOL, wish.pool)

    def _partial(self, applicant: Applicant, stock: Stock) -> Choice:
        """Give a Service what the pool has, which may not be all that it wants, and let it wait for the rest."""
        missing = applicant.missing
        if not missing or not stock.has(missing):
            return Choice(applicant.current)
        demand = stock.demand(missing, applicant.key, applicant.claim)
        return self._refused(applicant, [demand], Refusal.INCOMPLETE, stock.pool.name)

    def _refused(
        self, applicant: Applicant, demands: Sequence[Demand], exhausted: Refusal, detail: str
    ) -> Choice:
        """Let a Service keep what it has, and wait for any of these demands, none of which can be met now."""
        for demand in demands:
            stock = self.ledger.stocks[demand.pool]
            if stock.pool.quota is not None and stock.find(demand, room=math.inf) is not None:
                return Choice(
                    applicant.current, Refusal.QUOTA_EXCEEDED, _quota(stock, applicant), tuple(demands)
                )
        return Choice(applicant.current, exhausted, detail, tuple(demands))

    def _requested(self, applicant: Applicant, draw: Draw) -> Choice:
        """Choose the addresses that a Service asks for, and one of the other family from the same pool."""
        wish = applicant.wish
        stock = self._pool_of_request(applicant)
        kept = (
            address
            for address in applicant.current
            if address.version in without(wish.versions, wish.addresses)
            and self.ledger.stock_of(address) is stock
        )
        chosen = ordered((*wish.addresses, *kept))
        missing = without(wish.versions, chosen)
        for address in wish.addresses:
            holding = self.ledger.holding(address)
            if holding is not None and (conflict := holding.conflict(applicant.key, applicant.claim)):
                return self._waiting(applicant, stock, missing, conflict.refusal, f"{address} {conflict}")
        if stock is None:
            incomplete = missing and wish.requires_all
            return Choice(chosen, Refusal.INCOMPLETE if incomplete else None)
        return self._granted(applicant, stock, chosen, missing, draw)

    def _granted(
        self, applicant: Applicant, stock: Stock, chosen: Addresses, missing: tuple[int, ...], draw: Draw
    ) -> Choice:
        """Give a Service addresses of a pool that nobody objects to, and what is missing beside them."""
        required = applicant.wish.requires_all
        room = stock.room(applicant.key.namespace)
        more = _more(stock, applicant, chosen)
        if more > max(room, 0):
            return self._waiting(applicant, stock, missing, Refusal.QUOTA_EXCEEDED, _quota(stock, applicant))
        if not missing or not (stock.has(missing) or required):
            return Choice(chosen)
        if not stock.has(missing):
            return Choice(applicant.current, Refusal.LACKS_FAMILY, stock.pool.name)
        demand = stock.demand(missing, applicant.key, applicant.claim)
        found = stock.find(demand, draw, room - more)
        if found is not None:
            return Choice(ordered(chosen + found))
        if required:
            return self._waiting(applicant, stock, missing, Refusal.INCOMPLETE, stock.pool.name)
        return self._partial(attrs.evolve(applicant, current=chosen), stock)

    def _pool_of_request(self, applicant: Applicant) -> Stock | None:
        """Return the pool of the addresses that a Service asks for; None if it has them and that pool is set aside.

        Raise RefusedError unless they are of one pool, which would give them to the Service if they were free.
        """
        wish = applicant.wish
        stocks = [self.ledger.stock_of(address) for address in wish.addresses]
        for address, stock in zip(wish.addresses, stocks, strict=True):
            has = address in applicant.current
            if stock is None or (not has and not _contains(stock, address)):
                if not has:
                    raise RefusedError(Refusal.OUTSIDE_ALL_POOLS, str(address))
                continue
            if wish.pool not in ("", stock.pool.name):
                raise RefusedError(Refusal.OUTSIDE_THE_POOL, f"{address} and {wish.pool}")
            if not self._admits(stock, applicant.service):
                raise RefusedError(Refusal.NOT_ADMITTED, f"{stock.pool.name} of {address}")
            if not has and not stock.offers(address):
                raise RefusedError(Refusal.BUGGY_ADDRESS, str(address))
        if any(stock is not stocks[0] for stock in stocks):
            raise RefusedError(Refusal.DIFFERENT_POOLS, " and ".join(map(str, wish.addresses)))
        return stocks[0]

    def _waiting(
        self,
        applicant: Applicant,
        stock: Stock | None,
        missing: tuple[int, ...],
        refusal: Refusal,
        detail: str,
    ) -> Choice:
        """Let a Service keep what it has, and wait for what the addresses that it asks for depend on."""
        topics = list(map(address_topic, applicant.wish.addresses))
        if stock is not None:
            topics += topics_of(stock.demand(missing, applicant.key, applicant.claim))
        return Choice(applicant.current, refusal, detail, (Request(key=applicant.key, topics=tuple(topics)),))


def ordered(addresses: Iterable[IPAddress]) -> Addresses:
    """Put addresses into the order of a status: IPv4, then IPv6."""
    return tuple(sorted(addresses, key=lambda address: address.version))


def without(versions: Iterable[int], addresses: Iterable[IPAddress]) -> tuple[int, ...]:
    """Return those IP versions that no address is of."""
    found = {address.version for address in addresses}
    return tuple(version for version in versions if version not in found)


def _rank(stock: Stock) -> tuple[int, int]:
    """Tell how early a pool's turn comes: those for some Services by priority, 0 last, then those for all."""
    scope = stock.pool.scope
    if scope is None:
        return 2, 0
    return (0, scope.priority) if scope.priority else (1, 0)


def _contains(stock: Stock, address: IPAddress) -> bool:
    """Tell whether a pool gives out an address, rather than to let those keep it who have it."""
    return not any(address in kept for kept in stock.pool.kept)


def _quota(stock: Stock, applicant: Applicant) -> str:
    return f"{stock.pool.quota} of {stock.pool.name} in {applicant.key.namespace}"


def _more(stock: Stock, applicant: Applicant, chosen: Addresses) -> int:
    """Return how many addresses more a namespace would have of a pool if a Service changed over to these."""
    namespace, current = applicant.key.namespace, applicant.current
    taken = sum(not stock.services_of(namespace, address) for address in chosen if address not in current)
    given_up = sum(stock.services_of(namespace, address) == 1 for address in current if address not in chosen)
    return taken - given_up
