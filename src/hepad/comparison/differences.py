"""In what the settings of several runs differ."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hepad.report.formatting import format_setting
from hepad.rundir.config_file import changes_no_number, flat_settings, is_below
from hepad.rundir.record import RunRecord

# What differs with these is told elsewhere, or follows from what is told.
_IGNORED: Final = ("hydra", "callbacks", "data.seed", "trainer.num_nodes")
_GROUPS: Final = {"model._target_": "model", "model.loss._target_": "loss", "data._target_": "data"}
_LONGEST: Final = 40


def differing_settings(records: Sequence[RunRecord]) -> list[dict[str, str]]:
    """Return for each run the settings in which it differs from others, in the words of the command line.

    Model, loss and data are named as options. A setting that belongs to some models only is listed where runs of the
    same model differ in it.
    """
    flat = [_spelled_out(record.config) for record in records]
    kept: dict[str, None] = {}
    for key in (*_GROUPS, *dict.fromkeys(key for settings in flat for key in settings)):
        if changes_no_number(key) or is_below(key, _IGNORED) or (key.endswith("_target_") and key not in _GROUPS):
            continue
        alike: dict[tuple[str | None, ...], set[str | None]] = {}
        for record, settings in zip(records, flat, strict=True):
            alike.setdefault(_comparable(record, key), set()).add(settings.get(key))
        if any(len(values) > 1 for values in alike.values()):
            kept[key] = None
    return [
        {_GROUPS.get(key, key): _value(record, key, settings[key]) for key in kept if key in settings}
        for record, settings in zip(records, flat, strict=True)
    ]


def _comparable(record: RunRecord, key: str) -> tuple[str | None, ...]:
    """Return what two runs must share for a difference in `key` to say anything: its model, its loss, its data."""
    if key in _GROUPS:
        return ()
    if key.startswith("model.loss."):
        return (record.loss,)
    if key.startswith("model."):
        return (record.model,)
    return (record.data,) if key.startswith("data.") else ()


def unique_labels(records: Sequence[RunRecord], differing: Sequence[Mapping[str, str]]) -> list[str]:
    """Return a short, unique name of each run: its directory's, with more where that does not say enough.

    Jobs of a sweep, which are numbered, are named by number and settings.
    """
    labels = []
    for record, settings in zip(records, differing, strict=True):
        text = f"{record.name}: {spelled(settings)}" if record.name.isdecimal() and settings else record.name
        labels.append(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
    for depth in range(1, 8):
        twice = {label for label in labels if labels.count(label) > 1}
        if not twice:
            break
        for i, record in enumerate(records):
            if labels[i] in twice:
                labels[i] = "/".join(record.directory.resolve().parts[-depth - 1 :])
    return labels


def spelled(settings: Mapping[str, str]) -> str:
    """Return settings in one line; only the last word of each key."""
    return ", ".join(f"{key.rsplit('.', 1)[-1]}={value}" for key, value in settings.items())


def _spelled_out(config: Mapping[str, Any]) -> dict[str, str]:
    """Return dotted key → value as text; an empty section says nothing that the others do not."""
    return {
        key: "null" if value is None else format_setting(str(value))
        for key, value in flat_settings(config).items()
        if value != {}
    }


def _value(record: RunRecord, key: str, value: str) -> str:
    named = {"model._target_": record.model, "model.loss._target_": record.loss, "data._target_": record.data}
    return str(named.get(key, value))
