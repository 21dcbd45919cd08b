"""`qscope proxy`: pass a session on, and report what another QEMU would refuse of it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from typing import IO, Any

import click
import msgspec
from msgspec import UNSET

from qscope.ask.finding import Finding, Severity
from qscope.ask.validation.words import clip
from qscope.cli.common import (
    cache_option,
    draw_progress,
    format_option,
    make_printable,
    note,
    note_origin,
    quiet_option,
    refuse_two_readers,
    remark,
    timeout_option,
)
from qscope.cli.findings import (
    STATUS,
    apply_policies,
    encode_finding,
    render_finding,
    with_policies,
)
from qscope.cli.listening import list_addresses, with_addresses
from qscope.load import load
from qscope.model.interface import Interface
from qscope.qmp.address import Address, parse_address
from qscope.serve.proxy import Judge, Judged, Observer, Proxy, Tally

# An ID that is longer is not shown: the message's number tells, too.
_LONGEST_ID = 40
# Seconds that judging may hold up the bytes that pass.
_SWITCH = 0.0005


@click.command(name="proxy")
@click.option(
    "--to", "target", metavar="SOCKET", required=True,
    help="Where the server listens: unix:PATH, a path, HOST:PORT or tcp:HOST:PORT.",
)  # fmt: skip
@click.option(
    "--against", metavar="S", type=click.Path(), required=True,
    help="By whose interface to judge; see 'qscope --help'.",
)  # fmt: skip
@with_addresses
@click.option("--stdio", is_flag=True, help="The client is at stdin and stdout; implies --once.")
@click.option("--once", is_flag=True, help="End when the first client is gone.")
@click.option("--all", "every", is_flag=True, help="Report a finding again each time.")
@click.option(
    "--report", metavar="FILE", type=click.Path(),
    help="Where to report.  [default: stdout; with --stdio: stderr]",
)  # fmt: skip
@with_policies
@format_option
@cache_option
@timeout_option
@quiet_option
def command(target: str, against: str, report: str | None, form: str, **options: Any) -> int:
    """Pass QMP sessions on, and report what S would refuse.

    \b
      qscope proxy --to unix:/run/vm.qmp --against qemu-11.1.json.gz --unix /tmp/proxy.qmp
      qscope proxy --to localhost:4444 --against ./qemu-system-x86_64 --stdio

    Will my client work on QEMU X? Point it at the proxy, which passes every byte on unchanged, in
    both directions, and judges beside it, as 'qscope validate' does, what the client sends. Each
    finding is one line: which client, its message's ID or number, the command, the member, what is
    right. A finding that was reported is only counted when it comes again. What depends on the
    state of a QEMU is not judged, and replies are not looked at.

    The proxy ends by SIGINT or SIGTERM; then it says on stderr what has passed.

    Exit status: 0 nothing would be refused; 1 something would, also as no JSON; 3 cannot tell, and
    what; 2 SOCKET is not there, or the proxy cannot listen.
    """  # noqa: D301 - click reads \b
    address = _parse_target(target)
    addresses = _list_addresses(options)
    refuse_two_readers({"--against": against, "--stdio": "-" if options["stdio"] else None})
    with contextlib.ExitStack() as stack:
        out = _open_report(stack, report, stdio=options["stdio"])
        with draw_progress() as progress:
            opened = load(
                against,
                use_cache=not options["no_cache"],
                timeout=options["timeout"],
                progress=progress,
            )
        note_origin(opened.interface, None)
        policies = {key: options[key] for key in ("deprecated", "unstable")}
        reporter = _Reporter(opened.interface, policies, out, form, every=options["every"])
        _prefer_the_loop(stack)
        missed = asyncio.run(_run(address, addresses, reporter, options))
    return _conclude(reporter, missed)


def _parse_target(target: str) -> Address:
    # A path is one also when the server is to come later.
    address = parse_address(target) or (Address(target) if "/" in target else None)
    if address is None:
        raise click.BadParameter(
            f"{target!r}: unix:PATH, a path or HOST:PORT is right", param_hint="--to"
        )
    return address


def _list_addresses(options: dict[str, Any]) -> list[str]:
    """Return where to listen, stdio first: its client is the first one."""
    addresses = [*(["stdio"] if options["stdio"] else []), *list_addresses(options)]
    if not addresses:
        raise click.UsageError("where to listen? --unix PATH, --tcp HOST:PORT or --stdio is needed")
    return addresses


def _open_report(stack: contextlib.ExitStack, path: str | None, *, stdio: bool) -> IO[str]:
    if path is None:
        return sys.stderr if stdio else sys.stdout
    return stack.enter_context(open(path, "w", encoding="utf-8", errors="backslashreplace"))


def _prefer_the_loop(stack: contextlib.ExitStack) -> None:
    """Let bytes that pass interrupt judging sooner than Python does it, after 5 ms."""
    stack.callback(sys.setswitchinterval, sys.getswitchinterval())
    sys.setswitchinterval(_SWITCH)


class _Reporter:
    """Judges what clients send and reports what is new in it; all of it in the observer's thread.

    `error` is why reports could not be written any more.
    """

    def __init__(
        self,
        interface: Interface,
        policies: dict[str, str],
        out: IO[str],
        form: str,
        *,
        every: bool,
    ) -> None:
        self._interface = interface
        self._policies = policies
        self._out = out
        self._is_json = form == "json"
        self.every = every
        self._judges: dict[int, Judge] = {}
        self.tally = Tally()
        self.error: OSError | None = None

    def observe(self, client: int, data: bytes) -> None:
        """Judge what a client sent; forget it at its end."""
        if not data:
            self._judges.pop(client, None)
            return
        if client not in self._judges:
            self._judges[client] = Judge(self._interface)
        for judged in self._judges[client].judge(data):
            findings = tuple(apply_policies(judged.findings, self._policies))
            self._report(client, judged._replace(findings=findings))

    def lose(self, client: int, why: str) -> None:
        """Report that a client is not judged any more."""
        self._judges.pop(client, None)
        self.tally.lost += 1
        message = f"what it sends is not judged from here on: {why}"
        finding = Finding("not-judged", "", message, Severity.UNKNOWN)
        self._write(client, Judged(0, None, False, UNSET, ()), finding)

    def _report(self, client: int, judged: Judged) -> None:
        new = self.tally.add(judged)
        for finding in judged.findings if self.every else new:
            self._write(client, judged, finding)

    def _write(self, client: int, judged: Judged, finding: Finding) -> None:
        """Print a finding; who reads them no more does not end the session."""
        render = _encode if self._is_json else _render
        if self.error is None:
            try:
                click.echo(render(client, judged, finding), file=self._out)
            except OSError as error:
                self.error = error


def _render(client: int, judged: Judged, finding: Finding) -> str:
    """Return a finding's line."""
    place = [f"client {client}", *_name_message(judged)]
    command = clip(judged.command or "")
    # A finding about the command begins with its name.
    start = f"{command}: " if command and finding.where != command else ""
    return f"{make_printable(', '.join(place))}: {start}{render_finding(finding)}"


def _name_message(judged: Judged) -> Iterator[str]:
    shown = _show_id(judged.id)
    if shown:
        yield f"id {shown}"
    elif judged.number:
        yield f"message {judged.number}"


def _show_id(value: Any) -> str:
    """Return an ID as JSON; nothing for what is not worth a line."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_ID else ""


def _encode(client: int, judged: Judged, finding: Finding) -> str:
    line = {
        "client": client,
        "number": judged.number or None,
        "id": judged.id if _show_id(judged.id) else None,
        "command": None if judged.command is None else clip(judged.command),
        "member": finding.where,
        **encode_finding(finding),
    }
    return msgspec.json.encode(line).decode()


class _Watcher:
    """Tells the observer of what clients send, and the user of those that could not be served."""

    def __init__(self, observer: Observer) -> None:
        self.receive = observer.offer
        self.missed = 0

    def miss(self, client: int, why: str) -> None:
        """Say on stderr why a client was closed."""
        self.missed += 1
        note(f"client {client} is closed: {why}")


async def _run(
    target: Address, addresses: list[str], reporter: _Reporter, options: dict[str, Any]
) -> int:
    """Pass sessions on until the end; return how many clients could not be."""
    observer = Observer(reporter.observe, reporter.lose)
    watcher = _Watcher(observer)
    proxy = Proxy(target, watcher, once=options["once"] or options["stdio"])
    try:
        await proxy.serve(*addresses, anywhere=options["anywhere"], ready=_announce)
    finally:
        await observer.finish()
    return watcher.missed


def _announce(addresses: list[str]) -> None:
    for each in addresses:
        if each != "stdio":
            remark(f"listening at {each}")


def _conclude(reporter: _Reporter, missed: int) -> int:
    tally = reporter.tally
    is_idle = not tally.commands + tally.others
    if missed and is_idle:
        return 2
    remark(tally.describe())
    if tally.repeated and not reporter.every:
        remark(f"findings that were not reported again: {tally.repeated} (--all reports them)")
    if reporter.error is not None:
        raise reporter.error
    return STATUS[tally.verdict]
