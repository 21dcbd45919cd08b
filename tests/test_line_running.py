"""A command line's options about how QEMU runs: -global, -set, firmware, logs, words for none.

By 7.2's shipped snapshot; what differs by release by the recording of 10.0, too.
"""

import shlex

import pytest

import qscope
from qscope.ask.finding import Severity
from qscope.ask.line import check_line

_R = "-device virtio-rng-pci,id=r"
_RECORDING = "snapshots/qemu-10.0.13-debian-x86_64.transcript.json.gz"


@pytest.fixture(scope="module")
def newer(shared):
    return qscope.open(str(shared / _RECORDING))


def find(interface, line, severity=Severity.ERROR):
    """Return (rule, where) of each finding of a severity."""
    words = shlex.split(line)
    base = [] if "-machine" in words else ["-machine", "q35"]
    found = check_line(interface, ["-nodefaults", *base, *words])
    return [(each.rule, each.where) for each in found if each.severity is severity]


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        # -global: its form
        ("-global ''", "member-missing", "-global driver"),
        ("-global virtio-rng-pci", "malformed-argument", "-global"),
        ("-global virtio-rng-pci=on", "member-unknown", "-global virtio-rng-pci"),
        ("-global driver=VGA,property=a", "member-missing", "-global value"),
        ("-global driver=VGA,property=a,value=b,c=d", "member-unknown", "-global c"),
        # -global: what the machine has
        ("-global mc146818rtc.bogus=1", "global-refused", "-global mc146818rtc.bogus"),
        ("-global ICH9-LPC.disable_s3=abc", "global-refused", "-global ICH9-LPC.disable_s3"),
        ("-global pci-device.bogus=1", "global-refused", "-global pci-device.bogus"),
        ("-global migration.bogus=1", "global-refused", "-global migration.bogus"),
        ("-global isa-pcspk.audiodev=a", "global-refused", "-global isa-pcspk.audiodev"),
        ("-machine pc -global PIIX4_PM.bogus=1", "global-refused", "-global PIIX4_PM.bogus"),
        ("-cpu Nehalem -global x86_64-cpu.bogus=1", "global-refused", "-global x86_64-cpu.bogus"),
        ("-nic user -global e1000.bogus=1", "global-refused", "-global e1000.bogus"),
        # -global: what an option asks for
        (f"-global virtio-rng-pci.bogus=1 {_R}", "global-refused", "-global virtio-rng-pci.bogus"),
        (f"-global virtio-rng-pci.bogus=1 {_R}", "global-refused", "-device"),
        (f"-global virtio-rng-device.bogus=1 {_R}", "global-refused", "-device"),
        ("-global VGA.bogus=1 -vga std", "global-refused", "-vga"),
        ("-global isa-serial.bogus=1 -serial null", "global-refused", "-serial"),
        ("-global ide-cd.bogus=1 -cdrom /a.iso", "global-refused", "-cdrom"),
        # -set
        ("-set ''", "malformed-argument", "-set"),
        ("-set device.r", "malformed-argument", "-set"),
        ("-set device..a=1", "malformed-argument", "-set"),
        (f"-set device.r.max-bytes=1 {_R}", "reference-missing", "-set"),
        (f"{_R} -set device.q.max-bytes=1", "reference-missing", "-set"),
        (f"{_R} -set bogus.r.max-bytes=1", "reference-missing", "-set"),
        (f"{_R} -set device.r.bogus=1", "property-unknown", "-device bogus"),
        (f"{_R} -set device.r.max-bytes=abc", "wrong-type", "-device max-bytes"),
        ("-object rng-builtin,id=r -set object.r.a=1", "reference-missing", "-set"),
        ("-chardev null,id=c -set chardev.c.bogus=1", "member-unknown", "-set"),
        # firmware
        ("-fw_cfg name=opt/a", "fw-cfg-source", "-fw_cfg"),
        ("-fw_cfg string=a", "fw-cfg-source", "-fw_cfg name"),
        ("-fw_cfg name=opt/a,string=", "fw-cfg-source", "-fw_cfg"),
        ("-fw_cfg name=opt/a,string=b,file=/c", "fw-cfg-source", "-fw_cfg"),
        (f"-fw_cfg name={'a' * 56},string=b", "fw-cfg-source", "-fw_cfg name"),
        ("-fw_cfg name=etc/e820,string=a", "fw-cfg-duplicate", "-fw_cfg name"),
        ("-fw_cfg name=a,string=b -fw_cfg name=a,string=c", "fw-cfg-duplicate", "-fw_cfg name"),
        ("-fw_cfg name=etc/ramfb,string=a -device ramfb", "fw-cfg-duplicate", "-device"),
        ("-machine none -fw_cfg name=opt/a,string=b", "fw-cfg-machine", "-fw_cfg"),
        ("-fw_cfg name=opt/a,gen_id=g", "fw-cfg-generator", "-fw_cfg gen_id"),
        (
            "-object rng-builtin,id=g -fw_cfg name=opt/a,gen_id=g",
            "fw-cfg-generator",
            "-fw_cfg gen_id",
        ),
        ("-acpitable sig=ABCD", "acpitable-source", "-acpitable"),
        ("-acpitable file=/a,data=/b", "acpitable-source", "-acpitable"),
        ("-acpitable data=", "acpitable-source", "-acpitable data"),
        ("-acpitable data=/a,rev=256", "out-of-range", "-acpitable rev"),
        ("-acpitable data=/a,id=b", "member-unknown", "-acpitable id"),
        ("-smbios ''", "member-missing", "-smbios type"),
        ("-smbios type=a", "wrong-type", "-smbios type"),
        ("-smbios type=5", "value-unknown", "-smbios type"),
        ("-smbios type=128", "value-unknown", "-smbios type"),
        ("-smbios type=9", "value-unknown", "-smbios type"),
        ("-smbios type=1,vendor=a", "member-unknown", "-smbios vendor"),
        ("-smbios type=1,uuid=a", "wrong-type", "-smbios uuid"),
        ("-smbios type=0,release=1", "wrong-type", "-smbios release"),
        ("-smbios type=0,uefi=maybe", "wrong-type", "-smbios uefi"),
        ("-smbios type=4,max-speed=70000", "wrong-type", "-smbios max-speed"),
        ("-smbios type=4,processor-family=1", "member-unknown", "-smbios processor-family"),
        ("-smbios type=41,kind=nvme", "wrong-type", "-smbios kind"),
        ("-smbios type=41,pcidev=a", "reference-missing", "-smbios pcidev"),
        ("-smbios file=/a,type=1", "member-unknown", "-smbios type"),
        ("-smbios file=", "format", "-smbios file"),
        # logs
        ("-d nosuch", "log-items", "-d"),
        ("-d cpu,", "log-items", "-d"),
        ("-d CPU", "log-items", "-d"),
        ("-d trace:help", "log-items", "-d"),
        ("-d help", "help", "-d"),
        ("-d all", "log-threads", "-d"),
        ("-d tid -D /tmp/a", "log-threads", "-d"),
        ("-D ''", "log-file", "-D"),
        ("-D /tmp/%s", "log-file", "-D"),
        ("-D /tmp/%d%d", "log-file", "-D"),
        ("-dfilter a", "log-ranges", "-dfilter"),
        ("-dfilter 0x1000", "log-ranges", "-dfilter"),
        ("-dfilter 0x1000+0", "log-ranges", "-dfilter"),
        ("-dfilter 2..1", "log-ranges", "-dfilter"),
        ("-dfilter 1+1,", "log-ranges", "-dfilter"),
        ("-trace enable=help", "trace", "-trace enable"),
        ("-trace events=", "trace", "-trace events"),
        # running
        ("-L help", "exits", "-L"),
        ("-audio-help", "exits", "-audio-help"),
        ("-loadvm a", "loadvm-disk", "-loadvm"),
        ("-option-rom ''", "option-rom-file", "-option-rom romfile"),
        ("-option-rom bootindex=1", "option-rom-file", "-option-rom romfile"),
        ("-add-fd set=1", "add-fd", "-add-fd fd"),
        ("-add-fd fd=2,set=1", "add-fd", "-add-fd fd"),
        ("-add-fd fd=3", "add-fd", "-add-fd set"),
        ("-plugin a=b", "plugin-file", "-plugin a"),
        ("-kernel ''", "name-empty", "-kernel"),
        ("-readconfig ''", "name-empty", "-readconfig"),
        ("-xen-attach", "option-unsupported", "-xen-attach"),
        ("-sandbox on,spawn=maybe", "value-unknown", "-sandbox spawn"),
        ("-sandbox maybe", "wrong-type", "-sandbox enable"),
        ("-watchdog-action help", "value-unknown", "-watchdog-action"),
        ("-watchdog-action RESET", "value-unknown", "-watchdog-action"),
        ("-only-migratable -device amd-iommu", "only-migratable", "-device driver"),
        ("-only-migratable -device nvme,serial=a", "only-migratable", "-device driver"),
        # IDs of QemuOpts
        ("-rtc id=a", "member-unknown", "-rtc id"),
        ("-msg id=1", "id-malformed", "-msg id"),
        ("-msg id=a -msg id=a", "id-duplicate", "-msg id"),
        ("-smbios type=1,id=a -smbios type=2,id=a", "id-duplicate", "-smbios id"),
        # words
        ("-usb on", "argument-superfluous", "-usb on"),
        ("-usb tablet", "argument-superfluous", "-usb tablet"),
        ("-name my guest=a", "argument-superfluous", "-name guest=a"),
        ("-realtime mlock=off", "option-unknown", "-realtime"),
        ("--bogus", "option-unknown", "--bogus"),
        ("---S", "option-unknown", "---S"),
        ("-", "option-unknown", "-"),
        ("-m", "argument-missing", "-m"),
    ],
)  # fmt: skip
def test_refused(interface, line, rule, where):
    assert (rule, where) in find(interface, line)


@pytest.mark.parametrize(
    "line",
    [
        "-global nosuch.a=b",
        "-global VGA.bogus=1",
        "-global e1000.bogus=1",
        "-global hpet.bogus=1 -machine q35,hpet=off",
        "-global vmport.bogus=1 -machine q35,vmport=off",
        "-machine none -global ICH9-LPC.bogus=1",
        "-machine microvm -global ICH9-LPC.bogus=1",
        "-machine q35 -global PIIX4_PM.disable_s3=abc",
        f"-global virtio-rng-pci.max-bytes=1024 {_R}",
        f"{_R} -set device.r.max-bytes=1024 -set device.r.period=1",
        "-drive driver=null-co,if=none,id=d -set drive.d.read-only=on",
        "-fw_cfg opt/a,string=b -fw_cfg name=opt/b,file=/c",
        "-machine pc -fw_cfg name=etc/smi/features-ok,string=a",
        "-acpitable data=/a:/b,oem_rev=0xffffffff",
        "-smbios type=0,release=1.2,uefi=on",
        "-smbios type=0x1,serial=a,id=b",
        "-smbios type=11,value=a,value=b",
        "-smbios type=41,kind=ethernet,designation=a",
        "-d cpu,trace:nosuch*,guest_errors",
        "-d nosuch -d cpu",
        "-d all -D /tmp/%d",
        "-dfilter 0x1000+0x10,0x2000..0x3000,5-1",
        "-dfilter ''",
        "-trace nosuch",
        "-k help",
        "-L /nonexistent",
        "-option-rom /nonexistent,bootindex=1",
        "-add-fd fd=5,set=1",
        "-plugin /a.so,b=c",
        "-sandbox off,spawn=maybe",
        "-only-migratable -device virtio-rng-pci",
        "-msg id=a,timestamp=on",
        "/images/disk.img",
        "-usb /images/disk.qcow2",
    ],
)
def test_accepted(interface, line):
    severities = [Severity.ERROR, Severity.UNKNOWN]
    assert [find(interface, line, each) for each in severities] == [[], []]


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("-global virtio-net-pci.mq=perhaps", (False, True)),
        ("-smbios type=9,slot_id=1", (True, False)),
        ("-smbios type=4,processor-family=1", (True, False)),
        ("-smbios type=0,vm=on", (True, True)),
        ("-smbios type=41,pcidev=a", (True, False)),
        ("-run-with async-teardown=on", (True, False)),
        ("-run-with user=", (True, True)),
        ("-no-acpi", (False, True)),
        ("-d vpu", (True, False)),
        ("-d plugin", (False, False)),
        ("-only-migratable -device nvme,serial=a", (True, True)),
        ("-xen-attach", (True, True)),
    ],
)
def test_what_releases_differ_in(interface, newer, line, refused):
    assert (bool(find(interface, line)), bool(find(newer, line))) == refused


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("-bios /a", "-bios"),
        ("-kernel /a", "-kernel"),
        ("-enable-kvm", "-enable-kvm"),
        ("-overcommit mem-lock=on", "-overcommit mem-lock"),
        ("-fw_cfg name=opt/a,file=/b", "-fw_cfg file"),
        ("-smbios file=/a", "-smbios file"),
        ("-readconfig /a", "-readconfig"),
        ("-add-fd fd=5,set=1", "-add-fd fd"),
        ("-runas nobody", "-runas"),
        ("-drive file=/a.img,if=none", "-drive file"),
        ("-blockdev file,filename=/a.img,node-name=n", "-blockdev filename"),
        ("-hda /a.img", "-hda"),
        ("/a.img", "/a.img"),
    ],
)
def test_notes_on_the_host(interface, line, where):
    assert where in [found for _, found in find(interface, line, Severity.NOTE)]


@pytest.mark.parametrize(
    "line",
    [
        "-hda nbd://localhost",
        "-drive file=json:{},if=none",
        "-overcommit mem-lock=off",
        "-blockdev raw,file=n,node-name=m -blockdev null-co,node-name=n",
        "-bogus /a",
    ],
)
def test_no_notes(interface, line):
    assert [each for each in find(interface, line, Severity.NOTE) if each[0] == "host"] == []


@pytest.mark.parametrize(
    ("word", "right"),
    [
        ("-realtime", "-overcommit mem-lock=on|off instead"),
        ("-balloon", "-device virtio-balloon instead"),
        ("-watchdog", "-device MODEL instead"),
        ("-m128", "the argument of -m is a word of its own"),
        ("-display=none", "the argument of -display is a word of its own"),
        ("-usb=on", "-usb takes no argument"),
        ("-bogus", ""),
        ("-bogus=1", ""),
    ],
)
def test_what_is_right_in_place_of_an_option(interface, word, right):
    (found,) = check_line(interface, [word])
    assert (found.rule, found.right) == ("option-unknown", right)


def test_what_replaced_an_option_of_a_newer_release(newer):
    (found,) = check_line(newer, ["-no-acpi"])
    assert found.right == "-machine acpi=off instead"
