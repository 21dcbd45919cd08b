"""What a QEMU really does: a check for each fact that qscope answers by a witness or not at all.

Every QEMU here runs no guest (-S), has deadlines and is reaped. Nothing needs a file that a QEMU in
a container would not see.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time

# Seconds that nothing here takes.
_DEADLINE = 20
_COMMON = ("-S", "-nodefaults", "-no-user-config", "-display", "none")
_IMAGE_SIZE = 1 << 20


class RefusedError(Exception):
    """QEMU answered a command with an error."""


class Qemu:
    """A running QEMU and its monitor; a context manager that ends it."""

    def __init__(self, binary, *arguments, machine="none"):
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_DEADLINE)
        with theirs:
            number = theirs.fileno()
            monitor = ("-chardev", f"socket,id=qmp,fd={number}", "-mon", "chardev=qmp,mode=control")
            self._process = subprocess.Popen(
                [binary, *_COMMON, "-machine", machine, *monitor, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[number],
                start_new_session=True,
            )
        self._lines = self._socket.makefile("rb")
        self._events = []

    def __enter__(self):
        try:
            self._receive()
            self.execute("qmp_capabilities")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_DEADLINE)
        self._lines.close()
        self._socket.close()

    def execute(self, command, /, *, descriptors=(), **arguments):
        """Return what a command returns. Raises RefusedError."""
        message = {"execute": command, "arguments": arguments}
        socket.send_fds(self._socket, [json.dumps(message).encode()], descriptors)
        while "event" in (reply := self._receive()):
            self._events.append(reply["event"])
        if "error" in reply:
            raise RefusedError(reply["error"]["desc"])
        return reply["return"]

    def find_refusal(self, command, /, **arguments):
        """Return the error that a command is answered with, "" where it is taken."""
        try:
            self.execute(command, **arguments)
        except RefusedError as refusal:
            return str(refusal)
        return ""

    def wait_for(self, event):
        """Wait until an event was sent."""
        while event not in self._events:
            self._events.append(self._receive().get("event"))

    def end(self):
        """Ask it to end; return its exit status."""
        self.execute("quit")
        return self._process.wait(_DEADLINE)

    def _receive(self):
        line = self._lines.readline()
        if not line:
            raise EOFError
        return json.loads(line)


def _starts(*arguments, machine="none"):
    """Make a check: whether a QEMU with these arguments comes up."""

    def check(binary):
        try:
            with Qemu(binary, *arguments, machine=machine) as qemu:
                return qemu.end() == 0
        except (EOFError, ConnectionError):
            return False

    return check


def _parses(*arguments):
    """Make a check: whether QEMU has nothing against these arguments before it does anything."""

    def check(binary):
        return _run(binary, *arguments, "-version").returncode == 0

    return check


def _run(binary, *arguments):
    return subprocess.run(
        ["timeout", "-k1", str(_DEADLINE), binary, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * _DEADLINE,
    )


def _refuses(command, *, but_takes=None, machine="none", **arguments):
    """Make a check: whether a command is refused, though it is not with `but_takes`."""

    def check(binary):
        with Qemu(binary, machine=machine) as qemu:
            refused = bool(qemu.find_refusal(command, **arguments))
            if but_takes is not None:
                qemu.execute(command, **(arguments | but_takes))
            return refused

    return check


def _unplugs_what_json_plugged(binary):
    device = json.dumps({"driver": "usb-tablet", "id": "tablet"})
    try:
        with Qemu(binary, "-device", device, machine="pc,usb=on") as qemu:
            qemu.execute("device_del", id="tablet")
            qemu.wait_for("DEVICE_DELETED")
            return True
    except (EOFError, ConnectionError, TimeoutError):
        return False


def _needs_audiodev(binary):
    audio = ("-audiodev", "none,id=a", "-device")
    assert _starts(*audio, "AC97,audiodev=a", machine="pc")(binary)
    return not _starts(*audio, "AC97", machine="pc")(binary)


def _helps_with_on_and_off(binary):
    text = _run(binary, "-device", "virtio-rng-pci,help").stdout
    is_new, is_old = "(default: off)" in text, "(default: false)" in text
    assert is_new != is_old, text
    return is_new


def _migrates_to_a_file(binary):
    with Qemu(binary) as qemu:
        uris = ("file:/no/such/folder/file", "nosuch:x")
        refusals = [qemu.find_refusal("migrate", uri=uri).replace(uri, "URI") for uri in uris]
    assert all(refusals)
    return refusals[0] != refusals[1]


def _add_image(qemu):
    """Give QEMU a node 'file' with an empty qcow2 image in it, in memory."""
    number = os.memfd_create("image")
    try:
        qemu.execute("add-fd", descriptors=[number], **{"fdset-id": 1})
    finally:
        os.close(number)
    file = {"driver": "file", "node-name": "file", "filename": "/dev/fdset/1"}
    qemu.execute("blockdev-add", **file)
    options = {"driver": "qcow2", "file": "file", "size": _IMAGE_SIZE}
    qemu.execute("blockdev-create", **{"job-id": "create", "options": options})
    deadline = time.monotonic() + _DEADLINE
    while (job := qemu.execute("query-jobs")[0])["status"] != "concluded":
        assert time.monotonic() < deadline, job
        time.sleep(0.01)
    assert "error" not in job, job
    qemu.execute("job-dismiss", id="create")


def _commits_the_active_layer(binary):
    base = {"driver": "null-co", "node-name": "base", "size": _IMAGE_SIZE}
    top = {"driver": "qcow2", "node-name": "top", "file": "file", "backing": "base"}
    with Qemu(binary) as qemu:
        _add_image(qemu)
        qemu.execute("blockdev-add", **base)
        qemu.execute("blockdev-add", **top)
        if qemu.find_refusal("block-commit", **{"device": "top", "job-id": "commit"}):
            return False
        qemu.wait_for("BLOCK_JOB_READY")
        qemu.execute("job-complete", id="commit")
        qemu.wait_for("BLOCK_JOB_COMPLETED")
        return True


def _saves_with_nodes(binary):
    with Qemu(binary, "-m", "16", machine="pc") as qemu:
        _add_image(qemu)
        qemu.execute("blockdev-add", **{"driver": "qcow2", "node-name": "disk", "file": "file"})
        qemu.execute("device_add", driver="virtio-blk-pci", drive="disk")
        for line in ("savevm here", "info snapshots"):
            said = qemu.execute("human-monitor-command", **{"command-line": line})
        return "here" in said


_HUBPORT = {"type": "hubport", "id": "hub", "hubid": 1}
_MEMORY = {"qom-type": "memory-backend-ram", "id": "memory", "size": 1 << 20}
_CHANNEL = {
    "channel-type": "main",
    "addr": {"transport": "socket", "type": "inet", "host": "127.0.0.1", "port": "0"},
}
_RNG = {"driver": "virtio-rng-pci"}

# Each says of a binary whether the fact holds.
CHECKS = {
    "option:compat": _parses("-compat", "deprecated-input=accept"),
    "option:action": _parses("-action", "panic=none"),
    "behaviour:netdev-json": _starts("-netdev", json.dumps(_HUBPORT)),
    "behaviour:device-json": _unplugs_what_json_plugged,
    "behaviour:object-json": _starts("-object", json.dumps(_MEMORY)),
    "behaviour:incoming-json": _starts("-incoming", json.dumps(_CHANNEL)),
    "behaviour:machine-smp": _starts(machine="pc,smp.cpus=2"),
    "behaviour:machine-boot": _starts(machine="pc,boot.menu=on"),
    "behaviour:machine-memory": _starts(machine="pc,memory.size=64M"),
    "behaviour:smp-zero": _starts("-smp", "2,sockets=0", machine="pc"),
    "behaviour:hex-size-suffix": _starts("-object", "memory-backend-ram,id=memory,size=0x20M"),
    "behaviour:mem-lock-on-fault": _parses("-overcommit", "mem-lock=on-fault"),
    "behaviour:nic-model-warning": _starts("-nic", "hubport,hubid=1,model=nosuch", machine="pc"),
    "behaviour:audiodev-required": _needs_audiodev,
    "behaviour:audio-without-model": _starts("-audio", "none"),
    "behaviour:device-help-on-off": _helps_with_on_and_off,
    "behaviour:device-add-strict": _refuses(
        "device_add", driver="virtio-net-pci", bootindex="1", but_takes={"bootindex": 2},
        machine="pc",
    ),
    "behaviour:device-add-nonscalars": _refuses(
        "device_add", **_RNG, **{"no-such-property": [1]}, machine="pc"
    ),
    "behaviour:device-add-id-check": _refuses(
        "device_add", **_RNG, id="a b", but_takes={"id": "a"}, machine="pc"
    ),
    "behaviour:netdev-add-id-check": _refuses(
        "netdev_add", **_HUBPORT | {"id": "a b"}, but_takes={"id": "a"}
    ),
    "behaviour:object-add-id-check": _refuses(
        "object-add", **_MEMORY | {"id": "a b"}, but_takes={"id": "a"}
    ),
    "behaviour:file-regular-only": _refuses(
        "blockdev-add", driver="file", filename="/dev/zero", **{"node-name": "zero"}
    ),
    "behaviour:block-commit-active": _commits_the_active_layer,
    "behaviour:savevm-blockdev": _saves_with_nodes,
    "behaviour:migrate-file": _migrates_to_a_file,
}  # fmt: skip
