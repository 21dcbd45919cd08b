"""Lines with the machine's own displays, cards and controllers, which rows with -nodefaults lack.

All were started on QEMU 7.2.
"""

import shlex

import pytest

from qscope.ask import Verdict
from qscope.ask.finding import conclude
from qscope.ask.line import check_line


@pytest.mark.parametrize(
    "line",
    [
        "-M pc -device VGA,addr=2 -nic none",
        "-M q35 -device VGA,addr=1 -nic none",
        "-M pc -device virtio-vga,addr=3 -nic user",
        "-M pc -device virtio-rng-pci,addr=2 -device virtio-vga -nic none",
        "-M pc -net nic,addr=5,model=virtio -net user -device virtio-rng-pci,addr=3",
        "-M pc -nic user,model=ne2k_isa -vga none -device virtio-rng-pci,addr=2",
        "-M q35,sata=off -nodefaults -device ich9-ahci,addr=1f.2",
        "-M q35,smbus=off -nodefaults -device virtio-rng-pci,addr=1f.3",
        "-M pc,acpi=off -nodefaults -device virtio-rng-pci,addr=1.3",
        "-M microvm -device virtio-serial-device -device virtconsole,chardev=c -chardev null,id=c",
        "-M microvm -device virtio-scsi-device -device scsi-cd",
        "-M none -hda null-co://",
        "-M microvm,pcie=on -virtfs local,path=/tmp,mount_tag=m,security_model=none",
        "-nodefaults -device pci-ohci,num-ports=4 -device usb-kbd,port=4",
        """-nodefaults -device '{"driver":"virtio-rng-pci","addr":24}'""",
    ],
)
def test_accepted(interface, line):
    findings = check_line(interface, shlex.split(line))
    assert conclude(findings) is Verdict.YES, list(map(str, findings))


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("-M pc -device virtio-rng-pci,addr=2", "-device addr"),
        ("-M pc -vga std -nodefaults -device virtio-rng-pci,addr=2", "-device addr"),
        ("-M q35 -nodefaults -device ich9-ahci,addr=1f.2", "-device addr"),
        ("-M pc -nodefaults -device virtio-rng-pci,addr=1.3", "-device addr"),
        ("-M q35 -nodefaults -device virtio-rng-pci,addr=0.1", "-device addr"),
        ("""-M q35 -nodefaults -device '{"driver":"virtio-rng-pci","addr":5}'""", "-device addr"),
        ("-M none -drive if=ide,driver=null-co", "-drive if"),
        ("-M microvm -device scsi-cd", "-device driver"),
    ],
)
def test_refused(interface, line, where):
    findings = check_line(interface, shlex.split(line))
    assert conclude(findings) is Verdict.NO
    assert [each.where for each in findings] == [where]


@pytest.mark.parametrize(
    ("line", "noted"),
    [
        ("-M x-remote -device e1000", True),
        ("-M x-remote", False),
        ("-M q35 -device e1000", False),
        ("-M nosuch -device e1000", False),
    ],
)
def test_a_machine_whose_buses_nobody_knows_is_noted(interface, line, noted):
    rules = [each.rule for each in check_line(interface, shlex.split(line))]
    assert ("buses-unknown" in rules) is noted
