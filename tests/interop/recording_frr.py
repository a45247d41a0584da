"""FRR (bgpd and zebra), for a recording."""

import shutil
import time

from tests.interop import starting
from tests.interop.recording_daemon import HOST, Daemon, wait_until
from tests.interop.recording_peer import Account, Offer

_ROUTE_MAP = """
route-map rich permit 10
 set community 64500:11 no-peer additive
 set large-community 65550:1:2 additive
 set extcommunity rt 64500:100 65551:7
 set extcommunity soo 192.0.2.1:7
 set extcommunity bandwidth 1000
 set metric 100
 set local-preference 200
 set origin egp
route-map prepending permit 10
 set as-path prepend 64499 64499 65537
 set aggregator as 65549 192.0.2.77
 set atomic-aggregate
bgp community-list standard unwanted seq 5 permit 65535:0
"""

_OWN = """
 address-family ipv4 unicast
  network 198.18.0.0/24
  network 198.18.1.0/24 route-map rich
  network 198.18.2.0/24 route-map prepending
  aggregate-address 198.18.0.0/22 as-set
  aggregate-address 198.18.0.0/15
 exit-address-family
 address-family ipv4 multicast
  network 198.18.0.0/15
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:ffff::/48 route-map rich
 exit-address-family
 address-family ipv4 vpn
  network 198.18.1.0/24 rd 64500:100 label 100 route-map rich
 exit-address-family
 address-family ipv6 vpn
  network 2001:db8:ffff::/48 rd 64500:100 label 101
 exit-address-family
"""

_RICH = ["ipv4 unicast", "ipv6 unicast", "ipv4 multicast", "ipv6 multicast", "ipv4 vpn", "ipv6 vpn"]
_USUAL = ["ipv4 unicast", "ipv6 unicast"]
_FAMILIES = {
    Offer.EVERYTHING: _RICH,
    Offer.USUAL: _USUAL,
    Offer.TWO_OCTET: _USUAL,
    Offer.NOTHING: ["ipv4 unicast"],
}
_LABELLED = ["ipv4 labeled-unicast", "ipv6 labeled-unicast", *_RICH[2:]]
"""In place of unicast: a session can have but one of the two."""


class FRR(Daemon):
    """bgpd, controlled through vtysh; zebra gives it interfaces and labels."""

    package = "frr"

    def start(self) -> None:
        """Start zebra and bgpd, with the kernel's routes left alone."""
        (self.folder / "vty").mkdir()
        name = f"hostname {HOST}\ndomainname example.net\n"
        self.write("zebra.conf", name)
        self.write("bgpd.conf", name + self._config())
        # Both give up root.
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, "frr", "frr")
        self._start("zebra")
        wait_until(starting.zebra_socket(self.folder).exists)
        self._start("bgpd", "--no_kernel", "--log", "stdout", "--log-level", "warn")
        # Until zebra has told bgpd of the interfaces, its next hops have no link-local address.
        time.sleep(3)

    def ask_again(self, account: Account) -> None:
        """Clear the session's incoming half."""
        for family in self._families(account):
            if family.endswith(("unicast", "vpn")):
                self._vtysh(f"clear bgp {family} {account.address} in")

    def shut_down(self, account: Account, text: str) -> None:
        """Shut the neighbor down."""
        self._configure(f"neighbor {account.address} shutdown message {text}")

    def change(self) -> None:
        """Take routes of its own away."""
        self._configure("address-family ipv4 unicast", "no network 198.18.1.0/24 route-map rich")
        self._configure("address-family ipv6 unicast", "no network 2001:db8:ffff::/48 route-map rich")

    def _start(self, program: str, *options: str) -> None:
        self.run(*starting.frr(program, self.folder, *options))

    def _configure(self, *lines: str) -> None:
        self._vtysh("configure terminal", f"router bgp {self.asn}", *lines)

    def _vtysh(self, *commands: str) -> None:
        arguments = [word for command in commands for word in ("-c", command)]
        self.namespace.run("vtysh", "--vty_socket", str(self.folder / "vty"), *arguments)

    def _config(self) -> str:
        lines = [
            "frr defaults datacenter",
            f"router bgp {self.asn}",
            " bgp router-id 192.0.2.1",
            " no bgp default ipv4-unicast",
            " no bgp ebgp-requires-policy",
            " no bgp network import-check",
            " no bgp suppress-duplicates",
            " bgp graceful-restart",
            " bgp long-lived-graceful-restart stale-time 3600",
        ]
        for account in self.accounts:
            lines += [f" neighbor {account.address} {line}" for line in self._session(account) if line]
        for account in self.accounts:
            for family in self._families(account):
                lines.append(f" address-family {family}")
                lines += [f"  neighbor {account.address} {line}" for line in self._family(account, family)]
                lines.append(" exit-address-family")
        return "\n".join(lines) + _OWN + _ROUTE_MAP

    def _session(self, account: Account) -> list[str]:
        is_rich = account.offer is Offer.EVERYTHING
        return [
            f"remote-as {account.asn}",
            "passive",
            "advertisement-interval 0",
            "disable-connected-check",
            "capability extended-nexthop" if is_rich else "",
            "extended-optional-parameters" if account.has_extended_open else "",
            f"local-role {account.role}" if account.role else "",
        ]

    def _families(self, account: Account) -> list[str]:
        is_labelled = self.is_internal(account) and account.offer is Offer.EVERYTHING
        return _LABELLED if is_labelled else _FAMILIES[account.offer]

    def _family(self, account: Account, family: str) -> list[str]:
        lines = ["activate", "send-community all"]
        if self.is_internal(account):
            lines.append("route-reflector-client")
        if account.offer is Offer.EVERYTHING:
            lines.append("addpath-tx-all-paths")
        return lines
