"""Drivers for the schemas of source_strategies.py: branches of their union, added or written."""

from typing import Any

from qscope.qapi.drivers import add_branch

# What is handed to add_branch, and what stands in a source that has the branch.
DRIVERS: dict[str, Any] = {
    "d-one": "Arm",
    "d-two": {"mac": "str", "*of": ["Obj1x"], "u8": {"type": "uint8", "if": "B"}},
    "d-three": "{ 'struct': 'New0x', 'base': 'Obj2x', 'data': { 'new': [ 'Help0x' ] } }\n"
    "{ 'struct': 'Help0x', 'data': { '*more': [ 'Uni0x' ] } }",
    "d-four": "{ 'struct': 'Help0x', 'data': { '*more': [ 'Uni0x' ] } }\n"
    "{ 'struct': 'New1x', 'data': { 'help': 'Help0x', 'x': [ 'bool' ] } }",
}
TWO = (
    "{ 'struct': 'New2x', 'data': { 'mac': 'str', '*of': [ 'Obj1x' ],"
    " 'u8': { 'type': 'uint8', 'if': 'B' } } }"
)
WRITTEN = {
    "d-one": ("Arm", ""),
    "d-two": ("New2x", TWO),
    "d-three": ("New0x", DRIVERS["d-three"]),
    "d-four": ("New1x", DRIVERS["d-four"]),
}


def write_all(source, cases):
    """Return a source with these drivers as branches of Uni0x, in this order."""
    values = "".join(f", '{case}'" for case in cases)
    source = source.replace("'z' ] }", f"'z'{values} ] }}")
    lines = dict.fromkeys(line for case in cases for line in WRITTEN[case][1].splitlines())
    for line in source.splitlines():
        if line.startswith("{ 'union': 'Uni0x'"):
            start = line.index("'data': {") + len("'data': {")
            end = find_end(line, start)
            branches = [f"'{case}': '{WRITTEN[case][0]}'" for case in cases]
            own = [line[start:end].strip()] if line[start:end].strip() else []
            lines[f"{line[:start]} {', '.join(own + branches)} {line[end:]}"] = None
        else:
            lines[line] = None
    return "\n".join(lines)


def find_end(line, start):
    """Return where the object ends that begins before `start`."""
    depth = 1
    for index in range(start, len(line)):
        depth += {"{": 1, "}": -1}.get(line[index], 0)
        if not depth:
            return index
    raise AssertionError(line)


def add_all(schema, cases):
    for case in cases:
        schema = add_branch(schema, "Uni0x", case, DRIVERS[case])
    return schema
