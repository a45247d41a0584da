"""A lab that is there to play in: populated, and told about."""

from k8sglue.lab import manifests, observe
from k8sglue.lab.lab import Lab
from k8sglue.lab.topology import CLIENT, CLIENT2, NODES

_PLAY = """
The lab is up. A few things to try:

    {lab}exec client -- curl -s http://{layer2}
    {lab}exec client -- ip neigh show {layer2}
    {lab}exec client2 -- curl -s http://{bgp}
    {lab}exec client -- k8sglue lab probe http://{layer2}
    {lab}exec router -- birdc -s {socket} show route
    {lab}exec node-a -- nft list ruleset
    k8sglue get services --source {source}
    k8sglue plan --source {source} --node node-a

The manifests are in {source}. Edit them, or add your own: what runs
sees every change at once. The programs print to {logs}.

    {lab}status    shows hosts, programs and Services
    {lab}down      takes everything away"""


def serve(lab: Lab) -> None:
    """Fill in the whole demonstration and wait until clients are served. Raise LabError if they never are."""
    lab.populate()
    _require_service(lab, manifests.NGINX.name, CLIENT)
    _require_service(lab, manifests.NGINX_BGP.name, CLIENT2)


def _require_service(lab: Lab, name: str, client: str) -> None:
    lab.require(f"{name} has an address", lambda: observe.address_of(lab, name) != "", "controller")
    url = f"http://{observe.address_of(lab, name)}"
    speakers = [f"speaker on {node.name}" for node in NODES]
    lab.require(f"{client} gets the page of {name}", lambda: observe.answers(lab, client, url), *speakers)


def how_to_play(lab: Lab) -> str:
    """Return what to do with a lab that is up."""
    return _PLAY.format(
        lab=lab.typed(""),
        layer2=observe.address_of(lab, manifests.NGINX.name),
        bgp=observe.address_of(lab, manifests.NGINX_BGP.name),
        socket=lab.bird.socket,
        source=lab.manifests,
        logs=lab.state.folder / "logs",
    )
