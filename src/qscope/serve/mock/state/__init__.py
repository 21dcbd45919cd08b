"""What a mock QEMU remembers, whichever QEMU it is.

In: arguments that the schema has accepted. Out: facts, which the mock completes and cuts to its
schema; events, through the host; RefusalError, in the words of QEMU 7.2.22. One module a subject:
run state, devices, objects, network backends, block nodes, bitmaps, character devices, and the QOM
tree of them all. No I/O, no clock, no chance: the same commands give the same facts.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from qscope.model.interface import Interface
from qscope.serve.mock.state.absences import Absences
from qscope.serve.mock.state.bitmaps import Bitmaps
from qscope.serve.mock.state.block_queries import BlockQueries
from qscope.serve.mock.state.chardevs import MONITOR, CharacterDevices
from qscope.serve.mock.state.descriptors import Descriptors
from qscope.serve.mock.state.devices import Devices
from qscope.serve.mock.state.exports import Exports
from qscope.serve.mock.state.lookups import Lookups
from qscope.serve.mock.state.networks import Networks
from qscope.serve.mock.state.nodes import Nodes
from qscope.serve.mock.state.objects import Objects
from qscope.serve.mock.state.qom import Tree
from qscope.serve.mock.state.run_state import RunState
from qscope.serve.mock.state.shapes import fits
from qscope.serve.mock.state.subject import Command, Host, Memory, Subject
from qscope.serve.mock.state.transactions import Transactions

__all__ = ["MONITOR", "Command", "Host", "State"]


class State:
    """What the mock remembers.

    `commands` are those that it answers: each takes arguments that the schema has accepted and
    returns facts in the shape of the result, None for nothing. Raises RefusalError. `monitors` are
    the IDs of the character devices that are there from the beginning.
    """

    def __init__(
        self,
        host: Host,
        interface: Interface,
        *,
        paused: bool = True,
        monitors: Iterable[str] = (MONITOR,),
    ) -> None:
        memory = Memory()
        tree = Tree(memory, interface)
        subjects: dict[str, Subject] = {
            "run state": RunState(host, paused=paused),
            "chardevs": CharacterDevices(memory, interface, monitors),
            "networks": Networks(memory),
            "objects": Objects(memory, interface),
            "nodes": Nodes(memory, interface),
            "bitmaps": Bitmaps(memory),
            "block": BlockQueries(memory),
            "exports": Exports(host, memory),
            "lookups": Lookups(memory, interface),
            "absences": Absences(memory, interface),
            "descriptors": Descriptors(),
            "devices": Devices(host, memory, interface, tree),
            "tree": tree,
        }
        actions = {**subjects["bitmaps"].changes, **subjects["lookups"].changes}
        actions |= subjects["lookups"].queries
        subjects["transactions"] = Transactions(memory, actions)
        self._changed: set[str] = set()
        commands: dict[str, Command] = {}
        for name, subject in subjects.items():
            commands |= subject.queries
            for each, command in subject.changes.items():
                commands[each] = functools.partial(self._change, name, command)
        self._asked = {each: name for name, found in subjects.items() for each in found.queries}
        self.commands: Mapping[str, Command] = {
            name: command for name, command in commands.items() if fits(interface, name)
        }

    def _change(self, subject: str, command: Command, arguments: dict[str, Any]) -> Any:
        facts = command(arguments)
        self._changed.add(subject)
        return facts

    def is_fresh(self, command: str) -> bool:
        """Whether nothing has changed yet of what a query tells: what was recorded still holds."""
        subject = self._asked.get(command)
        if subject is None:
            return False
        return self._changed.isdisjoint((subject, *_ALSO_TOLD.get(subject, ())))


# What the queries of a subject tell of others.
_ALSO_TOLD = {
    "block": ("nodes", "bitmaps", "transactions", "devices"),
    "tree": ("objects", "devices", "chardevs"),
    "chardevs": ("devices", "objects", "networks"),
}
