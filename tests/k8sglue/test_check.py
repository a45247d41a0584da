"""Files are judged together, and what MetalLB's documentation shows is right."""

from pathlib import Path

import pytest

from k8sglue.check import Check, Result
from tests.k8sglue.objects import resource

SAMPLES = Path(__file__).parents[1] / "data" / "metallb"


def checked(*texts: str) -> Result:
    check = Check()
    for index, text in enumerate(texts):
        check.add(f"{index}.yaml", text)
    return check.result()


@pytest.mark.parametrize(
    "sample",
    [
        part
        for name in ("resources", "configmaps")
        for part in (SAMPLES / f"{name}.yaml").read_text().split("\n---\n")
    ],
)
def test_the_samples_of_metallb_are_accepted(sample: str) -> None:
    result = checked(sample)
    assert result.problems == ()
    assert result.objects == 1


def test_what_is_in_another_file_is_found_there() -> None:
    advertisement = resource("BGPAdvertisement", "a", "{ipAddressPools: [p], communities: [x]}")
    assert [note.split(": ", 1)[1] for note in checked(advertisement).notes] == [
        'spec.communities[0]: "x", must be an alias that can be used, or a:b with both from 0 to 65535, or '
        "large:a:b:c with all from 0 to 4294967295",
        'spec.ipAddressPools[0]: there is no IPAddressPool "p"',
    ]
    community = resource("Community", "c", "{communities: [{name: x, value: '1:2'}]}")
    result = checked(advertisement, community, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    assert (result.problems, result.notes) == ((), ())
    assert result.configs[0].pools["p"].bgp[0].communities == ("1:2",)


def test_two_files_with_one_object() -> None:
    pool = resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}")
    assert checked(pool, pool).problems == (
        "1.yaml:4: metadata.name: IPAddressPool metallb-system/p is in 0.yaml:2 already",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: IPAddressPool\nmetadata: {name: p}", "1: apiVersion: missing, must be metallb.io/v1beta1"),
        (
            "apiVersion: metallb.io/v1\nkind: BGPPeer\nmetadata: {name: p}",
            '1: apiVersion: "metallb.io/v1", must be metallb.io/v1beta2 or v1beta1',
        ),
        (
            "apiVersion: metallb.universe.tf/v1\nkind: BGPPeer",
            '1: apiVersion: "metallb.universe.tf/v1", must be metallb.io/v1beta2 or metallb.io/v1beta1',
        ),
        (
            "apiVersion: metallb.io/v1beta1\nkind: AddressPool",
            "2: kind: AddressPool is read no more, must be an IPAddre",
        ),
        (
            "apiVersion: metallb.io/v1beta1\nkind: BGPPeer\nmetadata: {name: p}\n"
            "spec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, vrf: red}",
            "4: spec.vrf: unknown key, must be one of myASN, peerASN, peerAddress",
        ),
    ],
)
def test_a_version_that_does_not_have_it(text: str, expected: str) -> None:
    assert any(line.startswith(f"0.yaml:{expected}") for line in checked(text).problems)


def test_a_peer_of_somebody_else_is_left_alone() -> None:
    assert checked("apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: p}").problems == ()


def test_a_secret_in_the_files_is_looked_at() -> None:
    peer = resource(
        "BGPPeer", "p", "{myASN: 1, peerASN: 2, peerAddress: 10.0.0.1, passwordSecret: {name: s}}"
    )
    secret = "kind: Secret\nmetadata: {name: s, namespace: metallb-system}\ntype: kubernetes.io/basic-auth\n"
    assert checked(peer).problems == ()
    good = checked(peer, secret + "data: {password: c2VjcmV0}")
    assert (good.problems, good.notes, good.configs[0].peers[0].password) == ((), (), "secret")
    assert "has nothing under the key password" in checked(peer, secret).problems[0]
    assert (
        "data.password: must be base64 of text in UTF-8"
        in checked(secret + "data: {password: 'c2'}").problems[0]
    )
