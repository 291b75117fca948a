import numpy as np
import pytest

from hepad.simulation.calorimeter import ECAL, HCAL, SIGNIFICANCE_MIN, Subdetector, measure


def sigma(of: Subdetector, energy: float, eta: float) -> float:
    return float(of.resolution(np.array([energy]), np.array([eta]))[0])


def measure_in_every_cell(of: Subdetector, energy: float, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Put `energy` in every cell with low < η < high of ten events: measured energies and η."""
    cell = np.arange(of.cells.n_cells)
    eta, _ = of.cells.centre_of(cell)
    cell = cell[(eta > low) & (eta < high)]
    slot = (np.arange(10)[:, None] * of.cells.n_cells + cell).ravel()
    hits = measure(of, slot, np.full(len(slot), energy), 10, np.random.default_rng(0))
    np.testing.assert_array_equal(hits.slot, slot)
    return hits.energy, hits.eta


def test_resolutions_are_those_of_the_cms_card() -> None:
    crystals = np.sqrt((0.008 * 50) ** 2 + 0.11**2 * 50 + 0.40**2)
    assert sigma(ECAL, 50, 0) == pytest.approx(crystals)
    assert sigma(ECAL, 50, -1.0) == pytest.approx(1.64 * crystals)
    assert sigma(ECAL, 50, 2.2) == pytest.approx((2.16 + 5.6 * 0.2**2) * crystals)
    assert sigma(ECAL, 50, 4) == pytest.approx(np.sqrt((0.107 * 50) ** 2 + 2.08**2 * 50))
    assert sigma(HCAL, 50, 1) == pytest.approx(np.sqrt((0.05 * 50) ** 2 + 1.5**2 * 50))
    assert sigma(HCAL, 50, -4) == pytest.approx(np.sqrt((0.13 * 50) ** 2 + 2.7**2 * 50))


@pytest.mark.parametrize(("detector", "low", "high"), [(ECAL, 0, 1.5), (ECAL, 1.5, 2.5), (HCAL, -2, 2), (HCAL, 3, 5)])
def test_measured_energies_have_the_width_of_the_formula(detector: Subdetector, low: float, high: float) -> None:
    energy, eta = measure_in_every_cell(detector, 400.0, low, high)
    pull = (energy - 400.0) / detector.resolution(np.full(len(eta), 400.0), eta)
    assert pull.mean() == pytest.approx(0, abs=0.06)
    assert pull.std() == pytest.approx(1, abs=0.04)


@pytest.mark.parametrize("detector", [ECAL, HCAL])
def test_what_is_below_threshold_or_two_sigma_is_not_seen(detector: Subdetector) -> None:
    energy, eta = measure_in_every_cell(detector, 3.0, -1.5, 1.5)
    seen = energy > 0
    assert seen.any()
    assert not seen.all()
    assert (energy[seen] >= detector.energy_min).all()
    assert (energy[seen] >= SIGNIFICANCE_MIN * detector.resolution(energy[seen], eta[seen])).all()


def test_energies_in_one_cell_are_summed_before_they_are_measured() -> None:
    hits = measure(HCAL, np.array([7, 7, 9]), np.array([300.0, 200.0, 50.0]), 1, np.random.default_rng(0))
    assert hits.slot.tolist() == [7, 9]
    assert hits.energy[0] == pytest.approx(500, abs=5 * sigma(HCAL, 500, hits.eta[0]))


def test_nothing_in_gives_nothing_out() -> None:
    empty = np.array([], dtype=np.int64)
    assert len(measure(ECAL, empty, empty.astype(float), 2, np.random.default_rng(0)).slot) == 0
