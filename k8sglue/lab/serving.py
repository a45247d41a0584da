"""A lab that is there to play in: populated, and told about."""

from functools import partial

from k8sglue.lab import manifests, observe
from k8sglue.lab.lab import Lab
from k8sglue.lab.topology import CLIENT, CLIENT2, NODES, url

_PLAY = """
The lab is up. A few things to try:

    {lab}exec client -- curl -s {layer2}
    {lab}exec client -- ip neigh show {address}
    {lab}exec client -- curl -s '{layer2_ipv6}'
    {lab}exec client -- k8sglue lab who-has {address_ipv6}
    {lab}exec client2 -- curl -s {bgp}
    {lab}exec client2 -- curl -s '{bgp_ipv6}'
    {lab}exec client -- k8sglue lab probe {layer2}
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
    for service in manifests.SERVICES:
        _require_service(lab, service.name, CLIENT2 if service is manifests.NGINX_BGP else CLIENT)


def _require_service(lab: Lab, name: str, client: str) -> None:
    lab.require(f"{name} has an address", lambda: bool(observe.addresses_of(lab, name)), "controller")
    speakers = [f"speaker on {node.name}" for node in NODES]
    for address in observe.addresses_of(lab, name):
        lab.require(
            f"{client} gets the page of {name} at {address}",
            partial(observe.answers, lab, client, url(address)),
            *speakers,
        )


def how_to_play(lab: Lab) -> str:
    """Return what to do with a lab that is up."""
    [address] = observe.addresses_of(lab, manifests.NGINX.name)
    [address_ipv6] = observe.addresses_of(lab, manifests.NGINX_IPV6.name)
    bgp, bgp_ipv6 = observe.addresses_of(lab, manifests.NGINX_BGP.name)
    return _PLAY.format(
        lab=lab.typed(""),
        address=address,
        layer2=url(address),
        address_ipv6=address_ipv6,
        layer2_ipv6=url(address_ipv6),
        bgp=url(bgp),
        bgp_ipv6=url(bgp_ipv6),
        socket=lab.bird.socket,
        source=lab.manifests,
        logs=lab.state.folder / "logs",
    )
