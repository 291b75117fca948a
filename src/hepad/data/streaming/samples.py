"""Samples that do not fit into memory: what is streamed of them, and what is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hepad.core.byte_sizes import told_bytes
from hepad.core.errors import UserError
from hepad.core.roles import same_entries
from hepad.data.entries import Entries
from hepad.data.memory import COPIES, return_free_memory
from hepad.data.reading import SampleReader
from hepad.data.split import Split
from hepad.data.streaming.budget import TESTED, Probe, divide, fair_shares, probe
from hepad.data.streaming.parts import TEST, TRAIN, VAL, RoleStream, SplitScan
from hepad.data.streaming.scan import Scan, collect, scan_sample
from hepad.data.training_roles import RoleEntries, same_file, with_role

TRAINED_SHARE: Final = 0.6
TESTED_SHARE: Final = 0.2


@dataclass(frozen=True)
class Streamed:
    """Entries that are read from disk while training goes on, and those that are kept in memory.

    Attributes:
        memory: the budget in bytes.
        needed: bytes that all entries would take.
        streams: of each role.
        buffer: training entries that are shuffled at a time.
        block_rows: sample → rows of a block.
        role_entries: of each role, a draw of its training and validation entries.
        tested: sample → entries to test.
        of: sample → how many it has to test, of those of which not all are.
        split_sha256: hashes of the parts of the splits, as of entries in memory.
    """

    memory: int
    needed: int
    streams: Sequence[RoleStream]
    buffer: int
    block_rows: Mapping[str, int]
    role_entries: list[RoleEntries]
    tested: dict[str, Entries]
    of: Mapping[str, int]
    split_sha256: dict[str, str]

    def n(self, code: int) -> int:
        """Return how many entries a part has in all roles together."""
        return sum(stream.n(code) for stream in self.streams)

    @property
    def facts(self) -> dict[str, Any]:
        """Facts for provenance, as plain JSON values."""
        drawn = sum(len(found.train) for found in self.role_entries)
        blocks = dict(self.block_rows)
        return {"memory": self.memory, "needed": self.needed, "buffer": self.buffer, "blocks": blocks, "drawn": drawn}

    @property
    def told(self) -> str:
        """One line for the console."""
        rows = " and ".join(f"{n:,}" for n in dict.fromkeys(self.block_rows.values()))
        buffers = -(-self.n(TRAIN) // self.buffer)
        parts = [f"{len(self.tested[sample]):,} of {n:,} of {sample}" for sample, n in self.of.items()]
        tested = f"; tested are {', '.join(parts)}" if parts else ""
        return (
            f"training entries are streamed from disk in blocks of {rows} rows, {self.buffer:,} entries shuffled at a "
            f"time ({buffers} in an epoch): in memory all would take {told_bytes(self.needed)}, data.memory allows "
            f"{told_bytes(self.memory)}{tested}"
        )


def stream_samples(
    reader: SampleReader,
    files: Mapping[str, Path],
    probes: Mapping[str, Probe],
    memory: int,
    by_row: bool,
    split: Callable[[int], Split],
) -> Streamed:
    """Find what is streamed and keep what is not, so that all of it stays within a budget.

    Args:
        reader: makes entries of rows, and knows the roles.
        files: sample → file.
        probes: sample → sizes.
        memory: the budget in bytes.
        by_row: rows are split with all their entries, not single entries.
        split: number of units → their split.

    Raises:
        UserError: the files cannot be used, or not within the budget.
    """
    trained = dict.fromkeys(role.sample for role in reader.roles)
    plan = divide(memory, probes, dict.fromkeys(trained, TRAINED_SHARE), reader.batch_size)
    regions = {
        sample: [reader.regions[role.region] for role in reader.roles if role.sample == sample and role.region]
        for sample in trained
    }
    scans = {
        sample: scan_sample(
            reader, sample, files[sample], plan.block_rows[sample], by_row, reader.limit_of(sample), regions[sample]
        )
        for sample in trained
    }
    _refuse_shared(reader, scans, files)
    splits = {sample: SplitScan.of(scan, split(scan.n_units)) for sample, scan in scans.items()}
    streams = [RoleStream(reader, role, splits[role.sample]) for role in reader.roles]
    most = _most_tested(probes, files, trained, memory)
    role_entries, tested, of = _kept(reader, streams, splits, most, plan.drawn)
    for sample, path in files.items():
        if sample in splits:
            continue
        if (same := next((name for name in splits if same_file(files[name], path)), None)) is not None:
            # The same file under another name: its entries train all the same.
            tested[sample] = tested[same]
        elif most[sample] >= probes[sample].n_entries:
            tested[sample] = reader.read_sample(sample, path, reader.limit_of(sample))
        else:
            tested[sample], of[sample] = spread(reader, sample, path, most[sample], reader.limit_of(sample))
    needed = sum(found.needed for found in probes.values())
    hashes = _hashes(splits, streams)
    ordered = {sample: tested[sample] for sample in files}
    return_free_memory()
    return Streamed(memory, needed, streams, plan.buffer, plan.block_rows, role_entries, ordered, of, hashes)


def spread(
    reader: SampleReader, sample: str, path: Path, most: int, limit: int | None, block_rows: int = 4096
) -> tuple[Entries, int]:
    """Return at most so many entries of a file, evenly spread over all, and how many there are."""
    scan = scan_sample(reader, sample, path, block_rows, by_row=False, limit=limit)
    n = scan.n_entries
    numbers = np.linspace(0, n - 1, min(n, max(1, most))).round().astype(np.int64)
    return collect(reader, scan, {sample: numbers})[sample], n


def read_within(reader: SampleReader, sample: str, path: Path, limit: int | None, memory: int | None) -> Entries:
    """Return the entries of a file to test; those that fit where the sample does not fit into its part of a budget."""
    if memory is None:
        return reader.read_sample(sample, path, limit)
    sizes = probe(reader, sample, path, limit)
    most = int(TESTED * memory) // (COPIES * sizes.entry_bytes)
    if most >= sizes.n_entries:
        return reader.read_sample(sample, path, limit)
    return spread(reader, sample, path, most, limit)[0]


def own_split(data: object) -> str:
    """Return the method by which a datamodule splits in its own way, without saying what it splits; else empty."""
    kind = type(data)
    split, unit = (
        next(owner for owner in kind.__mro__ if name in vars(owner)) for name in ("split_entries", "split_unit")
    )
    return "" if issubclass(unit, split) else f"{kind.__name__}.split_entries, without a split_unit of its own,"


def _most_tested(
    probes: Mapping[str, Probe], files: Mapping[str, Path], trained: Mapping[str, None], memory: int
) -> dict[str, int]:
    """Return sample → how many of its entries are tested at most."""
    needs = {name: int(probes[name].needed * (TESTED_SHARE if name in trained else 1.0)) + 1 for name in files}
    shares = fair_shares(needs, int(TESTED * memory))
    return {
        # One in a hundred more: the number of entries is estimated.
        name: int(1.01 * share) // (COPIES * probes[name].entry_bytes) + 1
        if share == needs[name]
        else max(1, share // (COPIES * probes[name].entry_bytes))
        for name, share in shares.items()
    }


def _kept(
    reader: SampleReader,
    streams: Sequence[RoleStream],
    splits: Mapping[str, SplitScan],
    most: Mapping[str, int],
    drawn: int,
) -> tuple[list[RoleEntries], dict[str, Entries], dict[str, int]]:
    """Return the draws of each role, and the tested entries of each sample that trains and how many there are."""
    tested, of = {}, {}
    draws: dict[int, list[Entries]] = {}
    n_trained = sum(stream.n(TRAIN) for stream in streams)
    for sample, split in splits.items():
        wanted = {"test": split.first_of(TEST, most[sample])}
        own = {i: stream for i, stream in enumerate(streams) if stream.role.sample == sample}
        for i, stream in own.items():
            n, region = max(2, drawn * stream.n(TRAIN) // n_trained), stream.role.region
            wanted[f"train {i}"] = split.first_of(TRAIN, n, region)
            wanted[f"val {i}"] = split.first_of(VAL, max(2, n // 4), region)
        found = collect(reader, split.scan, wanted)
        tested[sample] = found["test"]
        if len(found["test"]) < (n_tested := sum(map(len, split.entries_of(TEST)))):
            of[sample] = n_tested
        for i, stream in own.items():
            draws[i] = [with_role(replace(found[f"{part} {i}"], truth=None), stream.role) for part in ("train", "val")]
    none = np.empty(0, dtype=np.int64)
    roles = [
        RoleEntries(stream.role, none, none, *draws[i], streamed=(stream.n(TRAIN), stream.n(VAL)))
        for i, stream in enumerate(streams)
    ]
    return roles, tested, of


def _refuse_shared(reader: SampleReader, scans: Mapping[str, Scan], files: Mapping[str, Path]) -> None:
    """Raise `UserError` for roles without entries, and for two from one file that share some."""
    for i, role in enumerate(reader.roles):
        scan = scans[role.sample]
        inside = np.ones(1, dtype=bool) if role.region is None else scan.inside[role.region]
        if not inside.any():
            raise UserError(
                f"region {role.region} is empty: none of {scan.n_entries} entries of {role.sample} lies in it "
                f"({scan.path})"
            )
        for other in reader.roles[:i]:
            if not same_file(files[role.sample], files[other.sample]):
                continue
            if scans[other.sample].n_entries != scan.n_entries:
                raise UserError(
                    f"data.train: {role.sample} and {other.sample} are one file, read with different limits; give "
                    "both the same data.limit"
                )
            theirs = np.ones(1, dtype=bool) if other.region is None else scans[other.sample].inside[other.region]
            both = (
                np.broadcast_to(inside & theirs, (scan.n_entries,))
                if len(inside) == len(theirs) == 1
                else (inside & theirs)
            )
            if shared := int(both.sum()):
                raise same_entries(other, role, shared)


def _hashes(splits: Mapping[str, SplitScan], streams: Sequence[RoleStream]) -> dict[str, str]:
    """Return the hashes of the parts, by the names that those of entries in memory have (`split_sha256`)."""
    if len(streams) == 1:
        role = streams[0].role
        split = splits[role.sample]
        parts = {"train": split.sha256(TRAIN, role.region), "val": split.sha256(VAL, role.region)}
        return parts | {"test": split.sha256(TEST)}
    found = {f"test/{sample}": split.sha256(TEST) for sample, split in splits.items()}
    for stream in streams:
        role, split = stream.role, splits[stream.role.sample]
        where = "/".join(filter(None, (role.sample, role.region)))
        found |= {f"train/{where}": split.sha256(TRAIN, role.region), f"val/{where}": split.sha256(VAL, role.region)}
    return found
