"""The quick lane and the exact one agree: what the quick one takes, both read alike."""

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qscope.serve import JSONDialect, Limits, Peer, Server, Session
from qscope.serve.intake import Intake, QuickRequest
from tests.json_lines import ODD, Writer
from tests.source_strategies import DEFINES, sources

SCHEMA = """
{ 'enum': 'Driver', 'data': [ 'file', 'net', 'null', 'old' ] }
{ 'enum': 'Kind', 'data': [ 'inet', 'unix' ] }
{ 'enum': 'Only', 'data': [ 'one' ] }
{ 'struct': 'Inet', 'data': { 'host': 'str', '*port': 'uint16', '*class': 'Kind' } }
{ 'struct': 'Path', 'data': { 'path': 'str' } }
{ 'union': 'Address', 'base': { 'type': 'Kind' }, 'discriminator': 'type',
  'data': { 'inet': 'Inet', 'unix': 'Path' } }
{ 'alternate': 'Ref', 'data': { 'name': 'str', 'definition': 'Disk', 'none': 'null' } }
{ 'alternate': 'Size', 'data': { 'n': 'int', 'k': 'Kind', 'l': [ 'str' ], 'b': 'bool' } }
{ 'alternate': 'Real', 'data': { 'r': 'number', 'u': 'Address' } }
{ 'struct': 'File', 'data': { 'filename': 'str', '*offset': 'size', '*backing': 'Ref' } }
{ 'struct': 'Net', 'data': { 'server': 'Address', '*others': [ 'Address' ] } }
{ 'union': 'Disk', 'base': { 'driver': 'Driver', '*node-name': 'str', '*ro': 'bool' },
  'discriminator': 'driver', 'data': { 'file': 'File', 'net': 'Net' } }
{ 'union': 'Single', 'base': { 'only': 'Only' }, 'discriminator': 'only', 'data': {'one':'Path'} }
{ 'enum': 'Way', 'data': [ 'socket', 'exec' ] }
{ 'struct': 'Exec', 'data': { 'args': [ 'str' ] } }
{ 'union': 'Migration', 'base': { 'way': 'Way' }, 'discriminator': 'way',
  'data': { 'socket': 'Address', 'exec': 'Exec' } }
{ 'struct': 'Tree', 'data': { '*left': 'Tree', '*right': 'Tree', '*forest': [ 'Tree' ] } }
{ 'struct': 'Wide', 'data': {
    '*i': 'int', '*i8': 'int8', '*i16': 'int16', '*i32': 'int32', '*i64': 'int64',
    '*u8': 'uint8', '*u16': 'uint16', '*u32': 'uint32', '*u64': 'uint64', '*z': 'size',
    '*n': 'number', '*s': 'str', '*b': 'bool', '*a': 'any', '*l': [ 'any' ], '*r': 'Real',
    '*x': 'Size', '*ns': [ 'number' ], '*is': [ 'int' ], '*t': 'Tree', '*o': 'Single' } }
{ 'command': 'disk-add', 'data': 'Disk', 'boxed': true }
{ 'command': 'single', 'data': 'Single', 'boxed': true }
{ 'command': 'migrate', 'data': 'Migration', 'boxed': true }
{ 'command': 'wide', 'data': 'Wide' }
{ 'command': 'refer', 'data': { 'ref': 'Ref', 'refs': [ 'Ref' ], '*size': 'Size' } }
{ 'command': 'old-one', 'data': { 'x': 'int' }, 'features': [ 'deprecated' ] }
{ 'command': 'raw', 'data': { '*x': 'int' }, 'gen': false }
{ 'command': 'nothing' }
"""


class Lanes:
    """A server whose handlers note what they are given."""

    def __init__(self, schema, defines=(), **options):
        self.server = Server(schema, defines=defines, **options)
        self.noted = []
        self.commands = []
        own = set(Server("").schema.list_commands())
        for name in sorted(self.server.schema.list_commands() - own):
            self.server.add_command(name, self._make_handler(name))
            command = self.server.schema.find_command(name)
            assert command is not None
            self.commands.append((name, command.arguments))
        self.server.check()

    def _make_handler(self, name):
        # A repr tells 1 from 1.0 and True, -0.0 from 0.0, and one class from another.
        return lambda _, arguments: self.noted.append((name, repr(arguments)))

    def answer(self, data, *, quick, capabilities=frozenset()):
        """Return all replies, what handlers were given, and how many the quick lane took."""
        intake = Intake(JSONDialect.V2_5, max_bytes=self.server.limits.message_bytes)
        intake._is_quick = quick
        session = Session(1, Peer("test"))
        session.capabilities = capabilities
        self.noted, replies, taken = [], [], 0
        intake.feed(data)
        while (item := intake.take(oob=session.oob)) is not None:
            taken += isinstance(item, QuickRequest)
            replies.append(_finish(self.server._dispatcher.answer(item, session)))
        return (replies, self.noted, intake.pending), taken

    def check(self, data, capabilities=frozenset()):
        """Check that both lanes say the same; return how many messages went quickly."""
        quickly, taken = self.answer(data, quick=True, capabilities=capabilities)
        exactly, none = self.answer(data, quick=False, capabilities=capabilities)
        assert quickly == exactly, data
        assert none == 0
        return taken


def _finish(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("the handlers of these tests wait for nothing")


@pytest.fixture(scope="module")
def lanes():
    return Lanes(SCHEMA)


@pytest.fixture(autouse=True)
def _quiet():
    # Handlers of generated schemas return nothing, whatever is promised.
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "line",
    [
        '{"execute":"nothing"}',
        ' { "execute" : "nothing" , "id" : "x" } ',
        '{"id":-9223372036854775808,"execute":"nothing","arguments":{}}',
        '{"execute":"wide","arguments":{"i":-1,"u64":5,"n":1,"s":"a:b"}}',
        '{"execute":"disk-add","arguments":{"driver":"file","filename":"x","backing":null}}',
        '{"execute":"disk-add","arguments":{"driver":"net","server":{"type":"unix","path":""}}}',
        '{"execute":"refer","arguments":{"ref":"a","refs":[null,{"driver":"null"}],"size":5}}',
    ],
)
def test_takes_what_clients_send_quickly(lanes, line):
    assert lanes.check(line.encode() + b"\r\n") == 1


@pytest.mark.parametrize(
    "line",
    [
        '{"execute":"nothing","execute":"nothing"}',
        '{"execute":"nothing","id":":","id":1}',
        '{"execute":"nothing","id":1,"id":":"}',
        '{"execute":"nothing","arguments":{},"arguments":{}}',
        '{"execute":"wide","arguments":{"s":"a"},"arguments":{"s":":"}}',
        '{"execute":"wide","arguments":{"s":":","s":"a"}}',
        '{"execute":"wide","arguments":{"s":"a","s":":"}}',
        '{"execute":"wide","arguments":{"a":{"a":1,"a":2}}}',
        '{"execute":"wide","arguments":{"a":{"a":1,"a":":"}}}',
        '{"execute":"wide","arguments":{"l":[{"a":1,"a":{"b":1}}]}}',
        '{"execute":"single","arguments":{"path":"a","path":"b"}}',
        '{"execute":"wide","arguments":{"o":{"path":"a","path":"b"}}}',
        '{"execute":"wide","arguments":{"o":{"path":"a"}}}',
        '{"execute":"disk-add","arguments":{"driver":"null","driver":"null"}}',
        '{"execute":"disk-add","arguments":{"driver":"null","driver":"file","filename":"x"}}',
        '{"execute":"disk-add","arguments":{"filename":"x"}}',
        '{"execute":"refer","arguments":{"ref":{"driver":"null","ro":true,"ro":true},"refs":[]}}',
        '{"execute":"nothing","arguments":null}',
        '{"execute":"nothing","id":9223372036854775808}',
        '{"execute":"nothing","id":null}',
        '{"execute":"nothing","id":-0}',
        '{"execute":"wide","arguments":{"n":-0}}',
        '{"execute":"wide","arguments":{"n":-0.0,"ns":[-0,0,1e308,1E400]}}',
        '{"execute":"wide","arguments":{"a":-0}}',
        '{"execute":"wide","arguments":{"a":18446744073709551616}}',
        '{"execute":"wide","arguments":{"a":1e400}}',
        '{"execute":"wide","arguments":{"i":1.0}}',
        '{"execute":"wide","arguments":{"i":true}}',
        '{"execute":"wide","arguments":{"n":true}}',
        '{"execute":"wide","arguments":{"u64":-1}}',
        '{"execute":"wide","arguments":{"u8":-1}}',
        '{"execute":"wide","arguments":{"x":1.0}}',
        '{"execute":"wide","arguments":{"x":"nope"}}',
        '{"execute":"wide","arguments":{"r":{"type":"unix","path":"x"}}}',
        '{"execute":"wide","arguments":{"s":null}}',
        '{"execute":"wide","arguments":{"s":"\x7f"}}',
        '{"execute":"wide","arguments":{"s":"\ufffe"}}',
        '{"execute":"raw","arguments":{"y":1,"y":2}}',
        '{"execute":"raw","arguments":{"y":18446744073709551616}}',
        '{"execute":"nothing","arguments":{"x":1}}',
        '{"execute":"nothing","x":1}',
        '{"exec-oob":"nothing"}',
        '{"execute":"no:such"}',
        '{"execute":"nothing"}{"execute":"nothing"}',
        '{"execute":"nothing"} x',
        '{"execute":"wide","arguments":{"a":' + "[" * 1021 + "]" * 1021 + "}}",
        '{"execute":"wide","arguments":{"a":' + "[" * 1023 + "]" * 1023 + "}}",
        '{"execute":"wide","arguments":{"t":' + '{"left":' * 150 + "{}" + "}" * 150 + "}}",
    ],
)
def test_reads_oddities_alike(lanes, line):
    for capabilities in (None, frozenset(), frozenset({"oob"})):
        lanes.check(line.encode("utf-8", "surrogatepass") + b"\n", capabilities)


@pytest.mark.parametrize("place", ['"id":{}', '"arguments":{}', '"execute":{}', '"x":{}'])
@pytest.mark.parametrize("odd", ODD)
def test_reads_odd_values_alike(lanes, place, odd):
    member = place.replace("{}", odd)
    for rest in ('"execute":"raw"', '"id":1', '"arguments":{"x":1}'):
        lanes.check(f"{{{member},{rest}}}\n{{{rest}, {member}}}\n".encode())


@pytest.mark.parametrize("size", [1, 20, 40, 41, 60, 100])
def test_both_hold_to_the_limit_of_a_message(size):
    lanes = Lanes(SCHEMA, limits=Limits(message_bytes=60))
    lanes.check(
        b'{"execute":"wide","arguments":{"s":"%s"}}\n{"execute":"nothing"}\n' % (b"x" * size)
    )


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_lanes_agree(lanes, seed):
    quick = 0
    for number in range(12):
        odds = (0, 0.02, 0.1, 0.3)[number % 4]
        writer = Writer(seed + number, odds)
        quick += lanes.check(writer.write_line(lanes.commands) + writer.write_line(lanes.commands))
    assert quick, "none of these lines is one that the quick lane takes"


@given(source=sources(), defines=DEFINES, seed=st.integers(0, 1 << 32))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_lanes_agree_for_any_schema(source, defines, seed):
    lanes = Lanes(source, defines)
    for number in range(40 if lanes.commands else 0):
        writer = Writer(seed + number, (0, 0.03, 0.15)[number % 3])
        lanes.check(writer.write_line(lanes.commands))


@given(seed=st.integers(0, 1 << 32), cuts=st.lists(st.integers(1, 90), min_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_pieces_change_nothing(lanes, seed, cuts):
    """What is cut by the network reads as what is not."""
    data = b"".join(Writer(seed + each, 0.05).write_line(lanes.commands) for each in range(4))
    (whole, _, _), _ = lanes.answer(data, quick=True)
    intake = Intake(JSONDialect.V2_5, max_bytes=1 << 20)
    session = Session(1, Peer("test"))
    session.capabilities = frozenset()
    replies = []
    for number in range(len(data)):
        start = sum(cuts[each % len(cuts)] for each in range(number))
        if start >= len(data):
            break
        intake.feed(data[start : start + cuts[number % len(cuts)]])
        while (item := intake.take(oob=False)) is not None:
            replies.append(_finish(lanes.server._dispatcher.answer(item, session)))
    assert replies == whole
