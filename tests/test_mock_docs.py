"""What docs/mock.md shows: its file of answers, its tests, its options."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from qscope.cli.main import qscope
from qscope.cli.mock_qemu import HELP
from qscope.load import load_snapshot
from qscope.load.opening import EMBEDDED
from qscope.serve.mock import Manner, mock_snapshot, parse_answers

TEXT = (Path(__file__).parent.parent / "docs" / "mock.md").read_text()


def find_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_answers_fit_the_shipped_snapshot():
    (text,) = find_blocks("toml")
    answers = parse_answers(text, "docs/mock.md")
    mock_snapshot(load_snapshot(EMBEDDED).snapshot, Manner(answers=answers))
    assert len(answers.rules) == text.count("[[answer]]") == 9
    assert len(answers.timed) == 1


def test_the_keys_of_answers_are_all_told(tmp_path):
    told = set(re.findall(r"^\| `([a-z-]+)`(?:, `([a-z-]+)`)? \| .* \| .* \|$", TEXT, re.MULTILINE))
    names = {name for pair in told for name in pair if name}
    from qscope.serve.mock.answers.tables import AnswerTable

    keys = set(AnswerTable.__struct_encode_fields__)
    assert keys <= names


@pytest.mark.parametrize("command", ["serve", "proxy"])
def test_options_that_are_named_are_there(command):
    help_text = CliRunner().invoke(qscope, [command, "--help"]).output
    lines = [line for line in TEXT.splitlines() if f"qscope {command} " in line]
    named = {name for line in lines for name in re.findall(r"--[a-z-]+", line)}
    assert named
    assert all(name in help_text for name in named)


def test_own_options_of_the_executable_are_all_told():
    own = set(re.findall(r"^  (--[a-z-]+)", HELP, re.MULTILINE)) - {"--mock-help"}
    variables = set(re.findall(r"QSCOPE_[A-Z_]+", HELP))
    section = TEXT.partition("## In place of the binary")[2].partition("\n## ")[0]
    assert {each for each in own | variables if each not in section} == set()


def test_the_tests_of_the_docs_pass(tmp_path):
    """As pytest runs them; my_program is made up."""
    import subprocess
    import sys

    (tests,) = [block for block in find_blocks("python") if "def test_" in block]
    (tmp_path / "test_docs.py").write_text(tests)
    (tmp_path / "my_program.py").write_text(
        "from qscope.errors import CommandError\n"
        "from qscope.qmp.address import parse_address\n"
        "from qscope.qmp.client import QMPClient\n\n\n"
        "def stop_guest(path):\n"
        "    with QMPClient.connect(parse_address(f'unix:{path}'), timeout=10) as client:\n"
        "        try:\n"
        "            client.execute('stop')\n"
        "        except CommandError as error:\n"
        "            raise RuntimeError(error.desc) from error\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout
