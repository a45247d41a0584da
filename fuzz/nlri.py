# Octets are destinations of a family or an `UpdateError`, and the same to the expression that cuts them as to the
# walk that is the rule. Destinations encode to as many octets, which are the same destinations.
"""Fuzz lists of destinations: an octet for family and path identifiers, then the list."""

from bgp import NLRI, UpdateError
from bgp.nlri import _KINDS, _walk
from fuzz.contexts import FAMILIES, check_value


def check(data: bytes) -> None:
    """Check one input."""
    octet = data[0] if data else 0
    family, add_path, field = FAMILIES[octet % len(FAMILIES)], bool(octet & 8), data[1:]
    try:
        nlri = NLRI.decode(field, family, add_path)
    except UpdateError:
        nlri = None
    try:
        walked = tuple(_walk(field, family, _KINDS[family].check, add_path))
    except UpdateError:
        walked = None
    assert walked == (None if nlri is None else nlri.wire)
    if nlri is None:
        return
    assert len(nlri.encode()) == len(field)
    assert NLRI.decode(nlri.encode(), family, add_path) == nlri
    assert check_value(nlri) == nlri
    for item in nlri:
        assert item.family == family
        assert check_value(item) == item
