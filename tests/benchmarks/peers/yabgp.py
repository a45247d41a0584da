"""yabgp, as its protocol class calls it: values are text in a dict by attribute number."""

# mypy: disable-error-code="import-not-found"

import logging
from collections.abc import Hashable, Iterable
from typing import Any

from yabgp.message.update import Update

from tests.benchmarks import measure

_REACH, _UNREACH = 14, 15


def decode(message: bytes) -> Any:
    """Decode without the header; errors are swallowed into a field."""
    update = Update.parse(None, message[19:], asn4=True)
    if update["sub_error"] is not None:
        raise ValueError(update["sub_error"])
    return update


def encode(update: Any) -> bytes:
    """Encode."""
    message: bytes = Update.construct(update, asn4=True)
    return message


def prefixes(update: Any) -> int:
    """Count them."""
    attributes = update["attr"]
    reach = attributes[_REACH]["nlri"] if _REACH in attributes else []
    unreach = attributes[_UNREACH]["withdraw"] if _UNREACH in attributes else []
    return len(update["nlri"]) + len(update["withdraw"]) + len(reach) + len(unreach)


def routes(update: Any) -> Iterable[tuple[Hashable, Any]]:
    """Yield prefixes as text, and the attributes."""
    for prefix in update["nlri"]:
        yield prefix, update["attr"]


if __name__ == "__main__":
    logging.disable()
    measure.main(measure.Subject(decode, encode, prefixes, routes))
