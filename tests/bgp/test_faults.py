from bgp import IPV6_UNICAST, AttributeCode, Fault, Treatment, UpdateError
from tests.bgp.pasting import pasted


def test_treatments_go_from_weak_to_strong() -> None:
    # RFC 7606 2; the strongest counts (3 h).
    assert list(Treatment) == sorted(Treatment)
    assert [repr(treatment) for treatment in Treatment] == [
        "Treatment.NONE",
        "Treatment.ATTRIBUTE_DISCARD",
        "Treatment.TREAT_AS_WITHDRAW",
        "Treatment.AFI_SAFI_DISABLE",
    ]


def test_becomes_the_error_that_it_once_was() -> None:
    fault = Fault(AttributeCode.ORIGIN, Treatment.TREAT_AS_WITHDRAW, "ORIGIN: no", 6, b"\x40\x01\x01\x03")
    error = fault.as_error()
    assert isinstance(error, UpdateError)
    assert (str(error), error.code, error.subcode, error.data) == ("ORIGIN: no", 3, 6, b"\x40\x01\x01\x03")
    plain = Fault(0, Treatment.TREAT_AS_WITHDRAW, "no").as_error()
    assert (plain.subcode, plain.data) == (0, b"")


def test_repr_can_be_pasted_back() -> None:
    faults = [
        Fault(AttributeCode.ORIGIN, Treatment.TREAT_AS_WITHDRAW, "ORIGIN: no", 6, b"\x40\x01\x01\x03"),
        Fault(AttributeCode.MP_REACH_NLRI, Treatment.AFI_SAFI_DISABLE, "no", 9, family=IPV6_UNICAST),
    ]
    for fault in faults:
        assert pasted(fault) == fault
        assert hash(fault) == hash(pasted(fault))
