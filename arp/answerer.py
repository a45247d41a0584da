"""A thread that reads the frames of one packet socket and answers them, whatever the event loop is doing.

*Waiting.* While frames come, the thread waits for the next one where it reads it, in the kernel: a call for each frame
and one for its answer are all there is. If none comes for a moment, it waits for the socket and for a bell, an eventfd
by which it is told to end. One cannot do without the other: to wait for several things costs a further call for each
frame, a tenth of the time of an answer, and nothing can end a call that reads from a packet socket.

*The end.* To stop takes no longer than that moment. It is a daemon thread, so a program that ends without stopping it
is not kept; and one whose event loop is closed without it has given up its interface, so the thread ends as well.
"""

import errno
import logging
import os
import select
import socket
import struct
import threading
from collections.abc import Callable

import attrs

from arp.errors import InterfaceError
from arp.exchange import Exchange

__all__ = ["Answerer"]

_log = logging.getLogger("arp")

_MOMENT = struct.pack("ll", 0, 10_000)  # struct timeval; the kernel rounds it up to its ticks
_LONGEST_FRAME = 2048
_NO_ROOM = {errno.EAGAIN, errno.ENOBUFS}


@attrs.define(eq=False)
class Answerer:
    """The thread of one socket, from `start` to `stop`."""

    name: str
    """Name of the interface, for errors and the log."""
    opened: socket.socket = attrs.field(repr=False)
    """The packet socket, which is another's to close once this has stopped."""
    exchange: Exchange = attrs.field(repr=False)
    """Where frames are judged."""
    unsent: int = attrs.field(init=False, default=0)
    """Frames for which the kernel had no room, or no interface."""
    _transmit: Callable[[bytes, int], int] = attrs.field(init=False, repr=False)
    _bell: int = attrs.field(init=False, repr=False)
    _poll: select.poll = attrs.field(init=False, factory=select.poll, repr=False)
    _thread: threading.Thread = attrs.field(init=False, repr=False)
    _is_stopping: bool = attrs.field(init=False, default=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Look up once what each answer needs."""
        self._transmit = self.opened.send

    def start(self) -> None:
        """Answer from now on. Raises `InterfaceError` if the system has no more files or threads."""
        self.opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _MOMENT)
        try:
            self._bell = os.eventfd(0)
        except OSError as error:
            raise InterfaceError(f"{self.name}: no eventfd ({error.strerror})") from error
        self._poll.register(self.opened, select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        self._thread = threading.Thread(target=self._run, name=f"arp {self.name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            os.close(self._bell)
            raise InterfaceError(f"{self.name}: no thread ({error})") from error

    def stop(self) -> None:
        """Answer no more once this returns. Not to be called by who holds the exchange."""
        self._is_stopping = True
        os.eventfd_write(self._bell, 1)
        self._thread.join()
        os.close(self._bell)

    def send(self, frame: bytes) -> None:
        """Send a frame without waiting, or count it as unsent; to be called by who holds the exchange."""
        try:
            self._transmit(frame, socket.MSG_DONTWAIT)
        except OSError as error:
            self.unsent += 1
            if error.errno not in _NO_ROOM:
                _log.debug("%s: not sent (%s)", self.name, error.strerror)

    def _run(self) -> None:
        try:
            while self._wait():
                self._read()
        except Exception as error:
            _log.exception("%s: nobody answers any more", self.name)
            self.exchange.fail(InterfaceError(f"{self.name}: nobody answers any more ({error!r})"))

    def _wait(self) -> bool:
        """Wait until there is a frame; tell whether to go on."""
        self._poll.poll()
        return not (self._is_stopping or self.exchange.loop.is_closed())

    def _read(self) -> None:
        judge, receive, send = self.exchange.judge, self.opened.recv, self.send
        try:
            while not self._is_stopping:
                judge(receive(_LONGEST_FRAME), send)
        except BlockingIOError:
            pass  # nothing came for a moment
        except OSError as error:
            _log.debug(
                "%s: %s", self.name, error.strerror
            )  # the link is down; the event loop hears of it as well
