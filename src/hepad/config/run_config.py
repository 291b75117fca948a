"""The config of a run as one object that cannot change: made once of what Hydra composed, read by everything else."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from omegaconf import DictConfig, OmegaConf

from hepad.config.sections import Component, DataConfig, DecorrelateConfig, EvaluationConfig, TrainerConfig


@dataclass(frozen=True)
class RunConfig:
    """The config of one run, resolved.

    Nothing behind the command line reads a config but through this object, and nothing changes it: `changed` returns
    another one.

    Args:
        _values: the whole config as plain values, which nobody else holds; `RunConfig.of` makes them.

    >>> from hepad.config import RunConfig, compose
    >>> config = RunConfig.of(compose("train", ["model=vae", "seed=7", "paths.run=my_run"]))
    >>> config.seed, config.model.target, config.data.background, config.trainer.max_epochs
    (7, 'hepad.models.VariationalAutoencoder', 'zero_bias', 100)
    >>> config.changed({"trainer.max_epochs": 3}).trainer.max_epochs, config.trainer.max_epochs
    (3, 100)
    """

    _values: Mapping[str, Any]

    @classmethod
    def of(
        cls, config: "RunConfig | DictConfig | Mapping[str, Any]", changes: Mapping[str, Any] | None = None
    ) -> "RunConfig":
        """Resolve what Hydra composed, or take plain values, as a run's config.yaml holds them.

        Args:
            config: the config; one that is a `RunConfig` already is taken as it is.
            changes: dotted key → plain value, put in before references are resolved, which then see them.
        """
        if isinstance(config, RunConfig):
            return config.changed(changes) if changes else config
        if isinstance(config, DictConfig):
            if changes:
                config = OmegaConf.create(_with(OmegaConf.to_container(config, resolve=False), changes))
            return cls(OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
        return cls(_with(config, changes or {}))

    def changed(self, values: Mapping[str, Any]) -> Self:
        """Return the config with other values: dotted key → plain value, sections that are missing included."""
        return type(self)(_with(self._values, values))

    def plain(self) -> dict[str, Any]:
        """Return the whole config as plain values, to be changed by whoever asked."""
        return copy.deepcopy(dict(self._values))

    def yaml(self) -> str:
        """Return the text of config.yaml."""
        return OmegaConf.to_yaml(OmegaConf.create(self.plain()))

    def value(self, key: str) -> Any:
        """Return the plain value of a dotted key; None where there is none."""
        node: Any = self._values
        for name in key.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        return copy.deepcopy(node)

    @property
    def seed(self) -> int:
        """Seed of weights, shuffling and dropout."""
        return int(self._values["seed"])

    @property
    def ensemble(self) -> int:
        """Number of runs whose scores are averaged; 1 for one run."""
        return int(self._values.get("ensemble") or 1)

    @property
    def data(self) -> DataConfig:
        """Datamodule."""
        return DataConfig(self._values["data"])

    @property
    def model(self) -> Component:
        """Model, with its loss inside."""
        return Component(self._values["model"])

    @property
    def optimizer(self) -> Component:
        """Optimiser, as a factory."""
        return Component(self._values["optimizer"])

    @property
    def scheduler(self) -> Component | None:
        """Scheduler of the learning rate, as a factory."""
        return self._optional("scheduler")

    @property
    def inference(self) -> Component | None:
        """Part that makes the scores in place of one pass through the model."""
        return self._optional("inference")

    @property
    def trainer(self) -> TrainerConfig:
        """Lightning's trainer."""
        return TrainerConfig(self._values["trainer"])

    @property
    def evaluation(self) -> EvaluationConfig:
        """Settings of what is computed once the scores are there."""
        return EvaluationConfig.of(self._values["evaluation"])

    @property
    def decorrelate(self) -> DecorrelateConfig | None:
        """Observable that scores should not follow; None for none."""
        return DecorrelateConfig.of(self._values.get("decorrelate"))

    @property
    def sculpted(self) -> tuple[str, ...]:
        """Observables whose spectrum is shown at cuts: those named, that of `decorrelate`, and the context."""
        own = () if self.decorrelate is None else (self.decorrelate.variable,)
        context = tuple(map(str, self.data.get("context") or ()))
        return tuple(dict.fromkeys((*self.evaluation.sculpting, *own, *context)))

    @property
    def callbacks(self) -> dict[str, Component]:
        """Name → callback, those switched off left out."""
        return self._several("callbacks")

    @property
    def loggers(self) -> dict[str, Component]:
        """Name → logger, those switched off left out."""
        return self._several("logger")

    @property
    def run_dir(self) -> str:
        """Directory of the run when the config was made, as it stands in paths of the config."""
        return str(self._values["paths"]["run"])

    @property
    def sweep_job(self) -> str | None:
        """Name of the job where the run is one of a sweep."""
        found = self.value("sweep.job")
        return None if found is None else str(found)

    def _optional(self, section: str) -> Component | None:
        found = self._values.get(section)
        return Component(found) if found else None

    def _several(self, section: str) -> dict[str, Component]:
        return {str(name): Component(found) for name, found in (self._values.get(section) or {}).items() if found}


def _with(values: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of plain values with others in it, dotted key → value; a number names an item of a list."""
    plain: dict[str, Any] = copy.deepcopy(dict(values))
    for key, value in changes.items():
        *sections, last = key.split(".")
        node: Any = plain
        for name in sections:
            if isinstance(node, dict) and not isinstance(node.get(name), dict | list):
                node[name] = {}
            node = node[int(name) if isinstance(node, list) else name]
        node[int(last) if isinstance(node, list) else last] = copy.deepcopy(value)
    return plain
