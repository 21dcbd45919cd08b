"""What a user names, and the cache: a fake QEMU counts how often it is started."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec import Raw

from qscope.errors import ProbeError, QscopeError, SnapshotError, TargetError
from qscope.load import cache, load, open_interface, record
from qscope.load.opening import EMBEDDED
from qscope.model.snapshot import decode_snapshot, encode_snapshot
from qscope.model.transcript import Transcript

SCHEMA = [
    {"meta-type": "command", "name": "stop", "arg-type": "0", "ret-type": "0"},
    {"meta-type": "object", "name": "0", "members": []},
]
COUNTING_QEMU = f"""#!{sys.executable}
import json, socket, sys
with open(__file__ + ".starts", "a") as log:
    log.write(" ".join(sys.argv[1:2]) + "\\n")
if "-version" in sys.argv:
    sys.exit(print(open(__file__ + ".version").read()))
number = next(a for a in sys.argv if a.startswith("socket,")).rpartition("=")[2]
monitor = socket.socket(fileno=int(number))
def send(message):
    monitor.sendall(json.dumps(message).encode() + b"\\n")
send({{"QMP": {{"version": {{}}, "capabilities": []}}}})
for line in monitor.makefile():
    question = json.loads(line)
    if question["execute"] == "query-qmp-schema":
        send({{"return": {SCHEMA!r}, "id": question["id"]}})
    elif question["execute"] in ("qmp_capabilities", "quit"):
        send({{"return": {{}}, "id": question["id"]}})
    else:
        send({{"error": {{"class": "CommandNotFound", "desc": "no"}}, "id": question["id"]}})
    if question["execute"] == "quit":
        break
"""


class Fake:
    """A script that plays QEMU and keeps count."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "qemu-fake"
        self.path.write_text(COUNTING_QEMU)
        self.path.chmod(0o755)
        self.set_version("QEMU emulator version 1")

    def set_version(self, text: str) -> None:
        Path(f"{self.path}.version").write_text(text)

    @property
    def probes(self) -> int:
        """How often it was started to be asked, not only for its version."""
        starts = Path(f"{self.path}.starts")
        lines = starts.read_text().splitlines() if starts.exists() else []
        return sum(line == "-S" for line in lines)


@pytest.fixture
def fake(tmp_path) -> Fake:
    return Fake(tmp_path)


def test_a_cached_binary_is_not_started_again(fake):
    first = load(str(fake.path))
    second = load(str(fake.path))
    assert fake.probes == 1
    assert first.interface.entities == second.interface.entities
    assert second.origin.endswith("(cached)")


def test_without_cache_nothing_is_read_or_written(fake):
    load(str(fake.path), use_cache=False)
    assert list(cache.list_entries()) == []
    load(str(fake.path), use_cache=False)
    assert fake.probes == 2


def touch(fake: Fake) -> None:
    os.utime(fake.path, ns=(1, 1))


def grow(fake: Fake) -> None:
    fake.path.write_text(fake.path.read_text() + "\n")


def replace(fake: Fake) -> None:
    """Another file of the same size and mtime: only its ctime tells."""
    status = fake.path.stat()
    copy = fake.path.with_suffix(".new")
    copy.write_text(fake.path.read_text())
    copy.chmod(0o755)
    copy.replace(fake.path)
    os.utime(fake.path, ns=(status.st_atime_ns, status.st_mtime_ns))


def upgrade(fake: Fake) -> None:
    fake.set_version("QEMU emulator version 2")


@pytest.mark.parametrize("change", [touch, grow, replace, upgrade])
def test_a_changed_binary_is_asked_again(fake, change):
    load(str(fake.path))
    change(fake)
    load(str(fake.path))
    assert fake.probes == 2


def test_a_script_without_version_is_asked_but_not_cached(fake):
    Path(f"{fake.path}.version").unlink()
    assert load(str(fake.path)).interface.commands
    assert load(str(fake.path)).interface.commands
    assert (fake.probes, list(cache.list_entries())) == (2, [])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garble(path: Path) -> None:
    path.write_bytes(b"junk")


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [cut, empty, garble, make_folder, remove])
def test_a_damaged_entry_is_asked_again(fake, damage):
    load(str(fake.path))
    (entry,) = cache.list_entries()
    damage(Path(entry.path))
    assert load(str(fake.path)).interface.commands[0].name == "stop"
    assert fake.probes == 2


def test_an_older_probe_is_asked_again(fake, monkeypatch):
    load(str(fake.path))
    monkeypatch.setattr(cache, "PROBE_VERSION", 99)
    load(str(fake.path))
    assert fake.probes == 2


def test_a_cache_that_cannot_be_written_is_no_error(fake, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QSCOPE_CACHE_DIR", str(tmp_path / "file"))
    assert load(str(fake.path)).interface.commands
    assert record(str(fake.path)).cached_in is None


def test_probes_at_once_do_no_harm(fake):
    failures: list[BaseException] = []

    def probe() -> None:
        try:
            load(str(fake.path))
        except QscopeError as error:
            failures.append(error)

    threads = [threading.Thread(target=probe) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [entry.key["path"] for entry in cache.list_entries()] == [str(fake.path)]
    assert not [name for name in os.listdir(cache.cache_folder()) if name.endswith(".tmp")]


def test_probing_asks_although_the_cache_knows(fake):
    load(str(fake.path))
    snapshot, name, cached_in = record(str(fake.path))
    assert cached_in == cache.cache_folder()
    assert fake.probes == 2
    assert name == str(fake.path)
    assert decode_snapshot(encode_snapshot(snapshot)).identity.path == str(fake.path)


def test_clearing_leaves_other_files_alone(fake):
    load(str(fake.path))
    mine = ["mine.index", "big.tmp", "saved.snapshot.json.gz", "x-1234567.index"]
    for name in mine:
        (Path(cache.cache_folder()) / name).write_text("")
    assert cache.clear() == 2
    assert list(cache.list_entries()) == []
    assert sorted(os.listdir(cache.cache_folder())) == sorted(mine)
    assert cache.clear() == 0


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        pytest.param({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/qscope", id="XDG"),
        pytest.param({"HOME": "/h"}, "/h/.cache/qscope", id="HOME"),
        pytest.param({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/qscope", id="empty XDG"),
    ],
)
def test_the_cache_is_where_platformdirs_puts_it(environment, folder, monkeypatch):
    for name in ("QSCOPE_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    import platformdirs

    assert cache.cache_folder() == folder == platformdirs.user_cache_dir("qscope")


def test_nothing_named_is_the_variable_then_path_then_what_ships(fake, tmp_path, monkeypatch):
    snapshot = tmp_path / "s.json"
    snapshot.write_text(json.dumps(SCHEMA))
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("qscope.load.opening.list_candidates", lambda: iter(["qemu-fake"]))
    assert load().origin == "the snapshot in qscope"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert load().origin == f"{fake.path} (probed now)"
    monkeypatch.setenv("QSCOPE_SNAPSHOT", str(snapshot))
    assert load().origin == str(snapshot)


def test_a_name_on_path_is_a_target(fake, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert open_interface("qemu-fake").commands


def test_kinds_are_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "looks-like.elf"
    path.write_text(json.dumps(SCHEMA))
    path.chmod(0o755)
    assert open_interface(path).commands[0].name == "stop"
    colon = tmp_path / "host:1234"
    colon.write_text(json.dumps(SCHEMA))
    assert open_interface(colon).commands


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(lambda path: None, TargetError, id="absent"),
        pytest.param(lambda path: path.mkdir(), TargetError, id="folder"),
        pytest.param(lambda path: path.write_bytes(b""), SnapshotError, id="empty"),
        pytest.param(lambda path: path.write_bytes(b"{"), SnapshotError, id="half"),
        pytest.param(os.mkfifo, SnapshotError, id="FIFO nobody writes to"),
        pytest.param(lambda path: path.write_bytes(b"#!/nonexistent/x\n"), ProbeError, id="script"),
        pytest.param(lambda path: path.write_bytes(b"\x7fELFjunk"), ProbeError, id="no ELF"),
        pytest.param(lambda path: path.symlink_to(path), TargetError, id="link to itself"),
    ],
)
def test_what_cannot_be_opened_is_one_line_that_names_it(tmp_path, make, kind):
    path = tmp_path / "target"
    make(path)
    with pytest.raises(kind) as caught:
        load(str(path), timeout=5)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["unix:", "unix:/nonexistent", "tcp:", "tcp:x", "localhost:1", "a:99999", "x\0y", ""]
)
def test_addresses_where_nobody_is(target):
    with pytest.raises((TargetError, ProbeError)):
        load(target, timeout=2)


def test_a_snapshot_is_nobody_to_ask(tmp_path):
    with pytest.raises(TargetError, match="no QEMU"):
        record(EMBEDDED)


def test_what_ships_is_readable_and_has_no_prose():
    with open(EMBEDDED, "rb") as file:
        snapshot = decode_snapshot(file.read())
    options = Transcript(snapshot.exchanges).find("query-command-line-options")
    assert options is not None
    assert isinstance(options.result, Raw)
    assert b'"help"' not in bytes(options.result)
    assert b"/usr/bin" not in encode_snapshot(snapshot)


def test_a_query_imports_no_more_than_it_needs():
    """Each of these costs more than the answer."""
    code = (
        "import sys, qscope.cli.main as m\n"
        f"line = ['query', '--quiet', '--snapshot', {EMBEDDED!r}, 'stop']\n"
        "m.qscope.main(line, standalone_mode=False)\n"
        "print(sorted(set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout
    assert "'msgspec'" in modules
    for heavy in ("asyncio", "rich", "hypothesis", "importlib.metadata", "pathlib", "subprocess",
                  "socket", "json", "platformdirs", "shutil", "difflib", "hashlib"):  # fmt: skip
        assert f"'{heavy}'" not in modules, heavy


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    from qscope.load import files

    place = tmp_path / "out"
    place.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(str(place), b"new")
    assert (place.read_text(), os.listdir(tmp_path)) == ("old", ["out"])


@pytest.mark.parametrize("name", ["nosuch/out", ".", "x\0y"])
def test_what_cannot_be_written_is_said(tmp_path, name):
    from qscope.load import files

    with pytest.raises(TargetError, match="cannot write"):
        files.write_bytes(str(tmp_path / name), b"")


def test_a_device_is_written_to_not_replaced():
    from qscope.load import files

    files.write_bytes("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
