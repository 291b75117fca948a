"""Rounded networks: few bits lose much, many nothing; costs are counted; the C simulation agrees to the bit."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.firmware.export_firmware import whole_cut
from hepad.firmware.fixed_point import FixedPoint
from hepad.firmware.folding import as_given, fold, trained_numbers
from hepad.firmware.layers import Conv, Dense, Flatten, MaxOverSlots, Network, Shift, SumOfSquares
from hepad.firmware.project import make_project, simulate, write_project
from hepad.firmware.resources import costs, totals
from hepad.firmware.rounding import rounded
from hepad.firmware.scan import ScoredSamples, scan
from hepad.models import Distilled

RNG = np.random.default_rng(3)


def perceptron() -> Network:
    first = Dense(RNG.normal(size=(4, 3)), RNG.normal(size=4), relu=True)
    return Network((3,), (Shift(np.array([-3.0, 2.0, 0.0])), first, Dense(np.ones((1, 4)), np.zeros(1), relu=False)))


def entries(n: int = 500) -> np.ndarray:
    return RNG.normal(size=(n, 3)) * [8.0, 0.25, 1.0]


def test_each_bit_halves_the_error() -> None:
    network, x = perceptron(), entries()
    error = [np.abs(rounded(network, width, x, 1, 2, 2).score(x) - network.score(x)).max() for width in (8, 12, 16, 20)]
    assert all(a / b > 8 for a, b in pairwise(error))
    assert error[-1] < 1e-4


def test_nothing_of_the_background_saturates_and_what_is_far_beyond_does() -> None:
    network, x = perceptron(), entries()
    found = rounded(network, 16, x, headroom=0)
    assert np.abs(found.score(x)).max() < found.score_format.largest
    assert found.score(1000 * x).max() <= found.score_format.largest
    wider = rounded(network, 16, x, headroom=2).score_format
    assert wider.integer == found.score_format.integer + 1


def test_every_weight_and_score_is_one_of_its_numbers() -> None:
    network, x = perceptron(), entries()
    found = rounded(network, 7, x)
    dense, numbers = found.network.layers[1], found.weights[1]
    assert isinstance(dense, Dense)
    assert numbers is not None
    assert numbers.width == 7
    for values, step in ((dense.weight, numbers.step), (found.score(x), found.score_format.step)):
        np.testing.assert_array_equal(values / step, np.round(values / step))


@pytest.mark.parametrize("width", [1, 21])
def test_widths_that_float64_could_not_follow_are_refused(width: int) -> None:
    with pytest.raises(ValueError, match="2 to 20 bits"):
        rounded(perceptron(), width, entries())


def test_a_threshold_as_a_whole_number_decides_as_the_score_does() -> None:
    numbers = FixedPoint(9, 4)
    scores = numbers.nearest(np.linspace(-9, 9, 4001))
    for cut in (-3.0, 0.0, 0.6, 1 / 32, 7.9):
        whole = whole_cut(cut, numbers)
        np.testing.assert_array_equal(scores / numbers.step > whole["whole"], scores > cut)
        assert whole["reachable"] == bool((scores > cut).any())
    assert not whole_cut(8.0, numbers)["reachable"]


def test_multipliers_are_counted_once_for_each_position() -> None:
    weight = np.array([[0.3, -0.5, 0.0], [1.0, 0.7, 2.0]])
    phi = Dense(weight, np.zeros(2), relu=True)
    sets = Network((5, 3), (Shift(np.zeros(3)), phi, MaxOverSlots(), SumOfSquares()))
    shift, dense, largest, squares = costs(rounded(sets, 16, RNG.normal(size=(50, 5, 3))))
    assert (dense.multipliers, dense.shifts, dense.zeros) == (10, 15, 5)
    assert dense.weight_bits == 16 * (6 + 2)
    assert (shift.shifts, shift.multipliers) == (15, 0)
    assert [each.depth for each in (dense, largest, squares)] == [2, 3, 1]
    assert squares.multipliers == 2
    assert totals([shift, dense, largest, squares])["levels"] == 1 + 2 + 3 + 1 + 1
    conv, last = (
        Conv(np.full((1, 1, 2, 2), 0.3), np.zeros(1), relu=True),
        Dense(np.ones((1, 6)), np.zeros(1), relu=False),
    )
    filters = Network((6, 4, 1), (Shift(np.zeros(1)), conv, Flatten(), last))
    assert costs(rounded(filters, 8, RNG.normal(size=(9, 6, 4, 1))))[1].multipliers == 24


def test_a_scan_finds_the_auc_again_with_enough_bits() -> None:
    network = perceptron()
    x = {"qcd": entries(2000), "new": entries(300) + 0.5}
    samples = ScoredSamples(
        "qcd", x, {"qcd": None, "new": None}, {name: network.score(each) for name, each in x.items()}
    )
    found = scan(network, samples, x["qcd"], headroom=1, widths=(4, 20))
    exact = (samples.scores["qcd"][:, None] < samples.scores["new"]).mean()
    assert found[20]["new"].auc == pytest.approx(exact, abs=1e-4)
    assert abs(found[4]["new"].auc - exact) > 1e-3  # type: ignore[operator]
    assert found[20]["qcd"].auc is None
    assert found[4]["qcd"].mean_absolute > 100 * found[20]["qcd"].mean_absolute


@pytest.mark.parametrize("bits", [pytest.param(None, marks=pytest.mark.thorough), 6])
def test_the_c_simulation_of_a_set_is_the_rounded_network_to_the_bit(tmp_path: Path, bits: int | None) -> None:
    """One small DeepSets, compiled: shifts, dense layers of slots and of vectors, ReLU, maximum, saturation."""
    torch.manual_seed(1)
    mask = torch.arange(3).expand(400, -1) < torch.randint(0, 4, (400, 1))
    batch = Batch(torch.randn(400, 3, 2) * torch.tensor([50.0, 0.5]) * mask.unsqueeze(-1), mask, target=torch.rand(400))
    model = Distilled((3, 2), loss={"_target_": "hepad.losses.MSE"}, phi=[3, 2], rho=[2], bits=bits, headroom=0)
    model.prepare(batch)
    x = as_given(model, batch.x, batch.mask)
    network = trained_numbers(model) or rounded(fold(model), 9, x, 0, 9, 9)
    given = np.concatenate([x, x * [4.0, 4.0, 1.0]])
    project = make_project(network, tmp_path / "project")
    scores = simulate(project, given)
    np.testing.assert_array_equal(scores, network.score(given))
    if bits is not None:
        far = Batch(torch.cat([batch.x, 4 * batch.x]), torch.cat([mask, mask]))
        np.testing.assert_array_equal(scores, model.anomaly_score(far).detach().double().numpy())
    write_project(project, tmp_path / "project")
    assert not list(tmp_path.rglob("*.so"))
    assert str(tmp_path) not in (tmp_path / "project/hls4ml_config.yml").read_text()
