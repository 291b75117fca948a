"""What the sections of a run's report tell in tables."""

from hepad.metrics import Evaluation, RocCurve
from hepad.report.section_tables import STUDENT, SYMMETRIES, section_tables


def evaluation(curve: RocCurve | None = None, **metrics: float) -> Evaluation:
    found = Evaluation("b", metrics={name.replace("__", "/"): value for name, value in metrics.items()})
    if curve is not None:
        found.rocs["s", "b"] = curve
    return found


def test_nothing_to_tell_gives_no_table():
    assert section_tables(evaluation()) == {}


def test_student_beside_teacher():
    metrics = {
        "test__auc__s_vs_b": 0.9,
        "test__teacher_auc__s_vs_b": 0.95,
        "test__student__rms__s": 2.0,
        "test__student__rms__b": 1.0,
        "test__student__spearman__b": 0.99,
        "test__student__top_decile_bias": -0.1,
        "test__student__top_decile_width": 0.2,
    }
    areas, errors = section_tables(evaluation(RocCurve.__new__(RocCurve), **metrics))[STUDENT]
    (row,) = areas.rows
    assert list(row[:4]) == ["s", "b", 0.9, 0.95]
    assert round(row[4], 6) == -0.05
    assert errors.rows == [["s", None, 2.0, None, None], ["b", 0.99, 1.0, -0.1, 0.2]]


def test_both_symmetries_of_images_are_told():
    metrics = {"test__phi_rotation__rms_over_spread": 0.3, "test__eta_flip__rms_over_spread": 0.2}
    (table,) = section_tables(evaluation(**metrics))[SYMMETRIES]
    assert table.rows == [["Rotation in φ", 0.3], ["Mirror in η", 0.2]]
