"""A mock QEMU for the tests of a program that speaks QMP.

In: a snapshot, or a schema. Out: a mock that listens at a unix socket until the test ends.
making.py makes it, thread.py runs it in a thread, mock.py is what a test holds of it; plugin.py is
pytest's fixture `mock_qemu`.

    import pytest
    from my_program import stop_guest  # it is told at which socket to speak QMP

    def test_guest_is_stopped(mock_qemu):
        stop_guest(mock_qemu.path)
        assert mock_qemu.find_received("stop")

    def test_failure_is_reported(mock_qemu):
        mock_qemu.answer("stop", error="the guest is busy")
        with pytest.raises(RuntimeError, match="the guest is busy"):
            stop_guest(mock_qemu.path)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qscope.testing.mock import MockQEMU, run_mock_qemu

__all__ = ["MockQEMU", "run_mock_qemu"]


def __getattr__(name: str) -> object:
    """Import on first use: pytest imports the plugin for every project that has qscope."""
    if name not in __all__:
        raise AttributeError(f"module 'qscope.testing' has no attribute {name!r}")
    from qscope.testing import mock  # noqa: PLC0415

    return getattr(mock, name)
