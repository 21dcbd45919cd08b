"""Displays, sound, shares and the like of a command line, by 7.2's shipped snapshot."""

import pytest

from qscope.ask.finding import Severity
from tests.lines import find

_VNC = "-vnc 127.0.0.1:0,to=99"
_A0 = "-audiodev none,id=a0"
_SPICE = "-spice port=0,disable-ticketing=on"
_F0 = "-fsdev local,id=f0,path=/tmp"
_SHARE = "-virtfs local,path=/tmp,mount_tag=a,security_model=none"


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-display nosuch", "value-unknown", "-display type"),
        ("-display nosuch -display none", "value-unknown", "-display type"),
        ("-display gtk", "display-unavailable", "-display type"),
        ("-display none,gl=on", "display-gl", "-display gl"),
        ("-display none,gl=maybe", "value-unknown", "-display gl"),
        ("-display none,bogus=on", "member-unknown", "-display bogus"),
        ("-display none,gl", "malformed-argument", "-display"),
        ('-display \'{"type":"none","window-close":"on"}\'', "wrong-type",
         "-display window-close"),
        ("-display vnc", "display-address", "-display"),
        ("-display vnc=bogus", "vnc-address", "-display"),
        ("-display vnc=:0,to=9,bogus=1", "member-unknown", "-display bogus"),
        ("-display dbus,p2p=on,addr=unix:path=/x", "display-dbus-peer", "-display p2p"),
        ("-vga bogus", "value-unknown", "-vga"),
        ("-vga std,retrace=bogus", "value-unknown", "-vga"),
        ("-vga std,", "value-unknown", "-vga"),
        ("-vnc bogus", "vnc-address", "-vnc vnc"),
        ("-vnc :abc", "vnc-address", "-vnc vnc"),
        ("-vnc :", "vnc-address", "-vnc vnc"),
        ("-vnc :59636", "vnc-address", "-vnc vnc"),
        ("-vnc ,to=1", "vnc-address", "-vnc vnc"),
        ("-vnc unix:/x,to=9", "vnc-address", "-vnc to"),
        (f"{_VNC},ipv6=on", "vnc-address", "-vnc vnc"),
        (f"{_VNC},websocket=off", "vnc-address", "-vnc websocket"),
        (f"{_VNC},bogus=1", "member-unknown", "-vnc bogus"),
        (f"{_VNC},share=bogus", "value-unknown", "-vnc share"),
        (f"{_VNC},sasl-authz=a", "vnc-secret", "-vnc sasl-authz"),
        (f"{_VNC},password=on,password-secret=s", "vnc-secret", "-vnc password"),
        (f"{_VNC},password-secret=s", "reference-missing", "-vnc password-secret"),
        (f"{_VNC},tls-creds=t", "reference-missing", "-vnc tls-creds"),
        (f"{_VNC},audiodev=a", "reference-missing", "-vnc audiodev"),
        (f"{_VNC},display=d", "reference-missing", "-vnc display"),
        (f"{_VNC},id=v -vnc none,id=v", "id-duplicate", "-vnc id"),
        ("-k bogus -vnc none", "vnc-keymap", "-vnc"),
        ("-spice port=70000", "spice-port", "-spice port"),
        (f"{_SPICE},image-compression=x", "spice-word", "-spice image-compression"),
        (f"{_SPICE},tls-channel=main", "spice-word", "-spice tls-channel"),
        (f"{_SPICE},plaintext-channel=x", "spice-word", "-spice plaintext-channel"),
        (f"{_SPICE},bogus=1", "member-unknown", "-spice bogus"),
    ],
)  # fmt: skip
def test_displays_that_are_refused(interface, line, rule, where):
    assert (rule, where) in find(interface, line)


@pytest.mark.parametrize(
    ("line", "rule", "where"),
    [
        ("-audiodev none", "member-missing", "-audiodev id"),
        ("-audiodev nosuch,id=a", "value-unknown", "-audiodev driver"),
        ("-audiodev pa,id=a", "audiodev-unavailable", "-audiodev driver"),
        ("-audiodev spice,id=a", "audiodev-unavailable", "-audiodev driver"),
        (f"{_A0},timer-period=-1", "out-of-range", "-audiodev timer-period"),
        (f"{_A0},out.voices=4294967296", "out-of-range", "-audiodev out.voices"),
        (f"{_A0},out.bogus=1", "member-unknown", "-audiodev out.bogus"),
        (f"{_A0},out=1", "wrong-type", "-audiodev out"),
        (f"{_A0},in.fixed-settings=off,in.channels=1", "audio-settings",
         "-audiodev in.channels"),
        (f"{_A0},out.mixing-engine=off,out.fixed-settings=on", "audio-settings",
         "-audiodev out.fixed-settings"),
        ("-audio none", "member-missing", "-audio model"),
        ("-audio none,model=nosuch", "value-unknown", "-audio model"),
        ("-audio none,model=virtio", "value-unknown", "-audio model"),
        ("-audio none,model=hda,bogus=1", "member-unknown", "-audio bogus"),
        ("-machine none -audio none,model=hda", "audio-model", "-audio model"),
        ("-audio none,model=hda -audio none,model=hda", "audio-model", "-audio model"),
        ("-incoming nosuch", "uri-unknown", "-incoming"),
        ("-incoming file:/x", "uri-unknown", "-incoming"),
        ("-incoming tcp:127.0.0.1", "uri-malformed", "-incoming"),
        ("-incoming tcp:127.0.0.1:abc", "uri-malformed", "-incoming"),
        ("-incoming tcp::0,ipv4=x", "uri-malformed", "-incoming"),
        ("-incoming tcp::0,to=x", "uri-malformed", "-incoming"),
        ("-incoming fd:x", "uri-malformed", "-incoming"),
        ("-incoming unix:", "uri-malformed", "-incoming"),
        ("-incoming vsock:1", "uri-malformed", "-incoming"),
        ("-usbdevice bogus", "value-unknown", "-usbdevice"),
        ("-usbdevice tablet,x", "value-unknown", "-usbdevice"),
        ("-machine none -usbdevice tablet", "bus-missing", "-usbdevice"),
        ("-tpmdev emulator,id=t", "tpm-demand", "-tpmdev chardev"),
        ("-tpmdev passthrough", "tpm-demand", "-tpmdev id"),
        ("-tpmdev nosuch,id=t", "value-unknown", "-tpmdev type"),
        ("-tpmdev passthrough,id=t,bogus=1", "member-unknown", "-tpmdev bogus"),
        ("-chardev null,id=c -tpmdev emulator,id=t,chardev=c", "tpm-chardev",
         "-tpmdev chardev"),
        (_F0, "share-local", "-fsdev security_model"),
        (f"{_F0},security_model=x", "value-unknown", "-fsdev security_model"),
        (f"{_F0},security_model=none,fmode=0600", "share-local", "-fsdev fmode"),
        ("-fsdev local,id=f,security_model=none", "share-local", "-fsdev path"),
        ("-fsdev local,path=/tmp,security_model=none", "share-demand", "-fsdev id"),
        ("-fsdev id=f", "share-demand", "-fsdev fsdriver"),
        ("-fsdev synth,id=f,path=/tmp", "share-driver", "-fsdev path"),
        ("-fsdev bogus,id=f", "value-unknown", "-fsdev fsdriver"),
        ("-fsdev proxy,id=f", "share-proxy", "-fsdev socket"),
        ("-virtfs synth", "share-demand", "-virtfs mount_tag"),
        (f"{_SHARE} {_SHARE}", "share-tag-taken", "-virtfs mount_tag"),
        (f"-machine none {_SHARE}", "share-device", "-virtfs"),
    ],
)  # fmt: skip
def test_sound_and_others_that_are_refused(interface, line, rule, where):
    assert (rule, where) in find(interface, line)


@pytest.mark.parametrize(
    "line",
    [
        "-display none,gl=on -display none",
        "-display gtk -display none",
        "-display vnc=",
        "-display vnc=127.0.0.1:0,to=99,password=on",
        "-vga bogus -vga none",
        "-vga cirrus,retrace=precise",
        "-vnc '' -vnc none -vnc ::1:0,to=9",
        f"-object secret,id=s,data=x {_VNC},password-secret=s",
        f"{_A0} {_VNC},audiodev=a0",
        f"-device virtio-vga,id=d {_VNC},display=d",
        "-k help -k de -vnc none",
        "-k bogus",
        f"{_SPICE} -chardev spiceport,id=v,name=a -audiodev spice,id=a",
        "-audiodev none,id=0a -audiodev none,id=0a",
        f"{_A0},in.fixed-settings=yes,in.channels=1,timer-period=0x10",
        "-audio none,id=a0,model=hda -device AC97,audiodev=a0",
        f"{_A0} -device AC97",
        "-incoming tcp:[::]:0,ipv4,to=10,bogus=1",
        "-incoming nosuch -incoming defer",
        "-usbdevice bogus -machine usb=off",
        "-usbdevice wacom-tablet -machine microvm",
        f"{_F0},security_model=mapped-file,fmode=0600,writeout=bogus",
        f"{_SHARE},fmode=0600,id=f -virtfs synth,mount_tag=a",
    ],
)
def test_what_passes(interface, line):
    assert find(interface, line) == []
    assert find(interface, line, Severity.UNKNOWN) == []
