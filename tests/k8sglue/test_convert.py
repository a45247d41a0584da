"""A ConfigMap and the resources that it is turned into say the same."""

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sglue.cli import main
from k8sglue.config import Config
from k8sglue.convert import convert
from tests.k8sglue.objects import config, judged
from tests.k8sglue.test_check import SAMPLES
from tests.k8sglue.test_configmap import FULL, LATER


def settled(config: Config) -> tuple[object, object]:
    """What a configuration says, whatever the order in which it is written down."""
    pools = {
        name: attrs.evolve(pool, bgp=tuple(sorted(pool.bgp, key=lambda each: each.name)))
        for name, pool in config.pools.items()
    }
    return pools, sorted(config.peers, key=lambda peer: peer.name)


ROUND = [
    LATER,
    *(part for part in (SAMPLES / "configmaps.yaml").read_text().split("\n---\n") if "_profile" not in part),
]


@pytest.mark.parametrize("text", ROUND)
def test_the_resources_say_what_the_config_map_says(text: str) -> None:
    conversion = convert(text, "metallb-system")
    assert (conversion.problems, conversion.notes) == ((), ())
    assert settled(judged(conversion.text).config) == settled(config(text))


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "auto-assign": st.booleans(),
        "avoid-buggy-ips": st.booleans(),
        "protocol": st.just("bgp"),
        "bgp-advertisements": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "aggregation-length": st.integers(24, 32),
                    "localpref": st.just(7),
                    "communities": st.lists(st.sampled_from(["1:2", "alias"]), unique=True),
                },
            ),
            max_size=3,
            unique_by=lambda each: each.get("aggregation-length", 32),
        ),
    },
)


@given(st.lists(PARTS, max_size=4))
def test_any_pools_say_the_same(parts: list[dict[str, object]]) -> None:
    pools = [
        {"name": f"p{index}", "protocol": "layer2", "addresses": [f"10.0.{index}.0/24"], **part}
        for index, part in enumerate(parts)
        if part.get("protocol") or "bgp-advertisements" not in part
    ]
    # JSON is YAML too.
    text = json.dumps({"address-pools": pools, "bgp-communities": {"alias": "64512:1"}})
    conversion = convert(text, "metallb-system")
    assert (conversion.problems, conversion.notes) == ((), ())
    assert settled(judged(conversion.text).config) == settled(config(text))


def test_names_become_fit_and_references_follow() -> None:
    text = (
        "peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, bfd-profile: Fast one}]\n"
        "bfd-profiles: [{name: Fast one}, {name: fast-one}, {name: fast_one}]\n"
        "address-pools: [{name: My Pool, protocol: layer2, addresses: [10.0.0.0/24]}]\n"
    )
    read = judged(convert(text, "lb").text).config
    assert list(read.pools) == ["my-pool"]
    assert len(read.pools["my-pool"].layer2) == 1
    (peer,) = read.peers
    assert peer.bfd_profile is not None
    assert peer.bfd_profile.name == "fast-one-2"


def test_what_has_a_problem_is_left_out_and_named() -> None:
    text = "address-pools:\n- {name: a, protocol: l2, addresses: [10.0.0.0/24]}\n"
    text += "- {name: b, protocol: bgp, addresses: [10.0.1.0/24]}\n"
    conversion = convert(text, "metallb-system")
    assert conversion.problems == ('2: address-pools[0].protocol: "l2", must be layer2 or bgp',)
    assert list(judged(conversion.text).config.pools) == ["b"]


def test_what_resources_may_not_say_is_noted() -> None:
    conversion = convert(FULL, "metallb-system")
    assert conversion.problems == ()
    assert [note for note in conversion.notes if "the same peers with 100" in note]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "1: not YAML: "),
        ("kind: Service\nmetadata: {name: a}", "1: 0 ConfigMaps with a key config, must be one"),
        ("peers: 5", '1: peers: "5", must be a list'),
        ("kind: ConfigMap\nmetadata: {name: A}\ndata: {config: ''}", "1: metadata.name: "),
    ],
)
def test_what_is_no_config_map_says_so(text: str, expected: str) -> None:
    conversion = convert(text, "metallb-system")
    assert conversion.problems[0].startswith(expected)
    assert not conversion.text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("address-pools: [{name: p, protocol: layer2, addresses: [10.0.0.0/24]}]")
    assert main(["convert", str(file), "--namespace", "lb"]) == 0
    assert list(judged(capsys.readouterr().out).config.pools) == ["p"]
    file.write_text("peers: {}")
    assert main(["convert", str(file)]) == 1
    assert capsys.readouterr().err == f"{file}:1: peers: a mapping, must be a list\n"
    assert main(["convert", str(tmp_path / "missing")]) == 1
