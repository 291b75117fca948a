import numpy as np
import pytest

from hepad.core.schema import CALO_SATURATION, CALO_SHAPE
from hepad.simulation.cells import (
    ECAL_CELLS,
    HCAL_CELLS,
    MAX_ABS_ETA,
    REGION_ETA_EDGES,
    Layout,
    leading_trigger_jet,
    region_et,
)


@pytest.mark.parametrize("cells", [ECAL_CELLS, HCAL_CELLS])
def test_points_lie_in_their_cell(cells: Layout) -> None:
    rng = np.random.default_rng(0)
    eta = rng.uniform(-MAX_ABS_ETA, MAX_ABS_ETA, 5000)
    phi = rng.uniform(-np.pi, np.pi, 5000)
    cell = cells.cell_at(eta, phi)
    assert ((cell >= 0) & (cell < cells.n_cells)).all()
    np.testing.assert_array_equal(cells.cell_at(*cells.centre_of(cell)), cell)
    inside = cells.point_in(cell, rng.random(5000), rng.random(5000))
    np.testing.assert_array_equal(cells.cell_at(*inside), cell)
    centre_eta, centre_phi = cells.centre_of(cell)
    assert np.abs(centre_eta - eta).max() < 0.18
    distance = np.abs((centre_phi - phi + np.pi) % (2 * np.pi) - np.pi)
    assert distance.max() <= np.pi / cells.n_phi.min() + 1e-9


def test_central_towers_are_about_0_087_wide() -> None:
    assert np.diff(HCAL_CELLS.eta_edges)[HCAL_CELLS.n_phi == 72].min() == pytest.approx(0.087)
    assert 2 * np.pi / 72 == pytest.approx(0.0873, abs=1e-4)


def test_fourteen_regions_of_four_towers_span_eta_from_minus_3_to_3() -> None:
    assert len(REGION_ETA_EDGES) == CALO_SHAPE[1] + 1
    assert REGION_ETA_EDGES[[0, 7, -1]].tolist() == [-3.0, 0.0, 3.0]
    np.testing.assert_allclose(REGION_ETA_EDGES[8:13], 0.348 * np.arange(1, 6))


def one_region(eta: float, phi: float, et: float = 10.0) -> tuple[int, int]:
    image = region_et(*(np.array([x]) for x in (0, eta, phi, et)), n_events=1)[0]
    row, column = np.argwhere(image)[0]
    return int(row), int(column)


def test_rows_are_phi_from_zero_upwards_and_columns_eta_from_minus_three() -> None:
    assert one_region(-2.9, 0.01) == (0, 0)
    assert one_region(2.9, 0.01) == (0, 13)
    assert one_region(0.1, np.radians(21)) == (1, 7)


def test_phi_is_periodic() -> None:
    assert one_region(0.1, np.radians(-1)) == one_region(0.1, np.radians(359)) == (17, 7)
    assert one_region(0.1, np.pi) == one_region(0.1, -np.pi)


def test_region_energies_add_up_are_rounded_and_saturate() -> None:
    event, eta, phi = np.array([0, 0, 1, 1]), np.full(4, 0.1), np.full(4, 0.1)
    image = region_et(event, eta, phi, np.array([3.2, 4.4, 2000.0, 1.0]), 2)
    assert image.dtype == np.uint16
    assert image.shape == (2, *CALO_SHAPE)
    assert image[0].sum() == image[0, 0, 7] == 8
    assert image[1].max() == CALO_SATURATION


def test_what_is_beyond_eta_3_is_in_no_region() -> None:
    assert region_et(*(np.array([x]) for x in (0, 3.1, 0.0, 50.0)), n_events=1).sum() == 0


def test_a_trigger_jet_goes_around_the_ring_in_phi_and_ends_with_eta() -> None:
    regions = np.zeros((2, *CALO_SHAPE), dtype=np.uint16)
    # 3 + 4 GeV on both sides of φ = 0; 5 and 9 GeV at the two ends of η are no neighbours.
    regions[0, 17, 6], regions[0, 0, 7] = 3, 4
    regions[1, 8, 0], regions[1, 8, 13] = 5, 9
    assert leading_trigger_jet(regions).tolist() == [7, 9]
