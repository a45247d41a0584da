"""OpenBGPD, for a recording."""

from tests.interop import starting
from tests.interop.recording_daemon import Daemon, local_address
from tests.interop.recording_peer import IPV4_UNICAST, IPV4_VPN, IPV6_UNICAST, IPV6_VPN, Account, Offer

_HEAD = """
AS {asn}
router-id 192.0.2.1
listen on 192.0.2.1
listen on 2001:db8::1
socket "{folder}/bgpd.sock"
fib-update no
rde evaluate all
reject as-set no
nexthop qualify via default
network 198.18.0.0/24 set {{ metric 100 localpref 200 }}
network 198.18.1.0/24 set {{ community 64500:11 community NO_PEER large-community 65550:1:2 }}
network 198.18.2.0/24 set {{ prepend-self 5 }}
network 198.18.3.0/24 set {{ ext-community rt 64500:100 ext-community soo 192.0.2.1:7 ext-community rt 65551:9 }}
network 2001:db8:ffff::/48 set {{ community 64500:12 }}
allow from any
allow to any
"""

_USUAL = ["IPv4 unicast", "IPv6 unicast"]
_FAMILIES = {
    Offer.EVERYTHING: ["IPv4 unicast", "IPv6 unicast", "IPv4 vpn", "IPv6 vpn"],
    Offer.USUAL: _USUAL,
    Offer.TWO_OCTET: _USUAL,
    Offer.NOTHING: ["IPv4 unicast"],
}
_RICH = """
    announce add-path recv yes
    announce add-path send all
    announce enhanced refresh yes
    announce restart yes
"""


class OpenBGPD(Daemon):
    """bgpd of OpenBSD, controlled through bgpctl."""

    package = "openbgpd"
    # One family that it does not know in an ADD-PATH capability, and it ignores the capability.
    families = (IPV4_UNICAST, IPV6_UNICAST, IPV4_VPN, IPV6_VPN)

    def start(self) -> None:
        """Start it."""
        head = _HEAD.format(asn=self.asn, folder=self.folder)
        text = head + "".join(map(self._neighbor, self.accounts))
        self.run(*starting.openbgpd(self.write("bgpd.conf", text)))

    def ask_again(self, account: Account) -> None:
        """Refresh the neighbor."""
        self._bgpctl("neighbor", account.address, "refresh")

    def shut_down(self, account: Account, text: str) -> None:
        """Take the neighbor down."""
        self._bgpctl("neighbor", account.address, "down", text)

    def _bgpctl(self, *command: str) -> None:
        self.namespace.run("bgpctl", "-s", f"{self.folder}/bgpd.sock", *command)

    def _neighbor(self, account: Account) -> str:
        lines = [
            f"neighbor {account.address} {{",
            f"remote-as {account.asn}",
            f"local-address {local_address(account)}",
            "passive",
            "enforce neighbor-as no",
            "transparent-as no",
            *(f"announce {family}" for family in _FAMILIES[account.offer]),
            _RICH if account.offer is Offer.EVERYTHING else "",
            f"announce policy {account.role}" if account.role else "",
            "route-reflector 192.0.2.1" if self.is_internal(account) else "",
            "}",
        ]
        return "\n".join(lines) + "\n"
