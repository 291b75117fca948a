"""Columns of jets that a run needs: found by name, the nearest one named where it is not there."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hepad.core.errors import UserError
from hepad.run.loading import Run

PT: Final = "pt"
_NO_JETS: Final = ("constituents",)


@dataclass(frozen=True)
class WantedColumns:
    """Columns of jets that a run scores.

    Attributes:
        fields: of the jets, one for each feature in the order of the run.
        by: field that orders the jets of an event, highest first; None to leave them as they are.
        slots: of an event; None where each jet is an entry.
        told_by_mask: whether slots without a jet are told by a mask.
    """

    fields: tuple[str, ...]
    by: str | None
    slots: int | None
    told_by_mask: bool

    @property
    def needed(self) -> tuple[str, ...]:
        """Fields that are read."""
        return self.fields if self.by is None or self.by in self.fields else (*self.fields, self.by)


def wanted_columns(run: Run, there: Sequence[str], names: Mapping[str, str] | None = None) -> WantedColumns:
    """Return the columns of jets that a run needs.

    Args:
        run: of single jets, or of events of jets.
        there: fields of the jets.
        names: feature of the run → field of the jets, where they differ.

    Raises:
        UserError: a run of something else, or a feature that is not there.
    """
    features, shape = run.features, run.entry_shape
    if features is None or len(shape) > 2 or _kind(run) in _NO_JETS:
        what = "constituents" if features else "images"
        raise UserError(f"{run.directory} scores {what}; score_jets takes runs of jets or events, run.score arrays")
    if run.context_names:
        raise UserError(
            f"{run.directory} is conditioned on {', '.join(run.context_names)}, which jets do not have; use "
            "run.score(array, context=…)"
        )
    given = dict(names or {})
    if unknown := [name for name in given if name not in features]:
        raise UserError(f"names: {unknown[0]} is no feature of the run; it scores {', '.join(features)}")
    fields = [given.get(name, name) for name in features]
    if missing := [i for i, field in enumerate(fields) if field not in there]:
        told = "; ".join(_nearest(features[i], fields[i], there) for i in missing[:3])
        more = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise UserError(f"the jets have no field {told}{more}")
    is_event = len(shape) == 2
    pt = given.get(PT, PT)
    return WantedColumns(
        tuple(fields),
        pt if is_event and pt in there else None,
        shape[0] if is_event else None,
        str(run.settings.data.get("padding", "auto")) != "none",
    )


def _kind(run: Run) -> str:
    return str(run.settings.data.get("_target_")).rpartition(".")[2].removesuffix("DataModule").lower()


def _nearest(feature: str, field: str, there: Sequence[str]) -> str:
    by_small = {name.lower(): name for name in there}
    near = difflib.get_close_matches(field.lower(), by_small, n=1, cutoff=0.0)
    if not near:
        return field
    return f"{field}, the nearest is {by_small[near[0]]} (names={{{feature!r}: {by_small[near[0]]!r}}})"
