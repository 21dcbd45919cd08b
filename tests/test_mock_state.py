"""What the mock remembers, on an interface of QEMU 7.2 and on others."""

import itertools
import random
from typing import Any

import pytest

import qscope
from qscope.errors import RefusalError
from qscope.model.interface import Interface
from qscope.model.listings import Listings, QomType
from qscope.model.properties import Property, PropertyTable
from qscope.model.schema_info import decode_entities
from qscope.serve.mock.state import State
from qscope.serve.mock.state.objects import Objects
from qscope.serve.mock.state.subject import Memory
from tests.mock_sessions import SESSIONS, has

_ON_PAPER = Interface(())
# Before 6.0 object-add took any members.
_OPEN = b"""[
  {"name": "object-add", "meta-type": "command", "arg-type": "1", "ret-type": "2"},
  {"name": "1", "meta-type": "object", "members": [
    {"name": "qom-type", "type": "str"}, {"name": "id", "type": "str"},
    {"name": "props", "type": "any", "default": null}]},
  {"name": "2", "meta-type": "object", "members": []},
  {"name": "str", "meta-type": "builtin", "json-type": "string"},
  {"name": "any", "meta-type": "builtin", "json-type": "value"}
]"""
_TYPES = (
    QomType("iothread", "object"),
    QomType("memory-backend", "object", abstract=True),
    QomType("memory-backend-ram", "memory-backend"),
    QomType("e1000", "object"),
)


class Host:
    """A mock that notes what its memory does to it."""

    def __init__(self):
        self.before, self.after, self.stopped = [], [], False

    def emit(self, event, facts):
        self.before.append((event, dict(facts)))

    def emit_later(self, event, facts):
        self.after.append((event, dict(facts)))

    def stop(self):
        self.stopped = True


def _run(state, command, **arguments):
    """Run a command, whose members have dashes; return its refusal, or what it tells."""
    return _ask(state, command, {name.replace("_", "-"): arguments[name] for name in arguments})


def _ask(state, command, arguments):
    try:
        result = state.commands[command](arguments)
    except RefusalError as error:
        return error.error_class, error.desc
    return {} if result is None else result


@pytest.fixture
def open_interface():
    """Return the interface of a QEMU whose object-add is open."""
    names = ("poll-max-ns", "type")
    pool = tuple(Property(name, "int") for name in names)
    return Interface(
        decode_entities(_OPEN)[0],
        listings=Listings(qom_types=_TYPES, creatable_objects=(_TYPES[0], _TYPES[2])),
        properties=PropertyTable(pool=pool, lists=((0, 1),), objects={"iothread": 0}),
    )


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_the_mock_answers_as_qemu(interface, session):
    host = Host()
    state = State(host, interface)
    for step in session.steps:
        host.before, host.after = [], []
        result = _ask(state, step.command, step.arguments)
        if step.refusal is None:
            assert not isinstance(result, tuple), (step, result)
            assert step.result is ... or has(result, step.result), (step, result)
        else:
            assert result == step.refusal, step
        assert (host.before, host.after) == (step.before, step.after), step


def test_a_backing_node_may_be_taken_away_but_not_made_by_a_reopening(interface):
    """Only an image has one, which neither the sessions nor their QEMU have."""
    state, top = State(Host(), interface), {"driver": "qcow2", "node-name": "top", "file": "b"}
    for name in ("b", "c"):
        assert _run(state, "blockdev-add", driver="null-co", node_name=name) == {}
    assert _ask(state, "blockdev-add", top) == {}

    def reopen(backing):
        return _run(state, "blockdev-reopen", options=[{**top, "backing": backing}])

    refusal = ("GenericError", "Cannot change the option 'backing.driver'")
    assert reopen({"driver": "null-co"}) == refusal
    assert reopen("c") == {}
    assert _run(state, "blockdev-del", node_name="c")[1] == "Block device c is in use"
    assert reopen(None) == {}
    assert _run(state, "blockdev-del", node_name="c") == {}


@pytest.mark.parametrize(
    ("typename", "properties", "desc"),
    [
        ("rng-egd", {"chardev": []}, "Invalid parameter type for 'chardev', expected: string"),
        ("rng-egd", {"chardev": None}, "Invalid parameter type for 'chardev', expected: string"),
        ("filter-any", {"netdev": {}}, "Invalid parameter type for 'netdev', expected: string"),
        ("filter-any", {}, "Parameter 'netdev' is required"),
        ("filter-any", {"netdev": "no"}, "Parameter 'netdev' expects a network backend id"),
        ("secret", {"data": 3}, "Invalid parameter type for 'data', expected: string"),
    ],
)
def test_names_are_strings_where_the_schema_takes_any(typename, properties, desc):
    """As QEMU 5.2 says it."""
    state, arguments = State(Host(), _ON_PAPER), {"qom-type": typename, "id": "a"}
    refusal = ("GenericError", desc)
    assert _ask(state, "object-add", {**arguments, **properties}) == refusal
    assert _ask(state, "object-add", {**arguments, "props": properties}) == refusal


def test_nothing_is_kept_of_what_has_gone():
    memory = Memory()
    for number in range(3):
        memory.use("node", f"n{number}", "user")
        memory.use("node", f"n{number}", "another")
    memory.release("user")
    assert memory.find_users("node", "n1") == ["another"]
    memory.release("another")
    assert not memory._users


def test_a_thread_that_has_gone_is_forgotten():
    objects = Objects(Memory(), _ON_PAPER)
    for ident in ("a", "b"):
        objects.changes["object-add"]({"qom-type": "iothread", "id": ident})
        objects.changes["object-del"]({"id": ident})
    assert not objects._running


def test_quit_ends_the_mock_and_nothing_else_does(interface):
    host = Host()
    state = State(host, interface)
    for session in SESSIONS:
        for step in session.steps:
            if step.command != "quit":
                _ask(state, step.command, step.arguments)
    assert not host.stopped
    _run(state, "quit")
    assert host.stopped


def test_a_mock_may_run_from_the_beginning():
    host = Host()
    state = State(host, _ON_PAPER, paused=False)
    assert _run(state, "query-status")["status"] == "running"
    assert _run(state, "cont") == {}
    assert host.before == []
    assert _run(state, "stop") == {}
    assert host.before == [("STOP", {})]


@pytest.mark.parametrize(
    ("command", "arguments", "refusal"),
    [
        pytest.param("device_add", {"driver": "any", "foo": [1]}, None, id="any driver"),
        pytest.param("device_add", {"driver": "any", "id": "1x"}, "Parameter 'id'", id="ID"),
        pytest.param("device_add", {"driver": 5}, None, id="a number is a name"),
        pytest.param("device_add", {"driver": [5]}, "Parameter 'driver'", id="an array is none"),
        pytest.param("device_add", {"driver": "any", "drive": "x"}, "Property 'any.drive' can't"),
        pytest.param("object-add", {"qom-type": "any", "id": "a", "foo": 1}, None, id="any type"),
        pytest.param("netdev_add", {"type": "any", "id": "a", "foo": 1}, None, id="any backend"),
        pytest.param("blockdev-add", {"driver": "any", "node-name": "a", "file": "x"}, None),
        pytest.param("blockdev-add", {"driver": "any"}, "'node-name' must", id="no name"),
        pytest.param("blockdev-add", {"options": {"driver": "any", "node-name": "a"}}, None),
        pytest.param("chardev-add", {"id": "a", "backend": {"type": "any", "data": {}}}, None),
    ],
)
def test_an_interface_that_lists_nothing_lets_any_type_pass(command, arguments, refusal):
    result = _ask(State(Host(), _ON_PAPER), command, arguments)
    if refusal is None:
        assert result == {}
    else:
        assert result[1].startswith(refusal), result


@pytest.mark.parametrize(
    ("arguments", "desc"),
    [
        pytest.param({"qom-type": "none"}, "invalid object type: none", id="no type"),
        pytest.param(
            {"qom-type": "e1000"}, "object type 'e1000' isn't supported by object-add", id="other"
        ),
        pytest.param(
            {"qom-type": "memory-backend"},
            "object type 'memory-backend' is abstract",
            id="abstract",
        ),
        pytest.param(
            {"qom-type": "memory-backend-ram"},
            "can't create backend with size 0",
            id="a size is needed",
        ),
        pytest.param(
            {"qom-type": "iothread", "foo": 1}, "Property 'iothread.foo' not found", id="unknown"
        ),
        pytest.param(
            {"qom-type": "iothread", "props": {"foo": 1}},
            "Property 'iothread.foo' not found",
            id="unknown in props",
        ),
        pytest.param(
            {"qom-type": "iothread", "props": 5},
            "Invalid parameter type for 'props', expected: dict",
            id="props is no object",
        ),
    ],
)
def test_an_open_object_is_judged_by_the_listings(open_interface, arguments, desc):
    # What QEMU 5.2 says.
    result = _run(State(Host(), open_interface), "object-add", id="a", **arguments)
    assert result == ("GenericError", desc)


def test_properties_stand_in_props_or_beside_it(open_interface):
    state = State(Host(), open_interface)
    _run(state, "object-add", qom_type="iothread", id="a", props={"poll-max-ns": 5})
    _run(state, "object-add", qom_type="iothread", id="b", poll_max_ns=6)
    told = {each["id"]: each["poll-max-ns"] for each in _run(state, "query-iothreads")}
    assert told == {"a": 5, "b": 6}


@pytest.mark.parametrize(
    ("changes", "fresh", "stale"),
    [
        pytest.param([], ["query-status", "query-block", "qom-list", "query-rocker"], []),
        pytest.param([("cont", {})], ["query-block"], ["query-status"]),
        pytest.param([("netdev_del", {"id": "x"})], ["query-rx-filter"], [], id="refused"),
        pytest.param(
            [("object-add", {"qom-type": "iothread", "id": "x"})],
            ["query-status", "query-block"],
            ["query-iothreads", "qom-list", "query-chardev"],
        ),
        pytest.param(
            [("blockdev-add", {"driver": "null-co", "node-name": "x"})],
            ["query-iothreads", "qom-list"],
            ["query-named-block-nodes", "query-block"],
        ),
        pytest.param([], [], ["stop", "no-such-command"], id="no queries"),
    ],
)
def test_what_was_recorded_holds_until_it_is_changed(interface, changes, fresh, stale):
    state = State(Host(), interface)
    for command, arguments in changes:
        _ask(state, command, arguments)
    assert [each for each in (*fresh, *stale) if state.is_fresh(each)] == fresh


def test_the_monitors_are_those_of_the_command_line(interface):
    state = State(Host(), interface, monitors=("mon0",))
    assert [each["label"] for each in _run(state, "query-chardev")] == ["mon0"]
    assert _run(state, "chardev-remove", id="mon0")[1] == "Chardev 'mon0' is busy"


_SHAPES: dict[str, Any] = {
    "in a row": lambda below, _: {"driver": "raw", "file": below},
    "side by side": lambda _, number: {
        "driver": "quorum",
        "children": [{"driver": "null-co"}] * number,
    },
    "referred to twice": lambda below, _: {"driver": "quorum", "children": [below, below]},
}


@pytest.mark.parametrize("shape", _SHAPES)
def test_what_nobody_could_describe_is_refused(interface, shape):
    state = State(Host(), interface)
    _run(state, "blockdev-add", driver="null-co", node_name="n0")
    for number in itertools.count(1):
        options = _SHAPES[shape](f"n{number - 1}", number)
        result = _run(state, "blockdev-add", node_name=f"n{number}", **options)
        if result != {}:
            break
        assert number < 300
    assert result == ("GenericError", "The mock takes no more than 250 nodes on each other")
    known = _run(state, "query-named-block-nodes")
    assert f"n{number}" not in {each["node-name"] for each in known}


def test_nesting_as_deep_as_a_message_may_be_is_refused(interface):
    state = State(Host(), interface)
    options: dict[str, Any] = {"driver": "null-co"}
    for _ in range(1000):
        options = {"driver": "raw", "file": options}
    result = _run(state, "blockdev-add", node_name="a", **options)
    assert result == ("GenericError", "The mock takes no more than 250 nodes on each other")
    assert _run(state, "query-named-block-nodes") == []


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_commands_gives_the_same_twice_and_nothing_but_refusals(interface, seed):
    steps = [step for session in SESSIONS for step in session.steps]
    chosen = random.Random(seed).choices(steps, k=400)
    told = []
    for _ in range(2):
        host = Host()
        state = State(host, interface)
        results = [_ask(state, step.command, step.arguments) for step in chosen]
        told.append((results, host.before, host.after))
    assert told[0] == told[1]


@pytest.mark.parametrize("seed", range(10))
def test_what_is_deleted_may_be_created_again(interface, seed):
    # Whatever came before: an ID that QEMU lets go is free, and one that it creates is taken.
    steps = [step for session in SESSIONS for step in session.steps]
    state = State(Host(), interface)
    for step in random.Random(seed).choices(steps, k=300):
        _ask(state, step.command, step.arguments)
    add = {"driver": "usb-tablet", "id": "again"}
    for _ in range(2):
        assert _run(state, "device_add", **add) == {}
        assert _run(state, "device_add", **add)[1] == "Duplicate device ID 'again'"
        assert _run(state, "device_del", id="again") == {}
        assert _run(state, "device_del", id="again")[0] == "DeviceNotFound"


@pytest.fixture(scope="module")
def strict_interface(shared):
    """Return the interface of QEMU 10.0, which reads device_add's values as they come."""
    return qscope.open(shared / "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz")


@pytest.mark.parametrize(
    ("driver", "name", "value", "desc"),
    [
        ("virtio-rng-pci", "rng", 5, "Invalid parameter type for 'rng', expected: string"),
        ("e1000e", "mac", 5, "Invalid parameter type for 'mac', expected: string"),
        ("e1000e", "netdev", None, "Invalid parameter type for 'netdev', expected: string"),
        ("e1000e", "foo", None, "Property 'e1000e.foo' not found"),
        ("e1000e", "foo", [1], "Property 'e1000e.foo' not found"),
        ("e1000e", "addr", True, "Invalid parameter type for 'addr', expected int or str"),
        ("e1000e", "addr", "zz", "Property 'e1000e.addr' doesn't take value 'zz'"),
        ("e1000e", "bootindex", "1", "Invalid parameter type for 'bootindex', expected: integer"),
        (
            "e1000e",
            "multifunction",
            "on",
            "Invalid parameter type for 'multifunction', expected: boolean",
        ),
        ("virtio-net-pci", "vectors", "x", "Parameter 'vectors' expects uint64"),
        ("virtio-net-pci", "vectors", 1 << 32, "Parameter 'vectors' expects uint32_t"),
        ("virtio-net-pci", "speed", "x", "Invalid parameter type for 'speed', expected: integer"),
        (
            "virtio-net-pci",
            "disable-legacy",
            True,
            "Invalid parameter type for 'disable-legacy', expected: string",
        ),
        (
            "virtio-net-pci",
            "disable-legacy",
            "x",
            "Parameter 'disable-legacy' does not accept value 'x'",
        ),
        ("virtio-net-pci", "rx_queue_size", 70000, "Parameter 'rx_queue_size' expects uint16_t"),
        ("virtio-mem-pci", "requested-size", True, "Parameter 'requested-size' expects uint64"),
        (5, "mac", "52:54:00:12:34:56", "Parameter 'driver' is missing"),
    ],
)
def test_values_are_read_as_they_come_since_9_2(strict_interface, driver, name, value, desc):
    # What QEMU 10.0.13 says.
    state = State(Host(), strict_interface)
    result = _ask(state, "device_add", {"driver": driver, "id": "a", name: value})
    assert result == ("GenericError", desc)


def test_a_device_of_10_0_may_have_any_id(strict_interface):
    state = State(Host(), strict_interface)
    assert _run(state, "device_add", driver="e1000e", id="1/a", multifunction=True) == {}
    names = {each["name"] for each in _run(state, "qom-list", path="/machine/peripheral")}
    assert "1/a" in names
    assert _run(state, "device_del", id="1/a") == {}


def test_a_descriptor_is_known_by_the_command_that_passes_it(interface):
    state = State(Host(), interface)
    assert _run(state, "closefd", fdname="a")[1] == "File descriptor named 'a' not found"
    assert _run(state, "getfd", fdname="a") == {}
    assert _run(state, "closefd", fdname="a") == {}


def test_a_job_is_known_by_the_command_that_starts_it(interface):
    # A real one would send events until it is gone; the mock's never is.
    state = State(Host(), interface)
    for name in ("a", "b"):
        _run(state, "blockdev-add", driver="null-co", node_name=name)
    assert _run(state, "block-job-pause", device="j0")[0] == "DeviceNotActive"
    assert _run(state, "blockdev-mirror", job_id="j0", device="a", target="b", sync="full") == {}
    assert _run(state, "block-job-pause", device="j0") == {}
    assert _run(state, "job-dismiss", id="j0") == {}
    assert _run(state, "job-dismiss", id="j1") == ("GenericError", "Job not found")


@pytest.mark.parametrize(
    ("plugged", "gone"),
    [
        pytest.param([("a", "a")], ["a"], id="into itself"),
        pytest.param([("a", "b"), ("b", "a")], ["b", "a"], id="into each other"),
        pytest.param(
            [("a", None), ("b", "a"), ("c", "a.0"), ("d", "b")], ["d", "b", "c", "a"], id="a tree"
        ),
        pytest.param(
            [("a", None), *((f"a{n}", f"a{n - 1}" if n else "a") for n in range(2000))],
            [*(f"a{n}" for n in reversed(range(2000))), "a"],
            id="a long chain",
        ),
    ],
)
def test_devices_go_with_what_they_are_plugged_into(interface, plugged, gone):
    host = Host()
    state = State(host, interface)
    for ident, bus in plugged:
        # Which buses there are, nobody knows without a machine.
        state.commands["device_add"](
            {"driver": "pcie-root-port", "id": ident, **({"bus": bus} if bus else {})}
        )
    state.commands["device_del"]({"id": "a"})
    assert [data["device"] for _, data in host.after] == gone
    assert state.commands["qom-list"]({"path": "/machine/peripheral"}) == [
        {"name": "type", "type": "string"}
    ]
