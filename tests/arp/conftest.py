"""A switched segment for the tests with other people's programs, and Wireshark's word on all that we sent there."""

import shutil
from collections.abc import Iterator

import pytest

from tests.arp.dissection import complaints
from tests.arp.lan import Lan, lan


@pytest.fixture(scope="session")
def sent_in_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[bytes]]:
    """Collect frames that were sent on real segments; at the end of all tests Wireshark has a look at them."""
    frames: list[bytes] = []
    yield frames
    if shutil.which("tshark") is not None:  # without it test_tshark.py is skipped, and says why
        assert complaints(tmp_path_factory.mktemp("sent") / "frames.pcap", frames) == []


@pytest.fixture
def switched(sent_in_tests: list[bytes]) -> Iterator[Lan]:
    """Give a node, a client and another host on a switch; the test is on the node."""
    with lan() as made:
        yield made
        sent_in_tests += made.sent()
