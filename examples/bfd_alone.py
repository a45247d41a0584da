"""Watch an address with BFD until Ctrl-C, and print what becomes of the session.

python examples/bfd_alone.py 192.0.2.1 --interval 0.1 --multiplier 3
"""

import argparse
import asyncio
import contextlib

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged, PacketDiscarded, SocketFailed
from bgp.bfd.monitor import BFDMonitor


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Watch an address with BFD.")
    parser.add_argument(
        "peer", help="address to watch; a link-local one with its zone, such as fe80::1%%eth0"
    )
    parser.add_argument("--local-address", help="address of ours to use")
    parser.add_argument("--interface", help="interface to use")
    parser.add_argument(
        "--interval", type=float, default=0.3, help="seconds between packets, both ways (0.3)"
    )
    parser.add_argument("--multiplier", type=int, default=3, help="packets that may be missed (3)")
    parser.add_argument("--multihop", action="store_true", help="there are routers in between")
    parser.add_argument("--port", type=int, help="UDP port to send to (3784; 4784 for multihop)")
    parser.add_argument("--local-port", type=int, help="UDP port to receive on (the same)")
    parser.add_argument(
        "--key-type", default="meticulous-keyed-sha1", help="how packets are signed, with --key"
    )
    parser.add_argument("--key", help="password or key that both sides know")
    return parser.parse_args()


async def watch(options: argparse.Namespace) -> None:
    """Run the session and print its events."""
    config = BFDConfig(
        transmit_interval=options.interval,
        receive_interval=options.interval,
        multiplier=options.multiplier,
        multihop=options.multihop,
        port=options.port,
        local_port=options.local_port,
        authentication=options.key and BFDKey(options.key_type, options.key),
    )
    async with BFDMonitor() as monitor:
        session = monitor.add(
            options.peer, config, local_address=options.local_address, interface=options.interface
        )
        async for event in session.events():
            match event:
                case BFDStateChanged(old=old, new=new, reason=reason):
                    print(f"{session}: {old.text} -> {new.text}: {reason.value}", flush=True)
                case PacketDiscarded(reason):
                    print(f"{session}: packets are discarded: {reason.value}", flush=True)
                case SocketFailed(why):
                    print(f"{session}: {why}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(watch(arguments()))
