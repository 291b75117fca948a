"""Files of the samples."""

from collections.abc import Mapping
from pathlib import Path

from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5
from hepad.core.input_files import require_file


def sample_files(samples: Mapping[str, str | None], bundled: bool, datasets: tuple[str, ...]) -> dict[str, Path]:
    """Return sample name → file.

    Args:
        samples: the user's own files; a path beside a bundled name replaces it, None leaves the sample out.
        bundled: start from the samples shipped with hepad that hold one of `datasets`.
        datasets: names of the data sets that can be read.

    Raises:
        UserError: a file that is not there, or no sample at all.
    """
    files: dict[str, Path] = {}
    if bundled:
        for name, path in bundled_files().items():
            with open_hdf5(path) as file:
                if any(has_dataset(file, dataset) for dataset in datasets):
                    files[name] = path
    for name, given in samples.items():
        if given is None:
            files.pop(name, None)
            continue
        files[name] = require_file(given, f"data.samples.{name}")
    if not files:
        raise UserError("no samples; name some with data.samples.<name>=FILE or use data.bundled=true")
    return files
