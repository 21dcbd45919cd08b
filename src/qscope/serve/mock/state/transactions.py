"""transaction: several commands, of which all or none have an effect.

In: the commands that are actions as well. Out: what the first that is refused says; bitmaps are
then as they were. What other actions do is none of a mock's memory.
"""

import copy
from collections.abc import Mapping
from typing import Any

from qscope.errors import RefusalError
from qscope.serve.mock.state.subject import Command, Memory


class Transactions:
    """The command for transactions; `commands` are those that an action may be."""

    def __init__(self, memory: Memory, commands: Mapping[str, Command]) -> None:
        self._memory = memory
        self._commands = commands
        self.changes = {"transaction": self._run}
        self.queries: dict[str, Command] = {}

    def _run(self, arguments: dict[str, Any]) -> None:
        before = {name: copy.deepcopy(node.bitmaps) for name, node in self._memory.nodes.items()}
        try:
            for action in arguments["actions"]:
                self._act(action)
        except RefusalError:
            for name, bitmaps in before.items():
                self._memory.nodes[name].bitmaps = bitmaps
            raise

    def _act(self, action: dict[str, Any]) -> None:
        if action["type"] == "abort":
            raise RefusalError("Transaction aborted using Abort action")
        command = self._commands.get(action["type"])
        if command is not None:
            command(action.get("data", {}))
