"""Requests and answers in JSON, by models that are made for the run and stand at `/docs`."""

from typing import Annotated, Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, create_model
from pydantic_core import to_json

from hepad.serving.batches import Columns, GivenBatch, Refused, float_array
from hepad.serving.description import Description

MEDIA: Final = "application/json"


def request_model(run: Description) -> type[BaseModel]:
    """Return the model of a request for the scores of a run.

    The first thing that is wrong ends the reading: a body of a million wrong numbers makes one line, not a million.
    """
    shape = " × ".join(map(str, run.shape))
    fields: dict[str, Any] = {
        "entries": (
            _lists(float, len(run.shape) + 1),
            Field(description=f"N entries of {shape} in raw units, at most {run.limits.max_rows}.{_order(run)}"),
        )
    }
    if run.features is not None:
        told = "Names of the columns of the entries, in any order, others among them; leave them out where the columns "
        told += f"are the run's in their order: {', '.join(run.features)}."
        fields["features"] = (_lists(str, 1), _optional(told))
        told = "True for real slots of events (N × S), or for real single jets (N); leave it out to tell them by pT."
        fields["mask"] = (_lists(bool, len(run.shape)), _optional(told))
    if run.context:
        told = f"N × {len(run.context)}: {', '.join(run.context)}; or name them among the features."
        fields["context"] = (_lists(float, 2), _optional(told))
    return create_model("Entries", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def _lists(kind: Any, depth: int) -> Any:
    for _ in range(depth):
        kind = Annotated[list[kind], FailFast()]
    return kind


def _optional(told: str) -> Any:
    return Field(None, description=told, json_schema_extra=_without_default)


def _without_default(schema: dict[str, Any]) -> None:
    """Drop what is no news for who reads the schema: that a field is null where it is left out."""
    schema.pop("default", None)


def _order(run: Description) -> str:
    if run.features is None or run.units is None:
        return ""
    named = (f"{name} [{unit}]" if unit else name for name, unit in zip(run.features, run.units, strict=True))
    return f" The last axis: {', '.join(named)}."


def answer_model(run: Description) -> type[BaseModel]:
    """Return the model of an answer; null stands for the score of an empty slot, or one that is not finite."""
    told = {"score": "Anomaly scores; higher is more anomalous.", "p_value": "Conformal p-values."}
    fields: dict[str, Any] = {
        name: (list[bool] if name.startswith("accepted_") else list[float | None], Field(description=told.get(name)))
        for name in run.columns
    }
    return create_model("Scores", **fields)


def read_json(body: bytes, model: type[BaseModel], run: Description) -> GivenBatch:
    """Return the entries of a body.

    Raises:
        Refused: no such entries, or too many of them.
    """
    # Before anything is made of them: a number, or a row, stands between two commas.
    most = run.limits.max_rows * _numbers_of(run)
    if body.count(b",") > most:
        raise Refused(413, f"more than {most:,} numbers; send at most {run.limits.max_rows:,} entries at a time")
    try:
        given: Any = model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(422, _first(error)) from error
    if len(given.entries) > run.limits.max_rows:
        raise Refused(413, f"{len(given.entries):,} entries; send at most {run.limits.max_rows:,} at a time")
    if not given.entries:
        raise Refused(422, "no entries")
    try:
        entries = float_array(given.entries)
        mask, context = getattr(given, "mask", None), getattr(given, "context", None)
        return GivenBatch(
            entries,
            getattr(given, "features", None),
            None if mask is None else np.asarray(mask, dtype=bool),
            None if context is None else float_array(context),
        )
    except ValueError as error:
        raise Refused(422, "rows of unequal lengths; all entries of a request have one shape") from error


def _numbers_of(run: Description) -> int:
    """Numbers of one entry, with a mask and a context, and names."""
    return 2 * int(np.prod(run.shape)) + len(run.context) + 8


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, found["loc"]))
    message = " ".join(str(found["msg"]).split())
    return f"{place}: {message}" if place else message


def write_json(columns: Columns) -> bytes:
    """Return an answer; a float32 keeps all its bits, as the decimals of its double."""
    plain = {
        name: (values.astype(np.float64) if values.dtype.kind == "f" else values).tolist()
        for name, values in columns.items()
    }
    return to_json(plain, inf_nan_mode="null")
