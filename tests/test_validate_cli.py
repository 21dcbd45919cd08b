"""`qscope validate` as a user meets it."""

import json
import subprocess
import sys

import pytest

from qscope.load.opening import EMBEDDED

_STOP = '{"execute": "stop"}'
_EJECT = '{"execute": "eject", "arguments": {"device": "a"}}'
_ODD = '{"execute": "device_add", "arguments": {"driver": "e1000", "addr": "20"}}'


def run(*words, stdin=""):
    """Run it on the snapshot that ships; `stdin` may be bytes."""
    command = [sys.executable, "-m", "qscope", "validate", "-s", EMBEDDED, *words]
    data = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run(command, input=data, capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "status", "output"),
    [
        pytest.param([_STOP], 0, "accepted\n", id="accepted"),
        pytest.param([_EJECT], 0, "device: it is deprecated [warning]\naccepted\n", id="warning"),
        pytest.param([_EJECT, "--deprecated", "accept"], 0, "accepted\n", id="no warning"),
        pytest.param(
            [_EJECT, "--deprecated", "reject"], 1, "device: it is deprecated\n", id="rejected"
        ),
        pytest.param(
            ['{"execute": "x-query-jit"}', "--unstable", "reject"],
            1,
            "x-query-jit: the command is unstable\n",
            id="unstable rejected",
        ),
        pytest.param(
            [_ODD],
            1,
            'addr: the string "20" was given;'
            " takes a PCI address: SLOT.FUNCTION in hexadecimal, as 1f.7\n",
            id="refused",
        ),
        pytest.param(["{'execute': 'stop'}"], 0, "accepted\n", id="single quotes"),
        pytest.param(["{}"], 1, "execute: it is missing; takes string\n", id="empty"),
        pytest.param(["[]"], 1, "an array was given; takes an object\n", id="no object"),
        pytest.param(
            ['{"execute": "stop"'],
            1,
            "JSON, line 1, column 19: the text ends; ',' or '}' is right\n",
            id="malformed",
        ),
        pytest.param(
            ['{"execute": NaN}'],
            1,
            "JSON, line 1, column 13: unexpected 'N'; a value is right\n",
            id="no number",
        ),
    ],
)
def test_one_command(words, status, output):
    assert run(*words) == (status, output, "")


@pytest.mark.parametrize(
    ("text", "status", "output"),
    [
        pytest.param(f"{_STOP}\n{_STOP}\n", 0, "accepted\n", id="two"),
        pytest.param(
            f"{_STOP}\n\n{_ODD.replace('20', '1')}\n{_EJECT}",
            0,
            "4: device: it is deprecated [warning]\naccepted\n",
            id="the line of a warning",
        ),
        pytest.param(
            f'-> {{"execute": "stop",\n    "argument": 5}}\n<- {{"error": {{}}}}\n-> {_STOP}\n',
            1,
            "1: argument: a command has no such key (did you mean 'arguments'?)\n",
            id="a dialogue",
        ),
        pytest.param(
            f"#\n{_STOP}",
            1,
            "1: JSON, line 1, column 1: unexpected '#'; a value is right\n",
            id="a comment",
        ),
        pytest.param(
            b'{"execute": "\xff"}',
            1,
            "JSON, line 1, column 13: U+DCFF in a string; a character of UTF-8 is right\n",
            id="no UTF-8",
        ),
        pytest.param(
            "[" * 100_000,
            1,
            "JSON, line 1, column 1025: nested too deep; 1024 levels are right\n",
            id="deep",
        ),
        pytest.param(
            '{"execute": "balloon", "arguments": {"value": ' + "9" * 100_000 + "}}",
            1,
            "value: a number beyond all limits was given; takes int\n",
            id="long number",
        ),
    ],
)
def test_stdin(text, status, output):
    assert run("-", stdin=text) == (status, output, "")


def test_what_cannot_be_told(tmp_path):
    bare = tmp_path / "snapshot.json"
    command = [sys.executable, "-m", "qscope", "validate", "-s", bare, _STOP]
    listed = [{"execute": "query-commands", "return": [{"name": "stop"}]}]
    bare.write_text(json.dumps(listed))
    done = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert (done.returncode, done.stdout[-14:]) == (3, "[cannot tell]\n")


def test_file(tmp_path):
    path = tmp_path / "commands"
    path.write_text(f"{_STOP}\n{_ODD}\n")
    status, output, _ = run(str(path), "--format", "json")
    report = json.loads(output)
    assert (status, report["verdict"]) == (1, "refused")
    (finding,) = report["findings"]
    assert (finding["line"], finding["command"], finding["member"]) == (2, "device_add", "addr")
    assert finding["evidence"] == "device-list-properties e1000"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["/nosuch"], "/nosuch: No such file or directory", id="no file"),
        pytest.param(["/"], "/: ", id="a folder"),
        pytest.param(["-"], "there is no command in it", id="nothing"),
        pytest.param([], "Missing argument", id="no argument"),
        pytest.param(["--deprecated", "maybe", _STOP], "'maybe' is not one of", id="policy"),
    ],
)
def test_what_cannot_be_done(words, says):
    status, output, error = run(*words)
    assert (status, output) == (2, "")
    assert says in error
    assert error.count("\n") == 1
