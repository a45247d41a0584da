"""The configuration in force: what the resources and the ConfigMap say, over what was good before."""

import logging
from collections.abc import Sequence

import attrs

from k8sglue.cluster import Store
from k8sglue.config import Config, IPAddress, parse_address
from k8sglue.configmap import CONFIG_KEY, ConfigMapReading, read_text
from k8sglue.customresources import CustomResource
from k8sglue.declarations import Declaration, ObjectName
from k8sglue.fields import Problem
from k8sglue.findings import Finding, Severity
from k8sglue.judgement import Reading, judge
from k8sglue.kinds import CUSTOM_KINDS, Key, Kind
from k8sglue.specs import Spec

_log = logging.getLogger("k8sglue")

CONFIG_KINDS = (Kind.CONFIG_MAP, Kind.SECRET, *CUSTOM_KINDS)
"""The kinds that a configuration is made of; one that a store does not watch counts as empty."""


@attrs.define
class ConfigInForce:
    """Follows the custom resources of one namespace and one ConfigMap in it.

    Its `config` is None until there is any of them that could be read.
    """

    key: Key
    """The ConfigMap's namespace and name; the custom resources are in the same namespace."""
    reading: Reading | None = attrs.field(init=False, default=None)
    """What was found when something last changed; None until there was anything."""
    _seen: object = attrs.field(init=False, default=None)
    _config_map: tuple[Declaration[Spec], ...] | None = attrs.field(init=False, default=None)
    """What the last ConfigMap said that could be used; None if there was none."""
    _logged: frozenset[Finding] = attrs.field(init=False, default=frozenset())
    _missing_logged: bool = attrs.field(init=False, default=False)

    @property
    def config(self) -> Config | None:
        """What is in force; None until there is any configuration."""
        return self.reading.config if self.reading else None

    def update(self, store: Store) -> bool:
        """Look at everything as it is now; tell whether what is in force changed. What is wrong is logged, once."""
        text = self._text(store)
        resources = store.custom_resources
        if text is None and not resources and (self.reading is None or self._config_map is not None):
            # Nobody means to withdraw everything by losing a ConfigMap.
            self._log_missing(store)
            return False
        self._missing_logged = False
        seen = (text, [each.declaration for each in resources], dict(store.secrets))
        if seen == self._seen and not self._may_let_go(store):
            return False
        self._seen = seen
        previous = self.config
        self.reading = self._judge(store, text, resources)
        self._log_findings()
        return self.config != previous

    def _text(self, store: Store) -> str | None:
        config_map = store.config_maps.get(self.key)
        return None if config_map is None else config_map.data.get(CONFIG_KEY)

    def _may_let_go(self, store: Store) -> bool:
        """Tell whether an address was kept for a Service that does not have it any more."""
        kept = [each for pool in self.config.pools.values() for each in pool.kept] if self.config else []
        if not kept:
            return False
        held = sum(any(address in each for each in kept) for address in _in_use(store))
        return held < sum(each.size for each in kept)

    def _judge(self, store: Store, text: str | None, resources: Sequence[CustomResource]) -> Reading:
        origin = ObjectName(Kind.CONFIG_MAP, self.key)
        read = ConfigMapReading() if text is None else read_text(text, origin)
        if text is None:
            self._config_map = None
        elif not read.problems:
            self._config_map = read.declarations
        at_home = [each for each in resources if each.key.namespace == self.key.namespace]
        reading = judge(
            [*(each.declaration for each in at_home), *(self._config_map or ())],
            secrets=store.secrets,
            previous=self.reading,
            in_use=_in_use(store),
            complete=not (read.problems and self._config_map is None),
        )
        findings = [Finding(origin, Severity.PROBLEM, problem) for problem in read.problems]
        for each in resources:
            if each not in at_home:
                where = f"{each.key.namespace}, must be {self.key.namespace}"
                problem = Problem(("metadata", "namespace"), where)
                findings.append(Finding(each.declaration.origin, Severity.PROBLEM, problem))
        return attrs.evolve(reading, findings=(*findings, *reading.findings))

    def _log_findings(self) -> None:
        assert self.reading is not None
        found = self.reading.findings
        for finding in found:
            if finding not in self._logged:
                _log.warning("%s", finding)
        for finding in self._logged - set(found):
            _log.info("%s: no longer", finding)
        self._logged = frozenset(found)
        config = self.reading.config
        problems = sum(finding.severity is not Severity.WARNING for finding in found)
        _log.info(
            "configuration: pools %d, peers %d%s",
            len(config.pools),
            len(config.peers),
            f", problems {problems}" if problems else "",
        )

    def _log_missing(self, store: Store) -> None:
        if not self._missing_logged:
            what = f"no key {CONFIG_KEY}" if self.key in store.config_maps else "no such ConfigMap"
            also = "" if self.config else ", and there are no resources either"
            stays = (
                "the last good configuration stays in force"
                if self.config
                else "nothing is given out or announced until there is one"
            )
            _log.warning("ConfigMap %s: %s%s; %s", self.key, what, also, stays)
        self._missing_logged = True


def _in_use(store: Store) -> frozenset[IPAddress]:
    """Return the addresses that Services have."""
    addresses = (
        parse_address(text)
        for service in store.services.values()
        if service.type == "LoadBalancer"
        for text in service.ingress
    )
    return frozenset(address for address in addresses if address is not None)
