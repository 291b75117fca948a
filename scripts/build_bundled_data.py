"""Make the data that ships with hepad: `python scripts/build_bundled_data.py [PART] [--workers N] [--work DIR]`.

It is a run of `hepad.simulation` for each part, events, fat jets, dijets and showers, with the settings below, so
the same versions of Pythia, FastJet and NumPy give the same files, byte for byte. Everything needed to continue after
an interruption is kept in the working directory. The files go to src/hepad/bundled, whose README.md describes them.
"""

import argparse
import shutil
from pathlib import Path

from hepad.simulation.production import simulate
from hepad.simulation.settings import Settings
from hepad.simulation.validation import validate

BUNDLED = Path(__file__).parents[1] / "src" / "hepad" / "bundled"
MAX_MEGABYTES = 26.0

N_ENTRIES = {
    "events": {
        "zero_bias": 50_000,
        "soft_qcd": 5_000,
        "jet_ht": 5_000,
        "ttbar": 5_000,
        "radion": 5_000,
        "wprime": 5_000,
    },
    "jets": {"qcd_jets": 6_000, "top_jets": 6_000},
    "dijets": {"qcd_dijet": 100_000, "wprime_dijet": 10_000},
    "showers": {"photon_showers": 3_300, "pion_showers": 600},
}


def settings(part: str) -> Settings:
    """Return the settings of one part of the data: the same seed for all, finer masses for dijets, coarser cells."""
    if part == "dijets":
        return Settings(n_events=N_ENTRIES[part], seed=2016, mantissa_bits=14, chunk_size=1000)
    return Settings(n_events=N_ENTRIES[part], seed=2016, mantissa_bits=6 if part == "showers" else 12)


def main() -> None:
    """Simulate, put the files in place, and check the size of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=list(N_ENTRIES), help="what to make; all by default")
    parser.add_argument("--workers", type=int, default=None, help="processes; one per core by default")
    parser.add_argument("--work", type=Path, default=Path("outputs/bundled"), help="working directory")
    arguments = parser.parse_args()

    files: dict[str, Path] = {}
    for part in [arguments.part] if arguments.part else list(N_ENTRIES):
        files |= simulate(settings(part), arguments.work, arguments.workers)
    validate(files, arguments.work / "validation")
    kept = {path.name: path for path in BUNDLED.glob("*.h5")} | {path.name: path for path in files.values()}
    megabytes = sum(path.stat().st_size for path in kept.values()) / 1e6
    if megabytes > MAX_MEGABYTES:
        raise SystemExit(f"the files have {megabytes:.1f} MB; the wheel has room for {MAX_MEGABYTES} MB")
    for path in files.values():
        shutil.copyfile(path, BUNDLED / path.name)
    print(f"{len(files)} of {len(kept)} files, {megabytes:.1f} MB in all, in {BUNDLED}")


if __name__ == "__main__":
    main()
