"""pytest's fixture `mock_qemu`: a mock QEMU for each test that asks for it.

In: pytest's options and marks. Out: a `MockQEMU` that ends with the test. All that makes a mock is
imported by the first test that has one: this module is imported by every run of pytest.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qscope.testing.mock import MockQEMU

_NAME = "mock_qemu"
_SNAPSHOT = "mock_qemu_snapshot"
_OPTION = "--mock-qemu-snapshot"
_MARK = f"{_NAME}(…): what the fixture mock_qemu runs, in the words of qscope.testing.run_mock_qemu"
_HELP = "the QEMU that the fixture mock_qemu stands for: a snapshot's file, or a binary; "
# Of what a mark says: what may be a path, relative to the file that has the mark.
_PATHS = ("snapshot", "schema", "answers")
_SOURCES = ("snapshot", "schema")
_ENDINGS = (".gz", ".json", ".transcript")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what says which QEMUs the tests are run against."""
    group = parser.getgroup("qscope", "qscope's mock QEMU")
    again = "again for each, and each test is run for all"
    group.addoption(_OPTION, action="append", metavar="S", dest=_SNAPSHOT, help=_HELP + again)
    parser.addini(_SNAPSHOT, type="linelist", help=f"{_HELP}one a line")


def pytest_configure(config: pytest.Config) -> None:
    """Let the mark be known."""
    config.addinivalue_line("markers", _MARK)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each snapshot that was named, unless a mark says what it has."""
    asks = _SNAPSHOT in metafunc.fixturenames
    if not asks and (_NAME not in metafunc.fixturenames or _says_what(metafunc.definition)):
        return
    names = _list_snapshots(metafunc.config)
    if not names:
        return
    if not asks:
        metafunc.fixturenames.append(_SNAPSHOT)
    ids = [_shorten(each) for each in names]
    metafunc.parametrize(_SNAPSHOT, names, ids=ids, scope="session")


@pytest.fixture(scope="session")
def mock_qemu_snapshot(request: pytest.FixtureRequest) -> str | None:
    """Return the snapshot that mock_qemu stands for; None is the one in qscope.

    A project may have a fixture of this name: what is said by option or in the file of settings
    comes before it, and a mark's snapshot before both.
    """
    names = _list_snapshots(request.config)
    if len(names) > 1:
        raise pytest.UsageError(f"{_OPTION}: this test cannot be run for more than one of them")
    return names[0] if names else None


@pytest.fixture
def mock_qemu(request: pytest.FixtureRequest) -> "Iterator[MockQEMU]":
    """Run a mock QEMU until the test ends; clients find it at `mock_qemu.path`.

    The mark `mock_qemu(…)` says what it is to be, in the words of qscope.testing.run_mock_qemu.
    """
    from qscope.testing import run_mock_qemu  # noqa: PLC0415 - see above

    words = _read_marks(request.node)
    if words.keys().isdisjoint(_SOURCES):
        words["snapshot"] = request.getfixturevalue(_SNAPSHOT)
    with run_mock_qemu(**words) as mock:
        yield mock


def _says_what(node: pytest.Item) -> bool:
    """Whether a test's marks say what its mock stands for."""
    marks = node.iter_markers(_NAME)
    return any(name in mark.kwargs for mark in marks for name in _SOURCES)


def _read_marks(node: pytest.Item) -> dict[str, Any]:
    """Return what a test's marks say, where the closest is right."""
    words: dict[str, Any] = {}
    for mark in node.iter_markers(_NAME):
        if mark.args:
            raise pytest.UsageError(f"mock_qemu({mark.args[0]!r:.80}): it needs a key: snapshot=…")
        words = {**mark.kwargs, **words}
    return {
        key: _find(each, node.path.parent) if key in _PATHS else each for key, each in words.items()
    }


def _list_snapshots(config: pytest.Config) -> list[str]:
    """Return what was named: on the command line, else in the file of settings."""
    if named := config.getoption(_SNAPSHOT):
        return [_find(each, config.invocation_params.dir) for each in named]
    folder = config.inipath.parent if config.inipath else config.rootpath
    return [_find(each, folder) for each in config.getini(_SNAPSHOT)]


def _find(name: Any, folder: Path) -> Any:
    """Return the path of what lies in the folder; anything else as it is."""
    if not isinstance(name, str):
        return name
    path = folder / name
    try:
        return str(path) if path.exists() else name
    except (OSError, ValueError):
        return name


def _shorten(name: str) -> str:
    """Return what a test is called by."""
    short = name.rpartition("/")[2]
    for ending in _ENDINGS:
        short = short.removesuffix(ending)
    return short
