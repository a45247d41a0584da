"""Starts each router once, and gives it to every test that asks for it.

    INTEROP_TRY=1 pytest tests/interop/matrix

tries what the routers are said not to be able to do, too: to see whether that is (still) so.
"""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.interop.matrix.cells import cell_of
from tests.interop.matrix.lab import cable
from tests.interop.matrix.neighbours import NEIGHBOUR_OF, Neighbour
from tests.interop.matrix.router import Router
from tests.interop.matrix.routers import ROUTERS
from tests.interop.netns import NetworkNamespace

_LOG = pytest.StashKey[Path]()
_LOG_END = 8000
"""How much of a router's log is shown when a test fails, in characters."""


@pytest.fixture(scope="package", params=ROUTERS, ids=lambda kind: kind.name)
def running(request: pytest.FixtureRequest) -> Iterator[tuple[Router, NetworkNamespace]]:
    """A running router and the namespace at the other end of its cable."""
    kind: type[Router] = request.param
    missing = [program for program in kind.programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)} (Debian: {kind.package})")
    with (
        # Not below pytest's own, where only root can go: some give up root before they come here.
        tempfile.TemporaryDirectory(prefix="k8sglue-") as name,
        NetworkNamespace("ours") as ours,
        NetworkNamespace(kind.name.lower()) as there,
    ):
        Path(name).chmod(0o755)
        cable(ours, there)
        router = kind(there, Path(name))
        router.start()
        yield router, ours


@pytest.fixture
def router(running: tuple[Router, NetworkNamespace], request: pytest.FixtureRequest) -> Iterator[Router]:
    """The router; the test itself is at the other end of the cable."""
    router, ours = running
    cell = cell_of(request.node.name)
    if cell in router.cannot and "INTEROP_TRY" not in os.environ:
        pytest.skip(f"cannot: {router.cannot[cell]}")
    request.node.stash[_LOG] = router.log
    if not router.is_running:
        router.start()  # a test that failed has left it so
    with ours.entered():
        yield router


@pytest.fixture
def neighbour(request: pytest.FixtureRequest) -> Neighbour:
    """The neighbour that is there for the test's cell."""
    return NEIGHBOUR_OF[cell_of(request.node.name)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the router's log where a test fails."""
    report = yield
    log = item.stash.get(_LOG, None)
    if report.failed and log is not None and log.exists():
        report.sections.append(("the router's log", log.read_text(errors="replace")[-_LOG_END:]))
    return report
