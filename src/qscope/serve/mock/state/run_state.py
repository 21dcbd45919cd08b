"""Whether the machine runs.

In: stop, cont and the other commands of a guest's power. Out: their events, and query-status.
Nothing runs, so nobody reacts to system_powerdown, and there is nothing to wake up.
"""

from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Host


class RunState:
    """The run state: `prelaunch` (as with -S) or `running` at first."""

    def __init__(self, host: Host, *, paused: bool) -> None:
        self._host = host
        self._status = "prelaunch" if paused else "running"
        self.changes = {"stop": self._stop, "cont": self._cont, "system_reset": self._reset}
        self.changes |= {"system_powerdown": self._power_down, "system_wakeup": self._wake_up}
        self.changes["quit"] = self._quit
        self.queries = {"query-status": self._tell}

    def _stop(self, _arguments: dict[str, Any]) -> None:
        # In prelaunch, QEMU stays there and sends no event (measured on 5.2 to 11.1).
        if self._status == "running":
            self._host.emit("STOP", {})
            self._status = "paused"

    def _cont(self, _arguments: dict[str, Any]) -> None:
        if self._status != "running":
            self._host.emit("RESUME", {})
            self._status = "running"

    def _reset(self, _arguments: dict[str, Any]) -> None:
        self._host.emit("RESET", {"guest": False, "reason": "host-qmp-system-reset"})
        if self._status != "running":
            self._status = "prelaunch"

    def _power_down(self, _arguments: dict[str, Any]) -> None:
        self._host.emit("POWERDOWN", {})

    def _wake_up(self, _arguments: dict[str, Any]) -> None:
        raise RefusalError("wake-up from suspend is not supported by this guest")

    def _quit(self, _arguments: dict[str, Any]) -> None:
        self._host.emit("SHUTDOWN", {"guest": False, "reason": "host-qmp-quit"})
        self._host.stop()

    def _tell(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        is_running = self._status == "running"
        return {"status": self._status, "running": is_running, "singlestep": False}
