"""The command line: `k8sglue`.

The programs and their libraries are imported only when they are run, so that `k8sglue --help` answers at once and
`k8sglue check` needs no Kubernetes client.
"""

import argparse
import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeAlias

from k8sglue.cluster import Source, SourceError
from k8sglue.leadership import LEASE_NAME
from k8sglue.resources import NAME_RULE, Key, Kind, is_name

if TYPE_CHECKING:
    from k8sglue.apiclient import Observer

Run: TypeAlias = Callable[[argparse.Namespace], int]

_DESCRIPTION = """\
Gives Services of type LoadBalancer their addresses on clusters that no cloud provider serves, and announces them by
ARP or BGP. Reads the configuration of MetalLB."""

_SOURCES = """\
Objects come from the Kubernetes API (inside a cluster by itself, outside with --kubeconfig or $KUBECONFIG), or,
with --source, from a directory of manifests: Services, EndpointSlices, Nodes and the ConfigMap, as kubectl would
take them. Status, heartbeats and events then go to DIR/status."""

_CONTROLLER = """\
Gives every Service of type LoadBalancer an address from a pool and writes it into its status. Several may run; one
leads, and another one takes over when it is gone. SIGTERM ends it; addresses stay where they are."""

_SPEAKER = """\
Announces the addresses that this node should announce: answers ARP requests for those it is elected for, and has
BGP sessions with the peers. One runs on every node, as root or with CAP_NET_RAW. SIGTERM withdraws everything,
ends the sessions with a NOTIFICATION and lets another node take over."""

_GET = """\
Shows Services with their addresses, the pools with how much of them is in use, the peers with the state of every
node's session, or what is wrong with the configuration."""

_CHECK = """\
Checks configuration and manifests offline, all files together. Each problem is a line `file:line: path: what, why`,
and the exit status is 1 if there are any. A file holds manifests, MetalLB's resources and the ConfigMap among them, or
the bare document that goes into the ConfigMap's key `config`. `-` is the standard input. What may be as it should be,
such as a name of something that is in no file, is noted on the standard error output."""

_CONVERT = """\
Prints the resources that say what a ConfigMap of MetalLB until v0.12 says, for `kubectl apply -f -`. The file holds
the ConfigMap, or the bare document of its key `config`; `-` is the standard input. Entries with a problem are left
out and named on the standard error output, and the exit status is 1 then."""

_PLAN = """\
Shows what a node would announce with the cluster as it is now, and for each Service that it would not, the reason.
Where speakers run, it listens to their heartbeats first, to know which of them are alive."""

_MANIFESTS = """\
Prints all that a cluster needs to run k8sglue, for `kubectl apply -f -`. No image is published: build one with this
package in it and name it with --image."""

_METRICS_PORT = 7472
"""MetalLB v0.7's."""

_PROGRAM_LOG = "%(asctime)s %(levelname)s %(message)s"
_COMMAND_LOG = "k8sglue: %(message)s"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0 for done, 1 for found wrong or failed, 2 for misused."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        parsed = _parser(with_lab=words[:1] == ["lab"]).parse_args(words)
        return int(parsed.run(parsed))
    except SourceError as error:
        print(f"k8sglue: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("k8sglue", "bgp", "arp")):
            raise
        print(
            f"k8sglue: the package {error.name} is missing: pip install 'k8sglue[speaker]'", file=sys.stderr
        )
        return 1
    except BrokenPipeError:
        # Whoever read our output has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _parser(*, with_lab: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k8sglue", description=_DESCRIPTION)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(
        name: str, summary: str, description: str, run: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.set_defaults(run=run)
        return command

    controller = add("controller", "give Services their addresses", _CONTROLLER, _run_controller)
    _add_source(controller)
    _add_log_level(controller)
    controller.add_argument("--once", action="store_true", help="work until nothing is left to do, and exit")
    _add_class(controller)
    controller.add_argument(
        "--port",
        type=_port,
        metavar="PORT",
        help="serve /metrics, /healthz and /readyz there; 0 for nowhere (default: 7472; with --source, 0)",
    )
    controller.add_argument(
        "--lease-duration",
        type=_seconds,
        metavar="SECONDS",
        help="time after which another controller may take over from one that fell silent (default: 15; "
        "with --source, 2)",
    )
    controller.add_argument(
        "--write-rate",
        type=_rate,
        metavar="N",
        help="requests a second, to write status and events, at most (default: 600)",
    )

    speaker = add("speaker", "announce this node's share of the addresses", _SPEAKER, _run_speaker)
    _add_source(speaker)
    _add_log_level(speaker)
    _add_class(speaker)
    speaker.add_argument(
        "--node-name",
        default=os.environ.get("K8SGLUE_NODE_NAME")
        or os.environ.get("METALLB_NODE_NAME")
        or socket.gethostname(),
        metavar="NAME",
        help="name of the Node that this host is (default: $K8SGLUE_NODE_NAME, else the host's name)",
    )

    get = add("get", "show Services, pools, peers or problems", _GET, _run_get)
    get.add_argument("what", choices=("services", "pools", "peers", "problems"))
    _add_source(get)

    check = add("check", "find what is wrong in files", _CHECK, _run_check)
    check.add_argument("files", nargs="+", metavar="FILE")
    check.add_argument(
        "-o", "--output", choices=("json",), help="print the configuration with all its defaults"
    )

    convert = add("convert", "turn a ConfigMap into resources", _CONVERT, _run_convert)
    convert.add_argument("file", metavar="FILE")
    convert.add_argument(
        "--namespace", default="metallb-system", help="where the resources are to be (default: %(default)s)"
    )

    plan = add("plan", "show what a node would announce, and why not the rest", _PLAN, _run_plan)
    _add_source(plan)
    _add_class(plan)
    plan.add_argument("--node", required=True, metavar="NAME", help="name of the Node")
    plan.add_argument("-o", "--output", choices=("json",), help="print it for machines")

    manifests = add("manifests", "print what a cluster needs to run k8sglue", _MANIFESTS, _run_manifests)
    manifests.add_argument(
        "--namespace", default="metallb-system", help="where to run (default: %(default)s)"
    )
    manifests.add_argument(
        "--image", default="k8sglue:latest", help="the container image (default: %(default)s)"
    )

    lab = add("lab", "see all of it work, in network namespaces of this machine", "", _run_lab)
    if with_lab:
        from k8sglue.lab import commands as lab_commands

        lab_commands.add_arguments(lab)
    return parser


def _add_class(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lb-class",
        default="",
        metavar="CLASS",
        help="serve Services of this loadBalancerClass, and no others (default: those that have none)",
    )


def _add_source(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where objects come from", _SOURCES)
    which = group.add_mutually_exclusive_group()
    which.add_argument("--source", type=Path, metavar="DIR", help="a directory of manifests")
    which.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the Kubernetes API")
    group.add_argument(
        "--namespace",
        default="metallb-system",
        help="where the ConfigMap and the Leases are (default: %(default)s)",
    )
    group.add_argument(
        "--config", default="config", metavar="NAME", help="the ConfigMap (default: %(default)s)"
    )


def _add_log_level(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="(default: %(default)s)",
    )


def _port(text: str) -> int:
    return int(_within(text, 0, 65535))


def _seconds(text: str) -> float:
    return int(_within(text, 1, 3600))


def _rate(text: str) -> float:
    return _within(text, 1, 100_000)


def _within(text: str, lowest: int, highest: int) -> float:
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"{text}, must be a number from {lowest} to {highest}")
    return int(text)


def _open_source(
    arguments: argparse.Namespace,
    kinds: Iterable[Kind],
    program: str = "command",
    observer: "Observer | None" = None,
) -> Source:
    if arguments.source is not None:
        from k8sglue.files import FileSource

        return FileSource(arguments.source, kinds, keeps_status=program == "controller")
    from k8sglue.kube import WRITE_RATE, KubeSource

    is_controller = program == "controller"
    return KubeSource(
        kinds,
        namespace=arguments.namespace,
        config=arguments.config,
        kubeconfig=arguments.kubeconfig,
        lease=LEASE_NAME if is_controller else "",
        program=program,
        write_rate=(arguments.write_rate if is_controller else None) or WRITE_RATE,
        observer=observer,
    )


def _config_key(arguments: argparse.Namespace) -> Key:
    return Key(arguments.namespace, arguments.config)


def _start_logging(level: str, form: str) -> None:
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=form)


def _run_controller(arguments: argparse.Namespace) -> int:
    from k8sglue.controller import KINDS, Controller
    from k8sglue.leader import Leader
    from k8sglue.metrics import Metrics
    from k8sglue.running import run_until_stopped
    from k8sglue.statuspages import StatusPages

    async def run() -> int:
        metrics = Metrics()
        source = _open_source(arguments, KINDS, "controller", metrics.answered)
        leader = Leader(source, arguments.namespace, duration=arguments.lease_duration)
        controller = Controller(source, _config_key(arguments), arguments.lb_class, leader, metrics)
        pages = StatusPages(controller.pages)
        port = arguments.port if arguments.port is not None else 0 if arguments.source else _METRICS_PORT
        try:
            if arguments.once:
                return 0 if await controller.run_once() else 1
            if port:
                await pages.listen(port)
            await run_until_stopped(controller.run())
        finally:
            await pages.close()
            await source.close()
        return 0

    _start_logging(arguments.log_level, _PROGRAM_LOG)
    return asyncio.run(run())


def _run_speaker(arguments: argparse.Namespace) -> int:
    from arp import PrivilegeError
    from k8sglue.running import run_until_stopped
    from k8sglue.speaker import KINDS, Speaker

    async def run() -> int:
        source = _open_source(arguments, KINDS, "speaker")
        try:
            speaker = Speaker(source, _config_key(arguments), arguments.node_name, arguments.lb_class)
            await run_until_stopped(speaker.run())
        finally:
            await source.close()
        return 0

    if not is_name(arguments.node_name):
        print(
            f"k8sglue: --node-name {arguments.node_name!r}, must be the name of a Node: {NAME_RULE}",
            file=sys.stderr,
        )
        return 2
    _start_logging(arguments.log_level, _PROGRAM_LOG)
    try:
        return asyncio.run(run())
    except PrivilegeError as error:
        print(f"k8sglue: {error}", file=sys.stderr)
        return 1


def _run_get(arguments: argparse.Namespace) -> int:
    from k8sglue import inspection

    # What is wrong with the configuration is the table itself then.
    _start_logging("error" if arguments.what == "problems" else "warning", _COMMAND_LOG)
    source = _open_source(arguments, inspection.KINDS[arguments.what])
    print(asyncio.run(inspection.get(source, arguments.what, _config_key(arguments))))
    return 0


def _run_plan(arguments: argparse.Namespace) -> int:
    from k8sglue import inspection, tables

    _start_logging("warning", _COMMAND_LOG)
    source = _open_source(arguments, inspection.KINDS["plan"])
    desired = asyncio.run(inspection.plan(source, arguments.node, _config_key(arguments), arguments.lb_class))
    print((tables.plan_json if arguments.output == "json" else tables.plan)(desired, arguments.node))
    return 0


def _run_check(arguments: argparse.Namespace) -> int:
    from k8sglue.check import Check
    from k8sglue.configtext import config_json

    check = Check()
    for name in arguments.files:
        shown = "<stdin>" if name == "-" else name
        try:
            check.add(shown, Path("/dev/stdin" if name == "-" else name).read_text())
        except (OSError, UnicodeDecodeError) as error:
            check.add_unreadable(shown, str(error))
    result = check.result()
    for line in result.problems:
        _print_to(sys.stderr if arguments.output else sys.stdout, line)
    for line in result.notes:
        _print_to(sys.stderr, f"{line} (note)")
    if arguments.output == "json":
        print(config_json(result.configs))
    elif not result.problems:
        print(f"{result.objects} objects, no problems")
    return 1 if result.problems else 0


def _run_convert(arguments: argparse.Namespace) -> int:
    from k8sglue.convert import convert

    shown = "<stdin>" if arguments.file == "-" else arguments.file
    try:
        text = Path("/dev/stdin" if arguments.file == "-" else arguments.file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"k8sglue: {shown}: {error}", file=sys.stderr)
        return 1
    conversion = convert(text, arguments.namespace)
    print(conversion.text, end="")
    for line in (*conversion.problems, *conversion.notes):
        _print_to(sys.stderr, f"{shown}:{line}")
    return 1 if conversion.problems else 0


def _print_to(stream: TextIO, line: str) -> None:
    print(line.encode(errors="backslashreplace").decode(), file=stream)


def _run_lab(arguments: argparse.Namespace) -> int:
    from k8sglue.lab import commands as lab_commands

    return lab_commands.run(arguments)


def _run_manifests(arguments: argparse.Namespace) -> int:
    from k8sglue import manifests

    print(manifests.render(namespace=arguments.namespace, image=arguments.image), end="")
    return 0
