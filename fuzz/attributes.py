# Octets are attributes with faults, or an `UpdateError`. The short cuts of the judge agree with its rule, each value
# of what it keeps can be read, and what it keeps is without fault for a peer with AS numbers of four octets.
"""Fuzz path attributes: an octet for the kind of session, then the attributes."""

import attrs

from bgp import UpdateError
from bgp.attributetable import ROWS
from bgp.judgement import JUDGES
from fuzz.contexts import check_value, session_of


def check(data: bytes) -> None:
    """Check one input."""
    session, block = session_of(data[0] if data else 0), data[1:]
    judge = JUDGES[session.context]
    try:
        judgement = judge.examine(block)
    except UpdateError:
        assert judge.recognise(block) is None
        return
    assert judge.recognise(block) in (None, judgement)
    assert judge.judge(block) == judge.judge(block) == judgement
    if judgement.has_routes:
        return  # `decode_update` takes them out and asks again
    attributes = judgement.attributes
    for row in ROWS:
        hash(getattr(attributes, row.field))
    check_value(attributes)
    for fault in judgement.faults:
        check_value(fault)
    wide = JUDGES[attrs.evolve(session, four_octet_as=True).context]
    again = wide.examine(attributes.wire)
    assert again.attributes == attributes
    assert not again.faults
    assert not attributes or attributes.passed_on().passed_on() == attributes.passed_on()
