"""The responder beside a naive model, whatever anybody does in whatever order.

The model reads each frame by the codecs and keeps for each address what anyone would note on paper: how far its
claim has come, when it was probed for, and when it was defended. It plans nothing: what the responder announces by
itself is judged when it comes, by whether it may, and how much of it in how much time.
"""

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from arp import (
    ALL_NODES,
    Claimed,
    ClaimState,
    Conflict,
    ConflictPolicy,
    EthernetFrame,
    Ignored,
    MACAddress,
    Nonce,
    Operation,
    Outcome,
    Output,
    Reason,
    Responder,
    SendFrame,
    Settings,
    decode_packet,
)
from arp.reading import Question, Use
from arp.testing import frames
from tests.arp.octets import MAC, RIVAL, advertisement, arp, probe, question, rival, said
from tests.arp.slow import slow_reading

NEW_MAC, FRIEND = MACAddress("02:00:00:00:00:11"), MACAddress("02:00:00:00:00:77")
ADDRESSES = ["203.0.113.7", "203.0.113.8", "2001:db8::7", "2001:db8:1::7"]
OWNED = st.sampled_from(ADDRESSES)
PAUSES = st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.5, 1.1, 3.0, 10.0, 40.0])
POLICIES = st.sampled_from(list(ConflictPolicy))
SOURCES = st.sampled_from([RIVAL, RIVAL, RIVAL, FRIEND, MAC])
LIMITS = st.sampled_from([None, None, 0.5, 3.0, 200.0])
FRAMES = frames(mac=MAC, addresses=ADDRESSES)
_Address = IPv4Address | IPv6Address


@attrs.define
class Noted:
    """What is noted about an owned address."""

    state: ClaimState
    probes: list[float] = attrs.field(factory=list)
    nonces: set[bytes] = attrs.field(factory=set)
    defended: float = -1e9
    yielded: float = -1e9


class Model(RuleBasedStateMachine):
    """A responder, and the notes about it."""

    @initialize(
        probes=st.integers(0, 2),
        policy=POLICIES,
        limit=LIMITS,
        friendly=st.booleans(),
        draw=st.floats(0, 0.999),
    )
    def start(
        self, probes: int, policy: ConflictPolicy, limit: float | None, friendly: bool, draw: float
    ) -> None:
        self.now = 1000.0
        self.settings = Settings(
            probe_count=probes,
            conflict_policy=policy,
            announcements_per_second=limit,
            friends=[FRIEND] if friendly else [],
        )
        self.responder = Responder(mac=MAC, interface="eth0", settings=self.settings, random=lambda: draw)
        self.notes: dict[_Address, Noted] = {}
        self.ignored: Counter[Reason] = Counter()
        self.mac, self.down = MAC, False
        self.slots: list[float] = []  # when something was sent that the limit counts
        self.last_probe = b""
        self.replace(ADDRESSES)

    # What anybody does

    @rule(pause=PAUSES)
    def time_passes(self, pause: float) -> None:
        self.now += pause

    @rule(times=st.integers(1, 6))
    def the_timer_rings(self, times: int) -> None:
        for _ in range(times):
            due = self.responder.next_timeout()
            if due is not None:
                self.now = max(self.now, due)
            self.carry_out(self.responder.handle_timeout(self.now))
            due = self.responder.next_timeout()
            assert due is None or due > self.now

    @rule(address=OWNED)
    def add(self, address: str) -> None:
        self.note(address)
        self.carry_out(self.responder.add(address, self.now))

    @rule(addresses=st.lists(OWNED, min_size=2, max_size=6))
    def replace(self, addresses: list[str]) -> None:
        wanted = {ip_address(address) for address in addresses}
        self.notes = {address: noted for address, noted in self.notes.items() if address in wanted}
        for address in addresses:
            self.note(address)
        self.carry_out(self.responder.replace(addresses, self.now))

    @rule(address=OWNED, successor=st.none() | st.just(RIVAL))
    def remove(self, address: str, successor: MACAddress | None) -> None:
        noted = self.notes.pop(ip_address(address), None)
        outputs = self.responder.remove(address, self.now, successor)
        held = noted is not None and noted.state is ClaimState.HELD and not self.down
        assert bool(outputs) == (held and successor is not None)
        for output in outputs:
            assert isinstance(output, SendFrame)
            assert said(output.frame) == ("announce", address)

    @rule(frame=FRAMES)
    def anything_arrives(self, frame: bytes) -> None:
        self.receive(frame)

    @rule(address=OWNED, source=SOURCES, pause=PAUSES)
    def a_client_asks(self, address: str, source: MACAddress, pause: float) -> None:
        self.now += pause
        self.receive(question(address, source))

    @rule(address=OWNED, sources=st.lists(SOURCES, min_size=1, max_size=3), pause=PAUSES)
    def rivals_use_it(self, address: str, sources: list[MACAddress], pause: float) -> None:
        for source in sources:
            self.now += pause
            self.receive(rival(address, source))

    @rule(address=OWNED, source=SOURCES)
    def a_rival_probes(self, address: str, source: MACAddress) -> None:
        self.receive(probe(address, source))

    @precondition(lambda self: self.last_probe)
    @rule()
    def a_probe_comes_back(self) -> None:
        self.receive(self.last_probe[:6] + RIVAL.packed + self.last_probe[12:])

    @rule(unlikely=st.integers(0, 3))
    def the_link_goes_down(self, unlikely: int) -> None:
        if unlikely == 3:
            self.down = True
            self.carry_out(self.responder.link_down(self.now))

    @rule()
    def the_link_comes_up(self) -> None:
        if self.down:
            self.start_over()
        self.down = False
        self.carry_out(self.responder.link_up(self.now))

    @rule(mac=st.sampled_from([MAC, NEW_MAC]))
    def the_mac_address_changes(self, mac: MACAddress) -> None:
        if mac != self.mac:
            self.start_over()
        self.mac = mac
        self.carry_out(self.responder.change_mac(mac, self.now))

    @rule()
    def a_bond_fails_over(self) -> None:
        self.carry_out(self.responder.notify_peers(self.now))

    @rule(policy=POLICIES, limit=LIMITS, refresh=st.sampled_from([0.0, 5.0, 60.0]))
    def the_settings_change(self, policy: ConflictPolicy, limit: float | None, refresh: float) -> None:
        self.settings = attrs.evolve(
            self.settings, conflict_policy=policy, announcements_per_second=limit, refresh_interval=refresh
        )
        if self.responder.settings.conflict_policy is not policy:
            for noted in self.notes.values():
                noted.yielded = -1e9  # may be tried again
        self.slots.clear()
        self.carry_out(self.responder.change_settings(self.settings, self.now))

    # What has to come of it

    def note(self, address: str) -> None:
        state = ClaimState.PROBING if self.settings.probe_count else ClaimState.HELD
        self.notes.setdefault(ip_address(address), Noted(state))

    def start_over(self) -> None:
        for noted in self.notes.values():
            if noted.state is not ClaimState.HELD:
                noted.state = ClaimState.PROBING
                noted.probes, noted.nonces = [], set()

    def receive(self, frame: bytes) -> None:
        outputs = self.responder.receive_frame(frame, self.now)
        expected, told = self.judge(frame)
        assert outputs[0] == expected
        if isinstance(expected, Ignored):
            self.ignored[expected.reason] += 1
        if told is None:
            assert len(outputs) == 1
            return
        events = [output for output in outputs if isinstance(output, Conflict)]
        assert all(event == told for event in events)
        assert events or told.outcome is not Outcome.YIELDED
        self.carry_out([output for output in outputs[1:] if not isinstance(output, Conflict)])

    def judge(self, frame: bytes) -> tuple[Output, Conflict | None]:
        """Give what comes of a frame first, and the event that may come of it then."""
        found = slow_reading(frame, self.mac, {address.packed for address in self.notes})
        if isinstance(found, Reason):
            return Ignored(found), None
        if self.down:
            return Ignored(Reason.LINK_DOWN), None
        address = next(address for address in self.notes if address.packed == found.key)
        noted = self.notes[address]
        if isinstance(found, Question):
            if noted.nonces & set(found.nonces):
                return Ignored(Reason.OWN_FRAME), None
            if noted.state is ClaimState.HELD:
                return SendFrame(self.answer(address, found)), None
            if noted.state is ClaimState.YIELDED:
                return Ignored(Reason.YIELDED), None
            if any(found.asker):
                return Ignored(Reason.PROBING), None
        if MACAddress(found.mac) in self.settings.friends:
            return Ignored(Reason.FRIEND), None
        return Ignored(Reason.CONFLICT), self.dispute(address, noted, Use(found.key, found.mac))

    def dispute(self, address: _Address, noted: Noted, use: Use) -> Conflict | None:
        policy, since = self.settings.conflict_policy, self.now - noted.defended
        if noted.state is ClaimState.YIELDED:
            return None
        outcome = Outcome.TOLERATED
        if policy is ConflictPolicy.IGNORE:
            outcome = Outcome.IGNORED
        elif noted.state is ClaimState.PROBING:
            outcome = Outcome.YIELDED
        elif since >= self.settings.defend_interval:
            outcome, noted.defended = Outcome.DEFENDED, self.now
        elif policy is ConflictPolicy.YIELD and since >= 0.1:
            outcome = Outcome.YIELDED
        if outcome is Outcome.YIELDED:
            noted.state, noted.yielded = ClaimState.YIELDED, self.now
        return Conflict(address=address, mac=MACAddress(use.mac), interface="eth0", outcome=outcome)

    def answer(self, address: _Address, asked: Question) -> bytes:
        asker = ip_address(asked.asker)
        if isinstance(address, IPv4Address):
            return arp(
                destination=MACAddress(asked.mac),
                source=self.mac,
                operation=Operation.REPLY,
                sender_ip=str(address),
                target_mac=MACAddress(asked.mac),
                target_ip=str(asker),
            )
        return advertisement(
            target=str(address),
            source=self.mac,
            receiver=str(asker) if any(asked.asker) else ALL_NODES,
            destination=MACAddress(asked.mac) if any(asked.asker) else None,
            solicited=any(asked.asker),
        )

    def carry_out(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Claimed):
                self.claim(output)
            else:
                assert isinstance(output, SendFrame)
                self.send(output.frame)

    def claim(self, claimed: Claimed) -> None:
        noted = self.notes[claimed.address]
        assert noted.state is ClaimState.PROBING
        assert len(noted.probes) >= max(1, self.settings.probe_count)
        assert self.now - noted.probes[-1] >= self.settings.probe_interval - 1e-6
        noted.state = ClaimState.HELD

    def send(self, frame: bytes) -> None:
        assert not self.down
        assert EthernetFrame.decode(frame).source == self.mac
        verb, text = said(frame)
        noted = self.notes[ip_address(text)]  # nothing is said about what is not owned
        if verb == "announce":
            assert noted.state is ClaimState.HELD
            if ":" in text or frame[20:22] == b"\0\1":
                self.slots.append(self.now)
            return
        assert verb == "probe"
        if noted.state is ClaimState.YIELDED:
            assert self.now - noted.yielded >= self.settings.reclaim_interval - 1e-6
            noted.state, noted.probes, noted.nonces = ClaimState.PROBING, [], set()
        assert noted.state is ClaimState.PROBING
        noted.probes.append(self.now)
        self.slots.append(self.now)
        if ":" in text:
            self.last_probe = frame
            _, message = decode_packet(frame[14:])
            noted.nonces |= {option.nonce for option in message.options if isinstance(option, Nonce)}

    @invariant()
    def the_notes_are_right(self) -> None:
        responder = self.responder
        assert responder.claims == {address: noted.state for address, noted in self.notes.items()}
        assert responder.addresses == set(self.notes)
        statistics = responder.statistics
        assert {reason: count for reason, count in statistics.ignored.items() if count} == self.ignored
        assert set(statistics.replies) == set(statistics.defences) == set(self.notes)

    @invariant()
    def the_limit_is_kept(self) -> None:
        limit = self.settings.announcements_per_second
        for first in range(len(self.slots) if limit else 0):
            sent, seconds = len(self.slots) - first, self.slots[-1] - self.slots[first]
            assert limit is None or sent <= 1 + limit * (seconds + 0.01) + 1e-6


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=200, stateful_step_count=50)
