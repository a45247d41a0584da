"""BIRD 2, for a recording."""

from tests.interop.recording_daemon import HOST, Daemon, local_address, slug
from tests.interop.recording_peer import Account, Offer

_TABLES = """
log stderr { warning, error, fatal, bug };
router id 192.0.2.1;
protocol device {}
ipv4 table multicast4;
ipv6 table multicast6;
ipv4 table labelled4;
ipv6 table labelled6;
vpn4 table vpntab4;
vpn6 table vpntab6;
protocol static own4 {
    ipv4;
    route 198.18.0.0/24 blackhole { bgp_origin = ORIGIN_EGP; bgp_med = 100; bgp_local_pref = 200; };
    route 198.18.1.0/24 blackhole {
        bgp_community.add((64500, 11)); bgp_community.add((65535, 65281));
        bgp_large_community.add((65550, 1, 2));
        bgp_ext_community.add((rt, 64500, 100)); bgp_ext_community.add((ro, 192.0.2.1, 7));
        bgp_ext_community.add((generic, 0x030b0000, 0x80));
    };
    route 198.18.2.0/24 blackhole { bgp_path.prepend(64499); bgp_path.prepend(64499); bgp_path.prepend(65537); };
}
protocol static own6 { ipv6; route 2001:db8:ffff::/48 blackhole { bgp_community.add((64500, 12)); }; }
protocol static own_multicast { ipv4 { table multicast4; }; route 198.18.0.0/15 blackhole; }
"""

_CHANNELS = """
    ipv4 { %(common)s aigp on; extended next hop on; };
    ipv6 { %(common)s aigp on; };
    ipv4 multicast { table multicast4; %(common)s };
    ipv6 multicast { table multicast6; %(common)s };
    ipv4 mpls { table labelled4; %(common)s };
    ipv6 mpls { table labelled6; %(common)s };
    vpn4 mpls { table vpntab4; %(common)s };
    vpn6 mpls { table vpntab6; %(common)s };
"""
_COMMON = "import all; export all; add paths on; long lived graceful restart on;"
_RICH = """
    enable extended messages on;
    advertise hostname on;
    graceful restart on;
    long lived graceful restart on;
"""

_USUAL = "ipv4 { import all; export all; }; ipv6 { import all; export all; };"
_OFFERS = {
    Offer.EVERYTHING: _RICH + _CHANNELS % {"common": _COMMON},
    Offer.USUAL: _USUAL,
    Offer.TWO_OCTET: _USUAL,
    Offer.NOTHING: "ipv4 { import all; export all; };",
}


class Bird(Daemon):
    """BIRD, controlled through birdc."""

    package = "bird2"

    def start(self) -> None:
        """Start BIRD."""
        text = f'hostname "{HOST}";' + _TABLES + "".join(map(self._protocol, self.accounts))
        self.run("bird", "-f", "-c", self.write("bird.conf", text), "-s", self._control)

    def ask_again(self, account: Account) -> None:
        """Reload the routes of a peer."""
        self._birdc("reload", "in", slug(account))

    def shut_down(self, account: Account, text: str) -> None:
        """Disable the protocol."""
        self._birdc("disable", slug(account), f'"{text}"')

    def change(self) -> None:
        """Take the routes of its own away."""
        self._birdc("disable", "own4")
        self._birdc("disable", "own6")

    @property
    def _control(self) -> str:
        return str(self.folder / "bird.ctl")

    def _birdc(self, *command: str) -> None:
        self.namespace.run("birdc", "-s", self._control, *command)

    def _protocol(self, account: Account) -> str:
        lines = [
            f"protocol bgp {slug(account)} {{",
            f"local {local_address(account)} as {self.asn};",
            f"neighbor {account.address} as {account.asn};",
            "passive;",
            f"local role {account.role};" if account.role else "",
            "rr client;" if self.is_internal(account) else "",
            _OFFERS[account.offer],
            "}",
        ]
        return "\n".join(lines) + "\n"
