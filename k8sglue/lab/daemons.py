"""The programs of others that the lab runs: BIRD on the router, nginx in the pods. Their configurations, as text.

Everything that they write goes to the lab's folder, and both stay in the foreground.
"""

import shutil
import sys
from pathlib import Path

import attrs

from k8sglue.lab.topology import NODES, NODES_ASN, ROUTER, ROUTER_ASN, Node, host

_BIRD = """\
# The router of the lab: takes routes from the nodes, puts them into the kernel.
log stderr all;
router id {address};

protocol device {{ }}

protocol kernel {{
    # Equal routes from several nodes become one with several next hops (ECMP).
    merge paths on;
    ipv4 {{ import none; export where source = RTS_BGP; }};
}}

protocol kernel {{
    merge paths on;
    ipv6 {{ import none; export where source = RTS_BGP; }};
}}

template bgp node {{
    local {address} as {asn};
    # The speakers call, the router answers.
    passive on;
    # Both families over one session of IPv4 (RFC 4760).
    ipv4 {{ import all; export none; }};
    ipv6 {{ import all; export none; }};
}}
{neighbours}"""

_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 80;
        listen [::]:80;
        default_type text/html;
        location / {{ return 200 '{page}'; }}
    }}
}}
"""

_PAGE = """\
<!DOCTYPE html>
<title>Welcome to {server}!</title>
<h1>Welcome to {server}!</h1>
<p>Answered by {pod} on {node}, asked by {client}.</p>
"""


@attrs.frozen
class Bird:
    """BIRD on the router; `folder` is where its files go."""

    folder: Path

    @property
    def socket(self) -> str:
        """The socket through which `birdc` talks to it."""
        return str(self.folder / "bird.ctl")

    def command(self) -> list[str]:
        """Write the configuration; return the command that starts BIRD."""
        neighbours = "".join(
            f"protocol bgp {node.name.replace('-', '_')} from node "
            f"{{ neighbor {node.addresses[0]} as {NODES_ASN}; }}\n"
            for node in NODES
        )
        configuration = self.folder / "bird.conf"
        configuration.write_text(
            _BIRD.format(
                address=host(ROUTER).addresses[0],
                asn=ROUTER_ASN,
                neighbours=neighbours,
            )
        )
        pid = str(self.folder / "bird.pid")
        return ["bird", "-f", "-c", str(configuration), "-s", self.socket, "-P", pid]


def page(server: str, node: Node, client: str) -> str:
    """Return the page that a pod serves: a welcome, who answered, and who the pod thinks has asked."""
    return _PAGE.format(server=server, pod=node.pod, node=node.name, client=client)


def web_server(folder: Path, node: Node) -> list[str]:
    """Write the configuration of a pod's web server; return the command that starts it."""
    if shutil.which("nginx") is None:
        return [sys.executable, "-m", "k8sglue", "lab", "web", "--pod", node.pod]
    own = folder / node.pod
    own.mkdir()
    configuration = own / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=own, page=page("nginx", node, "$remote_addr")))
    return ["nginx", "-p", str(own), "-c", str(configuration), "-e", "stderr"]
