"""Complete probes of QEMUs that go wrong at any point: every true answer that was given is kept."""

import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qscope.errors import ProbeError
from qscope.model.snapshot import Identity, Snapshot, encode_snapshot
from qscope.probe import Death, probe_binary
from qscope.probe.questions import LOADING, QUESTIONS
from tests.fake_qemu import HARMLESS, LAST, make_fake, name_point
from tests.running import DEADLINE, wait_for
from tests.test_probe import take_stock

# Seconds: nothing takes so long, and what a fake that hangs is given.
_LONG, _SHORT = 20, 0.5
_BASES = ("device", "machine", "accel", "cpu", "user-creatable")
# Enough for several processes to share the work.
_MANY = [f"filler-{number:03}" for number in range(120)]


def probe(folder, *, jobs=1, timeout=_LONG, deaths=None, **plan):
    """Probe a fake; return the snapshot and the lines of its log. It must leave nothing behind."""
    log = folder / f"log-{jobs}"
    fake = make_fake(folder, log=str(log), **plan)
    on_death = None if deaths is None else deaths.append
    before = take_stock()
    try:
        snapshot = probe_binary(fake, timeout=timeout, jobs=jobs, on_death=on_death)
    except ProbeError:
        snapshot = Snapshot(Identity(), ())
    assert take_stock() == before
    return snapshot, [line.partition(":")[2] for line in log.read_text().splitlines()]


def describe(snapshot):
    """Return what became of each question, by its name, in order."""
    return {
        name_point(each.execute, each.arguments or None): (
            each.ended if each.crashed else json.loads(bytes(each.result))
        )
        for each in snapshot.exchanges
    }


def spell(snapshot):
    """Return the bytes of a snapshot, whichever file was probed."""
    return encode_snapshot(Snapshot(Identity(), snapshot.exchanges, snapshot.greeting))


def list_points(answers, lost=()):
    """Name the questions that a complete probe asks; no list is known whose question is `lost`."""
    names: dict[str, set[str]] = {base: set() for base in _BASES}
    for base in _BASES:
        point = f"qom-list-types {base}"
        value = [] if point in lost else answers.get(point)
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, dict) and type(entry.get("name")) is str:
                names[base] |= set() if entry.get("abstract") else {entry["name"]}
    others = names["machine"] | names["accel"] | names["user-creatable"]
    others |= names["cpu"] - names["device"]
    return [
        *(name_point(question.execute, question.arguments) for question in QUESTIONS),
        *(f"device-list-properties {name}" for name in sorted(names["device"])),
        *(f"qom-list-properties {name}" for name in sorted(others)),
    ]


def make_world(**names):
    """Return the answers of a QEMU that has types of these names."""
    answers = {
        f"qom-list-types {base}": [{"name": name} for name in names.get(base.replace("-", "_"), ())]
        for base in _BASES
    }
    for point in list_points(answers)[len(QUESTIONS) :]:
        answers[point] = [{"name": f"of {point}", "type": "bool"}]
    return answers


class TestOneDeed:
    """What one thing that goes wrong does to the answers of others."""

    WORLD = make_world(device=[f"d{number}" for number in range(20)], machine=["m"])

    @pytest.mark.parametrize(
        "point", ["query-version", "qom-list-types device", "query-machines",
                  "device-list-properties d0", "device-list-properties d9",
                  "qom-list-properties m"],
    )  # fmt: skip
    @pytest.mark.parametrize("jobs", [1, 3])
    def test_others_are_answered(self, tmp_path, point, jobs):
        deed = {"at": point, "do": "die", "status": 6, "text": "assertion failed"}
        deaths: list[Death] = []
        snapshot, _ = probe(tmp_path, jobs=jobs, answers=self.WORLD, deaths=deaths, **deed)
        became = describe(snapshot)
        assert list(became) == list_points(self.WORLD, {point})
        assert [each for each, value in became.items() if isinstance(value, str)] == [point]
        assert became[point] == "it was killed by SIGABRT"
        assert [each[1:] for each in deaths] == [(became[point], "assertion failed")]
        assert [name_point(*each.question[:2]) for each in deaths if each.question] == [point]

    @pytest.mark.parametrize(
        ("when", "starts"),
        [
            pytest.param({"process": 1}, 2, id="only in the first process"),
            pytest.param({"times": 1}, 2, id="only once"),
            # The fresh process is asked d9 alone, and survives it.
            pytest.param({"after": 5}, 2, id="only after others"),
        ],
    )
    def test_a_suspect_may_be_innocent(self, tmp_path, when, starts):
        deed = {"at": "device-list-properties d9", "do": "die", "status": 11, **when}
        deaths: list[Death] = []
        snapshot, log = probe(tmp_path, answers=self.WORLD, deaths=deaths, deeds=[deed])
        became = describe(snapshot)
        assert list(became) == list_points(self.WORLD)
        assert became[deed["at"]] == self.WORLD[deed["at"]]
        assert (deaths, log.count("start")) == ([], starts)

    @pytest.mark.parametrize("point", ["start", "greeting", "qmp_capabilities"])
    @pytest.mark.parametrize("do", ["exit", "half and exit"])
    def test_a_qemu_that_does_not_start_again(self, tmp_path, point, do):
        if point == "start":
            do = "exit"
        deeds = [
            {"at": point, "process": -1, "do": do, "status": 1, "text": "no memory"},
            {"at": "device-list-properties d9", "do": "die", "status": 11},
        ]
        deaths: list[Death] = []
        snapshot, log = probe(tmp_path, answers=self.WORLD, deaths=deaths, deeds=deeds)
        became = describe(snapshot)
        # What comes after d9 was not asked, and is not there; nothing says that d9 is to blame.
        assert list(became) == list_points(self.WORLD)[: len(became)]
        assert list(became)[-1] == "device-list-properties d8"
        assert log.count("start") == 2
        assert [each.question for each in deaths] == [None]

    @pytest.mark.parametrize("do", LAST)
    @pytest.mark.parametrize(
        "point",
        ["query-version", name_point(LOADING.execute, LOADING.arguments), "query-machines",
         "device-list-properties d9", "qom-list-properties m"],
    )  # fmt: skip
    def test_who_dies_of_what_it_has_answered(self, tmp_path, point, do):
        snapshot, _ = probe(tmp_path, answers=self.WORLD, at=point, do=do)
        became = describe(snapshot)
        assert list(became) == list_points(self.WORLD)
        assert not any(each.crashed for each in snapshot.exchanges)

    @pytest.mark.parametrize("jobs", [1, 3])
    def test_who_goes_wrong_before_any_question_is_not_started_for_ever(self, tmp_path, jobs):
        deed = {"at": "qmp_capabilities", "do": "answer and babble"}
        snapshot, log = probe(tmp_path, jobs=jobs, deeds=[deed])
        assert (snapshot.exchanges, log.count("start")) == ((), jobs)

    @pytest.mark.parametrize("do", LAST)
    def test_nor_when_that_is_so_of_later_ones(self, tmp_path, do):
        deeds = [
            {"at": "qmp_capabilities", "do": do, "process": -1},
            {"at": "query-machines", "do": "die", "status": 6},
        ]
        snapshot, log = probe(tmp_path, answers=self.WORLD, deeds=deeds)
        assert list(describe(snapshot))[:13] == list_points(self.WORLD)[:13]
        assert log.count("start") <= 1 + len(list_points(self.WORLD))

    def test_those_that_run_go_on_without_it(self, tmp_path):
        world = make_world(device=_MANY)
        victim = f"device-list-properties {_MANY[7]}"
        deeds = [
            # Three start; one of them dies at the victim once, and in its place none starts.
            {"at": victim, "do": "die", "status": 11, "times": 1},
            {"at": "greeting", "process": 4, "do": "exit", "status": 1},
        ]
        snapshot, _ = probe(tmp_path, jobs=3, answers=world, deeds=deeds)
        assert describe(snapshot)[victim] == world[victim]
        assert list(describe(snapshot)) == list_points(world)

    def test_every_later_qemu_loads_its_modules_first(self, tmp_path):
        deed = {"at": "device-list-properties d9", "do": "die", "status": 11}
        world = make_world(device=[*_MANY, "d9"])
        probe(tmp_path, jobs=3, answers=world, deeds=[deed])
        lines = [line.split(":", 1) for line in (tmp_path / "log-3").read_text().splitlines()]
        first: dict[str, str] = {}
        for number, line in lines:
            if line.startswith("given ") and "qmp_capabilities" not in line:
                first.setdefault(number, line.removeprefix("given "))
        assert first.pop("1") == "query-version"
        assert first
        assert set(first.values()) == {name_point(LOADING.execute, LOADING.arguments)}

    def test_an_answer_that_counts_is_the_first_of_a_fresh_qemu(self, tmp_path):
        names = ["a", "b", "c", "d"]
        world = make_world(device=[*names, *_MANY])
        for name in names:
            world[f"device-list-properties {name}"] = [{"name": "i2c.@", "type": "child<i2c>"}]
        results = [probe(tmp_path, jobs=jobs, answers=world)[0] for jobs in (1, 3)]
        for name in names:
            counted = describe(results[0])[f"device-list-properties {name}"]
            assert counted == [{"name": "i2c.0", "type": "child<i2c>"}]
        assert list(describe(results[0])) == list_points(world)
        assert spell(results[0]) == spell(results[1])

    def test_a_qemu_that_does_not_quit_makes_way_nevertheless(self, tmp_path):
        world = make_world(device=["a", "b"])
        for name in ("a", "b"):
            world[f"device-list-properties {name}"] = [{"name": "i2c.@", "type": "child<i2c>"}]
        snapshot, log = probe(
            tmp_path, timeout=_SHORT, answers=world, setting="child", at="quit", do="twice"
        )
        became = describe(snapshot)
        assert became["device-list-properties b"] == became["device-list-properties a"]
        assert log.count("start") == 2

    def test_after_eight_hangs_no_more_is_asked(self, tmp_path):
        world = make_world(device=_MANY, machine=["m"])
        deeds = [{"at": f"device-list-properties {name}"} for name in _MANY]
        deaths: list[Death] = []
        snapshot, log = probe(
            tmp_path, jobs=3, timeout=_SHORT, deaths=deaths, answers=world, deeds=deeds
        )
        assert [each.ended for each in deaths if each.question is None] == ["it hung too often"]
        hung = [each.ended for each in snapshot.exchanges if each.crashed]
        # Who was suspect already is asked again.
        assert 8 <= len(hung) <= 10
        assert set(hung) == {f"it did not answer within {_SHORT:g} s"}
        assert len(snapshot.exchanges) == len(QUESTIONS) + len(hung)
        assert len([line for line in log if line.startswith("hang")]) <= 2 * len(hung)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_several_are_asked(runner, tmp_path, number, status):
    log, place = tmp_path / "log", tmp_path / "answers" / "snapshot.json"
    place.parent.mkdir()
    deeds = [{"at": f"device-list-properties {name}"} for name in _MANY]
    fake = make_fake(tmp_path, log=str(log), answers=make_world(device=_MANY), deeds=deeds)
    words = ["probe", "--jobs", "3", "--timeout", DEADLINE, "--no-cache", "-o", place, fake]
    with runner.start(sys.executable, "-m", "qscope", *words) as process:
        wait_for(lambda: log.exists() and log.read_text().count(":hang ") >= 3)
        process.send_signal(number)
        assert [each.strip() for each in process.communicate(timeout=DEADLINE)] == ["", ""]
    assert process.returncode == status
    assert runner.find_left() == []
    assert os.listdir(place.parent) == []


_names = st.sampled_from(["a", "b-device", "c.d", "é", "x y", "-", "with,comma", "same"])
_properties = st.lists(
    st.fixed_dictionaries(
        {"name": _names, "type": st.sampled_from(["bool", "str", "child<x>"])},
        optional={"default-value": st.none() | st.integers(0, 9) | st.just("1.50")},
    ),
    max_size=3,
)
_lies: st.SearchStrategy[object] = st.sampled_from(
    [
        5,
        None,
        "device",
        {},
        {"name": "a"},
        [1],
        [[]],
        [{"nome": 1}],
        [{"name": None}, {"name": "a"}],
    ]
)
_entries = st.fixed_dictionaries({"name": _names}, optional={"abstract": st.booleans()})


@st.composite
def worlds(draw):
    """Draw what a QEMU answers; now and then a list of types has a shape that it should not."""
    answers = {}
    for base in _BASES:
        lies = draw(st.integers(0, 9)) == 0
        answers[f"qom-list-types {base}"] = draw(_lies if lies else st.lists(_entries, max_size=4))
    if draw(st.booleans()) and isinstance(answers["qom-list-types device"], list):
        answers["qom-list-types device"] += [{"name": name} for name in _MANY]
    for point in list_points(answers)[len(QUESTIONS) :]:
        if "filler" not in point:
            answers[point] = draw(_properties | _lies)
    return answers


_quick = st.one_of(
    st.fixed_dictionaries({"do": st.just("die"), "status": st.sampled_from([6, 9, 11])}),
    st.fixed_dictionaries(
        {"do": st.sampled_from(["exit", "half and exit"]), "status": st.integers(0, 3)}
    ),
    st.fixed_dictionaries(
        {"do": st.just("say"), "text": st.sampled_from(["garbage", "[]", '{"return": nan}\n'])}
    ),
    st.fixed_dictionaries({"do": st.sampled_from(HARMLESS)}),
)
_slow = st.one_of(
    st.fixed_dictionaries({"do": st.sampled_from(["hang", "half", "trickle", "skip"])}),
    st.fixed_dictionaries({"do": st.just("ident"), "status": st.sampled_from([-1, 0, 1, 99])}),
    st.just({"do": "flood", "text": '{"event": "X"}\r\n'}),
)


def explain(deed):
    """Say how QEMU ends that does this whenever it is asked a question; None for no harm."""
    match deed["do"]:
        case "die":
            return f"it was killed by {signal.Signals(deed['status']).name}"
        case "exit" | "half and exit":
            return f"it exited with status {deed['status']}"
        case "say":
            return "it talked nonsense"
        case do:
            return None if do in HARMLESS else f"it did not answer within {_SHORT:g} s"


@st.composite
def deeds_at(draw, world, deeds, most):
    """Draw what is done at some of the questions of a complete probe, each time it is asked."""
    points = [point for point in list_points(world) if "filler" not in point]
    points.append(f"device-list-properties {_MANY[3]}")
    chosen = draw(st.lists(st.sampled_from(points), max_size=most, unique=True))
    return [{"at": point, **draw(deeds)} for point in chosen]


def assert_survives(world, deeds, timeout):
    """What each question does is a function of the question: so is what became of it."""
    ends = {deed["at"]: explain(deed) for deed in deeds}
    lost = {point for point, end in ends.items() if end is not None}
    with temporary_folder() as folder:
        results = [
            probe(folder, jobs=jobs, timeout=timeout, answers=world, deeds=deeds)[0]
            for jobs in (1, 3)
        ]
    became = describe(results[0])
    assert list(became) == list_points(world, lost)
    for point, value in became.items():
        if point in lost:
            assert value == ends[point]
        elif point in world:
            assert value == world[point]
        else:
            assert not isinstance(value, str)
    assert spell(results[0]) == spell(results[1])


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_a_question_does_decides_what_becomes_of_it(data):
    world = data.draw(worlds())
    deeds = data.draw(deeds_at(world, _quick, 5))
    assert_survives(world, deeds, _LONG)


@settings(deadline=None, max_examples=6)
@given(st.data())
def test_hanging_is_a_way_to_end(data):
    world = data.draw(worlds())
    assert_survives(world, data.draw(deeds_at(world, _slow, 2)), _SHORT)


_times = st.fixed_dictionaries(
    {},
    optional={
        "process": st.sampled_from([1, 2, 3, -1]),
        "after": st.integers(1, 40),
        "times": st.integers(1, 3),
    },
)
_of_starts = st.fixed_dictionaries(
    {
        "at": st.sampled_from(["start", "greeting", "qmp_capabilities"]),
        "process": st.sampled_from([2, 3, 4, -1]),
    }
)


@st.composite
def histories(draw, world):
    """Draw what is done at some points, depending on what was done before."""
    deeds = [{**deed, **draw(_times)} for deed in draw(deeds_at(world, _quick, 6))]
    if draw(st.integers(0, 3)) == 0:
        deeds.append({**draw(_of_starts), "do": "exit", "status": 1})
    return deeds


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_every_true_answer_is_kept(data):
    world = data.draw(worlds())
    deeds, jobs = data.draw(histories(world)), data.draw(st.sampled_from([1, 3]))
    with temporary_folder() as folder:
        snapshot, log = probe(folder, jobs=jobs, answers=world, deeds=deeds)
    became = describe(snapshot)
    given = {line.removeprefix("given ") for line in log if line.startswith("given ")}
    given -= {"qmp_capabilities", "quit"}
    assert {point: became.get(point) for point in given} == {
        point: world.get(point, became.get(point)) for point in given
    }
    crashed = {name_point(each.execute, each.arguments) for each in snapshot.exchanges
               if each.crashed}  # fmt: skip
    assert not crashed & given
    harm = {f"{deed['do']} {deed['at']}" for deed in deeds if deed["do"] not in HARMLESS}
    assert all(any(line.endswith(f" {point}") for line in harm & set(log)) for point in crashed)
    asked = list_points(world, crashed)
    assert list(became) == [point for point in asked if point in became]
    if not any(deed["at"] in ("start", "greeting", "qmp_capabilities") for deed in deeds):
        assert list(became) == asked
