"""The user's request: `configs/simulate.yaml` read into checked settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig, OmegaConf

from hepad.cluster import Cluster, read_cluster
from hepad.core.errors import UserError
from hepad.core.schema import JET_FEATURES
from hepad.simulation.event import Events
from hepad.simulation.records import Array
from hepad.simulation.settings import Settings, check_workers, events_per_sample
from hepad.simulation.showers import ShowerSettings


@dataclass(frozen=True)
class Request:
    """Parameters of a simulation: settings, output, number of processes, and the cluster in their place, if any."""

    settings: Settings
    output: Path
    workers: int | None
    validate: bool
    cluster: Cluster | None = None


def read_request(cfg: DictConfig) -> Request:
    """Return the request of a composed config; raises `UserError` for anything that cannot be done."""
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    pileup = plain["pileup"]
    if isinstance(mean := pileup["mean"], bool) or not isinstance(mean, int | float):
        raise UserError(f"pileup.mean is {mean!r}; it must be a number")
    if not isinstance(plain["validate"], bool):
        raise UserError(f"validate is {plain['validate']!r}; it must be true or false")
    settings = Settings(
        n_events=events_per_sample(plain["samples"] or [], plain["n_events"]),
        seed=plain["seed"],
        pileup_mean=float(mean),
        chunk_size=plain["chunk_size"],
        mantissa_bits=plain["mantissa_bits"],
        showers=ShowerSettings(**plain["showers"]),
    )
    check_workers(plain["workers"])
    return Request(
        settings=settings,
        output=_path(plain["output"], "output"),
        workers=plain["workers"],
        validate=plain["validate"],
        cluster=read_cluster(plain["cluster"], plain["workers"], plain["jobs"]),
    )


def _path(value: Any, name: str) -> Path:
    if not isinstance(value, str) or not value:
        raise UserError(f"{name} is {value!r}; it must be a directory")
    return Path(value).expanduser()


def jet_ht(events: Events) -> Array:
    """Return which events (E,) a jet trigger would keep: H_T > 900 GeV or a jet above 450 GeV."""
    leading_pt = events.jets[:, 0, JET_FEATURES.index("pt")]
    return (events.feature("ht") > 900) | (leading_pt > 450)


SELECTIONS: Final[dict[str, Callable[[Events], Array]]] = {"jet_ht": jet_ht}
