"""Files of any public format: recognising, reading and converting them to hepad's HDF5."""

from hepad.formats.conversion import convert_files
from hepad.formats.inspection import inspect_file
from hepad.formats.planning import Request
from hepad.formats.preset import read_preset

__all__ = ["Request", "convert_files", "inspect_file", "read_preset"]
