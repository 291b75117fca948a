"""The AUC of scores spread over processes is that of all scores together."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hepad.metrics import auc
from hepad.metrics.gathered import ExactAuc


def test_batches_add_up_to_the_exact_auc():
    rng = np.random.default_rng(0)
    scores, labels = 1e6 * rng.normal(size=301), rng.random(301) < 0.4
    metric = ExactAuc()
    for part in np.array_split(np.arange(301), 7):
        metric.update(torch.from_numpy(scores[part]), torch.from_numpy(labels[part]))
    assert metric.compute().item() == auc(scores[~labels], scores[labels])


def test_float32_scores_far_outside_the_unit_interval_are_not_squashed():
    metric = ExactAuc()
    metric.update(torch.tensor([50.0, 51.0, 52.0, 53.0]), torch.tensor([0, 0, 1, 1]))
    assert metric.compute().item() == 1.0


def test_reset_forgets():
    metric = ExactAuc()
    metric.update(torch.tensor([5.0, 1.0]), torch.tensor([False, True]))
    metric.reset()
    metric.update(torch.tensor([1.0, 5.0]), torch.tensor([False, True]))
    assert metric.compute().item() == 1.0


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="expected"):
        ExactAuc().update(torch.zeros(3, 1), torch.zeros(3, 1))


WORKER = """
import sys, torch, torch.distributed as dist
from hepad.metrics.gathered import ExactAuc
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method="file://" + store, rank=rank, world_size=2)
metric = ExactAuc()
# Unequal shares: the second process saw fewer entries, and no signal.
if rank == 0:
    metric.update(torch.tensor([10.0, 40.0, 30.0]), torch.tensor([False, True, True]))
    metric.update(torch.tensor([20.0]), torch.tensor([False]))
else:
    metric.update(torch.tensor([35.0, 5.0]), torch.tensor([False, False]))
print(metric.compute().item())
dist.destroy_process_group()
"""


def test_two_processes_with_unequal_shares_agree_on_the_whole(tmp_path: Path):
    command = [sys.executable, "-W", "ignore", "-c", WORKER]
    workers = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store")], stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    outputs = [worker.communicate(timeout=120)[0].strip() for worker in workers]
    expected = auc([10, 20, 35, 5], [40, 30])
    assert [float(output) for output in outputs] == [expected, expected]
