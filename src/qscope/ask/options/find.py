"""From what is known of an option to an `Option`.

In: an interface and a name without its dash. Out: `Option`, with its evidence; each once.
"""

from collections.abc import Iterator
from weakref import WeakKeyDictionary

from qscope.ask.answer import Verdict
from qscope.ask.options.argument import Argument
from qscope.ask.options.presence import QCLO, name_run, presence
from qscope.ask.options.served import find_served_option
from qscope.ask.options.table import Form, Release, Row, load_table
from qscope.ask.options.types import find_argument
from qscope.ask.versions import read_release
from qscope.model.command_line import ProbedOption
from qscope.model.interface import Interface
from qscope.model.option import Availability, Option, OptionEvidence, Syntax

_FOUND: WeakKeyDictionary[Interface, dict[str, Option | None]] = WeakKeyDictionary()


def find_option(interface: Interface, name: str) -> Option | None:
    """Return the option called `name` (no dash), None where there is none or nobody knows."""
    found = _FOUND.setdefault(interface, {})
    if name not in found:
        found[name] = _find_anew(interface, name)
    return found[name]


def _find_anew(interface: Interface, name: str) -> Option | None:
    if interface.served is not None:
        return find_served_option(interface.served, name)
    is_there = presence(interface, name).verdict is Verdict.YES
    return _make_option(interface, name) if is_there else None


def list_options(interface: Interface) -> tuple[Option, ...]:
    """Return all options that are known to be there, sorted by name.

    -h is no other option than -help.
    """
    if interface.served is not None:
        return tuple(option for _, option in sorted(interface.served.options.items()))
    table = load_table()
    more = (name for name in interface.command_line.options if table.find_row(name) is None)
    found = (find_option(interface, name) for name in sorted({*table.rows, *more}))
    return tuple(option for option in found if option is not None)


def is_listable(interface: Interface) -> bool:
    """Whether anything tells which options there are."""
    if interface.served is not None:
        return not interface.served.silence
    return bool(interface.command_line.options) or read_release(interface) is not None


def _make_option(interface: Interface, name: str) -> Option | None:
    probed = interface.command_line.options.get(name)
    row = load_table().find_row(name)
    release = read_release(interface)
    form = row.find_form(release) if row else None
    arg = probed.arg if probed else row.arg if row else None
    if arg is None:
        return None
    syntax = _find_syntax(form, probed, arg=arg)
    closed = form.closed if form else None
    if probed is not None and probed.closed is not None:
        closed = probed.closed
    argument = find_argument(interface, name, form, syntax) if arg else Argument("exact")
    return Option(
        name=name,
        arg=arg,
        arg_type=argument.type,
        syntax=syntax,
        implied_key=row.implied if row and arg else None,
        repeat=form.repeat if form else None,
        closed=closed,
        aliases=_find_aliases(row, name),
        sugar=form.sugar if form else "",
        deprecated=_is_deprecated(row, probed, release),
        hidden=_is_hidden(row, probed),
        availability=_find_availability(interface, form, probed),
        completeness=argument.completeness,
        evidence=(*_list_evidence(interface, name, row, probed), *argument.evidence),
        group=form.group if form else None,
        words=argument.words,
    )


def _find_syntax(
    form: Form | None, probed: ProbedOption | None, *, arg: bool
) -> tuple[Syntax, ...]:
    """Return what an argument may be written in; whether it may be JSON the binary knows best."""
    if not arg:
        return ("flag",)
    syntax = form.syntax if form else ()
    if probed is None or probed.json is None:
        return syntax
    plain: tuple[Syntax, ...] = tuple(each for each in syntax if each != "json")
    return (*plain, "json") if probed.json else plain


def _find_aliases(row: Row | None, name: str) -> tuple[str, ...]:
    if row is None or name == row.name:
        return row.aliases if row else ()
    return (row.name,)


def _is_deprecated(row: Row | None, probed: ProbedOption | None, release: Release | None) -> bool:
    if probed and probed.deprecated:
        return True
    return bool(row and release and row.is_deprecated(release))


def _is_hidden(row: Row | None, probed: ProbedOption | None) -> bool:
    """Whether -help has no entry of its own for an option, though it can be used.

    It mentions -fdb in that of -fda, and leaves out what another target has: the table knows.
    """
    if row is None:
        return bool(probed and probed.in_help is False)
    return row.hidden


def _find_availability(
    interface: Interface, form: Form | None, probed: ProbedOption | None
) -> Availability:
    if probed is not None:
        match probed.unavailable:
            case "unsupported-target" | "module-missing" as reason:
                return reason
            case _:
                return "ok"
    target = interface.identity.target
    suits = form is None or not form.targets or target is None or target in form.targets
    return "ok" if suits else "unsupported-target"


def _list_evidence(
    interface: Interface, name: str, row: Row | None, probed: ProbedOption | None
) -> Iterator[OptionEvidence]:
    """Yield what says that there is such an option, and what is known of its syntax."""
    if probed is not None:
        yield OptionEvidence("arity-probe", name_run(name))
        if probed.json is not None or probed.closed is not None:
            yield OptionEvidence("parse-probe", f"-{name} … -version")
        if probed.in_help:
            yield OptionEvidence("help", "-help")
    elif presence(interface, name).evidence == QCLO:
        yield OptionEvidence("qclo", QCLO)
    if row is not None and not (probed and not probed.arg):
        yield OptionEvidence("table", "options")
