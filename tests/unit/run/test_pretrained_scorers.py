"""Pretrained scorers: each scores as where it was trained, holds only a scorer, and its card tells its numbers."""

import json
import re
import shutil

import h5py
import numpy as np
import pytest
import torch

import hepad
from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.core.files import file_sha256
from hepad.run import pretrained
from hepad.run.pretrained import REFERENCE, load_pretrained, read_reference
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.pretrained import PretrainedScorer, find_pretrained, pretrained_home

NAMES = list(hepad.list_pretrained())
PARTS = {"epoch", "global_step", "pytorch-lightning_version", "state_dict", "hparams_name", "hyper_parameters"}


@pytest.mark.parametrize("name", NAMES)
def test_it_scores_fifty_bundled_entries_as_it_did(name):
    directory = find_pretrained(name).directory
    kept = read_reference(directory)
    assert len(kept.score) == 50
    assert set(kept.sample) <= set(bundled_files())
    run = load_pretrained(name)
    np.testing.assert_allclose(
        run.score(kept.entries, mask=kept.mask, device="cpu"),
        kept.score,
        rtol=1e-5,
        atol=1e-5 * np.abs(kept.score).max(),
    )
    assert np.ptp(kept.score) > 0


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_holds_a_scorer_and_nothing_of_a_machine(name):
    directory = find_pretrained(name).directory
    for checkpoint in directory.rglob("*.ckpt"):
        assert set(torch.load(checkpoint, weights_only=True)) <= PARTS
    for path in directory.rglob("*"):
        assert path.suffix not in (".pkl", ".pickle", ".npy", ".joblib")
        if path.suffix in (".yaml", ".json", ".csv", ".md"):
            assert not re.search(r"(?<![\w.])/(work|home|root|tmp|Users)/", path.read_text(encoding="utf-8")), path
    facts = read_provenance(directory)
    assert "host" not in facts
    # Trained on the very samples that ship.
    hashes = {sample: file_sha256(path) for sample, path in bundled_files().items()}
    assert {sample: known["sha256"] for sample, known in facts["data"].items()}.items() <= hashes.items()


@pytest.mark.parametrize("name", NAMES)
def test_its_card_tells_the_numbers_of_its_metrics(name):
    directory = find_pretrained(name).directory
    text, metrics = (directory / "README.md").read_text(encoding="utf-8"), read_metrics(directory)
    background = read_provenance(directory)["background"]
    rows = re.findall(r"^\| `(\w+)` \| (\d\.\d{4}) \| \[(\d\.\d{4}), (\d\.\d{4})\] \| (\d\.\d{4}) ", text, re.MULTILINE)
    plain = [name for name in metrics if re.fullmatch(rf"test/(matched_)?auc/\w+_vs_{background}", name)]
    assert len(rows) == len(plain)
    matched: set[str] = set()
    for signal, *shown in rows:
        # The second table is at equal Σ pT.
        prefix = "test/matched_" if signal in matched else "test/"
        matched.add(signal)
        pair = f"{signal}_vs_{background}"
        known = [metrics[f"{prefix}auc/{pair}{end}"] for end in ("", "/low", "/high")]
        known.append(
            max(value for key, value in metrics.items() if re.fullmatch(rf"{prefix}baseline_auc/\w+/{pair}", key))
        )
        assert shown == [f"{value:.4f}" for value in known]
    points = json.loads((directory / "thresholds.json").read_text())["thresholds"]
    for point, values in points.items():
        assert f"| `{point}` | {values['threshold']:.6g} |" in text
    assert all(f"`{file_sha256(path)}`" in text for path in directory.rglob("*.ckpt"))


def test_all_are_small_enough_to_ship():
    assert sum(path.stat().st_size for path in pretrained_home().rglob("*") if path.is_file()) < 8_000_000


def test_the_kept_entries_are_those_of_the_bundled_files():
    jets, images = (read_reference(find_pretrained(name).directory) for name in ("dense_ae/jets", "conv_ae/calo"))
    for kept, dataset in ((jets, "jet_event_data"), (images, "calo_regions")):
        for sample, row, entry, slot in zip(
            kept.sample, kept.index, kept.entries, kept.slot if kept.slot is not None else [None] * 50, strict=True
        ):
            with h5py.File(bundled_files()[sample]) as file:
                found = file[dataset][row]
            np.testing.assert_array_equal(entry.squeeze(), found if slot is None else found[slot])


@pytest.fixture
def other(tmp_path, monkeypatch):
    """A copy of a scorer that may be spoilt, under its own name."""
    found = find_pretrained("gmm/dijets")
    copy = shutil.copytree(found.directory, tmp_path / "gmm-dijets")
    spoilt = PretrainedScorer(found.name, found.line, copy, found.checkpoint_sha256)
    monkeypatch.setattr(pretrained, "find_pretrained", lambda name: spoilt)
    return copy


def test_other_scores_than_were_kept_are_warned_of(other):
    with h5py.File(other / REFERENCE, "r+") as file:
        file["score"][3] += 0.01 * np.abs(file["score"][:]).max()
    facts = json.loads((other / "provenance.json").read_text())
    facts["packages"]["torch"] = "1.0"
    (other / "provenance.json").write_text(json.dumps(facts))
    with pytest.warns(UserWarning, match=r"gmm/dijets scores by up to 0\.0\d+ of the largest .* \(torch 1\.0, here"):
        load_pretrained("gmm/dijets")


def test_other_weights_than_shipped_are_refused(other):
    checkpoint = other / "checkpoints/best.ckpt"
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "epoch": 7}, checkpoint)
    with pytest.raises(UserError, match="not those that hepad ships for gmm/dijets"):
        load_pretrained("gmm/dijets")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(UserError, match="is damaged"):
        load_pretrained("gmm/dijets")


@pytest.mark.parametrize("column", ["score", "entries", "index"])
def test_a_reference_that_is_damaged_is_refused(other, column):
    with h5py.File(other / REFERENCE, "r+") as file:
        kept = file[column][:10]
        del file[column]
        if column == "score":
            file[column] = kept
    with pytest.raises(UserError, match="is damaged"):
        load_pretrained("gmm/dijets")
