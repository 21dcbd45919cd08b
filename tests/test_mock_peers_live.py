"""Clients that people use see the same of a QEMU and of `qscope serve` with its snapshot."""

from pathlib import Path

import pytest

from qscope.model.snapshot import encode_snapshot
from qscope.probe import probe_binary
from tests import mock_peers

pytestmark = pytest.mark.live

SESSION = mock_peers.parse_steps(
    """
    = query-version
    = query-name
    = query-status
    = query-commands
    ~ query-kvm
    = query-machines
    = qom-list-types {"implements": "iothread"}
    = query-command-line-options {"option": "smp-opts"}
    = query-block
    = query-blockstats
    = query-jobs
    = query-migrate
    ~ query-migrate-parameters
    ~ query-memory-size-summary
    ~ query-target

    ! qmp_capabilities
    ! nosuch
    ! query-status {"all": true}
    ! query_status
    ! qom-list
    ! qom-list {"path": 1}
    ! qom-list {"path": "/nosuch"}
    ! human-monitor-command {"command-line": ["info"]}
    ! query-command-line-options {"option": "nosuch"}
    ! blockdev-add {"driver": "nosuch", "node-name": "n"}
    ! blockdev-add {"driver": "null-co", "node-name": "n", "size": "1M"}
    ! blockdev-add {"driver": "null-co", "node-name": "n", "sise": 1}
    ! blockdev-add {"driver": "raw", "node-name": "n", "file": true}
    ! blockdev-add {"node-name": "n"}
    ! device_add
    ! device_add {"driver": "nosuch", "id": "d"}
    ! device_add {"driver": "", "id": "d"}
    ! device_add {"driver": "ioapic", "id": "d"}
    ! device_add {"driver": "iothread", "id": "d"}
    ! device_add {"driver": ["virtio-net-pci"], "id": "d"}
    ! device_del {"id": "d"}
    ! netdev_add {"type": "hubport", "id": "h"}
    ! object-add {"qom-type": "nosuch", "id": "o"}
    ! migrate-set-capabilities {"capabilities": [{"capability": "nosuch", "state": true}]}

    = stop
    = query-status
    = cont
    = query-status
    = cont
    = stop
    = query-status
    = system_reset
    = cont
    = system_reset
    = system_powerdown
    = stop
    ! system_wakeup

    = object-add {"qom-type": "memory-backend-ram", "id": "m", "size": 1048576}
    = object-add {"qom-type": "iothread", "id": "t"}
    ! object-add {"qom-type": "iothread", "id": "t"}
    ! object-add {"qom-type": "iothread", "id": "0"}
    ~ query-iothreads
    = qom-get {"path": "/objects/m", "property": "type"}
    = qom-get {"path": "/objects/m", "property": "size"}
    = qom-set {"path": "/objects/t", "property": "poll-max-ns", "value": 7}
    = qom-get {"path": "/objects/t", "property": "poll-max-ns"}
    ! qom-get {"path": "/objects/t", "property": "nosuch"}
    = object-del {"id": "m"}
    ! object-del {"id": "m"}
    ! qom-get {"path": "/objects/m", "property": "type"}
    : qom-list-types {"implements": "user-creatable"}

    = blockdev-add {"driver": "null-co", "node-name": "n", "size": 1048576}
    ! blockdev-add {"driver": "null-co", "node-name": "n"}
    = blockdev-add {"driver": "raw", "node-name": "r", "file": "n"}
    ! blockdev-add {"driver": "raw", "node-name": "s", "file": "nosuch"}
    ~ query-named-block-nodes
    ! blockdev-del {"node-name": "n"}
    = blockdev-del {"node-name": "r"}
    = blockdev-del {"node-name": "n"}
    ! blockdev-del {"node-name": "n"}
    = query-named-block-nodes

    = netdev_add {"type": "hubport", "id": "h", "hubid": 0}
    ! netdev_add {"type": "hubport", "id": "h", "hubid": 1}
    = netdev_del {"id": "h"}
    ! netdev_del {"id": "h"}

    = chardev-add {"id": "c", "backend": {"type": "null", "data": {}}}
    ! chardev-add {"id": "c", "backend": {"type": "null", "data": {}}}
    ~ query-chardev
    = chardev-remove {"id": "c"}
    ! chardev-remove {"id": "c"}

    = yank {"instances": []}
    = &yank {"instances": []}
    ! &yank {"instances": [{"type": "nosuch"}]}
    ! &migrate-recover
    ! &query-status
    ! &nosuch
    = query-status
    = quit
    """
)
CLIENTS = {
    "qemu.qmp": mock_peers.talk_qemu_qmp,
    "qmp-shell": mock_peers.talk_qmp_shell,
    "qmp": mock_peers.talk_qmp,
}
BEGINNING = mock_peers.parse_steps(
    """
    ! query-status
    ! nosuch
    ! qmp_capabilities {"enable": ["nosuch"]}
    ! qmp_capabilities {"enable": "oob"}
    ! qmp_capabilities {"enabled": ["oob"]}
    ! query-version
    = qmp_capabilities {"enable": ["oob"]}
    ! qmp_capabilities
    = query-name
    = query-status
    """
)
BEGINNERS = {"qemu.qmp": mock_peers.begin_qemu_qmp, "qmp": mock_peers.begin_qmp}


@pytest.fixture(scope="module")
def snapshot(qemu, tmp_path_factory):
    snapshot = probe_binary(Path(qemu))
    if int((snapshot.identity.version or "0").partition(".")[0]) < 6:
        pytest.skip("the session is of QEMU 6.0 and later: before, RESET comes behind the reply")
    path = tmp_path_factory.mktemp("snapshot") / "qemu.json.gz"
    path.write_bytes(encode_snapshot(snapshot, compress=True))
    return path


@pytest.mark.parametrize("client", CLIENTS)
def test_a_session_looks_the_same(client, qemu, snapshot, tmp_path):
    steps = [step for step in SESSION if client != "qmp-shell" or not (step.oob or is_end(step))]
    (greeting, theirs), (greeted, ours) = talk_to_both(
        CLIENTS[client], steps, qemu, snapshot, tmp_path
    )
    assert greeted == greeting
    for step, true, said in zip(steps, theirs, ours, strict=True):
        if client != "qmp" or not step.oob:
            assert (true.error is not None) == (step.mark == "!"), (step, true)
        assert (said.error, said.events) == (true.error, true.events), step
        assert_alike(step, said.result, true.result)
    told = {name for seen in theirs for name, _data in seen.events}
    assert told >= {"STOP", "RESUME", "RESET", "POWERDOWN"}


def is_end(step):
    return step.command == "quit"


def talk_to_both(talk, steps, qemu, snapshot, folder):
    real, mock = folder / "real", folder / "mock"
    servers = [
        (real, mock_peers.run_real(qemu, real)),
        (mock, mock_peers.run_served(snapshot, mock)),
    ]
    seen = []
    for path, server in servers:
        with server as process:
            seen.append(talk(path, steps))
            if not is_end(steps[-1]):
                process.terminate()
    return seen


def assert_alike(step, said, true):
    if step.mark == ":":
        assert sorted(said, key=str) == sorted(true, key=str), step
    elif step.mark == "~":
        ours, theirs = mock_peers.outline(said), mock_peers.outline(true)
        assert mock_peers.is_alike(ours, theirs), step
    else:
        assert said == true, step


@pytest.mark.parametrize("client", BEGINNERS)
def test_a_session_begins_the_same(client, qemu, snapshot, tmp_path):
    theirs, ours = talk_to_both(BEGINNERS[client], BEGINNING, qemu, snapshot, tmp_path)
    for step, true, said in zip(BEGINNING, map(mask, theirs), map(mask, ours), strict=True):
        if client == "qemu.qmp":
            assert (true.error is not None) == (step.mark == "!"), (step, true)
        assert said == true, step


def mask(seen):
    """Return what was seen without its times."""
    return {**seen, "timestamp": None} if isinstance(seen, dict) else seen
