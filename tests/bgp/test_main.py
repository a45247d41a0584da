"""The command line: what is printed, and the exit status."""

import asyncio
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

import bgp.__main__ as program
from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Negotiated,
    Notification,
    PathAttributes,
    PeerConfig,
    Route,
    Update,
    encode,
    mrt,
)
from bgp.events import EndOfRib, Event
from bgp.injector import Injector
from bgp.messages import Keepalive, RouteRefresh
from bgp.multiprotocol import MPUnreach
from bgp.nlri import NLRI
from bgp.nlri import Path as RoutePath
from bgp.offers import MultiprotocolCapability, RouteRefreshCapability
from bgp.open import Open
from tests.bgp.router import DEADLINE, NEGOTIATED, Router, greeting
from tests.conditions import until

A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"
KEEPALIVE = encode(Keepalive(), NEGOTIATED)
ROUTE = Update(
    announced=["192.0.2.0/24"],
    attributes=PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.1"),
)
COMMAND = [sys.executable, "-m", "bgp"]


# decode

GOLDEN = """\
@0 OPEN: AS 64513, hold time 90 s, router ID 192.0.2.2
  capability 65 four-octet-as: 64513
@37 UPDATE
  announced: 192.0.2.0/24
  ORIGIN: igp [well-known, transitive]
  AS_PATH: 64513 [well-known, transitive]
  NEXT_HOP: 192.0.2.1 [well-known, transitive]
@84 ERROR: 255 octets of the withdrawn routes are missing
  to be answered with NOTIFICATION 3/1: UPDATE Message Error / Malformed Attribute List
@107 NOTIFICATION 6/2: Cease / Administrative Shutdown
@128 INCOMPLETE: at least 9 octets are missing after 0xffffffffffffffffffff
"""

GREETING = bytes.fromhex(
    "ffffffffffffffffffffffffffffffff 0025 01 04 fc01 005a c0000202 08 0206 4104 0000fc01"
)
BROKEN = bytes.fromhex("ffffffffffffffffffffffffffffffff 0017 02 00ff 0000")
STREAM = (
    GREETING + encode(ROUTE, NEGOTIATED) + BROKEN + encode(Notification(6, 2), NEGOTIATED) + KEEPALIVE[:10]
)


def decoded(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status and output of `decode`."""
    status = program.main(["decode", *arguments])
    captured = capsys.readouterr()
    assert captured.err == ""
    return status, captured.out


def test_decode_as_a_stranger_calls_it() -> None:
    result = subprocess.run(
        [*COMMAND, "decode", "-"], input=STREAM.hex(" ").encode(), capture_output=True, check=False
    )
    assert (result.returncode, result.stdout.decode(), result.stderr) == (1, GOLDEN, b"")


def test_decode_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = decoded(capsys, "--json", STREAM.hex())
    lines = [json.loads(line) for line in output.splitlines()]
    assert status == 1
    assert [(line["offset"], line["length"], line["type"]) for line in lines] == [
        (0, 37, "OPEN"),
        (37, 47, "UPDATE"),
        (84, 23, "UpdateError"),
        (107, 21, "NOTIFICATION"),
        (128, 10, "Incomplete"),
    ]
    assert (lines[2]["octets"], lines[2]["notification"]["code"]) == (BROKEN.hex(), 3)
    assert (lines[4]["octets"], lines[4]["missing"]) == ("ff" * 10, 9)


@pytest.mark.parametrize(
    "content", [KEEPALIVE, KEEPALIVE.hex().encode(), KEEPALIVE.hex(":").encode() + b"\n"]
)
def test_decode_files(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "messages"
    file.write_bytes(content)
    assert decoded(capsys, str(file)) == (0, "@0 KEEPALIVE\n")


def test_decode_a_file_of_other_octets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_bytes(b"\x00rubbish" + KEEPALIVE)
    status, output = decoded(capsys, str(file))
    assert status == 1
    assert output.startswith("@0 ERROR: 8 octets are no header\n")
    assert output.endswith("@8 KEEPALIVE\n")


def test_what_is_not_whole_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert decoded(capsys, KEEPALIVE.hex()) == (0, "@0 KEEPALIVE\n")
    assert decoded(capsys, KEEPALIVE[:10].hex())[0] == 1


def test_decode_options(capsys: pytest.CaptureFixture[str]) -> None:
    negotiated = Negotiated(four_octet_as=False, add_path_send=[IPV4_UNICAST], extended_message=True)
    route = Update(
        announced=NLRI([RoutePath(f"10.{high}.{low}.0/24", 7) for high in range(3) for low in range(250)]),
        attributes=ROUTE.attributes.evolve(local_pref=7),
    )
    octets = encode(route, negotiated).hex()
    arguments = ["--two-octet-as", "--add-path", "ipv4-unicast", "--internal", "--extended-message"]
    status, output = decoded(capsys, *arguments, octets)
    assert (status, output.splitlines()[0]) == (0, "@0 UPDATE")
    assert "10.0.0.0/24 path 7" in output
    assert "fault" not in output
    for left_out in ("--two-octet-as", "--internal"):
        _, output = decoded(capsys, *(each for each in arguments if each != left_out), octets)
        assert "fault" in output
    assert decoded(capsys, *arguments[:-1], octets)[0] == 1


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("", "there is nothing to decode"),
        ("no such file", "'no such file' is neither a file"),
        ("ffg\0", "nor hexadecimal: 'g' after 2 hexadecimal digits is none"),
        ("f" * 5001, "5001 hexadecimal digits, must be two for each octet"),
    ],
)
def test_nothing_to_decode(capsys: pytest.CaptureFixture[str], what: str, reason: str) -> None:
    assert program.main(["decode", what]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("python -m bgp: ")
    assert reason in captured.err


def test_mrt_files_are_recognised(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    peers = mrt.PeerIndexTable(
        timestamp=0, collector_id="192.0.2.1", peers=[mrt.Peer(address="192.0.2.2", asn=64513)]
    )
    file = tmp_path / "rib"
    file.write_bytes(gzip.compress(mrt.encode(peers) + mrt.encode(peers)[:-1]))
    assert program.main(["decode", str(file)]) == 1
    captured = capsys.readouterr()
    expected = "1970-01-01 00:00:00 peers of 192.0.2.1\n  0: 192.0.2.2 AS 64513, router ID 0.0.0.0\n"
    assert captured.out == expected
    assert "cut short" in captured.err
    file.write_bytes(mrt.encode(peers))
    assert program.main(["decode", "--json", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["collector_id"] == "192.0.2.1"
    file.write_bytes(gzip.compress(mrt.encode(peers) + bytes(5_000_000))[:2000])
    assert program.main(["decode", str(file)]) != 0


def test_a_reader_that_has_seen_enough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [*COMMAND, "decode", KEEPALIVE.hex()], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, b"")


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_octets", interrupt)
    assert program.main(["decode", "ff"]) == 130


def test_help_is_there_for_every_command() -> None:
    for command in ([], ["decode"], ["peer"]):
        result = subprocess.run([*COMMAND, *command, "--help"], capture_output=True, text=True, check=True)
        assert result.stdout.startswith("usage: python -m bgp")
        assert all(len(line) < 130 for line in result.stdout.splitlines())


def test_it_needs_nothing_but_attrs() -> None:
    script = (
        "import sys; before = set(sys.modules); import bgp.__main__\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "sys.exit(' '.join(new - set(sys.stdlib_module_names) - {'bgp', 'attr', 'attrs'}) or 0)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


# peer


def config(router: Router) -> PeerConfig:
    return PeerConfig(
        peer_address="127.0.0.1",
        local_as=64512,
        peer_as=64513,
        port=router.port,
        router_id="192.0.2.1",
        idle_hold_time=0.05,
    )


def arguments(router: Router, *more: str) -> list[str]:
    return [
        "peer",
        "127.0.0.1",
        "--port",
        str(router.port),
        "--local-as",
        "64512",
        "--peer-as",
        "64513",
        *more,
    ]


async def started(router: Router, *more: str) -> asyncio.subprocess.Process:
    """The command, beside a router."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *COMMAND, *arguments(router, *more), stdin=pipe, stdout=pipe, stderr=pipe
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    """Exit status, output and complaints."""
    async with asyncio.timeout(DEADLINE):
        output, complaints = await process.communicate()
    return process.returncode, output.decode(), complaints.decode()


async def test_peer_announces_and_takes_lines() -> None:
    async with Router() as router:
        process = await started(
            router, "--announce", A, B, "--community", "64512:100", "no-export", "--med", "7"
        )
        await until(lambda: set(router.routes) == {A, B})
        assert router.routes[A].attributes.med == 7
        assert [str(each) for each in router.routes[A].attributes.communities] == ["64512:100", "no-export"]
        assert process.stdin is not None
        process.stdin.write(
            f"withdraw {A}\nannounce {C} next-hop 192.0.2.9\nforget {A}\nwithdraw {B}".encode()
        )
        process.stdin.close()
        await until(lambda: set(router.routes) == {C})
        assert str(router.routes[C].attributes.next_hop) == "192.0.2.9"
        process.send_signal(signal.SIGTERM)
        status, output, complaints = await ended(process)
        assert router.received[-1] == Notification(6, 2)
    assert status == 0
    assert complaints == "python -m bgp: 'forget', must be announce or withdraw\n"
    assert "OpenConfirm -> Established\nestablished with AS 64513, router ID 192.0.2.2\n" in output


async def test_peer_collects_until_the_end_of_the_routes() -> None:
    async with Router() as router:
        process = await started(router, "--until-eor", "--json", "--router-id", "192.0.2.1")
        await until(lambda: router.heard(Keepalive))
        router.send(ROUTE, Update())
        status, output, complaints = await ended(process)
    events = [json.loads(line) for line in output.splitlines()]
    (routes,) = (event for event in events if event["type"] == "RoutesReceived")
    assert (status, complaints) == (0, "")
    assert routes["announced"] == [{"prefix": "192.0.2.0/24"}]
    assert routes["time"] < events[-1]["time"]
    assert (events[-1]["type"], events[-1]["family"]) == ("EndOfRib", "ipv4-unicast")


async def test_peer_gives_up() -> None:
    async with Router(answers=False) as router:
        process = await started(router, "--timeout", "0.5")
        status, output, complaints = await ended(process)
    assert (status, complaints) == (1, "")
    assert "Connect -> OpenSent" in output


async def test_peer_is_interrupted_before_there_is_a_session() -> None:
    async with Router(answers=False) as router:
        process = await started(router)
        await until(lambda: router.heard(Open))
        process.send_signal(signal.SIGINT)
        status, _, complaints = await ended(process)
    assert (status, complaints) == (1, "")


async def test_nobody_reads_what_the_peer_says() -> None:
    async with Router() as router:
        process = await started(router)
        assert process.stdout is not None
        process.stdout._transport.close()  # type: ignore[attr-defined]  # there is no other way
        await until(lambda: router.heard(Notification))
        assert await process.wait() == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--announce", "203.0.113.7/24"], "is not a prefix"),
        (["--announce", A, "--med", "x"], "med: 'x', must be 0 to 4294967295"),
        (["--hold-time", "2"], "hold time 2 s"),
        (["--password-file", "/no/such/file"], "password file /no/such/file: No such file or directory"),
    ],
)
def test_peers_that_cannot_be(capsys: pytest.CaptureFixture[str], more: list[str], reason: str) -> None:
    assert program.main(arguments(Router(), *more, "--port", "1790")) == 2
    assert reason in capsys.readouterr().err


def test_families_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        program.main(arguments(Router(), "--family", "ipv5"))
    assert "family 'ipv5', must be such as ipv4-unicast" in capsys.readouterr().err


def test_a_configuration_from_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Injector] = []

    async def run(self: Injector) -> bool:
        made.append(self)
        return True

    monkeypatch.setattr(Injector, "run", run)
    monkeypatch.setattr(sys, "stdin", None)
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    more = ["--password-file", str(secret), "--local-address", "127.0.0.9", "--family", "ipv6-unicast", "1/1"]
    assert (
        program.main(arguments(Router(), *more, "--port", "1790", "--hold-time", "30", "--count", "9")) == 0
    )
    (injector,) = made
    assert injector.config == PeerConfig(
        local_as=64512,
        peer_as=64513,
        peer_address="127.0.0.1",
        port=1790,
        local_address="127.0.0.9",
        password=b"s3cret",
        hold_time=30,
        families=[IPV4_UNICAST, IPV6_UNICAST],
    )
    assert (injector.count, injector.until_eor, injector.lines) == (9, False, None)


def test_a_terminal_is_read_only_if_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def fileno(self) -> int:
            return 77

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert program._lines(always=False) is None
    assert program._lines(always=True) == 77


async def test_the_injector_counts_routes() -> None:
    events: list[Event] = []
    complaints: list[str] = []
    async with Router() as router:
        injector = Injector(
            config=config(router), routes=[Route(A)], show=events.append, complain=complaints.append, count=2
        )
        running = asyncio.create_task(injector.run())
        await until(lambda: A in router.routes)
        router.send(ROUTE, Update())
        router.send(Update(withdrawn=["192.0.2.0/24"]))
        async with asyncio.timeout(DEADLINE):
            assert await running is True
        await until(lambda: not router.routes)
    assert complaints == []


async def test_the_injector_obeys_lines() -> None:
    complaints: list[str] = []
    events: list[Event] = []
    reading, writing = os.pipe()
    async with Router() as router:
        injector = Injector(
            config=config(router),
            show=events.append,
            complain=complaints.append,
            lines=reading,
            until_eor=True,
        )
        running = asyncio.create_task(injector.run())
        os.write(writing, f"announce {A} {B} community 64512:1\nannounce {A} ".encode())
        await until(lambda: set(router.routes) == {A, B})
        os.write(writing, b"community nonsense\n\nwithdraw 203.0.113.2/32")
        os.close(writing)
        await until(lambda: set(router.routes) == {A})
        router.send(Update())
        async with asyncio.timeout(DEADLINE):
            assert await running is True
    os.close(reading)
    assert complaints == ["community 'nonsense', must be two numbers up to 65535, or a well-known name"]


async def test_a_signal_ends_the_injector() -> None:
    async with Router() as router:
        injector = Injector(config=config(router), show=lambda event: None, complain=print)
        running = asyncio.create_task(injector.run())
        await until(lambda: injector.was_established)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(DEADLINE):
            assert await running is True
        await until(lambda: router.received[-1] == Notification(6, 2))


async def test_the_injector_waits_for_the_end_of_all_families() -> None:
    events: list[Event] = []
    families = [IPV4_UNICAST, IPV6_UNICAST]
    both = [MultiprotocolCapability(family) for family in families]
    async with Router(answers=False) as router:
        injector = Injector(
            config=attrs.evolve(config(router), families=families),
            show=events.append,
            complain=print,
            until_eor=True,
        )
        running = asyncio.create_task(injector.run())
        await until(lambda: router.heard(Open))
        router.send(attrs.evolve(greeting(), capabilities=[*greeting().capabilities, *both]), Keepalive())
        router.send(Update(mp_unreach=MPUnreach(NLRI([], IPV6_UNICAST))), Update())
        async with asyncio.timeout(DEADLINE):
            assert await running is True
    assert [event for event in events if isinstance(event, EndOfRib)] == [
        EndOfRib(IPV6_UNICAST),
        EndOfRib(IPV4_UNICAST),
    ]


async def test_the_timeout_is_over_with_the_session_up() -> None:
    events: list[Event] = []
    loop = asyncio.get_running_loop()
    async with Router() as router:
        injector = Injector(
            config=config(router), show=events.append, complain=print, until_eor=True, timeout=2.0
        )
        end = loop.time() + 2.5
        running = asyncio.create_task(injector.run())
        await until(lambda: loop.time() > end)
        router.send(Update())
        async with asyncio.timeout(DEADLINE):
            assert await running is True
    assert events[-1] == EndOfRib(IPV4_UNICAST)


async def test_the_injector_asks_again() -> None:
    offer = [*greeting().capabilities, RouteRefreshCapability()]
    async with Router(answers=False) as router:
        injector = Injector(
            config=config(router), show=lambda event: None, complain=print, refresh=True, until_eor=True
        )
        running = asyncio.create_task(injector.run())
        await until(lambda: router.heard(Open))
        router.send(attrs.evolve(greeting(), capabilities=offer), Keepalive())
        await until(lambda: RouteRefresh(IPV4_UNICAST) in router.received)
        router.send(Update())
        async with asyncio.timeout(DEADLINE):
            assert await running is True


async def test_the_peer_may_dial() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with Router() as router:
        passive = attrs.evolve(config(router), passive=True, local_address="127.0.0.1")
        injector = Injector(config=passive, show=lambda event: None, complain=print, listen=port)
        running = asyncio.create_task(injector.run())
        await until(lambda: can_connect(port))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encode(greeting(), NEGOTIATED) + KEEPALIVE)
        await until(lambda: injector.was_established)
        os.kill(os.getpid(), signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            assert await running is True
            assert (await reader.read()).endswith(encode(Notification(6, 2), NEGOTIATED))
        writer.close()


def can_connect(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_cancelling_the_injector_is_no_signal() -> None:
    async with Router() as router:
        injector = Injector(config=config(router), show=lambda event: None, complain=print)
        running = asyncio.create_task(injector.run())
        await until(lambda: injector.was_established)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: router.received[-1] == Notification(6, 2))
