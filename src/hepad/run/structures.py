"""Refusal of a model or a loss that does not take the entries of the data, by their structure."""

from collections.abc import Sequence
from typing import Any

import hepad.data
import hepad.models
from hepad.core.errors import UserError
from hepad.core.structure import STRUCTURES, check_structures, plural
from hepad.data import AnomalyDataModule
from hepad.models import AnomalyModel


def check_data(data: type[AnomalyDataModule]) -> None:
    """Raise `UserError` for a user's own data that do not say what their entries are."""
    if (found := getattr(data, "structure", None)) not in STRUCTURES:
        told = "does not declare" if found is None else f"declares {found!r} as"
        raise UserError(
            f"data {data.__name__} {told} the structure of its entries; one of {', '.join(STRUCTURES)} is needed, "
            'such as structure = "vector"'
        )


def check_model(model: Any, data: type[AnomalyDataModule]) -> None:
    """Raise `UserError` where a model does not take the entries of the data; say which data it takes."""
    check_structures(f"model {model.__name__}", getattr(model, "structures", None), getattr(model, "kinds", None))
    if data.structure not in model.structures:
        raise UserError(
            f"model {model.__name__} takes {plural(model.structures)}, not the {plural({data.structure})} of "
            f"data={data.kind}; choose {_fitting(model.structures)}another model"
        )


def check_context(model: type[AnomalyModel], context: Sequence[str]) -> None:
    """Raise `UserError` for a context of a model that takes none; say which models do."""
    if not context or model.context_use != "refuse":
        return
    taking = [name for name, found in vars(hepad.models).items() if getattr(found, "context_use", "") == "condition"]
    instead = f"choose one that does, such as {', '.join(sorted(taking))}" if taking else "none of hepad's own does"
    raise UserError(
        f"model {model.__name__} takes no context; leave data.context=[{','.join(context)}] out, or {instead}"
    )


def check_loss(loss: Any, data: type[AnomalyDataModule], instead: str) -> None:
    """Raise `UserError` where a loss is not defined for the entries of the data; say what to choose `instead`."""
    check_structures(f"loss {loss.__name__}", loss.structures or (), getattr(loss, "kinds", None))
    if loss.structures is not None and data.structure not in loss.structures:
        raise UserError(
            f"loss {loss.__name__} is defined for {plural(loss.structures)}, not for the {plural({data.structure})} of "
            f"data={data.kind}; {instead}"
        )


def _fitting(structures: frozenset[str]) -> str:
    """The data of hepad whose entries have one of some structures, to choose from."""
    classes = (getattr(hepad.data, name) for name in hepad.data.__all__)
    kinds = sorted(
        found.kind
        for found in classes
        if isinstance(found, type) and issubclass(found, AnomalyDataModule) and found is not AnomalyDataModule
        if found.structure in structures
    )
    return "".join(f"data={kind} or " for kind in kinds)
