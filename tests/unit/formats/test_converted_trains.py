"""Every converted file trains: its datamodule reads it, and a model that is built for it has a gradient."""

from pathlib import Path

import h5py
import pytest
import torch
from tests.layouts import LAYOUTS

from hepad.config import RunConfig, compose
from hepad.formats import Request, convert_files
from hepad.run.building import build_data, build_model

# Data set 3 is data set 2 with more cells.
_LARGER = pytest.param("calochallenge3", marks=pytest.mark.thorough)


@pytest.mark.parametrize("name", [_LARGER if name == "calochallenge3" else name for name in sorted(LAYOUTS)])
def test_a_model_learns_from_the_converted_file(name, tmp_path):
    layout = LAYOUTS[name]
    files = [tmp_path / f"{seed}{layout.suffix}" for seed in (1, 2)]
    for seed, path in enumerate(files):
        layout.write(path, seed)
    target = tmp_path / "mine.h5"
    found = convert_files(files, target, Request(format=layout.asked, sample="mine"))
    check_training(found.use, target, tmp_path)
    with h5py.File(target) as file:
        has_constituents = "jet_constituents" in file
    if has_constituents:
        check_training("model=graph_ae data=constituents", target, tmp_path)


def check_training(use: str, target: Path, tmp_path: Path) -> None:
    words = [
        *use.split(),
        "data.bundled=false",
        "data.background=mine",
        f"paths.run={tmp_path}",
        f"++data.samples.mine={target}",
    ]
    config = RunConfig.of(compose("train", words))
    data = build_data(config)
    torch.manual_seed(0)
    model = build_model(config, data).train()
    batch = data.train_entries.batch
    loss = model.losses(batch).mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())
    assert torch.isfinite(model.anomaly_score(batch)).all()
