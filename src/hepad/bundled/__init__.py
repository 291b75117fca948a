"""The samples that ship with hepad, one HDF5 file each; README.md beside this file tells how they were made."""

from pathlib import Path


def bundled_files() -> dict[str, Path]:
    """Return sample name → file for every sample shipped with hepad."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.h5"))}
