import numpy as np

from hepad.simulation.records import offsets_of, ragged_indices, wrap_phi


def test_ragged_indices_are_the_ranges_one_after_the_other() -> None:
    assert ragged_indices(np.array([10, 0, 3]), np.array([2, 0, 3])).tolist() == [10, 11, 3, 4, 5]
    assert ragged_indices(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []


def test_offsets_start_at_zero_and_end_at_the_total() -> None:
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]


def test_wrapped_phi_is_the_same_direction_within_pi() -> None:
    phi = np.linspace(-20, 20, 1001)
    wrapped = wrap_phi(phi)
    assert (wrapped >= -np.pi).all()
    assert (wrapped < np.pi).all()
    np.testing.assert_allclose(np.cos(wrapped), np.cos(phi), atol=1e-12)
