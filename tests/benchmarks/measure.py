"""What every subject does in a process of its own, and how it is timed.

A `Subject` is an implementation, by a few functions; `main` makes a program of it, which reads messages from a file
and prints one JSON object. It runs under the subject's own Python environment: only the standard library is imported
here. Rules, the same for all:

- Processor time, not wall-clock time: another program on the machine should not count.
- The garbage collector is as Python starts it. What the last task left behind is collected before the clock starts.
- Before anything is timed, messages of the same kind but of another seed go through the subject: imports are over,
  patterns compiled, the interpreter has seen the code. No attribute block of the measured file is among them, so the
  first pass over the file finds every cache as empty as a new session would.
- A message that cannot be decoded, or not be encoded again, counts as a failure and the clock goes on.
"""

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Subject(NamedTuple):
    """An implementation of BGP's messages; `Any` is whatever it decodes to."""

    decode: Callable[[bytes], Any]
    """Decode a whole UPDATE; raise if it does not succeed."""

    encode: Callable[[Any], bytes]
    """Encode what `decode` returned; raise if it cannot be done."""

    prefixes: Callable[[Any], int]
    """Count the prefixes that it found, to see that it did the work."""

    routes: Callable[[Any], Iterable[tuple[Hashable, Any]]]
    """What a table would keep of the announced routes: prefix and path."""

    read: Callable[[bytes], Any] = lambda message: None
    """Decode an UPDATE and look at all of it, where decoding leaves work undone until somebody looks."""

    values: Callable[[Any], Any] = lambda update: update
    """Take what `decode` returned apart, into values such as a person would write."""

    build: Callable[[Any], Any] = lambda values: values
    """Make of such values what `decode` would have returned."""


Figures = dict[str, float]
"""What a task found out: counts, seconds, octets."""


def split(data: bytes) -> Iterator[bytes]:
    """Cut a file of messages at the lengths in their headers."""
    position = 0
    while position < len(data):
        end = position + int.from_bytes(data[position + 16 : position + 18], "big")
        yield data[position:end]
        position = end


def main(subject: Subject) -> None:
    """Run the tasks named on the command line and print their figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("messages", type=Path)
    parser.add_argument("warmup", type=Path)
    parser.add_argument("tasks", nargs="+", choices=sorted(TASKS))
    options = parser.parse_args()
    messages = list(split(options.messages.read_bytes()))
    for update in map(subject.decode, split(options.warmup.read_bytes())):
        _attempt(subject.encode, update)
    json.dump({task: TASKS[task](subject, messages) for task in options.tasks}, sys.stdout)


def _attempt(function: Callable[[Any], Any], argument: Any) -> Any:
    try:
        return function(argument)
    except Exception:  # whatever kind of error a subject has
        return None


def _timed(function: Callable[[Any], Any], items: Iterable[Any]) -> Figures:
    """Call `function` for each item and drop what it returns, as a program that has looked at it would."""
    failures = 0
    gc.collect()
    start = time.process_time()
    for item in items:
        try:
            function(item)
        except Exception:
            failures += 1
    return {"seconds": time.process_time() - start, "failures": failures}


def _decode(subject: Subject, messages: Sequence[bytes]) -> Figures:
    figures = _timed(subject.decode, messages)
    updates = filter(None, (_attempt(subject.decode, message) for message in messages))
    return figures | {"prefixes": sum(map(subject.prefixes, updates))}


def _warm(subject: Subject, messages: Sequence[bytes]) -> Figures:
    return _timed(subject.decode, messages)


def _read(subject: Subject, messages: Sequence[bytes]) -> Figures:
    return _timed(subject.read, messages)


def _encode(subject: Subject, messages: Sequence[bytes]) -> Figures:
    updates = [_attempt(subject.decode, message) for message in messages]
    return _timed(subject.encode, updates) | {"exact": _exact(subject.encode, updates, messages)}


def _built(subject: Subject, messages: Sequence[bytes]) -> Figures:
    updates = [subject.build(subject.values(subject.decode(message))) for message in messages]
    return _timed(subject.encode, updates) | {"exact": _exact(subject.encode, updates, messages)}


def _build(subject: Subject, messages: Sequence[bytes]) -> Figures:
    def build(values: Any) -> bytes:
        return subject.encode(subject.build(values))

    values = [subject.values(subject.decode(message)) for message in messages]
    return _timed(build, values) | {"exact": _exact(build, values, messages)}


def _exact(function: Callable[[Any], bytes], items: Sequence[Any], messages: Sequence[bytes]) -> int:
    return sum(_attempt(function, item) == message for item, message in zip(items, messages, strict=True))


def _memory(subject: Subject, messages: Sequence[bytes]) -> Figures:
    # Copies that die at once, so that a subject that keeps a whole message alive for a part of it is seen to.
    data = b"".join(messages)
    table: dict[Hashable, Any] = {}
    gc.collect()
    before = _resident()
    for message in split(data):
        for prefix, path in subject.routes(subject.decode(message)):
            table[prefix] = path
    gc.collect()
    return {"octets": _resident() - before, "routes": len(table)}


def _resident() -> int:
    """Octets of memory that the process really has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


TASKS: dict[str, Callable[[Subject, Sequence[bytes]], Figures]] = {
    "decode": _decode,  # for the first time
    "warm": _warm,  # the same again
    "read": _read,  # decode, and look at everything
    "encode": _encode,  # what was decoded
    "built": _built,  # encode what was built from values
    "build": _build,  # build from values, and encode
    "memory": _memory,  # keep the routes
}
"""What a subject can be asked to do."""
