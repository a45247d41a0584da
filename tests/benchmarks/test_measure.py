"""What a subject is asked to do, and what is counted of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks import measure
from tests.benchmarks.generator import generate

MESSAGES = generate("realistic").first(2_000).messages
BROKEN = MESSAGES[3]
ROOT = Path(__file__).parents[2]


def decode(message: bytes) -> bytes:
    if message == BROKEN:
        raise ValueError("broken")
    return bytes(reversed(message))


def encode(update: bytes) -> bytes:
    return bytes(reversed(update)) if len(update) % 2 else b"something else"


def prefixes(update: bytes) -> int:
    return 2


def routes(update: bytes) -> Iterator[tuple[bytes, bytes]]:
    yield update, b"x" * 2_000_000


SUBJECT = measure.Subject(decode, encode, prefixes, routes)


def test_a_message_that_cannot_be_decoded_is_a_failure_and_the_others_go_on() -> None:
    figures = measure.TASKS["decode"](SUBJECT, MESSAGES)
    assert figures["failures"] == 1
    assert figures["prefixes"] == 2 * (len(MESSAGES) - 1)


def test_what_comes_back_octet_for_octet_is_counted() -> None:
    figures = measure.TASKS["encode"](SUBJECT, MESSAGES)
    odd = sum(len(message) % 2 for message in MESSAGES if message != BROKEN)
    assert 0 < odd < len(MESSAGES) - 1
    assert (figures["exact"], figures["failures"]) == (odd, 1)


def test_what_is_built_from_values_has_to_be_the_same_too() -> None:
    subject = SUBJECT._replace(
        decode=bytes.hex,
        values=lambda text: text + "ff",
        build=bytes.fromhex,
        encode=lambda octets: octets[:-1],
    )
    for task in ("built", "build"):
        assert measure.TASKS[task](subject, MESSAGES)["exact"] == len(MESSAGES)
    subject = subject._replace(encode=lambda octets: octets)
    for task in ("built", "build"):
        assert measure.TASKS[task](subject, MESSAGES)["exact"] == 0


KEPT = [message for message in MESSAGES if message != BROKEN] * 20

MEMORY = f"""
import json
from {__name__} import KEPT, SUBJECT
from tests.benchmarks import measure
print(json.dumps(measure.TASKS["memory"](SUBJECT, KEPT)))
"""


def test_memory_is_what_the_table_keeps() -> None:
    # In a process of its own: one that has had more memory before takes no new one.
    figures = json.loads(subprocess.check_output([sys.executable, "-c", MEMORY], cwd=ROOT))
    assert figures["routes"] == len(set(KEPT))
    assert 1_500_000 < figures["octets"] / figures["routes"] < 2_500_000


def test_a_subject_is_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    messages, warmup = tmp_path / "messages", tmp_path / "warmup"
    messages.write_bytes(b"".join(MESSAGES))
    warmup.write_bytes(MESSAGES[0])
    monkeypatch.setattr("sys.argv", ["subject", str(messages), str(warmup), "decode", "warm"])
    measure.main(SUBJECT)
    figures = json.loads(capsys.readouterr().out)
    assert list(figures) == ["decode", "warm"]
    assert figures["warm"]["failures"] == 1
