"""object-add: types that a build lacks; and before 6.0 all of it, which the schema leaves open.

In: an interface and the arguments, an object. Out: `Finding`s.
"""

from collections.abc import Iterator
from typing import Any

from qscope.ask.answer import Answer, Verdict
from qscope.ask.branches import list_creatable_objects
from qscope.ask.finding import Finding
from qscope.ask.listed import has_object
from qscope.ask.validation.checker import Checker
from qscope.ask.validation.names import find_absent
from qscope.ask.validation.properties import PropertyOwner, judge_properties
from qscope.ask.validation.reader import Reader
from qscope.ask.validation.words import show_value
from qscope.model.interface import Interface
from qscope.model.schema_info import ObjectType

_SOURCE = "qom-list-types implements=user-creatable"


def judge_object_type(interface: Interface, arguments: dict[Any, Any]) -> Iterator[Finding]:
    """Yield that this build cannot create an object of the type, though the schema has it."""
    name = arguments.get("qom-type")
    if not isinstance(name, str):
        return
    present = has_object(interface, name)
    creatable = list_creatable_objects(interface)
    if present.verdict is Verdict.YES and creatable is not None and name not in creatable:
        present = Answer(Verdict.NO, _SOURCE)
    if present.verdict is Verdict.NO:
        yield from find_absent("qom-type", name, "object", present, creatable or ())


def judge_open_object(
    interface: Interface, entity: ObjectType, arguments: dict[Any, Any]
) -> Iterator[Finding]:
    """Yield everything that is wrong where object-add's properties are open.

    They stand in `props`, or beside it, which 5.0 began to take.
    """
    own = {member.name for member in entity.members}
    known = {name: value for name, value in arguments.items() if name in own}
    yield from Checker(interface.find).check(entity.name, known)
    found = list(judge_object_type(interface, arguments))
    yield from found
    name = arguments.get("qom-type")
    if not isinstance(name, str) or any(each.where == "qom-type" for each in found):
        return
    props = arguments.get("props", {})
    properties = {key: value for key, value in arguments.items() if key not in own}
    owner = PropertyOwner("object", name)
    if isinstance(props, dict):
        properties = {**props, **properties}
    else:
        given = f"{show_value(props)} was given"
        yield Finding("wrong-type", "props", given, right="takes an object", evidence=_SOURCE)
    yield from judge_properties(interface, owner, properties, Reader.STRICT)
