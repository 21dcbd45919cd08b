"""Commands about what a mock does not have, or is past: a balloon, a migration, preconfiguration.

In: their arguments. Out: QEMU's refusal; with the device that they are about, an answer from the
schema.
"""

from collections.abc import Callable
from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Command, Memory

_NO_BALLOON = RefusalError("No balloon device has been activated", "DeviceNotActive")
_NO_GENERATION_ID = RefusalError("VM Generation ID device not found")
# By what a mock never is in the middle of.
_REFUSED = {
    "migrate-pause": "migrate-pause is currently only supported during postcopy-active state",
    "migrate-recover": "Migrate recover can only be run when postcopy is paused.",
    "set-numa-node": "The command is permitted only before the machine has been created",
    "x-exit-preconfig": "The command is permitted only before machine initialization",
}


class Absences:
    """The commands that are refused unless something is there."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: dict[str, Command] = {}
        self.queries: dict[str, Command] = {
            "balloon": lambda _: self._require("virtio-balloon", _NO_BALLOON),
            "query-balloon": lambda _: self._require("virtio-balloon", _NO_BALLOON),
            "query-vm-generation-id": lambda _: self._require("vmgenid", _NO_GENERATION_ID),
        }
        self.queries |= {name: _refuse(RefusalError(text)) for name, text in _REFUSED.items()}

    def _require(self, driver: str, refusal: RefusalError) -> None:
        """Refuse unless there is a device of the driver, or of one that is named after it."""
        types = (each.typename for each in self._memory.devices.values())
        if not any(each.startswith(driver) for each in types):
            raise refusal


def _refuse(refusal: RefusalError) -> Callable[[dict[str, Any]], Any]:
    def command(_: dict[str, Any]) -> Any:
        raise refusal

    return command
