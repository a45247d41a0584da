"""Asks, on a blocking raw socket, and measures how the answers come.

A kernel filter keeps all but unicast answers from the socket, so that what else a subject sends costs the asker
nothing; and what is in the answers is looked at when the clock has stopped.
"""

import ctypes
import gc
import itertools
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Self

from arp.ethernet import MACAddress
from tests.benchmarks.arp.family import Address, Family

Figures = dict[str, float]
"""What was found out: seconds, counts."""

_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_MEMINFO, _SO_TIMESTAMPNS = 26, 33, 55, 35  # asm-generic/socket.h
_ROOM = 256 << 20
_PATIENCE = 60.0
_ONE_ANSWER = struct.pack("ll", 2, 0)  # struct timeval
_QUIET = 0.25
_WARM_UP = 300
_BATCH = 50


def wait_quiet(value: Callable[[], float]) -> None:
    """Wait until something that counts does not go on."""
    before = None
    while before != (now := value()):
        before = now
        time.sleep(_QUIET)


class WrongAnswerError(Exception):
    """The subject answers something else than was asked."""


class Asker:
    """A socket on the eth0 of the namespace of the calling thread."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _ONE_ANSWER)
        _attach(self._socket, _answers_only(family))
        self._socket.bind(("eth0", family.ethertype))
        self._mac = MACAddress(self._socket.getsockname()[4])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait_answered(self, targets: Sequence[Address]) -> None:
        """Ask until there was an answer about each; raise `TimeoutError` if one does not come."""
        deadline = time.monotonic() + _PATIENCE
        missing = {
            target.packed: self._family.ask(self._mac, self._family.asker, target) for target in targets
        }
        while missing:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(missing)} addresses are not answered within {_PATIENCE:.0f} s")
            for question in missing.values():
                self._socket.send(question)
            for answer in self._drain():
                missing.pop(self._family.target(answer), None)

    def latency(self, targets: Sequence[Address], count: int) -> Figures:
        """Ask `count` questions, each once the one before is answered: seconds from question to answer."""
        questions = list(
            itertools.islice(
                itertools.cycle(zip(targets, self._questions(targets), strict=True)), count + _WARM_UP
            )
        )
        with _undisturbed():
            taken, answers = self._one_by_one([question for _, question in questions])
        for (target, _), answer in zip(questions, answers, strict=True):
            if self._family.target(answer) != target.packed:
                raise WrongAnswerError(f"asked for {target}, told of {self._family.target(answer).hex()}")
        del taken[:_WARM_UP]
        return {"median": median(taken) / 1e9, "p99": quantiles(taken, n=100)[98] / 1e9}

    def _one_by_one(self, questions: Sequence[bytes], pause: float = 0.0) -> tuple[list[int], list[bytes]]:
        send, receive, clock = self._socket.send, self._socket.recv, time.perf_counter_ns
        taken, answers = [], []
        for question in questions:
            start = clock()
            send(question)
            answer = receive(2048)
            taken.append(clock() - start)
            answers.append(answer)
            if pause:
                time.sleep(pause)
        return taken, answers

    def waits(self, targets: Sequence[Address], count: int) -> Figures:
        """Ask `count` questions, each a millisecond after the answer to the one before: the longest wait in seconds."""
        with _undisturbed():
            taken, _ = self._one_by_one(
                list(itertools.islice(itertools.cycle(self._questions(targets)), count)), pause=0.001
            )
        return {"longest": max(taken) / 1e9}

    def burst(self, targets: Sequence[Address], count: int) -> Figures:
        """Send `count` questions without a pause: how many are answered, and the seconds until the last answer."""
        questions = list(itertools.islice(itertools.cycle(self._questions(targets)), count))
        send = self._socket.send
        with _undisturbed():
            start = time.clock_gettime_ns(time.CLOCK_REALTIME)
            for question in questions:
                send(question)
            sent = time.clock_gettime_ns(time.CLOCK_REALTIME)
            wait_quiet(self._waiting)
        arrivals = list(self._arrivals())
        last = max(arrivals, default=start)
        return {"answered": len(arrivals), "seconds": (last - start) / 1e9, "sending": (sent - start) / 1e9}

    def flood(self, targets: Sequence[Address], count: int, processor: Callable[[], float]) -> Figures:
        """Send `count` questions, 25,000 to 50,000 a second: what `processor` counts meanwhile, and the answers."""
        questions = itertools.islice(itertools.cycle(self._questions(targets)), count)
        send, start = self._socket.send, processor()
        while batch := list(itertools.islice(questions, _BATCH)):
            for question in batch:
                send(question)
            time.sleep(0.001)
        wait_quiet(processor)
        return {"processor": processor() - start, "answered": len(list(self._arrivals()))}

    def _questions(self, targets: Sequence[Address]) -> list[bytes]:
        return self._family.questions(self._mac, list(targets))

    def _waiting(self) -> int:
        """Octets of memory that answers take which are not read yet."""
        (octets,) = struct.unpack_from("I", self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))
        return int(octets)

    def _drain(self) -> Iterator[bytes]:
        wait_quiet(self._waiting)
        while self._waiting():
            yield self._socket.recv(2048)

    def _arrivals(self) -> Iterator[int]:
        """When each answer that waits came, in nanoseconds of the real-time clock."""
        while self._waiting():
            _, [(_, _, data)], _, _ = self._socket.recvmsg(2048, 64)
            seconds, nanoseconds = struct.unpack("ll", data)
            yield seconds * 10**9 + nanoseconds


@contextmanager
def _undisturbed() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _attach(opened: socket.socket, program: bytes) -> None:
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, of 8 octets each, and where they are.
    described = struct.pack("HP", len(program) // 8, ctypes.addressof(instructions))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _answers_only(family: Family) -> bytes:
    """A classic BPF program, linux/filter.h: pass answers to this host about addresses for benchmarks.

    What the kernels of the two namespaces tell each other about their own is none of ours.
    """
    offset, value = family.mark
    start = int.from_bytes(family.owned_from.packed[:2], "big")
    return b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 0xFFFFF004),  # load the type of the packet: SKF_AD_OFF + SKF_AD_PKTTYPE
            (0x15, 0, 5, 0),  # PACKET_HOST, or refuse
            (0x30, 0, 0, offset),  # load the octet that marks an answer
            (0x15, 0, 3, value),  # the value, or refuse
            (0x28, 0, 0, family.target_at),  # load the start of the address
            (0x15, 0, 1, start),  # the same, or refuse
            (0x06, 0, 0, 0xFFFF),  # pass
            (0x06, 0, 0, 0),  # refuse
        )
    )
