"""The command line of the lab: `k8sglue lab …`. Arguments in, exit status out."""

import argparse
import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

from k8sglue.config import IPAddress
from k8sglue.lab import probe, proxy, web, whohas
from k8sglue.lab.errors import Interrupted, LabError
from k8sglue.lab.interrupts import Interrupts
from k8sglue.lab.lab import DEFAULT_NAME, Lab, check_machine
from k8sglue.lab.screen import Screen
from k8sglue.lab.serving import how_to_play, serve
from k8sglue.lab.status import report
from k8sglue.lab.topology import HOST_NAMES, NODES
from k8sglue.lab.walkthrough import walk_through

Run: TypeAlias = Callable[[argparse.Namespace], int]

_DESCRIPTION = """\
Builds a network in namespaces of this machine: a LAN with clients, a router with BIRD, three nodes with a web
server each, all with IPv4 and IPv6. Starts the controller and the speakers in it and shows, step by step, that they
do their job; then takes everything away. The host's own interfaces, routes and firewall are not touched. Needs root,
and from Debian: iproute2 nftables bird2 curl, and nginx-light if it is to be nginx that answers."""

_UP = """\
Builds the lab, starts everything, and leaves it running to play in. What a killed lab left behind is removed
first. Says how to go on."""

_DOWN = """\
Stops every process of the lab and removes its namespaces and files, also those that a killed lab left behind."""

_STATUS = """\
Shows the hosts of the lab with their addresses, the programs and whether they run, and the Services.
The exit status is 0 if the lab is up and every program runs, otherwise 1."""

_EXEC = """\
Runs a command on a host of the lab, with this terminal and this exit status:
    k8sglue lab exec client -- curl -s http://10.211.55.240
    k8sglue lab exec node-a -- nft list ruleset"""

_PROBE = """\
Asks for a page every 20 ms, on a new connection each time, until Ctrl-C; then prints the longest time between two
answers. Runs wherever it is started; the lab starts it on its clients:
    k8sglue lab exec client -- k8sglue lab probe http://10.211.55.240
    k8sglue lab exec client -- k8sglue lab probe 'http://[fd10:211:55::240]'"""

_WHO_HAS = """\
Asks the LAN for each address once, by an ARP request or a neighbor solicitation, and prints every reply. The exit
status is 1 if there is an address without one.
    k8sglue lab exec client -- k8sglue lab who-has 10.211.55.240
    k8sglue lab exec client -- k8sglue lab who-has fd10:211:55::240"""

_PROXY = """\
Does on one node what kube-proxy does in a cluster: passes packets for Services on to their endpoints. The lab
starts one on each of its nodes. Replaces the nftables tables k8sglue-lab of the network that it runs in."""

_WEB = "Serves the page of a pod on port 80, where nginx is not installed. The lab starts it in its pods."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `k8sglue lab` takes."""
    parser.description = _DESCRIPTION
    parser.set_defaults(lab_run=_walk_through)
    _add_name(parser, DEFAULT_NAME)
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", description="Without a command: the walk-through."
    )

    def add(name: str, summary: str, description: str, run: Run) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.set_defaults(lab_run=run)
        return command

    for name, summary, description, run in (
        ("up", "build a lab and leave it running", _UP, _up),
        ("down", "stop it and remove all of it", _DOWN, _down),
        ("status", "show its hosts, programs and Services", _STATUS, _status),
    ):
        _add_name(add(name, summary, description, run), argparse.SUPPRESS)

    execute = add("exec", "run a command on one of its hosts", _EXEC, _exec)
    execute.usage = "k8sglue lab exec [-h] [--name NAME] NODE -- CMD…"
    _add_name(execute, argparse.SUPPRESS)
    execute.add_argument("host", metavar="NODE", choices=HOST_NAMES, help=", ".join(HOST_NAMES))
    execute.add_argument(
        "command", metavar="CMD", nargs=argparse.REMAINDER, help="the command and what it takes"
    )

    _add_programs(add)


def _add_programs(add: Callable[[str, str, str, Run], argparse.ArgumentParser]) -> None:
    """Add the commands that run on the hosts of a lab, most of them started by the lab itself."""
    asking = add("probe", "measure how long a web page is out of reach", _PROBE, _probe)
    asking.add_argument("url", metavar="URL", help="http:// and a numeric address")
    asking.add_argument("--forget", action="store_true", help="ask for the hardware address anew each time")
    asking.add_argument("--seconds", type=float, help="stop after that time")

    who_has = add("who-has", "see who answers for addresses", _WHO_HAS, _who_has)
    who_has.add_argument("addresses", type=ip_address, metavar="ADDRESS", nargs="+")
    who_has.add_argument(
        "--seconds",
        type=float,
        default=0.3,
        help="how long to wait for the replies of each (default: %(default)s)",
    )

    stand_in = add("proxy", "the stand-in for kube-proxy", _PROXY, _proxy)
    stand_in.add_argument(
        "--source", type=Path, required=True, metavar="DIR", help="a directory of manifests"
    )
    stand_in.add_argument(
        "--node-name", required=True, metavar="NAME", help="name of the Node that this host is"
    )

    server = add("web", "the stand-in for nginx", _WEB, _web)
    server.add_argument("--pod", required=True, choices=[node.pod for node in NODES])


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments say; return the exit status: 128 and the signal's number if a signal ended it."""
    try:
        return int(arguments.lab_run(arguments))
    except LabError as error:
        sys.stdout.flush()
        print(f"k8sglue lab: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        return 128 + interruption.number


def _add_name(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--name",
        type=_lab_name,
        default=default,
        help=f"name of the lab, so that several can stand side by side (default: {DEFAULT_NAME})",
    )


def _lab_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{1,20}", text):
        raise argparse.ArgumentTypeError(f"{text!r}: must be 1 to 20 small letters and digits")
    return text


def _walk_through(arguments: argparse.Namespace) -> int:
    check_machine()
    screen = Screen()
    started = time.monotonic()
    _with_new_lab(arguments.name, screen, lambda lab: walk_through(lab, screen), keep=False)
    screen.say(
        f"Every step held, and all is taken down again, in {time.monotonic() - started:.0f} seconds.\n"
        f"`{Lab(arguments.name).typed('up')}` builds a lab that stays, to play in."
    )
    return 0


def _up(arguments: argparse.Namespace) -> int:
    check_machine()
    screen = Screen()
    _with_new_lab(arguments.name, screen, serve, keep=True)
    screen.say(how_to_play(Lab(arguments.name)))
    return 0


def _down(arguments: argparse.Namespace) -> int:
    check_machine()
    lab = Lab(arguments.name)
    with lab.interrupts, lab.state.lock():
        there = lab.exists
        lab.remove()
    print(f"The lab {lab.name} is gone." if there else f"There was no lab {lab.name}.")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    check_machine()
    text, whole = report(Lab(arguments.name))
    print(text)
    return 0 if whole else 1


def _exec(arguments: argparse.Namespace) -> int:
    check_machine()
    command = arguments.command[arguments.command[:1] == ["--"] :]
    if not command:
        raise LabError(f"no command to run on {arguments.host}: k8sglue lab exec {arguments.host} -- CMD…")
    lab = Lab(arguments.name)
    if arguments.host not in lab.namespaces.present():
        raise LabError(f"there is no lab {lab.name}; `{lab.typed('up')}` builds it")
    # So that the command can be `k8sglue`, also from a virtual environment that is not activated.
    os.environ["PATH"] = f"{os.environ['PATH']}:{Path(sys.executable).parent}"
    os.execvp("ip", lab.namespaces.inside(arguments.host, command))


def _probe(arguments: argparse.Namespace) -> int:
    try:
        print(asyncio.run(probe.run(arguments.url, forget=arguments.forget, seconds=arguments.seconds)))
    except ValueError as error:
        raise LabError(str(error)) from error
    return 0


def _who_has(arguments: argparse.Namespace) -> int:
    counts = [_ask(address, arguments.seconds) for address in arguments.addresses]
    return 0 if all(counts) else 1


def _ask(address: IPAddress, seconds: float) -> int:
    """Ask who has an address, print the replies and return their number."""
    try:
        replies = whohas.ask(address, seconds)
    except OSError as error:
        raise LabError(f"nobody can be asked from here: {error}") from error
    for reply in replies:
        print(f"{address} is at {reply.mac}, says a reply after {reply.after * 1000:.2f} ms")
    count = {0: "nobody answered", 1: "1 reply"}.get(len(replies), f"{len(replies)} replies")
    print(f"{count} within {seconds:g} s")
    return len(replies)


def _proxy(arguments: argparse.Namespace) -> int:
    logging.basicConfig(stream=sys.stderr, level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(proxy.run(arguments.source, arguments.node_name))
    return 0


def _web(arguments: argparse.Namespace) -> int:
    with web.serve(next(node for node in NODES if node.pod == arguments.pod)) as server:
        server.serve_forever()
    return 0


def _with_new_lab(name: str, screen: Screen, work: Callable[[Lab], None], *, keep: bool) -> None:
    """Build a lab and work with it; remove it in the end, or, if it is to be kept, when something goes wrong.

    No context manager of its own: a signal may come between any two steps of one.
    """
    with Interrupts() as interrupts:
        lab = Lab(name, interrupts, screen.notice)
        with lab.state.lock():
            if lab.state.up:
                raise LabError(f"a lab named {name} is up already; `{lab.typed('down')}` takes it away")
            kept = False
            try:
                with interrupts.allowed():
                    _build(lab, screen)
                    work(lab)
                if keep:
                    lab.state.mark_up()
                    kept = True
            except Interrupted:
                screen.notice("interrupted; taking everything down")
                raise
            finally:
                if not kept:
                    lab.remove()


def _build(lab: Lab, screen: Screen) -> None:
    if lab.exists:
        screen.notice("removing what an earlier lab left behind")
        lab.remove()
    screen.say("Building a LAN with clients, a BIRD router, and three nodes with a web server each.")
    started = time.monotonic()
    lab.build()
    screen.notice(f"built in {time.monotonic() - started:.1f} s, in network namespaces of its own")
