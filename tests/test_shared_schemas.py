"""QEMU's own test schemas and interface definitions, where the shared test data has them."""

import gzip
import json
import os
from pathlib import Path

import pytest

from qscope.errors import SchemaError
from qscope.load.defines import read_defines
from qscope.load.schema import open_schema
from qscope.model.interface import Interface
from qscope.probe import probe_binary
from qscope.qapi.infer import infer
from tests.conftest import find_shared
from tests.schemas import introspect

pytestmark = pytest.mark.shared

FOLDER = find_shared()
CASES = json.loads((FOLDER / "cases/expected.json").read_text()) if FOLDER else []
REPLIES = sorted(FOLDER.glob("schemas/*/expected/*.json.gz")) if FOLDER else []
ROOTS = sorted(FOLDER.glob("schemas/*/*/*.json")) if FOLDER else []


def docs_of(path):
    """Releases before 10.2 break today's rules."""
    return "ignore" if "qemu-7.2" in str(path) else "check"


def test_the_shared_data(shared):
    """Skipped where there is none; the tables are not empty where there is."""
    assert CASES
    assert REPLIES
    assert ROOTS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_cases(case):
    path = FOLDER / "cases" / case["file"]
    if case["valid"]:
        assert introspect(open_schema(path), case["define"]) == case["schema_info"]
        return
    with pytest.raises(SchemaError) as caught:
        open_schema(path)
    location = caught.value.location
    if case["location"]:
        assert f"{os.path.basename(location.file)}:{location.line}" == case["location"]


@pytest.mark.parametrize("path", REPLIES, ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_replies(path):
    case = json.loads(gzip.decompress(path.read_bytes()))
    schema = open_schema(path.parents[1] / case["schema"], docs=docs_of(path))
    assert introspect(schema, case["define"]) == case["schema_info"]
    assert set(case["define"]) <= set(schema.symbols)


@pytest.mark.parametrize("path", ROOTS, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_file_as_a_root_of_its_own(path):
    """Each includes what it needs, or lacks it; rules of syntax none of them breaks."""
    complaint = ""
    try:
        schema = open_schema(path, docs=docs_of(path))
    except SchemaError as error:
        complaint = str(error)
    else:
        assert all(name in schema.by_name for name in schema.shapes)
    lacks = ("does not exist", "must have no capital letter", "'returns' takes", "not documented")
    assert not complaint or any(words in complaint for words in lacks)


@pytest.fixture
def source(shared):
    return open_schema(shared / "schemas/qemu-7.2/qapi/qapi-schema.json", docs="ignore")


@pytest.mark.live
def test_the_installed_qemu_answers_what_its_source_says(shared, qemu, source):
    interface = Interface.from_snapshot(probe_binary(Path(qemu)))
    if interface.identity.version != "7.2.22":
        pytest.skip(f"the symbols are known of 7.2.22, not of {interface.identity.version}")
    defines = read_defines(str(shared / "schemas/qemu-7.2/debian-7.2.22-x86_64.defines"))
    assert interface.entities == source.introspect(defines)
    found = infer(source, interface)
    assert (found.exact, found.differences, found.undecided) == (True, (), ())
    assert set(found.on) == defines
    assert (len(found.on), len(found.off), len(found.without_effect)) == (26, 5, 3)


def test_a_newer_source_does_not_explain_an_older_qemu(shared):
    """Inference still finds what was built, and lists what is not there yet."""
    from qscope.load import load

    recorded = next(iter(shared.glob("snapshots/*10.0.13*")))
    newer = open_schema(shared / "schemas/qemu-11.0/qapi/qapi-schema.json", docs="ignore")
    found = infer(newer, load(str(recorded)).interface)
    assert not found.exact
    extra = [each.path for each in found.differences if each.sort.value == "extra"]
    # Debian backported it; upstream has it after 11.0.
    assert "blockdev-add/arg-type/+blkdebug/inject-error/delay-ns" in extra
    assert {"CONFIG_LINUX", "CONFIG_TCG"} <= set(found.on)
    assert {"CONFIG_WIN32", "CONFIG_COCOA"} <= set(found.off)
