"""Whether a QEMU has an option: by runs of the binary, by QMP, by the table of options.

In: an interface and a name without its dash. Out: an `Answer`. Runs decide; the table speaks by
the release QEMU says it is, where nobody ran the binary, and says that it does. A program that
tells its options itself is asked alone.
"""

from qscope.ask.answer import Answer, Verdict, unknown
from qscope.ask.options.served import answer_served
from qscope.ask.options.table import Release, load_table
from qscope.ask.versions import read_release
from qscope.model.interface import Interface

QCLO = "query-command-line-options"


def presence(interface: Interface, name: str) -> Answer:
    """Answer whether there is an option `name`."""
    if interface.served is not None:
        return answer_served(interface.served, name)
    return _ask_runs(interface, name) or _ask_groups(interface, name) or _ask_table(interface, name)


def name_run(name: str) -> str:
    """Return the run that tells whether an option exists, and whether it takes an argument."""
    return f"-version -{name}"


def _ask_runs(interface: Interface, name: str) -> Answer | None:
    """Answer by what the binary said when it was asked for the option; None where it was not."""
    learned = interface.command_line
    probed = learned.options.get(name)
    if probed is not None:
        return Answer(Verdict.YES, name_run(name), _EXPLAINED.get(probed.unavailable, ""))
    if name in learned.absent:
        return Answer(Verdict.NO, name_run(name), "QEMU calls it an invalid option", position=0)
    listed = any(each.in_help for each in learned.options.values())
    if not listed or name in load_table().rows:
        return None
    # -help lists all options but a few for tests of QEMU's own and sisters of listed ones (-fdb),
    # none of them new in twelve releases: the table has them, and they are asked for by name.
    why = "-help does not list it, and it is none of the few options that -help leaves out"
    return Answer(Verdict.NO, "-help", why, position=0)


_EXPLAINED = {
    "unsupported-target": "QEMU knows it, and refuses it for this target",
    "module-missing": "QEMU knows it; a module that it needs is not there",
}


def _ask_groups(interface: Interface, name: str) -> Answer | None:
    """Answer by a QemuOpts group that is the option's; a missing one proves nothing."""
    row = load_table().rows.get(name)
    names = {each.group for each in row.form if each.group} if row else set()
    listed = {each.option for each in interface.listings.option_groups or ()}
    found = sorted(names & listed)
    if not found or name == "M":
        return None
    return Answer(Verdict.YES, QCLO, f"it lists the group {found[0]!r}")


def _ask_table(interface: Interface, name: str) -> Answer:
    silence = interface.command_line.silence or f"runs of the binary did not ask for -{name}"
    release = read_release(interface)
    if release is None:
        why = f"{silence}, and it does not say which release it is"
        return unknown("the table of options", why)
    found = load_table().find_existence(name, release)
    why = f"{found.why}; {silence}"
    position = 0 if found.verdict is Verdict.NO else None
    return Answer(found.verdict, f"the table of options, {_name(release)}", why, position=position)


def _name(release: Release) -> str:
    return f"QEMU {release[0]}.{release[1]}"
