"""Layouts of text files."""

import math
from pathlib import Path

import numpy as np

from tests.layouts.plain import N_EVENTS, Expected, in_slots, layout

KINDS = ("j", "b", "e-", "e+", "m-", "m+", "g")


@layout("darkmachines", ".csv")
def darkmachines(path: Path, seed: int) -> Expected:
    """Lines of as many objects as an event has, each ended by a semicolon, as the challenge's files are."""
    rng = np.random.default_rng(seed)
    lines, events, features, weights = [], [], [], []
    for row in range(N_EVENTS):
        met, met_phi, weight = float(rng.exponential(9e4)), float(rng.uniform(-3, 3)), float(rng.random())
        objects, words = [], []
        for _ in range(25 if row == 2 else int(rng.integers(0, 9)) if row != 4 else 0):
            kind = str(rng.choice(KINDS))
            pt, eta, phi = float(1e4 + rng.exponential(8e4)), float(rng.normal()), float(rng.uniform(-3, 3))
            energy = pt * math.cosh(eta)
            words.append(f"{kind},{energy!r},{pt!r},{eta!r},{phi!r}")
            flags = [kind == "j", kind == "b", kind[0] == "e", kind[0] == "m", kind == "g"]
            objects.append([pt / 1000, eta, phi, energy / 1000, *map(float, flags)])
        lines.append(";".join([str(row), "njets", repr(weight), repr(met), repr(met_phi), *words]) + ";")
        ht = sum(values[0] for values in objects if values[4] or values[5])
        events.append(objects)
        weights.append(weight)
        features.append([met / 1000, met_phi, len(objects), ht])
    path.write_text("\n".join(lines) + "\n")
    names = ["pt", "eta", "phi", "energy", "is_jet", "is_bjet", "is_electron", "is_muon", "is_photon"]
    return {
        "jet_event_data": (in_slots(events, 20), names),
        "event_features": (np.array(features, dtype=np.float32), ["met", "met_phi", "n_objects", "ht"]),
        "event": (np.arange(N_EVENTS), None),
        "weight": (np.array(weights, dtype=np.float32), None),
    }
