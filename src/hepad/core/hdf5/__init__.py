"""Reading HDF5 files that may be broken or hostile, and writing them.

HDF5 can point a data set at any file on the machine (external storage, virtual data sets, soft and external links),
can declare sizes that no disk holds, and can keep many chunks in the same bytes. Only hard-linked, contiguous or
chunked, numeric data sets of a believable size are read; everything else is refused with a `UserError`.

Files are opened without HDF5's own locks: file systems of clusters often have none, and hepad's files are written aside
and renamed, so nobody reads one that is being written.
"""

from hepad.core.hdf5.datasets import (
    feature_names,
    first_row,
    has_dataset,
    is_named,
    read_rows,
    row_steps,
    safe_dataset,
    text_attribute,
    text_attributes,
)
from hepad.core.hdf5.opening import create_hdf5, open_hdf5
from hepad.core.hdf5.writing import write_hdf5

__all__ = [
    "create_hdf5",
    "feature_names",
    "first_row",
    "has_dataset",
    "is_named",
    "open_hdf5",
    "read_rows",
    "row_steps",
    "safe_dataset",
    "text_attribute",
    "text_attributes",
    "write_hdf5",
]
