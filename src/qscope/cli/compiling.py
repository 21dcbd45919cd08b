"""`qscope compile`: a QAPI schema's source to the introspection data of what is built from it."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, assert_never

import click

from qscope.cli.common import (
    cache_option,
    draw_progress,
    echo_json,
    echo_schema_error,
    note,
    note_unused_defines,
    quiet_option,
    refuse_two_readers,
    remark,
    timeout_option,
    with_defines,
)
from qscope.errors import SchemaError, TargetError
from qscope.load.files import check_place, show_path, write_bytes
from qscope.load.schema import open_schema
from qscope.model.schema_info import (
    AlternateType,
    ArrayType,
    BuiltinType,
    Command,
    EnumType,
    Event,
    KnownEntity,
    Member,
    ObjectType,
    encode_known,
)
from qscope.qapi import Schema

if TYPE_CHECKING:
    from qscope.model.annotations import Annotations
    from qscope.model.interface import Interface
    from qscope.qapi.infer import Inference


@click.command(name="compile")
@click.argument("schema", metavar="SCHEMA.json", type=click.Path(readable=False))
@with_defines
@click.option(
    "--docs",
    type=click.Choice(["check", "ignore"]),
    help="Whether documentation must keep the rules, those of QEMU 10.2; older schemas break "
    "them.  [default: check; ignore with --like]",
)
@click.option("--unmask", is_flag=True, help="Keep the source's names of types.")
@click.option(
    "--like",
    metavar="S",
    help="Infer instead with which symbols this QEMU or snapshot was built, and how it differs.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Write there instead of on stdout; with --like, the symbols, for --define-from.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "text"]),
    help="SchemaInfo as QMP has it, or a line for each entity.  [default: json; text with --like]",
)
@cache_option
@timeout_option
@quiet_option
def command(
    schema: str,
    defines: frozenset[str],
    docs: Any,
    output: str | None,
    form: str | None,
    like: str | None,
    timeout: float | None,
    *,
    unmask: bool,
    no_cache: bool,
) -> int:
    """Compile a QAPI schema to what 'query-qmp-schema' answers, with QEMU's order and numbers.

    SCHEMA.json is the root file, or - for stdin. Without --define no symbol is defined, and what
    depends on one is left out.

    Exit status: 0 compiled, 1 an error of the schema, 2 wrong usage. With --like: 0 the schema
    explains S, 1 something in one is not in the other, 3 symbols are undecided.
    """  # fmt: skip
    if like is not None and (defines or unmask):
        raise click.UsageError("--like infers the symbols: no --define, --define-from, --unmask")
    refuse_two_readers({"SCHEMA.json": schema, "--like": like})
    if output is not None and output != "-":
        check_place(output)
    try:
        parsed = open_schema(schema, docs=docs or ("ignore" if like is not None else "check"))
    except SchemaError as error:
        return echo_schema_error(error, 1)
    if output is not None:
        _spare_source(parsed, output)
    if like is not None:
        from qscope.load import load  # noqa: PLC0415 - compiling alone needs it not

        with draw_progress() as progress:
            opened = load(like, use_cache=not no_cache, timeout=timeout, progress=progress)
        return _infer(parsed, schema, opened.interface, like, output, form or "text")
    note_unused_defines(parsed, defines)
    entities = parsed.introspect(defines, unmask=unmask)
    _write(output, _render_json(entities) if form != "text" else _render_text(entities))
    return 0


def _spare_source(schema: Schema, output: str) -> None:
    """Raise TargetError if the output would replace what it is made from."""
    for name in schema.modules:
        if os.path.exists(output) and os.path.exists(name) and os.path.samefile(output, name):
            raise TargetError(f"cannot write {output}: it is a file of the schema")


def _write(output: str | None, text: str) -> None:
    if output is None or output == "-":
        click.echo(text)
    else:
        write_bytes(output, f"{text}\n".encode())


def _render_json(entities: Iterable[KnownEntity]) -> str:
    """One entry a line, as on the talk's slides."""
    return "[" + ",\n ".join(encode_known(entity).decode() for entity in entities) + "]"


def _render_text(entities: Iterable[KnownEntity]) -> str:
    return "\n".join(map(_render_entity, entities))


def _render_entity(entity: KnownEntity) -> str:
    """One line: what an entity is, and the names of the types it mentions."""
    marks = "".join(f" ${feature}" for feature in entity.features)
    match entity:
        case Command():
            out_of_band = " out-of-band" if entity.allow_oob else ""
            text = f"{entity.arg_type} -> {entity.ret_type}{out_of_band}"
        case Event():
            text = entity.arg_type
        case BuiltinType():
            text = entity.json_type
        case ArrayType():
            text = f"of {entity.element_type}"
        case EnumType():
            text = " | ".join(_mark(each.name, each.features) for each in entity.members)
        case ObjectType():
            parts = [_render_member(member) for member in entity.members]
            parts += [f"+{variant.case}: {variant.type}" for variant in entity.variants]
            by = f"by {entity.tag} " if entity.tag else ""
            text = f"{by}{{ {', '.join(parts)} }}" if parts else "{}"
        case AlternateType():
            text = " | ".join(member.type for member in entity.members)
        case _:
            assert_never(entity)
    return f"{entity.meta_type} {entity.name}{marks}: {text}"


def _render_member(member: Member) -> str:
    star = "*" if member.optional else ""
    return f"{_mark(star + member.name, member.features)}: {member.type}"


def _mark(name: str, features: Iterable[str]) -> str:
    return name + "".join(f" ${feature}" for feature in features)


def _infer(
    schema: Schema, path: str, interface: "Interface", like: str, output: str | None, form: str
) -> int:
    from qscope.qapi.annotate import annotate  # noqa: PLC0415 - compiling alone needs it not
    from qscope.qapi.infer import infer  # noqa: PLC0415

    if interface.entities is None:
        reason = interface.listings.explain("query-qmp-schema")
        note(f"cannot tell: query-qmp-schema: {reason}")
        return 3
    found = infer(schema, interface)
    if not found.match.names:
        remark(f"{like} and {path} have no command and no event in common")
    if output is not None:
        _write(output, "\n".join(found.on))
    if output != "-":
        if form == "json":
            evidence = f"structural match with {show_path(path)}"
            facts = annotate(schema, found.match.names, evidence)
            about = {"snapshot": show_path(like), "source": show_path(path)}
            echo_json(about | _describe_inference(found) | _describe_facts(facts))
        else:
            click.echo(f"here: {interface.identity.describe()}, from {like}; source: {path}")
            click.echo(_render_inference(found))
    if found.exact:
        return 0
    return 1 if found.differences else 3


def _describe_inference(found: "Inference") -> dict[str, Any]:
    return {
        "exact": found.exact,
        "on": found.on,
        "off": found.off,
        "without-effect": found.without_effect,
        "undecided": found.undecided,
        "differences": [
            {"path": path, "sort": sort.value, "what": what}
            for path, sort, what in found.differences
        ],
    }


def _describe_facts(facts: "Annotations") -> dict[str, Any]:
    return {
        "evidence": facts.evidence,
        "type-names": facts.type_names,
        "integer-types": facts.integer_types,
    }


_SORTS = {
    "extra": "here, and not in the source",
    "missing": "not here, and in every build of the source",
    "changed": "not as in the source",
}


def _render_inference(found: "Inference") -> str:
    rows = {
        "symbols on": found.on,
        "symbols off": found.off,
        "symbols without effect": found.without_effect,
        "symbols undecided": found.undecided,
    }
    lines = [f"{name:44}{len(symbols):4}" for name, symbols in rows.items()]
    texts = [
        "\n".join([line, *(f"    {symbol}" for symbol in symbols)])
        for line, symbols in zip(lines, rows.values(), strict=True)
    ]
    for sort, title in _SORTS.items():
        some = [each for each in found.differences if each.sort.value == sort]
        texts.append(f"{title:44}{len(some):4}")
        texts += [f"    {each.path}{each.what and ': ' + each.what}" for each in some]
    if found.exact:
        texts.append("exact: built with the symbols that are on, the source gives this interface")
    return "\n".join(texts)
