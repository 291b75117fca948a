"""Roles: which entries of which sample are trained on, and as what; contamination; folds, which are tested instead."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from hepad.core.errors import UserError

SIGNAL_SUFFIX: Final = "_signal"
"""Added to the name of a sample for those of its entries that are signal, where the file says which are."""

_KEYS: Final = ("sample", "region", "label", "weight")


@dataclass(frozen=True)
class Role:
    """Entries to train on.

    Attributes:
        sample: where they are from.
        region: in which they lie (`data.regions`); None for all of the sample.
        label: the class that a classifier learns them as; None for none.
        weight: factor of their weights in training and validation; None for 1.

    >>> from hepad.core.roles import Role
    >>> str(Role("data", "sidebands", label=0))
    'data in sidebands'
    """

    sample: str
    region: str | None = None
    label: int | None = None
    weight: float | None = None

    def __str__(self) -> str:
        return self.sample if self.region is None else f"{self.sample} in {self.region}"

    def facts(self) -> dict[str, Any]:
        """Return the role as plain JSON values."""
        return asdict(self)


def parse_roles(
    given: Sequence[Mapping[str, Any]] | None, regions: Collection[str], samples: Collection[str]
) -> tuple[Role, ...] | None:
    """Return the roles of `data.train`; None where the background alone is trained on.

    Args:
        given: a list of mappings with the keys sample, region, label and weight.
        regions: names of the regions that there are.
        samples: names of the samples that there are.

    Raises:
        UserError: no roles, a key, sample or region that does not exist, a label or a weight that is none, labels for
            some roles alone, or two roles with the same entries.
    """
    if given is None:
        return None
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise UserError("data.train: a list of roles such as [{sample: zero_bias, region: sidebands}] is needed")
    roles = tuple(_role(f"data.train[{i}]", role) for i, role in enumerate(given))
    for i, role in enumerate(roles):
        if role.sample not in samples:
            raise UserError(
                f"data.train[{i}].sample={role.sample} is not a sample; allowed: {', '.join(sorted(samples))}"
            )
        if role.region is not None and role.region not in regions:
            there = f"allowed: {', '.join(sorted(regions))}" if regions else "data.regions names none"
            raise UserError(f"data.train[{i}].region={role.region} is not a region; {there}")
        for other in roles[:i]:
            if other.sample == role.sample and (None in (role.region, other.region) or role.region == other.region):
                raise same_entries(other, role)
    labelled = [role for role in roles if role.label is not None]
    if labelled and len(labelled) < len(roles):
        without = next(role for role in roles if role.label is None)
        raise UserError(f"data.train: {labelled[0]} has a label and {without} has none; label all roles, or none")
    return roles


def same_entries(one: Role, other: Role, n: int | None = None) -> UserError:
    """Return what is raised for two roles that share `n` entries; None where they share all of a sample or a region."""
    number = "" if n is None else f" {n}"
    return UserError(
        f"data.train: the roles {one} and {other} share{number} entries; an entry has one role: give them regions "
        "that do not overlap"
    )


@dataclass(frozen=True)
class Contamination:
    """Signal among what is trained on, for studies.

    Attributes:
        sample: where it is from; None for what the truth calls signal in the samples that are trained on.
        fraction: of the entries that train, and of those that validate.
    """

    sample: str | None
    fraction: float

    def __str__(self) -> str:
        return f"{self.fraction:.3g} of it {self.sample or 'signal'}"

    def number(self, n_background: int) -> int:
        """Return how many entries of signal make up the fraction beside `n_background` others.

        >>> from hepad.core.roles import Contamination
        >>> Contamination("ttbar", 0.1).number(900)
        100
        """
        return round(self.fraction / (1 - self.fraction) * n_background)


def parse_contamination(
    given: Mapping[str, Any] | None, background: str, samples: Collection[str], roles: Sequence[Role] | None
) -> Contamination | None:
    """Return what `data.contamination` says.

    Args:
        given: a mapping with the keys sample and fraction.
        background: the sample that stands for background.
        samples: names of the samples that there are.
        roles: what is trained on; None for the background alone.

    Raises:
        UserError: no fraction from 0 to below 1, a sample that does not exist or is the background, or another sample
            beside roles, which name all that trains.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping) or "fraction" not in given or set(given) - {"sample", "fraction"}:
        raise UserError("data.contamination: a mapping such as {sample: ttbar, fraction: 0.01} is needed")
    sample, fraction = given.get("sample"), given["fraction"]
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction < 1:
        raise UserError(f"data.contamination.fraction={fraction}: a number from 0 to below 1 is needed")
    if sample is not None:
        if sample not in samples:
            raise UserError(
                f"data.contamination.sample={sample} is not a sample; allowed: {', '.join(sorted(samples))}, or null "
                "for the signal in the background's own file"
            )
        if sample == background:
            raise UserError(f"data.contamination.sample={sample} is the background; name a signal")
        if roles is not None:
            raise UserError("data.contamination.sample: data.train names all that is trained on; leave one of them out")
    return Contamination(None if sample is None else str(sample), float(fraction))


def _role(key: str, given: Any) -> Role:
    if not isinstance(given, Mapping) or "sample" not in given:
        raise UserError(f"{key}: a mapping with a sample is needed, such as {{sample: zero_bias, region: sidebands}}")
    if unknown := [str(name) for name in given if name not in _KEYS]:
        raise UserError(f"{key}.{unknown[0]}: no such key of a role; allowed: {', '.join(_KEYS)}")
    label, weight = given.get("label"), given.get("weight")
    if label is not None and (isinstance(label, bool) or not isinstance(label, int) or label < 0):
        raise UserError(f"{key}.label={label}: 0, 1, 2, … or null is needed")
    if weight is not None:
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not 0 < weight < math.inf:
            raise UserError(f"{key}.weight={weight}: a positive finite factor is needed")
    region = given.get("region")
    return Role(
        str(given["sample"]),
        None if region is None else str(region),
        None if label is None else int(label),
        None if weight is None else float(weight),
    )


def background_sample(
    background: str, roles: Sequence[Role] | None, samples: Collection[str], shipped: Collection[str]
) -> str:
    """Return the sample that stands for background: `data.background`, which need not be trained on.

    Where that is one of hepad's own samples and is not there, as the default is beside files of the user's own, it is
    the sample of the first role with label 0, else that of the first role.

    Args:
        background: its name in the config.
        roles: what is trained on; None for the background itself.
        samples: names of the samples that there are.
        shipped: names of the samples that ship with hepad.

    Raises:
        UserError: no such sample.
    """
    if background in samples:
        return background
    if roles and background in shipped:
        return next((role.sample for role in roles if role.label == 0), roles[0].sample)
    raise UserError(f"data.background={background} is not a sample; allowed: {', '.join(sorted(samples))}")


def check_folds(folds: int | None, fold: int | None) -> None:
    """Raise `UserError` for folds of which none is left out, or for one that is not there."""
    if folds is None:
        if fold is not None:
            raise UserError(f"data.fold={fold} of how many? say so with data.folds=K, or leave data.fold out")
        return
    if folds < 2:
        raise UserError(f"data.folds={folds}: at least 2 are needed, one to test and the others to train on")
    if fold is None:
        raise UserError(
            f"data.folds={folds}: a run tests one fold, data.fold=0 to {folds - 1}; the command "
            f"`python -m hepad.train data.folds={folds}` makes the pipeline of all of them"
        )
    if not 0 <= fold < folds:
        raise UserError(f"data.fold={fold} is out of range; data.folds={folds} has the folds 0 to {folds - 1}")
