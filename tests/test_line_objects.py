"""Objects of a command line, by 7.2's shipped snapshot."""

import pytest

from tests.test_line_machine import find_refusals

_USER = "-netdev user,id=n0"
_KEY = "-object secret,id=k,data=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,format=base64"
_PLUGGED = "-m 128,slots=1,maxmem=256M -object memory-backend-ram,id=m0,size=128M"


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-object id=o", "member-missing", "qom-type"),
        ("-object nosuch,id=o", "name-unknown", "qom-type"),
        ("-object memory-backend-epc,id=o,size=1M", "name-unknown", "qom-type"),
        ("-object rng-builtin", "member-missing", "id"),
        ("-object rng-builtin,id=r,bogus=1", "member-unknown", "bogus"),
        ("-object memory-backend-ram,id=m", "member-missing", "size"),
        ("-object memory-backend-ram,id=m,size=16X", "wrong-type", "size"),
        ("-object memory-backend-ram,id=m,size=0", "object-number", "size"),
        ("-object memory-backend-ram,id=m,size=1M,prealloc-threads=0", "object-number",
         "prealloc-threads"),
        ("-object memory-backend-file,id=m,size=1M,mem-path=/tmp,align=3K", "object-number",
         "align"),
        ("-object memory-backend-ram,id=m,size=1M,policy=bind", "object-policy", "policy"),
        ("-object memory-backend-ram,id=m,size=1M,host-nodes=0", "object-policy", "host-nodes"),
        ("-object memory-backend-ram,id=m,size=1M,host-nodes=128,policy=bind", "object-policy",
         "host-nodes"),
        ("-object memory-backend-ram,id=m,size=1M,prealloc-context=t", "object-link",
         "prealloc-context"),
        ("-object iothread,id=i,poll-max-ns=-1", "object-number", "poll-max-ns"),
        ("-object iothread,id=i,thread-pool-min=65", "object-pool", "thread-pool-min"),
        ("-object main-loop,id=a -object main-loop,id=b", "object-loop", "qom-type"),
        ("-object thread-context,id=t,cpu-affinity=0,node-affinity=0", "object-affinity",
         "node-affinity"),
        ("-object rng-builtin,id=r,opened=on", "object-read-only", "opened"),
        ("-object rng-egd,id=r,chardev=c", "object-chardev", "chardev"),
        ("-chardev null,id=c -object rng-egd,id=r,chardev=c -object rng-egd,id=s,chardev=c",
         "object-chardev", "chardev"),
        ("-object secret,id=s", "object-secret", ""),
        ("-object secret,id=s,data=a,file=/b", "object-secret", "file"),
        ("-object secret,id=s,data=!,format=base64", "object-secret", "data"),
        ("-object secret,id=s,data=abc,keyid=k", "object-secret-key", "keyid"),
        (f"{_KEY} -object secret,id=s,data=abc,keyid=k", "object-secret-key", "iv"),
        (f"{_KEY} -object secret,id=s,data=abc,keyid=k,iv=a", "object-secret-key", "data"),
        ("-object secret,id=k,data=abc -object secret,id=s,data=abc,keyid=k,iv=a",
         "object-secret-key", "keyid"),
        ("-object tls-creds-x509,id=t", "object-credentials", "dir"),
        ("-object tls-creds-psk,id=t,endpoint=server,username=u", "object-credentials",
         "username"),
        ("-object tls-cipher-suites,id=t", "object-credentials", "priority"),
        ("-object throttle-group,id=t,x-iops-total=-5", "object-throttle", "x-iops-total"),
        ("-object throttle-group,id=t,x-bps-total=5,x-bps-read=5", "object-throttle",
         "x-bps-total"),
        ("-object throttle-group,id=t,x-bps-total-max=5", "object-throttle", "x-bps-total-max"),
        ("-object throttle-group,id=t,x-iops-size=5", "object-throttle", "x-iops-size"),
        ("""-object '{"qom-type":"throttle-group","id":"t","limits":{"iops-total":-1}}'""",
         "object-throttle", "limits.iops-total"),
        ("-object cryptodev-backend-builtin,id=c,queues=2", "object-number", "queues"),
        (f"{_USER} -object filter-dump,id=f,netdev=n0,file=/dev/null,maxlen=0", "object-number",
         "maxlen"),
        (f"{_USER} -object filter-replay,id=f,netdev=n0,status=maybe", "object-word", "status"),
        (f"{_USER} -object filter-replay,id=f,netdev=n0,position=id=g", "object-position",
         "position"),
        (f"{_USER} -object filter-redirector,id=f,netdev=n0", "object-redirector", ""),
        (f"{_USER} -object filter-mirror,id=f,netdev=n0,outdev=c", "object-chardev", "outdev"),
    ],
)  # fmt: skip
def test_what_is_refused(interface, line, rule, where):
    assert (rule, f"-object {where}".rstrip()) in find_refusals(interface, line)


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ((f"{_PLUGGED} -device pc-dimm,memdev=m0 -device pc-dimm,memdev=m1"
         " -object memory-backend-ram,id=m1,size=1M"), "dimm-slot", "-device"),
        (("-m 128,slots=1,maxmem=256M -object memory-backend-ram,id=m0,size=1G"
         " -device pc-dimm,memdev=m0"), "dimm-slot", "-device memdev"),
        (f"{_PLUGGED} -machine q35,memory-backend=m0 -device pc-dimm,memdev=m0",
         "backend-shared", "-device memdev"),
        (f"{_PLUGGED} -device pc-dimm,memdev=m0,slot=1", "dimm-place", "-device slot"),
        (f"{_PLUGGED} -device pc-dimm,memdev=m0,node=1", "dimm-place", "-device node"),
        ("-smp 1,maxcpus=2 -device qemu64-x86_64-cpu,socket-id=0,core-id=2,thread-id=0",
         "cpu-plugged", "-device core-id"),
        ("-smp 1,maxcpus=2 -device qemu64-x86_64-cpu,socket-id=0,core-id=1",
         "cpu-plugged", "-device thread-id"),
        ("-smp 1,maxcpus=2 -device qemu64-x86_64-cpu,socket-id=0,core-id=0,thread-id=0",
         "cpu-plugged", "-device socket-id"),
        ("-only-migratable -device rocker", "only-migratable", "-device driver"),
    ],
)  # fmt: skip
def test_what_cannot_be_plugged_in(interface, line, rule, where):
    assert (rule, where) in find_refusals(interface, line)


@pytest.mark.parametrize(
    "line",
    [
        "-object memory-backend-ram,id=m,size=1.5M,share=yes",
        "-object memory-backend-ram,id=m,size=1M,host-nodes=0,policy=bind",
        "-object iothread,id=i,thread-pool-min=2,thread-pool-max=2",
        "-object secret,id=s,data=YQ,format=base64",
        "-object tls-creds-anon,id=t",
        "-object throttle-group,id=t,x-bps-total=5,x-bps-total-max=6,x-iops-read=1",
        "-object qom-type=rng-builtin,id=r",
        "-chardev null,id=c,mux=on -object rng-egd,id=r,chardev=c -object rng-egd,id=s,chardev=c",
        (
            f"{_USER} -object filter-replay,id=g,netdev=n0 -object filter-replay,id=f,netdev=n0"
            ",position=id=g,insert=before"
        ),
        f"{_PLUGGED} -device pc-dimm,memdev=m0",
        """-object '{"qom-type":"iothread","id":"i"}'""",
    ],
)
def test_what_is_taken(interface, line):
    assert find_refusals(interface, line) == []
