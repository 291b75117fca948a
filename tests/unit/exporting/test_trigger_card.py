"""The trigger card says no more than its background can tell."""

from pathlib import Path

import numpy as np

from hepad.exporting.trigger_card import CardScores, quantisation_table, rate_table, write_trigger_card
from hepad.metrics import auc, trigger_rate
from hepad.report import Interval


def scores(n: int = 3000) -> CardScores:
    rng = np.random.default_rng(0)
    found = {"zero_bias": rng.exponential(size=n), "radion": 3 + rng.exponential(size=500)}
    return CardScores("zero_bias", found, {"zero_bias": None, "radion": None})


def test_rates_that_the_background_cannot_tell_say_how_much_it_takes() -> None:
    table = rate_table(scores())
    assert [row[0] for row in table.rows[:3]] == ["1kHz", "3kHz", "10kHz"]
    assert [row[1] for row in table.rows[:3]] == [
        "needs 286,073 background entries", "needs 95,358 background entries", "needs 28,608 background entries",
    ]  # fmt: skip
    assert all(row[3] is None for row in table.rows[:3])


def test_efficiency_is_the_share_of_the_signal_beyond_the_threshold() -> None:
    many = scores(300_000)
    table = rate_table(many)
    one_khz = table.rows[0]
    threshold, efficiency = one_khz[1], one_khz[3]
    assert isinstance(threshold, Interval)
    assert isinstance(efficiency, Interval)
    assert trigger_rate(float((many.scores["zero_bias"] > threshold.value).mean())) <= 1000
    assert efficiency.value == (many.scores["radion"] > threshold.value).mean()
    assert efficiency.low < efficiency.value < efficiency.high


def test_many_bits_lose_nothing_and_few_do() -> None:
    given = scores()
    exact = auc(given.scores["zero_bias"], given.scores["radion"])
    found = {str(row[0]): row[2] for row in quantisation_table(given).rows}
    assert found["float32"] == exact
    assert abs(float(found["16"]) - exact) < 1e-3  # type: ignore[arg-type]
    assert abs(float(found["16"]) - exact) <= abs(float(found["4"]) - exact)  # type: ignore[arg-type]


def test_a_card_is_a_page_and_a_picture(tmp_path: Path) -> None:
    output = tmp_path / "scorer.onnx"
    output.write_bytes(b"model")
    facts = {
        "run": "my_run", "model": "hepad.models.DenseAutoencoder", "format": "onnx", "versions": {},
        "inputs": [{"name": "x", "shape": ["batch", 17]}], "outputs": [{"name": "score"}],
        "checkpoint_sha256": "0" * 64, "thresholds": {"cut": 2.0},
        "parity": {"entries": 10, "max_absolute": 1e-6, "max_relative": 1e-7},
    }  # fmt: skip
    page = write_trigger_card(output, facts, scores(), None)
    assert page == tmp_path / "scorer_onnx_card.html"
    assert "Trigger card of my_run" in page.read_text(encoding="utf-8")
    assert (tmp_path / "scorer_onnx_rate.png").read_bytes().startswith(b"\x89PNG")


def test_ten_entries_are_no_background(tmp_path: Path) -> None:
    few = CardScores("zero_bias", {"zero_bias": np.arange(10.0)}, {"zero_bias": None})
    assert write_trigger_card(tmp_path / "scorer.onnx", {}, few, None) is None
