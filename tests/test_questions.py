"""The dialogue that a probe holds: which questions follow from which answers."""

import json

import pytest
from msgspec import Raw

from qscope.model.transcript import ErrorInfo
from qscope.probe.questions import INSTEAD_OF, QUESTIONS, Question, hold_dialogue
from tests.fake_qemu import name_point

_NO_COMMAND = ErrorInfo("CommandNotFound", "no")


def hold(answers, *, complete=True, again=None):
    """Hold a dialogue with whoever answers from a table; return its batches and exchanges.

    `again` is the table for questions asked of a fresh QEMU. An ErrorInfo in a table is an error.
    """
    dialogue = hold_dialogue(complete=complete)
    batches = [next(dialogue)]
    try:
        while True:
            exchanges = tuple(
                answer(each, again if each.apart else answers) for each in batches[-1]
            )
            batches.append(dialogue.send(exchanges))
    except StopIteration as end:
        return batches, end.value


def answer(question, answers):
    value = answers.get(name_point(*question[:2]), [])
    if isinstance(value, ErrorInfo):
        return question.answered(error=value)
    return question.answered(result=Raw(json.dumps(value).encode()))


def names(*given):
    return [{"name": name} for name in given]


def test_a_running_qemu_is_asked_no_more_than_that():
    batches, exchanges = hold({"qom-list-types device": names("a")}, complete=False)
    assert batches == [QUESTIONS]
    assert [each.execute for each in exchanges] == [each.execute for each in QUESTIONS]


def test_modules_are_loaded_before_what_depends_on_them():
    asked = [each.execute for each in QUESTIONS]
    assert asked.index("qom-list-types") < asked.index("query-command-line-options")
    assert asked.index("qom-list-types") < asked.index("query-chardev-backends")


@pytest.mark.parametrize("lacking", list(INSTEAD_OF))
def test_who_lacks_a_command_is_asked_another(lacking):
    batches, exchanges = hold({lacking: _NO_COMMAND})
    assert batches == [QUESTIONS, (INSTEAD_OF[lacking],)]
    assert exchanges[-1].execute == INSTEAD_OF[lacking].execute


@pytest.mark.parametrize(
    ("answers", "devices", "others"),
    [
        pytest.param({}, [], [], id="nothing"),
        pytest.param({"device": names("b", "a", "b")}, ["a", "b"], [], id="sorted, once"),
        pytest.param(
            {"machine": names("m"), "accel": names("k"), "user-creatable": names("z", "a")},
            [],
            ["a", "k", "m", "z"],
            id="others, sorted together",
        ),
        pytest.param(
            {"device": [{"name": "a", "abstract": True}, {"name": "b", "abstract": False}]},
            ["b"],
            [],
            id="not the abstract ones",
        ),
        pytest.param(
            {"device": names("a-cpu"), "cpu": names("a-cpu", "b-cpu")},
            ["a-cpu"],
            ["b-cpu"],
            id="a CPU that is a device once",
        ),
        pytest.param({"cpu": names("c"), "machine": names("c")}, [], ["c"], id="a CPU, no device"),
        pytest.param({"True": names("x")}, [], [], id="not all types"),
        pytest.param({"device": 5, "machine": {"name": "m"}}, [], [], id="no arrays"),
        pytest.param(
            {"device": [1, [], {"nome": 1}, {"name": 2}, {"name": "a"}]}, ["a"], [], id="no names"
        ),
        pytest.param({"device": _NO_COMMAND}, [], [], id="an error"),
    ],
)
def test_types_whose_properties_are_asked_for(answers, devices, others):
    batches, _ = hold({f"qom-list-types {base}": value for base, value in answers.items()})
    asked = [question for batch in batches[1:] for question in batch]
    assert asked == [
        *(Question("device-list-properties", {"typename": name}) for name in devices),
        *(Question("qom-list-properties", {"typename": name}) for name in others),
    ]


_CHILD = "child<i2c-bus>"


@pytest.mark.parametrize(
    ("properties", "is_asked_again"),
    [
        pytest.param([{"name": "i2c-bus.1", "type": _CHILD}], True, id="counted"),
        pytest.param([{"type": _CHILD, "name": "i2c-bus.12"}], True, id="the other way round"),
        pytest.param([{"name": "i2c-bus.1", "type": "child<I2C-bus>"}], True, id="in lower case"),
        pytest.param([{"name": "i2c-bus.0", "type": _CHILD}], False, id="the first"),
        pytest.param([{"name": "i2c.1", "type": _CHILD}], False, id="a name of its own"),
        pytest.param([{"name": "i2c-bus.1", "type": "link<i2c-bus>"}], False, id="no child"),
        pytest.param(
            [{"name": "i2c-bus.1", "type": "str"}, {"name": "x", "type": "child<x>"}],
            False,
            id="another child",
        ),
    ],
)
def test_an_answer_that_counts_is_asked_for_again(properties, is_asked_again):
    answers = {"qom-list-types device": names("a"), "device-list-properties a": properties}
    fresh = {"device-list-properties a": ["anew"]}
    batches, exchanges = hold(answers, again=fresh)
    assert len(batches) == 2 + is_asked_again
    expected = ["anew"] if is_asked_again else properties
    assert len(exchanges) == len(QUESTIONS) + 1
    assert json.loads(bytes(exchanges[-1].result)) == expected


def test_an_answer_is_not_lost_by_asking_again():
    properties = [{"name": "i2c-bus.1", "type": _CHILD}]
    answers = {"qom-list-types device": names("a"), "device-list-properties a": properties}
    _, exchanges = hold(answers, again={"device-list-properties a": _NO_COMMAND})
    assert exchanges[-1].error == _NO_COMMAND  # it is an answer, too

    dialogue = hold_dialogue(complete=True)
    batch = next(dialogue)
    batch = dialogue.send(tuple(answer(each, answers) for each in batch))
    again = dialogue.send(tuple(answer(each, answers) for each in batch))
    with pytest.raises(StopIteration) as end:
        dialogue.send((again[0].answered(crashed=True, ended="it was killed by SIGABRT"),))
    assert json.loads(bytes(end.value.value[-1].result)) == properties


def test_what_was_not_asked_is_left_out():
    dialogue = hold_dialogue(complete=True)
    exchanges = [each.answered() for each in next(dialogue)]
    exchanges[3] = QUESTIONS[3].answered(crashed=True, ended="it talked nonsense")
    with pytest.raises(StopIteration) as end:
        dialogue.send(tuple(exchanges))
    assert end.value.value == (exchanges[3],)
