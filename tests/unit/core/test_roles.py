"""Roles and folds as a config gives them, before any file is read."""

import pytest

from hepad.core.errors import UserError
from hepad.core.roles import Role, background_sample, check_folds, parse_roles

REGIONS, SAMPLES = ("signal", "sidebands"), ("a", "b")


def test_roles_are_read_with_all_that_is_left_out():
    given = [{"sample": "a", "region": "signal", "label": 1, "weight": 2}, {"sample": "b", "label": 0}]
    assert parse_roles(given, REGIONS, SAMPLES) == (Role("a", "signal", 1, 2.0), Role("b", label=0))
    assert parse_roles(None, REGIONS, SAMPLES) is None
    assert [str(role) for role in parse_roles(given, REGIONS, SAMPLES)] == ["a in signal", "b"]


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ([], "a list of roles"),
        ("a", "a list of roles"),
        ([{"region": "signal"}], r"data\.train\[0\]: a mapping with a sample is needed"),
        (
            [{"sample": "a", "sort": 1}],
            r"data\.train\[0\]\.sort: no such key of a role; allowed: sample, region, label",
        ),
        ([{"sample": "c"}], r"data\.train\[0\]\.sample=c is not a sample; allowed: a, b"),
        ([{"sample": "a", "region": "sr"}], r"region=sr is not a region; allowed: sidebands, signal"),
        ([{"sample": "a", "label": -1}], "label=-1: 0, 1, 2, … or null"),
        ([{"sample": "a", "label": True}], "label=True"),
        ([{"sample": "a", "weight": -1.0}], r"weight=-1\.0: a positive finite factor"),
        ([{"sample": "a", "weight": float("nan")}], "weight=nan: a positive finite factor"),
        ([{"sample": "a", "weight": float("inf")}], "weight=inf: a positive finite factor"),
        ([{"sample": "a", "weight": 0}], "weight=0: a positive finite factor"),
        ([{"sample": "a", "label": 1}, {"sample": "b"}], "a has a label and b has none"),
        ([{"sample": "a"}, {"sample": "a"}], "the roles a and a share entries"),
        ([{"sample": "a"}, {"sample": "a", "region": "signal"}], "the roles a and a in signal share entries"),
        ([{"sample": "a", "region": "signal"}] * 2, "the roles a in signal and a in signal share entries"),
    ],
)
def test_what_is_no_role_is_one_line(roles, said):
    with pytest.raises(UserError, match=said) as error:
        parse_roles(roles, REGIONS, SAMPLES)
    assert "\n" not in str(error.value)


def test_a_region_is_asked_for_where_there_are_none():
    with pytest.raises(UserError, match=r"region=signal is not a region; data\.regions names none"):
        parse_roles([{"sample": "a", "region": "signal"}], (), SAMPLES)


def test_the_background_is_what_the_user_says_and_else_follows_from_the_roles():
    shipped = ("zero_bias",)
    labelled = (Role("a", label=1), Role("b", label=0))
    assert background_sample("a", labelled, SAMPLES, shipped) == "a"
    # The default of the configs is no sample of the user's.
    assert background_sample("zero_bias", labelled, SAMPLES, shipped) == "b"
    assert background_sample("zero_bias", (Role("b"), Role("a")), SAMPLES, shipped) == "b"
    assert background_sample("zero_bias", (Role("b", label=1),), SAMPLES, shipped) == "b"
    for background, roles in (("zero_bias", None), ("zero_bais", labelled)):
        with pytest.raises(UserError, match=rf"data\.background={background} is not a sample; allowed: a, b"):
            background_sample(background, roles, SAMPLES, shipped)


def test_folds_are_at_least_two_and_one_of_them_is_left_out():
    check_folds(None, None)
    check_folds(5, 0)
    check_folds(5, 4)
    for folds, fold, said in (
        (1, 0, "at least 2 are needed"),
        (5, 5, "data.fold=5 is out of range; data.folds=5 has the folds 0 to 4"),
        (5, -1, "data.fold=-1 is out of range"),
        (5, None, "a run tests one fold, data.fold=0 to 4; the command `python -m hepad.train data.folds=5` makes"),
        (None, 1, "data.fold=1 of how many"),
    ):
        with pytest.raises(UserError, match=said) as error:
            check_folds(folds, fold)
        assert "\n" not in str(error.value)
