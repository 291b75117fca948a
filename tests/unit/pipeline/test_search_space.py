"""Search spaces in Hydra's sweep syntax."""

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from hepad.core.errors import UserError
from hepad.pipeline.trials import distributions, example, parse_space


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("interval(0.1, 0.5)", FloatDistribution(0.1, 0.5)),
        ("tag(log, interval(1e-4, 1e-2))", FloatDistribution(1e-4, 1e-2, log=True)),
        ("int(interval(1, 8))", IntDistribution(1, 8)),
        ("tag(log, int(interval(1, 64)))", IntDistribution(1, 64, log=True)),
        ("range(2, 9)", IntDistribution(2, 8)),
        ("range(16, 65, 16)", IntDistribution(16, 64, step=16)),
        ("range(0.0, 0.3, 0.1)", CategoricalDistribution(["0.0", "0.1", "0.2"])),
        ("choice(relu, elu)", CategoricalDistribution(["relu", "elu"])),
        ("[16],[32,16]", CategoricalDistribution(["[16]", "[32,16]"])),
    ],
)
def test_hydra_s_sweeps_are_optuna_s_distributions(values, expected):
    assert distributions(parse_space({"model.key": values})) == {"model.key": expected}


@pytest.mark.parametrize("values", ["16", "interval(1", "a~b,c"])
def test_what_is_not_a_space_is_refused(values):
    with pytest.raises(UserError, match=r"sweep\.search_space\.key"):
        parse_space({"key": values})


@pytest.mark.parametrize("values", ["interval(2.0, 1.0)", "tag(log, interval(0.0, 1.0))", "range(5, 5)"])
def test_an_empty_space_is_refused(values):
    with pytest.raises(UserError, match="key="):
        distributions(parse_space({"key": values}))


@pytest.mark.parametrize(("values", "first"), [("interval(0.5,1)", "0.5"), ("choice(a,b)", "a"), ("range(2,4)", "2")])
def test_an_example_of_a_space(values, first):
    assert example(parse_space({"key": values})[0]) == first
