"""Contamination: signal in what is trained on, for studies of how much of it a search stands."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.roles import Contamination, Role
from hepad.data.entries import Entries
from hepad.data.split import Split
from hepad.data.training_roles import RoleEntries


def thinned(split: Split, truth: NDArray[np.bool_], contamination: Contamination) -> Split:
    """Return a split of whose training and validation parts signal makes up no more than the fraction.

    The first ones in the order of the split stay, which is a random order that depends on no seed, so that a larger
    fraction holds the entries of a smaller one. The test part is the same for all.

    Args:
        split: of a sample.
        truth: `(N,)` which of its entries are signal.
        contamination: without a sample.
    """

    def of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        signal = truth[rows]
        most = contamination.number(int((~signal).sum()))
        kept: NDArray[np.int64] = rows[~signal | (np.cumsum(signal) <= most)]
        return kept

    return replace(split, train=of(split.train), val=of(split.val))


def mixed_in(contamination: Contamination, background: RoleEntries, entries: Entries, split: Split) -> RoleEntries:
    """Return the entries of a signal that train and validate beside a background, as a role of their own.

    They are the first ones of the training and validation parts of the signal's own split, whose test part is tested:
    no entry does both, and a larger fraction holds the entries of a smaller one.

    Args:
        contamination: with a sample.
        background: what they are mixed into.
        entries: all of the signal.
        split: of these.

    Raises:
        UserError: more entries than the signal has, or less than one.
    """
    sample, fraction = contamination.sample, contamination.fraction
    rows = []
    for what, beside, there in (
        ("training", background.train, split.train),
        ("validation", background.val, split.val),
    ):
        n = contamination.number(len(beside))
        if n > len(there):
            most = len(there) / (len(there) + len(beside))
            raise UserError(
                f"data.contamination.fraction={fraction:g} needs {n} entries of {sample}, whose {what} part has "
                f"{len(there)}; at most {most:.3g} is possible, or take less background by data.limit"
            )
        if not n and fraction and what == "training":
            raise UserError(
                f"data.contamination.fraction={fraction:g} is less than one of {len(beside)} entries; 0 is for none"
            )
        rows.append(there[:n])
    train, val = (replace(entries.rows(chosen), truth=None) for chosen in rows)
    return RoleEntries(Role(str(sample)), rows[0], rows[1], train, val)


def contamination_facts(
    contamination: Contamination, roles: Sequence[RoleEntries], truths: Mapping[str, NDArray[np.bool_] | None]
) -> dict[str, Any]:
    """Return what provenance says: sample, fraction, and how many entries of signal train and validate.

    Args:
        contamination: of the data.
        roles: what trains and validates.
        truths: sample → which of its entries are signal; None where its file does not say so.
    """
    facts = {"sample": contamination.sample, "fraction": contamination.fraction}
    if contamination.sample is not None:
        found = roles[-1]
        return facts | {"trained": len(found.train), "validated": len(found.val)}
    known = [(found, truth) for found in roles if (truth := truths.get(found.role.sample)) is not None]
    if not known:
        return facts
    trained, validated = (
        sum(int(truth[rows].sum()) for rows, truth in parts)
        for parts in ([(found.train_rows, t) for found, t in known], [(found.val_rows, t) for found, t in known])
    )
    return facts | {"trained": trained, "validated": validated}
