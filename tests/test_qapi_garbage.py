"""Garbage gives an error, never a traceback and never a hang."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope import qapi
from qscope.errors import SchemaError
from qscope.load.schema import open_schema
from tests.running import DEADLINE
from tests.schemas import EXAMPLE, mutate

TEXTS = [EXAMPLE.read_text(), (EXAMPLE.parent / "common.json").read_text()]


def parse(text, **options):
    """Parse, and introspect; errors must say where and what."""
    schema = error = None
    try:
        schema = qapi.parse(text, read=read_beside_the_example, name=str(EXAMPLE), **options)
    except SchemaError as caught:
        error = caught
    if schema:
        return schema.introspect(["CONFIG_RING"])
    assert error
    assert error.location.line is not None
    assert error.message
    return None


def read_beside_the_example(path):
    return Path(path).read_bytes()


@settings(max_examples=600, deadline=None)
@given(text=st.sampled_from(TEXTS), seed=st.integers(0, 1 << 32))
def test_mutants(text, seed):
    """What is right with its comments checked is the same when they are ignored."""
    mutant = mutate(text, seed)
    checked = parse(mutant)
    ignored = parse(mutant, docs="ignore")
    assert checked is None or checked == ignored


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="{}[]:,'\"\\# \n\taAzZ0_-*\u00e9\0\r\x0b\u2028", max_size=60))
def test_noise(text):
    parse(f"{text}\n")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "noise.json"
    path.write_bytes(data)
    with contextlib.suppress(SchemaError):
        assert open_schema(path)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "schema.json"


def make_fifo(place):
    os.mkfifo(place)


def make_directory(place):
    place.mkdir()


def make_loop(place):
    place.symlink_to(place)


def make_huge(place):
    with place.open("wb") as file:
        file.truncate(64 << 20)


def make_secret(place):
    place.write_text("{}")
    place.chmod(0)


BAD_FILES = [
    pytest.param(make_fifo, "not a regular file", id="FIFO"),
    pytest.param(make_directory, "directory", id="directory"),
    pytest.param(make_loop, "symbolic links", id="symlink to itself"),
    pytest.param(make_huge, "larger than 16 MiB", id="64 MiB"),
    pytest.param(lambda place: None, "No such file", id="nothing"),
    pytest.param(
        make_secret, "denied", id="secret",
        marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "says"), BAD_FILES)
def test_bad_files(place, make, says):
    make(place)
    with pytest.raises(SchemaError, match=says):
        open_schema(place)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_only_the_user_may_name_a_stream(place, name):
    place.write_text(f"{{ 'include': '{name}' }}")
    done = subprocess.run(
        [sys.executable, "-m", "qscope", "compile", place.name],
        cwd=place.parent, stdin=subprocess.PIPE, timeout=DEADLINE, check=False,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot read the included file" in done.stderr


@pytest.mark.parametrize("path", ["a\0b", "\ud800", ""])
def test_what_is_no_path(path):
    with pytest.raises(SchemaError, match="cannot read the schema"):
        open_schema(path)


@pytest.mark.parametrize(("make", "says"), BAD_FILES)
def test_bad_included_files(place, tmp_path, make, says):
    make(place)
    root = tmp_path / "root.json"
    root.write_text("{ 'include': 'schema.json' }")
    with pytest.raises(SchemaError, match=says) as caught:
        open_schema(root)
    assert str(caught.value.location) == f"{root}:1"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * (4 << 20), id="brackets"),
        pytest.param("'" * (4 << 20), id="quotes"),
        pytest.param("#" * (4 << 20), id="comment"),
        pytest.param("## \n" * (1 << 20), id="comments"),
        pytest.param("##\n" + "#\n" * (2 << 20), id="blank lines of a comment"),
        pytest.param("##\n# @a:\n" + "# @b: x\n" * (1 << 16), id="descriptions"),
        pytest.param("##\n# @a:\n" + "# @b: x\n#     y\n" * (1 << 16), id="indented descriptions"),
        pytest.param("##\n# @a:\n" + "#\n" * (1 << 18) + "#   x\n##", id="blank, then indented"),
        pytest.param(
            "##\n# @a:\n" + "".join(f"# @b{n}: x\n" for n in range(1 << 17)) + "##",
            id="different descriptions",
        ),
        pytest.param(
            "##\n# @a:\n" + "".join(f"# @b{n}: x. Y\n" for n in range(1 << 17)) + "##",
            id="different descriptions, badly set",
        ),
        pytest.param(
            "{ 'struct': 'A0b', 'data': { 'a': 'int' } }\n"
            + "".join(
                f"{{ 'struct': 'A{n + 1}b', 'base': 'A{n}b', 'data': {{ 'a{n}': 'int' }} }}\n"
                for n in range(1 << 15)
            ),
            id="a chain of bases",
        ),
        pytest.param(
            "{ 'enum': 'E0e', 'data': [" + ",".join(f"'v{n}'" for n in range(1 << 16)) + "] }\n"
            "{ 'union': 'U0u', 'base': { 'e': 'E0e' }, 'discriminator': 'e', 'data': {"
            + ",".join(f"'v{n}': 'S0s'" for n in range(1 << 16))
            + "} }\n{ 'struct': 'S0s', 'data': {} }",
            id="branches",
        ),
        pytest.param(
            "{ 'enum': 'E0e', 'data': [" + ",".join(f"'v{n}'" for n in range(1000)) + "] }\n"
            "{ 'struct': 'U0u', 'data': {} }\n"
            + "".join(
                f"{{ 'union': 'U{n + 1}u', 'base': {{ 'e{n}': 'E0e' }}, 'discriminator': 'e{n}',"
                f" 'data': {{ 'v0': 'U{n}u', 'v1': 'U{n}u' }} }}\n"
                for n in range(40)
            ),
            id="unions in unions",
        ),
        pytest.param(
            "".join(f"{{ 'include': 'd{n}/../schema.json' }}\n" for n in range(1 << 15)),
            id="includes",
        ),
        pytest.param(
            "{ 'command': 'a', 'data': '"
            + "a" * 150
            + "' }\n"
            + "".join(f"{{ 'struct': 'A{'a' * 150}{n}', 'data': {{}} }}\n" for n in range(5000)),
            id="what may be meant",
        ),
        pytest.param(" " * (8 << 20), id="space"),
        pytest.param("\\" * (4 << 20), id="backslashes"),
        pytest.param("{ 'struct': 'Foo', 'data': {" + "'a': 'int'," * (1 << 18), id="members"),
    ],
)
def test_large_files_take_no_longer_than_they_are_large(place, text):
    """In a process with a deadline: a pattern that backtracks would take hours."""
    place.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "qscope", "compile", place],
        capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr, "internal" in done.stderr) in [
        (0, False, False),
        (1, False, False),
    ]
    assert len(done.stderr) < 1000 + len(str(place)) * 4
