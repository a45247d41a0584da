"""ExaBGP, for a recording: it passes nothing on, so all its routes stand in its configuration."""

from pathlib import Path

from tests.interop import starting
from tests.interop.recording_daemon import ADDRESS4, ADDRESS6, HOST, Daemon, local_address
from tests.interop.recording_peer import Account, Offer

_IPV4 = """
        unicast 198.18.0.0/24 next-hop self origin egp med 100 local-preference 200;
        unicast 198.18.1.0/24 next-hop self community [ 64500:11 no-export 65535:0 ] large-community 65550:1:2;
        unicast 198.18.2.0/24 next-hop self as-path [ 64499 64499 65537 ];
        unicast 198.18.3.0/24 next-hop self as-path [ 64499 ( 64498 65537 ) ] atomic-aggregate \
            aggregator ( 65549:192.0.2.77 );
        unicast 198.18.4.0/24 next-hop self \
            extended-community [ target:64500:100 target:192.0.2.1:7 origin:65551:9 bandwidth:64500:1000000 ];
        unicast 198.18.6.0/24 next-hop self attribute [ 0xfa 0xc0 0x756e6b6e6f776e ];
        unicast 198.18.7.0/24 next-hop self aigp 1000;
        unicast 198.18.16.0/20 next-hop self split /22 community 64500:22;
        unicast 0.0.0.0/0 next-hop 192.0.2.66;
        unicast 203.0.113.255/32 next-hop 192.0.2.66;
"""
_IPV4_MORE = """
        unicast 198.18.8.0/24 next-hop self path-information 1.2.3.4 community 64500:1;
        unicast 198.18.8.0/24 next-hop self path-information 5 community 64500:2;
        unicast 198.18.9.0/24 next-hop 2001:db8::66;
        nlri-mpls 198.18.10.0/24 next-hop self label 1000;
        nlri-mpls 198.18.11.0/24 next-hop self label [ 1000 1001 ];
"""
_INTERNAL = """
        unicast 198.18.5.0/24 next-hop self originator-id 192.0.2.12 cluster-list [ 192.0.2.13 192.0.2.14 ];
"""
# "mpls-vpn" and "multicast" under "announce" put their routes among those of IPv4 unicast.
_VPN = """
    static {{
        route 198.18.12.0/24 next-hop 192.0.2.1 rd 64500:100 label 1048575 extended-community target:64500:100;
        route 198.18.13.4/32 next-hop 192.0.2.1 rd 192.0.2.1:7 label 16 extended-community target:64500:100;
        route 198.18.14.0/24 next-hop 2001:db8::66 rd 64500:100 label 18 extended-community target:64500:100;
    }}
"""
_IPV6 = """
        unicast 2001:db8:ffff::/48 next-hop 2001:db8::1 community 64500:12;
        unicast 2001:db8:fffe::/47 next-hop 2001:db8::1 med 5 as-path [ 64499 ];
        unicast ::/0 next-hop 2001:db8::1;
"""
_IPV6_MORE = """
        nlri-mpls 2001:db8:40::/44 next-hop 2001:db8::1 label 1001;
        mpls-vpn 2001:db8:100::/40 next-hop 2001:db8::1 rd 65551:7 label 17 extended-community target:64500:100;
"""
_RICH = (
    _VPN
    + """
    host-name {host};
    domain-name example.net;
    capability {{
        asn4 enable;
        route-refresh enable;
        graceful-restart 120;
        add-path send/receive;
        nexthop enable;
        extended-message enable;
        multi-session {multisession};
        operational {multisession};
        aigp enable;
    }}
    nexthop {{ ipv4 unicast ipv6; ipv4 nlri-mpls ipv6; ipv4 mpls-vpn ipv6; }}
    family {{
        ipv4 unicast; ipv4 multicast; ipv4 nlri-mpls; ipv4 mpls-vpn;
        ipv6 unicast; ipv6 nlri-mpls; ipv6 mpls-vpn;
    }}
    announce {{
        ipv4 {{ {ipv4} }}
        ipv6 {{ {ipv6} }}
    }}
"""
)
_USUAL = """
    capability {{ asn4 enable; route-refresh enable; }}
    family {{ ipv4 unicast; ipv6 unicast; }}
    announce {{
        ipv4 {{ {ipv4} }}
        ipv6 {{ {ipv6} }}
    }}
"""
_TWO_OCTET = _USUAL.replace("asn4 enable", "asn4 disable")
_BARE = """
    capability {{ asn4 disable; }}
    family {{ ipv4 unicast; }}
    announce {{ ipv4 {{ {ipv4} }} }}
"""


class ExaBGP(Daemon):
    """ExaBGP, controlled by a program of its own that copies commands out of a file."""

    package = "exabgp"
    # 4.2.21 fails with a TypeError as soon as there is enhanced route refresh and a request.
    survives_refresh = False

    def start(self) -> None:
        """Start it, listening."""
        self._commands.touch()
        # It ends with ExaBGP, however that ends.
        script = self.write("feed.sh", f"exec tail -f -n +1 --pid=$PPID {self._commands}\n")
        process = f"process commands {{ run /bin/sh {script}; encoder text; }}\n"
        text = process + "".join(map(self._neighbor, self.accounts))
        config = self.write("exabgp.conf", text)
        addresses = f"{ADDRESS4} {ADDRESS6}"
        self.run(*starting.exabgp(config, addresses=addresses, log_level="ERR", log_destination="stderr"))

    def ask_again(self, account: Account) -> None:
        """Have ROUTE-REFRESHes sent."""
        for family in ("ipv4 unicast", "ipv6 unicast"):
            self._say(f"neighbor {account.address} announce route-refresh {family}")

    def shut_down(self, account: Account, text: str) -> None:
        """Tear the session down; what to say the version at hand does not take."""
        self._say(f"neighbor {account.address} teardown 2")

    def change(self) -> None:
        """Take routes away."""
        self._say("withdraw route 198.18.1.0/24 next-hop 192.0.2.1")
        self._say("withdraw route 2001:db8:ffff::/48 next-hop 2001:db8::1")
        self._say("announce eor ipv4 unicast")

    @property
    def _commands(self) -> Path:
        return self.folder / "commands"

    def _say(self, command: str) -> None:
        with self._commands.open("a") as file:
            file.write(command + "\n")

    def _neighbor(self, account: Account) -> str:
        ipv4, ipv6 = _IPV4, _IPV6
        body = {
            Offer.EVERYTHING: _RICH,
            Offer.USUAL: _USUAL,
            Offer.TWO_OCTET: _TWO_OCTET,
            Offer.NOTHING: _BARE,
        }[account.offer]
        if account.offer is Offer.EVERYTHING:
            ipv4, ipv6 = ipv4 + _IPV4_MORE, ipv6 + _IPV6_MORE
        if self.is_internal(account):
            ipv4 += _INTERNAL
        multisession = "enable" if account.name == "wrong-as" else "disable"
        return f"""
neighbor {account.address} {{
    router-id 192.0.2.1;
    local-address {local_address(account)};
    local-as {self.asn};
    peer-as {account.asn};
    passive true;
    hold-time 90;
    api {{ processes [ commands ]; }}
    {body.format(host=HOST, ipv4=ipv4, ipv6=ipv6, multisession=multisession)}
}}
"""
