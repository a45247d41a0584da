"""BGP communities as MetalLB's users write them: `65535:10`, `large:64512:1:2`."""

import re

from bgp import ExtendedCommunity, LocalError

_COMMUNITY = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_LARGE = re.compile(r"large:([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})")

COMMUNITY_RULE = "a:b with both from 0 to 65535, or large:a:b:c with all from 0 to 4294967295"
"""What a community must be."""


def parse_community(text: str) -> str | None:
    """Return a community in the form that it is compared and sorted in; None if it is none."""
    for pattern, highest, prefix in ((_COMMUNITY, 0xFFFF, ""), (_LARGE, 0xFFFFFFFF, "large:")):
        match = pattern.fullmatch(text)
        parts = [int(part) for part in match.groups()] if match else []
        if parts and max(parts) <= highest:
            return prefix + ":".join(map(str, parts))
    return None


def parse_extended_community(text: str) -> str | None:
    """Return an extended community in its usual form, such as `rt:64512:7`; None if it is none."""
    try:
        return str(ExtendedCommunity(text))
    except LocalError:
        return None
