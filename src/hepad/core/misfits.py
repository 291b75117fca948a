"""Sentences on parts of a run that do not fit, said before torch is imported, and again where the parts meet."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hepad.core.errors import UserError

LABELS_EXAMPLE: Final = "'data.train=[{sample: zero_bias, label: 0}, {sample: ttbar, label: 1}]'"


def no_code(model: str) -> str:
    """Return what is wrong with a latent search through a model without a code."""
    return (
        f"inference=latent_search needs a generator or a decoder; {model} has none; choose inference=forward or a "
        "model such as gan, bigan, vae"
    )


def compares_entries(loss: str) -> str:
    """Return what is wrong with a reconstruction loss in an adversarial game."""
    return f"loss {loss} compares entries; use loss=hinge or loss=non_saturating"


def compares_no_entries(loss: str) -> str:
    """Return what is wrong with the loss of a game in an autoencoder."""
    return f"loss {loss} does not compare entries; use mse, mae, huber or another"


def lacks_labels(model: str, roles: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong with the roles of a model that tells label 1 from label 0; empty where they have both."""
    labels = {role.get("label") for role in roles}
    if labels == {0, 1}:
        return ""
    given = ", ".join(sorted(str(label) for label in labels if label is not None)) or "none"
    return (
        f"model {model} tells label 1 from label 0, and the labels in data.train are: {given}; give roles of both, "
        f"such as {LABELS_EXAMPLE}"
    )


class MissingFeaturesError(UserError):
    """Features that a file does not have, with the advice of a training.

    Attributes:
        fact: the message without advice, for commands that cannot choose features.
        shared: those of the features that the file has.
    """

    def __init__(self, message: str, fact: str = "", shared: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fact = fact or message
        self.shared = tuple(shared)


def check_has_features(path: object, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise `MissingFeaturesError` where a file lacks features that are wanted; their order does not matter.

    >>> from hepad.core.misfits import check_has_features
    >>> check_has_features("a.h5", ["pt", "nope"], ["pt", "eta"])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    hepad.core.misfits.MissingFeaturesError: a.h5 has no feature nope; it has: pt, eta; data.features=[pt] takes ...
    """
    missing = [name for name in wanted if name not in names]
    if not missing:
        return
    shared = [name for name in wanted if name in names]
    fact = f"{path} has no feature {', '.join(missing)}; it has: {', '.join(names)}"
    advice = f"; data.features=[{','.join(shared)}] takes those that it has" if shared else ""
    raise MissingFeaturesError(fact + advice, fact, shared)
