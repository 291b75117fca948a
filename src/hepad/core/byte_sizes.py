"""Numbers of bytes as users write them, `2GB`, and as they are told."""

import re
from typing import Final

_UNITS: Final = {
    "": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}  # fmt: skip
_LARGEST: Final = 10**18


def parse_bytes(given: object) -> int | None:
    """Return a number of bytes, written as `500MB`, `1.5 GiB` or 2e9; None where it is none from 1 to 10¹⁸.

    >>> parse_bytes("2GB"), parse_bytes("1.5 MiB"), parse_bytes(4096), parse_bytes("2 gallons")
    (2000000000, 1572864, 4096, None)
    """
    if isinstance(given, str):
        found = re.fullmatch(r"\s*(\d{1,20}(?:\.\d{0,20})?(?:[eE]\+?\d{1,2})?)\s*([A-Za-z]{0,3})\s*", given)
        if found is None or found[2].upper() not in _UNITS:
            return None
        given = float(found[1]) * _UNITS[found[2].upper()]
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return int(given) if 1 <= given <= _LARGEST else None


def told_bytes(n_bytes: float) -> str:
    """Return a number of bytes for a reader.

    >>> told_bytes(2_340_000_000), told_bytes(950_000), told_bytes(12)
    ('2.34 GB', '0.95 MB', '0.012 kB')
    """
    unit, size = next((found for found in (("GB", 1e9), ("MB", 1e6)) if n_bytes >= 0.1 * found[1]), ("kB", 1e3))
    return f"{n_bytes / size:.3g} {unit}"
