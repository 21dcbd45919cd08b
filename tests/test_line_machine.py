"""Machines, accelerators, CPUs and memory of a command line, by 7.2's shipped snapshot."""

import shlex

import pytest

from qscope.ask.finding import Severity
from qscope.ask.line import check_line

_M0 = "-object memory-backend-ram,id=m0,size=128M"
_N0 = f"{_M0} -numa node,memdev=m0"
_HMAT = f"-machine q35,hmat=on {_N0} -numa cpu,node-id=0,socket-id=0"


def find_refusals(interface, line):
    """Return (rule, where) of each refusal."""
    words = shlex.split(line)
    if not {"-machine", "-M"} & set(words):
        words = ["-machine", "q35", *words]
    found = check_line(interface, words)
    return [(each.rule, each.where) for each in found if each.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-machine q36", "machine-unknown", "-machine type"),
        ("-M nosuch", "machine-unknown", "-M type"),
        ("-machine q35,bogus=on", "property-unknown", "-machine bogus"),
        ("-machine q35,usb=maybe", "wrong-type", "-machine usb"),
        ("-machine q35,smm=maybe", "value-unknown", "-machine smm"),
        ("-machine microvm,hpet=off", "member-unknown", "-machine hpet"),
        ("-machine microvm,rtc=maybe", "value-unknown", "-machine rtc"),
        ("-machine q35,smp=2", "wrong-type", "-machine smp"),
        ("-machine q35,smp.cpus=two", "wrong-type", "-machine smp.cpus"),
        ("-machine q35,smp.bogus=1", "member-unknown", "-machine smp.bogus"),
        ("-machine q35,memory.size=lots", "wrong-type", "-machine memory.size"),
        ("-machine q35,memory.maxmem=1G", "member-unknown", "-machine memory.maxmem"),
        ("-machine q35,boot.menu=maybe", "wrong-type", "-machine boot.menu"),
        ("-machine q35,sgx-epc.0.memdev=e0", "member-missing", "-machine sgx-epc.0.node"),
        ("-machine q35,sgx-epc=on", "wrong-type", "-machine sgx-epc"),
        ("-machine q35,cxl-fmw.0.size=4G", "member-missing", "-machine cxl-fmw.0.targets"),
        ("-machine q35,max_ram_below_4g=5G", "machine-value", "-machine max_ram_below_4g"),
        ("-machine q35,x-oem-id=ABCDEFG", "machine-value", "-machine x-oem-id"),
        ("-append quiet", "machine-kernel", "-append"),
        ("-initrd x", "machine-kernel", "-initrd"),
        ("-machine q35,memory-backend=m0", "memory-backend-missing", "-machine memory-backend"),
        (f"-machine q35,memory-backend=m0 {_M0} -m 64M", "memory-backend-size", "-m size"),
        (f"-machine q35,memory-backend=m0 {_M0} -mem-path /tmp", "memory-backend-second",
         "-mem-path"),
        (f"-machine q35,memory-backend=m0 {_N0}", "memory-backend-second", "-numa memdev"),
        ("-machine q35,pflash0=p0", "reference-missing", "-machine pflash0"),
        ("-machine q35,confidential-guest-support=s", "machine-guard",
         "-machine confidential-guest-support"),
        ("-machine accel=bogus", "accelerator-unknown", "-machine accel"),
        ("-machine accel=tcg -accel tcg", "accelerator-twice", "-accel"),
        ("-enable-kvm -accel tcg", "accelerator-twice", "-accel"),
        ("-accel kvm:tcg", "accelerator-unknown", "-accel accel"),
        ("-accel thread=multi", "member-missing", "-accel accel"),
        ("-accel tcg,thread=bogus", "value-unknown", "-accel thread"),
        ("-accel tcg,thread=bogus,thread=multi", "value-unknown", "-accel thread"),
        ("-accel tcg,tb-size=32M", "wrong-type", "-accel tb-size"),
        ("-accel kvm,bogus=on -accel tcg", "property-unknown", "-accel bogus"),
        ("-accel kvm,dirty-ring-size=1000 -accel tcg", "accelerator-ring",
         "-accel dirty-ring-size"),
        ("-accel tcg,thread=multi -icount 3", "icount-threads", "-accel thread"),
        ("-cpu nosuch", "cpu-unknown", "-cpu model"),
        ("-cpu qemu64,+nosuch", "property-unknown", "-cpu nosuch"),
        ("-cpu host", "cpu-host", "-cpu model"),
        ("-cpu phenom,enforce", "cpu-enforce", "-cpu enforce"),
        ("-cpu max,+vmx,enforce", "cpu-enforce", "-cpu enforce"),
        ("-cpu qemu64,vendor=Foo", "cpu-vendor", "-cpu vendor"),
        ("-cpu qemu64,phys-bits=53", "cpu-width", "-cpu phys-bits"),
        ("-cpu 486,phys-bits=36", "cpu-width", "-cpu phys-bits"),
        ("-cpu qemu64,phys-bits=33", "memory-address-bits", "-cpu phys-bits"),
        ("-cpu qemu64,tsc-freq=fast", "wrong-type", "-cpu tsc-freq"),
        ("-cpu qemu64,legacy-cache=off", "cpu-cache", "-cpu legacy-cache"),
        ("-machine none -cpu qemu64", "cpu-board", "-cpu"),
        ("-uuid auto", "uuid", "-uuid"),
        ("-seed -1", "seed", "-seed"),
        ("-rtc base=now", "rtc-base", "-rtc base"),
        ("-rtc clock=guest", "value-unknown", "-rtc clock"),
        ("-icount shift=11", "icount-shift", "-icount shift"),
        ("-icount align=on", "icount-shift", "-icount align"),
        ("-icount 3,align=on,sleep=off", "icount-align", "-icount align"),
        ("-icount 3,rr=record", "icount-replay", "-icount rr"),
        ("-boot order=cz", "boot-letter", "-boot order"),
        ("-boot once=cc", "boot-letter", "-boot once"),
        ("-boot acdn", "boot-letter-pc", "-boot order"),
        ("-machine q35,boot.order=p", "boot-letter-pc", "-machine boot.order"),
        ("-boot splash-time=65536", "boot-time", "-boot splash-time"),
    ],
)  # fmt: skip
def test_what_is_refused(interface, line, rule, where):
    assert (rule, where) in find_refusals(interface, line)


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-smp 4,sockets=2,cores=4,threads=1", "smp-product", "-smp threads"),
        ("-smp 2,maxcpus=1", "smp-product", "-smp maxcpus"),
        ("-smp 2 -machine q35,smp.maxcpus=1", "smp-product", "-machine smp.maxcpus"),
        ("-smp 3,threads=2", "smp-product", "-smp threads"),
        ("-smp 4,clusters=2", "smp-level", "-smp clusters"),
        ("-machine microvm -smp 4,dies=2", "smp-level", "-smp dies"),
        ("-smp 1,maxcpus=289", "smp-maximum", "-smp maxcpus"),
        ("-machine pc -smp 256", "smp-maximum", "-smp cpus"),
        ("-smp 1,maxcpus=256", "smp-apic", "-smp maxcpus"),
        ("-smp 1,sockets=80,cores=3,threads=1,maxcpus=240", "smp-apic", "-smp maxcpus"),
        ("-m 128,slots=2", "memory-slots-alone", "-m slots"),
        ("-m 1G,maxmem=512M", "memory-maximum", "-m maxmem"),
        ("-m 128,slots=1,maxmem=128M", "memory-maximum", "-m maxmem"),
        ("-m 128,slots=257,maxmem=1G", "memory-slots", "-m slots"),
        ("-m 128,maxmem=1073741825", "memory-slots", "-m maxmem"),
        ("-machine isapc -m 128,slots=1,maxmem=1G", "memory-slots", "-m maxmem"),
        ("-m 128,slots=4,maxmem=1T", "memory-address-bits", "-m maxmem"),
        ("-m 99999999999999", "memory-size-large", "-m size"),
        ("-m 128X", "wrong-type", "-m size"),
        ("-machine none -numa node", "numa-none", "-numa"),
        ("-numa node,nodeid=128", "numa-node", "-numa nodeid"),
        ("-numa node,nodeid=0 -numa node,nodeid=0", "numa-node", "-numa nodeid"),
        (f"{_M0} -numa node,nodeid=1,memdev=m0", "numa-gap", "-numa nodeid"),
        ("-numa node,mem=128M", "numa-memory-legacy", "-numa mem"),
        (f"{_M0} -numa node,mem=128M,memdev=m0", "numa-memory-mixed", "-numa memdev"),
        ("-numa node,memdev=m0", "numa-memory-backend", "-numa memdev"),
        (f"{_N0} -numa node,memdev=m0", "numa-memory-backend", "-numa memdev"),
        (f"{_N0} -m 256M", "numa-memory-sum", "-numa"),
        ("-numa node", "numa-memory-sum", "-numa"),
        (f"{_N0},cpus=0-1", "numa-node-cpus", "-numa cpus"),
        (f"{_N0},cpus=0 -numa node,cpus=0", "numa-node-cpus", "-numa cpus"),
        (f"{_N0} -numa cpu,socket-id=0", "numa-cpu-place", "-numa node-id"),
        (f"{_N0} -numa cpu,node-id=1,socket-id=0", "numa-cpu-place", "-numa node-id"),
        (f"{_N0} -numa cpu,node-id=0,socket-id=5", "numa-cpu-place", "-numa socket-id"),
        (f"{_N0} -numa cpu,node-id=0,die-id=0", "numa-cpu-place", "-numa die-id"),
        ((f"-smp 2,sockets=2 {_N0} -numa node -numa cpu,node-id=0,socket-id=0"
         " -numa cpu,node-id=1,socket-id=0"), "numa-cpu-place", "-numa node-id"),
        (f"{_N0} -numa dist,src=0,dst=1,val=20", "numa-distance", "-numa dst"),
        (f"{_N0} -numa dist,src=0,dst=0,val=11", "numa-distance", "-numa val"),
        (
            f"{_N0} -numa node -numa node -numa dist,src=0,dst=1,val=20",
            "numa-distance-missing",
            "-numa",
        ),
        ("-numa node,initiator=0", "hmat-disabled", "-numa initiator"),
        ((f"{_HMAT} -numa hmat-lb,initiator=0,target=1,hierarchy=memory"
         ",data-type=access-latency,latency=5"), "hmat-entry", "-numa target"),
        ((f"{_HMAT} -numa hmat-lb,initiator=0,target=0,hierarchy=memory"
         ",data-type=access-latency"), "hmat-entry", "-numa latency"),
        ((f"{_HMAT} -numa hmat-cache,node-id=0,size=1K,level=1,associativity=direct"
         ",policy=write-back,line=8"), "hmat-cache", "-numa node-id"),
    ],
)  # fmt: skip
def test_what_does_not_add_up(interface, line, rule, where):
    assert (rule, where) in find_refusals(interface, line)


@pytest.mark.parametrize(
    "line",
    [
        "-machine bogus -machine q35",
        "-machine usb=maybe -machine usb=on",
        "-machine q35,kernel_irqchip=bogus,mem_merge=off",
        "-machine q35,pflash0=",
        "-machine microvm,rtc=on,pit=off,ioapic2=auto",
        "-machine q35,smp.cpus=2,memory.size=256M,boot.menu=on",
        "-accel nosuch -accel tcg",
        "-accel tcg -accel nosuch,bogus=1",
        "-machine accel=bogus:tcg",
        "-cpu nosuch -cpu qemu64",
        "-cpu qemu64,tsc-freq=2.5G,legacy-cache=on",
        "-cpu EPYC,legacy-cache=off",
        "-cpu phenom,-fxsr_opt,enforce",
        "-smp four -smp 4",
        "-smp 4,sockets=2,cores=4,threads=1,maxcpus=8",
        "-smp 2,sockets=0",
        "-m 128,slots=2 -m maxmem=1G",
        "-m 0x80",
        "-rtc base=now -rtc base=2020-1-1",
        "-icount shift=bogus -icount 3",
        "-machine none -boot order=p,splash-time=70000",
        "-machine microvm -boot order=cdna",
        f"-machine q35,memory-backend=m0 {_M0}",
        f"{_N0} -numa node -numa dist,src=1,dst=0,val=20",
        f"-smp 2,dies=2 {_N0} -numa cpu,node-id=0,die-id=1",
        "-machine pc-q35-5.0 -numa node,mem=128",
        "-name help",
    ],
)
def test_what_is_taken(interface, line):
    assert find_refusals(interface, line) == []
