"""`qscope show --parse`: a command line, option by option, as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from qscope.cli.show import command
from qscope.load.opening import EMBEDDED


def show(*words, form="text"):
    arguments = ["--snapshot", EMBEDDED, "--format", form, "--parse", "--", *words]
    found = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert found.exception is None, found.exception
    return found.stdout, found.return_value


def test_every_option_has_its_canonical_form_and_its_parameters():
    printed, status = show("-drive", "file=a,,b,if=none", "--S", "-name", "a b", "-M", "pc,help")
    assert printed.splitlines() == [
        "-drive file=a,,b,if=none  (qemuopts)",
        "    file  a,b",
        "    if    none",
        "-S",
        "-name 'guest=a b'  (qemuopts)",
        "    guest  a b",
        "-M type=pc,help  (machine-props)",
        "    type  pc",
        "    help  asked for: QEMU prints it and exits",
    ]
    assert status == 0


def test_nested_parameters_have_dots():
    argument = '{"driver":"raw","file":{"x":[1,{}]},"y":null}'
    printed, status = show("-blockdev", argument)
    assert printed.splitlines()[1:] == [
        "    driver    raw",
        "    file.x.0  1",
        "    file.x.1  {}",
        "    y         null",
    ]
    assert status == 0


@pytest.mark.parametrize(
    ("words", "line", "status"),
    [
        (
            ["-S", "-M", "pc,usb"],
            "-M (word 2): parameter 'usb' has no value: usb=VALUE is right",
            1,
        ),
        (
            ["--blockdev", "a.1=x"],
            "--blockdev (word 1): parameter 'a.0' is missing from the list",
            1,
        ),
        (
            ["-device", '{"a":1'],
            "-device (word 1): JSON, line 1, column 7: the text ends; ',' or '}' is right",
            1,
        ),
        (["-cpu", ",avx"], "-cpu (word 1): no CPU model: MODEL[,FEATURE…] is right", 1),
        (["-S", "-m"], "-m (word 2): the line ends: an argument is right", 1),
        (["-nodefualts"], "-nodefualts (word 1): no such option; did you mean -nodefaults?", 1),
        (["-"], "- (word 1): no such option", 1),
        (["a", "b"], "b (word 2): a second word without '-', the first is -hda's image already", 1),
        (["a", ""], "'' (word 2): a second word without '-', the first is -hda's image already", 1),
        (["-nope\n\x1b[m"], "-nope??[m (word 1): no such option", 1),
    ],
)
def test_what_is_malformed_is_one_line_with_option_and_place(words, line, status):
    printed, found = show(*words)
    assert (printed.splitlines()[-1], found) == (line, status)


def test_json_has_everything_in_order():
    printed, status = show("-m", "1G,size=2G,slots", "-cpu", "EPYC,+avx", "-S", "x", form="json")
    memory, cpu, stop, image = json.loads(printed)
    assert memory == {
        "option": "m",
        "typed": "-m",
        "argument": "1G,size=2G,slots",
        "syntax": "qemuopts",
        "parsed": [
            {"name": "size", "value": "1G"},
            {"name": "size", "value": "2G"},
            {"name": "slots", "value": "on", "bare": True},
        ],
        "canonical": "-m size=1G,size=2G,slots=on",
    }
    assert cpu["parsed"] == {
        "model": "EPYC",
        "features": [{"name": "avx", "value": "on", "form": "plus"}],
    }
    assert (stop["syntax"], stop["argument"], stop["parsed"]) == ("flag", None, None)
    assert (image["option"], image["canonical"]) == ("hda", "-hda x")
    assert status == 0


def test_json_says_what_is_malformed():
    printed, status = show("-S", "-M", "pc,usb", form="json")
    assert json.loads(printed)[1] == {
        "option": "M",
        "typed": "-M",
        "argument": "pc,usb",
        "position": 1,
        "error": "parameter 'usb' has no value: usb=VALUE is right",
    }
    assert status == 1
