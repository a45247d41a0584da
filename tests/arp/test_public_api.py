"""What `import arp` gives, and what it does not load."""

import builtins
import subprocess
import sys
from pathlib import Path

import arp


def test_all_is_complete_and_documented() -> None:
    public = {name for name in vars(arp) if not name.startswith("_")}
    modules = {path.stem for path in Path(arp.__file__).parent.glob("*.py")}
    assert public - modules == set(arp.__all__)
    for name in arp.__all__:
        value = getattr(arp, name)
        assert not isinstance(value, type) or (value.__doc__ and value.__module__.startswith("arp")), name


def test_the_reading_order_names_every_module() -> None:
    order = (arp.__doc__ or "").partition("in this order.")[2]
    named = [
        name for line in order.splitlines() for name in line.strip(".").partition(": ")[2].split(", ") if name
    ]
    assert sorted(named) == sorted(
        path.stem for path in Path(arp.__file__).parent.glob("*.py") if path.stem != "__init__"
    )


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_core_loads_neither_asyncio_nor_socket() -> None:
    assert not {"asyncio", "socket", "ctypes", "hypothesis"} & loaded_by("import arp")


def test_the_core_loads_no_clock_and_no_log_that_attrs_does_not_load() -> None:
    assert not {"logging", "random", "threading"} & (loaded_by("import arp") - loaded_by("import attrs"))


def test_errors_are_one_tree_and_shadow_no_builtin() -> None:
    errors = [
        value for value in vars(arp).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert all(issubclass(error, arp.ARPError) for error in errors)
    assert issubclass(arp.LocalError, ValueError)
    assert not [error for error in errors if hasattr(builtins, error.__name__)]
