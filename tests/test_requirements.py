"""Requirements: three-valued features of paths, what is wrong with a file, and `qscope check`."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask import Verdict
from qscope.ask.requirements import (
    Row,
    conclude_rows,
    decide_all,
    decide_feature,
    parse_requirements,
)
from qscope.errors import PathError, RequirementsError
from qscope.load import open_interface
from qscope.load.opening import EMBEDDED
from qscope.load.requirements import read_requirements
from qscope.model.interface import Interface
from tests.test_cli import run

EXAMPLE = "examples/requirements/management.toml"
# Of the snapshot that ships with qscope: there, not there, not known.
YES, NO, UNKNOWN = "stop", "nosuch", "device:virtio-vga-gl/xres"


@pytest.fixture(scope="module")
def interface():
    return open_interface(EMBEDDED)


def parse_one(body):
    return parse_requirements(f"[it]\n{body}").features[0]


@pytest.mark.parametrize(
    ("body", "verdict", "paths"),
    [
        pytest.param(f'all = ["{YES}"]', "yes", [YES], id="all: yes"),
        pytest.param(f'all = ["{YES}", "{NO}"]', "no", [NO], id="all: one is missing"),
        pytest.param(f'all = ["{YES}", "{UNKNOWN}"]', "unknown", [UNKNOWN], id="all: unknown"),
        pytest.param(f'all = ["{UNKNOWN}", "{NO}"]', "no", [NO], id="all: no beats unknown"),
        pytest.param(f'any = ["{NO}", "{YES}"]', "yes", [YES], id="any: yes"),
        pytest.param(f'any = ["{UNKNOWN}", "{YES}"]', "yes", [YES], id="any: yes beats unknown"),
        pytest.param(f'any = ["{UNKNOWN}", "{NO}"]', "unknown", [UNKNOWN], id="any: unknown"),
        pytest.param(f'any = ["{NO}", "nope"]', "no", [NO, "nope"], id="any: all are missing"),
        pytest.param(f'none = ["{NO}"]', "yes", [NO], id="none: yes"),
        pytest.param(f'none = ["{NO}", "{YES}"]', "no", [YES], id="none: one is there"),
        pytest.param(f'none = ["{NO}", "{UNKNOWN}"]', "unknown", [UNKNOWN], id="none: unknown"),
        pytest.param(f'none = ["{YES}", "{UNKNOWN}"]', "no", [YES], id="none: no beats unknown"),
        pytest.param(f'all = ["{YES}"]\nnone = ["{YES}"]', "no", [YES], id="two keys: no"),
        pytest.param(f'all = ["{YES}"]\nnone = ["{NO}"]', "yes", [YES, NO], id="two keys: yes"),
        pytest.param(f'any = [{{ all = ["{YES}", "{NO}"] }}, "{YES}"]', "yes", [YES], id="nested"),
        pytest.param(
            f'all = [{{ any = ["{NO}", {{ none = ["{YES}"] }}] }}]', "no", [NO, YES], id="deeper"
        ),
        pytest.param(
            f'all = [{{ any = ["{YES}"], none = ["{YES}"] }}]', "no", [YES], id="nested, two keys"
        ),
    ],
)
def test_what_a_feature_is_made_of(interface, body, verdict, paths):
    decision = decide_feature(interface, parse_one(body))
    assert decision.verdict.value == verdict
    assert [reason.path for reason in decision.reasons] == paths


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "no feature in it; one is a table: [NAME]", id="empty"),
        pytest.param("# nothing", "no feature in it", id="a comment"),
        pytest.param("[a\n", "not TOML: line 1, column 3: Expected", id="not TOML"),
        pytest.param('[a]\nany = ["x"]\n[a]\n', "not TOML: line 3", id="a feature twice"),
        pytest.param('[a]\nany = ["x"]\nany = ["y"]\n', "not TOML: line 3", id="a key twice"),
        pytest.param("\x00", "not TOML", id="NUL"),
        pytest.param("a = " + "[" * 9999, "nested too deeply", id="brackets"),
        pytest.param("a = " + "9" * 9999, "not TOML that can be read", id="digits"),
        pytest.param("a = 1", "a is no feature; one is a table", id="no table"),
        pytest.param("a = 2020-01-01", "a is no feature", id="a date"),
        pytest.param('[[a]]\nany = ["x"]', "a is no feature", id="an array of tables"),
        pytest.param("[a]", "[a]: says no path; it needs any, all or none", id="no path"),
        pytest.param('[a]\ndescription = "x"', "[a]: says no path", id="words only"),
        pytest.param("[a]\nany = []", "[a] any: is an empty array", id="no path in any"),
        pytest.param('[a]\nany = "stop"', '[a] any: is no array; it takes an array of paths: ["PA',
                     id="a path alone"),
        pytest.param("[a]\nall = 3", "[a] all: is no array", id="a number alone"),
        pytest.param('[a]\nall = { any = ["x"] }', "[a] all: is no array", id="a table alone"),
        pytest.param("[a]\nall = [3]", "[a] all, number 1: neither a path in quotes", id="number"),
        pytest.param('[a]\nall = ["x", ["y"]]', "[a] all, number 2: neither", id="array in array"),
        pytest.param("[a]\nall = [{}]", "[a] all, number 1: says no path", id="an empty table"),
        pytest.param('[a]\nany = [{ all = ["x"], required = true }]',
                     "[a] any, number 1 required: no such key", id="a key of features, nested"),
        pytest.param('[a]\nany = [{ all = [""] }]',
                     "[a] any, number 1 all, number 1: malformed path: it is empty", id="nested"),
        pytest.param('[a]\nany = [""]', "[a] any, number 1: malformed path", id="an empty path"),
        pytest.param('[a]\nany = ["/x"]', "malformed path '/x'", id="no name"),
        pytest.param('[a]\nany = [" stop"]', "malformed path ' stop'", id="a space in front"),
        pytest.param('[a]\nany = ["stop\\n"]', "malformed path 'stop\\n'", id="a newline"),
        pytest.param('[a]\nany = ["device:"]', "no name after 'device:'", id="a prefix alone"),
        pytest.param('[a]\nany = ["devise:x"]', "did you mean device:x?", id="a prefix, misspelt"),
        pytest.param('[a]\nany = ["qqq:x"]', "one of command, event, device", id="no prefix"),
        pytest.param('[a]\nanny = ["x"]', "[a] anny: no such key; did you mean any?", id="a typo"),
        pytest.param('[a]\nany = ["x"]\nhint = "y"', "[a] hint: no such key; keys are all, any",
                     id="a key that is not there"),
        pytest.param('[a.b]\nany = ["x"]', "[a] b: no such key", id="a table in a feature"),
        pytest.param('[a]\nany = ["x"]\nrequired = "no"', "[a] required: takes true or false",
                     id="required in quotes"),
        pytest.param('[a]\nany = ["x"]\nrequired = 0', "[a] required: takes true or", id="0"),
        pytest.param('[a]\nany = ["x"]\ndescription = 1', "[a] description: takes a text", id="1"),
        pytest.param('[a]\nany = ["x"]\nreplacement = ""', "[a] replacement: takes a text",
                     id="a hint that says nothing"),
        pytest.param("[a]\nall = [" + "{ all = [" * 11 + '"x"' + "] }" * 11 + "]",
                     "nested more than 10 deep", id="too deep"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file(text, says):
    with pytest.raises(RequirementsError) as caught:
        parse_requirements(text)
    assert says in caught.value.mistakes[0]


@given(
    st.lists(
        st.sampled_from(["[a]", "any", "all", "=", "[", "]", "{", "}", '"', "stop", ",", "\n"])
    )
)
def test_any_file_is_read_or_refused(words):
    with contextlib.suppress(RequirementsError):
        assert parse_requirements("".join(words)).features


def test_all_mistakes_are_told():
    text = '[a]\nany = ["", "devise:x"]\nhint = 1\n[b]\nrequired = 1\n'
    with pytest.raises(RequirementsError) as caught:
        parse_requirements(text)
    assert len(caught.value.mistakes) == 5
    assert str(caught.value) == f"{caught.value.mistakes[0]} (and 4 more)"


def test_a_path_that_only_asking_shows_to_be_malformed(interface):
    requirements = parse_requirements('[a]\nany = ["stop", { all = ["str/!string/x"] }]')
    with pytest.raises(PathError, match=r"^\[a\] any, number 2 all, number 1: str/!string/x: "):
        decide_feature(interface, requirements.features[0])
    _, malformed = decide_all(requirements, [interface, interface])
    assert len(malformed) == 1


def test_an_interface_that_knows_nothing():
    feature = parse_one('all = ["stop", "device:x", "machine:y"]')
    assert decide_feature(Interface(None), feature).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("required", "optional", "verdict"),
    [
        (YES, NO, "yes"),
        (YES, UNKNOWN, "yes"),
        (NO, YES, "no"),
        (UNKNOWN, NO, "unknown"),
    ],
)
def test_only_required_features_decide(interface, required, optional, verdict):
    text = f'[a]\nall = ["{required}"]\n[b]\nall = ["{optional}"]\nrequired = false'
    rows, _ = decide_all(parse_requirements(text), [interface])
    assert conclude_rows(rows).value == verdict
    assert isinstance(rows[0], Row)


class TestExample:
    def test_it_has_enough_and_says_who_tests(self):
        features = read_requirements(EXAMPLE).features
        assert len(features) >= 30
        assert [each.name for each in features if not each.description] == []

    def test_the_shipped_qemu(self, interface):
        rows, malformed = decide_all(read_requirements(EXAMPLE), [interface])
        found = {row.feature.name: row.decisions[0].verdict.value for row in rows}
        assert malformed == ()
        expected = {
            "blockdev-reopen": "yes", "discard-no-unref": "no", "iothread-vq-mapping": "no",
            "object-add-is-typed": "yes", "virtio-gpu-gl": "no", "spice": "yes",
            "netdev-stream": "yes", "netdev-stream-reconnect": "no", "sev-snp": "no",
            "png-screendump": "yes", "migrate-channels": "no", "eject-by-device": "no",
            "hvf-built-in": "no", "kvm-built-in": "yes", "vtpm": "yes", "sandbox": "yes",
            "run-with-user": "no", "async-teardown": "yes", "audiodev": "yes",
        }  # fmt: skip
        assert {name: found[name] for name in expected} == expected

    @pytest.mark.shared
    def test_a_newer_qemu(self, shared):
        [path] = (shared / "snapshots").glob("qemu-10.0.13-*.gz")
        rows, malformed = decide_all(read_requirements(EXAMPLE), [open_interface(path)])
        found = {row.feature.name: row.decisions[0].verdict.value for row in rows}
        assert malformed == ()
        expected = {
            "discard-no-unref": "yes", "netdev-stream-reconnect": "yes", "sev-snp": "yes",
            "spice": "no", "tdx": "no", "iommufd": "yes", "netdev-passt": "no",
            "run-with-user": "yes", "async-teardown": "yes",
        }  # fmt: skip
        assert {name: found[name] for name in expected} == expected

    @pytest.mark.live
    def test_a_qemu_that_is_installed(self, qemu):
        done = run("check", EXAMPLE, qemu, "--format", "json")
        assert done.returncode in (0, 1, 3)
        assert done.stderr == ""
        answers = {each["name"]: each["answers"][0] for each in json.loads(done.stdout)["features"]}
        assert answers["cpu-hotplug"]["answer"] is True


@pytest.fixture
def write(tmp_path):
    def write(text, name="needs.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


class TestCommand:
    @pytest.mark.parametrize(
        ("path", "status"), [(YES, 0), (NO, 1), (UNKNOWN, 3), ("str/!string/x", 2)]
    )
    def test_exit_status(self, write, path, status):
        done = run("check", write(f'[it]\nall = ["{path}"]'), EMBEDDED)
        assert (done.returncode, "Traceback" in done.stderr) == (status, False)

    def test_a_table(self, write):
        text = (
            f'[first]\nall = ["{YES}"]\n'
            f'[second]\nany = ["{NO}"]\nrequired = false\ndescription = "why"\n'
            f'replacement = "the other way"\n[third]\nany = ["{UNKNOWN}"]'
        )
        done = run("check", write(text), EMBEDDED, EMBEDDED)
        assert done.returncode == 3
        lines = done.stdout.splitlines()
        assert lines[0].split() == ["feature", EMBEDDED, EMBEDDED]
        assert lines[1].split() == ["first", "yes", "yes"]
        assert lines[2].split() == ["second", "(optional)", "no", "no"]
        assert "second (optional): why" in lines
        assert f"  {EMBEDDED}, {EMBEDDED}: no nosuch" in lines
        assert "  instead: the other way" in lines
        assert any("the question crashed QEMU" in line for line in lines)

    def test_json(self, write):
        text = f'[a]\nall = ["{NO}"]\nreplacement = "x"\n[b]\nany = ["{YES}"]'
        done = run("check", write(text), EMBEDDED, "--format", "json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["verdict"]) == (1, False)
        assert told["snapshots"][0]["qemu"].startswith("QEMU 7.2.22")
        first, second = told["features"]
        assert (first["name"], first["required"], first["replacement"]) == ("a", True, "x")
        assert first["answers"][0]["answer"] is False
        assert first["answers"][0]["reasons"][0]["path"] == NO
        assert second["answers"][0]["answer"] is True

    def test_markdown_shows_names_as_they_are(self, write):
        text = f'["a|b*"]\nall = ["{NO}"]\nreplacement = "x|y\\nz<b>"'
        done = run("check", write(text), EMBEDDED, "--format", "markdown")
        table = [line for line in done.stdout.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {4}
        assert table[2] == r"| a\|b\* | **no** | x\|y z\<b\> |"

    def test_an_explanation_guesses(self, write):
        done = run("check", write('[a]\nall = ["stopp"]'), EMBEDDED, "--explain")
        assert "did you mean stop" in done.stdout

    def test_nothing_on_stdout_does_things_to_a_terminal(self, write):
        text = f'["\\u001b[31m"]\nall = ["{NO}"]\ndescription = "\\u001b]0;x"'
        for form in ("text", "markdown"):
            assert "\x1b" not in run("check", write(text), EMBEDDED, "--format", form).stdout

    def test_stdin(self):
        done = run("check", "-", EMBEDDED, input=f'[a]\nall = ["{YES}"]')
        assert done.returncode == 0
        done = run("check", "-", "-", input="")
        assert (done.returncode, "only one" in done.stderr) == (2, True)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            pytest.param(b"\xff", "not TOML: not UTF-8 at byte 0", id="not UTF-8"),
            pytest.param(b"[a", "not TOML: Expected", id="not TOML"),
            pytest.param(b'[a]\nany = ["devise:x"]', "did you mean device:x?", id="a prefix"),
            pytest.param(b'[a]\nany = ["str/!string/x"]', "[a] any, number 1: str/!s", id="a path"),
            pytest.param(b'["\x1b"]\nx = 1', "no such key", id="not TOML: an escape"),
        ],
    )
    def test_what_is_wrong_names_the_file(self, write, text, says):
        path = write(text)
        done = run("check", path, EMBEDDED)
        assert (done.returncode, done.stdout) == (2, "")
        if b"\x1b" not in text:
            assert done.stderr.startswith(f"qscope: {path}: ")
            assert says in done.stderr
        assert "\x1b" not in done.stderr

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            pytest.param([], "Missing argument 'REQUIREMENTS.toml'", id="nothing"),
            pytest.param(["/nonexistent.toml"], "/nonexistent.toml: No such file", id="no file"),
            pytest.param(["/"], "/: Is a directory", id="a folder"),
            pytest.param(["/dev/zero"], "/dev/zero: not a regular file", id="a device"),
            pytest.param([EXAMPLE, "/nonexistent"], "no such file", id="no snapshot"),
            pytest.param([EXAMPLE, EXAMPLE], "not a snapshot", id="no snapshot but a file"),
            pytest.param([EXAMPLE, "unix:/nonexistent"], "No such file", id="no socket"),
            pytest.param([EXAMPLE, "--format", "xml"], "'xml' is not one of", id="format"),
        ],
    )
    def test_what_cannot_be_done_is_one_line(self, words, says):
        done = run("check", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("qscope: ")
        assert done.stderr.count("\n") == 1
        assert says in done.stderr

    def test_columns_are_short_where_they_tell_apart(self, write, tmp_path):
        twin = tmp_path / "twin.transcript.json.gz"
        twin.symlink_to(EMBEDDED)
        done = run("check", write(f'[a]\nall = ["{YES}"]'), EMBEDDED, str(twin))
        assert done.stdout.split("\n")[0].split()[1:] == ["qemu-7.2.22-debian-x86_64", "twin"]
