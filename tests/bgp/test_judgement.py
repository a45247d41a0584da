"""What each fault costs, by table, and that the short cuts of a judge change nothing.

The rows of `FAULTS` go through a judge alone, through `bgp.decode` beside a route, and through `bgp.decode` without
one, where RFC 7606 5.2 turns most of them into a session reset.
"""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    Aggregator,
    ASPath,
    AttributeCode,
    Fault,
    LocalError,
    Negotiated,
    Origin,
    PathAttributes,
    PeerType,
    Treatment,
    Update,
    UpdateError,
    judgement,
)
from bgp.attributes import encode_attribute, split
from bgp.framing import MARKER
from bgp.judgement import JUDGES, Judge, Judgement
from bgp.testing import negotiated_sessions, path_attributes
from bgp.wire import uint16

EXTERNAL = Negotiated(four_octet_as=True)
INTERNAL = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
CONFEDERATION = Negotiated(four_octet_as=True, peer_type=PeerType.CONFEDERATION)
NO_SETS = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL, reject_as_sets=True)
TWO_OCTETS = Negotiated(four_octet_as=False)
TWO_OCTETS_NO_SETS = Negotiated(four_octet_as=False, reject_as_sets=True)

WITHDRAW = Treatment.TREAT_AS_WITHDRAW
DISCARD = Treatment.ATTRIBUTE_DISCARD

# Octets that hold one fault; the session; which attribute, what it costs, the subcode of RFC 4271 6.3.
FAULTS: dict[str, tuple[str, Negotiated, int, Treatment, int]] = {
    # RFC 7606 7.1 and RFC 4271 6.3.
    "ORIGIN of 2 octets": ("400102 0000", EXTERNAL, 1, WITHDRAW, 5),
    "ORIGIN of none": ("400100", EXTERNAL, 1, WITHDRAW, 5),
    "ORIGIN 3": ("400101 03", EXTERNAL, 1, WITHDRAW, 6),
    # RFC 7606 7.2.
    "AS_PATH segment of type 0": ("400206 00010000fc00", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH segment of type 5": ("400206 05010000fc00", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH overrun": ("400206 02020000fc00", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH with one octet left": ("400207 02010000fc0002", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH segment of no AS": ("400202 0200", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH with a second segment of no AS": ("400208 02010000fc00 0200", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH of four-octet numbers where two were agreed": (
        "400206 02010000fc00",
        TWO_OCTETS,
        2,
        WITHDRAW,
        11,
    ),
    "AS_PATH of two-octet numbers where four were agreed": ("400204 0201fc00", EXTERNAL, 2, WITHDRAW, 11),
    # RFC 7607 2.
    "AS_PATH with AS 0": ("400206 020100000000", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH with AS 0 of two octets": ("400206 0202fc000000", TWO_OCTETS, 2, WITHDRAW, 11),
    # RFC 5065 5.
    "AS_CONFED_SEQUENCE from outside": ("40020c 03010000fc00 02010000fc01", EXTERNAL, 2, WITHDRAW, 11),
    "AS_PATH of a member that it does not begin with": (
        "400206 02010000fc00",
        CONFEDERATION,
        2,
        WITHDRAW,
        11,
    ),
    "AS_PATH of a member that begins with a set": ("400206 04010000fc00", CONFEDERATION, 2, WITHDRAW, 11),
    "AS_PATH of a member that is empty": ("400200", CONFEDERATION, 2, WITHDRAW, 11),
    "AS_CONFED_SET from outside": ("400206 04010000fc00", EXTERNAL, 2, WITHDRAW, 11),
    "AS_CONFED_SET of two octets from outside": ("400204 0401fc00", TWO_OCTETS, 2, WITHDRAW, 11),
    # RFC 9774 3.
    "AS_SET": ("40020c 02010000fc01 01010000fc00", NO_SETS, 2, WITHDRAW, 11),
    "AS_CONFED_SET": ("400206 04010000fc00", NO_SETS, 2, WITHDRAW, 11),
    "AS_SET of two octets": ("400204 0101fc00", TWO_OCTETS_NO_SETS, 2, WITHDRAW, 11),
    # RFC 7606 7.3 to 7.8.
    "NEXT_HOP of 5 octets": ("400305 c000020100", EXTERNAL, 3, WITHDRAW, 5),
    "NEXT_HOP of none": ("400300", EXTERNAL, 3, WITHDRAW, 5),
    "MULTI_EXIT_DISC of 3 octets": ("800403 000005", EXTERNAL, 4, WITHDRAW, 5),
    "MULTI_EXIT_DISC of 5 octets": ("800405 0000000005", EXTERNAL, 4, WITHDRAW, 5),
    "LOCAL_PREF from outside": ("400504 00000064", EXTERNAL, 5, DISCARD, 0),
    "LOCAL_PREF of 3 octets from outside": ("400503 000064", EXTERNAL, 5, DISCARD, 0),
    "LOCAL_PREF with other flags from outside": ("c00504 00000064", EXTERNAL, 5, DISCARD, 0),
    "LOCAL_PREF of 3 octets": ("400503 000064", INTERNAL, 5, WITHDRAW, 5),
    "LOCAL_PREF of 5 octets in a confederation": ("400505 0000000064", CONFEDERATION, 5, WITHDRAW, 5),
    "ATOMIC_AGGREGATE of 1 octet": ("400601 00", EXTERNAL, 6, DISCARD, 5),
    "AGGREGATOR of 6 octets where 8 were agreed": ("c00706 fc00c0000201", EXTERNAL, 7, DISCARD, 5),
    "AGGREGATOR of 9 octets": ("c00709 0000fc00c000020100", EXTERNAL, 7, DISCARD, 5),
    "AGGREGATOR of none": ("c00700", EXTERNAL, 7, DISCARD, 5),
    "AGGREGATOR of 8 octets where 6 were agreed": ("c00708 00011170c0000201", TWO_OCTETS, 7, DISCARD, 5),
    "AGGREGATOR of 1 octet where 6 were agreed": ("c00701 fc", TWO_OCTETS, 7, DISCARD, 5),
    "COMMUNITIES of none": ("c00800", EXTERNAL, 8, WITHDRAW, 5),
    "COMMUNITIES of 6 octets": ("c00806 fc000000fc00", EXTERNAL, 8, WITHDRAW, 5),
    # RFC 7607 2.
    "AGGREGATOR of AS 0": ("c00708 00000000c0000201", EXTERNAL, 7, DISCARD, 9),
    "AGGREGATOR of AS 0 of two octets": ("c00706 0000c0000201", TWO_OCTETS, 7, DISCARD, 9),
    # RFC 7606 7.9 and 7.10, RFC 4456 8.
    "ORIGINATOR_ID from outside": ("800904 c0000201", EXTERNAL, 9, DISCARD, 0),
    "ORIGINATOR_ID of 5 octets": ("800905 c000020100", INTERNAL, 9, WITHDRAW, 5),
    "ORIGINATOR_ID of 3 octets in a confederation": ("800903 c00002", CONFEDERATION, 9, WITHDRAW, 5),
    "CLUSTER_LIST from outside": ("800a04 c0000201", EXTERNAL, 10, DISCARD, 0),
    "CLUSTER_LIST of none": ("800a00", INTERNAL, 10, WITHDRAW, 5),
    "CLUSTER_LIST of 6 octets": ("800a06 c0000201c000", INTERNAL, 10, WITHDRAW, 5),
    # RFC 7606 7.14 and 7.15.
    "EXTENDED_COMMUNITIES of none": ("c01000", EXTERNAL, 16, WITHDRAW, 5),
    "EXTENDED_COMMUNITIES of 9 octets": ("c01009 0002fc000000000700", EXTERNAL, 16, WITHDRAW, 5),
    "IPV6_EXTENDED_COMMUNITIES of none": ("c01900", EXTERNAL, 25, WITHDRAW, 5),
    "IPV6_EXTENDED_COMMUNITIES of 19 octets": ("c01913" + "00" * 19, EXTERNAL, 25, WITHDRAW, 5),
    # RFC 7311 3.2.
    "AIGP of none": ("801a00", EXTERNAL, 26, DISCARD, 9),
    "AIGP of 10 octets": ("801a0a 01000a00000000000000", EXTERNAL, 26, DISCARD, 9),
    "AIGP cut short": ("801a0a 01000b00000000000000", EXTERNAL, 26, DISCARD, 5),
    "AIGP that claims to be transitive": ("c01a0b 01000b0000000000000007", EXTERNAL, 26, DISCARD, 4),
    # RFC 8092 6.
    "LARGE_COMMUNITIES of none": ("c02000", EXTERNAL, 32, WITHDRAW, 5),
    "LARGE_COMMUNITIES of 16 octets": ("c02010" + "00" * 16, EXTERNAL, 32, WITHDRAW, 5),
    # RFC 9234 5.
    "ONLY_TO_CUSTOMER of 3 octets": ("c02303 00fc00", EXTERNAL, 35, WITHDRAW, 5),
    "ONLY_TO_CUSTOMER of 5 octets": ("c02305 0000fc0000", EXTERNAL, 35, WITHDRAW, 5),
    # RFC 7606 3 (c).
    "ORIGIN that claims to be optional": ("c00101 00", EXTERNAL, 1, WITHDRAW, 4),
    "AS_PATH that does not claim to be transitive": ("000206 02010000fc00", EXTERNAL, 2, WITHDRAW, 4),
    "MULTI_EXIT_DISC that claims to be well-known": ("400404 00000005", EXTERNAL, 4, WITHDRAW, 4),
    "MULTI_EXIT_DISC that claims to be transitive": ("c00404 00000005", EXTERNAL, 4, WITHDRAW, 4),
    "LOCAL_PREF that claims to be optional": ("c00504 00000064", INTERNAL, 5, WITHDRAW, 4),
    "ATOMIC_AGGREGATE that claims to be optional": ("c00600", EXTERNAL, 6, WITHDRAW, 4),
    "COMMUNITIES that do not claim to be transitive": ("800804 fc000064", EXTERNAL, 8, WITHDRAW, 4),
    "LARGE_COMMUNITIES that claim to be well-known": ("40200c" + "00" * 12, EXTERNAL, 32, WITHDRAW, 4),
    # RFC 6793 4.1.
    "AS4_PATH between speakers of four octets": ("c01106 020100011170", EXTERNAL, 17, DISCARD, 0),
    "AS4_AGGREGATOR between speakers of four octets": ("c01208 00011170c0000201", EXTERNAL, 18, DISCARD, 0),
    # RFC 6793 6.
    "AS4_PATH of none": ("c01100", TWO_OCTETS, 17, DISCARD, 9),
    "AS4_PATH segment of type 5": ("c01106 050100011170", TWO_OCTETS, 17, DISCARD, 9),
    "AS4_PATH overrun": ("c01106 020200011170", TWO_OCTETS, 17, DISCARD, 9),
    "AS4_PATH segment of no AS": ("c01102 0200", TWO_OCTETS, 17, DISCARD, 9),
    "AS4_PATH with AS 0": ("c01106 020100000000", TWO_OCTETS, 17, DISCARD, 9),
    "AS4_PATH that does not claim to be transitive": ("801106 020100011170", TWO_OCTETS, 17, DISCARD, 4),
    "AS4_AGGREGATOR of 6 octets": ("c01206 1170c0000201", TWO_OCTETS, 18, DISCARD, 9),
    "AS4_AGGREGATOR of AS 0": ("c01208 00000000c0000201", TWO_OCTETS, 18, DISCARD, 9),
    "AS4_AGGREGATOR that claims to be well-known": ("401208 00011170c0000201", TWO_OCTETS, 18, DISCARD, 4),
    # RFC 9774 3 names AS4_PATH too.
    "AS_SET in AS4_PATH": ("c01106 010100011170", TWO_OCTETS_NO_SETS, 17, WITHDRAW, 11),
    "AS_CONFED_SET in AS4_PATH": ("c0110c 02010001117104010001 1170", TWO_OCTETS_NO_SETS, 17, WITHDRAW, 11),
}

# Faults that are not in the value of one attribute: the data of the fault, as well.
OTHERS: dict[str, tuple[str, Negotiated, int, Treatment, int, str]] = {
    # RFC 7606 3 (g).
    "ORIGIN twice": ("400101 00 400101 01", EXTERNAL, 1, DISCARD, 0, "400101 01"),
    "an unknown attribute twice": ("c06301 00 c06300", EXTERNAL, 99, DISCARD, 0, "c06300"),
    "ORIGIN twice, the second time malformed": ("400101 00 c00102 0101", EXTERNAL, 1, DISCARD, 0, "c00102 0101"),
    # RFC 7606 4.
    "an attribute that runs over": ("400102 00", EXTERNAL, 0, WITHDRAW, 1, ""),
    "one octet left": ("40", EXTERNAL, 0, WITHDRAW, 1, ""),
    "no room for a length": ("4001", EXTERNAL, 0, WITHDRAW, 1, ""),
    "no room for a long length": ("500100", EXTERNAL, 0, WITHDRAW, 1, ""),
    "an MP_REACH_NLRI that runs over": ("800e0a 0002", EXTERNAL, 0, WITHDRAW, 1, ""),
}  # fmt: skip

CASES = pytest.mark.parametrize(
    ("block", "negotiated", "code", "treatment", "subcode", "data"),
    [(*row, row[0]) for row in FAULTS.values()] + list(OTHERS.values()),
    ids=[*FAULTS, *OTHERS],
)


def faultless(negotiated: Negotiated, without: int = 0) -> bytes:
    """The attributes of a route in such a session, but for one."""
    path = "02010000fc00" if negotiated.four_octet_as else "0201fc00"
    if negotiated.peer_type is PeerType.CONFEDERATION:
        path = "03" + path[2:]
    values = {1: "00", 2: path, 3: "c0000201"}
    if negotiated.peer_type is PeerType.INTERNAL:
        values[5] = "00000064"
    return b"".join(
        encode_attribute(0x40, code, bytes.fromhex(value))
        for code, value in values.items()
        if code != without
    )


def update(block: bytes, nlri: str = "18c00002") -> bytes:
    body = b"\0\0" + uint16(len(block)) + block + bytes.fromhex(nlri)
    return MARKER + uint16(19 + len(body)) + b"\x02" + body


def decode(block: bytes, negotiated: Negotiated, nlri: str = "18c00002") -> Update:
    message = bgp.decode(update(block, nlri), negotiated)
    assert isinstance(message, Update)
    return message


def judge(block: str, negotiated: Negotiated) -> Judgement:
    return Judge(negotiated).judge(bytes.fromhex(block))


@CASES
def test_a_fault_has_its_price(
    block: str, negotiated: Negotiated, code: int, treatment: Treatment, subcode: int, data: str
) -> None:
    judged = judge(block, negotiated)
    (fault,) = judged.faults
    assert fault == Fault(code, treatment, fault.reason, subcode, bytes.fromhex(data))
    assert fault.reason
    assert AttributeCode.has(code) == isinstance(fault.code, AttributeCode)
    if fault.subcode or code == 5:
        # What is malformed is gone; of two, the first is not.
        assert code not in judged.attributes.raw


@CASES
def test_a_fault_beside_a_route(
    block: str, negotiated: Negotiated, code: int, treatment: Treatment, subcode: int, data: str
) -> None:
    octets = bytes.fromhex(block)
    # What cannot be cut ends the list; other attributes come last, so that they are judged after a fault, too.
    others = faultless(negotiated, without=octets[1] if len(octets) > 1 and code else 0)
    message = decode(octets + others if code else others + octets, negotiated)
    (fault,) = message.faults
    assert (fault.code, fault.treatment, fault.subcode) == (code, treatment, subcode)
    assert fault.data == bytes.fromhex(data)
    assert message.treatment is treatment
    assert list(map(str, message.announced)) == ["192.0.2.0/24"]


@CASES
def test_a_fault_without_a_route(
    block: str, negotiated: Negotiated, code: int, treatment: Treatment, subcode: int, data: str
) -> None:
    # RFC 7606 5.2: a route to be withdrawn has to be known.
    octets = bytes.fromhex(block)
    if treatment is DISCARD:
        assert decode(octets, negotiated, nlri="").treatment is DISCARD
        return
    with pytest.raises(UpdateError) as caught:
        decode(octets, negotiated, nlri="")
    assert (caught.value.subcode, caught.value.data) == (subcode, bytes.fromhex(data))


@pytest.mark.parametrize("negotiated", [EXTERNAL, INTERNAL, CONFEDERATION, TWO_OCTETS])
def test_what_every_route_has_to_have(negotiated: Negotiated) -> None:
    # RFC 7606 3 (d); RFC 4271 5.1.5 for LOCAL_PREF.
    mandatory = {1, 2, 3} | ({5} if negotiated.peer_type is PeerType.INTERNAL else set())
    assert Judge(negotiated).judge(faultless(negotiated)).lacks == 0
    assert Judge(negotiated).judge(b"").lacks == sum(1 << code for code in mandatory)
    for code in mandatory:
        block = faultless(negotiated, without=code)
        assert Judge(negotiated).judge(block) == Judge(negotiated).examine(block)
        assert Judge(negotiated).judge(block).lacks == 1 << code


def test_an_attribute_that_is_malformed_is_not_missing() -> None:
    assert not judge("400101 03", EXTERNAL).lacks & 1 << AttributeCode.ORIGIN


@pytest.mark.parametrize("block", ["400101 00 406302 abcd", "006300", "401600", "50630001 00"])
def test_an_unknown_well_known_attribute_resets_the_session(block: str) -> None:
    with pytest.raises(UpdateError, match="it claims to be well-known, and is not") as caught:
        judge(block, EXTERNAL)
    # RFC 4271 6.3: the data is the attribute.
    last = list(split(bytes.fromhex(block)))[-1]
    assert caught.value.subcode == 2
    assert caught.value.data == encode_attribute(*last)


def test_all_faults_are_told() -> None:
    judged = judge("400101 03 400601 00 400504 00000064 40", EXTERNAL)
    assert [fault.code for fault in judged.faults] == [1, 6, 5, 0]
    assert judged.attributes == PathAttributes()


def test_faults_say_which_attribute_and_why() -> None:
    reasons = {
        "400101 03": "ORIGIN: origin 3, must be 0 to 2",
        "c06300 c06300": "attribute 99: it occurs more than once",
        "800101 00": "ORIGIN: flags AttributeFlag.OPTIONAL, must be AttributeFlag.TRANSITIVE",
        "400206 04010000fc00": "AS_PATH: AS_CONFED_SET is not welcome from this peer",
        "400504 00000064": "LOCAL_PREF: it comes from an external peer",
        "40": "the list of attributes is cut short: 2 octets are missing before a value",
    }
    assert {block: judge(block, EXTERNAL).faults[0].reason for block in reasons} == reasons


# What is not a fault.


@pytest.mark.parametrize(
    ("block", "negotiated", "expected"),
    [
        # RFC 4271 4.3: the low bits of the flags mean nothing, a length may be longer than needed, any order.
        ("4f0101 00", EXTERNAL, PathAttributes(origin=0)),
        ("50010001 00", EXTERNAL, PathAttributes(origin=0)),
        ("800404 00000005 400101 02", EXTERNAL, PathAttributes(origin=2, med=5)),
        # RFC 7606 4: these two may be empty.
        ("400200 400600", EXTERNAL, PathAttributes(as_path=[], atomic_aggregate=True)),
        # The partial bit, where it may be and where RFC 4271 5 asks senders not to set it.
        ("e00804 00000001", EXTERNAL, PathAttributes(communities=[1], partial=[8])),
        ("600101 00", EXTERNAL, PathAttributes(origin=0, partial=[1])),
        # What is allowed inside.
        ("400504 00000064", INTERNAL, PathAttributes(local_pref=100)),
        ("400504 00000064", CONFEDERATION, PathAttributes(local_pref=100)),
        ("800904 c0000201", INTERNAL, PathAttributes(originator_id="192.0.2.1")),
        ("800a04 c0000201", CONFEDERATION, PathAttributes(cluster_list=["192.0.2.1"])),
        ("400206 03010000fc00", CONFEDERATION, PathAttributes(as_path="(64512)")),
        ("40020c 03010000fc00 04010000fc01", INTERNAL, PathAttributes(as_path="(64512) [64513]")),
        ("400206 03010000fc00", NO_SETS, PathAttributes(as_path="(64512)")),
        ("400206 01010000fc00", EXTERNAL, PathAttributes(as_path="{64512}")),
        # Octets of AS 0 across two numbers.
        ("40020a 0202 00010000 0000fc00", EXTERNAL, PathAttributes(as_path=[65536, 64512])),
        # RFC 6793 3: an OLD speaker's numbers.
        ("400204 0201fc00", TWO_OCTETS, PathAttributes(as_path=[64512])),
        ("c00706 fc00c0000201", TWO_OCTETS, PathAttributes(aggregator=Aggregator(64512, "192.0.2.1"))),
        ("c01106 020100011170", TWO_OCTETS, PathAttributes()),
        ("c01106 020100011170", TWO_OCTETS_NO_SETS, PathAttributes()),
    ],
)  # fmt: skip
def test_no_fault(block: str, negotiated: Negotiated, expected: PathAttributes) -> None:
    judged = judge(block, negotiated)
    assert (judged.attributes, judged.faults) == (expected, ())


# RFC 6793 4.2.3.


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            "400206 0202 fc00 5ba0 c01106 0201 00011170",
            PathAttributes(as_path=[64512, 70000]),
        ),
        # The AS4_PATH is longer, so it is ignored.
        ("400204 0201 5ba0 c0110a 0202 00011170 00011171", PathAttributes(as_path=[23456])),
        # A confederation's segments in it are.
        ("400204 0201 5ba0 c0110c 0201 00011170 0301 0000fc00", PathAttributes(as_path=[70000])),
        (
            "c00706 5ba0 c0000201 c01208 00011170 c0000202",
            PathAttributes(aggregator=Aggregator(70000, "192.0.2.2")),
        ),
        # An OLD speaker has aggregated since: neither counts.
        (
            "400204 0201 5ba0 c00706 fc00 c0000201 c01106 0201 00011170 c01208 00011170 c0000202",
            PathAttributes(as_path=[23456], aggregator=Aggregator(64512, "192.0.2.1")),
        ),
        # Without AS_PATH or AGGREGATOR there is nothing to correct.
        ("c01106 0201 00011170 c01208 00011170 c0000202", PathAttributes()),
        # AS4_PATH may come first.
        ("c01106 0201 00011170 400204 0201 5ba0", PathAttributes(as_path=[70000])),
        # A malformed AGGREGATOR is as good as none.
        (
            "400204 0201 5ba0 c00701 00 c01106 0201 00011170 c01208 00011170 c0000202",
            PathAttributes(as_path=[70000]),
        ),
    ],
)
def test_four_octet_numbers_past_an_old_speaker(block: str, expected: PathAttributes) -> None:
    assert judge(block, TWO_OCTETS).attributes == expected


def test_a_path_that_is_too_long_with_wide_numbers() -> None:
    # Only extended messages have room for one.
    segment = b"\x02\xff" + b"\xfc\x00" * 255
    fits, too_long = (encode_attribute(0x40, 2, segment * count) for count in (64, 65))
    assert len(Judge(TWO_OCTETS).judge(fits).attributes.wire) == 4 + 64 * (2 + 4 * 255)
    (fault,) = Judge(TWO_OCTETS).judge(too_long).faults
    assert (fault.code, fault.treatment, fault.subcode) == (2, WITHDRAW, 11)
    assert fault.reason == "AS_PATH: 66430 octets with AS numbers of four octets, at most 65535 fit"


def test_a_merged_path_that_is_too_long() -> None:
    path = encode_attribute(0x40, 2, (b"\x02\xff" + b"\x5b\xa0" * 255) * 64)
    sets = encode_attribute(0xC0, 17, (b"\x01\xff" + b"\x00\x01\x11\x70" * 255) * 30)
    judged = Judge(TWO_OCTETS).judge(path + sets)
    assert [(fault.code, fault.treatment) for fault in judged.faults] == [(2, WITHDRAW)]
    assert judged.attributes == PathAttributes()
    with pytest.raises(LocalError):
        PathAttributes(as_path=[1] * 16384)


# The short cuts.

KINDS = list(JUDGES)


def test_there_is_a_judge_for_every_kind_of_session() -> None:
    assert len(JUDGES) == 12
    for wide in (False, True):
        for peer_type in PeerType:
            for reject in (False, True):
                kind = Negotiated(four_octet_as=wide, peer_type=peer_type, reject_as_sets=reject)
                assert JUDGES[kind.context].judge(faultless(kind)) == Judge(kind).examine(faultless(kind))


def altered(block: bytes, data: st.DataObject) -> bytes:
    """A block that may have been damaged: attributes in another order, other octets, a cut."""
    attributes = list(split(block))
    way = data.draw(st.sampled_from(["intact", "shuffled", "octet", "cut", "long", "repeated"]))
    if way in ("shuffled", "repeated"):
        attributes = data.draw(st.permutations(attributes + attributes[:1] * (way == "repeated")))
    block = b"".join(encode_attribute(*attribute) for attribute in attributes)
    if way == "long":
        # Each with a length of two octets.
        return b"".join(
            bytes([flags | 0x10, code]) + uint16(len(value)) + value for flags, code, value in attributes
        )
    if way == "octet" and block:
        place = data.draw(st.integers(0, len(block) - 1))
        return block[:place] + bytes([data.draw(st.integers(0, 255))]) + block[place + 1 :]
    return block[: data.draw(st.integers(0, len(block)))] if way == "cut" else block


def outcome(judge: Judge, block: bytes) -> Judgement | tuple[str, int, bytes]:
    try:
        return judge.judge(block)
    except UpdateError as error:
        return str(error), error.subcode, error.data


@given(st.data(), negotiated_sessions())
def test_what_is_recognised_is_judged_the_same_when_examined(
    data: st.DataObject, negotiated: Negotiated
) -> None:
    block = altered(data.draw(path_attributes(negotiated)).wire, data)
    # Whatever is fine in one kind of session has to be weighed anew in others.
    for judge in JUDGES.values():
        recognised = judge.recognise(block)
        if recognised is not None:
            assert recognised == judge.examine(block)
            assert recognised.faults == ()
        accepted = judge.accept(block)
        if accepted is not None:
            assert judge.accept(block) is accepted
            assert judge.examine(block) == (accepted, 0, (), False)


def test_the_most_usual_block_is_accepted_and_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "MEMO_BLOCKS", 2)
    block, judge = faultless(EXTERNAL), Judge(EXTERNAL)
    accepted = judge.accept(block)
    assert accepted == PathAttributes.from_wire(block)
    assert judge.accept(bytes(bytearray(block))) is accepted
    assert judge.accept(b"") is None
    for number in range(5):
        judge.accept(PathAttributes.from_wire(block).evolve(med=number).wire)
    assert len(judge._accepted) <= 2
    monkeypatch.setattr(judgement, "MEMO_OCTETS", len(block) - 1)
    judge = Judge(EXTERNAL)
    assert judge.accept(block) == accepted
    assert judge._accepted == {}


@given(st.data(), st.sampled_from([EXTERNAL, INTERNAL]))
def test_the_usual_block_is_recognised(data: st.DataObject, negotiated: Negotiated) -> None:
    attributes = data.draw(path_attributes(negotiated))
    attributes = attributes.evolve(as_path=[64512, 70000], unknown=[], partial=[])
    if all(len(raw.value) <= 0xFF for raw in attributes.raw.values()):
        judged = Judge(negotiated).recognise(attributes.wire)
        assert judged is not None
        assert judged.attributes == attributes


def test_a_path_with_a_length_of_two_octets_is_recognised() -> None:
    usual = faultless(EXTERNAL)
    path = bytes.fromhex("400206 02010000fc00")
    judged = Judge(EXTERNAL).recognise(usual.replace(path, b"\x50\x02\x00" + path[2:]))
    assert judged is not None
    assert judged.attributes.wire == usual


@pytest.mark.parametrize(
    "block",
    [
        "400101 00 400206 020100000000 400304 c0000201",  # AS 0
        "400101 00 40020a 0202 00010000 0000fc00 400304 c0000201",  # what looks like it
        "400101 00 400206 03010000fc00 400304 c0000201",
        "400101 03 400200 400304 c0000201",
        "400101 00 400304 c0000201 400200",
        "400101 00 400200 400304 c0000201 00",
        "400200 400304 c0000201",
        "",
    ],
)
def test_other_blocks_are_examined(block: str) -> None:
    assert Judge(EXTERNAL).recognise(bytes.fromhex(block)) is None


def test_two_octet_numbers_are_always_examined() -> None:
    assert Judge(TWO_OCTETS).recognise(faultless(TWO_OCTETS)) is None


@given(st.data(), negotiated_sessions())
def test_a_memory_changes_nothing(data: st.DataObject, negotiated: Negotiated) -> None:
    block = altered(data.draw(path_attributes(negotiated)).wire, data)
    remembered = {context: outcome(judge, block) for context, judge in JUDGES.items()}
    for wide in (False, True):
        for peer_type in PeerType:
            for reject in (False, True):
                kind = Negotiated(four_octet_as=wide, peer_type=peer_type, reject_as_sets=reject)
                # In whichever order sessions ask, a judge without a past says the same.
                assert remembered[kind.context] == outcome(Judge(kind), block)
                assert outcome(JUDGES[kind.context], block) == remembered[kind.context]


def test_the_same_octets_mean_different_things() -> None:
    block = bytes.fromhex("400101 00 400208 0101 0001 0101 0003 400304 c0000201 400504 00000064")
    two, four = TWO_OCTETS, EXTERNAL
    assert JUDGES[two.context].judge(block).attributes.as_path == ASPath("{1} {3}")
    assert [fault.code for fault in JUDGES[four.context].judge(block).faults] == [2, 5]
    inside = attrs.evolve(two, peer_type=PeerType.INTERNAL)
    assert JUDGES[inside.context].judge(block).attributes.local_pref == 100
    assert [fault.code for fault in JUDGES[two.context].judge(block).faults] == [5]
    without_sets = attrs.evolve(inside, reject_as_sets=True)
    assert [fault.code for fault in JUDGES[without_sets.context].judge(block).faults] == [2]


def test_equal_blocks_share_their_attributes() -> None:
    judge = Judge(EXTERNAL)
    block = faultless(EXTERNAL)
    assert judge.judge(block) is judge.judge(bytes(bytearray(block)))
    assert judge.judge(block).attributes.origin is Origin.IGP


def test_long_blocks_are_not_remembered() -> None:
    judge = Judge(EXTERNAL)
    short, long = (encode_attribute(0xC0, 99, bytes(size)) for size in (1020, 1021))
    assert judge.judge(short) is judge.judge(short)
    assert judge.judge(long) is not judge.judge(long)
    assert judge.judge(long) == judge.judge(long)


def test_only_some_blocks_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "MEMO_BLOCKS", 2)
    judge = Judge(EXTERNAL)
    first, second, third = (encode_attribute(0xC0, 99, bytes(size)) for size in range(3))
    kept = judge.judge(first)
    assert judge.judge(second) is judge.judge(second)
    assert judge.judge(first) is kept
    judge.judge(third)
    assert judge.judge(first) is not kept


@pytest.mark.parametrize("block", ["800e00", "800f03 000101", "400101 00 800f00"])
def test_blocks_with_routes_are_not_remembered(block: str) -> None:
    judge = Judge(EXTERNAL)
    judged = judge.judge(bytes.fromhex(block))
    assert judged.has_routes
    assert judge.judge(bytes.fromhex(block)) is not judged
    assert not judge.judge(faultless(EXTERNAL)).has_routes


def test_as_0_and_repeats_are_not_recognised() -> None:
    # The expression cannot see them.
    judge = Judge(EXTERNAL)
    block = faultless(EXTERNAL)
    assert judge.recognise(block) is not None
    assert judge.recognise(block.replace(bytes.fromhex("0000fc00"), bytes(4))) is None
    assert judge.recognise(block + bytes.fromhex("c02018") + bytes(24)) is None
