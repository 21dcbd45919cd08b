"""Load what a user names: a snapshot file, a QMP socket, a QEMU binary, or nothing.

In: a target. Out: `Opened`, an `Interface` and where it came from. Snapshot files and the cache are
read and written in this room and nowhere else.
"""

from qscope.load.opening import Opened, Recorded, list_candidates, load, open_interface, record

__all__ = ["Opened", "Recorded", "list_candidates", "load", "open_interface", "record"]
