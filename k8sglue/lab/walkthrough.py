"""The walk-through: a Service gets its address, answers to it, and gives it back. Every step is shown and checked.

What is printed is what happened: the commands that are shown are run as shown (those on a host inside its
namespace, which is all that `k8sglue lab exec` does), and the output below each is theirs. Where something takes
a moment, the lab waits for it before it shows the command.
"""

import re
import shlex
import sys

from k8sglue.lab import manifests, observe
from k8sglue.lab.errors import LabError
from k8sglue.lab.lab import Lab
from k8sglue.lab.manifests import NGINX, NGINX_BGP
from k8sglue.lab.outage import Outage
from k8sglue.lab.screen import Screen
from k8sglue.lab.topology import CLIENT, CLIENT2, NEWCOMER, NODE_OF_MAC, NODES, ROUTER

_TIMES = 6
_ASKING = f"for i in {' '.join(map(str, range(1, _TIMES + 1)))}; do curl -s http://{{address}}; done | grep Answered"
_WHY_TWO_FIGURES = """\
The {client} knew the hardware address before, and the kernel of {owner} went on passing packets: it need not have
noticed. The {newcomer} asks for the address before each request, as everybody new does; nobody answered it until
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
        self._bgp_address = ""

    def run(self) -> None:
        """Show all steps. Raise LabError at the first that does not hold."""
        self._get_an_address()
        self._answer_on_the_lan()
        self._tell_the_router()
        self._keep_to_local_endpoints()
        self._lose_a_speaker()
        self._give_the_addresses_back()

    def _get_an_address(self) -> None:
        self._screen.heading("1. A Service of type LoadBalancer gets its address")
        lab = self._lab
        lab.write("nodes.yaml", manifests.nodes())
        lab.write("config.yaml", manifests.CONFIG)
        lab.write(NGINX.endpoints_file, NGINX.endpoints())
        lab.write(NGINX.file, NGINX.manifest())
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
        self._address = self._wait_for_address(NGINX.name)
        output = self._get("services")
        row = ["nginx", "LoadBalancer", NGINX.cluster_ip, "10.211.55.240", f"80:{NGINX.node_port}/TCP"]
        self._expect(
            row in [line.split() for line in output.splitlines()],
            f"the Service nginx has {row[3]}",
            "it has the first address of the pool",
        )

    def _answer_on_the_lan(self) -> None:
        self._screen.heading("2. A node answers for it on the LAN (layer 2)")
        lab, url = self._lab, f"http://{self._address}"
        nodes = {node.name for node in NODES}
        # Speakers that start together each begin alone, until they have heard of each other.
        lab.require("the speakers hear of each other", lambda: observe.heartbeats(lab) == nodes, *_speakers())
        lab.require("the client gets the page", lambda: observe.answers(lab, CLIENT, url), *_speakers())
        lab.require("one node answers", lambda: observe.sole_owner(lab, self._address) != "", *_speakers())
        output = self._on(CLIENT, f"curl -s {url}")
        self._expect(
            "Welcome to" in output, "the client gets the welcome page", "the web server's welcome page"
        )
        owner = _node_in(self._on(CLIENT, f"ip neigh show {self._address}"))
        self._expect(owner != "", "the neighbour table has a node's hardware address", f"that is {owner}")
        output = self._on(CLIENT, f"k8sglue lab who-has {self._address}")
        self._expect(
            output.count(" is at ") == 1 and _node_in(output) == owner,
            f"{owner} and nobody else answers ARP",
            f"{owner} alone answers, the other nodes stay silent",
        )

    def _tell_the_router(self) -> None:
        self._screen.heading("3. A Service from a second pool is announced to the router (BGP)")
        lab = self._lab
        added = manifests.BGP_CONFIG.count("\n")
        lab.write("config.yaml", manifests.CONFIG + manifests.BGP_CONFIG)
        self._screen.say("The configuration grows by a second pool and a peer, while everything runs:")
        self._here(f"tail -n {added} {self._source}/config.yaml")
        lab.write(NGINX_BGP.endpoints_file, NGINX_BGP.endpoints())
        lab.write(NGINX_BGP.file, NGINX_BGP.manifest())
        self._bgp_address = self._wait_for_address(NGINX_BGP.name)
        self._here(f"grep address-pool {self._source}/{NGINX_BGP.file}")
        self._get("services")
        self._show_routes({node.name for node in NODES})
        answers = self._ask_through_router()
        self._expect(
            len({pod for pod, _, _ in answers}) > 1,
            "more than one pod answers a client behind the router",
            'pods of several nodes answer ("asked by 10.211.55.13" is one that node-c has passed on to another node)',
        )

    def _keep_to_local_endpoints(self) -> None:
        self._screen.say("Now with externalTrafficPolicy Local, and with the pod on node-c not ready:")
        service, endpoints = (f"{self._source}/{name}" for name in (NGINX_BGP.file, NGINX_BGP.endpoints_file))
        self._here(f"sed -i '/node-c/,$ s/ready: true/ready: false/' {endpoints}")
        self._here(f"sed -i 's/Policy: Cluster/Policy: Local/' {service}")
        self._show_routes({"node-a", "node-b"})
        answers = self._ask_through_router()
        self._expect(
            {node for _, node, _ in answers} <= {"node-a", "node-b"}
            and {client for _, _, client in answers} == {"192.0.2.10"},
            "only ready pods answer, and they see the client's own address",
            "only the ready pods answer, and they see the client's own address",
        )

    def _lose_a_speaker(self) -> None:
        owner = NODE_OF_MAC[observe.neighbour(self._lab, self._address)]
        self._screen.heading(f"4. The speaker on {owner} is killed: another node takes over")
        pid = self._lab.program(f"speaker on {owner}").pid
        self._screen.say("Meanwhile two clients ask for the page every 20 ms.")
        with Outage(self._lab, self._address) as outage:
            for line in outage.commands:
                self._screen.command(line)
            self._here(f"kill -9 {pid}")
            self._lab.require(
                "another node has taken the address over",
                lambda: NODE_OF_MAC.get(observe.neighbour(self._lab, self._address), owner) != owner,
            )
            knowing, asking = outage.measure()
        heir = _node_in(self._on(CLIENT, f"ip neigh show {self._address}"))
        self._expect(heir not in (owner, ""), "another node took over", f"{heir} has taken over")
        self._screen.say(f"  {CLIENT}:   {knowing}\n  {NEWCOMER}: {asking}")
        self._screen.say(_WHY_TWO_FIGURES.format(owner=owner, client=CLIENT, newcomer=NEWCOMER))
        self._start_speaker(owner)
        self._lab.require(
            f"the router has a session with {owner} again",
            lambda: observe.session_established(self._lab, owner),
            f"speaker on {owner}",
        )
        self._screen.held(f"{owner} is back, and has its session with the router again")

    def _give_the_addresses_back(self) -> None:
        self._screen.heading("5. The Services are deleted: everything is withdrawn")
        lab = self._lab
        self._here(f"rm {self._source}/{NGINX.file} {self._source}/{NGINX_BGP.file}")
        for service in (NGINX, NGINX_BGP):
            self._require_no_address(service.name)
        lab.require(
            "no route is left", lambda: not observe.nodes_in_routes(lab, self._bgp_address), *_speakers()
        )
        lab.require("nobody answers ARP", lambda: not observe.who_answers(lab, self._address), *_speakers())
        self._get("services")
        output = self._get("pools")
        output = self._on(ROUTER, f"birdc -s {lab.bird.socket} show route")
        self._expect(
            "/32" not in output, "BIRD has no route to the Service", "the router has no route any more"
        )
        output = self._on(CLIENT, f"k8sglue lab who-has {self._address}")
        self._expect("nobody answered" in output, "nobody answers ARP", "nobody answers for the address")
        self._on(CLIENT, f"ip neigh flush to {self._address}")
        self._on(CLIENT, f"curl -s --max-time 1 http://{self._address}")
        output = self._on(CLIENT, f"ip neigh show {self._address}")
        self._expect(
            "INCOMPLETE" in output or "FAILED" in output,
            "the client does not find the address",
            "the client does not find it",
        )
        self._screen.say("Another Service comes, called `again`:")
        lab.write("again.yaml", NGINX.manifest().replace("name: nginx\n", "name: again\n", 1))
        again = self._wait_for_address("again")
        self._get("services")
        self._expect(
            again == self._address,
            f"a new Service gets {self._address}",
            f"{again} was free again, and is in use by another Service now",
        )

    def _show_routes(self, nodes: set[str]) -> None:
        """Wait for the routes through just these nodes and show them, BIRD's and the kernel's."""
        lab, prefix = self._lab, f"{self._bgp_address}/32"
        lab.require(
            f"BIRD has routes to {prefix} from {', '.join(sorted(nodes))}",
            lambda: observe.nodes_in_routes(lab, prefix) == nodes,
            *_speakers(),
        )
        lab.require(
            "the router's kernel has them", lambda: observe.kernel_routes(lab, prefix) == nodes, "BIRD"
        )
        self._on(ROUTER, f"birdc -s {lab.bird.socket} show route {prefix}")
        self._on(ROUTER, f"ip route show {self._bgp_address}")
        self._screen.held(
            f"routes from {', '.join(sorted(nodes))}, which the router uses side by side (ECMP)"
        )

    def _ask_through_router(self) -> list[tuple[str, str, str]]:
        """Fetch the page several times from behind the router; return who answered, where, and who it thinks asked."""
        url = f"http://{self._bgp_address}"
        self._lab.require(
            "the client behind the router gets the page",
            lambda: observe.answers(self._lab, CLIENT2, url),
            *_speakers(),
        )
        asking = _ASKING.format(address=self._bgp_address)
        answers = _ANSWER.findall(self._on(CLIENT2, f"sh -c {shlex.quote(asking)}"))
        if len(answers) != _TIMES:
            raise LabError("the client behind the router did not get every page that it asked for")
        return answers

    def _start_speaker(self, node: str) -> None:
        line = f"exec {node} -- k8sglue speaker --source {self._source} --node-name {node} &"
        self._screen.command(self._lab.typed(line))
        self._lab.start_speaker(node)

    def _wait_for_address(self, service: str) -> str:
        self._lab.require(
            f"the Service {service} has an address",
            lambda: observe.address_of(self._lab, service) != "",
            "controller",
        )
        return observe.address_of(self._lab, service)

    def _require_no_address(self, service: str) -> None:
        self._lab.require(
            f"the Service {service} has no address any more",
            lambda: observe.address_of(self._lab, service) == "",
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


def _node_in(output: str) -> str:
    """Return the node whose hardware address is the first in an output; empty if there is none."""
    found = re.search(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", output)
    return NODE_OF_MAC.get(found[0], "") if found else ""
