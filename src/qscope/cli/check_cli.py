"""`qscope check-cli`: whether a QEMU would accept a command line."""

from collections.abc import Sequence
from typing import Any

import click

from qscope.ask import Verdict
from qscope.ask.finding import Finding, Severity, conclude
from qscope.ask.line import check_line
from qscope.ask.line.rules import RULES
from qscope.ask.syntax.shell import Invocation, find_target, is_qemu, read_invocation
from qscope.cli.common import (
    echo_json,
    format_option,
    paint,
    refuse_two_readers,
    remark,
    with_interface,
)
from qscope.cli.findings import STATUS, WORDS, encode_finding, render_finding
from qscope.errors import ArgumentError, TargetError
from qscope.load.text import read_text
from qscope.model.interface import Interface


def _list_rules(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    """Print each rule: its id, its reason, the releases it was tried on."""
    if not wanted:
        return
    for rule in RULES:
        click.echo(f"{rule.id:24} {rule.reason}  ({', '.join(rule.checked)})")
    ctx.exit()


# Where the context keeps what stood behind `--`: that is QEMU's.
_BEHIND = "qscope.behind"


class _Command(click.Command):
    """Tells QEMU's words, behind `--`, from a file that is named in front of it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            ctx.meta[_BEHIND] = tuple(args[args.index("--") + 1 :])
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = f"No such option: {error.option_name}. QEMU's options come after '--'."
            raise click.UsageError(hint, ctx) from error


@click.command(name="check-cli", cls=_Command)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="FILE | -- ARG...")
@click.option(
    "--file", "path", type=click.Path(readable=False), metavar="FILE",
    help="Read the command line, quoted as for a shell, from FILE; '-' is stdin.",
)  # fmt: skip
@click.option(
    "--rules", is_flag=True, is_eager=True, expose_value=False, callback=_list_rules,
    help="List the rules for what types cannot say, and where each was tried.",
)  # fmt: skip
@format_option
@with_interface
def command(interface: Interface, words: tuple[str, ...], form: str, *, path: str | None) -> int:
    """Say whether QEMU would accept a command line, and everything that is wrong with it.

    \b
      qscope check-cli -- -M q35 -device virtio-net-pci,netdev=n0 -netdev user,id=n0
      qscope check-cli vm.args
      virsh domxml-to-native ... | qscope check-cli -

    FILE has one command line, quoted as for a shell, with or without the name of the program.
    No QEMU is started. Each finding is one line of stdout that begins with the option as it was
    typed. What depends on the host (files, taps, sockets, KVM) is a note on stderr.

    Exit status: 0 accepted; 1 refused; 3 cannot tell, and what; 2 not a command line.
    """  # noqa: D301 - click reads \b
    findings = check_line(interface, _read_words(interface, words, path))
    told = [each for each in findings if each.severity is not Severity.NOTE]
    verdict = conclude(told)
    if form == "json":
        echo_json({"verdict": WORDS[verdict], "findings": [_encode(each) for each in findings]})
    else:
        _print(told, verdict)
        for each in findings:
            if each.severity is Severity.NOTE:
                remark(str(each))
    return STATUS[verdict]


def _read_words(interface: Interface, words: tuple[str, ...], path: str | None) -> Sequence[str]:
    context = click.get_current_context()
    behind = context.meta.get(_BEHIND, ())
    files = [*words[: len(words) - len(behind)], *filter(None, [path])]
    if behind and files:
        raise click.UsageError(f"either a file ({files[0]}) or words behind '--', not both")
    if behind:
        return words
    if not files:
        raise click.UsageError("no command line: give it after '--', or name a file that has it")
    if len(files) > 1:
        raise click.UsageError("QEMU's options come after '--'; in front of it is one file's name")
    refuse_two_readers({"--snapshot": context.params.get("snapshot"), "the file": files[0]})
    try:
        invocation = read_invocation(read_text(files[0]))
    except ArgumentError as error:
        raise TargetError(f"{'stdin' if files[0] == '-' else files[0]}: {error}") from error
    _remark_program(interface, invocation)
    return invocation.words


def _remark_program(interface: Interface, invocation: Invocation) -> None:
    """Say what is taken for the program, if that is not plain; and if it is another QEMU."""
    program, target = invocation.program, interface.identity.target
    if program and not is_qemu(program):
        remark(f"taking {program!r} for the name of the program")
    named = find_target(program)
    if named and target and named != target:
        remark(f"the line is for {named}, and the QEMU that is asked for {target}")
    if any(sign in word for word in invocation.words for sign in ("$", "`")):
        remark("nothing is expanded: what a shell would put for $… and `…` is not known")


def _print(findings: Sequence[Finding], verdict: Verdict) -> None:
    for finding in findings:
        click.echo(render_finding(finding))
    if verdict is Verdict.YES:
        click.echo(paint("accepted", "green"))


def _encode(finding: Finding) -> dict[str, Any]:
    option, _, parameter = finding.where.partition(" ")
    place = {"option": option, "word": finding.position, "parameter": parameter}
    return place | encode_finding(finding)
