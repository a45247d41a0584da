"""`bgp` as a router: `python -m tests.benchmarks.scale.ours AS ADDRESS SOCKET PEER/AS…`.

It takes whatever its peers send and passes it on to all others. A line on the Unix socket with a peer's address is
answered by how many UPDATEs it has sent, which costs nothing to know; any other line by how many prefixes have a best
path.
"""

import asyncio
import contextlib
import sys

import bgp
from bgp.policy import accept_all
from bgp.speaker import Speaker


async def run(asn: int, address: str, path: str, peers: list[str]) -> None:
    """Be a router until cancelled."""
    async with Speaker(local_as=asn, router_id=address) as speaker:
        await speaker.listen(address)
        for peer in peers:
            its_address, its_as = peer.split("/")
            speaker.add_peer(
                *(its_address,),
                peer_as=int(its_as),
                passive=True,
                import_policy=accept_all,
                export_policy=accept_all,
            )
        async with await asyncio.start_unix_server(lambda *ends: answer(speaker, *ends), path) as server:
            await server.serve_forever()


async def answer(speaker: Speaker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer questions on one connection."""
    with contextlib.suppress(ConnectionError):
        while question := await reader.readline():
            address = question.strip().decode()
            # Not `statistics()`, which counts prefixes too, by walking through the table.
            counters = [peer.member.peering.counters for peer in speaker.peers if str(peer) == address]
            routes = speaker.best(bgp.IPV4_UNICAST) if not counters else ()
            number = counters[0].received["update"] if counters else len(routes)
            writer.write(b"%d\n" % number)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
