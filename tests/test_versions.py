"""`version:`: what it takes, what it answers, and that no other answer rests on a version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qscope.ask import Verdict, ask
from qscope.ask.versions import find_next_release
from qscope.errors import PathError
from qscope.model.interface import Interface
from qscope.model.snapshot import Identity

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def of(version):
    """An interface of which nothing but the version is known."""
    return Interface(None, identity=Identity(version=version))


def judge(version, bound):
    return ask(of(version), f"version:{bound}").verdict


@pytest.mark.parametrize(
    ("version", "verdicts"),
    [
        ("7.2.22", {
            ">=7.2": YES, ">=7.2.22": YES, ">=7.2.23": NO, ">=7": YES, ">=8": NO, ">=10.0": NO,
            ">7.2.22": NO, ">7.2": YES, ">7.2.21": YES, ">10": NO,
            "<=7.2.22": YES, "<=7.2": NO, "<=7.2.21": NO, "<=8": YES, "<=10.0.0": YES,
            "<7.2.22": NO, "<7.2.23": YES, "<7.2": NO, "<7.10": YES, "<10": YES,
            "==7.2.22": YES, "==7.2": YES, "==7": YES, "==7.2.0": NO, "==7.2.2": NO, "==7.1": NO,
            "=7.2.22": YES, "=7.2": YES, "=7.3": NO, "=72": NO, "==722": NO,
            "!=7.2.22": NO, "!=7.2": NO, "!=7": NO, "!=7.2.0": YES, "!=7.3": YES,
        }),
        ("10.0.0", {">=10.0": YES, ">10.0": NO, "<=10.0": YES, "<10.0": NO, "==10": YES,
                    ">=9.99": YES, ">=10.00.000": YES}),
        ("7.1.50", {
            ">=7.1": YES, ">7.1": YES, ">7.1.49": YES, ">=7.1.50": YES, "==7.1.50": YES,
            ">=7.2": UNKNOWN, "<7.2": UNKNOWN, "==7.2": UNKNOWN, ">=7.2.0": UNKNOWN,
            ">7.2": UNKNOWN, "<=7.2": UNKNOWN, "!=7.2": UNKNOWN,
            ">=7.2.1": NO, "<7.2.1": YES, ">=8": NO, "==7": YES, ">=7.1.51": NO,
        }),
        ("7.1.93", {">=7.2": UNKNOWN, ">=7.1.92": YES, ">=7.2.1": NO, ">=7.1": YES}),
        ("7.2.50", {">=8": UNKNOWN, ">=8.0": UNKNOWN, ">=8.0.0": UNKNOWN, "==8": UNKNOWN,
                    ">=7.3": NO, ">=8.0.1": NO, ">=8.1": NO, ">=7.2": YES, "==7.2": YES}),
        ("7.2.49", {">=8": NO, ">=7.2": YES, ">=7.3": NO}),
        ("2.11.90", {">=2.12": UNKNOWN, ">=3": NO}),
        ("unknown", {">=1": UNKNOWN, "<1": UNKNOWN, "==7.2": UNKNOWN, "!=7.2": UNKNOWN}),
        (None, {">=1": UNKNOWN, "!=1": UNKNOWN}),
        ("7.2", {">=7": UNKNOWN}),
        ("7.2.22-rc1", {">=7": UNKNOWN}),
        ("v7.2.22", {">=7": UNKNOWN}),
        ("", {">=7": UNKNOWN}),
    ],
)  # fmt: skip
def test_a_version_is_compared(version, verdicts):
    assert {bound: judge(version, bound) for bound in verdicts} == verdicts


@pytest.mark.parametrize(
    "bound",
    [
        "7.2", ">=abc", ">=", "==", "=>7.2", ">>7.2", "~=7.2", "===7.2", "!7.2", ">= 7.2", " >=7.2",
        ">=7.2 ", ">=7.2\n", ">=7.", ">=.2", ">=7..2", ">=7.2.22.1", ">=v7.2", ">=7.2-rc1",
        ">=-1", ">=+7", ">=7,2", ">=7.x", ">=\u0667.\u0662", ">=" + "9" * 5000, ">=7.2,<8",
        ">=7.2/", ">=7.2/x", "/x", "*",
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_and_told_what_would_be_right(bound):
    with pytest.raises(PathError) as caught:
        judge("7.2.22", bound)
    message = str(caught.value)
    assert message.startswith("malformed path 'version:")
    assert "\n" not in message
    assert "version:>=7.2" in message or bound == "/x"


def test_nothing_behind_the_colon_is_refused():
    with pytest.raises(PathError, match="no name after 'version:'"):
        judge("7.2.22", "")


@pytest.mark.parametrize(
    ("version", "following"),
    [
        ((0, 14, 50), (0, 15, 0)), ((0, 15, 50), (1, 0, 0)),
        ((1, 6, 50), (1, 7, 0)), ((1, 7, 50), (2, 0, 0)),
        ((2, 0, 90), (2, 1, 0)), ((2, 11, 50), (2, 12, 0)), ((2, 12, 50), (3, 0, 0)),
        ((3, 0, 50), (3, 1, 0)), ((3, 1, 50), (4, 0, 0)),
        ((4, 0, 50), (4, 1, 0)), ((4, 2, 50), (5, 0, 0)), ((7, 1, 99), (7, 2, 0)),
        ((7, 2, 89), (8, 0, 0)), ((10, 2, 94), (11, 0, 0)), ((11, 0, 50), (11, 1, 0)),
        ((7, 2, 0), None), ((7, 2, 49), None), ((2, 12, 1), None),
    ],
)  # fmt: skip
def test_what_development_leads_to(version, following):
    assert find_next_release(version) == following


def test_an_answer_says_that_it_rests_on_a_version():
    answer = ask(of("7.2.22"), "version:>=7.2")
    assert answer.evidence == "the version QEMU gives itself (query-version)"
    for part in ("7.2.22", "rests on a version", "backport"):
        assert part in answer.why


def test_an_answer_about_development_says_so():
    answer = ask(of("7.1.92"), "version:>=7.2")
    for part in ("7.1.92", "on the way to 7.2", "rests on a version", "backport"):
        assert part in answer.why


NUMBERS = st.tuples(st.integers(0, 12), st.integers(0, 16), st.integers(0, 99))
BOUNDS = st.lists(st.integers(0, 99), min_size=1, max_size=3)


def write(numbers):
    return ".".join(map(str, numbers))


def judge_all(version, bound):
    return {each: judge(write(version), each + write(bound)) for each in ("<", "==", ">")}


@given(NUMBERS, NUMBERS)
def test_exactly_one_of_less_equal_and_greater(version, bound):
    verdicts = judge_all(version, bound)
    if UNKNOWN not in verdicts.values():
        assert sorted(each.value for each in verdicts.values()) == ["no", "no", "yes"]
    else:
        assert set(verdicts.values()) == {UNKNOWN}


@given(NUMBERS, BOUNDS)
def test_what_development_leads_to_is_all_that_is_unknown(version, bound):
    is_next = find_next_release(version) == (*bound, 0, 0)[:3]
    assert (judge(write(version), ">=" + write(bound)) is UNKNOWN) == is_next
    assert not is_next or version[2] >= 50


@given(NUMBERS, BOUNDS)
@pytest.mark.parametrize(("one", "other"), [(">=", "<"), ("<=", ">"), ("==", "!="), ("=", "!=")])
def test_contraries(one, other, version, bound):
    verdicts = {judge(write(version), each + write(bound)) for each in (one, other)}
    assert verdicts in ({YES, NO}, {UNKNOWN})


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_later_version_is_at_least_what_an_earlier_is(version, other, bound):
    earlier, later = sorted((version, other))
    at_least = f">={write(bound)}"
    assert not (judge(write(earlier), at_least) is YES and judge(write(later), at_least) is NO)


@given(NUMBERS, BOUNDS)
def test_zeros_that_are_left_out_change_no_order(version, bound):
    whole = (*bound, 0, 0)[:3]
    for comparison in (">=", ">", "<=", "<"):
        shorter, longer = (
            judge(write(version), comparison + write(each)) for each in (bound, whole)
        )
        assert shorter is longer
