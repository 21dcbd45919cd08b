"""Hypothesis strategies: the source of valid schemas, with every kind of definition in them."""

from hypothesis import strategies as st

SYMBOLS = ("A", "B", "C")
DEFINES = st.sets(st.sampled_from(SYMBOLS)).map(sorted)
_PLAIN = ["int", "str", "bool", "any", "uint8", "size", "number", "null"]
_NAMES = ["a", "b", "c-d", "e"]

_conditions = st.recursive(
    st.sampled_from([f"'{symbol}'" for symbol in SYMBOLS]),
    lambda inner: st.one_of(
        inner.map(lambda part: f"{{ 'not': {part} }}"),
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=2)).map(
            lambda pair: f"{{ '{pair[0]}': [ {', '.join(pair[1])} ] }}"
        ),
    ),
    max_leaves=3,
)
_if = st.one_of(st.just(""), st.just(""), _conditions.map(lambda text: f", 'if': {text}"))
_features = st.one_of(
    st.just(""), st.just(""), _if.map(lambda text: f", 'features': [ {{ 'name': 'f'{text} }} ]")
)


@st.composite
def _members(draw, types, *, plain=False):
    parts = []
    for name in draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=3)):
        star = draw(st.sampled_from(["", "*"]))
        target = draw(st.sampled_from([*_PLAIN, *types]))
        target = draw(st.sampled_from([f"'{target}'", f"[ '{target}' ]"]))
        condition = "" if plain else draw(_if)
        parts.append(f"'{star}{name}': {{ 'type': {target}{condition}{draw(_features)} }}")
    return f"{{ {', '.join(parts)} }}"


@st.composite
def sources(draw):
    """A schema whose types refer to each other at random, loops among them."""
    enums, structs, unions = ["Enum0x", "Enum1x"], ["Obj0x", "Obj1x", "Obj2x"], ["Uni0x"]
    types = [*enums, *structs, *unions, "Alt0x"]
    lines = []
    for name in enums:
        values = ", ".join(
            f"{{ 'name': '{value}'{draw(_if)}{draw(_features)} }}"
            for value in draw(st.lists(st.sampled_from(_NAMES), unique=True, min_size=1))
        )
        lines.append(f"{{ 'enum': '{name}', 'data': [ {values} ]{draw(_if)} }}")
    lines += [
        f"{{ 'struct': '{name}', 'data': {draw(_members(types))}{draw(_if)}{draw(_features)} }}"
        for name in structs
    ]
    lines.append("{ 'enum': 'Kind', 'data': [ 'x', { 'name': 'y', 'if': 'A' }, 'z' ] }")
    lines.append("{ 'struct': 'Arm', 'data': { 'arm': 'int64' } }")
    arms = draw(st.lists(st.sampled_from("xyz"), unique=True))
    branches = ", ".join(f"'{arm}': {{ 'type': 'Arm'{draw(_if)} }}" for arm in arms)
    lines.append(
        "{ 'union': 'Uni0x', 'base': { 'kind': 'Kind' }, 'discriminator': 'kind',"
        f" 'data': {{ {branches} }}{draw(_if)} }}"
    )
    lines.append(
        f"{{ 'alternate': 'Alt0x', 'data': {{ 'o': {{ 'type': 'Obj0x'{draw(_if)} }},"
        f" 's': {{ 'type': 'str'{draw(_if)} }}, 'l': [ 'Obj1x' ] }} }}"
    )
    for name in draw(st.lists(st.sampled_from(["do-a", "do-b", "query-c"]), unique=True)):
        data = draw(_members(types, plain=True))
        target = draw(st.sampled_from(structs + unions))
        result = draw(
            st.sampled_from(["", f", 'returns': '{target}'", f", 'returns': ['{target}']"])
        )
        oob = draw(st.sampled_from(["", ", 'allow-oob': true"]))
        lines.append(
            f"{{ 'command': '{name}', 'data': {data}{result}{oob}{draw(_if)}{draw(_features)} }}"
        )
    lines.append(f"{{ 'event': 'GONE', 'boxed': true, 'data': 'Uni0x'{draw(_if)} }}")
    order = draw(st.permutations(lines))
    return "\n".join(order)
