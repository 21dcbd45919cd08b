"""`qscope compile`, and `--schema` where a snapshot is taken, as a user meets them."""

import json
import os
from pathlib import Path

import pytest

from qscope.load.opening import EMBEDDED
from tests.schemas import EXAMPLE, introspect, parse_example
from tests.test_cli import run

BAD = "{ 'command': 'a' }\n{ 'command': 'b', 'data': 'Nosuch' }\n"


@pytest.fixture
def schema(tmp_path):
    """Return a function that writes a schema and returns its path."""

    def write(text, name="s.json"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_compile():
    done = run("compile", str(EXAMPLE), "--define", "CONFIG_RING")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == introspect(parse_example(), ["CONFIG_RING"])


def test_compile_without_masks():
    done = run("compile", str(EXAMPLE), "--unmask")
    names = {entity["name"] for entity in json.loads(done.stdout)}
    assert {"DiskOptions", "q_obj_disk-remove-arg", "q_empty", "[DiskInfo]"} <= names


def test_compile_to_text():
    done = run("compile", str(EXAMPLE), "--unmask", "--format", "text")
    assert "command disk-cancel: q_obj_disk-cancel-arg -> q_empty out-of-band" in done.stdout
    assert "command disk-read-label $deprecated: " in done.stdout
    assert "object DiskFile: { path: str, *offset: int, *cache: CacheMode }" in done.stdout
    assert "enum CacheMode: writeback | writethrough | none" in done.stdout


def test_compile_to_a_file(tmp_path):
    output = tmp_path / "out.json"
    done = run("compile", str(EXAMPLE), "-o", str(output))
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads(output.read_text()) == introspect(parse_example())


def test_an_error_leaves_no_file(tmp_path, schema):
    output = tmp_path / "out.json"
    assert run("compile", schema(BAD), "-o", str(output)).returncode == 1
    assert not output.exists()


def test_what_was_compiled_is_a_snapshot(tmp_path):
    output = str(tmp_path / "out.json")
    run("compile", str(EXAMPLE), "-o", output)
    done = run("query", "--snapshot", output, "disk-add/arg-type/+file/path", "disk-trace")
    assert done.stdout == "yes      disk-add/arg-type/+file/path\nno       disk-trace\n"


def test_an_error_of_the_schema(schema):
    path = schema(BAD)
    done = run("compile", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == f"{path}: In command 'b':"
    assert done.stderr.splitlines()[-1].startswith(f"{path}:2: ")


def test_an_error_of_documentation_names_the_switch(schema):
    path = schema("##\n# One. Two\n##\n{ 'command': 'a' }")
    done = run("compile", path)
    assert done.returncode == 1
    assert "--docs ignore" in done.stderr
    assert run("compile", path, "--docs", "ignore").returncode == 0


@pytest.mark.parametrize("words", [["query", "a"], ["show", "a"], ["list"]])
def test_an_error_of_the_schema_elsewhere(schema, words):
    """It could not be done: that is no "no"."""
    path = schema(BAD)
    done = run(*words, "--schema", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(f"{path}:2: ")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        pytest.param(["compile"], 2, "Missing argument", id="no schema"),
        pytest.param(["compile", "/nonexistent.json"], 1, "No such file", id="no such schema"),
        pytest.param(["compile", "/"], 1, "directory", id="a folder"),
        pytest.param(["compile", str(EXAMPLE), "--docs", "x"], 2, "'x'", id="docs"),
        pytest.param(["compile", str(EXAMPLE), "--format", "x"], 2, "'x'", id="format"),
        pytest.param(["compile", str(EXAMPLE), "--define", "x"], 2, "'x'", id="no symbol"),
        pytest.param(["compile", str(EXAMPLE), "--define", ""], 2, "''", id="empty symbol"),
        pytest.param(
            ["compile", str(EXAMPLE), "--define-from", "/nonexistent"], 2, "No such", id="no file"
        ),
        pytest.param(["compile", str(EXAMPLE), "--define-from", "/"], 2, "directory", id="folder"),
        pytest.param(
            ["compile", str(EXAMPLE), "--define-from", str(EXAMPLE)], 2, ":6:", id="no list"
        ),
        pytest.param(["compile", str(EXAMPLE), "-o", "/"], 2, "a folder", id="nowhere to write"),
        pytest.param(
            ["compile", str(EXAMPLE), "--like", "/nonexistent"], 2, "no such", id="like nothing"
        ),
        pytest.param(
            ["compile", str(EXAMPLE), "--like", EMBEDDED, "--define", "A"], 2, "--like", id="both"
        ),
        pytest.param(
            ["compile", str(EXAMPLE), "--like", EMBEDDED, "--unmask"], 2, "--like", id="unmask"
        ),
        pytest.param(["list", "-s", EMBEDDED, "--define", "A"], 2, "--schema", id="no schema"),
        pytest.param(
            ["list", "-s", EMBEDDED, "--schema", str(EXAMPLE), "--define", "A"],
            2, "--schema", id="define for a snapshot",
        ),
        pytest.param(["list", "--schema", "/nonexistent"], 2, "No such file", id="list nothing"),
    ],
)  # fmt: skip
def test_refusals(words, status, says):
    done = run(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def test_a_symbol_that_means_nothing_is_noted():
    done = run("compile", str(EXAMPLE), "--define", "CONFIG_RNG", "--format", "text")
    assert done.returncode == 0
    assert "CONFIG_RNG; did you mean CONFIG_RING?" in done.stderr
    assert run("compile", str(EXAMPLE), "--define", "CONFIG_RNG", "-q").stderr == ""


@pytest.mark.parametrize(
    "text",
    [
        "CONFIG_RING\n",
        "# symbols\n\nCONFIG_RING\n",
        (
            "/*\n * Autogenerated by a build system.\n * Do not edit\n */\n\n#pragma once\n\n"
            "#define CONFIG_RING\n\n#undef CONFIG_TRACE\n#define F(x) CONFIG_TRACE\nint x;\n"
        ),
        "\ufeffCONFIG_RING # because\n",
        "#define CONFIG_RING 1\n#undef CONFIG_TRACE\n/* #define CONFIG_X */\n#define lower 1\n",
        "CONFIG_RING=y\nCONFIG_TRACE=n\n",
        "  CONFIG_RING  \r\n",
    ],
)
def test_symbols_from_a_file(schema, text):
    done = run("compile", str(EXAMPLE), "--define-from", schema(text, "defines"))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == introspect(parse_example(), ["CONFIG_RING"])


def test_from_stdin(tmp_path):
    text = EXAMPLE.read_text()
    folder = EXAMPLE.parent
    done = run("compile", "-", input=text, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == introspect(parse_example())
    done = run("compile", "-", input=text, cwd=tmp_path)
    assert done.returncode == 1
    assert "common.json" in done.stderr


def test_query_a_schema():
    paths = ["disk-add/arg-type/+ring", "DiskFile/*cache/^none", "event:DISK_GONE"]
    done = run("query", "--schema", str(EXAMPLE), *paths, "--format", "json")
    assert json.loads(done.stdout) == dict(zip(paths, [False, True, True], strict=True))
    assert done.returncode == 1
    done = run("query", "--schema", str(EXAMPLE), "--define", "CONFIG_RING", *paths)
    assert done.returncode == 0


def test_evidence_is_the_schema():
    done = run("query", "--schema", str(EXAMPLE), "--explain", "disk-add", "device:x")
    assert done.returncode == 3
    assert f"by {EXAMPLE}\n" in done.stdout
    assert "a schema does not say" in done.stdout


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("disk-trace", "only with CONFIG_TRACE and not CONFIG_RELEASE"),
        ("disk-add/arg-type/+ring", "only with CONFIG_RING"),
        ("Driver/^ring", "only with CONFIG_RING"),
        ("DiskRing", "only with CONFIG_RING"),
        ("disk-add/arg-type/+fil", "did you mean"),
        ("Geomety", "did you mean Geometry?"),
        ("q_obj_DiskOptions-base", "no command and no event leads to it"),
    ],
)
def test_why_not(path, why):
    """What a build leaves out is there in another one: nothing else is meant."""
    done = run("query", "--schema", str(EXAMPLE), "--explain", path)
    assert done.returncode == 1
    assert why in done.stdout
    assert ("did you mean" in done.stdout) == ("did you mean" in why)
    done = run("show", "--schema", str(EXAMPLE), path)
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr


def test_why_not_of_a_snapshot(tmp_path):
    output = str(tmp_path / "out.json")
    run("compile", str(EXAMPLE), "-o", output)
    done = run("query", "-s", output, "--schema", str(EXAMPLE), "--explain", "disk-trace")
    assert "only with CONFIG_TRACE" in done.stdout
    assert "by query-qmp-schema" in done.stdout


def test_a_schema_that_is_of_something_else():
    done = run("query", "-s", EMBEDDED, "--schema", str(EXAMPLE), "stop")
    assert (done.returncode, done.stdout) == (0, "yes      stop\n")
    assert "nothing in common" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["compile", "-", "--like", "-"],
        ["compile", "-", "--define-from", "-"],
        ["show", "-s", "-", "--schema", "-", "x"],
    ],
)
def test_only_one_reads_stdin(words):
    done = run(*words, input="{}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "stdin" in done.stderr


def test_the_source_is_spared(schema):
    path = schema("{ 'command': 'a' }")
    done = run("compile", path, "-o", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a file of the schema" in done.stderr
    assert Path(path).read_text() == "{ 'command': 'a' }"


def test_an_output_keeps_its_mode(tmp_path):
    output = tmp_path / "out.json"
    output.touch(mode=0o600)
    assert run("compile", str(EXAMPLE), "-o", str(output)).returncode == 0
    assert output.stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_not_utf8(tmp_path):
    path = os.fsencode(tmp_path) + b"/n\xff.json"
    with open(path, "w") as file:
        file.write("{ 'command': 'a' }")
    done = run("query", "--schema", os.fsdecode(path), "--explain", "--format", "json", "a")
    assert done.returncode == 0
    assert json.loads(done.stdout)["a"]["answer"] is True


def test_list_a_schema():
    done = run("list", "--schema", str(EXAMPLE), "disk-*")
    assert "disk-read-label [deprecated]" in done.stdout.splitlines()
    assert run("list", "--schema", str(EXAMPLE), "--summary").returncode == 0
    assert run("list", "--schema", str(EXAMPLE), "--machines").returncode == 3


def test_show_documentation_and_names():
    done = run("show", "--schema", str(EXAMPLE), "disk-remove")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "disk-remove: command"
    assert "│   Remove a disk." in lines
    assert "│   Since: 1.0" in lines
    assert "│   │       the disk's name" in lines
    done = run("show", "--schema", str(EXAMPLE), "Geometry")
    assert "├── C: int (uint16)" in done.stdout
    done = run("show", "--schema", str(EXAMPLE), "disk-add")
    assert "arg-type: union by driver (DiskOptions)" in done.stdout


def test_show_as_json():
    done = run("show", "--schema", str(EXAMPLE), "DiskMemory", "--format", "json")
    tree = json.loads(done.stdout)
    assert tree["source-type"] == "DiskMemory"
    assert tree["comment"]["text"] == "Options of a disk in memory."
    (member,) = tree["members"]
    assert (member["name"], member["type"], member["source-type"]) == ("size", "int", "size")
    assert member["doc"] == "how large it is, in bytes"


def test_a_snapshot_with_names_from_a_schema(tmp_path):
    """What is compiled for one build is shown with the names of the source."""
    output = str(tmp_path / "out.json")
    run("compile", str(EXAMPLE), "-o", output, "--define", "CONFIG_RING")
    done = run("show", "-s", output, "--schema", str(EXAMPLE), "disk-add")
    assert "arg-type: union by driver (DiskOptions)" in done.stdout
    assert "+ring: object (DiskRing)" in done.stdout
    assert "│   Add a disk." in done.stdout.splitlines()


def test_like(tmp_path):
    snapshot, symbols = str(tmp_path / "out.json"), tmp_path / "symbols"
    run("compile", str(EXAMPLE), "-o", snapshot, "--define", "CONFIG_RING")
    done = run("compile", str(EXAMPLE), "--like", snapshot, "-o", str(symbols))
    assert done.returncode == 0
    assert "exact" in done.stdout
    again = run("compile", str(EXAMPLE), "--define-from", str(symbols))
    assert again.stdout == (tmp_path / "out.json").read_text()


def test_like_as_json(tmp_path):
    snapshot = str(tmp_path / "out.json")
    run("compile", str(EXAMPLE), "-o", snapshot, "--define", "CONFIG_RING")
    done = run("compile", str(EXAMPLE), "--like", snapshot, "--format", "json")
    found = json.loads(done.stdout)
    assert (found["exact"], found["on"]) == (True, ["CONFIG_RING"])
    assert "DiskOptions" in found["type-names"].values()
    assert {"size": "size"} in found["integer-types"].values()


def test_like_something_else():
    done = run("compile", str(EXAMPLE), "--like", EMBEDDED)
    assert done.returncode == 1
    assert "here, and not in the source" in done.stdout
    assert "exact" not in done.stdout
    assert "no command and no event in common" in done.stderr


def test_like_something_without_a_schema(tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps([{"execute": "query-commands", "return": [{"name": "stop"}]}]))
    done = run("compile", str(EXAMPLE), "--like", str(old))
    assert (done.returncode, done.stdout) == (3, "")
    assert "query-qmp-schema" in done.stderr


def test_a_reader_who_leaves(tmp_path):
    """As `qscope compile … | head -1` does."""
    read, write = os.pipe()
    os.close(read)
    done = run("compile", str(EXAMPLE), stdout=write)
    os.close(write)
    assert done.returncode == 141
