"""The command line: what it refuses, and what it does on real segments."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs
import pytest

import arp.__main__ as program
from tests.arp.namespaces import DEADLINE, Segment, segment, wait_until

VIP, VIP_6, NOBODY = "203.0.113.7", "2001:db8::7", "203.0.113.99"
COMMAND = [sys.executable, "-X", "dev", "-W", "error", "-m", "arp"]

# Sends frames from eth0, given in hexadecimal, MINE for its MAC address.
SEND = """
import socket, sys
sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
sending.bind(("eth0", 0))
mac = sending.getsockname()[4]
for text in sys.argv[1:]:
    sending.send(bytes.fromhex(text.replace("MINE", mac.hex())))
"""
ANNOUNCE = "ffffffffffff MINE 0806 0001080006040001 MINE cb007107 000000000000 cb007107"


# Without a segment


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["respond", "no-such-link", VIP], "no-such-link: no such interface"),
        (["watch", "no-such-link"], "no-such-link: no such interface"),
        (["probe", "no-such-link", VIP], "no-such-link: no such interface"),
        (["watch", "lo"], "lo: not an Ethernet interface"),
        (["respond", "lo", VIP], "lo: not an Ethernet interface"),
        (["respond", "eth0", VIP, "--refresh", "-1"], "refresh_interval -1.0, must be"),
        (["respond", "eth0", VIP, "--probe", "99"], "probe_count 99, must be 0 to 10"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"python -m arp: {complaint}")
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required: COMMAND"),
        (["respond", "eth0"], "required: ADDRESS"),
        (["respond", "eth0", "1.2.3"], "'1.2.3' is no IP address"),
        (["respond", "eth0", "224.0.0.1"], "224.0.0.1 is no address that a host"),
        (["respond", "eth0", VIP, "--friend", "02:00"], "'02:00' is no MAC address"),
        (["respond", "eth0", VIP, "--conflict-policy", "fight"], "must be one of defend, yield, ignore"),
        (["watch", "eth0", "--holder", VIP], "must be like 203.0.113.7=02:"),
        (["watch", "eth0", "--count", "0"], "'0', must be a number, 1 or more"),
        (["watch", "eth0", "--seconds", "soon"], "'soon' is no number of seconds"),
        (["probe", "eth0", VIP, "--timeout", "0"], "'0', must be a number of seconds above 0"),
        (["probe", "eth0", VIP, "--mac", "ff:ff:ff:ff:ff:ff"], "is no station's own MAC address"),
    ],
)
def test_arguments_that_cannot_be(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("command", ["respond", "watch", "probe"])
def test_help_shows_examples_and_what_the_exit_status_means(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main([command, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for word in (f"python -m arp {command} eth0", "exit status: 0", "CAP_NET_RAW"):
        assert word in told


# On a segment


@attrs.define
class Running:
    """A command that runs, and what it has written so far."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def output(self) -> str:
        """What it wrote to standard output."""
        return (self.folder / "output").read_text()

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return (self.folder / "errors").read_text()

    def wait_says(self, text: str) -> None:
        """Wait until it has written this."""
        wait_until(lambda: text in self.output or self.process.poll() is not None)
        assert text in self.output, self.output + self.errors

    def wait_complains(self, text: str) -> None:
        """Wait until it has written this to standard error."""
        wait_until(lambda: text in self.errors)

    def end(self, number: int | None = None) -> int:
        """Wait until it ends, after a signal if one is given; give its exit status."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        assert "Traceback" not in self.errors, self.errors
        assert "Warning" not in self.errors, self.errors
        return status


@attrs.define
class Commands:
    """Runs commands on the hosts of a segment."""

    lan: Segment
    folder: Path
    started: list[subprocess.Popen[bytes]] = attrs.field(factory=list)

    def start(self, host: str, *arguments: str) -> Running:
        """Start `python -m arp` with these arguments."""
        folder = self.folder / str(len(self.started))
        folder.mkdir()
        with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(self.command(host, *arguments), stdout=output, stderr=errors)
        self.started.append(process)
        return Running(process, folder)

    def run(self, host: str, *arguments: str) -> tuple[int, str]:
        """Run it to its end; give its exit status and output."""
        running = self.start(host, *arguments)
        return running.end(), running.output

    def command(self, host: str, *arguments: str) -> list[str]:
        """Give the command to start."""
        return ["ip", "netns", "exec", self.lan.namespace(host), *COMMAND, *arguments]

    def respond(self, host: str, *arguments: str) -> Running:
        """Start to answer, and wait until it does."""
        running = self.start(host, "respond", "eth0", *arguments)
        running.wait_says(": held")
        return running

    def watch(self, host: str, *arguments: str) -> Running:
        """Start to watch, and wait until it sees something that the host itself sends."""
        running = self.start(host, "watch", "eth0", *arguments)
        ask = "ffffffffffff MINE 0806 0001080006040001 MINE 00000000 000000000000 c0000263"

        def sees() -> bool:
            self.lan.python(host, SEND, ask)
            return "192.0.2.99" in running.output or running.process.poll() is not None

        wait_until(sees)
        return running


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    """Give commands on a segment whose client has addresses of both families."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    if shutil.which("ip") is None:
        pytest.skip("needs the program ip (Debian: iproute2)")
    with segment() as lan:
        lan.ip("client", "address", "add", "2001:db8::1/64", "dev", "eth0", "nodad")
        made = Commands(lan, tmp_path)
        try:
            yield made
        finally:
            for process in made.started:
                process.kill()
                process.wait()


def send(lan: Segment, host: str, address: str) -> None:
    """Make a kernel resolve an address of either family."""
    code = "import socket, sys; a = sys.argv[1]; socket.socket(10 if ':' in a else 2, 2).sendto(b'?', (a, 9))"
    lan.python(host, code, address)


def is_reachable(lan: Segment, address: str) -> bool:
    """Whether the client's kernel knows that node-a has an address, and answers."""
    return lan.neighbour(address) == (lan.mac("node-a"), "REACHABLE")


# respond


@pytest.mark.root
def test_respond_answers_the_kernel_of_a_client_in_both_families(commands: Commands) -> None:
    lan = commands.lan
    running = commands.respond("node-a", VIP, VIP_6)
    for address in (VIP, VIP_6):
        send(lan, "client", address)
        wait_until(partial(is_reachable, lan, address))
    running.wait_says(f"{VIP}: held, 1 answer")
    running.wait_says(f"{VIP_6}: held, 1 answer")
    assert running.end(signal.SIGTERM) == 0
    assert f"answering as {lan.mac('node-a')}, the link is up" in running.output
    assert [line.split()[1] for line in running.output.splitlines()[-2:]] == [f"{VIP}:", f"{VIP_6}:"]


@pytest.mark.root
def test_respond_tells_conflicts_and_what_became_of_the_link_at_once(commands: Commands) -> None:
    lan = commands.lan
    running = commands.respond("node-a", VIP)
    lan.python("node-b", SEND, ANNOUNCE)
    running.wait_says(f"eth0: CONFLICT, {VIP} is used by {lan.mac('node-b')}; defended")
    running.wait_says("1 conflict, 1 defence")
    lan.ip("node-a", "link", "set", "eth0", "down")
    running.wait_says("eth0: the link is down")
    lan.ip("node-a", "link", "set", "eth0", "up")
    running.wait_says("eth0: the link is up")
    assert running.end(signal.SIGINT) == 0


@pytest.mark.root
def test_respond_leaves_an_address_to_a_host_that_has_it(commands: Commands) -> None:
    lan = commands.lan
    lan.ip("node-b", "address", "add", f"{VIP}/24", "dev", "eth0")
    running = commands.start("node-a", "respond", "eth0", VIP, "--probe", "2", "--conflict-policy", "yield")
    running.wait_says(f"CONFLICT, {VIP} is used by {lan.mac('node-b')}; yielded")
    running.wait_says(f"{VIP}: yielded, 0 answers")
    assert running.end(signal.SIGINT) == 0


@pytest.mark.root
def test_respond_keeps_its_lines_in_place_on_a_terminal(commands: Commands) -> None:
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        running = commands.command("node-a", "respond", "eth0", VIP)
        process = subprocess.Popen(running, stdout=theirs, stderr=theirs)
        commands.started.append(process)
        os.close(theirs)
        written = b""
        while written.count(b"\x1b[1F\x1b[J") < 2:  # the announcements that follow change the row
            written += terminal.read(4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
    assert written.count(b": held, 0 answers, ") >= 2


# watch


@pytest.mark.root
def test_watch_marks_two_holders_of_an_address(commands: Commands) -> None:
    lan = commands.lan
    watching = commands.watch("client")
    responder = commands.respond("node-a", VIP)
    lan.ip("node-b", "address", "add", f"{VIP}/24", "dev", "eth0")
    commands.run("client", "probe", "eth0", VIP, "--timeout", "0.5")
    watching.wait_says("! CONFLICT")
    responder.end(signal.SIGTERM)
    assert watching.end(signal.SIGTERM) == 1
    (told,) = {line.partition("CONFLICT")[2] for line in watching.output.splitlines() if "! CONFLICT" in line}
    assert f"{VIP} is used by " in told
    assert lan.mac("node-a") in told
    assert lan.mac("node-b") in told
    assert "CONFLICT" in watching.errors


@pytest.mark.root
def test_watch_gives_json_and_only_what_is_asked_for(commands: Commands) -> None:
    lan = commands.lan
    watching = commands.watch(
        "client",
        "--json",
        "--address",
        VIP,
        "--address",
        "192.0.2.99",
        "--holder",
        f"{VIP}={lan.mac('node-a')}",
    )
    lan.python("node-b", SEND, ANNOUNCE.replace("cb007107", "cb007108"), ANNOUNCE)
    watching.wait_says('"conflict"')
    assert watching.end(signal.SIGINT) == 1
    seen = [json.loads(line) for line in watching.output.splitlines()]
    assert {fact.get("target") for fact in seen} == {VIP, "192.0.2.99", None}
    assert seen[-1] == {
        "time": seen[-1]["time"],
        "what": "conflict",
        "address": VIP,
        "mac": lan.mac("node-b"),
        "other": lan.mac("node-a"),
        "ago": None,
    }


@pytest.mark.root
def test_watch_shows_tags_and_what_this_host_sends(commands: Commands) -> None:
    lan = commands.lan
    watching = commands.watch("node-a")
    responder = commands.respond("node-a", VIP)
    lan.python("client", SEND, ANNOUNCE.replace("0806", "8100 0005 0806"))
    watching.wait_says("[VLAN 5]")
    watching.wait_says(f"{VIP} is at {lan.mac('node-a')}, told to all by gratuitous request\n")
    responder.end(signal.SIGTERM)
    assert watching.end(signal.SIGINT) == 0


@pytest.mark.root
@pytest.mark.parametrize("more", [[], ["--promiscuous"]])
def test_watch_opens_the_network_card_while_it_runs(commands: Commands, more: list[str]) -> None:
    def modes() -> tuple[int, int]:
        (link,) = json.loads(commands.lan.ip("node-a", "-j", "-d", "link", "show", "eth0"))
        return link["allmulti"], link["promiscuity"]

    watching = commands.watch("node-a", *more)
    assert modes() == (1, len(more))
    assert watching.end(signal.SIGINT) == 0
    assert modes() == (0, 0)


@pytest.mark.root
def test_watch_ends_when_enough_was_seen_or_the_time_is_over(commands: Commands) -> None:
    watching = commands.watch("node-a", "--count", "1", "--address", "192.0.2.99")
    assert watching.end() == 0
    assert len(watching.output.splitlines()) == 1
    assert watching.errors == "python -m arp: 1 frame shown\n"
    assert commands.run("node-a", "watch", "eth0", "--seconds", "0.1", "--address", NOBODY) == (0, "")


@pytest.mark.root
def test_watch_outlives_a_link_that_is_down_and_tells_of_an_interface_that_is_gone(
    commands: Commands,
) -> None:
    lan = commands.lan
    watching = commands.watch("node-a")
    for state in ("down", "up"):
        lan.ip("node-a", "link", "set", "eth0", state)
        watching.wait_complains(f"eth0: the link is {state}")
    lan.python("client", SEND, ANNOUNCE)
    watching.wait_says(VIP)
    lan.ip("node-a", "link", "delete", "eth0")
    assert watching.end() == 2
    assert watching.errors.endswith("python -m arp: eth0: the interface was removed\n")


@pytest.mark.root
def test_a_reader_who_has_seen_enough_is_no_error(commands: Commands) -> None:
    process = subprocess.Popen(
        commands.command("node-a", "watch", "eth0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    commands.started.append(process)
    assert process.stdout is not None
    process.stdout.close()

    def has_ended() -> bool:
        commands.lan.python("client", SEND, ANNOUNCE)
        return process.poll() is not None

    wait_until(has_ended)
    assert process.stderr is not None
    with process.stderr:
        assert (process.returncode, process.stderr.read()) == (1, b"")


@pytest.mark.root
@pytest.mark.parametrize("arguments", [["respond", "eth0", VIP], ["probe", "eth0", VIP]])
def test_output_that_cannot_be_written_ends_a_command(commands: Commands, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            commands.command("node-a", *arguments),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "python -m arp: cannot go on: No space left on device\n")


@pytest.mark.root
@pytest.mark.parametrize("arguments", [["watch", "eth0"], ["respond", "eth0", VIP], ["probe", "eth0", VIP]])
def test_without_the_privilege_the_error_names_it(commands: Commands, arguments: list[str]) -> None:
    code = (
        "import os, sys, arp.__main__ as p; os.setresuid(65534, 65534, 65534); sys.exit(p.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        ["ip", "netns", "exec", commands.lan.namespace("node-a"), sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "python -m arp: eth0: a packet socket needs the capability CAP_NET_RAW\n"


# probe


@pytest.mark.root
@pytest.mark.parametrize("address", [VIP, VIP_6])
def test_probe_tells_who_has_an_address(commands: Commands, address: str) -> None:
    lan = commands.lan
    quick = ("--timeout", "0.5")
    status, told = commands.run("client", "probe", "eth0", address, *quick)
    assert (status, told.splitlines()[-1]) == (1, f"nobody has {address}: 1 asked, no answer")

    responder = commands.respond("node-a", address)
    status, told = commands.run("client", "probe", "eth0", address, "--count", "2", *quick)
    assert (status, len(told.splitlines())) == (0, 3)
    assert told.splitlines()[-1].startswith(f"{lan.mac('node-a')}: 2 of 2 answered, fastest ")

    prefix = 64 if ":" in address else 24
    nodad = ["nodad"] if ":" in address else []
    lan.ip("node-b", "address", "add", f"{address}/{prefix}", "dev", "eth0", *nodad)
    status, told = commands.run("client", "probe", "eth0", address, *quick)
    assert (status, told.splitlines()[-1]) == (3, f"CONFLICT: 2 stations have {address}")

    responder.end(signal.SIGTERM)
    status, told = commands.run("client", "probe", "eth0", address, "--json", *quick)
    (answers,) = [json.loads(line)["answers"] for line in told.splitlines()]
    assert (status, [answer["mac"] for answer in answers]) == (0, [lan.mac("node-b")])
    assert 0 < answers[0]["elapsed"] < 0.5


@pytest.mark.root
def test_probe_of_one_station_asks_no_other(commands: Commands) -> None:
    lan = commands.lan
    lan.ip("node-b", "address", "add", f"{VIP}/24", "dev", "eth0")
    asked = ("probe", "eth0", VIP, "--timeout", "0.3", "--mac")
    assert commands.run("client", *asked, lan.mac("node-b"))[0] == 0
    assert commands.run("client", *asked, lan.mac("node-a"))[0] == 1


@pytest.mark.root
def test_probe_that_is_interrupted_tells_what_it_has(commands: Commands) -> None:
    lan = commands.lan
    lan.ip("node-b", "address", "add", f"{VIP}/24", "dev", "eth0")
    running = commands.start("client", "probe", "eth0", VIP, "--count", "100000", "--timeout", "0.1")
    running.wait_says("3: ")
    assert running.end(signal.SIGINT) == 0
    assert running.output.splitlines()[-1].startswith(f"{lan.mac('node-b')}: ")
