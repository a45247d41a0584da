"""The rules of layering that a linter of imports cannot see: what is loaded at run time."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["bgp", "bgp.bfd", "arp"])
def test_a_library_loads_attrs_alone_and_no_driver(package: str) -> None:
    script = (
        f"import sys; before = set(sys.modules); import {package}\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        f"foreign = new - set(sys.stdlib_module_names) - {{'{package.partition('.')[0]}', 'attr', 'attrs'}}\n"
        "io = {'asyncio', 'socket', 'ssl', 'logging'} & new\n"
        "sys.exit(' '.join(sorted(foreign | io)) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("package", ["bgp", "arp", "k8sglue.cli"])
def test_nothing_loads_hypothesis(package: str) -> None:
    script = f"import sys, {package}; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
