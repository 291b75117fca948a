"""Who is who among processes that torchrun, SLURM or the user has started, and what is refused."""

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment

from hepad.config import RunConfig, compose
from hepad.core.errors import UserError
from hepad.run.building import build_trainer
from hepad.run.nodes import is_first, is_launched, launcher

BY_HAND = {"MASTER_ADDR": "node0", "MASTER_PORT": "29500", "LOCAL_RANK": "0"}
TORCHRUN = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "4", "LOCAL_RANK": "0", "GROUP_RANK": "0"}
SLURM = {
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_JOB_NAME": "train",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
}


@pytest.fixture
def environment(monkeypatch):
    for name in (*BY_HAND, *TORCHRUN, *SLURM, "RANK", "NODE_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)

    def put(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize(
    ("variables", "kind", "first"),
    [
        ({**BY_HAND, "NODE_RANK": "0"}, LightningEnvironment, True),
        ({**BY_HAND, "NODE_RANK": "1"}, LightningEnvironment, False),
        ({**BY_HAND, "NODE_RANK": "0", "LOCAL_RANK": "1"}, LightningEnvironment, False),
        ({**TORCHRUN, "RANK": "0"}, TorchElasticEnvironment, True),
        ({**TORCHRUN, "RANK": "2"}, TorchElasticEnvironment, False),
        ({**SLURM, "SLURM_PROCID": "0"}, SLURMEnvironment, True),
        ({**SLURM, "SLURM_PROCID": "3"}, SLURMEnvironment, False),
    ],
)
def test_one_process_of_all_makes_the_run(environment, variables, kind, first):
    environment(variables)
    assert is_launched(2)
    assert type(launcher(2)) is kind
    assert is_first(2) is first


def test_on_one_machine_hepad_starts_processes_itself_also_in_a_job_of_slurm(environment):
    environment({**SLURM, "SLURM_PROCID": "1"})
    assert not is_launched(1)
    assert is_first(1)
    assert type(launcher(1)) is LightningEnvironment


def test_torchrun_on_one_machine_has_started_all_of_them(environment):
    environment({**TORCHRUN, "RANK": "1"})
    assert is_launched(1)
    assert not is_first(1)


def test_several_nodes_that_nobody_has_started(environment):
    environment({"MASTER_ADDR": "node0"})
    with pytest.raises(UserError, match="with torchrun or srun, or set MASTER_PORT, NODE_RANK, LOCAL_RANK"):
        is_first(2)


def test_another_number_of_processes_than_were_started(environment, tmp_path):
    environment({**TORCHRUN, "RANK": "0"})
    words = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=3", "callbacks.progress=null"]
    cfg = RunConfig.of(compose("train", [*words, f"paths.run={tmp_path}"]))
    with pytest.raises(UserError, match=r"trainer\.devices=3 on trainer\.num_nodes=1 nodes are not"):
        build_trainer(cfg, [])
