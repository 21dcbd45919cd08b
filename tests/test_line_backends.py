"""Character devices and network back ends of a command line, by 7.2's shipped snapshot."""

import pytest

from qscope.ask.finding import Severity
from qscope.ask.line.inet import check_host, check_port
from qscope.ask.line.rules.nics import check_mac
from qscope.ask.line.slirp import check_hostfwd, parse_guestfwd, parse_ipv4, parse_network
from qscope.ask.line.stream import parse_stream
from qscope.errors import ArgumentError
from tests.lines import find

_SOCKET = "-chardev socket,id=s,host=127.0.0.1,port=0,server=on,wait=off"
_C0 = "-chardev null,id=c0"
_M0 = f"{_C0},mux=on"
_N0 = "-netdev user,id=n0"


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-chardev null", "chardev-id-missing", "-chardev id"),
        ("-chardev id=c0", "member-missing", "-chardev backend"),
        ("-chardev nul,id=c0", "chardev-unknown", "-chardev backend"),
        ("-chardev null,id=0c", "id-malformed", "-chardev id"),
        ("-chardev null,id=c0,bogus=1", "member-unknown", "-chardev bogus"),
        ("-chardev null,id=c0,mux=maybe", "wrong-type", "-chardev mux"),
        ("-chardev null,id=c0,size=abc", "wrong-type", "-chardev size"),
        ("-chardev null,id=c0,logfile=", "chardev-demand", "-chardev logfile"),
        (f"{_C0} {_C0}", "id-duplicate", "-chardev id"),
        ("-chardev file,id=c0", "chardev-demand", "-chardev path"),
        ("-chardev spicevmc,id=c0", "chardev-demand", "-chardev name"),
        ("-chardev spiceport,id=c0,name=a", "chardev-spice-channel", "-chardev"),
        ("-chardev ringbuf,id=c0,size=1000", "chardev-ringbuf-size", "-chardev size"),
        ("-chardev mux,id=m", "chardev-demand", "-chardev chardev"),
        (f"-chardev mux,id=m,chardev=c0 {_C0}", "chardev-base", "-chardev chardev"),
        ("-chardev socket,id=s", "socket-address", "-chardev"),
        ("-chardev socket,id=s,host=x", "socket-address", "-chardev port"),
        ("-chardev socket,id=s,path=a,fd=3", "socket-address", "-chardev fd"),
        ("-chardev socket,id=s,fd=abc", "socket-descriptor", "-chardev fd"),
        (f"{_SOCKET},reconnect=1", "socket-role", "-chardev reconnect"),
        ("-chardev socket,id=s,path=a,wait=off", "socket-role", "-chardev wait"),
        ("-chardev socket,id=s,path=a,websocket=on", "socket-role", "-chardev websocket"),
        (f"{_SOCKET},delay=on,nodelay=on", "socket-delay", "-chardev nodelay"),
        (f"{_SOCKET},tls-authz=a", "socket-tls", "-chardev tls-authz"),
        (f"{_SOCKET},tls-creds=t0", "reference-missing", "-chardev tls-creds"),
        (f"-object tls-creds-anon,id=t0 {_SOCKET},tls-creds=t0", "tls-endpoint",
         "-chardev tls-creds"),
        (f"{_SOCKET.replace('port=0', 'port=abc')}", "socket-port", "-chardev port"),
        (f"{_SOCKET},ipv4=off", "socket-port", "-chardev host"),
        (f"{_SOCKET},ipv4=off,ipv6=off", "socket-port", "-chardev host"),
        ("-chardev udp,id=u", "udp-port", "-chardev port"),
        ("-chardev stdio,id=a -chardev stdio,id=b", "chardev-stdio-taken", "-chardev"),
        ("-serial nosuch", "chardev-malformed", "-serial"),
        ("-serial null,id=c0", "chardev-malformed", "-serial"),
        ("-serial tcp:127.0.0.1", "chardev-malformed", "-serial"),
        ("-serial tcp::abc,server=on,wait=off", "socket-port", "-serial"),
        ("-serial tcp::0,server=on,wait=off,bogus=1", "member-unknown", "-serial bogus"),
        ("-serial tcp::0", "socket-role", "-serial"),
        ("-serial vc:80x", "chardev-malformed", "-serial"),
        ("-serial con:", "chardev-unknown", "-serial"),
        ("-serial mon:mon:stdio", "chardev-malformed", "-serial"),
        ("-serial chardev:c0", "reference-missing", "-serial"),
        ("-serial stdio -monitor stdio", "chardev-stdio-taken", "-serial"),
        ("-chardev null,id=serial0 -serial null", "chardev-label-taken", "-serial"),
        ("-parallel null -parallel null -parallel null -parallel null", "parallel-count",
         "-parallel"),
        ("-qmp none", "chardev-malformed", "-qmp"),
        ("-debugcon null -debugcon null", "chardev-label-taken", "-debugcon"),
        (f"{_C0} -debugcon chardev:c0", "debugcon", "-debugcon"),
        ("-machine none -debugcon null", "debugcon", "-debugcon"),
        ("-machine none -gdb null", "gdb", "-gdb"),
        ("-gdb null -gdb null", "gdb", "-gdb"),
        (f"{_C0} -mon chardev=c0 -mon chardev=c0", "chardev-shared", "-mon chardev"),
        (f"{_M0} {' -mon chardev=c0' * 5}", "chardev-shared", "-mon chardev"),
        (f"{_C0} -device isa-serial,chardev=c0 -serial chardev:c0", "chardev-shared",
         "-device chardev"),
        (f"{_M0} -qmp chardev:c0 -monitor chardev:c0", "monitor-named", "-monitor"),
        (f"{_C0} -mon chardev=c0,pretty=on", "monitor-pretty", "-mon pretty"),
        ("-mon mode=control", "monitor-pretty", "-mon chardev"),
        ("-vnc :7 -vnc 127.0.0.1:7", "port-taken", "-vnc vnc"),
    ],
)  # fmt: skip
def test_character_devices_that_are_refused(interface, line, rule, where):
    assert (rule, where) in find(interface, line)


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-netdev user", "member-missing", "-netdev id"),
        ("-netdev usr,id=n0", "value-unknown", "-netdev type"),
        ("-netdev none,id=n0", "netdev-unavailable", "-netdev type"),
        ("-netdev netmap,id=n0,ifname=x", "netdev-unavailable", "-netdev type"),
        (f"{_N0},bogus=1", "member-unknown", "-netdev bogus"),
        (f"{_N0},ifname=x", "member-of-branch", "-netdev ifname"),
        (f"{_N0},net=10.0.0.0/33", "user-net-address", "-netdev net"),
        (f"{_N0},host=192.168.1.1", "user-net-address", "-netdev host"),
        (f"{_N0},dns=10.0.2.2", "user-net-address", "-netdev dns"),
        (f"{_N0},dns=8.8.8.8,restrict=on", "user-net-address", "-netdev dns"),
        (f"{_N0},dhcpstart=10.0.2.3", "user-net-address", "-netdev dhcpstart"),
        (f"{_N0},ipv6-prefix=x", "user-net-address", "-netdev ipv6-prefix"),
        (f"{_N0},ipv6-prefixlen=127", "user-net-address", "-netdev ipv6-prefixlen"),
        (f"{_N0},ipv6-host=fd00::2", "user-net-address", "-netdev ipv6-host"),
        (f"{_N0},ipv6-net=fd00::/127", "user-net-address", "-netdev ipv6-net"),
        (f"{_N0},ipv4=off,ipv6=off", "user-net-family", "-netdev ipv4"),
        (f"{_N0},ipv6=on,net=10.0.2.0/24", "user-net-family", "-netdev net"),
        (f"{_N0},domainname=", "user-net-name", "-netdev domainname"),
        (f"{_N0},hostfwd=tcp:22:22", "user-net-hostfwd", "-netdev hostfwd"),
        ('-netdev \'{"type":"user","id":"n0","hostfwd":[{"str":"x"}]}\'', "user-net-hostfwd",
         "-netdev hostfwd"),
        ("-nic hostfwd=x", "user-net-hostfwd", "-nic hostfwd"),
        (f"{_N0},guestfwd=udp:10.0.2.9:80-null", "user-net-guestfwd", "-netdev guestfwd"),
        (f"{_N0},guestfwd=tcp:1.2.3.4:80-null", "user-net-guestfwd", "-netdev guestfwd"),
        (f"{_N0},guestfwd=tcp:10.0.2.2:80-null", "user-net-guestfwd", "-netdev guestfwd"),
        (f"{_N0},guestfwd=tcp:10.0.2.9:80-x", "chardev-malformed", "-netdev guestfwd"),
        (f"{_N0},guestfwd=tcp:10.0.2.9:80-chardev:c0", "guestfwd-chardev", "-netdev guestfwd"),
        (f"{_N0},hostfwd=tcp::5-:1,hostfwd=tcp::5-:2", "port-taken", "-netdev hostfwd"),
        ("-netdev socket,id=s", "netdev-socket-transport", "-netdev"),
        ("-netdev socket,id=s,listen=:0,connect=a:1", "netdev-socket-transport",
         "-netdev connect"),
        ("-netdev socket,id=s,udp=1.2.3.4:1", "netdev-socket-transport", "-netdev localaddr"),
        ("-netdev socket,id=s,listen=0", "netdev-socket-address", "-netdev listen"),
        ("-netdev socket,id=s,mcast=1.2.3.4:1", "netdev-socket-address", "-netdev mcast"),
        ("-netdev socket,id=s,fd=x", "netdev-descriptor", "-netdev fd"),
        ("-netdev tap,id=t,fds=3:x", "netdev-descriptor", "-netdev fds"),
        ("-netdev tap,id=t,fd=3,ifname=x", "netdev-tap", "-netdev ifname"),
        ("-netdev tap,id=t,vhostfds=3", "netdev-tap", "-netdev vhostfds"),
        ("-netdev dgram,id=s", "netdev-dgram", "-netdev local"),
        ("-netdev dgram,id=s,local.type=unix,local.path=a", "netdev-dgram", "-netdev remote"),
        ("-netdev dgram,id=s,local.type=fd,local.str=x", "netdev-dgram", "-netdev local.str"),
        ("-netdev stream,id=s", "member-missing", "-netdev addr"),
        ("-netdev stream,id=s,server", "malformed-argument", "-netdev"),
        ("-netdev vhost-user,id=v,chardev=c0", "reference-missing", "-netdev chardev"),
        (f"{_C0} -netdev vhost-user,id=v,chardev=c0", "netdev-vhost-user", "-netdev chardev"),
        ("-netdev vhost-vdpa,id=v", "netdev-vhost-vdpa", "-netdev vhostdev"),
        (f"-netdev hubport,id=h,hubid=0,netdev=n0 {_N0}", "netdev-hubport", "-netdev netdev"),
        ("-netdev hubport,id=h,hubid=2147483648", "out-of-range", "-netdev hubid"),
        (f"{_N0} -nic user,id=n0", "netdev-id-taken", "-nic id"),
        ("-nic user,mac=foo", "nic-mac", "-nic mac"),
        ("-nic user,model=nosuch", "nic-model", "-nic model"),
        ("-nic user,model=VGA", "nic-model", "-nic model"),
        ("-nic user,netdev=n0", "member-of-branch", "-nic netdev"),
        ("-nic stream,addr.type=inet", "netdev-unavailable", "-nic type"),
        ("-nic user " * 9, "nic-count", "-nic"),
        ("-net nic,macaddr=01:00:00:00:00:00", "nic-mac", "-net macaddr"),
        ("-net nic,netdev=n0", "reference-missing", "-net netdev"),
        ("-net nic,vectors=134217728", "nic-vectors", "-net vectors"),
        ("-net hubport,hubid=0", "netdev-unavailable", "-net type"),
        ("-net none,bogus=1", "member-unknown", "-net bogus"),
        (f"{_N0} -nic user,id=a -device e1000,netdev=a", "chardev-shared", "-device netdev"),
    ],
)  # fmt: skip
def test_network_back_ends_that_are_refused(interface, line, rule, where):
    assert (rule, where) in find(interface, line)


@pytest.mark.parametrize(
    "line",
    [
        "-chardev null,id=c0,path=/dev/null,server=on",
        "-chardev null,id=c0,id=0c",
        "-chardev tty,id=c0,path=/dev/null",
        "-chardev ringbuf,id=c0,size=0",
        "-chardev socket,id=s,port=0,server=on,wait=off",
        f"{_C0} -chardev mux,id=m,chardev=c0",
        f"{_M0} -serial chardev:c0 -serial chardev:c0 -monitor chardev:c0",
        "-chardev stdio,mux=on,id=s -serial chardev:s -mon chardev=s",
        "-serial vcx -monitor none,x -serial udp:127.0.0.1:1,bogus -gdb none -gdb none",
        "-serial mon:vc:80Cx24C -parallel none -debugcon null",
        "-nic none,bogus=1 -nic none",
        "-nic '' -nic user,mac= -nic user,model=ne2k_isa -nic user,model=?",
        "-net nic,model=virtio,addr=5 -net user",
        '-netdev \'{"type":"user","id":"0n"}\'',
        f"{_N0},net=10.1/16,hostfwd=::0-:22,hostfwd=udp:127.1:0x0-:53",
        f"{_N0},guestfwd=tcp:10.0.2.100:80-cmd:/bin/true,ipv6-net=fd00::",
        f"{_N0} -netdev hubport,id=h,hubid=0,netdev=n0",
        f"{_N0},dnssearch=a,dnssearch=b",
    ],
)
def test_back_ends_that_pass(interface, line):
    assert find(interface, line) == []
    assert find(interface, line, Severity.UNKNOWN) == []


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("-chardev socket,id=s,path=/run/s", "-chardev"),
        ("-chardev file,id=f,path=/x", "-chardev path"),
        ("-serial pty", "-serial"),
        ("-chardev socket,id=s,fd=3", "-chardev fd"),
        ("-netdev tap,id=t", "-netdev"),
        ("-qmp tcp:localhost:4444,server=on,wait=off", "-qmp"),
    ],
)
def test_what_the_host_decides_is_a_note(interface, line, where):
    assert find(interface, line) == []
    assert ("host", where) in find(interface, line, Severity.NOTE)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.2.15", 0x0A00020F),
        ("10.1", 0x0A000001),
        ("0x7f000001", 0x7F000001),
        ("010.0.0.1", 0x08000001),
        ("", None),
        ("1.2.3.256", None),
        ("1.2.3.4.5", None),
        ("256.1", None),
        ("1..2", None),
        ("08", None),
        ("-1", None),
        ("foo", None),
        ("4294967296", None),
    ],
)
def test_addresses_are_read_as_the_c_library_does(text, address):
    assert parse_ipv4(text) == address


@pytest.mark.parametrize("text", ["10.0.2.0/3", "10.0.2.0/", "10.0.2.0/24x", "x/24", "1.2.3.4/0.x"])
def test_networks_that_are_none(text):
    assert isinstance(parse_network(text), str)


@pytest.mark.parametrize("text", ["tcp::-:22", "tcp::0-:22x"])
def test_forwarding_that_depends_on_the_release(text):
    lenient, strict = (check_hostfwd(text, is_lenient=each) for each in (True, False))
    assert bool(lenient) is not bool(strict)


@pytest.mark.parametrize(
    "text", ["", "tcp", "tcp:", "tcp::1", "x::1-:2", "tcp:h:1-:2", "tcp::1-2", "tcp::1-h:2",
             "tcp::1-:0", "tcp::65536-:1"]
)  # fmt: skip
def test_forwarding_that_is_malformed(text):
    assert check_hostfwd(text, is_lenient=True)
    assert check_hostfwd(text, is_lenient=False)


@pytest.mark.parametrize("text", ["", "tcp:1.2.3.4", "tcp:x:1-null", "tcp::0-null", "tcp::1:null"])
def test_forwarding_to_nowhere(text):
    assert isinstance(parse_guestfwd(text), str)


@pytest.mark.parametrize("text", ["52:54:00:12:34:56", "52-54-0-12-34-56", "", "16"])
def test_mac_addresses(text):
    assert check_mac(text) == ""


@pytest.mark.parametrize("text", ["x", "52:54:00:12:34", "525400123456", "53:54:0:0:0:1", "1:2"])
def test_mac_addresses_that_are_none(text):
    assert check_mac(text)


@pytest.mark.parametrize(
    "text", ["", "nul", "tcp", "tcp:", "udp:h", "file", "stdio,x", "vc:1x", "x:y"]
)
def test_texts_that_are_no_character_device(text):
    with pytest.raises(ArgumentError):
        parse_stream(text)


@pytest.mark.parametrize("port", ["abc", "-1", "0x10", " 1"])
def test_ports_that_are_none(port):
    assert check_port(port)


def test_hosts_of_another_family():
    assert check_host("127.0.0.1", ipv6=True)
    assert check_host("::1", ipv4=True)
    assert check_host("x.invalid")
    assert check_host("127.0.0.1", ipv4=True, ipv6=True) == ""
