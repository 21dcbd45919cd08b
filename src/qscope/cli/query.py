"""`qscope query`: yes, no or unknown for each path."""

import sys
from typing import Any, NamedTuple

import click

from qscope.ask import Answer, Verdict, ask, compile_path
from qscope.cli.common import (
    echo_json,
    format_option,
    make_printable,
    note,
    paint,
    remark,
    with_interface,
)
from qscope.cli.completion import complete_path
from qscope.errors import PathError
from qscope.model.interface import Interface

_COLOURS = {Verdict.YES: "green", Verdict.NO: "red", Verdict.UNKNOWN: "yellow"}
_JSON = {Verdict.YES: True, Verdict.NO: False, Verdict.UNKNOWN: None}


class _Result(NamedTuple):
    answers: dict[str, Answer]
    malformed: dict[str, str]


@click.command(name="query")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_path)
@click.option(
    "--explain", is_flag=True, help="Say what each answer rests on, and where a no stops."
)
@format_option
@with_interface
def command(interface: Interface, paths: tuple[str, ...], form: str, *, explain: bool) -> int:
    """Answer each PATH with yes, no or unknown.

    PATH is libvirt's query language, and prefixes beyond it; '-' reads paths from stdin, one a
    line.

    \b
      blockdev-add/arg-type/+file/drop-cache   a member of a union's branch
      screendump/arg-type/format/^png          a value of an enum
      device_add/$json-cli-hotplug             a feature
      eject/arg-type/device/$$deprecated       a feature of the member itself
      query-cpus-fast/ret-type/*props          a member that is optional
      device:virtio-blk-pci/num-queues         a property of a device
      device:ide-hd/rerror/^stop               a value that it takes
      device_add/arg-type/+e1000/netdev        what a user may create, and set
      machine:q35/smm  cpu:EPYC/avx2  accel:kvm  object:memory-backend-file
      command:eject  event:STOP  qemuopts:spice/gl  migration:multifd
      option:drive/format/^qcow2               an option of the command line
      chardev:spicevmc  tpm:emulator  behaviour:netdev-json  version:>=7.2

    Exit status: 0 all yes; 1 some no; 3 some unknown and none no; 2 a malformed path.
    """  # noqa: D301 - click reads \b
    result = _ask_all(interface, _expand(paths))
    if not (result.answers or result.malformed):
        raise click.UsageError("no path on stdin")
    _remark_prefixes(interface, result)
    if form == "json":
        echo_json(_render_json(interface, result, explain=explain))
    else:
        _print_text(interface, result, explain=explain)
    for path, complaint in result.malformed.items():
        note(f"{path or 'the empty path'}: {complaint}")
    return _status(result)


def _remark_prefixes(interface: Interface, result: _Result) -> None:
    """Point at what looks like a prefix and is none: no command has a colon in its name."""
    for path, answer in result.answers.items():
        prefix, colon, _ = path.partition("/")[0].partition(":")
        if colon and answer.verdict is Verdict.NO and compile_path(path).prefix is None:
            guesses = _suggest(interface, path, answer)
            hint = f"; did you mean {' or '.join(guesses)}?" if guesses else ""
            remark(f"{prefix}: is no prefix that qscope knows{hint}")


def _expand(paths: tuple[str, ...]) -> list[str]:
    """Replace `-` by the lines of stdin."""
    expanded: list[str] = []
    for path in paths:
        if path == "-":
            text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            expanded += filter(None, text.splitlines())
        else:
            expanded.append(path)
    return expanded


def _ask_all(interface: Interface, paths: list[str]) -> _Result:
    answers: dict[str, Answer] = {}
    malformed: dict[str, str] = {}
    for path in paths:
        try:
            answers[path] = ask(interface, path)
        except PathError as error:
            malformed[path.encode("utf-8", "backslashreplace").decode()] = str(error)
    return _Result(answers, malformed)


def _render_json(interface: Interface, result: _Result, *, explain: bool) -> dict[str, Any]:
    """Every given path is a key; a malformed one is null, like what nobody can tell."""
    if explain:
        told: dict[str, Any] = {
            path: {
                "answer": _JSON[answer.verdict],
                "evidence": answer.evidence,
                "why": answer.why,
                "did-you-mean": _suggest(interface, path, answer),
            }
            for path, answer in result.answers.items()
        }
        wrong = {path: {"answer": None, "error": text} for path, text in result.malformed.items()}
        return told | wrong
    plain: dict[str, Any] = {path: _JSON[answer.verdict] for path, answer in result.answers.items()}
    return plain | dict.fromkeys(result.malformed)


def _print_text(interface: Interface, result: _Result, *, explain: bool) -> None:
    lines = []
    for path, answer in result.answers.items():
        verdict = paint(f"{answer.verdict.value:8}", _COLOURS[answer.verdict])
        lines.append(f"{verdict} {make_printable(path)}")
        if explain:
            lines += [f"{'':9}{line}" for line in _explain(interface, path, answer)]
    if lines:
        click.echo("\n".join(lines))


def _explain(interface: Interface, path: str, answer: Answer) -> list[str]:
    source = f"by {answer.evidence}" if answer.evidence else ""
    lines = [": ".join(filter(None, [source, answer.why]))]
    if answer.position:
        lines.append(f"{'/'.join(path.split('/')[: answer.position])} is there")
    guesses = _suggest(interface, path, answer)
    if guesses:
        lines.append(f"did you mean {' or '.join(guesses)}?")
    return lines


def _suggest(interface: Interface, path: str, answer: Answer) -> list[str]:
    if answer.verdict is not Verdict.NO:
        return []
    from qscope.ask.suggest import suggest  # noqa: PLC0415 - only for an explained no

    return suggest(interface, path, answer)


def _status(result: _Result) -> int:
    verdicts = {answer.verdict for answer in result.answers.values()}
    if result.malformed:
        return 2
    if Verdict.NO in verdicts:
        return 1
    return 3 if Verdict.UNKNOWN in verdicts else 0
