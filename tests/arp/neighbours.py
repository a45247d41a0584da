"""Frames that Linux has sent to its neighbours, by what they are; tests/data/README.md says where they come from."""

import json
from pathlib import Path

LINUX = {
    kind: bytes.fromhex(octets)
    for kind, octets in json.loads(
        (Path(__file__).parents[1] / "data" / "neighbours" / "linux.json").read_text()
    ).items()
}
