"""What tshark makes of a capture: fields with names, in trees."""

import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import attrs

_DEADLINE = 120.0


@attrs.frozen
class Field:
    """A field, or a heading over others."""

    _element: ElementTree.Element

    @property
    def name(self) -> str:
        """Its name without the `bgp.` that all have in front."""
        return self._element.get("name", "").removeprefix("bgp.")

    @property
    def shown(self) -> str:
        """What tshark shows as its value."""
        return self._element.get("show", "")

    @property
    def octets(self) -> bytes:
        """The octets that tshark takes for it."""
        return bytes.fromhex(self._element.get("value", ""))

    @property
    def children(self) -> list["Field"]:
        """The fields right below it."""
        return [Field(child) for child in self._element]

    def all(self, name: str) -> list["Field"]:
        """All fields of that name below it, in the order of the message."""
        return [field for field in self if field.name == name]

    def shows(self, name: str) -> list[str]:
        """What all fields of that name below it show; integers in decimal, whatever tshark prefers."""
        return [
            str(int(field.shown, 16)) if field.shown.startswith("0x") else field.shown
            for field in self.all(name)
        ]

    def first(self, name: str) -> "Field | None":
        """The first field of that name below it."""
        return next(iter(self.all(name)), None)

    def __iter__(self) -> Iterator["Field"]:
        for element in self._element.iter():
            if element is not self._element:
                yield Field(element)


def dissect(capture: Path, as_octets: int, *, bmp_port: int | None = None) -> list[Field]:
    """Let tshark read a capture in which AS numbers have so many octets; return the tree of each message.

    With `bmp_port`, what goes to that port is BMP, and the messages are those.
    """
    command = [
        "tshark",
        "-n",
        "-r",
        str(capture),
        "-T",
        "pdml",
        "-J",
        "bgp" if bmp_port is None else "bgp bmp",
        "-o",
        f"bgp.asn_len:{as_octets}",
    ]
    if bmp_port is not None:
        command += ["-d", f"tcp.port=={bmp_port},bmp"]
    done = subprocess.run(command, capture_output=True, timeout=_DEADLINE, check=True)
    root = ElementTree.fromstring(done.stdout)
    wanted = "bgp" if bmp_port is None else "bmp"
    return [Field(proto) for proto in root.iter("proto") if proto.get("name") == wanted]
