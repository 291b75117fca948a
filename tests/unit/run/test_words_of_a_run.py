"""Words of the command line in provenance: as they were typed, whatever they refer to."""

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from hepad.run.provenance import command_words


def test_words_are_kept_as_they_were_typed(monkeypatch):
    words = ["seed=7", "logger.wandb.notes=${oc.env:SET_NOWHERE}"]
    config = OmegaConf.create({"overrides": {"task": words}})
    monkeypatch.setattr(HydraConfig, "initialized", staticmethod(lambda: True))
    monkeypatch.setattr(HydraConfig, "get", staticmethod(lambda: config))
    assert command_words() == words


def test_without_hydra_they_are_those_of_the_process(monkeypatch):
    monkeypatch.setattr(HydraConfig, "initialized", staticmethod(lambda: False))
    monkeypatch.setattr("sys.argv", ["hepad", "run=here"])
    assert command_words() == ["run=here"]
