"""Writes the README's table of standards.

python -m tests.conformance.table       or: make rfc-table

A test fails if the two differ. RFCs with tests in this folder have the numbers of their sections and tests; what there
is of the others is told by hand, in `OTHERS`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from tests.conformance.notyet import NOT_YET
from tests.conformance.requirements import NotYet, Place, Requirement, requirements

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN: Final = "<!-- The table is made by make rfc-table -->\n"
END: Final = "<!-- The table ends here -->\n"

TITLES: Final = {
    4271: "BGP-4",
    4724: "graceful restart",
    4760: "multiprotocol extensions",
    5880: "BFD",
    5881: "BFD with a neighbour on the same link",
    6793: "four-octet AS numbers",
    7313: "route refresh (with 2918)",
    7606: "revised error handling",
    7911: "several paths to a prefix",
    8092: "large communities",
    8654: "extended messages",
    9003: "shutdown communication (with 8203)",
    9072: "extended OPEN parameters",
    9234: "roles and OTC",
    9687: "send hold timer",
}
"""The RFCs with tests in this folder."""

OTHERS: Final = {
    "826, 5227": "ARP answered; announcements in both forms; probing, watching and defending, with shorter times",
    "4861, 4862": "neighbours solicited and advertised (4, 6.1, 7.1, 7.2), duplicate addresses found (5.4)",
    "4291, 2464": "solicited-node groups (2.7.1) and their MAC addresses (7); the kernel reports them (3810)",
    "7527": "probes that come back to us are told by a nonce",
    "1997": "communities; NO_EXPORT and its like are honoured",
    "2385": "TCP MD5 signatures, by address or range, where the kernel has them",
    "2545, 8950": "next hops of IPv6 routes, link-local ones too, and IPv6 next hops of IPv4 routes",
    "4360, 5701": "extended communities, with IPv6 addresses too",
    "4486, 8538": "Cease subcodes, hard reset",
    "5065": "confederations",
    "5082": "GTSM",
    "5492": "capabilities; unknown ones are kept",
    "5883": "BFD over several hops",
    "6286, 6608, 7607": "identifiers, FSM error subcodes, AS 0",
    "5882, 9384": "BFD for BGP",
    "6396, 8050": "MRT dumps",
    "7311, 4456": "AIGP; route reflection",
    "7854, 8671, 9069": "BMP: all messages; the exporter sends Adj-RIB-In before policy",
    "7947": "route servers: AS_PATH, NEXT_HOP and MED as they are",
    "8212": "no routes from or to external peers without a policy",
    "8326": "graceful shutdown, on both sides",
    "9494": "long-lived graceful restart",
    "9774": "routes with AS_SET treated as withdrawn, if wanted",
}
"""What there is of RFCs without."""


@attrs.frozen
class _Row:
    number: int
    cells: tuple[str, str, str, str]

    def __str__(self) -> str:
        return f"| {' | '.join(self.cells)} |"


def table() -> str:
    """The table, with a line about how it is made."""
    found = requirements()
    rows = [*_tested_rows(found), *_other_rows()]
    lines = [
        f"{len(found)} demands of these RFCs have a test each, marked with its section, in `tests/conformance`;",
        "what is not done is listed there too, one by one.",
        "",
        "| RFC | what it is about | demands with a test, of sections | not done (demands) |",
        "|---|---|---|---|",
        *map(str, sorted(rows, key=lambda row: row.number)),
    ]
    return "\n".join(lines) + "\n"


def _tested_rows(found: list[Requirement]) -> Iterator[_Row]:
    for number, title in TITLES.items():
        ours = [each for each in found if each.place.rfc == number]
        missing = [each for each in NOT_YET if each.place.rfc == number]
        done = f"{len(ours)}, of {_chapters(each.place for each in ours)}"
        yield _Row(number, (str(number), title, done, _not_done(ours, missing)))


def _other_rows() -> Iterator[_Row]:
    for numbers, what in OTHERS.items():
        yield _Row(int(numbers.partition(",")[0]), (numbers, what, "", ""))


def _chapters(places: Iterable[Place]) -> str:
    return ", ".join(map(str, sorted({place.section[0] for place in places})))


def _not_done(ours: list[Requirement], missing: list[NotYet]) -> str:
    reasons = [f"{why} ({count})" for why, count in _counted(each.why for each in missing)]
    bugs = sum(each.bug is not None for each in ours)
    if bugs:
        reasons.append(f"known faults ({bugs})")
    return "; ".join(reasons)


def _counted(values: Iterable[str]) -> list[tuple[str, int]]:
    listed = list(values)
    return [(value, listed.count(value)) for value in dict.fromkeys(listed)]


def with_table(text: str) -> str:
    """The text with the table between its marks as it should be."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
