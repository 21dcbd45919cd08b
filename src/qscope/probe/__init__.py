"""Ask a real QEMU what it can do.

In: a QEMU binary, a QMP server's address, or an open session. Out: a `Snapshot` of raw answers.
Nothing here changes a guest: QEMU is started stopped and without a machine, and a running server
is only asked what it can do.
"""

from qscope.probe.pool import Death, Progress
from qscope.probe.probing import (
    DEFAULT_TIMEOUT,
    default_jobs,
    probe_address,
    probe_binary,
)
from qscope.probe.process import read_version
from qscope.probe.session import from_session

__all__ = [
    "DEFAULT_TIMEOUT",
    "Death",
    "Progress",
    "default_jobs",
    "from_session",
    "probe_address",
    "probe_binary",
    "read_version",
]
