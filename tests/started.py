"""Really starting a QEMU with a command line, to learn whether it accepts it.

It is stopped (-S), shows nothing, has no guest and no time to run: as soon as it greets, it is told
to quit.
"""

import os
import shlex
import socket
import subprocess
import tempfile
import time
from typing import NamedTuple

# Seconds until a QEMU must have greeted and ended.
_DEADLINE = 20.0
_QUIT = b'{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n'


class Start(NamedTuple):
    """What became of it: accepted, refused, or None when that was not to be learned."""

    accepted: bool | None
    stderr: str


def complete(row):
    """Return the words that QEMU gets for a row: what lacks of a machine that shows nothing."""
    words = shlex.split(row)
    names = {word.lstrip("-") for word in words if word.startswith("-")}
    base = ["-S", "-nodefaults", "-machine", "q35"]
    if not names & {"display", "nographic"}:
        base += ["-display", "none"]
    return [*base, *words]


def start(binary, words):
    """Start `binary` with these words; return whether it greeted and then ended well."""
    ours, theirs = socket.socketpair()
    monitor = ["-chardev", f"socket,id=qscope-test,fd={theirs.fileno()}"]
    monitor += ["-mon", "chardev=qscope-test,mode=control"]
    with ours, tempfile.TemporaryFile("w+", errors="replace") as log:
        with theirs:
            child = subprocess.Popen(
                [*_as_nobody(binary), binary, *monitor, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/tmp",
                env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C"},
            )
        deadline = time.monotonic() + _DEADLINE
        try:
            greeted = _hear(ours, deadline)
            status = child.wait(max(0.1, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            greeted, status = False, -1
        finally:
            ours.close()
            child.kill()
            child.wait()
        log.seek(0)
        text = log.read()
    # A QEMU that a signal ended crashed: that is no refusal.
    accepted = None if status < 0 or status >= 128 else greeted and status == 0
    return Start(accepted, text)


def _as_nobody(binary):
    """Return what takes root's rights away: -pidfile /dev/null would remove the file.

    A script that wraps a QEMU in a chroot needs them.
    """
    with open(binary, "rb") as file:
        is_script = file.read(2) == b"#!"
    if os.geteuid() or is_script:
        return []
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def _hear(channel, deadline):
    """Wait for the greeting, ask it to quit, wait for its end; return whether it greeted."""
    data = b""
    while b'"QMP"' not in data or b"\n" not in data:
        channel.settimeout(max(0.1, deadline - time.monotonic()))
        received = channel.recv(65536)
        if not received:
            return False
        data += received
    try:
        channel.sendall(_QUIT)
        while channel.recv(65536):
            pass
    except TimeoutError:
        raise
    except OSError:
        pass
    return True
