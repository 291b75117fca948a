"""Runs of earlier versions: what their configs name is found where it is now."""

import yaml
from hydra.utils import get_object

from hepad.config.allow_list import shipped_targets
from hepad.rundir.config_file import RENAMED, read_config


def test_every_new_name_is_shipped_and_no_old_one_is():
    assert set(RENAMED.values()) <= shipped_targets()
    assert not set(RENAMED) & shipped_targets()
    assert all(callable(get_object(name)) for name in RENAMED.values())


def test_a_config_is_read_with_the_present_names(tmp_path):
    logger = {"_target_": "hepad.run.loggers.wandb_logger", "tags": ["hepad.run.loggers.wandb_logger"]}
    config = {
        "model": {"_target_": "hepad.models.BiGAN"},
        "inference": {"_target_": "hepad.callbacks.LatentSearchInference", "loss": {"_target_": "hepad.losses.MSE"}},
        "logger": {"wandb": logger},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    found = read_config(tmp_path)
    assert found["inference"]["_target_"] == "hepad.inference.LatentSearchInference"
    assert found["logger"]["wandb"]["_target_"] == "hepad.logging.loggers.wandb_logger"
    # Only what is built has a new name.
    assert found["logger"]["wandb"]["tags"] == logger["tags"]
    assert found["model"] == config["model"]
