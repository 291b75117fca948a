"""Numbers as text, and the tables made from an evaluation."""

import numpy as np
import pytest

from hepad.metrics import BASELINES, ScoredSample, evaluate
from hepad.report import (
    Difference,
    Interval,
    Named,
    Setting,
    correlation_table,
    headline_table,
    matched_table,
    working_point_table,
)
from hepad.report.formatting import flatten, format_cell, format_setting, is_numeric, sort_key


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, "–"),
        ("ttbar", "ttbar"),
        (True, "True"),
        (12, "12"),
        (1234567, "1\u202f234\u202f567"),
        (0.58, "0.5800"),
        (-0.25, "−0.2500"),
        (0.0, "0.0000"),
        (7.187, "7.187"),
        (123.4567, "123.5"),
        (12345.6, "12346"),
        (0.00012, "0.000120"),
        (0.009062, "0.00906"),
        (2.5e-7, "2.50 × 10⁻⁷"),
        (-3.5e9, "−3.50 × 10⁹"),
        (float("nan"), "nan"),
        (np.float64(0.5), "0.5000"),
        (Interval(0.8713, 0.8696, 0.8730), "0.8713(17)"),
        (Interval(0.97, 0.95, 0.976), "0.970 +0.006 −0.020"),
        (Interval(1.0, 0.999, 1.0), "1.0000 +0.0000 −0.0010"),
        (Interval(1 - 2e-9, 1 - 4e-9, 1 - 1e-9), "1.00000(<1)"),
        (Interval(0.5, 0.5, 0.5), "0.5000(0)"),
        # DeLong's interval is never quite symmetric: half of it is what a reader wants.
        (Interval(0.8564, 0.8483, 0.8641), "0.8564(79)"),
        (Interval(0.5069, 0.4943, 0.5195), "0.507(13)"),
        (Interval(0.997021, 0.996720, 0.997300), "0.9970(3)"),
        (Interval(0.997021, 0.996930, 0.997110), "0.99702(9)"),
        (Interval(0.40837, 0.407372, 0.409368), "0.4084(10)"),
        (Difference(-0.01234, 0.0045), "−0.0123(45)"),
        (Difference(0.0001, 2e-7, "*"), "+0.00010(<1) *"),
    ],
)
def test_cells_read_well(cell, text):
    assert format_cell(cell) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.0012520653814999472", "0.001252"),
        ("0.5", "0.5"),
        ("1e-3", "1e-3"),
        ("1234567890", "1234567890"),
        ("vae", "vae"),
        ("nan", "nan"),
        ("[16,8]", "[16,8]"),
    ],
)
def test_settings_have_four_digits(text, shown):
    assert format_setting(text) == shown


@pytest.mark.parametrize(
    ("cell", "key"),
    [
        (None, ""),
        ("9", ""),
        (3, "3.0"),
        (0.1, "0.1"),
        (Interval(0.5, 0.4, 0.6), "0.5"),
        (float("nan"), ""),
        (True, ""),
        (Setting("1e-3"), "0.001"),
        (Setting("vae"), ""),
    ],
)
def test_numbers_sort_by_their_full_value(cell, key):
    assert sort_key(cell) == key


def test_nested_provenance_becomes_pairs_in_order():
    tree = {"b": {"x": 1, "y": {"z": None}}, "a": [1, 2], "empty": {}}
    assert list(flatten(tree)) == [("b.x", "1"), ("b.y.z", "None"), ("a", "1, 2"), ("empty", "{}")]


@pytest.fixture
def evaluation():
    rng = np.random.default_rng(0)
    samples = {
        name: ScoredSample(
            name,
            rng.normal(shift, 1, 3000),
            {"pt": rng.normal(size=3000)},
            {b: rng.normal(shift / 2, 1, 3000) for b in BASELINES},
        )
        for name, shift in (("zero_bias", 0), ("jet_ht", 1), ("ttbar", 2))
    }
    return evaluate(samples, "zero_bias", ["zero_bias", "jet_ht"])


def test_the_headline_has_a_row_per_pair_with_the_baselines_beside(evaluation):
    table = headline_table(evaluation)
    assert table.header == [
        *("Signal", "Reference", "AUC", "Best trivial score", "Difference"),
        *("Σ pT", "Multiplicity", "‖x − mean‖²", "Mahalanobis", "Isolation forest"),
    ]
    assert [row[:2] for row in table.rows] == [
        ["jet_ht", "zero_bias"],
        ["ttbar", "zero_bias"],
        ["ttbar", "jet_ht"],
    ]
    area = table.rows[1][2]
    assert isinstance(area, Interval)
    assert area.value == evaluation.metrics["test/auc/ttbar_vs_zero_bias"]
    areas = {b: evaluation.metrics[f"test/baseline_auc/{b}/ttbar_vs_zero_bias"] for b in BASELINES}
    assert table.rows[1][3] == Named(max(areas.values()), "isolation forest")
    assert areas["isolation_forest"] == max(areas.values())
    assert table.rows[1][4].value == area.value - max(areas.values())
    assert list(table.rows[1][5:]) == list(areas.values())


def test_at_equal_loudness_a_row_tells_what_is_in_common(evaluation):
    table = matched_table(evaluation)
    assert table.header[-2:] == ["Overlap", "Entries"]
    assert [row[:2] for row in table.rows] == [row[:2] for row in headline_table(evaluation).rows]
    row = table.rows[1]
    assert row[2].value == evaluation.metrics["test/matched_auc/ttbar_vs_zero_bias"]
    assert row[-1] == round(evaluation.metrics["test/matched_entries/ttbar_vs_zero_bias"])
    del evaluation.metrics["test/matched_auc/ttbar_vs_zero_bias"]
    assert matched_table(evaluation).rows[1][2:-2] == [None] * 8


def test_a_number_with_its_name_is_escaped_and_sorted_by_the_number():
    cell = Named(0.75, "<b>")
    assert format_cell(cell) == "0.7500<br><small>&lt;b&gt;</small>"
    assert sort_key(cell) == "0.75"
    assert is_numeric(cell)


def test_working_points_show_only_rates_that_are_known(evaluation):
    table = working_point_table(evaluation)
    assert table.header == ["Signal", "Reference", "TPR at FPR 1e-2", "Max SIC"]
    assert table.rows[0][2] == evaluation.metrics["test/tpr_at_fpr_1e-2/jet_ht_vs_zero_bias"]


def test_correlations_are_of_the_background(evaluation):
    (row,) = correlation_table(evaluation).rows
    assert row[0] == "pt"
    assert row[1] == evaluation.metrics["test/pearson/pt"]
