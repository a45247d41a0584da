"""A client that asks again and again, to measure how long it gets no answer: `k8sglue lab probe URL`.

Every 20 ms it opens a new connection and asks for the page, whatever became of the earlier requests, and gives
each at most half a second. The figure is the longest time between two answers, so 20 ms and a little is what an
undisturbed service measures.

A client that already knows the hardware address of a service goes on using it, whoever is elected now: the kernel
of a node passes packets on even while its speaker is dead. With --forget the client drops what it knows before
each request, and so stands for all those that come new. It has to ask the LAN "who has this address?", which is
what nobody may leave unanswered for long.
"""

import asyncio
import contextlib
import signal
import socket
import struct
import time
from urllib.parse import SplitResult, urlsplit

import attrs

from k8sglue.config import IPAddress, parse_address
from k8sglue.lab.topology import LAN_INTERFACE

_INTERVAL = 0.02
_PATIENCE = 0.5
_LAST_ANSWER = 10.0
_RTM_DELNEIGH, _NLM_F_REQUEST, _NDA_DST = 29, 1, 1  # linux/rtnetlink.h, linux/netlink.h, linux/neighbour.h


@attrs.define
class Measurement:
    """What became of the requests that are over."""

    answered: int = 0
    unanswered: int = 0
    longest: float = 0.0
    """Seconds between two answers, the longest."""
    answer: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Set by every answer."""
    _last: float | None = None

    def note_answer(self, now: float) -> None:
        """Count an answer that came at `now`."""
        self.answered += 1
        if self._last is not None:
            self.longest = max(self.longest, now - self._last)
        self._last = now
        self.answer.set()

    def __str__(self) -> str:
        return (
            f"{self.answered + self.unanswered} requests, {self.unanswered} of them unanswered, "
            f"longest time without an answer {self.longest:.2f} s"
        )


async def run(url: str, *, forget: bool, seconds: float | None) -> Measurement:
    """Ask until SIGINT or SIGTERM, or for some seconds, and then on until one more answer has come.

    That last one makes sure that a gap which is still open is measured to its end. Raise ValueError if `url` is
    not one of HTTP with a numeric address.
    """
    target, address = _target(url)
    measurement = Measurement()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_ask_forever(target, measurement, address if forget else None))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
        measurement.answer.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(measurement.answer.wait(), _LAST_ANSWER)
        asking.cancel()
    return measurement


async def _ask_forever(target: SplitResult, measurement: Measurement, forgotten: IPAddress | None) -> None:
    due = time.monotonic()
    async with asyncio.TaskGroup() as requests:
        while True:
            if forgotten is not None:
                _forget_neighbour(forgotten)
            requests.create_task(_ask(target, measurement))
            due = max(due + _INTERVAL, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


async def _ask(target: SplitResult, measurement: Measurement) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            status = await _fetch(target)
    except (OSError, TimeoutError):
        measurement.unanswered += 1
        return
    measurement.note_answer(time.monotonic())
    if measurement.answered == 1:
        print(f"first answer from {target.hostname}: {status}", flush=True)


async def _fetch(target: SplitResult) -> str:
    """Fetch the page and return the status line."""
    reader, writer = await asyncio.open_connection(target.hostname, target.port or 80)
    try:
        path = target.path or "/"
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {target.netloc}\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.transport.abort()
    if not answer.startswith(b"HTTP/1."):
        raise ConnectionResetError("closed before the answer was whole")
    return answer.split(b"\r\n", 1)[0].decode(errors="replace")


def _forget_neighbour(address: IPAddress) -> None:
    """Delete the entry of `address` in the kernel's neighbour table, if there is one."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        index = socket.if_nametoindex(LAN_INTERFACE)
    except OSError:
        return  # not on a host of the lab
    destination = struct.pack("=HH", 4 + len(address.packed), _NDA_DST) + address.packed
    body = struct.pack("=B3xiHBB", family, index, 0, 0, 0) + destination  # struct ndmsg, struct rtattr
    header = struct.pack("=IHHII", 16 + len(body), _RTM_DELNEIGH, _NLM_F_REQUEST, 0, 0)  # struct nlmsghdr
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        # Without NLM_F_ACK only an error is answered, such as that there is no entry: nobody reads it.
        kernel.sendto(header + body, (0, 0))


def _target(url: str) -> tuple[SplitResult, IPAddress]:
    target = urlsplit(url)
    if target.scheme != "http" or not target.hostname:
        raise ValueError(f"{url}: must be an http:// URL")
    address = parse_address(target.hostname)
    if address is None:
        raise ValueError(f"{url}: must have a numeric address, one of IPv6 in brackets")
    return target, address
