"""Run `tuixuan` commands: each a process of its own, without two seconds of imports each.

A server imports everything once and forks for each command. What runs is the command itself:
its own exit code, its own output, its own connections. This file is the server, too.
"""

import atexit
import functools
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ASK_BYTES = 1 << 20
WARM = (
    "cli.commands.case.actions", "cli.connections.services", "cli.connections.stream",
    "cli.connections.viewer", "cli.frame.moments", "services.cases.access",
    "services.notifications.access", "services.reconcile.comparison", "services.reconcile.runs",
    "services.audit.custody", "services.seasons.opening", "services.webhooks.deliveries",
)  # fmt: skip
"""What the forks find imported: nearly all that the commands import when they run."""
CRASHED = 70


class Commands:
    """The server and the way to ask it, from several threads at once if need be."""

    def __init__(self) -> None:
        """Start the server."""
        self._folder = tempfile.mkdtemp(prefix="tx-")  # a socket's path has to be short
        self._address = str(Path(self._folder, "commands"))
        self._server = subprocess.Popen(
            [sys.executable, __file__, self._address],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"listening\n"

    def run(
        self, arguments: Sequence[str], environ: Mapping[str, str], within: float
    ) -> "subprocess.CompletedProcess[str]":
        """Run one command.

        Raises:
            TimeoutExpired: It took longer than `within` seconds, and was killed.
        """
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as ask,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            ask.connect(self._address)
            text = json.dumps({"arguments": list(arguments), "environ": dict(environ)})
            socket.send_fds(ask, [text.encode()], [out.fileno(), err.fileno()])
            pid = int(ask.recv(64))
            ask.settimeout(within)
            try:
                code = int(ask.recv(64) or -signal.SIGKILL)  # silence: somebody killed it
            except TimeoutError as error:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), within) from error
            said = [file.read().decode() for file in (out, err) if file.seek(0) == 0]
        return subprocess.CompletedProcess(list(arguments), code, *said)

    def close(self) -> None:
        """Stop the server."""
        self._server.terminate()
        self._server.communicate()
        shutil.rmtree(self._folder)


@functools.cache
def commands() -> Commands:
    """Return the one server of this process."""
    server = Commands()
    atexit.register(server.close)
    return server


def serve(address: str) -> None:
    """Import everything, then fork for each command that is asked for."""
    for module in WARM:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(address)
        server.listen(64)
        print("listening", flush=True)
        while True:
            ask, _ = server.accept()
            if os.fork() == 0:
                server.close()
                be_the_command(ask)
            ask.close()


def be_the_command(ask: socket.socket) -> None:
    """Take the output and the environment, run, tell the exit code, end."""
    from cli.main import run

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    text, files, _, _ = socket.recv_fds(ask, ASK_BYTES, 2)
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)
    ask.send(str(os.getpid()).encode())
    asked = json.loads(text)
    os.environ.clear()
    os.environ.update(asked["environ"])
    code = CRASHED
    try:
        code = run(asked["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        ask.send(str(int(code)).encode())
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
