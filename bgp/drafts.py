"""Objects of frozen classes, made in bulk.

To set a field of a frozen object takes a call each, and a router that receives a table would spend a fifth of its time
on that. Where objects are made for every UPDATE, and their fields are known to be legal, a draft is filled in: an
object with the same slots, of a class that freezes nothing. It becomes the real thing by being given its class:

    _Draft = draft_of(Candidate)
    candidate = _Draft()
    candidate.source = source
    ...                                 # all other fields
    candidate.__class__ = Candidate

Whatever else makes such objects uses their constructors.
"""

from typing import Any


def draft_of(cls: type) -> Any:
    """Make the class of drafts for a class that has slots, none of them for weak references, and no base that has."""
    return type(f"{cls.__name__}Draft", (), {"__slots__": cls.__slots__})  # type: ignore[attr-defined]
