"""Make the data set that ships with hepad: `python scripts/build_bundled_data.py [--workers N] [--work DIR]`.

It is a run of `hepad.simulation` with the settings below, so the same versions of Pythia, FastJet and NumPy give
the same files, byte for byte. Everything needed to continue after an interruption is kept in the working
directory. The files go to src/hepad/bundled, whose README.md describes them.
"""

import argparse
import shutil
from pathlib import Path

from hepad.simulation.production import simulate
from hepad.simulation.settings import Settings
from hepad.simulation.validation import validate

BUNDLED = Path(__file__).parents[1] / "src" / "hepad" / "bundled"
MAX_MEGABYTES = 15.5

SETTINGS = Settings(
    n_events={
        "zero_bias": 50_000,
        "soft_qcd": 5_000,
        "jet_ht": 5_000,
        "ttbar": 5_000,
        "radion": 5_000,
        "wprime": 5_000,
    },
    seed=2016,
    pool_size=200_000,
    mantissa_bits=12,
)


def main() -> None:
    """Simulate, check the size, and put the files in place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=None, help="processes; one per core by default")
    parser.add_argument("--work", type=Path, default=Path("outputs/bundled"), help="working directory")
    arguments = parser.parse_args()

    files = simulate(SETTINGS, arguments.work, arguments.workers)
    validate(files, arguments.work / "validation")
    megabytes = sum(path.stat().st_size for path in files.values()) / 1e6
    if megabytes > MAX_MEGABYTES:
        raise SystemExit(f"the files have {megabytes:.1f} MB; the wheel has room for {MAX_MEGABYTES} MB")
    for path in files.values():
        shutil.copyfile(path, BUNDLED / path.name)
    print(f"{len(files)} files, {megabytes:.1f} MB, in {BUNDLED}")


if __name__ == "__main__":
    main()
