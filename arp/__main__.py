"""`python -m arp`: answer for addresses, watch a segment, or ask who has an address, from a shell.

Argument parsing; the work is done in commands.py.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeVar

from arp.addresses import host_address, station
from arp.commands import Ask, Respond, Watch
from arp.errors import ARPError, LocalError
from arp.ethernet import MACAddress
from arp.settings import ConflictPolicy, Settings
from arp.watcher import Watcher

_T = TypeVar("_T")
_DEFAULTS: Final = Settings()
_POLICIES: Final = ", ".join(policy.value for policy in ConflictPolicy)

_PRIVILEGE: Final = "Needs root, or the capability CAP_NET_RAW."

_RESPOND: Final = f"""\
Answer ARP requests and IPv6 neighbour solicitations for addresses that no interface holds, and announce them, until
Ctrl-C. Counts are shown for each address, and conflicts at once. {_PRIVILEGE}
"""

_RESPOND_MORE: Final = """\
Traffic to the addresses then arrives here; whether anything takes it is up to this host. The interface may go down and
come back, or be removed and made anew; the addresses are announced again then.

examples:
  python -m arp respond eth0 203.0.113.7 2001:db8::7
  python -m arp respond eth0 203.0.113.7 --probe 2 --conflict-policy yield

exit status: 0 after Ctrl-C or SIGTERM, 2 if it cannot answer.
"""

_WATCH: Final = f"""\
Show ARP and IPv6 neighbour discovery on an interface, received and sent: questions, answers, probes, announcements,
routers. Lines with ! tell what several frames mean together: CONFLICT, two stations use an address; MOVED, another
station uses it than before; UNANSWERED, a station asks again and again. {_PRIVILEGE}
"""

_WATCH_MORE: Final = """\
A switch delivers only what is sent to all, to groups, or to this host; see --promiscuous for ports that get more.

examples:
  python -m arp watch eth0
  python -m arp watch eth0 --address 203.0.113.7 --holder 203.0.113.7=02:00:00:00:00:0a
  python -m arp watch eth0 --json --seconds 60 | jq 'select(.what == "conflict")'

exit status: 0 if no conflict was shown, 1 if there was one, 2 if it cannot watch.
"""

_PROBE: Final = f"""\
Ask by ARP or IPv6 neighbour discovery who has an address, and how fast the answer comes. ARP caches do not learn from
the question. {_PRIVILEGE}
"""

_PROBE_MORE: Final = """\
This host itself is not asked: an address that it holds, or answers for, has no holder here.

examples:
  python -m arp probe eth0 203.0.113.7
  python -m arp probe eth0 2001:db8::7 --mac 02:00:00:00:00:0a --count 10 --timeout 0.2

exit status: 0 if one station has the address, 1 if none has, 3 if several have, 2 if nobody can be asked.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; `arguments` are those after the program's name."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    # All that it would say is shown as an event, but for warnings.
    logging.basicConfig(format="python -m arp: %(message)s", level=logging.WARNING)
    try:
        status = run(options)
        sys.stdout.flush()
    except ARPError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        # Python is not to find out again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 1  # whoever reads has seen enough
        _complain(f"cannot go on: {error.strerror}")
        return 2
    return status


def _complain(reason: str) -> None:
    print(f"python -m arp: {reason}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m arp",
        description="Answer for addresses on an Ethernet segment, watch it, or ask who has one.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, help_text, description, more, add in (
        ("respond", "answer for addresses", _RESPOND, _RESPOND_MORE, _add_respond),
        ("watch", "show what happens on a segment", _WATCH, _WATCH_MORE, _add_watch),
        ("probe", "ask who has an address", _PROBE, _PROBE_MORE, _add_probe),
    ):
        command = commands.add_parser(
            name,
            help=help_text,
            description=description,
            epilog=more,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("interface", metavar="IFACE", help="name of the interface, such as eth0")
        add(command)
    return parser


def _typed(convert: Callable[[str], _T]) -> Callable[[str], _T]:
    """Let argparse show the reason that a `LocalError` gives."""

    def read(text: str) -> _T:
        try:
            return convert(text)
        except LocalError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise LocalError(f"{text!r}, must be a number, 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError as error:
        raise LocalError(f"{text!r} is no number of seconds") from error
    if not 0 < seconds < float("inf"):
        raise LocalError(f"{text!r}, must be a number of seconds above 0")
    return seconds


# respond


def _add_respond(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "addresses",
        metavar="ADDRESS",
        nargs="+",
        type=_typed(host_address),
        help="IPv4 and IPv6 addresses to answer for",
    )
    claiming = parser.add_argument_group("claiming")
    claiming.add_argument(
        "--probe",
        dest="probe_count",
        type=int,
        default=_DEFAULTS.probe_count,
        metavar="N",
        help="ask N times whether an address is free before answering for it; 2 is enough on a quiet wire, 0 claims it"
        " at once (%(default)s)",
    )
    _add_seconds(claiming, "probe_interval", "between these questions, and from the last one to the claim")
    claiming.add_argument(
        "--conflict-policy",
        type=_typed(_policy),
        default=_DEFAULTS.conflict_policy,
        metavar="POLICY",
        help="when another station uses an address: defend it, yield at the second conflict, or ignore the station"
        f" ({_POLICIES}; {_DEFAULTS.conflict_policy.value})",
    )
    _add_seconds(claiming, "defend_interval", "in which an address is defended once")
    _add_seconds(
        claiming, "reclaim_interval", "after which a yielded address is tried again; 0: never", "--reclaim"
    )
    claiming.add_argument(
        "--friend",
        dest="friends",
        type=_typed(station),
        action="append",
        default=[],
        metavar="MAC",
        help="a station that may use the addresses without conflict, such as one that hands them over; may be repeated",
    )
    announcing = parser.add_argument_group("announcing")
    _add_seconds(announcing, "announce_interval", "between the first announcements of an address")
    _add_seconds(announcing, "announce_duration", "for which these go on")
    _add_seconds(announcing, "refresh_interval", "between announcements from then on; 0: none", "--refresh")
    announcing.add_argument(
        "--announcements-per-second",
        type=float,
        metavar="N",
        help="send no more announcements, of all addresses together (no limit)",
    )
    parser.set_defaults(run=_respond)


def _policy(text: str) -> ConflictPolicy:
    try:
        return ConflictPolicy(text)
    except ValueError as error:
        raise LocalError(f"{text!r}, must be one of {_POLICIES}") from error


def _add_seconds(
    group: "argparse._ArgumentGroup", field: str, help_text: str, flag: str | None = None
) -> None:
    group.add_argument(
        flag or f"--{field.replace('_', '-')}",
        dest=field,
        type=float,
        default=getattr(_DEFAULTS, field),
        metavar="SECONDS",
        help=f"{help_text} (%(default)g)",
    )


def _respond(options: argparse.Namespace) -> int:
    settings = Settings(**{name: value for name, value in vars(options).items() if hasattr(_DEFAULTS, name)})
    command = Respond(
        interface=options.interface, addresses=options.addresses, settings=settings, complain=_complain
    )
    return asyncio.run(command.run())


# watch


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address",
        dest="addresses",
        type=_typed(host_address),
        action="append",
        default=[],
        help="show only what is about this address; may be repeated",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object for each frame or finding, in a line"
    )
    parser.add_argument("--count", type=_typed(_at_least_one), metavar="N", help="end after N frames")
    parser.add_argument("--seconds", type=_typed(_seconds), metavar="S", help="end after S seconds")
    parser.add_argument(
        "--holder",
        dest="holders",
        type=_typed(_holder),
        action="append",
        default=[],
        metavar="ADDRESS=MAC",
        help="the station that should have an address: any other one is in conflict at once; may be repeated",
    )
    parser.add_argument(
        "--promiscuous",
        action="store_true",
        help="take frames to other stations too, where a switch mirrors them to this port",
    )
    parser.set_defaults(run=_watch)


def _holder(text: str) -> tuple[IPv4Address | IPv6Address, MACAddress]:
    address, equals, mac = text.partition("=")
    if not equals:
        raise LocalError(f"{text!r}, must be like 203.0.113.7=02:00:00:00:00:0a")
    return host_address(address), station(mac)


def _watch(options: argparse.Namespace) -> int:
    command = Watch(
        interface=options.interface,
        watcher=Watcher(dict(options.holders)),
        addresses=frozenset(options.addresses),
        promiscuous=options.promiscuous,
        count=options.count,
        seconds=options.seconds,
        as_json=options.json,
        complain=_complain,
    )
    return asyncio.run(command.run())


# probe


def _add_probe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address", metavar="ADDRESS", type=_typed(host_address), help="the address to ask for"
    )
    parser.add_argument(
        "--mac", type=_typed(station), help="ask this station alone, and wait for its answer only"
    )
    parser.add_argument(
        "--count", type=_typed(_at_least_one), default=1, metavar="N", help="ask N times (%(default)s)"
    )
    parser.add_argument(
        "--timeout",
        type=_typed(_seconds),
        default=1.0,
        metavar="SECONDS",
        help="to wait for answers, and from one question to the next (%(default)g)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object for each question, in a line"
    )
    parser.set_defaults(run=_probe)


def _probe(options: argparse.Namespace) -> int:
    command = Ask(
        interface=options.interface,
        address=options.address,
        mac=options.mac,
        count=options.count,
        timeout=options.timeout,
        as_json=options.json,
        complain=_complain,
    )
    return asyncio.run(command.run())


if __name__ == "__main__":
    sys.exit(main())
