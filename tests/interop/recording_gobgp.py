"""GoBGP, for a recording."""

from tests.interop.recording_daemon import Daemon, wait_until
from tests.interop.recording_peer import Account, Offer

_USUAL = ["ipv4-unicast", "ipv6-unicast"]
_FAMILIES = {
    Offer.EVERYTHING: [
        f"{kind.replace('*', version)}"
        for kind in ("ipv*-unicast", "ipv*-multicast", "ipv*-labelled-unicast", "l3vpn-ipv*-unicast")
        for version in "46"
    ],
    Offer.USUAL: _USUAL,
    Offer.TWO_OCTET: _USUAL,
    Offer.NOTHING: ["ipv4-unicast"],
}

_OWN = [
    "198.18.0.0/24 origin egp med 100 local-pref 200",
    "198.18.1.0/24 community 64500:11,no-peer large-community 65550:1:2",
    "198.18.2.0/24 aspath 64499,64499,65537 aggregator 65549:192.0.2.77",
    "198.18.3.0/24 rt 64500:100 192.0.2.1:7 65551:9 encap vxlan",
    "198.18.8.0/24 color 128",
    "198.18.9.0/24 aspath 64499,{64498,65537}",
    "198.18.4.0/24 aigp metric 1000",
    "2001:db8:ffff::/48 nexthop 2001:db8::1 community 64500:12 -a ipv6",
    "198.18.5.0/24 nexthop 2001:db8::1",
    "198.18.6.0/24 100/101 -a ipv4-mpls",
    "198.18.7.0/24 label 101 rd 64500:100 rt 64500:100 -a vpnv4",
    "2001:db8:ffff::/48 label 102 rd 192.0.2.1:100 rt 64500:100 nexthop 2001:db8::1 -a vpnv6",
]


class GoBGP(Daemon):
    """gobgpd, controlled through gobgp."""

    package = "gobgpd"

    def start(self) -> None:
        """Start it, and add the routes of its own."""
        config = "\n".join([self._global(), *map(self._neighbor, self.accounts)])
        path = self.write("gobgpd.toml", config)
        self.run("gobgpd", "--config-file", path, "--log-level", "error", "--api-hosts", "127.0.0.1:50051")
        wait_until(self._is_ready)
        for route in _OWN:
            self._gobgp("global", "rib", "add", *route.split())

    def shut_down(self, account: Account, text: str) -> None:
        """Shut the neighbor down."""
        self._gobgp("neighbor", account.address, "shutdown", "--reason", text)

    def change(self) -> None:
        """Take routes of its own away."""
        for route in _OWN[1], _OWN[5], _OWN[8]:
            self._gobgp("global", "rib", "del", *route.split())

    def _is_ready(self) -> bool:
        try:
            self._gobgp("global")
        except RuntimeError:
            return False
        return True

    def _gobgp(self, *command: str) -> None:
        self.namespace.run("gobgp", *command)

    def _global(self) -> str:
        return f"""
[global.config]
as = {self.asn}
router-id = "192.0.2.1"
local-address-list = ["192.0.2.1", "2001:db8::1"]
"""

    def _neighbor(self, account: Account) -> str:
        is_rich = "true" if account.offer is Offer.EVERYTHING else "false"
        is_client = "true" if self.is_internal(account) else "false"
        families = "".join(
            f"""
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "{family}"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = {is_rich}
[neighbors.afi-safis.long-lived-graceful-restart.config]
enabled = {is_rich}
restart-time = 3600
[neighbors.afi-safis.add-paths.config]
receive = {is_rich}
send-max = {8 if account.offer is Offer.EVERYTHING else 0}
"""
            for family in _FAMILIES[account.offer]
        )
        return f"""
[[neighbors]]
[neighbors.config]
neighbor-address = "{account.address}"
peer-as = {account.asn}
send-community = "both"
[neighbors.transport.config]
passive-mode = true
[neighbors.graceful-restart.config]
enabled = {is_rich}
restart-time = 120
long-lived-enabled = {is_rich}
[neighbors.route-reflector.config]
route-reflector-client = {is_client}
route-reflector-cluster-id = "192.0.2.1"
{families}
"""
