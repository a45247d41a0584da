"""What a BFD monitor and its process say to each other."""

import pytest
from hypothesis import given

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged, BFDStatistics, PacketDiscarded, SocketFailed
from bgp.bfd.fsm import Reason
from bgp.bfd.orders import (
    AddSession,
    ChangeSession,
    Close,
    Figures,
    Happened,
    Order,
    RemoveSession,
    Report,
    decode_order,
    decode_report,
    encode,
)
from bgp.bfd.packet import BFDState, Diagnostic, Discard
from bgp.bfd.table import BFDPath
from bgp.testing import bfd_configs

KEYS = [BFDKey("keyed-sha1", b"\0\xff", 1), BFDKey("keyed-sha1", "new", 2)]


@pytest.mark.parametrize(
    "order",
    [
        AddSession(1, BFDPath(peer="192.0.2.1"), BFDConfig()),
        AddSession(2, BFDPath(peer="fe80::1%eth0", local_address="fe80::2"), BFDConfig(authentication=KEYS)),
        ChangeSession(3, BFDConfig(multihop=True, minimum_ttl=250, transmit_interval=0.01)),
        RemoveSession(4),
        Close(),
    ],
    ids=lambda order: type(order).__name__,
)
def test_orders(order: Order) -> None:
    line = encode(order)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_order(line) == order


@given(bfd_configs())
def test_configurations(config: BFDConfig) -> None:
    assert decode_order(encode(ChangeSession(1, config))) == ChangeSession(1, config)


STATISTICS = BFDStatistics(
    state=BFDState.UP,
    diagnostic=Diagnostic.PATH_DOWN,
    remote_diagnostic=31,
    reason=Reason.HANDSHAKE,
    uptime=0.1,
    packets_discarded={Discard.TTL: 5, Discard.DIGEST: 1},
)


@pytest.mark.parametrize(
    "report",
    [
        Happened(
            1, BFDStateChanged(old=BFDState.UP, new=BFDState.DOWN, reason=Reason.NEIGHBOR_DOWN, diagnostic=3)
        ),
        Happened(2, PacketDiscarded(Discard.SEQUENCE)),
        Happened(3, SocketFailed('no "route"\n')),
        Figures(4, STATISTICS),
        Figures(5, BFDStatistics()),
    ],
    ids=lambda report: type(report).__name__,
)
def test_reports(report: Report) -> None:
    assert decode_report(encode(report)) == report
    assert repr(decode_report(encode(report))) == repr(report)
