"""The file of answers: what is refused, which rule fits, how often, and what the schema forbids."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from qscope.errors import ServeError
from qscope.model.transcript import ErrorInfo
from qscope.serve import Server
from qscope.serve.mock.answers import (
    Answer,
    Answers,
    EventAnswer,
    Rule,
    TimedEvent,
    check_answers,
    check_rule,
    parse_answers,
)
from qscope.serve.policy import Policy

SCHEMA = """
{ 'enum': 'Cache', 'data': ['writeback', 'none'] }
{ 'struct': 'File', 'data': {'path': 'str', '*size': 'uint8'} }
{ 'alternate': 'FileRef', 'data': {'definition': 'File', 'reference': 'str'} }
{ 'enum': 'Driver', 'data': ['raw', 'nbd', {'name': 'old', 'features': ['deprecated']}] }
{ 'struct': 'Raw', 'data': {'file': 'FileRef', 'port': 'int'} }
{ 'struct': 'Nbd', 'data': {'port': 'str'} }
{ 'union': 'Disk', 'base': {'driver': 'Driver', 'id': 'str', '*cache': 'Cache'},
  'discriminator': 'driver', 'data': {'raw': 'Raw', 'nbd': 'Nbd'} }
{ 'struct': 'State', 'data': {'running': 'bool', 'cache': 'Cache', '*files': ['File']} }
{ 'command': 'disk-add', 'data': 'Disk', 'boxed': true }
{ 'command': 'take-files', 'data': {'files': ['File'], '*anything': 'any'} }
{ 'command': 'query-state', 'returns': 'State' }
{ 'command': 'query-states', 'returns': ['State'] }
{ 'command': 'open', 'data': {'x': 'str'}, 'gen': false }
{ 'command': 'shutdown', 'success-response': false }
{ 'event': 'GONE', 'data': {'id': 'str', '*cache': 'Cache'} }
{ 'struct': 'Choice', 'data': {'driver': 'Driver'} }
{ 'command': 'query-choice', 'returns': 'Choice' }
{ 'event': 'CHOSEN', 'data': 'Choice' }
{ 'event': 'STOP' }
{ 'event': 'FADING', 'data': {'*id': {'type': 'str', 'features': ['deprecated']}},
  'features': ['deprecated'] }
"""
STRICT = Policy(deprecated_input="crash", deprecated_output="hide")
ANSWER = '[[answer]]\ncommand = "query-state"\n'

EVERYTHING = """
[[answer]]
command = "disk-add"
arguments = { id = "x" }
exactly = true
times = 1
skip = 2
error = { class = "DeviceNotFound", desc = "No disk" }
delay = 0.5
events = [ { event = "STOP" }, { event = "GONE", data = { id = "x" }, delay = 0.1 } ]
events-after = [ { event = "GONE", data-json = '{"id": "y"}' } ]
drop = true
unchecked = true

[[answer]]
command = "query-state"
arguments-json = '{"a": null}'
return-json = 'null'

[[answer]]
command = "query-state"
error = "plain"

[[answer]]
command = "query-state"
garbage-hex = "7b 22ff"

[[answer]]
command = "query-state"
garbage = ""

[[event]]
event = "STOP"
after = 2
every = 5.0
unchecked = true
"""


def parse(text):
    return parse_answers(text, "f.toml")


def find_one(text):
    return parse(text).find("query-state", {})


def test_every_key_is_read():
    answers = parse(EVERYTHING)
    first, null, plain, bytes_, nothing = answers.rules
    assert first == Rule(
        command="disk-add",
        arguments={"id": "x"},
        exactly=True,
        times=1,
        skip=2,
        answer=Answer(
            error=ErrorInfo("DeviceNotFound", "No disk"),
            delay=0.5,
            events=(EventAnswer("STOP"), EventAnswer("GONE", {"id": "x"}, 0.1)),
            events_after=(EventAnswer("GONE", {"id": "y"}),),
            drop=True,
            unchecked=True,
        ),
        place="f.toml: answer 1 (disk-add)",
    )
    assert (null.arguments, null.answer) == ({"a": None}, Answer(result=None))
    assert plain.answer == Answer(error=ErrorInfo("GenericError", "plain"))
    assert bytes_.answer == Answer(garbage=b'{"\xff')
    assert nothing.answer == Answer(garbage=b"")
    assert answers.timed == (
        TimedEvent(event="STOP", after=2, every=5, unchecked=True, place="f.toml: event 1 (STOP)"),
    )


@pytest.mark.parametrize(
    "lines",
    [
        "delay = 0",
        "delay = 0.5",
        'events = [{ event = "STOP" }]',
        'events-after = [{ event = "STOP" }]',
    ],
)
def test_the_mocks_own_answer_follows_what_has_no_outcome(lines):
    answer = find_one(ANSWER + lines)
    assert answer.is_own
    assert (answer.result, answer.error, answer.garbage, answer.drop) == (UNSET, UNSET, None, False)


@pytest.mark.parametrize(
    "lines", ["return-json = 'null'", 'error = "x"', 'garbage = ""', "drop = true"]
)
def test_an_outcome_is_given_instead_of_the_mocks_own_answer(lines):
    assert not find_one(ANSWER + lines).is_own


def test_a_byte_order_mark_is_passed_over():
    assert find_one("\ufeff" + ANSWER + "delay = 1").delay == 1


# Of the file.
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'no answer in it; one is [[answer]], and below it command = "NAME"'),
        ("# nothing\n", "no answer in it"),
        ("answer = []", "no answer in it"),
        ("\n\nx = ?", "not TOML: line 3, column 5: Invalid value"),
        ("x", "not TOML: "),
        ("[answer]", "answer: written in two pairs of brackets, [[answer]], once for each"),
        ("event = 1", "event: written in two pairs of brackets, [[event]]"),
        ("[[answers]]", "answers: no such table; did you mean answer?"),
        ("[[zzz]]", "zzz: no such table; keys are answer, event"),
        ("answer = [1]", "answer 1: no table; one is [[answer]]"),
        ("[[answer]]", "answer 1: it needs command: a name in quotes"),
        ("[[answer]]\ncommand = 1", "answer 1: command: takes a name in quotes"),
        ('[[answer]]\ncommand = ""', "answer 1: command: takes a name in quotes"),
        (
            f"{ANSWER}drop = true\n{ANSWER}times = 1.5",
            "answer 2 (query-state): times: takes a whole number",
        ),
        pytest.param(
            "x = " + "[" * 100_000, "nested more than 64 deep", id="a deep value of no table"
        ),
        pytest.param(
            "x = " + "9" * 5000, "not TOML that can be read: Exceeds the limit", id="5000 digits"
        ),
        ("[[event]]", "event 1: it needs event: a name in quotes"),
        ('[[event]]\nevent = ""', "event 1: event: takes a name in quotes"),
        ('[[event]]\nevent = "X"\nevry = 1', "event 1 (X): evry: no such key; did you mean every?"),
        ('[[event]]\nevent = "X"\nevery = 0', "every is 0.0: seconds are right, 0.001 or more"),
        ('[[event]]\nevent = "X"\nafter = -1', "after is -1.0: seconds are right, 0 or more"),
        ('[[event]]\nevent = "X"\nafter = inf', "after: a number is finite in JSON"),
        ('[[event]]\nevent = "X"\ndelay = 1', "delay: no such key"),
        ('[[event]]\nevent = "X"\ndata = 1', "data: takes a table"),
        ("[[event]]\nevent = \"X\"\ndata = {}\ndata-json = '{}'", "data and data-json contradict"),
    ],
)
def test_a_file_that_is_refused(text, said):
    with pytest.raises(ServeError) as caught:
        parse(text)
    assert str(caught.value).startswith("f.toml: ")
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


# Of one answer.
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "it answers nothing: return, error, garbage or drop is right, or delay = 0 if"),
        ("drop = false", "it answers nothing"),
        ("events = []", "it answers nothing"),
        ("times = 1", "it answers nothing"),
        ("retrun = {}", "retrun: no such key; did you mean return?"),
        ("zzz = 1", "zzz: no such key; keys are command, arguments, "),
        ("events_after = []", "events_after: no such key; did you mean events-after?"),
        ('"a\\nb" = 1', r"a\nb: no such key"),
        ('return = {}\nerror = "x"', "return and error contradict each other"),
        ('return = {}\ngarbage = "x"', "return and garbage contradict each other"),
        ('error = "x"\ngarbage-hex = ""', "error and garbage contradict each other"),
        ("return = {}\nreturn-json = '{}'", "return and return-json contradict each other"),
        ('garbage = "x"\ngarbage-hex = "00"', "garbage and garbage-hex contradict each other"),
        ("arguments = {}\narguments-json = '{}'", "arguments and arguments-json contradict"),
        ('drop = true\nevents-after = [{ event = "STOP" }]', "drop leaves none: events is right"),
        ("drop = 1", "drop: takes true or false, without quotes"),
        ('exactly = "yes"', "exactly: takes true or false"),
        ("unchecked = 0", "unchecked: takes true or false"),
        ("times = 0", "it answers nothing"),
        ("drop = true\ntimes = 0", "times is 0: 1 or more is right"),
        ("drop = true\ntimes = true", "times: takes a whole number"),
        ("drop = true\nskip = -1", "skip is -1: 0 or more is right"),
        ('drop = true\nskip = "2"', "skip: takes a whole number"),
        ("delay = -0.5", "delay is -0.5: seconds are right, 0 or more"),
        ("delay = nan", "delay: a number is finite in JSON"),
        ("delay = inf", "delay: a number is finite in JSON"),
        ('delay = "1"', "delay: takes seconds, such as 0.5"),
        ("delay = 12:00:00", "delay: a date or time is no JSON: it is right in quotes"),
        ("arguments = 1", 'arguments: takes a table, such as { id = "x" }'),
        ("arguments = [{}]", "arguments: takes a table"),
        ("arguments-json = '[]'", "arguments-json: takes an object"),
        ("arguments-json = {}", "arguments-json: takes JSON text in quotes"),
        ("return = 2026-11-28", "return: a date or time is no JSON"),
        ("return = { a = [1, { b = 12:00:00 }] }", "return.a[1].b: a date or time is no JSON"),
        ("return = { a = -inf }", "return.a: a number is finite in JSON"),
        ("return = 18446744073709551616", "return: an integer has 64 bits"),
        ("return = [-9223372036854775809]", "return[0]: an integer has 64 bits"),
        ("return-json = '1e400'", "return-json: a number is finite in JSON"),
        ("return-json = 'NaN'", "return-json: a number is finite in JSON"),
        ("return-json = '{'", "return-json: no JSON: line 1, column 2: "),
        ("return-json = '{} {}'", "return-json: no JSON: line 1, column 4: Extra data"),
        ("return-json = ''", "return-json: no JSON: line 1, column 1: "),
        ("""return-json = '{"a": 1, "a": 1}' """, "the key 'a' stands twice in one object"),
        (r"""return-json = '["\ud800"]' """, "return-json[0]: half of a surrogate pair"),
        (r"""return-json = '{"\udfff": 1}' """, "return-json: half of a surrogate pair"),
        pytest.param(
            f"return-json = '{'[' * 100_000}'",
            "return-json: nested more than 64 deep",
            id="deep JSON",
        ),
        pytest.param(f"return = {'[' * 66}{']' * 66}", "nested more than 64 deep", id="deep lists"),
        pytest.param(f"return.{'a.' * 3000}a = 1", "nested more than 64 deep", id="deep keys"),
        ("error = 1", "error: takes a text in quotes, or a table: { class = "),
        ("error = {}", "error: it needs desc: a text in quotes"),
        ('error = { class = 1, desc = "x" }', "error.class: takes the class of an error in quotes"),
        ('error = { clas = "x", desc = "x" }', "error: clas: no such key; did you mean class?"),
        ("garbage = 1", "garbage: takes a text in quotes"),
        ('garbage-hex = "7"', "garbage-hex: takes bytes in quotes, two digits each"),
        ('garbage-hex = "zz"', "garbage-hex: takes bytes in quotes"),
        ("events = {}", "events: takes an array of tables"),
        ('events = ["STOP"]', "events[0]: takes an array of tables"),
        ("events = [{}]", "events[0]: it needs event: a name in quotes"),
        ('events = [{ event = "" }]', "events[0]: event: takes a name in quotes"),
        (
            'events = [{ event = "X", dela = 1 }]',
            "events[0]: dela: no such key; did you mean delay?",
        ),
        ('events = [{ event = "X" }, { event = 1 }]', "events[1].event: takes a name in quotes"),
        ('events-after = [{ event = "X", delay = -1 }]', "events-after[0]: delay is -1.0: seconds"),
        ('events = [{ event = "X", data-json = "1" }]', "events[0]: data-json: takes an object"),
        ('events = [{ event = "X", data = { a = nan } }]', "events[0].data.a: a number is finite"),
    ],
)
def test_an_answer_that_is_refused(lines, said):
    with pytest.raises(ServeError) as caught:
        parse(ANSWER + lines)
    message = str(caught.value)
    assert message.startswith("f.toml: answer 1 (query-state): ")
    assert said in message
    assert message.isprintable()
    assert len(message) < 600


def test_names_that_are_no_line_are_printed_as_one():
    with pytest.raises(ServeError) as caught:
        parse_answers(f'[[answer]]\ncommand = "a\\nb{"c" * 999}"\n', "new\nline")
    assert str(caught.value).startswith(r"new\nline: answer 1 (a\nbccc")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Answer(result=1, error=ErrorInfo("GenericError")), "return and error contradict"),
        (lambda: Answer(result=None, garbage=b""), "return and garbage contradict"),
        (lambda: Answer(delay=float("nan")), "delay is nan"),
        (lambda: EventAnswer("X", {}, float("inf")), "delay is inf"),
        (lambda: TimedEvent(event="X", every=float("nan")), "every is nan"),
        (lambda: Rule(command="x", answer=Answer(), times=0), "times is 0"),
    ],
)
def test_rules_of_a_test_are_refused_alike(make, said):
    with pytest.raises(ServeError, match=said):
        make()


# Which rule fits.

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, 0.5, "", "0", "a"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


def rule(arguments, *, exactly=False):
    return Rule(command="x", answer=Answer(), arguments=arguments, exactly=exactly)


def canonical(value):
    """Return a value so that those and only those compare equal that are the same JSON."""
    match value:
        case dict():
            return ("object", frozenset((key, canonical(each)) for key, each in value.items()))
        case list():
            return ("array", tuple(canonical(each) for each in value))
        case bool():
            return ("boolean", value)
        case int() | float():
            return ("number", float(value))
        case _:
            return value


def widen(arguments, draw):
    """Return arguments with more members, in objects that stand in objects too."""
    wide = copy.deepcopy(arguments)
    objects = [wide]
    for each in objects:
        objects += [inner for inner in each.values() if isinstance(inner, dict)]
        for key, value in draw(
            st.dictionaries(st.sampled_from("defg"), VALUES, max_size=2)
        ).items():
            each[key] = value
    return wide


@given(ARGUMENTS, st.data())
def test_a_rule_fits_all_that_contains_its_arguments(arguments, data):
    wide = widen(arguments, data.draw)
    assert rule(arguments).fits(wide)
    assert rule(arguments, exactly=True).fits(wide) is (canonical(wide) == canonical(arguments))


@given(ARGUMENTS, ARGUMENTS)
def test_an_exact_rule_fits_its_own_arguments_alone(wanted, given_):
    same = canonical(wanted) == canonical(given_)
    assert rule(wanted, exactly=True).fits(given_) is same
    assert rule(wanted).fits(given_) or not same


@given(ARGUMENTS.filter(bool), st.data())
def test_a_rule_fits_nothing_that_lacks_a_member_or_has_another_value(arguments, data):
    key = data.draw(st.sampled_from(sorted(arguments)))
    assert not rule(arguments).fits({name: arguments[name] for name in arguments if name != key})
    assert not rule(arguments).fits({**arguments, key: "another"})


@pytest.mark.parametrize(
    ("wanted", "given_", "fits"),
    [
        pytest.param({"a": 1}, {"a": True}, False, id="true is no number"),
        pytest.param({"a": False}, {"a": 0}, False, id="no number is false"),
        pytest.param({"a": 1}, {"a": 1.0}, True, id="a number without fraction"),
        pytest.param({"a": None}, {}, False, id="null is not absent"),
        pytest.param({"a": {}}, {"a": {"b": 1}}, True, id="inner objects by member"),
        pytest.param({"a": {}}, {"a": []}, False, id="an object is no list"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, False, id="lists whole"),
        pytest.param({"a": [{}]}, {"a": [{"b": 1}]}, False, id="and what is in them"),
        pytest.param({"a": [True]}, {"a": [1]}, False, id="no true in lists either"),
    ],
)
def test_what_fits(wanted, given_, fits):
    assert rule(wanted).fits(given_) is fits


# How often.


@given(st.integers(0, 3), st.none() | st.integers(1, 3))
def test_a_rule_is_skipped_then_given_so_often_then_passed_over(skip, times):
    answer, other = Answer(delay=1), Answer(delay=2)
    answers = Answers(
        [
            Rule(command="x", answer=answer, skip=skip, times=times),
            Rule(command="x", answer=other),
        ]
    )
    found = [answers.find("x", {}) for _ in range(8)]
    given_ = 8 - skip if times is None else times
    assert found == [other] * skip + [answer] * given_ + [other] * (8 - skip - given_)


def test_only_what_fits_and_comes_as_far_is_counted():
    text = """
    [[answer]]
    command = "x"
    arguments.id = "a"
    times = 1
    error = "first"
    [[answer]]
    command = "x"
    skip = 1
    error = "second"
    """
    answers = parse(text)
    ids = ["b", "a", "a"]
    found = [answers.find("x", {"id": each}) for each in ids]
    assert [each and each.error.desc for each in found] == [None, "first", "second"]
    assert answers.find("y", {"id": "a"}) is None
    assert (answers.mentions("x"), answers.mentions("y")) == (True, False)


def test_a_rule_is_put_in_front_while_others_count():
    early, late, last = Answer(delay=1), Answer(delay=2), Answer(delay=3)
    answers = Answers([Rule(command="x", answer=early, times=2)])
    assert answers.find("x", {}) is early
    answers.add(Rule(command="x", answer=late, times=1))
    answers.add(Rule(command="x", answer=last), first=False)
    assert [answers.find("x", {}) for _ in range(3)] == [late, early, last]
    assert [each.answer for each in answers.rules] == [late, early, last]


# Against a schema.


@pytest.fixture(scope="module")
def schema():
    return Server(SCHEMA).schema


@pytest.fixture(scope="module")
def strict():
    return Server(SCHEMA, policy=STRICT).schema


def ask(command, arguments="", more="drop = true"):
    lines = [f'command = "{command}"', arguments and f"arguments = {arguments}", more]
    return "[[answer]]\n" + "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ask("query-stat"), "the schema has no command 'query-stat' (did you mean 'query-state'?)"),
        (ask("GONE"), "the schema has no command 'GONE'"),
        (ask("query-stat", more="drop = true\nunchecked = true"), "the schema has no command"),
        (ask("shutdown", more="return = {}"), "return: shutdown sends no reply where it succeeds"),
        # Arguments.
        (ask("query-state", "{ a = 1 }"), "arguments: query-state takes none"),
        (ask("disk-add", "{ idd = 1 }"), "'arguments.idd' is unexpected (did you mean 'id'?)"),
        (
            ask("disk-add", "{ id = 1 }"),
            "Invalid parameter type for 'arguments.id', expected: string",
        ),
        (
            ask("disk-add", '{ cache = "nono" }'),
            "'arguments.cache' does not accept value 'nono' (did you mean 'none'?)",
        ),
        (
            ask("disk-add", '{ driver = "rawr" }'),
            "(did you mean 'raw'?), so that the rule never fits",
        ),
        (ask("disk-add", '{ driver = "nbd", file = "x" }'), "'arguments.file' is unexpected"),
        (ask("disk-add", '{ driver = "nbd", port = 1 }'), "'arguments.port', expected: string"),
        (ask("disk-add", '{ driver = "old", port = 1 }'), "'arguments.port' is unexpected"),
        (ask("disk-add", "{ port = true }"), "Invalid parameter type for 'arguments.port'"),
        (ask("disk-add", "{ file = { pth = 1 } }"), "'arguments.file.pth' is unexpected"),
        (ask("disk-add", "{ file = { size = 256 } }"), "Parameter 'size' expects uint8_t"),
        (ask("disk-add", "{ file = 1 }"), "expected: FileRef"),
        (ask("take-files", "{ files = {} }"), "'arguments.files', expected: array"),
        (ask("take-files", "{ files = [{ size = 1 }] }"), "'arguments.files[0].path' is missing"),
        (ask("take-files", "{ files = [{ pat = 1 }] }"), "(did you mean 'path'?)"),
        (ask("take-files", more="exactly = true\ndrop = true"), "'arguments.files' is missing"),
        (
            ask("disk-add", "{ a = 1 }", "drop = true\nunchecked = true"),
            "'arguments.a' is unexpected",
        ),
        # Results.
        (ask("disk-add", more="return = { a = 1 }"), "return: 'disk-add' returns nothing"),
        (ask("query-state", more="return = {}"), "Parameter 'return.running' is missing"),
        (ask("query-state", more="return = []"), "type for 'return', expected: object"),
        (ask("query-state", more="return-json = 'null'"), "type for 'return', expected: object"),
        (
            ask("query-state", more='return = { running = true, cache = "nine" }'),
            "'return.cache' does not accept value 'nine' (did you mean 'none'?)",
        ),
        (
            ask("query-states", more='return = [{ running = 1, cache = "none" }]'),
            "'return[0].running', expected: boolean",
        ),
        (
            ask("query-state", more='return = { runing = true, cache = "none" }'),
            "'return.runing' is unexpected (did you mean 'running'?)",
        ),
        # Errors.
        (
            ask("query-state", more='error = { class = "DeviceNotFund", desc = "" }'),
            "'DeviceNotFund' is no class of QMP's errors (did you mean 'DeviceNotFound'?)",
        ),
        (
            ask("query-state", more='error = { class = "E1", desc = "" }'),
            "(GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound, KVMMissingCap); unch",
        ),
        # Events.
        (
            ask("query-state", more='events = [{ event = "STOP" }, { event = "STOPP" }]'),
            "events[1]: the schema has no event 'STOPP' (did you mean 'STOP'?)",
        ),
        (
            ask("query-state", more='events-after = [{ event = "query-state" }]'),
            "events-after[0]: the schema has no event 'query-state'",
        ),
        (ask("query-state", more='events = [{ event = "GONE" }]'), "'data.id' is missing"),
        (
            ask("query-state", more='events = [{ event = "STOP", data = { a = 1 } }]'),
            "'data.a' is unexpected",
        ),
        ('[[event]]\nevent = "GONEE"', "event 1 (GONEE): the schema has no event 'GONEE' (did you"),
        ('[[event]]\nevent = "GONE"\ndata = { idd = "x" }', "is unexpected (did you mean 'id'?)"),
        ('[[event]]\nevent = "GONE"\ndata = { id = "x", cache = "n" }', "'data.cache' does not"),
    ],
)
@pytest.mark.parametrize("which", ["schema", "strict"])
def test_what_the_schema_forbids(text, said, which, request):
    answers = parse(text)
    with pytest.raises(ServeError) as caught:
        check_answers(answers, request.getfixturevalue(which))
    assert str(caught.value).startswith(("f.toml: answer 1 (", "f.toml: event 1 ("))
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        ask("disk-add"),
        ask("disk-add", '{ driver = "raw" }'),
        ask("disk-add", '{ driver = "old" }'),
        ask("disk-add", '{ port = "x" }'),
        ask("disk-add", "{ port = 1 }"),
        ask("disk-add", "{ file = { size = 1 } }"),
        ask("disk-add", '{ file = "reference" }'),
        ask("disk-add", '{ driver = "nbd", id = "x", port = "p" }', "exactly = true\ndrop = true"),
        ask("take-files", '{ files = [{ path = "x" }], anything = { a = [1] } }'),
        ask("open", "{ whatever = 1 }"),
        ask("query-state", more='return = { running = true, cache = "none" }'),
        ask("query-states", more="return = []"),
        ask("query-state", more="return = 1\nunchecked = true"),
        ask("disk-add", more="return = {}"),
        ask("disk-add", more="return-json = 'null'"),
        ask("shutdown", more='error = "no"'),
        ask("query-state", more='error = { class = "Odd", desc = "x" }\nunchecked = true'),
        ask("query-state", more='events = [{ event = "NEW" }]\nunchecked = true'),
        ask("query-state", more='events = [{ event = "FADING", data = { id = "x" } }]'),
        ask("query-choice", more='return = { driver = "old" }'),
        ask("query-choice", more='events = [{ event = "CHOSEN", data = { driver = "old" } }]'),
        ask("qmp_capabilities"),
        '[[event]]\nevent = "NEW"\nunchecked = true',
        '[[event]]\nevent = "GONE"\ndata = { id = "x" }',
    ],
)
@pytest.mark.parametrize("which", ["schema", "strict"])
def test_what_the_schema_allows(text, which, request):
    check_answers(parse(text), request.getfixturevalue(which))


def test_a_rule_without_a_place_is_called_by_its_command(schema):
    with pytest.raises(ServeError, match=r"^answer to disk-add: .*'arguments\.a' is unexpected"):
        check_rule(Rule(command="disk-add", answer=Answer(), arguments={"a": 1}), schema)


KEYS = (
    "command", "arguments", "arguments-json", "exactly", "times", "skip", "return", "return-json",
    "error", "delay", "events", "events-after", "drop", "garbage", "garbage-hex", "unchecked",
    "event", "data", "data-json", "after", "every", "clas", '"\\u0000"',
)  # fmt: skip
WRITTEN = (
    "true", "false", "0", "1", "-1", "0.5", "nan", "-inf", "1e400", "99999999999999999999", '""',
    '"GONE"', "'disk-add'", "'{}'", "'[null]'", "'00'", "{}", "[]", "[{}]", "[[1]]", "07:32:00",
    '{ class = "GenericError", desc = "x" }', '[{ event = "STOP" }]', "{ id = 1 }", "{ a.b = [] }",
)  # fmt: skip
LINES = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WRITTEN), max_size=5)


def complain(text, schema):
    """Return what is said of a file, "" if nothing is."""
    try:
        check_answers(parse(text), schema)
    except ServeError as error:
        return str(error)
    return ""


@given(st.sampled_from(["answer", "event"]), LINES, st.text(max_size=3))
def test_whatever_is_written_is_right_or_gets_one_line(schema, name, lines, tail):
    first = {"answer": {"command": '"query-state"'}, "event": {"event": '"STOP"'}}[name]
    written = "\n".join(f"{key} = {value}" for key, value in {**first, **lines}.items())
    said = complain(f"[[{name}]]\n{written}\n{tail}", schema)
    assert not said or said.startswith("f.toml: ")
    assert said.isprintable()
