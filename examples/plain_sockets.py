"""Announce a prefix over a plain socket until Ctrl-C: how to drive a session without asyncio.

python examples/plain_sockets.py 192.0.2.1 179 64513 203.0.113.7/32
"""

import contextlib
import select
import socket
import sys
from time import monotonic as now

import bgp
from bgp.textform import to_text

sockets: list[socket.socket] = []  # the connection, or none


def carry_out(session: bgp.Session, outputs: list[bgp.Output]) -> None:
    """Do in order what a verb of the session has returned."""
    for output in outputs:
        match output:
            case bgp.OpenConnection():
                carry_out(session, connect(session))
            case bgp.SendBytes(data):
                with contextlib.suppress(OSError):  # if this fails, to receive will fail as well
                    sockets[0].sendall(data)
                    session.data_sent(now())
            case bgp.CloseConnection():
                while sockets:
                    sockets.pop().close()
            case event:
                print(to_text(event), flush=True)


def connect(session: bgp.Session) -> list[bgp.Output]:
    """Dial, and return what comes of it."""
    try:
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5.0)
    except OSError as error:
        return session.connection_failed(now(), str(error))
    sockets.append(connection)
    local, remote = connection.getsockname()[0], connection.getpeername()[0]
    return session.connection_opened(now(), local_address=local, remote_address=remote)


def run(session: bgp.Session) -> None:
    """Keep the session up: wait for octets or for a timeout, and act on what there is."""
    carry_out(session, session.start(now()))
    while True:
        deadline = session.next_timeout()
        if select.select(sockets, [], [], max(0.0, deadline - now()) if deadline else None)[0]:
            data = b""
            with contextlib.suppress(OSError):
                data = sockets[0].recv(65536)
            carry_out(session, session.receive_data(data, now()) if data else session.connection_lost(now()))
        carry_out(session, session.handle_timeout(now()))


if __name__ == "__main__":
    session = bgp.Session(bgp.PeerConfig(local_as=64512, peer_as=int(sys.argv[3])))
    session.announce([sys.argv[4]], now())
    with contextlib.suppress(KeyboardInterrupt):
        run(session)
    carry_out(session, session.stop(now()))
