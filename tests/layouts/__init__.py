"""Tiny files in the true layout of every public format, each with what a plain loop makes of it."""

from tests.layouts import clustered_files, hdf5_files, nanoaod_files, root_files, shower_files, text_files
from tests.layouts.plain import LAYOUTS

__all__ = ["LAYOUTS", "clustered_files", "hdf5_files", "nanoaod_files", "root_files", "shower_files", "text_files"]
