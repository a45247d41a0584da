"""The walk-through: a Service gets its address, answers to it, and gives it back. Every step is shown and checked.

What is printed is what happened: the commands that are shown are run as shown (those on a host inside its
namespace, which is all that `k8sglue lab exec` does), and the output below each is theirs. Where something takes
a moment, the lab waits for it before it shows the command.
"""

import re
import shlex
import sys
from functools import partial

import attrs

from k8sglue.lab import manifests, observe
from k8sglue.lab.errors import LabError
from k8sglue.lab.lab import Lab
from k8sglue.lab.manifests import NGINX, NGINX_BGP, NGINX_DUAL, NGINX_IPV6, DemoService
from k8sglue.lab.outage import Outage
from k8sglue.lab.screen import Screen
from k8sglue.lab.topology import CLIENT, CLIENT2, NEWCOMER, NODE_OF_MAC, NODES, ROUTER, host, url
from k8sglue.tables import layout

_TIMES = 6
_ASKING = f"for i in {' '.join(map(str, range(1, _TIMES + 1)))}; do curl -s {{url}}; done | grep Answered"
_WHY_TWO_FIGURES = """\
The {client} knew the hardware addresses before, and the kernel of {owner} went on passing packets: it need not have
noticed. The {newcomer} asks for an address before each request, as everybody new does; nobody answered it until
another node had missed the speaker. That speaker is started again now:"""
_ANSWER = re.compile(r"Answered by (\S+) on (\S+), asked by (\S+)\.<")


def walk_through(lab: Lab, screen: Screen) -> None:
    """Show all steps in an empty lab. Raise LabError at the first that does not hold."""
    Walkthrough(lab, screen).run()


class Walkthrough:
    """The steps, in order; each builds on the ones before."""

    def __init__(self, lab: Lab, screen: Screen) -> None:
        self._lab = lab
        self._screen = screen
        self._source = str(lab.manifests)
        self._address = ""
        self._ipv6_address = ""
        self._dual: tuple[str, ...] = ()
        self._routed: tuple[str, ...] = ()
        """The addresses of the Services nginx, nginx-ipv6, nginx-dual and nginx-bgp."""

    def run(self) -> None:
        """Show all steps. Raise LabError at the first that does not hold."""
        self._get_an_address()
        self._answer_on_the_lan()
        self._answer_for_ipv6()
        self._tell_the_router()
        self._keep_to_local_endpoints()
        self._lose_a_speaker()
        self._give_the_addresses_back()
        self._give_one_again()

    def _get_an_address(self) -> None:
        self._screen.heading("1. A Service of type LoadBalancer gets its address")
        lab = self._lab
        lab.write("nodes.yaml", manifests.nodes())
        lab.write("config.yaml", manifests.CONFIG)
        self._write(NGINX)
        self._here(f"cat {self._source}/config.yaml")
        output = self._get("services")
        self._expect(
            "<pending>" in output,
            "a Service that nobody has looked at yet is <pending>",
            "<pending>, as long as no controller runs",
        )

        self._screen.command(f"k8sglue controller --source {self._source} &")
        lab.start_controller()
        for node in NODES:
            self._start_speaker(node.name)
        [self._address] = self._wait_for_addresses(NGINX)
        output = self._get("services")
        row = ["nginx", "LoadBalancer", *NGINX.cluster_ips, "10.211.55.240", f"80:{NGINX.node_port}/TCP"]
        self._expect(
            row in [line.split() for line in output.splitlines()],
            f"the Service nginx has {row[3]}",
            "it has the first address of the pool",
        )

    def _answer_on_the_lan(self) -> None:
        self._screen.heading("2. A node answers for it on the LAN (layer 2)")
        lab = self._lab
        nodes = {node.name for node in NODES}
        # Speakers that start together each begin alone, until they have heard of each other.
        lab.require("the speakers hear of each other", lambda: observe.heartbeats(lab) == nodes, *_speakers())
        self._require_page(self._address)
        lab.require("one node answers", lambda: observe.sole_owner(lab, self._address) != "", *_speakers())
        self._show_page(self._address)
        self._show_owner(self._address)

    def _answer_for_ipv6(self) -> None:
        self._screen.heading("3. The same for IPv6, alone and side by side with IPv4")
        self._configure(
            manifests.CONFIG + manifests.IPV6_CONFIG, "The pool grows by a range of IPv6 addresses:"
        )
        [self._ipv6_address] = self._give(NGINX_IPV6)
        self._dual = self._give(NGINX_DUAL)
        files = " ".join(self._path(service.file) for service in (NGINX_IPV6, NGINX_DUAL))
        self._here(f"grep --no-filename -E '^  (name:|ipFam)' {files}")
        self._get("services")
        self._expect(
            [":" in address for address in (self._ipv6_address, *self._dual)] == [True, False, True],
            "one Service has an IPv6 address, the other one of each family",
            "the one has an IPv6 address, the other one of each family",
        )
        for address in (self._ipv6_address, *self._dual):
            self._require_page(address)
        self._show_page(self._ipv6_address)
        self._show_owner(self._ipv6_address)
        self._show_owner(*self._dual)

    def _require_page(self, address: str) -> None:
        self._lab.require(
            f"the client gets the page at {address}",
            lambda: observe.answers(self._lab, CLIENT, url(address)),
            *_speakers(),
        )

    def _show_page(self, address: str) -> None:
        output = self._on(CLIENT, f"curl -s {shlex.quote(url(address))}")
        self._expect(
            "Welcome to" in output, "the client gets the welcome page", "the web server's welcome page"
        )

    def _show_owner(self, *addresses: str) -> None:
        """Show which node has the addresses of a Service: one, which the client uses, and which alone answers."""
        used = [_node_in(self._on(CLIENT, f"ip neigh show {address}")) for address in addresses]
        owner = used[0]
        self._expect(
            owner != "" and used == [owner] * len(addresses),
            "the neighbour table has one node's hardware address",
            f"that is {owner}",
        )
        output = self._on(CLIENT, f"k8sglue lab who-has {' '.join(addresses)}")
        answering = [NODE_OF_MAC.get(mac) for mac in re.findall(r" is at (\S+),", output)]
        self._expect(
            answering == used,
            f"{owner} and nobody else answers",
            f"{owner} alone answers, the other nodes stay silent",
        )

    def _tell_the_router(self) -> None:
        self._screen.heading("4. A Service from a second pool is announced to the router (BGP)")
        self._configure(
            manifests.CONFIG + manifests.IPV6_CONFIG + manifests.BGP_CONFIG,
            "The configuration grows by a second pool and a peer, while everything runs:",
        )
        self._routed = self._give(NGINX_BGP)
        self._here(f"grep address-pool {self._path(NGINX_BGP.file)}")
        self._get("services")
        for address in self._routed:
            self._show_routes(address, {node.name for node in NODES})
            answers = self._ask_through_router(address)
            self._expect(
                len({pod for pod, _, _ in answers}) > 1,
                "more than one pod answers a client behind the router",
                "pods of several nodes answer; a node that has passed a request on to another one has asked for itself",
            )

    def _keep_to_local_endpoints(self) -> None:
        self._screen.say("Now with externalTrafficPolicy Local, and with the pod on node-c not ready:")
        self._here(
            f"sed -i '/node-c/,/ready/ s/ready: true/ready: false/' {self._path(NGINX_BGP.endpoints_file)}"
        )
        self._here(f"sed -i 's/Policy: Cluster/Policy: Local/' {self._path(NGINX_BGP.file)}")
        for address, client in zip(self._routed, host(CLIENT2).addresses, strict=True):
            self._show_routes(address, {"node-a", "node-b"})
            answers = self._ask_through_router(address)
            self._expect(
                {node for _, node, _ in answers} <= {"node-a", "node-b"}
                and {asking for _, _, asking in answers} == {client},
                "only ready pods answer, and they see the client's own address",
                "only the ready pods answer, and they see the client's own address",
            )

    def _lose_a_speaker(self) -> None:
        lab = self._lab
        owner = NODE_OF_MAC[observe.neighbour(lab, self._dual[0])]
        self._screen.heading(f"5. The speaker on {owner} is killed: another node takes over")
        pid = lab.program(f"speaker on {owner}").pid
        self._screen.say("Meanwhile two clients ask for the page every 20 ms, by IPv4 and by IPv6.")
        with Outage(lab, self._dual) as outage:
            for line in outage.commands:
                self._screen.command(line)
            self._here(f"kill -9 {pid}")
            for address in self._dual:
                lab.require(
                    f"another node has taken {address} over", partial(self._is_taken_over, address, owner)
                )
            measured = outage.measure()
        heirs = {_node_in(self._on(CLIENT, f"ip neigh show {address}")) for address in self._dual}
        self._expect(
            len(heirs) == 1 and not heirs & {owner, ""},
            "one other node took both addresses over",
            f"{''.join(heirs)} has taken both over",
        )
        rows = layout(("HOST", "ADDRESS", "MEASURED"), measured)
        self._screen.say("".join(f"  {line}\n" for line in rows.splitlines()).rstrip("\n"))
        self._screen.say(_WHY_TWO_FIGURES.format(owner=owner, client=CLIENT, newcomer=NEWCOMER))
        self._start_speaker(owner)
        self._lab.require(
            f"the router has a session with {owner} again",
            lambda: observe.session_established(self._lab, owner),
            f"speaker on {owner}",
        )
        self._screen.held(f"{owner} is back, and has its session with the router again")

    def _give_the_addresses_back(self) -> None:
        self._screen.heading("6. The Services are deleted: everything is withdrawn")
        lab = self._lab
        self._here(f"rm {' '.join(self._path(service.file) for service in manifests.SERVICES)}")
        for service in manifests.SERVICES:
            self._require_no_address(service.name)
        for address in self._routed:
            lab.require(
                f"no route to {address} is left",
                partial(self._is_routed_nowhere, address),
                *_speakers(),
            )
        self._get("services")
        self._get("pools")
        output = self._on(ROUTER, f"birdc -s {lab.bird.socket} show route")
        self._expect(
            "unicast" not in output, "BIRD has no route to the Service", "the router has no route any more"
        )
        free = self._address, self._ipv6_address, *self._dual
        lab.require("nobody answers for the addresses", lambda: observe.are_free(lab, free), *_speakers())
        output = self._on(CLIENT, f"k8sglue lab who-has {' '.join(free)}")
        self._expect(
            output.count("nobody answered") == len(free), "nobody answers", "nobody answers for them"
        )
        self._on(CLIENT, f"ip neigh flush to {self._address}")
        self._on(CLIENT, f"curl -s --max-time 1 http://{self._address}")
        output = self._on(CLIENT, f"ip neigh show {self._address}")
        self._expect(
            "INCOMPLETE" in output or "FAILED" in output,
            "the client does not find the address",
            "the client does not find it",
        )

    def _give_one_again(self) -> None:
        self._screen.say("Another Service comes, called `again`:")
        self._lab.write("again.yaml", NGINX.manifest().replace("name: nginx\n", "name: again\n", 1))
        [again] = self._wait_for_addresses(attrs.evolve(NGINX, name="again"))
        self._get("services")
        self._expect(
            again == self._address,
            f"a new Service gets {self._address}",
            f"{again} was free again, and is in use by another Service now",
        )

    def _is_taken_over(self, address: str, owner: str) -> bool:
        return NODE_OF_MAC.get(observe.neighbour(self._lab, address), owner) != owner

    def _is_routed_nowhere(self, address: str) -> bool:
        return not observe.nodes_in_routes(self._lab, _prefix(address))

    def _show_routes(self, address: str, nodes: set[str]) -> None:
        """Wait for the routes through just these nodes and show them, BIRD's and the kernel's."""
        lab, prefix = self._lab, _prefix(address)
        lab.require(
            f"BIRD has routes to {prefix} from {', '.join(sorted(nodes))}",
            lambda: observe.nodes_in_routes(lab, prefix) == nodes,
            *_speakers(),
        )
        lab.require(
            "the router's kernel has them", lambda: observe.kernel_routes(lab, prefix) == nodes, "BIRD"
        )
        self._on(ROUTER, f"birdc -s {lab.bird.socket} show route {prefix}")
        self._on(ROUTER, f"ip{' -6' * (':' in address)} route show {address}")
        self._screen.held(
            f"routes from {', '.join(sorted(nodes))}, which the router uses side by side (ECMP)"
        )

    def _ask_through_router(self, address: str) -> list[tuple[str, str, str]]:
        """Fetch the page several times from behind the router; return who answered, where, and who it thinks asked."""
        self._lab.require(
            f"the client behind the router gets the page at {address}",
            lambda: observe.answers(self._lab, CLIENT2, url(address)),
            *_speakers(),
        )
        asking = _ASKING.format(url=url(address))
        answers = _ANSWER.findall(self._on(CLIENT2, f"sh -c {shlex.quote(asking)}"))
        if len(answers) != _TIMES:
            raise LabError("the client behind the router did not get every page that it asked for")
        return answers

    def _configure(self, text: str, announced: str) -> None:
        """Put a longer configuration in force, and show what it goes on with."""
        before = (self._lab.manifests / "config.yaml").read_text()
        self._lab.write("config.yaml", text)
        self._screen.say(announced)
        self._here(f"tail -n {text.removeprefix(before).count(chr(10))} {self._path('config.yaml')}")

    def _path(self, name: str) -> str:
        return f"{self._source}/{name}"

    def _start_speaker(self, node: str) -> None:
        line = f"exec {node} -- k8sglue speaker --source {self._source} --node-name {node} &"
        self._screen.command(self._lab.typed(line))
        self._lab.start_speaker(node)

    def _write(self, service: DemoService) -> None:
        self._lab.write(service.endpoints_file, service.endpoints())
        self._lab.write(service.file, service.manifest())

    def _give(self, service: DemoService) -> tuple[str, ...]:
        """Add a Service to what there is, and return its addresses once it has them."""
        self._write(service)
        return self._wait_for_addresses(service)

    def _wait_for_addresses(self, service: DemoService) -> tuple[str, ...]:
        """Wait until a Service has addresses, one of each of its families."""
        self._lab.require(
            f"the Service {service.name} has an address",
            lambda: len(observe.addresses_of(self._lab, service.name)) == len(service.families),
            "controller",
        )
        return observe.addresses_of(self._lab, service.name)

    def _require_no_address(self, service: str) -> None:
        self._lab.require(
            f"the Service {service} has no address any more",
            lambda: not observe.addresses_of(self._lab, service),
            "controller",
        )

    def _get(self, what: str) -> str:
        arguments = ["get", what, "--source", self._source]
        output = self._lab.run_k8sglue(arguments).output
        self._screen.command(f"k8sglue {shlex.join(arguments)}", output)
        return output

    def _here(self, line: str) -> str:
        """Run a command beside the lab and show it."""
        output = self._lab.runner.check(["sh", "-c", line])
        self._screen.command(line, output)
        return output

    def _on(self, host: str, line: str) -> str:
        """Run a command on a host and show it."""
        command = shlex.split(line)
        if command[0] == "k8sglue":
            command[:1] = [sys.executable, "-m", "k8sglue"]
        output = self._lab.run_on(host, command).output
        self._screen.command(self._lab.typed(f"exec {host} -- {line}"), output)
        return output

    def _expect(self, held: bool, expectation: str, proved: str) -> None:
        if not held:
            raise LabError(f"this does not hold: {expectation}")
        self._screen.held(proved)


def _speakers() -> list[str]:
    return [f"speaker on {node.name}" for node in NODES]


def _prefix(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def _node_in(output: str) -> str:
    """Return the node whose hardware address is the first in an output; empty if there is none."""
    found = re.search(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", output)
    return NODE_OF_MAC.get(found[0], "") if found else ""
