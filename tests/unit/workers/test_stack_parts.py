"""The small parts of the supervisor: lock, ports, report, screen."""

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.folder import lock
from workers.folder.lock import FolderInUse
from workers.folder.places import Places
from workers.folder.readiness import is_marked, marked_ready
from workers.folder.report import down_report, read_report, write_json
from workers.stack import ports
from workers.stack.ports import PORTS, PortInUse
from workers.stack.screen import Screen

HOLD = """
import sys
from pathlib import Path
from tests.ports import HeldPort
from workers.folder.places import Places
from tests.ports import HeldPort
from workers.folder import lock
with lock.hold(Places(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "state")
    found.prepare()
    return found


@pytest.fixture
def holder(places: Places) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLD, str(places.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_nobody_holds_a_new_folder(places: Places) -> None:
    assert lock.holder(places) is None
    assert lock.holder(Places(places.root / "nowhere")) is None


def test_a_held_folder_is_refused_and_names_its_holder(
    places: Places, holder: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.2)
    assert lock.holder(places) == holder.pid
    with pytest.raises(FolderInUse) as taken, lock.hold(places):
        pass
    assert taken.value.pid == holder.pid


def test_the_lock_ends_with_its_holder(places: Places, holder: "subprocess.Popen[bytes]") -> None:
    holder.kill()
    holder.wait()
    with lock.hold(places):
        assert lock.holder(places) == os.getpid()


def test_the_folder_is_for_its_owner_alone(places: Places) -> None:
    assert places.root.stat().st_mode & 0o077 == 0


def test_a_report_counts_while_its_writer_holds_the_folder(
    places: Places, holder: "subprocess.Popen[bytes]"
) -> None:
    write_json(places.report, {**down_report(places), "pid": holder.pid, "ready": True})
    assert read_report(places)["ready"] is True
    write_json(places.report, {**down_report(places), "pid": holder.pid + 1, "ready": True})
    assert (read_report(places)["ready"], read_report(places)["pid"]) == (False, holder.pid)


@pytest.mark.parametrize("content", ["", "[]", "{", "\xff"])
def test_a_report_that_cannot_be_read_is_none(
    content: str, places: Places, holder: "subprocess.Popen[bytes]"
) -> None:
    places.report.write_text(content, encoding="latin-1")
    assert read_report(places) == {**down_report(places), "pid": holder.pid}


def test_ports_are_the_usual_ones_or_free_ones_and_stay(places: Places) -> None:
    with ports.chosen(PORTS, {}, places) as first:
        assert len(set(first.values())) == len(PORTS)
        with ports.chosen(PORTS, {}, Places(places.root)) as second:
            assert not set(first.values()) & set(second.values())
    with ports.chosen(PORTS, {}, places) as again:
        assert again == second


def test_a_port_of_last_time_that_is_in_use_now_is_replaced(places: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        write_json(places.ports, {"nats": port})
        with ports.chosen(["nats"], {}, places) as chosen:
            assert chosen["nats"] != port


def test_a_port_that_is_asked_for_is_used_or_refused(places: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as refused, ports.chosen(["nats"], {"nats": port}, places):
            pass
        assert (refused.value.name, refused.value.port) == ("nats", port)
    with ports.chosen(["nats"], {"nats": port}, places) as chosen:
        assert chosen == {"nats": port}


def test_a_worker_is_ready_for_the_length_of_its_work(places: Places) -> None:
    file = places.ready_file("relay")
    with marked_ready(file):
        assert is_marked(file, os.getpid())
        assert not is_marked(file, os.getpid() + 1)
    assert not file.exists()


def test_a_pipe_gets_the_line_as_it_is_with_its_prefix(places: Places) -> None:
    stream = io.StringIO()
    screen = Screen(places, stream)
    screen.line("nats", "[1] Server is ready")
    screen.line("cases", '{"event": "ready"}')
    screen.line("cases", "only kept", shown=False)
    screen.close()
    assert stream.getvalue() == 'nats     | [1] Server is ready\ncases    | {"event": "ready"}\n'
    assert places.log_of("cases").read_text() == '{"event": "ready"}\nonly kept\n'


def test_a_terminal_gets_json_as_a_line_for_people(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal()
    screen = Screen(places, terminal)
    fields = {"ts": "2024-05-12T16:00:00Z", "level": "warning", "event": "died", "service": "x"}
    screen.line("cases", json.dumps({**fields, "pid": 3}))
    screen.line("cases", "[1, 2]")
    screen.close()
    first, second = terminal.getvalue().splitlines()
    assert first.startswith("cases    | ")
    assert first.endswith(":00:00 warning died pid=3")
    assert second == "cases    | [1, 2]"


def test_each_process_has_its_colour(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    screen = Screen(places, terminal)
    screen.line("cases", "a")
    screen.line("relay", "b")
    screen.close()
    colours = {line.split("m", 1)[0] for line in terminal.getvalue().splitlines()}
    assert len(colours) == 2


def test_a_disk_that_is_full_does_not_end_anything(places: Places) -> None:
    places.log_of("cases").parent.mkdir(parents=True, exist_ok=True)
    places.log_of("cases").symlink_to("/dev/full")
    terminal = io.StringIO()
    screen = Screen(places, terminal)
    screen.line("cases", "a")
    screen.line("cases", "b")
    screen.close()
    assert terminal.getvalue() == "cases    | a\ncases    | b\n"


def test_a_terminal_that_is_gone_does_not_end_anything(places: Places) -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError(text)

    screen = Screen(places, Gone())
    screen.line("cases", "a")
    screen.line("cases", "b")
    screen.close()
    assert places.log_of("cases").read_text() == "a\nb\n"


def test_what_is_said_arrives_line_by_line(places: Places) -> None:
    stream = io.StringIO()
    screen = Screen(places, stream)
    said = screen.said("tuixuan")
    said.write("one\ntw")
    said.write("o\n")
    screen.close()
    assert stream.getvalue() == "tuixuan  | one\ntuixuan  | two\n"
