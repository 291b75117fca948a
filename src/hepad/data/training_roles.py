"""Entries by their roles: those that train and validate, out of the training and validation parts of their samples."""

import filecmp
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.regions import Region
from hepad.core.roles import Role, same_entries
from hepad.data.entries import Entries
from hepad.data.event_weights import refuse_weightless
from hepad.data.split import Split, rows_sha256


@dataclass(frozen=True)
class RoleEntries:
    """The entries of one role.

    Attributes:
        role: what they are.
        train_rows, val_rows: int64 rows of the sample's entries.
        train, val: these entries, with label and weight of the role and without truth.
        streamed: how many train and validate where they are streamed, and `train` and `val` are draws of them; None
            where all are in memory.
    """

    role: Role
    train_rows: NDArray[np.int64]
    val_rows: NDArray[np.int64]
    train: Entries
    val: Entries
    streamed: tuple[int, int] | None = field(default=None, kw_only=True)

    def facts(self) -> dict[str, Any]:
        """Return the role and how many entries it has as plain JSON values."""
        trained, validated = self.streamed or (len(self.train), len(self.val))
        return self.role.facts() | {"trained": trained, "validated": validated}


def take_roles(
    roles: Sequence[Role],
    regions: Mapping[str, Region],
    entries: Mapping[str, Entries],
    splits: Mapping[str, Split],
    files: Mapping[str, Path],
) -> list[RoleEntries]:
    """Return the entries of each role.

    Args:
        roles: what is trained on.
        regions: by name.
        entries: sample → all of its entries.
        splits: sample → its split, for each sample in a role.
        files: sample → file.

    Raises:
        UserError: a region without entries to train or to validate on, two roles with the same entries, or a role all
            of whose weights are 0.
    """
    inside = [_rows_inside(role, regions, entries[role.sample], files[role.sample]) for role in roles]
    for i, role in enumerate(roles):
        for j, other in enumerate(roles[:i]):
            if same_file(files[role.sample], files[other.sample]):
                if len(entries[role.sample]) != len(entries[other.sample]):
                    # Their splits differ: what trains in one would be tested in the other.
                    raise UserError(
                        f"data.train: {role.sample} and {other.sample} are one file, read with different limits; give "
                        "both the same data.limit"
                    )
                refuse_shared(other, entries[other.sample].rows(inside[j]), role, entries[role.sample].rows(inside[i]))
    return [
        _take(role, chosen, entries[role.sample], splits[role.sample], files[role.sample])
        for role, chosen in zip(roles, inside, strict=True)
    ]


def _rows_inside(role: Role, regions: Mapping[str, Region], entries: Entries, path: Path) -> NDArray[np.int64]:
    if role.region is None:
        return np.arange(len(entries))
    chosen = np.flatnonzero(regions[role.region].holds(entries.observables))
    if not len(chosen):
        reach = "; ".join(
            f"{name} reaches from {np.nanmin(values):g} to {np.nanmax(values):g}"
            for name in regions[role.region].intervals
            if np.isfinite(values := entries.observables[name]).any()
        )
        raise UserError(
            f"region {role.region} is empty: none of {len(entries)} entries of {role.sample} lies in it "
            f"({path}{'; ' if reach else ''}{reach})"
        )
    return chosen


def refuse_shared(one: Role, its: Entries, other: Role, others: Entries) -> None:
    """Raise `UserError` where two roles from one file share entries, told by their rows, and slots of jets."""
    keys = [
        set(part.index.tolist() if part.slot is None else zip(part.index.tolist(), part.slot.tolist(), strict=True))
        for part in (its, others)
    ]
    if shared := len(keys[0] & keys[1]):
        raise same_entries(one, other, shared)


def same_file(one: Path, other: Path) -> bool:
    """Return whether two files hold the same bytes."""
    return one == other or filecmp.cmp(one, other, shallow=False)


def _take(role: Role, inside: NDArray[np.int64], entries: Entries, split: Split, path: Path) -> RoleEntries:
    # In the order of the split, which is a random one.
    rows = {"training": split.train, "validation": split.val}
    if role.region is not None:
        rows = {what: part[np.isin(part, inside)] for what, part in rows.items()}
    parts = []
    for what, chosen in rows.items():
        if not len(chosen):
            raise UserError(
                f"region {role.region} is empty in the {what} part of {role.sample}: {len(inside)} of {len(entries)} "
                f"entries lie in it, and none of them in this part ({path})"
            )
        part = with_role(replace(entries.rows(chosen), truth=None), role)
        refuse_weightless(part.batch.weight, f"the {what} part of {role}", path)
        parts.append(part)
    return RoleEntries(role, rows["training"], rows["validation"], *parts)


def with_role(entries: Entries, role: Role) -> Entries:
    """Return entries with the label and the weight of their role."""
    batch = entries.batch
    if role.label is not None:
        batch = batch._replace(label=torch.full((len(entries),), role.label, dtype=torch.int64))
    if role.weight is not None:
        weight = torch.ones(len(entries)) if batch.weight is None else batch.weight
        weight = weight * role.weight
        if not bool(weight.isfinite().all()):
            raise UserError(f"data.train: the weights of {role} are no longer finite with the factor {role.weight:g}")
        batch = batch._replace(weight=weight)
    return replace(entries, batch=batch)


def split_sha256(found: Sequence[RoleEntries], splits: Mapping[str, Split]) -> dict[str, str]:
    """Return the SHA-256 of the rows of each part: `train`, `val` and `test` where there is one role.

    Of several roles `train/<sample>/<region>` and `val/<sample>/<region>`, and `test/<sample>`.
    """
    if len(found) == 1:
        only = found[0]
        parts = {"train": only.train_rows, "val": only.val_rows, "test": splits[only.role.sample].test}
    else:
        parts = {f"test/{sample}": split.test for sample, split in splits.items()}
        for each in found:
            where = "/".join(filter(None, (each.role.sample, each.role.region)))
            parts |= {f"train/{where}": each.train_rows, f"val/{where}": each.val_rows}
    return {name: rows_sha256(rows) for name, rows in parts.items()}
