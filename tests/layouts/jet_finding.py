"""Jets found by hand: the definitions of sequential clustering, soft drop and N-subjettiness, pair by pair."""

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

P4 = tuple[float, float, float, float]
"""px, py, pz, E."""


def p4(pt: float, eta: float, phi: float) -> P4:
    return pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), pt * math.cosh(eta)


def added(*momenta: P4) -> P4:
    px, py, pz, energy = (sum(parts) for parts in zip(*momenta, strict=True))
    return px, py, pz, energy


def pt_of(p: P4) -> float:
    return math.hypot(p[0], p[1])


def mass_of(p: P4) -> float:
    return math.sqrt(max(p[3] ** 2 - p[0] ** 2 - p[1] ** 2 - p[2] ** 2, 0.0))


def distance(a: P4, b: P4) -> float:
    """√(Δy² + Δφ²), with the rapidity y."""
    rapidity = [0.5 * math.log((p[3] + p[2]) / (p[3] - p[2])) for p in (a, b)]
    phi = abs(math.atan2(a[1], a[0]) - math.atan2(b[1], b[0]))
    return math.hypot(rapidity[0] - rapidity[1], min(phi, 2 * math.pi - phi))


def anti_kt(momenta: Sequence[P4], radius: float) -> list[list[int]]:
    """Return the particles of each jet, by falling pT of the jets."""
    left = {(i,): p for i, p in enumerate(momenta)}
    jets = []
    while left:
        beam = {one: pt_of(p) ** -2 for one, p in left.items()}
        pairs = {
            (one, two): min(beam[one], beam[two]) * (distance(left[one], left[two]) / radius) ** 2
            for one, two in itertools.combinations(left, 2)
        }
        nearest = min(pairs, key=lambda pair: pairs[pair], default=None)
        hardest = min(beam, key=lambda one: beam[one])
        if nearest is not None and pairs[nearest] < beam[hardest]:
            one, two = nearest
            left[one + two] = added(left.pop(one), left.pop(two))
        else:
            jets.append((pt_of(left.pop(hardest)), hardest))
    return [sorted(members) for _, members in sorted(jets, reverse=True)]


def soft_drop(momenta: Sequence[P4], z_cut: float, beta: float, r_0: float) -> float:
    """Return the mass that is left, on a Cambridge/Aachen tree made of the nearest pairs."""
    trees: list[tuple[P4, tuple]] = [(p, ()) for p in momenta]
    while len(trees) > 1:
        one, two = min(itertools.combinations(trees, 2), key=lambda pair: distance(pair[0][0], pair[1][0]))
        trees = [tree for tree in trees if tree is not one and tree is not two]
        trees.append((added(one[0], two[0]), (one, two)))
    jet = trees[0]
    while jet[1]:
        hard, soft = sorted(jet[1], key=lambda tree: -pt_of(tree[0]))
        share = pt_of(soft[0]) / (pt_of(soft[0]) + pt_of(hard[0]))
        if share > z_cut * (distance(hard[0], soft[0]) / r_0) ** beta:
            break
        jet = hard
    return mass_of(jet[0])


def tau_of(momenta: Sequence[P4], axes: Sequence[P4], beta: float, r_0: float) -> float:
    """Return Σ pT min ΔR^β / Σ pT R_0^β for given axes."""
    total = sum(pt_of(p) for p in momenta)
    return sum(pt_of(p) * min(distance(p, axis) for axis in axes) ** beta for p in momenta) / (total * r_0**beta)


def least_tau(jet: Sequence[tuple[float, float, float]], n: int, r_0: float) -> float:
    """Return the least τ_n, β = 1, of pT, y and φ of a few particles: over all ways of giving them to n axes."""
    pulls = (sum(least_pull(tuple(group)) for group in groups) for groups in partitions(list(jet), n))
    return min(pulls) / (r_0 * sum(pt for pt, *_ in jet))


def partitions(items: list, n: int) -> Iterator[list[list]]:
    """Yield all ways of putting items into n groups, none of them empty."""
    for labels in itertools.product(range(n), repeat=len(items)):
        if len(set(labels)) == n and list(dict.fromkeys(labels)) == sorted(set(labels)):
            yield [[item for item, label in zip(items, labels, strict=True) if label == group] for group in range(n)]


@cache
def least_pull(group: tuple[tuple[float, float, float], ...]) -> float:
    """Return the least Σ pT ΔR over all axes: a geometric median, by Weiszfeld's iteration, or at a particle."""
    pt, y, phi = np.array(group).T
    axis = np.array([np.average(y, weights=pt), np.average(phi, weights=pt)])
    for _ in range(60):
        weight = pt / np.maximum(np.hypot(y - axis[0], phi - axis[1]), 1e-12)
        axis = np.array([np.average(y, weights=weight), np.average(phi, weights=weight)])
    places = [axis, *np.column_stack([y, phi])]
    return min(float((pt * np.hypot(y - place[0], phi - place[1])).sum()) for place in places)
