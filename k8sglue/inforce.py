"""The configuration in force: what the ConfigMap says, over what was good before."""

import logging

import attrs

from k8sglue.cluster import Store
from k8sglue.config import Config
from k8sglue.configmap import CONFIG_KEY, Reading, read_text
from k8sglue.resources import ConfigMap, Key

_log = logging.getLogger("k8sglue")


@attrs.define
class ConfigInForce:
    """Follows one ConfigMap. Its `config` is None until the first document that could be read."""

    key: Key
    """The ConfigMap's namespace and name."""
    config: Config | None = attrs.field(init=False, default=None)
    _seen: ConfigMap | None = attrs.field(init=False, default=None)
    _missing_reported: bool = attrs.field(init=False, default=False)

    def update(self, store: Store) -> bool:
        """Look at the ConfigMap as it is now; tell whether what is in force changed. Problems are logged."""
        config_map = store.config_maps.get(self.key)
        if config_map is None or CONFIG_KEY not in config_map.data:
            if not self._missing_reported:
                what = f"no key {CONFIG_KEY}" if config_map else "no such ConfigMap"
                _log.warning("ConfigMap %s: %s; %s", self.key, what, self._consequence())
            self._missing_reported = True
            return False
        self._missing_reported = False
        if self._seen is not None and self._seen.data == config_map.data:
            return False
        self._seen = config_map
        reading = read_text(config_map.data[CONFIG_KEY])
        previous, self.config = self.config, reading.over(self.config)
        self._report(reading)
        return self.config != previous

    def _report(self, reading: Reading) -> None:
        for problem in reading.problems:
            _log.warning("ConfigMap %s: %s", self.key, problem)
        if reading.config is None:
            _log.warning("ConfigMap %s can not be used; %s", self.key, self._consequence())
        elif self.config is not None:
            _log.info(
                "configuration: pools %d, peers %d%s",
                len(self.config.pools),
                len(self.config.peers),
                f", problems {len(reading.problems)}" if reading.problems else "",
            )

    def _consequence(self) -> str:
        if self.config is None:
            return "nothing is given out or announced until there is one"
        return "the last good configuration stays in force"
