"""Commands about what a mock does not have, or is past: a balloon, SEV, preconfiguration.

In: their arguments. Out: QEMU's refusal; with the device that they are about, an answer from the
schema.
"""

import functools
from collections.abc import Callable
from typing import Any

from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.serve.mock.state.subject import Command, Memory

_NO_BALLOON = RefusalError("No balloon device has been activated", "DeviceNotActive")
_NO_GENERATION_ID = RefusalError("VM Generation ID device not found")
_NO_SEV = {
    "query-sev-launch-measure": RefusalError("SEV launch measurement is not available"),
    "query-sev-attestation-report": RefusalError("SEV is not enabled"),
    "sev-inject-launch-secret": RefusalError("SEV not enabled for guest"),
}
# By what a mock never is in the middle of.
_REFUSED = {
    "migrate-pause": "migrate-pause is currently only supported during postcopy-active state",
    "migrate-recover": "Migrate recover can only be run when postcopy is paused.",
    "set-numa-node": "The command is permitted only before the machine has been created",
    "x-exit-preconfig": "The command is permitted only before machine initialization",
}


class Absences:
    """The commands that are refused unless something is there."""

    def __init__(self, memory: Memory, interface: Interface) -> None:
        self._memory = memory
        self._interface = interface
        self.changes: dict[str, Command] = {}
        self.queries: dict[str, Command] = {
            "balloon": lambda _: self._require("virtio-balloon", _NO_BALLOON),
            "query-balloon": lambda _: self._require("virtio-balloon", _NO_BALLOON),
            "query-vm-generation-id": lambda _: self._require("vmgenid", _NO_GENERATION_ID),
        }
        self.queries |= {
            name: functools.partial(self._require_sev, each) for name, each in _NO_SEV.items()
        }
        self.queries["query-cpu-model-expansion"] = self._expand
        self.queries |= {name: _refuse(RefusalError(text)) for name, text in _REFUSED.items()}

    def _require(self, driver: str, refusal: RefusalError) -> None:
        """Refuse unless there is a device of the driver, or of one that is named after it."""
        types = (each.typename for each in self._memory.devices.values())
        if not any(each.startswith(driver) for each in types):
            raise refusal

    def _require_sev(self, refusal: RefusalError, _arguments: dict[str, Any]) -> None:
        if not any(each.typename.startswith("sev-") for each in self._memory.objects.values()):
            raise refusal

    def _expand(self, arguments: dict[str, Any]) -> None:
        """Refuse a CPU model that is not in the list, if there is one."""
        known = {each.name for each in self._interface.listings.cpus or ()}
        name = arguments["model"]["name"]
        if known and name not in known:
            raise RefusalError(f"CPU model '{name}' not found")


def _refuse(refusal: RefusalError) -> Callable[[dict[str, Any]], Any]:
    def command(_: dict[str, Any]) -> Any:
        raise refusal

    return command
