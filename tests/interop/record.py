"""Record what real daemons say, octet for octet, into tests/data/captures.

    python -m tests.interop.record [bird] [exabgp] [frr] [gobgp] [openbgpd]

Needs root and the Debian packages of the daemons, which need not run as services. For each daemon it makes two
network namespaces, starts the daemon in one and scripted peers in the other, and takes them through a session each:
OPENs, routes that the daemon originates, routes of other peers that it passes on, withdrawals, route refreshes, and
NOTIFICATIONs at the end. That happens twice, as an AS with a number of four octets and of two.

The peers differ in what one hears from the daemon: eBGP or iBGP, every capability there is or none at all, over
IPv4 or IPv6. Some exist only to be refused. Nothing here is a test; tests/bgp/test_captures.py reads what it writes.
"""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from tests.interop.netns import NetworkNamespace, connect
from tests.interop.recording_bird import Bird
from tests.interop.recording_context import Context
from tests.interop.recording_daemon import ADDRESS4, ADDRESS6, Daemon, local_address
from tests.interop.recording_exabgp import ExaBGP
from tests.interop.recording_frr import FRR
from tests.interop.recording_gobgp import GoBGP
from tests.interop.recording_openbgpd import OpenBGPD
from tests.interop.recording_peer import (
    OPEN,
    ROUTE_REFRESH,
    UPDATE,
    Account,
    Offer,
    ScriptedPeer,
    family_octets,
    message,
    open_message,
    settle,
)
from tests.interop.recording_routes import MALFORMED, announcements, end_of_rib, withdrawals

FOLDER = Path(__file__).parents[1] / "data" / "captures"

DAEMONS: dict[str, type[Daemon]] = {
    "bird": Bird,
    "exabgp": ExaBGP,
    "frr": FRR,
    "gobgp": GoBGP,
    "openbgpd": OpenBGPD,
}

FOUR_OCTET_AS = 65550
TWO_OCTET_AS = 64510
RUNS = {
    FOUR_OCTET_AS: [
        Account("source", "192.0.2.11", 65541, is_source=True),
        Account("client", "192.0.2.12", FOUR_OCTET_AS, is_source=True, is_client=True),
        Account("ebgp", "192.0.2.21", 64502, role="provider"),
        Account("ebgp-usual", "192.0.2.22", 65542, offer=Offer.USUAL),
        Account("ebgp-two-octet", "192.0.2.23", 64503, offer=Offer.NOTHING),
        Account("ebgp-ipv6", "2001:db8::24", 64504),
        Account("ibgp", "192.0.2.25", FOUR_OCTET_AS),
        Account("extended-open", "192.0.2.26", 64506, has_extended_open=True),
        Account("wrong-as", "192.0.2.31", 64531, claimed_asn=64499),
        Account("wrong-version", "192.0.2.32", 64532, version=5),
        Account("wrong-hold-time", "192.0.2.33", 64533, hold_time=1),
    ],
    TWO_OCTET_AS: [
        Account("as64510-source", "192.0.2.11", 65541, is_source=True, has_long_attributes=True),
        Account("as64510-ibgp-usual", "192.0.2.26", TWO_OCTET_AS, offer=Offer.USUAL),
        Account("as64510-ibgp-two-octet", "192.0.2.27", TWO_OCTET_AS, offer=Offer.TWO_OCTET),
    ],
}

_NAMES = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "ROUTE-REFRESH"}
_TELLING = {2: 2, 14: 4, 15: 4}
"""How many octets of an attribute make UPDATEs differ: size of a segment, family and length of a next hop."""

_GOODBYE = "Maintenance, back at 22:00 · Grüße"


class Recording:
    """One run of a daemon, with all its peers."""

    def __init__(self, daemon: Daemon, peers: NetworkNamespace) -> None:
        self._daemon = daemon
        self._namespace = peers
        self._peers = [ScriptedPeer(account) for account in daemon.accounts]

    def take(self) -> list[ScriptedPeer]:
        """Go through everything, and return the peers with what they heard."""
        for peer in self._peers:
            peer.connect(self._namespace, local_address(peer.account))
        self._settle()
        for peer in self._peers:
            if not peer.is_established and not peer.account.is_refused:
                print(f"    {peer.account.name}: no session", file=sys.stderr)
        self._announce()
        self._refresh()
        self._withdraw()
        self._say_goodbye()
        return self._peers

    def context(self, peer: ScriptedPeer) -> Context:
        """What is negotiated in the session of a peer, once there is one."""
        ours = open_message(peer.account)
        theirs = next((octets for octets in peer.heard if octets[18] == OPEN), open_message(_NOBODY))
        return Context.between(ours, theirs, is_internal=self._daemon.is_internal(peer.account))

    def _settle(self) -> None:
        settle(self._peers)

    def _sources(self) -> Iterator[tuple[ScriptedPeer, Context]]:
        return ((peer, self.context(peer)) for peer in self._peers if peer.account.is_source)

    def _announce(self) -> None:
        for peer, context in self._sources():
            peer.send(*announcements(peer.account, context.families, context.add_path_to_daemon))
            peer.send(*end_of_rib(sorted(context.families)))
        for peer in self._peers:
            if not peer.account.is_source and peer.is_established:
                peer.send(*end_of_rib(sorted(self.context(peer).families)))
        self._settle()

    def _refresh(self) -> None:
        for peer in self._rich_peers():
            for family in sorted(self.context(peer).families if self._daemon.survives_refresh else ()):
                octets = family_octets([family])
                peer.send(message(ROUTE_REFRESH, octets[:2] + b"\0" + octets[2:]))
        self._settle()
        for peer in self._rich_peers():
            self._daemon.ask_again(peer.account)
        self._settle()

    def _rich_peers(self) -> list[ScriptedPeer]:
        return [p for p in self._peers if p.account.offer is Offer.EVERYTHING and p.is_established]

    def _withdraw(self) -> None:
        for peer, context in self._sources():
            peer.send(*withdrawals(peer.account, context.families, context.add_path_to_daemon))
        self._daemon.change()
        self._settle()

    def _say_goodbye(self) -> None:
        for peer in self._peers:
            if peer.account.name == "ebgp" and peer.is_established:
                self._daemon.shut_down(peer.account, _GOODBYE)
            if peer.account.name == "ibgp":
                peer.send(MALFORMED)
        self._settle()
        for peer in self._peers:
            peer.is_leaving = True
        self._daemon.terminate()
        self._settle()
        for peer in self._peers:
            peer.close()
        self._daemon.wait_ended()


_NOBODY = Account("nobody", "192.0.2.99", 1, offer=Offer.NOTHING)


def record(kind: type[Daemon]) -> list[dict[str, object]]:
    """Record all runs of a daemon; return its sessions in the form of the files."""
    sessions: list[dict[str, object]] = []
    known: set[tuple[str, bytes]] = set()
    for asn, everybody in RUNS.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            NetworkNamespace("daemon") as namespace,
            NetworkNamespace("peers") as peers,
        ):
            accounts = [attrs.evolve(account, families=kind.families) for account in everybody]
            _lay_cable(namespace, peers, accounts)
            daemon = kind(namespace, Path(folder), asn, accounts)
            daemon.start()
            recording = Recording(daemon, peers)
            for peer in recording.take():
                context = recording.context(peer).as_json()
                if messages := list(_new(peer, context, known)):
                    session: dict[str, object] = {"session": peer.account.name, **context}
                    if messages[0].startswith("OPEN"):
                        session["sent_open"] = open_message(peer.account).hex()
                    sessions.append({**session, "received": messages})
    return sessions


def _lay_cable(daemon: NetworkNamespace, peers: NetworkNamespace, accounts: Iterable[Account]) -> None:
    connect(daemon, f"{ADDRESS4}/24", peers, "192.0.2.2/24")
    # A hardware address of our own makes the link-local address, which next hops show, the same every time.
    for namespace, mac in ((daemon, "02:00:00:00:00:01"), (peers, "02:00:00:00:00:02")):
        namespace.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0")
        namespace.run("ip", "link", "set", "eth0", "down")
        namespace.run("ip", "link", "set", "eth0", "address", mac, "up")
    daemon.run("ip", "address", "add", f"{ADDRESS6}/64", "dev", "eth0", "nodad")
    for account in accounts:
        bits = 64 if ":" in account.address else 24
        peers.run("ip", "address", "add", f"{account.address}/{bits}", "dev", "eth0")


def _new(peer: ScriptedPeer, context: object, known: set[tuple[str, bytes]]) -> Iterator[str]:
    """The UPDATEs that say in this context what none before has said; other messages say it in any.

    The UPDATEs for the sources, and for the peer that is there for its OPEN, are those of the others again.
    """
    has_updates = not (peer.account.is_source or peer.account.has_extended_open)
    shapes: set[object] = set()
    for octets in peer.heard:
        kind = octets[18]
        key = str(context) if kind == UPDATE else "", octets
        if key in known or (kind == UPDATE and (not has_updates or _shape(octets) in shapes)):
            continue
        known.add(key)
        if kind == UPDATE:
            shapes.add(_shape(octets))
        yield f"{_NAMES[kind]} {octets.hex()}"


def _shape(octets: bytes) -> object:
    """Which fields an UPDATE has, and which attributes in which order with which flags.

    UPDATEs of a session that differ in nothing but values are alike: one of them is enough.
    """
    withdrawn, rest = _counted(octets[19:])
    block, nlri = _counted(rest)
    attributes = []
    while block:
        flags, code = block[:2]
        value, block = _counted(block[2:], 2 if flags & 0x10 else 1)
        attributes.append((flags, code, value[: _TELLING.get(code, 0)]))
    return bool(withdrawn), bool(nlri), tuple(attributes)


def _counted(octets: bytes, width: int = 2) -> tuple[bytes, bytes]:
    """Take off a length and as many octets; return these and the rest."""
    end = width + int.from_bytes(octets[:width])
    return octets[width:end], octets[end:]


def main(names: Sequence[str]) -> None:
    """Record the daemons that are named, all by default."""
    # So that daemons and namespaces go on every way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or sorted(DAEMONS):
        kind = DAEMONS[name]
        sessions = record(kind)
        version = subprocess.run(
            ["dpkg-query", "--show", kind.package], capture_output=True, text=True, check=True
        ).stdout.split()
        text = json.dumps({"daemon": " ".join(version), "sessions": sessions}, indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(text)
        print(f"{name}: {len(sessions)} sessions of {' '.join(version)}, {len(text)} octets")


if __name__ == "__main__":
    main(sys.argv[1:])
