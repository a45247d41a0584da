"""What is wanted of a BFD session."""

import pytest
from hypothesis import given

from bgp import LocalError
from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.testing import bfd_configs


def test_defaults() -> None:
    single, multi = BFDConfig(), BFDConfig(multihop=True)
    assert (single.destination_port, single.listening_port, single.least_ttl) == (3784, 3784, 255)
    assert (multi.destination_port, multi.listening_port, multi.least_ttl) == (4784, 4784, 1)
    assert (single.transmit_interval, single.receive_interval, single.multiplier) == (0.3, 0.3, 3)


def test_what_can_be_set() -> None:
    key = BFDKey("keyed-md5", "secret")
    config = BFDConfig(multihop=True, minimum_ttl=250, port=5000, local_port=5001, authentication=key)
    assert (config.destination_port, config.listening_port, config.least_ttl) == (5000, 5001, 250)
    assert config.authentication == (key,)
    assert BFDConfig(port=5000).listening_port == 5000
    assert BFDConfig(minimum_ttl=255).least_ttl == 255


@given(bfd_configs())
def test_a_configuration_is_a_value(config: BFDConfig) -> None:
    assert {config: 1}[config] == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"transmit_interval": 0.0099}, "transmit_interval 0.0099 s, must be 0.01 to 60"),
        ({"receive_interval": 61}, "receive_interval 61 s, must be 0.01 to 60"),
        ({"transmit_interval": "1"}, "transmit_interval '1' s"),
        ({"multiplier": 0}, "multiplier 0, must be 1 to 255"),
        ({"multiplier": 256}, "multiplier 256, must be 1 to 255"),
        ({"passive": 1}, "passive 1, must be bool"),
        ({"minimum_ttl": 254}, "minimum_ttl 254 without multihop, must be 255"),
        ({"minimum_ttl": 0, "multihop": True}, "minimum_ttl 0, must be 1 to 255"),
        ({"authentication": 5}, "authentication 5, must be a list"),
        ({"authentication": ""}, "authentication '', must be a list"),
        ({"authentication": ["secret"]}, "authentication 'secret', must be BFDKey"),
        ({"port": 0}, "port 0, must be 1 to 65535"),
        ({"local_port": 65536}, "local_port 65536, must be 1 to 65535"),
    ],
)
def test_what_cannot_be(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(LocalError, match=why):
        BFDConfig(**wrong)  # type: ignore[arg-type]  # wrong on purpose
