"""The matrix: how sessions end, and that both sides know why."""

import bgp
from bgp import CeaseSubcode, ErrorCode, PrefixLimit, SessionClosed
from tests.conditions import until
from tests.interop.matrix.neighbours import MAX_PREFIXES, Neighbour
from tests.interop.matrix.ours import connected
from tests.interop.matrix.router import Router
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

TEXT = "Maintenance, back at 22:00"


async def test_it_limits_us(router: Router, neighbour: Neighbour) -> None:
    routes = [f"203.0.113.{n}/32" for n in range(MAX_PREFIXES)]
    async with connected(neighbour, *routes) as side:
        await until(lambda: router.count(neighbour) == MAX_PREFIXES)
        # FRR counts a route only once it has looked at its next hop, and notices with the one after it.
        side.speaker.announce(*(f"203.0.113.{100 + n}/32" for n in range(MAX_PREFIXES)))
        closed = await side.wait_for(SessionClosed)
        assert closed.received is not None
        assert closed.received.code == ErrorCode.CEASE
        assert closed.received.subcode == CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED
        assert "Maximum Number of Prefixes Reached" in closed.reason


async def test_we_limit_it(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, prefix_limits={bgp.IPV4_UNICAST: PrefixLimit(1)}) as side:
        closed = await side.wait_for(SessionClosed)
        assert closed.sent is not None
        assert closed.sent.subcode == CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED
        phrase = router.phrases[CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED]
        await until(lambda: phrase in router.last_error(neighbour))


async def test_it_says_why(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        router.shut_down(neighbour, TEXT)
        closed = await side.wait_for(SessionClosed)
        assert closed.received is not None
        assert closed.received.subcode == CeaseSubcode.ADMINISTRATIVE_SHUTDOWN
        assert closed.received.communication == TEXT


async def test_we_say_why(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await side.speaker.close(TEXT)
    phrase = router.phrases[CeaseSubcode.ADMINISTRATIVE_SHUTDOWN]
    await until(lambda: phrase in router.last_error(neighbour))
    assert TEXT in router.last_error(neighbour)
