"""A web server for the pods of the lab, where nginx is not installed: `k8sglue lab web --pod pod-a`."""

import http.server
import socket
from ipaddress import IPv6Address

from k8sglue.lab.daemons import page
from k8sglue.lab.topology import Node


class _Server(http.server.ThreadingHTTPServer):
    """Listens for both families: on a socket of IPv6, clients of IPv4 have mapped addresses (RFC 4291 2.5.5.2)."""

    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def serve(node: Node, port: int = 80) -> http.server.ThreadingHTTPServer:
    """Return a server that answers every GET with the page of this node's pod; call its `serve_forever`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server looks for
            address = IPv6Address(self.client_address[0])
            body = page("the lab", node, str(address.ipv4_mapped or address)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: nobody reads one line per request."""

    return _Server(("", port), Handler)
