"""False alarms of BFD beside a program that is busy.

    python -m tests.benchmarks.bfd_load --seconds 30
    python -m tests.benchmarks.bfd_load --search --priority none

One session between 127.0.0.1 and 127.0.0.2. The program at one end fills and empties a table of a million routes all
the time, in its own thread beside the event loop, and so does another process on the other core; the program at the
other end does nothing. Nothing is ever wrong with the path: each time the session goes down is a false alarm.
"""

import argparse
import asyncio
import multiprocessing
import os
import threading
import time
from multiprocessing.synchronize import Event

from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.bfd.packet import BFDState

BUSY, IDLE = "127.0.0.1", "127.0.0.2"
PORTS = {BUSY: 13784, IDLE: 13785}
TABLE = 1_000_000
CANDIDATES = (0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Count false alarms of BFD beside a busy program.")
    parser.add_argument("--interval", type=float, default=0.1, help="seconds between packets (0.1)")
    parser.add_argument("--multiplier", type=int, default=3, help="packets that may be missed (3)")
    parser.add_argument("--seconds", type=float, default=20, help="how long to count (20)")
    parser.add_argument(
        "--search", action="store_true", help="try ever smaller intervals until one does not hold"
    )
    parser.add_argument("--thread", action="store_true", help="run the sessions in a thread, not a process")
    parser.add_argument("--quiet", action="store_true", help="without the load, for comparison")
    parser.add_argument(
        "--priority",
        choices=("as-is", "none", "nice", "rr"),
        default="as-is",
        help="of the process at the busy end",
    )
    return parser.parse_args()


def fill(stop: threading.Event | Event) -> None:
    """Fill a table with routes and empty it again, until told to stop."""
    while not stop.is_set():
        table: dict[bytes, tuple[int, bytes]] = {}
        for number in range(TABLE):
            table[b"\x18" + number.to_bytes(3, "big")] = (number, b"attributes")
            if not number % 1000 and stop.is_set():
                return


def session(monitor: BFDMonitor, here: str, interval: float, multiplier: int) -> MonitoredSession:
    """The session at one end."""
    there = IDLE if here == BUSY else BUSY
    config = BFDConfig(
        transmit_interval=interval,
        receive_interval=interval,
        multiplier=multiplier,
        port=PORTS[there],
        local_port=PORTS[here],
    )
    return monitor.add(there, config, local_address=here)


async def idle_end(interval: float, multiplier: int) -> None:
    """Answer until killed."""
    async with BFDMonitor() as monitor:
        session(monitor, IDLE, interval, multiplier)
        await asyncio.Event().wait()


def run_idle_end(interval: float, multiplier: int) -> None:
    """Be the other program."""
    asyncio.run(idle_end(interval, multiplier))


def set_priority(process: int, wanted: str) -> None:
    """Change what the process has asked for itself."""
    if wanted == "rr":
        os.sched_setscheduler(process, os.SCHED_RR, os.sched_param(1))
    elif wanted != "as-is":
        os.sched_setscheduler(process, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, process, -15 if wanted == "nice" else 0)


async def false_alarms(options: argparse.Namespace, interval: float) -> list[str]:
    """Keep the session for the time; return why it went down, each time that it did."""
    alarms: list[str] = []
    async with BFDMonitor(process=not options.thread) as monitor:
        busy = session(monitor, BUSY, interval, options.multiplier)
        await busy.wait_up()
        if monitor.process_id is not None:
            set_priority(monitor.process_id, options.priority)
        stop = threading.Event()
        filler = threading.Thread(target=fill, args=(stop,))
        if not options.quiet:
            filler.start()
        events = busy.events()
        try:
            async with asyncio.timeout(options.seconds):
                async for event in events:
                    if isinstance(event, BFDStateChanged) and event.old is BFDState.UP:
                        alarms.append(event.reason.value)
        except TimeoutError:
            pass
        finally:
            stop.set()
            if not options.quiet:
                filler.join()
    return alarms


def measure(options: argparse.Namespace, interval: float) -> bool:
    """Count for one interval and print; return whether there was no alarm."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    helpers = [context.Process(target=run_idle_end, args=(interval, options.multiplier))]
    if not options.quiet:
        helpers.append(context.Process(target=fill, args=(stop,)))
    for helper in helpers:
        helper.start()
    begun = time.monotonic()
    alarms = asyncio.run(false_alarms(options, interval))
    stop.set()
    helpers[0].terminate()
    for helper in helpers:
        helper.join()
    took = time.monotonic() - begun
    print(
        f"{interval * 1000:4.0f} ms x {options.multiplier}: {len(alarms)} false alarms in {took:.0f} s",
        flush=True,
    )
    for why in sorted(set(alarms)):
        print(f"    {alarms.count(why)} x {why}")
    return not alarms


def main() -> None:
    """Measure what the command line says."""
    options = arguments()
    if not options.search:
        measure(options, options.interval)
        return
    held = None
    for interval in CANDIDATES:
        if not measure(options, interval):
            break
        held = interval
    print(
        "none held"
        if held is None
        else f"the smallest that held: {held * 1000:.0f} ms x {options.multiplier}"
    )


if __name__ == "__main__":
    main()
