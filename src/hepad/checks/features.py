"""Features that are named, looked up in the background's file before torch is imported: `data.features`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hepad.bundled import bundled_files
from hepad.core.inputs import sample_files_by_part
from hepad.core.misfits import check_has_features
from hepad.core.schema import JET_DATASET, JET_FEATURES

_OF_JETS: Final = ("hepad.data.JetsDataModule", "hepad.data.EventsDataModule")


def check_named_features(data: Mapping[str, Any], background: str) -> None:
    """Raise `UserError` where hepad's own file of jets or events lacks a feature that is named.

    Files of other formats, and those of several parts, are looked at where they are read.

    Args:
        data: the section `data` of a config.
        background: its sample.
    """
    wanted = data.get("features")
    if not wanted or data.get("_target_") not in _OF_JETS:
        return
    given = (data.get("samples") or {}).get(background)
    path = bundled_files().get(background) if given is None else _only_file(given, background)
    if path is None or path.suffix != ".h5":
        return
    # Imported here: most commands name no features.
    from hepad.core.hdf5 import feature_names, has_dataset, open_hdf5, safe_dataset

    with open_hdf5(path) as file:
        if not has_dataset(file, JET_DATASET):
            return
        names = feature_names(safe_dataset(file, JET_DATASET), JET_FEATURES)
    check_has_features(path, [str(name) for name in wanted], names)


def _only_file(given: Any, background: str) -> Path | None:
    files, parts = sample_files_by_part(given, f"data.samples.{background}")
    return files[0] if len(files) == 1 and parts is None and isinstance(files[0], Path) else None
