"""A page on each node, and a client that fetches it all the time; tests start these inside namespaces.

    pages.py serve NAME          on port 80 of every address: the page says just NAME
    pages.py fetch ADDRESS...    a page every 10 ms from each, on a connection of its own

`fetch` writes a line for each page that came, `TIME ADDRESS NAME`, by the clock that all processes of the host share.
"""

import asyncio
import sys
import time

_INTERVAL = 0.01
_PATIENCE = 2.0


async def serve(name: str) -> None:
    """Serve until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{name}".encode())
        writer.close()

    server = await asyncio.start_server(answer, ["0.0.0.0", "::"], 80)
    print("ready", flush=True)
    await server.serve_forever()


async def fetch(addresses: list[str]) -> None:
    """Fetch until killed. A fetch that takes long keeps no other from its turn."""
    running: set[asyncio.Task[None]] = set()
    due = time.monotonic()
    while True:
        for address in addresses:
            task = asyncio.create_task(_fetch_page(address))
            running.add(task)
            task.add_done_callback(running.discard)
        due += _INTERVAL
        await asyncio.sleep(due - time.monotonic())


async def _fetch_page(address: str) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(address, 80)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            page = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return  # it is missing in the output
    if page:
        print(time.monotonic(), address, page.decode().splitlines()[-1], flush=True)


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    asyncio.run(serve(*rest) if verb == "serve" else fetch(rest))
