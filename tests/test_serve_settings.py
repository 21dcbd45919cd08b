"""What a server is made with: settings that no server can keep are refused where they are made."""

from typing import Any

import pytest

from qscope.serve import Limits, Policy


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"deprecated_input": "hide"}, "deprecated_input is 'hide'; accept | reject | crash"),
        ({"unstable_output": "reject"}, "unstable_output is 'reject'; accept | hide"),
        ({"unstable_input": ""}, "unstable_input is ''"),
        ({"deprecated_output": None}, "deprecated_output is None"),
        ({"deprecated_output": ["hide"]}, "deprecated_output is "),
    ],
)
def test_a_policy_of_other_words_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"^Policy: ") as caught:
        Policy(**settings)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"clients": 0},
        {"queue": -1},
        {"message_bytes": 0},
        {"output_bytes": 0},
        {"idle_seconds": -0.1},
        {"drain_seconds": float("nan")},
    ],
)
def test_limits_that_nothing_fits_in_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"is right$"):
        Limits(**settings)


def test_right_settings_are_taken() -> None:
    policy = Policy(deprecated_input="crash", unstable_input="reject", unstable_output="hide")
    assert policy.hidden == {"unstable"}
    assert policy.restricts_input
    assert not Policy().restricts_input
    assert Limits(idle_seconds=0, drain_seconds=0).idle_seconds == 0
