"""The command line as a user meets it: one clear line for bad input, and the right exit status."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import qscope
from qscope import __version__
from qscope.cli import main
from qscope.load.opening import EMBEDDED

SOURCE = ["--snapshot", EMBEDDED]


def run(*words: str, **options) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "qscope", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, text=True, timeout=60, **{**streams, **options})


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["query", *SOURCE, "stop"], 0),
        (["query", *SOURCE, "stop", "nosuch"], 1),
        (["query", *SOURCE, "stop", "option:drive/x"], 3),
        (["query", *SOURCE, "nosuch", "option:drive/x"], 1),
        (["query", *SOURCE, "stop", "str/!string/x"], 2),
        (["show", *SOURCE, "stop"], 0),
        (["show", *SOURCE, "nosuch"], 1),
        (["show", *SOURCE, "option:drive/x"], 3),
        (["show", *SOURCE, "screendump/arg-type/format/^png"], 2),
        (["show", *SOURCE, "str/!string/x"], 2),
        (["list", *SOURCE, "stop"], 0),
        (["list", *SOURCE, "nosuch"], 1),
        (["list", *SOURCE, "--summary"], 0),
        (["cache", "list"], 0),
        (["cache", "clear"], 0),
        (["--version"], 0),
        (["--help"], 0),
    ],
)
def test_exit_status(words, status):
    done = run(*words)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["frobnicate"], "No such command 'frobnicate'", id="command"),
        pytest.param(["qurey"], "Did you mean 'query'?", id="command, near"),
        pytest.param(["query"], "Missing argument 'PATH...'", id="no path"),
        pytest.param(["query", "--nosuch", "x"], "No such option", id="option"),
        pytest.param(["query", "--format", "xml", "x"], "'xml' is not one of", id="format"),
        pytest.param(["query", "--timeout", "0", "x"], "range", id="timeout of nothing"),
        pytest.param(["query", "--timeout", "x", "x"], "not a valid float", id="timeout no number"),
        pytest.param(["query", "--timeout", "nan", "x"], "nan", id="timeout nan"),
        pytest.param(["query", "--timeout", "inf", "x"], "range", id="timeout for ever"),
        pytest.param(["list", "-s", ""], "''", id="a target without a name"),
        pytest.param(["list", "--summary", "--devices"], "exclude", id="two lists"),
        pytest.param(["list", "--events", "--devices"], "exclude", id="two other lists"),
        pytest.param(["list", *SOURCE, "--summary", "x*"], "no PATTERN", id="some of a count"),
        pytest.param(["probe", "-o", ""], "cannot write", id="nowhere to write"),
        pytest.param(["probe", "-o", "/"], "a folder", id="a folder to write"),
        pytest.param(["probe", "-o", "/nonexistent/x"], "its folder", id="no folder to write in"),
        pytest.param(["show", *SOURCE, "--depth", "-1", "x"], "range", id="depth below nothing"),
        pytest.param(["show"], "Missing argument", id="nothing to show"),
        pytest.param(["show", "a", "b"], "unexpected extra argument", id="too much to show"),
        pytest.param(["list", "-s", "/nonexistent"], "no such file", id="no snapshot"),
        pytest.param(["list", "-s", "/"], "a folder", id="a folder"),
        pytest.param(["list", "-s", "/etc/passwd"], "not a snapshot", id="another file"),
        pytest.param(["list", "-s", "unix:/nonexistent"], "No such file", id="no socket"),
        pytest.param(["list", "-s", "localhost:1"], "refused", id="nobody listens"),
        pytest.param(["probe", "/etc/passwd"], "is no QEMU", id="probing a file"),
        pytest.param(["probe", "nosuch-qemu"], "nosuch-qemu", id="probing nothing"),
        pytest.param(["completion", "tcsh"], "'tcsh' is not one of", id="shell"),
        pytest.param(["cache", "frob"], "No such command", id="cache command"),
    ],
)
def test_bad_input_is_one_line_that_names_it(words, says):
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("qscope: ")
    assert done.stderr.count("\n") == 1
    assert says.lower() in done.stderr.lower()


def test_version_is_the_constant():
    assert run("--version").stdout == f"qscope {__version__}\n"


def test_it_says_whom_it_asked_only_when_nobody_was_named():
    environment = {**os.environ, "PATH": "/nonexistent"}
    assert "the snapshot in qscope: QEMU 7.2.22" in run("list", "stop", env=environment).stderr
    assert run("list", "stop", "-q", env=environment).stderr == ""
    assert run("list", "stop", *SOURCE).stderr == ""


def test_a_name_of_another_kind_is_pointed_at():
    assert "did you mean device:virtio-net-pci" in run("show", *SOURCE, "virtio-net-pci").stderr
    assert "did you mean blockdev-add" in run("show", *SOURCE, "blockdev-ad").stderr
    assert "did you mean blockdev-add" in run("list", *SOURCE, "blockdev-ad").stderr


@pytest.mark.parametrize("kind", ["commands", "events", "devices", "objects", "machines", "cpus"])
def test_a_list_as_json_is_one_array_of_one_element_each(kind):
    text = run("list", *SOURCE, f"--{kind}").stdout.splitlines()
    items = json.loads(run("list", *SOURCE, f"--{kind}", "--format", "json").stdout)
    assert [line.split()[0] for line in text] == [item["name"] for item in items]
    assert {"name", "deprecated", "unstable"} <= set(items[0])


def test_deprecated_and_unstable_are_marked():
    assert run("list", *SOURCE, "x-query-roms").stdout == "x-query-roms [unstable]\n"
    assert run("list", *SOURCE, "--machines", "pc-i440fx-1.4").stdout.endswith("[deprecated]\n")
    assert "*device: string [deprecated]" in run("show", *SOURCE, "eject").stdout


def test_what_a_snapshot_cannot_tell_is_status_3(tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text('[{"meta-type": "object", "name": "0", "members": []}]')
    done = run("list", "--devices", "-s", str(schema))
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot tell" in done.stderr


def test_what_is_not_understood_is_noted(tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text('[{"meta-type": "map", "name": "m"}]')
    done = run("query", "-s", str(schema), "m", "m/x")
    assert done.returncode == 3
    assert "unknown meta-type 'map'" in done.stderr
    assert done.stdout.split() == ["yes", "m", "unknown", "m/x"]


def test_raw_entries_are_schema_info():
    entries = json.loads(run("show", *SOURCE, "--raw", "query-target").stdout)
    assert entries[0]["meta-type"] == "command"
    assert {"members", "values"} <= set(entries[-1])


def test_raw_entries_keep_what_is_not_understood(tmp_path):
    entries = [
        {"meta-type": "event", "name": "X", "arg-type": "0", "since": "12.0"},
        {"meta-type": "map", "name": "0", "key-type": "str"},
    ]
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(entries))
    done = run("show", "--raw", "-q", "-s", str(schema), "X")
    assert (json.loads(done.stdout), done.stderr) == (entries, "")


def test_explained_json_has_an_answer_for_every_path():
    done = run("query", *SOURCE, "--explain", "--format", "json", "stop", "str/!string/x")
    assert {path: told["answer"] for path, told in json.loads(done.stdout).items()} == {
        "stop": True,
        "str/!string/x": None,
    }


def test_show_as_json_is_the_same_tree():
    tree = json.loads(run("show", *SOURCE, "eject", "--format", "json").stdout)
    assert tree["members"][0]["members"][0] == {
        "name": "*device",
        "type": "string",
        "features": ["deprecated"],
    }


@pytest.mark.parametrize("columns", ["40", "100"])
def test_lines_of_a_tree_fit(columns):
    environment = {**os.environ, "COLUMNS": columns}
    lines = run(
        "show", *SOURCE, "blockdev-add", "--depth", "9", env=environment
    ).stdout.splitlines()
    words = [line for line in lines if " as " not in line and "|" in line]
    assert words
    assert all(len(line) <= int(columns) + 30 for line in words)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_back(shell):
    assert "_QSCOPE_COMPLETE" in run("completion", shell).stdout


def test_completion_knows_the_names_of_the_snapshot():
    environment = {
        **os.environ,
        "_QSCOPE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"qscope query --snapshot {EMBEDDED} blockdev-add/arg-type/+nv",
        "COMP_CWORD": "4",
    }
    done = run(env=environment)
    assert done.stdout == "plain,blockdev-add/arg-type/+nvme\n"


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m qscope list {' '.join(SOURCE)} --devices | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "")


def test_output_that_cannot_be_written_is_said():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "qscope", "list", *SOURCE]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


_SHOWN = ("query", "show", "list", "check-cli", "validate")


def test_the_readme_shows_what_is_printed():
    """Every example of the README that needs no live QEMU, character by character."""
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    examples = re.findall(r"^    \$ qscope (.*)\n((?:    .*\n)*)", readme, re.MULTILINE)
    checked, environment = 0, {**os.environ, "COLUMNS": "100"}
    for words, output in examples:
        name, *rest = shlex.split(words)
        if name in _SHOWN and "--snapshot" not in words and "--schema" not in words:
            done = run(name, *SOURCE, *rest, env=environment)
            assert done.stdout == re.sub("^    ", "", output, flags=re.MULTILINE), words
            checked += 1
    assert checked >= 5


def test_the_cookbook_is_true():
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    rows = re.findall(r"^\| .* \| `(.*)` \| (yes|no)", readme, re.MULTILINE)
    assert len(rows) >= 10
    paths = [path for path, _ in rows]
    answers = json.loads(run("query", *SOURCE, "--format", "json", *paths).stdout)
    assert answers == {path: verdict == "yes" for path, verdict in rows}


def test_alone_it_shows_its_help():
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: qscope")
    assert done.stderr.count("\n") > 10


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("path", "status"), [("stop", 0), ("nosuch", 1), ("option:drive/x", 3)])
def test_closed_streams_change_no_answer(closed, path, status):
    command = f"{sys.executable} -m qscope query --snapshot {EMBEDDED} {path} {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_bug_is_status_2_and_one_line_that_says_where(monkeypatch, capsys):
    def fail(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(main.qscope, "main", fail)
    assert main._run() == 2
    said = capsys.readouterr().err
    assert "test_cli.py:" in said
    assert "ZeroDivisionError" in said
    assert said.count("\n") == 1


def test_dangling_references_are_noted(tmp_path):
    schema = tmp_path / "schema.json"
    schema.write_text('[{"meta-type": "event", "name": "X", "arg-type": "7"}]')
    done = run("list", "--summary", "-s", str(schema))
    assert done.returncode == 0
    assert "X refers to type '7', which is not there" in done.stderr
    assert run("list", "--summary", "-q", "-s", str(schema)).stderr == ""
    assert run("query", "-s", str(schema), "X/arg-type/x").returncode == 2


def test_what_json_and_text_say_is_the_same():
    text = run("list", *SOURCE, "--summary").stdout
    counts = json.loads(run("list", *SOURCE, "--summary", "--format", "json").stdout)
    assert f"schema hash                  {counts['schema-hash']}" in text
    assert json.loads(run("cache", "clear", "--format", "json").stdout)["removed"] == 0


def test_a_mistyped_prefix_is_pointed_at():
    done = run("query", *SOURCE, "--explain", "devcie:virtio-blk-pci")
    assert "did you mean device:virtio-blk-pci" in done.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([f"query --snapshot {EMBEDDED}", "device:virtio-blk-p"], "device:virtio-blk-pci"),
        ([f"list --snapshot {EMBEDDED} --machines", "pc-q35-7.2"], "pc-q35-7.2"),
        ([f"show --snapshot {EMBEDDED}", "query-qmp"], "query-qmp-schema"),
    ],
)
def test_bash_completes_a_real_line(words, expected, tmp_path):
    """Source the script, and call its function as bash does when Tab is pressed."""
    line, start = words
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    wrapper = bin_folder / "qscope"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m qscope "$@"\n')
    wrapper.chmod(0o755)
    script = (
        f"export PATH={bin_folder}:$PATH\n"
        'source <(qscope completion bash)\n[[ "$COMP_WORDBREAKS" != *:* ]] || exit 9\n'
        f"COMP_WORDS=(qscope {line} {start}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        '_qscope_completion qscope; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert expected in done.stdout.split()


def test_every_name_of_the_package_is_there_however_often_it_is_used():
    code = "import qscope\nfor name in qscope.__all__ * 2: print(name, getattr(qscope, name))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    lines, count = done.stdout.splitlines(), len(qscope.__all__)
    assert len(lines) == 2 * count
    assert lines[:count] == lines[count:]
