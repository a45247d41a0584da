"""What `import bgp` promises: its names, their documentation, and that it does no I/O."""

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import bgp


def test_import_loads_no_io() -> None:
    code = (
        "import bgp, sys; print(*sorted({'asyncio', 'socket', 'logging', 'hypothesis'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_names_are_listed_once_and_exist() -> None:
    assert len(bgp.__all__) == len(set(bgp.__all__))
    assert all(hasattr(bgp, name) for name in bgp.__all__)


def test_everything_public_has_a_docstring() -> None:
    kinds = [getattr(bgp, name) for name in bgp.__all__]
    undocumented = {
        f"{kind.__name__}.{name}"
        for kind in kinds
        if isinstance(kind, type)
        for name, member in vars(kind).items()
        if not name.startswith("_") and callable(member) and not member.__doc__
    }
    assert not undocumented
    assert all(kind.__doc__ for kind in kinds if callable(kind))


def test_the_reading_order_names_every_module_once() -> None:
    modules = sorted({module.name for module in pkgutil.iter_modules(bgp.__path__)} - {"__main__"})
    order = re.findall(r"\b([a-z][a-z0-9]*)[,.]", (bgp.__doc__ or "").partition("in this order.")[2])
    assert sorted(order) == modules
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    code_map = readme.partition("**bgp**, values:")[2].partition("**arp**")[0]
    assert re.findall(r"`([a-z][a-z0-9]*)/?`", code_map) == order
