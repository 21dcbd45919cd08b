"""Fixtures that every test file may use."""

import os
import shutil
from pathlib import Path

import pytest

import qscope
from qscope.load.opening import EMBEDDED
from tests.running import Runner

_PROJECT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_traces(tmp_path_factory, monkeypatch):
    """Keep tests away from the user's cache and snapshot; subprocesses inherit that."""
    monkeypatch.setenv("QSCOPE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("QSCOPE_SNAPSHOT", raising=False)


@pytest.fixture(scope="session")
def qemu():
    """Return the path of a real QEMU; skip without one, or fail where one is required."""
    name = os.environ.get("QSCOPE_QEMU", "qemu-system-x86_64")
    if found := shutil.which(name):
        return found
    missing = f"no {name}: apt-get install qemu-system-x86, or name a binary in QSCOPE_QEMU"
    if os.environ.get("QSCOPE_REQUIRE_LIVE") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def interface():
    """Return the interface of the shipped snapshot."""
    return qscope.open(EMBEDDED)


def find_shared():
    """Return the folder of the shared test data, None where it is absent."""
    folder = Path(os.environ.get("QSCOPE_SHARED", _PROJECT.parent / "shared"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared():
    """Return the folder of the shared test data; skip where it is absent."""
    folder = find_shared()
    if folder is None:
        pytest.skip("no shared test data in ../shared: name the folder in QSCOPE_SHARED")
    return folder


@pytest.fixture
def runner():
    """Return a Runner; what its programs leave behind is ended after the test."""
    runner = Runner()
    yield runner
    runner.clean()
