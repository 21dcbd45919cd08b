"""What benchmarks measure by."""

import resource
import subprocess
from collections.abc import Mapping


def cpu_of(command: list[str], environment: Mapping[str, str] | None = None) -> float:
    """Return the CPU seconds, user and system, that a command took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
