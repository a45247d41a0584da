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
import fcntl
import signal
import socket
import struct
import time
from urllib.parse import SplitResult, urlsplit

import attrs

from k8sglue.lab.topology import LAN_INTERFACE

_INTERVAL = 0.02
_PATIENCE = 0.5
_SIOCDARP = 0x8953
_LAST_ANSWER = 10.0


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
    not one of HTTP with a numeric IPv4 address.
    """
    target = _target(url)
    measurement = Measurement()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(_ask_forever(target, measurement, forget))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)
        measurement.answer.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(measurement.answer.wait(), _LAST_ANSWER)
        asking.cancel()
    return measurement


async def _ask_forever(target: SplitResult, measurement: Measurement, forget: bool) -> None:
    due = time.monotonic()
    async with asyncio.TaskGroup() as requests:
        while True:
            if forget:
                _forget_neighbour(str(target.hostname))
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
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {target.hostname}\r\n\r\n".encode())
        answer = await reader.read()
    finally:
        writer.transport.abort()
    if not answer.startswith(b"HTTP/1."):
        raise ConnectionResetError("closed before the answer was whole")
    return answer.split(b"\r\n", 1)[0].decode(errors="replace")


def _forget_neighbour(address: str) -> None:
    """Delete the entry of `address` in the kernel's neighbour table, if there is one."""
    protocol_address = struct.pack("=H2x4s8x", socket.AF_INET, socket.inet_aton(address))
    hardware_address, flags, netmask = bytes(16), bytes(4), bytes(16)
    request = protocol_address + hardware_address + flags + netmask + LAN_INTERFACE.encode().ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control, contextlib.suppress(OSError):
        fcntl.ioctl(control, _SIOCDARP, request)


def _target(url: str) -> SplitResult:
    target = urlsplit(url)
    if target.scheme != "http" or not target.hostname:
        raise ValueError(f"{url}: must be an http:// URL")
    try:
        socket.inet_aton(target.hostname)
    except OSError:
        raise ValueError(f"{url}: must have a numeric IPv4 address") from None
    return target
