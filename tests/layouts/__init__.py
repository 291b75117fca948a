"""Tiny files in the true layout of every public format, each with what a plain loop makes of it."""

from tests.layouts import hdf5_files, nanoaod_files, root_files, text_files
from tests.layouts.plain import LAYOUTS

__all__ = ["LAYOUTS", "hdf5_files", "nanoaod_files", "root_files", "text_files"]
