"""What the peers of a router share: the table of all routes, and who has to hear of changes in it (RFC 4271 3.2, 9)."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bgp.agreement import RouterID
from bgp.candidate import Candidate
from bgp.errors import LocalError
from bgp.peer import Peering
from bgp.policy import Policy, ask
from bgp.prefix import Family
from bgp.rib import Rib
from bgp.route import Route
from bgp.values import Address


class Hearer(Protocol):
    """Who is told of routes: a member of the router (member.py)."""

    @property
    def peering(self) -> Peering:
        """What remembers which destinations have changed."""

    @property
    def passes_on(self) -> bool:
        """Whether the peer may be told routes of others."""

    @property
    def token(self) -> object:
        """What its candidates' sources call the peer. Not itself: whoever remembers a candidate would keep it alive."""


class Table:
    """All routes, and those who hear of them; an `origin` is one of them, too."""

    def __init__(
        self, rib: Rib, reachable: Callable[[Address], bool] | None, *, is_deferring: bool = False
    ) -> None:
        """Begin with a RIB; `reachable` judges next hops, None: all are."""
        self.rib = rib
        self.reachable = reachable
        self.is_deferring = is_deferring
        """Whether nobody is told of others' routes yet, since we have just restarted (RFC 4724 4.1)."""
        self.identity = RouterID()
        """Our BGP Identifier for peers for which none is configured."""
        self._is_judging = False
        self._hearers: list[Hearer] = []
        self._awake: set[Hearer] = set()
        self._path_ids: dict[tuple[object, int], int] = {}
        self._last_path_id = 0

    def judge(self, policy: Policy, route: Route) -> Route | None:
        """Ask a policy; see `bgp.policy.ask`."""
        before, self._is_judging = self._is_judging, True
        try:
            return ask(policy, route)
        finally:
            self._is_judging = before

    def check_free(self) -> None:
        """Raise `LocalError` while a policy is being asked: sessions must not change in the midst of their routes."""
        if self._is_judging:
            raise LocalError("a policy is being asked: do this afterwards, by `loop.call_soon`")

    def add(self, hearer: Hearer) -> None:
        """Let somebody hear of changes."""
        self._hearers.append(hearer)

    def remove(self, hearer: Hearer) -> None:
        """Let him hear of none any more."""
        self._hearers.remove(hearer)
        self._awake.discard(hearer)
        self.forget_path_ids(hearer)

    def touch(self, family: Family, keys: Sequence[bytes], origin: Hearer | None) -> None:
        """Let hearers compare what they are to be told of these destinations.

        `origin` has sent the change; None: it is ours, which concerns those as well who hear of nobody else's routes.
        """
        if not keys:
            return
        for hearer in self._hearers:
            if origin is not None and not hearer.passes_on:
                continue
            # Which of the others' routes the sender hears of depends on its own too.
            for_it = self.rib.shared(family, keys, hearer.token) if hearer is origin else keys
            if for_it:
                hearer.peering.rib_out.touch(family, for_it)
                self._awake.add(hearer)

    def wake(self, hearer: Hearer) -> None:
        """Note that there may be something to tell somebody."""
        self._awake.add(hearer)

    def take_awake(self) -> set[Hearer]:
        """Those to whom there may be something to tell, since this was last asked."""
        awake, self._awake = self._awake, set()
        return awake

    def path_id(self, candidate: Candidate) -> int:
        """The identifier to send a path with: the sender's means nothing to others (RFC 7911 2).

        It stays until `forget_path_ids` for the path's peer, and is given to no other path, however long ago.
        """
        key = candidate.source.peer, candidate.path_id
        number = self._path_ids.get(key)
        if number is None:
            self._last_path_id += 1
            number = self._path_ids[key] = self._last_path_id
        return number

    def forget_path_ids(self, peer: Hearer) -> None:
        """Drop the identifiers for the paths of a peer, which has none any more."""
        self._path_ids = {key: number for key, number in self._path_ids.items() if key[0] is not peer.token}
