"""`qscope query` as a command, and what it suggests where a path stops."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import qscope
from qscope.ask import Verdict, ask
from qscope.ask.suggest import suggest
from qscope.cli.main import qscope as command_line
from qscope.errors import QscopeError
from qscope.model.interface import Interface
from qscope.model.snapshot import decode_snapshot

YES, NO = Verdict.YES, Verdict.NO
EMBEDDED = max((Path(qscope.__file__).parent / "data").glob("*.json.gz"))
# A QEMU that told its schema, its devices, and no machines.
TOLD = [
    {
        "execute": "query-qmp-schema",
        "return": [
            {"name": "eject", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
            {"name": "STOP", "meta-type": "event", "arg-type": "0"},
            {"name": "0", "meta-type": "object", "members": []},
        ],
    },
    {
        "execute": "qom-list-types",
        "arguments": {"implements": "device"},
        "return": [{"name": "disk"}],
    },
]


@pytest.fixture(scope="module")
def embedded():
    """The interface that ships with qscope."""
    return Interface.from_snapshot(decode_snapshot(EMBEDDED.read_bytes()))


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("blockdev-ad", "blockdev-add"),
        ("query_block", "query-block"),
        ("BLOCK_JOB_REDY", "BLOCK_JOB_READY"),
        ("command:ejct", "command:eject"),
        ("event:STOPP", "event:STOP"),
        ("blockdev-add/arg-typ", "blockdev-add/arg-type"),
        ("blockdev-add/argtype/driver", "blockdev-add/arg-type"),
        ("blockdev-add/arg-type/dirver", "blockdev-add/arg-type/driver"),
        ("blockdev-add/arg-type/+flie", "blockdev-add/arg-type/+file"),
        ("blockdev-add/arg-type/+file/filname", "blockdev-add/arg-type/+file/filename"),
        ("command:blockdev-add/arg-type/dirver", "command:blockdev-add/arg-type/driver"),
        ("screendump/arg-type/format/^pgn", "screendump/arg-type/format/^png"),
        ("block_resize/arg-type/size/!itn", "block_resize/arg-type/size/!int"),
        ("query-cpus-fast/ret-type/*prosp", "query-cpus-fast/ret-type/*props"),
        ("query-cpus-fast/ret-type/prosp/x", "query-cpus-fast/ret-type/props"),
        ("device_add/$json-cli-hotplu", "device_add/$json-cli-hotplug"),
        ("device:virtio-blk-pc", "device:virtio-blk-pci"),
        ("object:iothred", "object:iothread"),
        ("machine:q53", "machine:q35"),
        ("cpu:EPYCC", "cpu:EPYC"),
        pytest.param(
            "qemuopts:sandbx",
            "qemuopts:sandbox",
            id="QemuOpts",
        ),
        ("qemuopts:boot-opts/splash-tiem", "qemuopts:boot-opts/splash-time"),
        ("migration:multifdd", "migration:multifd"),
        pytest.param(
            "blockdev-add/arg-type/+qcow2/file/dirver",
            "blockdev-add/arg-type/+qcow2/file/driver",
            id="in an alternate",
        ),
    ],
)
def test_a_typo_gets_the_right_path_among_three(embedded, typo, meant):
    answer = ask(embedded, typo)
    guesses = suggest(embedded, typo, answer)
    assert answer.verdict is NO
    assert meant in guesses
    assert len(guesses) <= 3
    assert {ask(embedded, guess).verdict for guess in guesses} == {YES}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("blockdev-add", id="yes needs none"),
        pytest.param("blockdev-add/arg-type/+file", id="nor further down"),
        pytest.param("device:virtio-vga-gl/xrse", id="unknown has none"),
        pytest.param("zzzzzzzzzzzz", id="like nothing"),
        pytest.param("blockdev-add/arg-type/zzzzzz", id="like no member"),
        pytest.param("cpu:zzzzzz", id="like no CPU"),
        pytest.param(
            "migration:zzzzzz",
            id="like no capability",
        ),
    ],
)
def test_nothing_is_suggested(embedded, path):
    assert suggest(embedded, path, ask(embedded, path)) == []


def query(*arguments, stdin=None):
    """Run `qscope query` in this process; return its status, what it printed, and on stderr."""
    ran = CliRunner().invoke(
        command_line, ["query", *arguments], standalone_mode=False, input=stdin
    )
    if ran.exception:
        raise ran.exception
    return ran.return_value, ran.stdout, ran.stderr


@pytest.fixture
def saved(tmp_path):
    """A snapshot file."""
    file = tmp_path / "saved.json"
    file.write_text(json.dumps(TOLD))
    return str(file)


@pytest.mark.parametrize(
    ("paths", "wanted", "status"),
    [
        pytest.param({"eject": True, "device:disk": True}, {}, 0, id="all yes"),
        pytest.param({"eject": True, "ejct": False}, {}, 1, id="one no"),
        pytest.param({"eject": True, "machine:pc": None}, {}, 3, id="one unknown"),
        pytest.param({"machine:pc": None, "ejct": False}, {}, 1, id="no beats unknown"),
        pytest.param({"eject": True}, {"eject/$a/b": None}, 2, id="malformed"),
        pytest.param({"ejct": False, "cpu:x": None}, {"": None}, 2, id="malformed beats all"),
        pytest.param({}, {"device:": None, "eject/meta-type": None}, 2, id="all malformed"),
        pytest.param({" eject": False, "eject ": False, "é/\"'": False}, {}, 1, id="as given"),
    ],
)
def test_json_has_exactly_the_given_paths(saved, paths, wanted, status):
    given = [*wanted, *paths]
    got, stdout, stderr = query("--snapshot", saved, "--format", "json", "--", *given)
    assert (got, json.loads(stdout)) == (status, paths | wanted)
    assert len(stderr.splitlines()) == len(wanted)
    assert all((path or "the empty path") in stderr for path in wanted)


def test_a_path_given_twice_is_one_key(saved):
    status, stdout, _ = query("-s", saved, "--format", "json", "eject", "STOP", "eject")
    assert (status, stdout.count('"eject"')) == (0, 1)
    assert json.loads(stdout) == {"eject": True, "STOP": True}


def test_text_has_a_line_for_each_path(saved):
    status, stdout, stderr = query("-s", saved, "machine:pc", "ejct", "eject")
    assert [line.split() for line in stdout.splitlines()] == [
        ["unknown", "machine:pc"],
        ["no", "ejct"],
        ["yes", "eject"],
    ]
    assert (status, stderr) == (1, "")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", ""])
def test_a_dash_reads_paths_from_stdin(saved, end):
    lines = f"eject\nSTOP{end}"
    status, stdout, _ = query("-s", saved, "--format", "json", "device:x", "-", stdin=lines)
    assert (status, json.loads(stdout)) == (1, {"device:x": False, "eject": True, "STOP": True})


def test_explained_json_tells_the_evidence_and_the_right_path(saved):
    status, stdout, _ = query(
        "-s", saved, "--format", "json", "--explain", "command:ejct", "cpu:max", "eject/$a/b"
    )
    value = json.loads(stdout)
    assert status == 2
    assert value["command:ejct"]["answer"] is False
    assert value["command:ejct"]["evidence"] == "query-qmp-schema"
    assert value["command:ejct"]["did-you-mean"] == ["command:eject"]
    assert value["cpu:max"]["answer"] is None
    assert value["cpu:max"]["why"] == "it was not asked"
    assert "'$a'" in value["eject/$a/b"]["error"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"not a snapshot", "neither JSON nor gzip", id="text"),
        pytest.param(b"[1, 2]", "no snapshot", id="other JSON"),
        pytest.param(b'{"format": "qscope-snapshot-9"}', "qscope-snapshot-9", id="newer form"),
        pytest.param(gzip.compress(b"[]")[:-3], "damaged gzip", id="cut off"),
    ],
)
def test_an_unreadable_snapshot_is_an_error_that_names_the_file(tmp_path, content, complaint):
    file = tmp_path / "broken.json"
    file.write_bytes(content)
    with pytest.raises(QscopeError, match=complaint) as caught:
        query("-s", str(file), "eject")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        pytest.param(["eject", "STOP"], 0, id="holds"),
        pytest.param(["eject", "cpu:x", "ejct"], 1, id="does not"),
        pytest.param(["eject", "machine:pc/smm"], 3, id="cannot tell"),
        pytest.param(["eject", "eject/$a/b", "ejct"], 2, id="malformed"),
    ],
)
def test_the_exit_status_of_the_process(saved, arguments, status):
    words = ["query", "--snapshot", saved, "--format", "json", *arguments]
    ran = subprocess.run(
        [sys.executable, "-m", "qscope", *words], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == status
    assert list(json.loads(ran.stdout)) == sorted(arguments, key=lambda path: "$" in path)
    assert ("eject/$a/b" in ran.stderr) is (status == 2)


def test_a_process_without_a_readable_snapshot_says_so_in_one_line(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "qscope", "query", "-s", str(tmp_path / "none.json"), "eject"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "none.json" in ran.stderr


def test_a_path_that_is_not_utf8_ends_in_no_traceback(saved):
    words = [sys.executable, "-m", "qscope", "query", "-s", saved, "--format", "json", b"ej\xffct"]
    ran = subprocess.run(words, capture_output=True, timeout=60)
    assert b"Traceback" not in ran.stderr
    assert ran.returncode in (1, 2)
