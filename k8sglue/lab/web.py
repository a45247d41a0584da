"""A web server for the pods of the lab, where nginx is not installed: `k8sglue lab web --pod pod-a`."""

import http.server

from k8sglue.lab.daemons import page
from k8sglue.lab.topology import Node


def serve(node: Node, port: int = 80) -> http.server.ThreadingHTTPServer:
    """Return a server that answers every GET with the page of this node's pod; call its `serve_forever`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server looks for
            body = page("the lab", node, self.client_address[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet: nobody reads one line per request."""

    return http.server.ThreadingHTTPServer(("", port), Handler)
