"""What is wrong with an UPDATE that is not thrown away as a whole (RFC 7606).

Most faults are survived: they cost an attribute, or the routes, or a family, seldom the session. So they are values.
"""

import enum

import attrs

from bgp.errors import UpdateError
from bgp.iana import UpdateSubcode
from bgp.prefix import Family


class Treatment(enum.IntEnum):
    """What a fault in an UPDATE costs, from weak to strong (RFC 7606 2); a session reset is an `UpdateError`."""

    NONE = 0
    """Nothing is wrong."""

    ATTRIBUTE_DISCARD = 1
    """The attribute is ignored, the routes count."""

    TREAT_AS_WITHDRAW = 2
    """The routes are handled as if they had been withdrawn."""

    AFI_SAFI_DISABLE = 3
    """All routes of the family are dropped, and those that come later on this session too."""

    def __repr__(self) -> str:
        return f"Treatment.{self.name}"


@attrs.frozen
class Fault:
    """Something wrong with one attribute of a received UPDATE."""

    code: int
    """Which attribute; an `AttributeCode` where we know it, 0 where the fault is not in one."""

    treatment: Treatment
    """What it costs."""

    reason: str
    """What is wrong, for a person."""

    subcode: int = UpdateSubcode.UNSPECIFIC
    """The `UpdateSubcode` of RFC 4271 6.3, from before RFC 7606 made it survivable."""

    data: bytes = b""
    """The attribute with its flags, code and length, as the NOTIFICATION would have to show it."""

    family: Family | None = None
    """The family to disable; None for other treatments."""

    def as_error(self) -> UpdateError:
        """The error to raise where the session has to be reset all the same."""
        return UpdateError(self.reason, self.subcode, self.data)
