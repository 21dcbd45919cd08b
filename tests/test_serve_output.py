"""What a handler returns and what is emitted: checked, and without what a policy hides."""

import math

import pytest

from qscope import qapi
from qscope.errors import RefusalError
from qscope.serve import Policy
from qscope.serve.schema import HiddenError, ServedSchema
from qscope.serve.types import Types

_SCHEMA = """
{ 'enum': 'Mode', 'data': [ 'new', { 'name': 'old', 'features': ['deprecated'] } ] }
{ 'struct': 'Info',
  'data': { 'id': 'str', '*any': 'any', '*ratio': 'number', '*mode': 'Mode',
            '*gone': { 'type': 'int', 'features': ['deprecated'] } } }
{ 'command': 'query-info', 'returns': 'Info' }
{ 'event': 'CHANGED', 'data': 'Info' }
"""


def serve(**policy):
    return ServedSchema(qapi.parse(_SCHEMA, docs="ignore"), policy=Policy(**policy))


def encode(schema, result):
    return schema.encode_result(schema.find_command("query-info"), result)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "place",
    [
        pytest.param(lambda number: {"any": number}, id="any"),
        pytest.param(lambda number: {"any": [{"x": (number,)}]}, id="within"),
        pytest.param(lambda number: {"ratio": number}, id="number"),
        pytest.param(lambda number: {"any": None, "ratio": number}, id="beside a null"),
    ],
)
def test_numbers_that_json_lacks_are_refused(number, place):
    with pytest.raises(RefusalError):
        encode(serve(), {"id": "a", **place(number)})


def test_null_is_right():
    assert encode(serve(), {"id": "a", "any": None}) == b'{"id":"a","any":null}'


@pytest.mark.parametrize(
    ("result", "sent"),
    [
        pytest.param({"id": "a", "gone": 1}, b'{"id":"a"}', id="hidden member"),
        pytest.param({"id": "a", "mode": "new"}, b'{"id":"a","mode":"new"}', id="nothing hidden"),
        pytest.param({"id": "a", "gone": "x"}, RefusalError, id="hidden member of a wrong type"),
        pytest.param({"id": "a", "gnoe": 1}, RefusalError, id="member that does not exist"),
        pytest.param({"gone": 1}, RefusalError, id="member missing"),
        pytest.param({"id": "a", "mode": "old"}, HiddenError, id="hidden value"),
    ],
)
def test_results_under_a_policy_that_hides(result, sent):
    schema = serve(deprecated_output="hide")
    if isinstance(sent, bytes):
        assert encode(schema, result) == sent
        assert schema.encode_data("CHANGED", result) == sent
    else:
        with pytest.raises(RefusalError) as caught:
            encode(schema, result)
        assert type(caught.value) is sent


_UNIONS = """
{ 'enum': 'Kind', 'data': ['disk', 'net', 'both'] }
{ 'struct': 'Disk', 'data': { 'path': 'str' } }
{ 'struct': 'Net', 'data': { 'host': 'str' } }
{ 'enum': 'One', 'data': ['one'] }
{ 'union': 'Single', 'base': { 'only': 'One' }, 'discriminator': 'only', 'data': { 'one': 'Disk' } }
{ 'union': 'Device', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind',
  'data': { 'disk': 'Disk', 'net': 'Net', 'both': 'Single' } }
{ 'alternate': 'Ref', 'data': { 'def': 'Single', 'name': 'str' } }
{ 'struct': 'Holder', 'data': { 'size': 'int', '*ref': 'Ref', '*device': 'Device' } }
"""


@pytest.fixture(scope="module")
def unions():
    return Types(qapi.parse(_UNIONS, docs="ignore"))


def test_one_branch_that_msgspec_cannot_read_does_not_cost_the_others(unions):
    decode = unions.make_decoder(unions.find("Device")).decode
    assert decode(b'{"kind":"disk","path":"p"}').path == "p"
    value = {"kind": "both", "only": "one", "path": "p"}
    assert unions.read(unions.find("Device"), value).only == "one"


def test_alternate_that_msgspec_cannot_read_does_not_cost_its_holder(unions):
    decode = unions.make_decoder(unions.find("Holder")).decode
    assert decode(b'{"size":1,"device":{"kind":"net","host":"h"}}').device.host == "h"


def test_tag_is_shown(unions):
    value = unions.read(unions.find("Device"), {"kind": "disk", "path": "p"})
    assert repr(value) == "Device(kind='disk', path='p')"
