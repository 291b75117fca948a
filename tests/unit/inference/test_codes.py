"""Codes depend on seed, entry and restart, and on nothing else."""

import numpy as np
from scipy import stats

from hepad.inference import draw_codes


def test_neither_order_nor_company_nor_number_of_restarts_matters() -> None:
    codes = draw_codes(7, [5, 2, 9], 3, (4, 2))
    assert codes.shape == (3, 3, 4, 2)
    assert np.array_equal(draw_codes(7, [9, 5], 1, (4, 2)), codes[[2, 0], :1])


def test_seed_row_slot_and_restart_all_matter() -> None:
    codes = [
        draw_codes(seed, [identity], 2, (6,))[0, restart]
        for seed in (0, 1)
        for identity in ([3, 0], [3, 1], [4, 0])
        for restart in (0, 1)
    ]
    assert len({code.tobytes() for code in codes}) == len(codes)


def test_they_are_unit_normal() -> None:
    codes = draw_codes(0, np.arange(2000), 2, (5,)).ravel()
    assert stats.kstest(codes, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(codes[:-1], codes[1:])[0, 1]) < 0.03
