"""Coverage of local p-values of a bump hunt: toys that are refitted, beside two ways that are wrong.

    python -m scripts.toy_coverage [--events 158 1000 10000] [--experiments 800] [--toys 400] [--window 3300 3700]

Draws spectra without a signal from a dijet function, and finds the p-value of a window in each: of a right p-value 5%
are below 0.05. Then prints the pulls of the prediction of side-band fits, (predicted − true)/error, whose spread is 1
where the error is right. docs/statistics.md tells what is to be seen.
"""

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson

from hepad.stats import BumpHunt, FitError, Spectrum, equal_bins, fit_background, global_p, scan_many, scan_toys
from hepad.stats.shapes import make_shape

LEVELS = (0.05, 0.01)
TRUTH = (0.0, 9.0, 7.0)
"""Parameters of the true dijet function, but for its normalisation."""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[158, 1000, 10000])
    parser.add_argument("--experiments", type=int, default=800)
    parser.add_argument("--toys", type=int, default=400)
    parser.add_argument("--window", type=float, nargs=2, default=[3300.0, 3700.0])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    edges, window = equal_bins(2600, 6000, 34), tuple(options.window)
    pulls = []
    for n_events in options.events:
        truth = true_spectrum(edges, n_events)
        spectra = np.random.default_rng([options.seed, n_events]).poisson(truth, (options.experiments, truth.size))
        began = time.monotonic()
        found = p_values(BumpHunt(edges, (window,)), spectra.astype(float), options.toys)
        took = time.monotonic() - began
        print(f"\n{n_events} events, {options.experiments} spectra, {options.toys} toys each ({took:.0f} s)")
        for title, p in found.items():
            print(f"  {title:44s}" + "".join(f"  P(p<{a:g}) = {share(p < a)}" for a in LEVELS))
        pulls.append((n_events, prediction_pulls(BumpHunt(edges, (window,)), spectra.astype(float), truth)))
    print("\npulls of the predicted count: mean, spread, beyond 2")
    for n_events, pull in pulls:
        print(f"  {n_events:6d} events  {pull.mean():+.2f}  {pull.std():.2f}  {100 * (np.abs(pull) > 2).mean():.1f}%")


def true_spectrum(edges: NDArray[np.float64], n_events: int) -> NDArray[np.float64]:
    """Return the expected counts of the true function, `(B,)`."""
    shape = make_shape(edges, "dijet", 3)
    expected = shape.expected(shape.from_formula(TRUTH))
    return expected * n_events / expected.sum()


def p_values(hunt: BumpHunt, spectra: NDArray[np.float64], n_toys: int) -> dict[str, NDArray[np.float64]]:
    """Return the p-values of each spectrum, by each way; spectra whose fit does not converge are left out."""
    by_shape = BumpHunt(hunt.edges, hunt.windows, form="spectrum")
    observed = {"counting": scan_many(hunt, spectra), "spectrum": scan_many(by_shape, spectra)}
    rows = []
    for i, counts in enumerate(spectra):
        try:
            null = fit_background(Spectrum(hunt.edges, counts))
        except FitError:
            continue
        if not all(np.isfinite(scan.z[i, 0]) for scan in observed.values()):
            continue
        count = counts[hunt.inside[0]].sum()
        row = []
        for scan, procedure in ((observed["counting"], hunt), (observed["spectrum"], by_shape)):
            row += [global_p(scan.z[i], scan_toys(procedure, [null], i, n_toys)).p, norm.sf(scan.z[i, 0])]
        row.append(poisson.sf(count - 1, null.predict(hunt.windows[0]).count))
        row.append(poisson.sf(count - 1, observed["counting"].predicted[i, 0]))
        rows.append(row)
    titles = (
        "side bands, toys refitted",
        "side bands, asymptotic formula",
        "spectrum with signal, toys refitted",
        "spectrum with signal, asymptotic formula",
        "WRONG: fit to all data, toys not refitted",
        "WRONG: side-band fit taken as exact",
    )
    return dict(zip(titles, np.array(rows, dtype=float).T, strict=True))


def prediction_pulls(hunt: BumpHunt, spectra: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (predicted − true)/error of the window's count, of the fits that converged."""
    found = scan_many(hunt, spectra)
    pull = (found.predicted[:, 0] - truth[hunt.inside[0]].sum()) / found.error[:, 0]
    return pull[np.isfinite(pull)]


def share(passes: NDArray[np.bool_]) -> str:
    """Return a share in percent with its standard error."""
    mean = passes.mean()
    return f"{100 * mean:4.1f} ± {100 * np.sqrt(max(mean * (1 - mean), 1e-9) / passes.size):.1f}%"


if __name__ == "__main__":
    main()
