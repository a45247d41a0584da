"""A peer that plays octets made before, and reports what it is told: `python -m tests.benchmarks.scale.player`.

Only the standard library is imported, and nothing of `bgp`. Each line that it prints is a JSON object: one with the
time of the TCP connect, one when the session is up, one when all is played, one for each
goal that is reached. Times are those of
CLOCK_MONOTONIC, which all processes of a machine share.
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import time
from pathlib import Path

from tests.benchmarks.scale.tally import Tally

_MARKER = b"\xff" * 16
_OPEN, _UPDATE, _KEEPALIVE = 1, 2, 4
_HOLD_TIME, _KEEPALIVE_TIME = 240, 60.0
_QUIET = 0.25
_CONNECT_WITHIN = 30.0
END_OF_RIB = _MARKER + struct.pack("!HBI", 23, _UPDATE, 0)
"""Of IPv4 unicast (RFC 4724 2)."""


def message(kind: int, body: bytes = b"") -> bytes:
    """A whole message."""
    return _MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def open_message(asn: int, router_id: str) -> bytes:
    """An OPEN with IPv4 unicast and four-octet AS numbers."""
    capabilities = b"\1\4\0\1\0\1" + b"\x41\4" + asn.to_bytes(4)
    parameter = bytes([2, len(capabilities)]) + capabilities
    head = struct.pack("!BHH", 4, asn, _HOLD_TIME) + socket.inet_aton(router_id)
    return message(_OPEN, head + bytes([len(parameter)]) + parameter)


class Player:
    """One session."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._source, self._asn = options.source, options.asn
        self._prefixes, self._goals = options.prefixes, list(options.goals)
        feed = options.feed.read_bytes() + END_OF_RIB if options.feed else b""
        self._feed = memoryview(feed)
        self._tally = Tally()
        self._socket = self._connect(options.to)
        self._due = time.monotonic() + _KEEPALIVE_TIME
        self._selector = selectors.DefaultSelector()

    def _connect(self, address: str) -> socket.socket:
        deadline = time.monotonic() + _CONNECT_WITHIN
        while True:
            begun = time.monotonic()
            attempt = socket.socket()
            attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            attempt.bind((self._source, 0))
            try:
                attempt.connect((address, 179))
            except OSError:
                attempt.close()
                if begun > deadline:
                    raise
                time.sleep(0.1)
                continue
            _say(connected=begun)
            return attempt

    def play(self) -> None:
        """Bring the session up, then play and listen until the connection ends."""
        self._socket.sendall(open_message(self._asn, self._source))
        heard = b""
        # OPEN and KEEPALIVE come before anything else; what comes with them is counted already.
        while heard.count(_MARKER) < 2:
            data = self._socket.recv(1 << 16)
            if not data:
                raise ConnectionError(f"refused: {heard[18:].hex()}")
            if _MARKER in data and not heard:
                self._socket.sendall(message(_KEEPALIVE))
            heard += data
        self._tally.add(time.monotonic(), heard)
        self._socket.setblocking(False)
        self._selector.register(self._socket, self._interest())
        _say(established=time.monotonic())
        while self._step():
            pass

    def _interest(self) -> int:
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._feed else 0)

    def _step(self) -> bool:
        ready = self._selector.select(_QUIET)
        if time.monotonic() > self._due and not self._feed:
            self._socket.sendall(message(_KEEPALIVE))
            self._due += _KEEPALIVE_TIME
        if not ready:
            self._tally.digest()
            self._report()
        for _, mask in ready:
            if mask & selectors.EVENT_WRITE:
                self._feed = self._feed[self._socket.send(self._feed[: 1 << 18]) :]
                if not self._feed:
                    _say(played=time.monotonic())
                    self._selector.modify(self._socket, self._interest())
            if mask & selectors.EVENT_READ:
                data = self._socket.recv(1 << 18)
                if not data:
                    return False
                self._tally.add(time.monotonic(), data)
        return True

    def _report(self) -> None:
        tally = self._tally
        if tally.notification is not None:
            raise ConnectionError(f"NOTIFICATION {tally.notification.hex()}")
        while self._goals:
            goal = self._goals[0]
            if (tally.via(goal) if goal else tally.prefixes) < self._prefixes:
                return
            self._goals.pop(0)
            _say(goal=goal, at=tally.last_change, updates=tally.updates, octets=tally.octets)


def _say(**what: float) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="a BGP peer for benchmarks")
    parser.add_argument("--source", required=True, help="the IPv4 address to connect from")
    parser.add_argument("--to", required=True, help="the IPv4 address of the router")
    parser.add_argument("--asn", required=True, type=int, help="its AS number")
    parser.add_argument("--feed", type=Path, help="UPDATEs to play, then End-of-RIB")
    parser.add_argument("--prefixes", type=int, default=0, help="how many prefixes make a table")
    goals = "report when it was told a table by this AS, then by the next; 0: by any"
    parser.add_argument("--goals", nargs="*", type=int, default=[], help=goals)
    player = Player(parser.parse_args())
    try:
        player.play()
    except OSError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
