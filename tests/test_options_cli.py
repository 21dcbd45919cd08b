"""`qscope list --options`, `show option:NAME`, and what they refuse."""

import json
import subprocess
import sys

import pytest

from qscope.load.opening import EMBEDDED

SOURCE = ["--snapshot", EMBEDDED]


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "qscope", *words],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["list", "--options", "run*"], 0, "-runas"),
        (["list", "--options", "nosuch*"], 1, "no options match 'nosuch*'"),
        (["list", "--options", "drvie"], 1, "did you mean drive"),
        (["list", "--options", "--summary"], 0, "wrong name"),
        (["list", "--summary", "--options"], 0, "wrong name"),
        (["list", "--options", "--summary", "x*"], 2, "takes no PATTERN"),
        (["list", "--options", "--devices"], 2, "exclude each other"),
        (["list", "--options", "--creatable"], 2, "needs --devices"),
        (["list", "--options", "--bus", "PCI"], 2, "--bus needs --devices"),
        (["show", "option:drive"], 0, "*format: enum"),
        (["show", "option:netdev"], 0, "+user"),
        (["show", "option:S"], 0, "-S"),
        (["show", "option:nosuch"], 1, "option:nosuch"),
        (["show", "option:drvie"], 1, "did you mean option:drive"),
        (["show", "option:S/x"], 1, "takes no argument"),
        (["show", "option:drive/x"], 3, "incomplete"),
        (["show", "option:chardev/+socket"], 0, "*host: string"),
        (["show", "option:"], 2, "no name"),
        (["query", "--explain", "option:drive/format/^qcow2"], 0, "blockdev-add"),
        (["query", "--explain", "option:drive/x"], 3, "incomplete"),
        (["query", "--explain", "option:rtc/clok"], 1, "did you mean option:rtc/clock?"),
    ],
)
def test_options_on_the_command_line(words, status, says):
    done = run(*words, *SOURCE)
    assert done.returncode == status
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_json_has_the_whole_entity():
    done = run("list", "--options", "drive", "--format", "json", *SOURCE)
    (option,) = json.loads(done.stdout)
    assert option["meta-type"] == "option"
    assert (option["name"], option["arg"], option["repeat"]) == ("drive", True, "list")
    assert {"arg-type", "syntax", "implied-key", "closed", "aliases", "sugar", "hidden"} <= {
        *option
    }
    assert {each["kind"] for each in option["evidence"]} >= {"qclo", "table"}


def test_json_of_the_slide():
    slide = json.loads(run("list", "--options", "--summary", "--format", "json", *SOURCE).stdout)
    assert (slide["total"], slide["internal"]) == (121, 5)
    assert list(slide["described"]) == [
        "complete", "some parameters", "no parameters", "wrong name", "missing",
    ]  # fmt: skip
    assert slide["described"]["wrong name"] == ["acpitable", "boot", "m", "smp"]


def test_nobody_lists_options(tmp_path):
    (tmp_path / "bare.json").write_text(
        '[{"name": "str", "meta-type": "builtin", "json-type": "string"}]'
    )
    done = run("list", "--options", "--snapshot", str(tmp_path / "bare.json"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot tell" in done.stderr
