"""A server of ours with those commands of QEMU that the rows of protocol_rows.py use."""

from qscope.errors import RefusalError
from qscope.serve import Server, Wire

# As in QEMU, but for what no row asks about.
_SCHEMA = """
{ 'pragma': {'command-name-exceptions': ['device_del'],
              'command-returns-exceptions': ['human-monitor-command']} }

{ 'command': 'query-name', 'returns': 'NameInfo', 'allow-preconfig': true }
{ 'struct': 'NameInfo', 'data': {'*name': 'str'} }

{ 'command': 'query-balloon', 'returns': 'BalloonInfo' }
{ 'struct': 'BalloonInfo', 'data': {'actual': 'int'} }

{ 'command': 'query-command-line-options', 'data': {'*option': 'str'},
  'returns': ['CommandLineOptionInfo'] }
{ 'struct': 'CommandLineOptionInfo', 'data': {'option': 'str'} }

{ 'command': 'human-monitor-command', 'data': {'command-line': 'str', '*cpu-index': 'int'},
  'returns': 'str' }
{ 'command': 'getfd', 'data': {'fdname': 'str'} }
{ 'command': 'closefd', 'data': {'fdname': 'str'} }
{ 'command': 'device_del', 'data': {'id': 'str'} }
{ 'command': 'quit' }

{ 'enum': 'YankInstanceType', 'data': ['block-node', 'chardev', 'migration'] }
{ 'struct': 'YankInstanceBlockNode', 'data': {'node-name': 'str'} }
{ 'struct': 'YankInstanceChardev', 'data': {'id': 'str'} }
{ 'union': 'YankInstance', 'base': {'type': 'YankInstanceType'}, 'discriminator': 'type',
  'data': {'block-node': 'YankInstanceBlockNode', 'chardev': 'YankInstanceChardev'} }
{ 'command': 'yank', 'data': {'instances': ['YankInstance']}, 'allow-oob': true }
{ 'command': 'query-yank', 'returns': ['YankInstance'], 'allow-oob': true }
{ 'command': 'migrate-pause', 'allow-oob': true }
{ 'command': 'migrate-recover', 'data': {'uri': 'str'}, 'allow-oob': true }
"""

# What a QEMU without a machine answers to each; an exception is raised.
_ANSWERS = {
    "query-name": {},
    "query-balloon": RefusalError("No balloon device has been activated", "DeviceNotActive"),
    "human-monitor-command": "7.2.0\r\n",
    "query-command-line-options": [],
    "getfd": RefusalError("No file descriptor supplied via SCM_RIGHTS"),
    "closefd": RefusalError("File descriptor named 'x' not found"),
    "device_del": RefusalError("Device 'nope' not found", "DeviceNotFound"),
    "quit": {},
    "yank": {},
    "query-yank": [],
    "migrate-pause": RefusalError(
        "migrate-pause is currently only supported during postcopy-active state"
    ),
    "migrate-recover": {},
}
_WITHOUT_ARGUMENTS = {"query-name", "query-balloon", "quit", "query-yank", "migrate-pause"}


def _make_handler(name):
    answer = _ANSWERS[name]

    def give():
        if isinstance(answer, Exception):
            raise answer
        return answer

    if name in _WITHOUT_ARGUMENTS:
        return lambda _context: give()
    return lambda _context, _arguments: give()


def make_server(dialect):
    server = Server(_SCHEMA, version="7.2.22", wire=Wire(dialect=dialect))
    for name in _ANSWERS:
        server.add_command(name, _make_handler(name))
    return server
