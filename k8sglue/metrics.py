"""What the controller can be measured by: MetalLB's names where it has one, histograms where it has none.

Gauges of pools are computed when somebody asks, from counters that the allocator keeps. Two of MetalLB's gauges bear
names that end in `_total`, as if they were counters; dashboards know them by these.
"""

from collections.abc import Callable, Iterable, Iterator

import attrs
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of `Metrics.exposition`."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@attrs.frozen(kw_only=True)
class PoolUse:
    """How much of a pool there is, and how much of it is in use."""

    pool: str
    ipv4: int
    """Addresses that it may give out, in use or not."""
    ipv6: int
    ipv4_in_use: int
    ipv6_in_use: int


class Metrics:
    """The measurements of one controller."""

    def __init__(self, pools: Callable[[], Iterable[PoolUse]] = tuple) -> None:
        """Ask `pools` for the use of pools whenever somebody asks for that."""
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._pools = _PoolCollector(pools)
        registry.register(self._pools)
        self._updates = Counter(
            "metallb_k8s_client_updates",
            "Number of k8s object updates that have been processed.",
            registry=registry,
        )
        self._update_errors = Counter(
            "metallb_k8s_client_update_errors",
            "Number of k8s object updates that failed for some reason.",
            registry=registry,
        )
        self.config_loaded = Gauge(
            "metallb_k8s_client_config_loaded_bool",
            "1 if a configuration was successfully loaded at least once.",
            registry=registry,
        )
        self.config_stale = Gauge(
            "metallb_k8s_client_config_stale_bool",
            "1 if part of the configuration could not be used, and its last good state is in force.",
            registry=registry,
        )
        self.leading = Gauge(
            "k8sglue_controller_leading_bool",
            "1 if this controller is the one that writes.",
            registry=registry,
        )
        self.queue_depth = Gauge(
            "k8sglue_controller_queue_depth",
            "Services with something decided that is not written yet.",
            registry=registry,
        )
        self._allocation = Histogram(
            "k8sglue_controller_allocation_seconds",
            "Time from a change that concerns a Service until its status was written.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._requests = Histogram(
            "k8sglue_api_request_seconds",
            "Time until an API server answered; code 0 if it did not.",
            ("verb", "code"),
            buckets=_SECONDS,
            registry=registry,
        )

    def watch_pools(self, pools: Callable[[], Iterable[PoolUse]]) -> None:
        """Ask `pools` from now on."""
        self._pools.pools = pools

    def updated(self) -> None:
        """Count a change of an object that was dealt with."""
        self._updates.inc()

    def write_failed(self) -> None:
        """Count a write that failed."""
        self._update_errors.inc()

    def status_written(self, seconds: float) -> None:
        """Note how long a Service waited for its status."""
        self._allocation.observe(seconds)

    def answered(self, verb: str, status: int, seconds: float) -> None:
        """Note an answer of the API server."""
        self._requests.labels(verb, str(status)).observe(seconds)

    def exposition(self) -> bytes:
        """Write everything down as Prometheus reads it."""
        return generate_latest(self._registry)


@attrs.define(eq=False)
class _PoolCollector(Collector):
    pools: Callable[[], Iterable[PoolUse]]

    def collect(self) -> Iterator[Metric]:
        uses = list(self.pools())
        for name, what, value in _POOL_GAUGES:
            family = GaugeMetricFamily(f"metallb_allocator_{name}", what, labels=("pool",))
            for use in uses:
                family.add_metric((use.pool,), value(use))
            yield family


_POOL_GAUGES: tuple[tuple[str, str, Callable[[PoolUse], float]], ...] = (
    ("addresses_total", "Number of usable IP addresses, per pool.", lambda use: use.ipv4 + use.ipv6),
    ("ipv4_addresses_total", "Number of usable IPv4 addresses, per pool.", lambda use: use.ipv4),
    ("ipv6_addresses_total", "Number of usable IPv6 addresses, per pool.", lambda use: use.ipv6),
    (
        "addresses_in_use_total",
        "Number of IP addresses in use, per pool.",
        lambda use: use.ipv4_in_use + use.ipv6_in_use,
    ),
    (
        "ipv4_addresses_in_use_total",
        "Number of IPv4 addresses in use, per pool.",
        lambda use: use.ipv4_in_use,
    ),
    (
        "ipv6_addresses_in_use_total",
        "Number of IPv6 addresses in use, per pool.",
        lambda use: use.ipv6_in_use,
    ),
)
