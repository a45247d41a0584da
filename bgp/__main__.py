"""`python -m bgp`: read BGP messages, or be a peer of a router, from a shell.

Argument parsing, and what is printed; the work is done in recording.py and injector.py.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from bgp import mrt
from bgp.config import PeerConfig
from bgp.errors import LocalError, MRTError, PeerError
from bgp.events import Event
from bgp.framing import MARKER
from bgp.hexdump import read_hex
from bgp.injector import Injector
from bgp.jsonform import JSON, read_family, to_json
from bgp.mrt.file import open_mrt
from bgp.mrt.forms import record_to_json, record_to_text
from bgp.prefix import IPV4_UNICAST
from bgp.recording import Assumptions, Incomplete, Recorded, read_recording
from bgp.routetext import KEYWORDS, read_routes
from bgp.textform import to_text
from bgp.values import shown

_T = TypeVar("_T")

_LOOK: Final = 1 << 20
"""Octets of a file in which its first record should end."""

_DECODE: Final = """\
Print what BGP messages say, and what is wrong with them.

Takes hexadecimal digits as they come from logs and packet dumps (spaces, colons, 0x, line breaks and offsets are
skipped), or a file with such text, or a file with the octets of a TCP stream. There may be several messages in a row.
The OPENs among them decide how the others are read; one direction of a session may follow the other. An MRT file, be it
compressed by gzip or bzip2, is printed record by record.
"""

_DECODE_MORE: Final = """\
examples:
  python -m bgp decode ffffffffffffffffffffffffffffffff001304
  tcpflow -r session.pcap && cat 192.0.2.*-* | python -m bgp decode --json -

exit status: 0 if all messages could be read, 1 if a speaker would have ended the session because of one, or if one is
not whole, 2 if there is nothing to read. Faults that a session survives (RFC 7606) are shown, and are no failure.
"""

_PEER: Final = """\
Be a BGP peer of a router: announce routes, print what it sends, until Ctrl-C.
"""

_PEER_MORE: Final = """\
lines that are read while it runs, if standard input is no terminal, or with --stdin:
  announce 203.0.113.7/32 203.0.113.8/32 next-hop 192.0.2.9 community 64512:100 no-export med 7
  withdraw 203.0.113.7/32

examples:
  python -m bgp peer 192.0.2.1 --local-as 64512 --peer-as 64513 --announce 203.0.113.7/32 --community no-export
  python -m bgp peer 192.0.2.1 --local-as 64512 --peer-as 64513 --until-eor --json > table.jsonl

exit status: 0 if the session was ever established, 1 if not, 2 if the arguments cannot be.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; `arguments` are those after the program's name."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
    except LocalError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever reads has seen enough; and Python is not to find out again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _complain(reason: str) -> None:
    print(f"python -m bgp: {reason}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bgp", description="Read BGP messages, or be a BGP peer.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    kind = argparse.RawDescriptionHelpFormatter
    _add_decode(
        commands.add_parser(
            "decode",
            help="print what BGP messages say",
            description=_DECODE,
            epilog=_DECODE_MORE,
            formatter_class=kind,
        )
    )
    _add_peer(
        commands.add_parser(
            "peer",
            help="announce routes to a router, and print those that it sends",
            description=_PEER,
            epilog=_PEER_MORE,
            formatter_class=kind,
        )
    )
    return parser


def _typed(convert: Callable[[str], _T]) -> Callable[[str], _T]:
    """Let argparse show the reason that a `LocalError` gives."""

    def read(text: str) -> _T:
        try:
            return convert(text)
        except LocalError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


# decode


def _add_decode(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="HEX|FILE|-", help="digits; the name of a file; - for standard input")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each message, in a line")
    parser.add_argument("--two-octet-as", action="store_true", help="AS numbers have two octets")
    parser.add_argument(
        "--add-path",
        type=_typed(read_family),
        action="append",
        default=[],
        metavar="FAMILY",
        help="routes of this family, such as ipv4-unicast, have path identifiers; may be repeated",
    )
    parser.add_argument("--internal", action="store_true", help="both sides are in the same AS")
    parser.add_argument(
        "--extended-message", action="store_true", help="messages may have up to 65535 octets"
    )
    parser.set_defaults(run=_decode)


def _decode(options: argparse.Namespace) -> int:
    assumptions = Assumptions(
        two_octet_as=options.two_octet_as,
        add_path=options.add_path,
        internal=options.internal,
        extended_message=options.extended_message,
    )
    given = sys.stdin.buffer.read() if options.what == "-" else None
    dump = _dump(options.what, given)
    if dump is not None:
        return _decode_dump(dump, options.json)
    show = _recorded_json if options.json else _recorded_text
    status = 0
    for piece in read_recording(_octets(options.what, given), assumptions):
        print(show(piece))
        if isinstance(piece.content, PeerError | Incomplete):
            status = 1
    return status


def _dump(what: str, given: bytes | None) -> BinaryIO | None:
    """An open MRT file, compressed or not; None if it is something else."""
    try:
        file = open_mrt(what) if given is None else BytesIO(given)
        start = file.read(_LOOK)
        file.seek(0)
    except (OSError, EOFError, ValueError):
        return None
    if mrt.is_mrt(start):
        return file
    file.close()
    return None


def _decode_dump(file: BinaryIO, as_json: bool) -> int:
    errors: list[MRTError] = []

    def fail(error: MRTError) -> None:
        errors.append(error)
        _complain(str(error))

    with file:
        try:
            for record in mrt.read(file, fail):
                print(json.dumps(record_to_json(record)) if as_json else record_to_text(record))
        except (OSError, EOFError) as error:
            _complain(f"the file cannot be read to its end: {error}")
            return 1
    return 1 if errors else 0


def _octets(what: str, given: bytes | None) -> bytes:
    """The messages that an argument stands for; raises `LocalError` if it stands for none."""
    data = _file(what) if given is None else given
    octets = _digits(what) if data is None else _stream(data)
    if not octets:
        raise LocalError("there is nothing to decode")
    return octets


def _file(name: str) -> bytes | None:
    """What is in a file; None if there is none of that name."""
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError):  # too long a name, or one with a null character, is an error too
        return None


def _digits(text: str) -> bytes:
    try:
        return read_hex(text)
    except LocalError as error:
        raise LocalError(f"{shown(text)} is neither a file nor hexadecimal: {error}") from error


def _stream(data: bytes) -> bytes:
    """The octets of a stream of messages, whatever form the data have that hold it."""
    if data.startswith(MARKER):
        return data
    try:
        return read_hex(data.decode("ascii"))
    except ValueError:  # LocalError among them
        return data


def _recorded_json(piece: Recorded) -> str:
    content = piece.content
    place: dict[str, JSON] = {"offset": piece.offset, "length": len(piece.octets)}
    if isinstance(content, Incomplete):
        return json.dumps(
            place | {"type": "Incomplete", "missing": content.missing, "octets": piece.octets.hex()}
        )
    if isinstance(content, PeerError):
        return json.dumps(place | to_json(content) | {"octets": piece.octets.hex()})
    return json.dumps(place | to_json(content))


def _recorded_text(piece: Recorded) -> str:
    content = piece.content
    if isinstance(content, Incomplete):
        text = f"INCOMPLETE: at least {content.missing} octets are missing after 0x{piece.octets.hex()}"
    else:
        text = to_text(content)
    return f"@{piece.offset} {text}"


# peer


def _add_peer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="address of the router")
    session = parser.add_argument_group("session")
    session.add_argument("--local-as", type=int, required=True, metavar="AS", help="our AS number")
    session.add_argument("--peer-as", type=int, required=True, metavar="AS", help="the router's AS number")
    session.add_argument(
        "--router-id", metavar="ADDRESS", help="our BGP Identifier; our address if not given"
    )
    session.add_argument("--port", type=int, default=179, help="TCP port of the router (%(default)s)")
    session.add_argument("--local-address", metavar="ADDRESS", help="address of ours to connect from")
    session.add_argument(
        "--listen", type=int, nargs="?", const=179, metavar="PORT", help="let the router dial us, too (179)"
    )
    secret = session.add_mutually_exclusive_group()
    secret.add_argument("--password", help="signs TCP segments (TCP MD5); other users can see it")
    secret.add_argument("--password-file", type=Path, metavar="FILE", help="the same from a file")
    session.add_argument(
        "--hold-time", type=int, default=90, metavar="SECONDS", help="that we offer (%(default)s)"
    )
    session.add_argument(
        "--family",
        type=_typed(read_family),
        nargs="+",
        action="extend",
        help="kinds of routes to exchange, such as ipv4-unicast ipv6-unicast (ipv4-unicast)",
    )
    routes = parser.add_argument_group("routes, all with the same attributes")
    routes.add_argument("--announce", nargs="+", action="extend", default=[], metavar="PREFIX")
    for name, keyword in KEYWORDS.items():
        routes.add_argument(
            f"--{name}", nargs="+" if keyword.several else 1, metavar=keyword.value, help=keyword.help
        )
    routes.add_argument("--stdin", action="store_true", help="read lines from a terminal, too")
    ending = parser.add_argument_group("output and end")
    ending.add_argument("--json", action="store_true", help="print a JSON object for each event, in a line")
    ending.add_argument("--count", type=int, metavar="N", help="end after N routes of the router")
    ending.add_argument("--until-eor", action="store_true", help="end after the router's initial routes")
    ending.add_argument("--refresh", action="store_true", help="ask for the router's routes once more")
    ending.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="give up if there is no session by then"
    )
    parser.set_defaults(run=_peer)


def _peer(options: argparse.Namespace) -> int:
    words = {name: getattr(options, name.replace("-", "_")) for name in KEYWORDS}
    given = {name: some for name, some in words.items() if some is not None}
    injector = Injector(
        config=_config(options),
        routes=read_routes(options.announce, given),
        show=_show_json if options.json else _show_text,
        complain=_complain,
        listen=options.listen,
        refresh=options.refresh,
        lines=_lines(always=options.stdin),
        count=options.count,
        until_eor=options.until_eor,
        timeout=options.timeout,
    )
    # All that it would say is shown as an event.
    logging.getLogger("bgp").addHandler(logging.NullHandler())
    return 0 if asyncio.run(injector.run()) else 1


def _lines(*, always: bool) -> int | None:
    """The descriptor to read lines from; None: from none, as a terminal is for the shell unless `always`."""
    if sys.stdin is None or (sys.stdin.isatty() and not always):
        return None
    return sys.stdin.fileno()


def _config(options: argparse.Namespace) -> PeerConfig:
    password: str | bytes | None = options.password
    if options.password_file is not None:
        password = _secret(options.password_file)
    return PeerConfig(
        local_as=options.local_as,
        peer_as=options.peer_as,
        router_id=options.router_id,
        peer_address=options.address,
        port=options.port,
        local_address=options.local_address,
        password=password,
        hold_time=options.hold_time,
        families=options.family or [IPV4_UNICAST],
    )


def _secret(file: Path) -> bytes:
    try:
        return file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise LocalError(f"password file {file}: {error.strerror}") from error


def _show_text(event: Event) -> None:
    print(to_text(event), flush=True)


def _show_json(event: Event) -> None:
    print(json.dumps({"time": datetime.now(UTC).isoformat()} | to_json(event)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
