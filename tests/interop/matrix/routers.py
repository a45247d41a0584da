"""The five routers, in the order of the table."""

from typing import Final

from tests.interop.matrix.bird import Bird
from tests.interop.matrix.exabgp import ExaBGP
from tests.interop.matrix.frr import FRR
from tests.interop.matrix.gobgp import GoBGP
from tests.interop.matrix.openbgpd import OpenBGPD
from tests.interop.matrix.router import Router

ROUTERS: Final[tuple[type[Router], ...]] = (FRR, Bird, GoBGP, OpenBGPD, ExaBGP)
