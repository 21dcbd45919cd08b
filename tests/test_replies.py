"""libvirt's `.replies`: QMP messages one after the other, as its capability tests keep them."""

import gzip

import msgspec
import pytest

from qscope.ask import Verdict, ask
from qscope.errors import SnapshotError
from qscope.model.interface import Interface
from qscope.model.snapshot import decode_snapshot
from qscope.model.transcript import decode_replies

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN
DEVICE = "device-list-properties"

# libvirt's form: a question, its reply, pretty-printed, blank lines between. After the probe with
# the accelerator comes a second QEMU, whose ids begin again.
REPLIES = """\
{
  "execute": "qmp_capabilities",
  "id": "libvirt-1"
}

{
  "return": {},
  "id": "libvirt-1"
}

{
  "execute": "query-version",
  "id": "libvirt-2"
}

{
  "return": {
    "qemu": {
      "micro": 3,
      "minor": 2,
      "major": 9
    },
    "package": "v9.2.3"
  },
  "id": "libvirt-2"
}

{
  "execute": "device-list-properties",
  "arguments": {
    "typename": "disk"
  },
  "id": "libvirt-3"
}

{
  "return": [
    {
      "name": "serial",
      "type": "str"
    }
  ],
  "id": "libvirt-3"
}

{
  "execute": "device-list-properties",
  "arguments": {
    "typename": "nic"
  },
  "id": "libvirt-4"
}

{
  "id": "libvirt-4",
  "error": {
    "class": "DeviceNotFound",
    "desc": "Device 'nic' not found"
  }
}

{
  "execute": "query-qmp-schema",
  "id": "libvirt-5"
}

{
  "return": [
    {
      "name": "stop",
      "ret-type": "0",
      "meta-type": "command",
      "arg-type": "0"
    },
    {
      "name": "0",
      "members": [
      ],
      "meta-type": "object"
    }
  ],
  "id": "libvirt-5"
}

{
  "execute": "qmp_capabilities",
  "id": "libvirt-1"
}

{
  "return": {
  },
  "id": "libvirt-1"
}

{
  "execute": "device-list-properties",
  "arguments": {
    "typename": "nic"
  },
  "id": "libvirt-2"
}

{
  "return": [
    {
      "name": "mac"
    }
  ],
  "id": "libvirt-2"
}
"""


def test_libvirts_replies_are_a_transcript():
    exchanges = decode_replies(REPLIES)
    assert [(each.execute, each.arguments or None) for each in exchanges] == [
        ("qmp_capabilities", None),
        ("query-version", None),
        (DEVICE, {"typename": "disk"}),
        (DEVICE, {"typename": "nic"}),
        ("query-qmp-schema", None),
        ("qmp_capabilities", None),
        (DEVICE, {"typename": "nic"}),
    ]
    assert [each.outcome() for each in exchanges if each.outcome()] == [
        "DeviceNotFound: Device 'nic' not found"
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("stop", YES),
        ("stop/arg-type", YES),
        ("stop/arg-type/x", NO),
        ("command:start", NO),
        ("device:disk/serial", YES),
        ("device:disk/mac", NO),
        ("device:nic", NO),
        ("device:nic/mac", NO),
        ("machine:pc", UNKNOWN),
    ],
)
def test_libvirts_replies_are_asked_like_any_snapshot(path, wanted, pack):
    interface = Interface.from_snapshot(decode_snapshot(pack(REPLIES.encode())))
    assert ask(interface, path).verdict is wanted
    assert interface.identity.version == "9.2.3"


def chunks():
    """The messages of REPLIES."""
    return REPLIES.removesuffix("\n").split("\n\n")


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        pytest.param(chunks(), 7, id="all"),
        pytest.param(chunks()[:3], 1, id="a question without a reply"),
        pytest.param([*chunks()[2::2], *chunks()[3::2]], 6, id="replies in a heap after"),
        pytest.param(['{"QMP": {}}', *chunks(), '{"event": "STOP", "data": {}}'], 7, id="others"),
        pytest.param(chunks()[9:10], 1, id="only a schema, which shows what was asked"),
        pytest.param(["{}".join(chunks()[2:4])], 1, id="no blank line, an empty message"),
    ],
)
def test_replies_find_their_questions(messages, found):
    exchanges = decode_replies("\n\n".join(messages))
    assert len(exchanges) == found


def test_a_reply_belongs_to_the_question_with_its_id():
    one, two = '{"execute": "one", "id": 1}', '{"execute": "two", "id": 2}'
    exchanges = decode_replies(f'{one}{two}{{"return": 22, "id": 2}}{{"return": 11, "id": 1}}')
    assert [
        (each.execute, msgspec.json.decode(msgspec.json.encode(each))["return"])
        for each in exchanges
    ] == [
        ("two", 22),
        ("one", 11),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(REPLIES + "{", f"line {REPLIES.count(chr(10)) + 1}:", id="cut off"),
        pytest.param(REPLIES + "17", "no QMP message", id="a number"),
        pytest.param(chunks()[1] + chunks()[3], "no answer", id="replies to nobody knows what"),
        pytest.param(chunks()[0] + chunks()[2], "no answer", id="questions only"),
    ],
)
def test_what_is_no_replies_file_is_refused(text, complaint):
    with pytest.raises(SnapshotError, match=complaint):
        decode_snapshot(text.encode())
