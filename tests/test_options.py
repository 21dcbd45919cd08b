"""Options of the command line: which there are, what they take, and when nobody can tell."""

import pytest

from qscope.ask import Verdict, ask
from qscope.ask.options import find_option, is_listable, list_options, presence
from qscope.ask.options.parameters import decode_parameters, load_parameters
from qscope.ask.options.shipped import load_types
from qscope.ask.options.summary import summarise_options
from qscope.ask.options.table import decode_table, is_between, load_table, read_release
from qscope.ask.suggest import complete, suggest
from qscope.model.command_line import CommandLine, ProbedOption
from qscope.model.interface import Interface, find_references
from qscope.model.listings import Listings, OptionGroup, OptionParameter
from qscope.model.schema_info import EnumType, ObjectType
from qscope.model.snapshot import Identity

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def find(interface, name):
    option = find_option(interface, name)
    assert option is not None
    return option


def group(name, **parameters):
    return OptionGroup(name, tuple(OptionParameter(each, parameters[each]) for each in parameters))


def make(version=None, *groups, target="x86_64", **more):
    listings = Listings(option_groups=groups or None)
    identity = Identity(version=version, target=target)
    return Interface(None, listings=listings, identity=identity, **more)


def ran(*absent, words=None, confirmed=None, **options):
    options = {name.replace("_", "-"): each for name, each in options.items()}
    return CommandLine(options, absent, words or {}, confirmed or {})


HELP = ProbedOption(arg=False, in_help=True)


# --- which options there are ---


@pytest.mark.parametrize(
    ("version", "name", "wanted"),
    [
        ("7.2.22", "drive", YES),
        ("7.2.22", "M", YES),
        ("7.2.22", "h", YES),
        ("7.2.22", "nmae", NO),
        ("7.2.22", "", NO),
        ("7.2.22", "-drive", NO),
        ("7.2.22", "Drive", NO),
        ("7.2.22", "realtime", NO),
        ("5.2.0", "realtime", YES),
        ("6.0.0", "realtime", NO),
        ("6.0.0", "compat", YES),
        ("5.2.0", "compat", NO),
        # Gone in a release between two that are known.
        ("6.2.0", "no-quit", YES),
        ("7.0.0", "no-quit", NO),
        ("7.0.0", "watchdog", UNKNOWN),
        ("7.2.0", "watchdog", NO),
        # Come between two that are known.
        ("7.0.0", "audio", UNKNOWN),
        ("6.2.0", "audio", NO),
        ("3.0.0", "blockdev", YES),
        ("2.8.0", "blockdev", UNKNOWN),
        ("2.5.0", "blockdev", NO),
        # Before and after what the table knows.
        ("2.4.0", "drive", UNKNOWN),
        ("2.4.0", "nmae", UNKNOWN),
        ("11.1.3", "drive", YES),
        ("11.1.3", "nmae", NO),
        ("11.2.0", "nmae", UNKNOWN),
        ("11.1.3", "realtime", NO),
        ("12.0.0", "drive", UNKNOWN),
        (None, "drive", UNKNOWN),
        (None, "nmae", UNKNOWN),
        ("garbage", "drive", UNKNOWN),
    ],
)
def test_the_table_speaks_by_release(version, name, wanted):
    answer = presence(make(version), name)
    assert answer.verdict is wanted
    assert "the table of options" in answer.evidence


@pytest.mark.parametrize(
    ("runs", "name", "wanted", "evidence"),
    [
        # Runs go before the release, both ways.
        (ran(realtime=ProbedOption(arg=True)), "realtime", YES, "-version -realtime"),
        (ran("drive"), "drive", NO, "-version -drive"),
        # Found by nobody, and -help was read: what it hides the table knows.
        (ran(help=HELP), "nmae", NO, "-help"),
        (ran(help=HELP), "fdb", YES, "the table"),
        (ran(help=HELP), "realtime", NO, "the table"),
        # Without -help the runs prove nothing about what they did not ask for.
        (ran(help=ProbedOption(arg=False)), "x-new", NO, "the table"),
    ],
)
def test_runs_decide(runs, name, wanted, evidence):
    answer = presence(make("7.2.0", command_line=runs), name)
    assert answer.verdict is wanted
    assert answer.evidence.startswith(evidence)


@pytest.mark.parametrize(
    ("version", "runs", "says"),
    [
        ("7.2.0", None, "nobody ran its binary to learn its options"),
        ("7.2.0", ran(), "runs of the binary did not ask for -realtime"),
        (
            None,
            None,
            "nobody ran its binary to learn its options, and it does not say which release",
        ),
    ],
)
def test_the_table_says_why_it_is_asked(version, runs, says):
    assert says in ask(make(version, command_line=runs), "option:realtime").why


@pytest.mark.parametrize(
    ("release", "since", "until", "wanted"),
    [
        ((7, 1), "7.2", "8.0", False),
        ((7, 2), "7.2", "8.0", True),
        ((8, 0), "7.2", "8.0", False),
        ((7, 2), None, None, True),
        (None, "7.2", None, True),
        (None, "7.2", "8.0", False),
    ],
)
def test_which_releases_a_row_is_of(release, since, until, wanted):
    assert is_between(release, since, until) is wanted


def test_a_new_option_is_known_by_runs_alone():
    runs = ran(brand_new=ProbedOption(arg=True, json=True, in_help=True, closed=False))
    option = find(make(None, command_line=runs), "brand-new")
    assert (option.arg, option.syntax, option.closed, option.completeness) == (
        True, ("json",), False, "unknown",
    )  # fmt: skip
    assert ask(make(None, command_line=runs), "option:brand-new/x").verdict is UNKNOWN


def test_a_group_shows_its_option_and_a_missing_one_nothing():
    interface = make(None, group("rtc", base="string"))
    assert presence(interface, "rtc").evidence == "query-command-line-options"
    assert presence(interface, "icount").verdict is UNKNOWN
    assert presence(interface, "smp-opts").verdict is UNKNOWN


@pytest.mark.parametrize(
    ("version", "target", "name", "availability"),
    [
        ("7.2.0", "x86_64", "semihosting", "unsupported-target"),
        ("7.2.0", "aarch64", "semihosting", "ok"),
        ("7.2.0", "aarch64", "acpitable", "unsupported-target"),
        ("7.2.0", "x86_64", "acpitable", "ok"),
        ("5.2.0", "s390x", "enable-kvm", "ok"),
        ("7.2.0", "sparc64", "enable-kvm", "unsupported-target"),
        ("7.2.0", None, "semihosting", "ok"),
    ],
)
def test_availability_by_target(version, target, name, availability):
    assert find(make(version, target=target), name).availability == availability


@pytest.mark.parametrize(
    ("name", "field", "by_release"),
    [
        ("bios", "sugar", {"5.2.0": "", "7.2.0": "-machine firmware=ARG"}),
        ("hdb", "sugar", {"5.2.0": "-drive index=1,media=disk,file=ARG"}),
        ("hdb", "hidden", {"7.2.0": True}),
        ("hda", "hidden", {"7.2.0": False}),
        ("M", "hidden", {"5.2.0": False}),
        ("runas", "deprecated", {"9.0.0": False, "9.1.0": True, "9.2.0": True}),
        ("usbdevice", "deprecated", {"2.12.0": True, "5.2.0": True, "6.0.0": False}),
        ("netdev", "syntax", {"5.2.0": ("qemuopts",), "7.2.0": ("qemuopts", "keyval", "json")}),
        ("object", "syntax", {"5.2.0": ("qemuopts",), "6.0.0": ("qemuopts", "json")}),
        ("device", "syntax", {"6.0.0": ("qemuopts",), "6.2.0": ("qemuopts", "json")}),
        ("machine", "syntax", {"5.2.0": ("qemuopts",), "7.2.0": ("machine-props",)}),
        ("S", "syntax", {"7.2.0": ("flag",)}),
        ("m", "group", {"7.2.0": "memory"}),
        ("m", "implied_key", {"7.2.0": "size"}),
        ("machine", "aliases", {"7.2.0": ("M",)}),
        ("h", "aliases", {"7.2.0": ("help",)}),
        ("device", "repeat", {"7.2.0": "list"}),
        ("machine", "repeat", {"7.2.0": "merge"}),
        ("uuid", "repeat", {"7.2.0": "last"}),
    ],
)
def test_what_the_table_says_of_an_option(name, field, by_release):
    found = {each: getattr(find(make(each), name), field) for each in by_release}
    assert found == by_release


def test_the_binary_knows_best_what_it_takes():
    runs = ran(netdev=ProbedOption(arg=True, json=False, closed=True))
    option = find(make("7.2.0", command_line=runs), "netdev")
    assert (option.syntax, option.closed) == (("qemuopts", "keyval"), True)


def test_nobody_lists_options_without_runs_and_release():
    interface = make(None, group("rtc", base="string"))
    assert not is_listable(interface)
    assert [each.name for each in list_options(interface)] == ["rtc"]


# --- what they take ---

RTC = group("rtc", base="string", clock="string", driftfix="string")
DRIVE = group("drive", file="string", werror="string", bus="number", snapshot="boolean")
CHARDEV = group(
    "chardev", backend="string", path="string", host="string", reconnect="number", mux="boolean"
)
SPICE_LESS = (RTC, DRIVE, CHARDEV)


@pytest.mark.parametrize(
    ("version", "groups", "path", "wanted"),
    [
        ("7.2.0", [RTC], "option:rtc/clock", YES),
        ("7.2.0", [RTC], "option:rtc/clock/^vm", YES),
        ("7.2.0", [RTC], "option:rtc/clock/^bogus", NO),
        ("7.2.0", [RTC], "option:rtc/base/^utc", YES),
        # A date is another one.
        ("7.2.0", [RTC], "option:rtc/base/^bogus", UNKNOWN),
        ("7.2.0", [RTC], "option:rtc/base/!string", YES),
        ("7.2.0", [RTC], "option:rtc/base/!int", NO),
        ("7.2.0", [RTC], "option:rtc/bogus", NO),
        ("7.2.0", [RTC], "option:rtc/+vm", NO),
        ("7.2.0", [RTC], "option:rtc/*clock", YES),
        # The measured list goes before the table.
        ("7.2.0", [group("rtc", base="string")], "option:rtc/clock", NO),
        # Words of a parameter that the table does not have are not known.
        ("7.2.0", [group("rtc", base="string", x="string")], "option:rtc/x/^y", UNKNOWN),
        ("7.2.0", [group("rtc", base="string", x="number")], "option:rtc/x/^y", NO),
        # What QEMU calls a number the table does not make words of.
        ("7.2.0", [group("rtc", clock="number")], "option:rtc/clock/^vm", NO),
        # A list that is incomplete by design: the talk's point.
        ("7.2.0", [DRIVE], "option:drive/file", YES),
        ("7.2.0", [DRIVE], "option:drive/x.y", UNKNOWN),
        ("7.2.0", [DRIVE], "option:drive/werror/^enospc", YES),
        ("7.2.0", [DRIVE], "option:drive/werror/^bogus", NO),
        ("7.2.0", [DRIVE], "option:drive/bus/!int", YES),
        # Older names, which the list leaves out.
        ("7.2.0", [DRIVE], "option:drive/readonly", YES),
        ("7.2.0", [DRIVE], "option:drive/cache/^off", YES),
        ("7.2.0", [DRIVE], "option:drive/cache/^of", NO),
        ("7.2.0", [], "option:fsdev/fsdriver/^proxy", YES),
        ("10.0.0", [], "option:fsdev/fsdriver/^proxy", NO),
        # Nobody answered: the table alone.
        ("7.2.0", [], "option:rtc/clock/^vm", YES),
        ("7.2.0", [], "option:rtc/bogus", NO),
        ("7.2.0", [], "option:drive/bogus", UNKNOWN),
        ("7.2.0", [], "option:smp/clusters", YES),
        ("7.2.0", [], "option:smp/drawers", NO),
        ("10.0.0", [], "option:smp/drawers", YES),
        ("5.2.0", [], "option:smp/clusters", NO),
        ("7.2.0", [], "option:compat/deprecated-input/^reject", YES),
        ("7.2.0", [], "option:compat/deprecated-input/^rejct", NO),
        ("6.0.0", [], "option:compat/unstable-input", NO),
        ("7.2.0", [], "option:audiodev/+pa/server", YES),
        ("7.2.0", [], "option:audiodev/+pa/servr", NO),
        ("7.2.0", [], "option:audiodev/+pasta", NO),
        ("5.2.0", [], "option:audiodev/+dbus", NO),
        ("7.2.0", [], "option:audiodev/+dbus", YES),
        ("7.2.0", [], "option:audio/model", YES),
        ("7.2.0", [], "option:audiodev/model", NO),
        ("7.2.0", [], "option:audio/*id", YES),
        ("7.2.0", [], "option:audiodev/*id", NO),
        ("7.2.0", [], "option:overcommit/mem-lock/^on-fault", NO),
        ("10.0.0", [], "option:overcommit/mem-lock/^on-fault", YES),
        # A group that QEMU should list, and does not: perhaps the build lacks SPICE.
        ("7.2.0", SPICE_LESS, "option:spice/gl", UNKNOWN),
        ("7.2.0", SPICE_LESS, "option:spice", YES),
        # No argument, a plain one, one that nobody describes.
        ("7.2.0", [], "option:S/x", NO),
        ("7.2.0", [], "option:S/!string", NO),
        ("7.2.0", [], "option:pidfile/!string", YES),
        ("7.2.0", [], "option:pidfile/x", NO),
        ("7.2.0", [], "option:echr/!int", YES),
        ("7.2.0", [], "option:k/^de", UNKNOWN),
        ("7.2.0", [], "option:blockdev/driver", UNKNOWN),
        ("7.2.0", [], "option:device/+e1000", UNKNOWN),
        ("7.2.0", [], "option:machine/+pc/smm", UNKNOWN),
        ("7.2.0", [], "option:semihosting-config/target", NO),
        # An option that is not there takes nothing.
        ("7.2.0", [], "option:realtime/mlock", NO),
        ("5.2.0", [], "option:realtime/mlock", YES),
        (None, [], "option:rtc/clock", UNKNOWN),
    ],
)
def test_what_is_behind_an_option(version, groups, path, wanted):
    assert ask(make(version, *groups), path).verdict is wanted


LISTED = Listings(option_groups=(CHARDEV,), chardevs=("socket", "null", "new"), qom_types=())


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("option:chardev/+socket", YES),
        ("option:chardev/+socket/reconnect", YES),
        ("option:chardev/+socket/!object", NO),
        ("option:chardev/+socket/reconnect-ms", NO),
        ("option:chardev/+socket/host/!string", YES),
        ("option:chardev/+null/path", NO),
        ("option:chardev/+nul", NO),
        # The base is out of sight behind a branch, as in any path.
        ("option:chardev/+socket/mux", NO),
        ("option:chardev/mux", YES),
        # Parameters are flat: some back end has it.
        ("option:chardev/reconnect", YES),
        # Of one back end nothing is known.
        ("option:chardev/+new", YES),
        ("option:chardev/+new/path", UNKNOWN),
        ("option:chardev/backend/^socket", YES),
        ("option:chardev/backend/^soket", NO),
    ],
)
def test_the_back_ends_of_a_chardev(path, wanted):
    interface = Interface(None, listings=LISTED, identity=Identity(version="7.2.0"))
    assert ask(interface, path).verdict is wanted


def test_probes_that_refute_the_table_silence_it():
    trusted = make("7.2.0", command_line=ran(compat=ProbedOption(arg=True)))
    refuted = make(
        "7.2.0", command_line=ran(compat=ProbedOption(arg=True), confirmed={"compat": False})
    )
    path = "option:compat/deprecated-input"
    assert ask(trusted, path).verdict is YES
    assert ask(refuted, path).verdict is UNKNOWN


def test_words_that_help_lists():
    runs = ran(vga=ProbedOption(arg=True), words={"vga": ("none", "std")})
    interface = make("7.2.0", command_line=runs)
    assert find(interface, "vga").words == ("none", "std")
    assert ask(interface, "option:vga/^std").verdict is YES
    assert ask(interface, "option:vga/^cirrus").verdict is NO


def test_a_kind_that_help_does_not_list_is_doubted():
    runs = ran(audiodev=ProbedOption(arg=True), words={"audiodev": ("none", "alsa")})
    interface = make("7.2.0", command_line=runs)
    assert "module" in ask(interface, "option:audiodev/+pa").why
    assert "module" not in ask(interface, "option:audiodev/+alsa").why


# --- suggestions, completion, counts ---


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("option:drvie", "option:drive"),
        ("option:chardev/+sokcet", "option:chardev/+socket"),
        ("option:chardev/+socket/recconnect", "option:chardev/+socket/reconnect"),
        ("option:rtc/clok", "option:rtc/clock"),
    ],
)
def test_what_may_have_been_meant(path, wanted):
    listings = Listings(option_groups=(CHARDEV, RTC), chardevs=("socket",), qom_types=())
    interface = Interface(None, listings=listings, identity=Identity(version="7.2.0"))
    assert wanted in suggest(interface, path, ask(interface, path))


def test_a_path_is_not_what_may_have_been_meant_by_it():
    runs = CommandLine({"fw_cfg": ProbedOption(arg=True, unavailable="module-missing")})
    groups = group("fw_cfg", file="string", string="string")
    interface = make("7.2.0", groups, command_line=runs)
    answer = ask(interface, "option:fw_cfg/file")
    assert answer.verdict is NO
    assert suggest(interface, "option:fw_cfg/file", answer) == []


def test_completion_goes_on_behind_an_option():
    interface = make("7.2.0", RTC)
    assert "option:rtc" in set(complete(interface, "option:r"))
    assert "option:rtc/clock" in set(complete(interface, "option:rtc/"))
    assert "option:rtc/clock/^vm" in set(complete(interface, "option:rtc/clock/"))
    assert not list(complete(interface, "option:nosuch/"))


def test_the_slide():
    machine = group("machine", type="string")
    memory = group("memory", size="size", slots="number", maxmem="size")
    interface = make("7.2.0", RTC, DRIVE, machine, memory, group("device"))
    summary = summarise_options(interface)
    assert (summary.total, summary.deprecated, summary.internal) == (121, 0, 5)
    assert summary.supported == 116
    assert summary.described is not None
    assert sum(len(names) for names in summary.described.values()) == summary.with_argument
    judged = {name: key for key, names in summary.described.items() for name in names}
    assert judged["rtc"] == "complete"
    assert judged["drive"] == "some parameters"
    assert judged["device"] == "no parameters"
    assert judged["m"] == "wrong name"
    assert judged["chardev"] == "missing"
    assert "S" not in judged
    assert "fdb" not in judged


def test_the_slide_without_the_list():
    assert summarise_options(make("7.2.0")).described is None


# --- the shipped tables ---


@pytest.mark.parametrize(
    "text",
    [
        "", "releases = []", 'releases = ["2.5"]\n[[option]]\nname = "x"',
        'releases = ["2.5"]\n[[option]]\nname = "x"\nfirst = "2.5"\nnosuch = 1',
        'releases = ["2.5"]\n[[option]]\nname = "x"\nfirst = 2',
        (
            'releases = ["2.5"]\n[[option]]\nname = "x"\nfirst = "2.5"\n[[option.form]]\n'
            'since = "2.5"\nsyntax = ["nosuch"]\nrepeat = "last"'
        ),
        "[[option",
    ],
)  # fmt: skip
def test_a_broken_table_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
        decode_table(text.encode())


@pytest.mark.parametrize("text", ["[[option]]", '[[option]]\nname = "x"\nnosuch = 1', "option = 1"])
def test_a_broken_table_of_parameters_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - likewise
        decode_parameters(text.encode())


def test_every_row_of_parameters_is_an_options():
    rows = load_table().rows
    assert not [each.name for each in load_parameters() if each.name not in rows]


def test_releases_of_parameters_do_not_overlap():
    releases = [read_release(each) for each in load_table().releases]
    for name in {each.name for each in load_parameters()}:
        for release in releases:
            holding = [
                each for each in load_parameters() if each.name == name and each.holds_for(release)
            ]
            assert len(holding) <= 1, (name, release)


def test_shipped_types_lack_nothing_that_they_mention():
    for shipped in load_types():
        names = {each.name for each in shipped.entities}
        mentioned = {each for entity in shipped.entities for each in find_references(entity)}
        assert {shipped.type, *mentioned} <= names
        assert all(name.startswith("table:") for name in names)


@pytest.mark.parametrize("version", ["5.2.0", "7.2.0", "10.0.0", "11.0.0"])
def test_every_type_of_an_argument_is_found(version):
    interface = make(version, RTC, DRIVE, CHARDEV)
    for option in list_options(interface):
        if option.arg_type is not None:
            waiting = [option.arg_type]
            seen = set()
            while waiting:
                name = waiting.pop()
                entity = interface.find(name)
                assert entity is not None, (option.name, name)
                if name not in seen:
                    seen.add(name)
                    waiting += find_references(entity)
        assert option.arg or option.completeness == "exact"


def test_variants_are_values_of_their_tag():
    interface = Interface(None, listings=LISTED, identity=Identity(version="7.2.0"))
    entity = interface.find(find(interface, "chardev").arg_type)
    assert isinstance(entity, ObjectType)
    tag = next(each for each in entity.members if each.name == entity.tag)
    values = interface.find(tag.type)
    assert isinstance(values, EnumType)
    assert set(values.values) == {each.case for each in entity.variants}
