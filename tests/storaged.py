"""The example storaged as a process, and sessions with it as documents show them."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.running import DEADLINE

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "examples" / "storaged"
SHELL = Path(sys.executable).parent / "qmp-shell"


class Storaged:
    """A storaged that serves at a socket of ours."""

    def __init__(self, path: Path, *words: str) -> None:
        self.path = str(path)
        self.address = f"unix:{path}"
        self.process = subprocess.Popen(
            [sys.executable, FOLDER / "storaged.py", self.address, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_ready(self) -> None:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line == f"storaged: serving at {self.address}\n", line

    def finish(self) -> tuple[int, str, str]:
        """Return its status, and what it printed since, when it has ended by itself."""
        stdout, stderr = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, stdout, stderr


@contextlib.contextmanager
def start(path: Path, *words: str) -> Iterator[Storaged]:
    """Start storaged; in the end it must have had nothing to say, and end as it should."""
    storaged = Storaged(path, *words)
    try:
        storaged.await_ready()
        yield storaged
        storaged.process.send_signal(signal.SIGTERM)
        assert storaged.finish() == (0, "", "")
        assert not path.exists()
    finally:
        storaged.process.kill()
        storaged.process.communicate()


def run_shell(path: str, *lines: str, words: tuple[str, ...] = ()) -> str:
    """Return what qmp-shell prints when it is given these lines."""
    done = subprocess.run(
        [SHELL, *words, path],
        input="".join(f"{line}\n" for line in lines),
        # It keeps a history in the home folder.
        env={**os.environ, "HOME": str(Path(path).parent)},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


class Relay:
    """Stands between clients and a server, and keeps what clients send."""

    def __init__(self, path: Path, target: str) -> None:
        self.address = f"unix:{path}"
        self.sent = b""
        self._target = target
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "Relay":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        # That wakes accept().
        self._listening.shutdown(socket.SHUT_RDWR)
        for each in self._threads:
            each.join()
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self._threads.append(threading.Thread(target=self._serve, args=[client]))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            back = threading.Thread(target=_pass_on, args=[server, client, lambda _: None])
            back.start()
            _pass_on(client, server, self._keep)
            back.join()

    def _keep(self, data: bytes) -> None:
        self.sent += data


def _pass_on(source: socket.socket, sink: socket.socket, keep: Callable[[bytes], None]) -> None:
    """Pass on what comes until there is no more."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            keep(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def mask_times(text: str) -> str:
    """Return a text without what differs from one run to the next."""
    return re.sub(r"""(['"](?:micro)?seconds['"]: )\d+""", r"\1N", text)
