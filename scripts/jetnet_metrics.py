"""Metrics of hepad beside those of jetnet on the same arrays: W1M, W1P, W1EFP, FPD and KPD.

    python -m scripts.jetnet_metrics [--entries 3000] [--smear 0.3] [--seed 1]

jetnet (Kansal et al., arXiv:2106.11535, 2211.10295) is no dependency of hepad; docs/generators.md says how an
environment of its own has it. Real jets are bundled QCD jets, made-up ones others of these whose
constituents are smeared. jetnet draws jets with replacement; `exact` hands it every jet once in their place, so that
what is left are differences of the formulas. Its COV and MMD, by energy mover's distances, have no counterpart here.
"""

import argparse
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepad.bundled import bundled_files
from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import JET_CONSTITUENTS_DATASET
from hepad.generators import Observable, Population, extrapolated_frechet, kernel_distance, set_population, wasserstein

Array = NDArray[np.float64]
PARTICLES = ("delta_eta", "delta_phi", "pt_share")
SLOTS = 30
"""Hardest constituents, as in JetNet."""
EFPS = [("d<=", 4)]
"""The 36 energy-flow polynomials of jetnet's FPD and KPD."""
EFPS_W1 = [("n==", 4), ("d==", 4), ("p==", 1)]
"""Those of its W1EFP."""


_known: dict[tuple[int, str], Array] = {}


class EveryJetOnce:
    """A stand-in for jetnet's random numbers that draws nothing: all of n, in their order."""

    def choice(self, n: int, size: int) -> NDArray[np.int64]:
        """Return 0, 1, …, n − 1."""
        assert n == size
        return np.arange(n)


def main() -> None:
    """Print both values of each metric and their ratio, of smeared jets and of real ones against real ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=3000, help="jets of each side, at most half of the bundled ones")
    parser.add_argument("--smear", type=float, default=0.3, help="relative width by which pT and angles are smeared")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "Recommended number", RuntimeWarning)
    jets = qcd_jets()
    rng = np.random.default_rng(options.seed)
    real, other = np.split(rng.permutation(jets)[: 2 * options.entries], 2)
    pairs = {"smeared": (real, smeared(other, options.smear, rng)), "real": (real, other)}
    print("| generated | metric | hepad | jetnet, exact | ratio | jetnet, as it is |")
    print("|---|---|---|---|---|---|")
    for name, (one, two) in pairs.items():
        ours, exact, drawn = hepad_metrics(one, two), jetnet_metrics(one, two, True), jetnet_metrics(one, two, False)
        for metric, value in ours.items():
            same = exact.get(metric)
            columns = [f"{value:.5g}", "–" if same is None else f"{same:.5g}"]
            columns += ["–" if same is None else f"{value / same:.4f}", f"{drawn[metric]:.5g}"]
            print(f"| {name} | {metric} | {' | '.join(columns)} |", flush=True)


def qcd_jets() -> Array:
    """Return bundled QCD jets `(N, 30, 3)`: η and φ about the jet's axis, and share of its pT; by falling pT."""
    with open_hdf5(bundled_files()["qcd_jets"]) as file:
        pt, eta, phi = np.moveaxis(file[JET_CONSTITUENTS_DATASET][:, :SLOTS].astype(np.float64), -1, 0)
    there = pt > 0
    x, y = ((pt * part(phi)).sum(axis=1, keepdims=True) for part in (np.cos, np.sin))
    axis = (pt * eta).sum(axis=1, keepdims=True) / pt.sum(axis=1, keepdims=True)
    turned = np.angle(np.exp(1j * (phi - np.arctan2(y, x))))
    return np.stack([eta - axis, turned, pt / pt.sum(axis=1, keepdims=True)], axis=-1) * there[..., None]


def smeared(jets: Array, width: float, rng: np.random.Generator) -> Array:
    """Return jets whose constituents have other angles and pT, each by a factor 1 + N(0, width); empty slots stay."""
    return np.abs(1 + width * rng.normal(size=jets.shape)) * jets


def efps(jets: Array, which: list[tuple[str, int]]) -> Array:
    """Return energy-flow polynomials `(N, P)`, by energyflow, on one core; of the same array once."""
    from jetnet import utils

    key = id(jets), str(which)
    if key not in _known:
        _known[key] = np.asarray(utils.efps(jets, efpset_args=which, efp_jobs=1))
    return _known[key]


def hepad_metrics(real: Array, other: Array) -> dict[str, float]:
    """Return hepad's values."""
    sides = [set_population(jets, PARTICLES, jets[..., 2] > 0) for jets in (real, other)]

    def w1(one: Observable, two: Observable) -> float:
        return wasserstein(one, two, np.ones(len(real)), np.ones(len(other)), bootstraps=2).value

    def between(name: str) -> float:
        return w1(sides[0].observables[name], sides[1].observables[name])

    polynomials = [efps(jets, EFPS_W1) for jets in (real, other)]
    each = [w1(*(Observable(values[:, i]) for values in polynomials)) for i in range(polynomials[0].shape[1])]
    found = {"W1M": between("jet_mass")}
    found |= {f"W1P {name}": between(name) for name in PARTICLES}
    found["W1EFP, mean"] = float(np.mean(each))
    features = [efps(jets, EFPS) for jets in (real, other)]
    names = [f"efp_{i}" for i in range(features[0].shape[1])]
    populations = [Population(values, names, {}) for values in features]
    frechet = extrapolated_frechet(populations[0], populations[1])
    found |= {"FD of all": frechet.finite, "FPD": frechet.value, "FPD, error": frechet.error}
    found["KPD"] = kernel_distance(populations[0], populations[1]).value
    return found


def jetnet_metrics(real: Array, other: Array, exact: bool) -> dict[str, float]:
    """Return jetnet's values; `exact` of every jet once, and without FPD, which extrapolates what it draws."""
    from jetnet.evaluation import gen_metrics

    n, given = len(real), gen_metrics.rng
    draws: Mapping[str, Any] = {"num_eval_samples": n, "num_batches": 1 if exact else 5}
    gen_metrics.rng = EveryJetOnce() if exact else np.random.default_rng(0)
    try:
        found = {"W1M": float(gen_metrics.w1m(real, other, **draws)[0])}
        found |= zip((f"W1P {name}" for name in PARTICLES), gen_metrics.w1p(real, other, **draws)[0], strict=True)
        found["W1EFP, mean"] = float(np.mean(gen_metrics.w1efp(real, other, efp_jobs=1, **draws)[0]))
    finally:
        gen_metrics.rng = given
    features = [efps(jets, EFPS) for jets in (real, other)]
    x, y = gen_metrics._normalise_features(*features)
    moments: Callable[[Array], tuple[Array, Array]] = lambda z: (z.mean(axis=0), np.cov(z, rowvar=False))  # noqa: E731
    found["FD of all"] = float(gen_metrics._calculate_frechet_distance(*moments(x), *moments(y)))
    if exact:
        return found | {"KPD": float(gen_metrics._mmd_poly_quadratic_unbiased(x, y))}
    sizes = {"min_samples": max(n // 5, 2), "max_samples": n}
    # Its own error is that of its line alone: the spread over what is drawn says more.
    values = [float(gen_metrics.fpd(*features, **sizes, seed=seed)[0]) for seed in range(3)]
    return found | {
        "FPD": values[0],
        "FPD, error": float(np.std(values, ddof=1)),
        "KPD": float(gen_metrics.kpd(*features, batch_size=min(5000, n))[0]),
    }


if __name__ == "__main__":
    main()
