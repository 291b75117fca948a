"""A student's score against its teacher's."""

import numpy as np
import pytest
from scipy import stats

from hepad.metrics.agreement import agreement, auc_loss_warnings, student_metrics


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=10_000)
    return truth, truth + 0.3 * rng.normal(size=10_000) - 0.5 * np.maximum(truth, 0)


def test_bias_and_width_are_those_of_each_tenth(scores):
    truth, student = scores
    found = agreement(truth, student)
    order = np.argsort(truth)
    errors = (student - truth)[order].reshape(10, 1000)
    np.testing.assert_allclose(found.bias, errors.mean(axis=1), rtol=0.02, atol=2e-3)
    np.testing.assert_allclose(found.width, errors.std(axis=1), rtol=0.02)
    np.testing.assert_allclose(found.high, np.linspace(0.1, 1, 10), atol=1e-3)
    assert found.spearman == pytest.approx(stats.spearmanr(truth, student).statistic)
    assert found.rms == pytest.approx(np.sqrt(np.mean((student - truth) ** 2)))


def test_a_perfect_student_has_no_error(scores):
    found = agreement(scores[0], scores[0])
    assert (found.bias == 0).all()
    assert (found.width == 0).all()
    assert found.spearman == pytest.approx(1)


def test_entries_of_one_true_score_share_a_bin():
    truth = np.r_[np.zeros(600), np.arange(1, 401)]
    found = agreement(truth, truth + 1)
    assert len(found.bias) < 10
    assert found.high[0] >= 0.6
    np.testing.assert_allclose(np.diff(found.high)[1:], 0.1, atol=0.01)
    assert found.high[-1] == 1


@pytest.mark.parametrize("truth", [np.zeros(50), np.array([1.0])])
def test_constant_scores_are_one_bin(truth):
    found = agreement(truth, truth + 2)
    assert found.bias.tolist() == [2]
    assert found.spearman is None


def test_the_names_in_metrics(scores):
    truth, student = scores
    teacher, students = {"bg": truth, "sig": truth + 1}, {"bg": student, "sig": student + 1}
    found = student_metrics(teacher, students, "bg", ["bg"])
    assert set(found) == {
        "test/teacher_auc/sig_vs_bg",
        "test/student/rms/bg",
        "test/student/rms/sig",
        "test/student/spearman/bg",
        "test/student/spearman/sig",
        "test/student/top_decile_bias",
        "test/student/top_decile_width",
    }
    assert found["test/teacher_auc/sig_vs_bg"] == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.01)
    assert found["test/student/top_decile_bias"] < -0.5


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="equal numbers"):
        agreement([1.0, 2.0], [1.0])


def test_a_student_that_loses_its_teachers_auc_is_named():
    metrics = {"test/auc/a_vs_b": 0.9, "test/auc/c_vs_b": 0.9, "test/auc/a_vs_c": 0.5}
    metrics |= {"test/teacher_auc/a_vs_b": 0.93, "test/teacher_auc/c_vs_b": 0.91, "test/teacher_auc/a_vs_c": 0.9}
    (said,) = auc_loss_warnings(metrics, "b")
    assert said == "Against b the student loses more than 0.02 of its teacher's AUC: a (AUC 0.900, teacher 0.930)."
    assert auc_loss_warnings({"test/auc/a_vs_b": 0.95, "test/teacher_auc/a_vs_b": 0.93}, "b") == []
