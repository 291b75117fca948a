"""Samples made by the workers of a cluster: the bytes of processes of this machine, also where a worker dies."""

import pytest
from tests.clusters import at, kill_one_after_the_first_result, two_workers

from hepad.core.errors import UserError
from hepad.simulation import chunks
from hepad.simulation.production import simulate
from hepad.simulation.settings import Settings, sample_fingerprint

SMALL = Settings({"soft_qcd": 10}, seed=5, pileup_mean=4, chunk_size=2)


@pytest.mark.thorough
@pytest.mark.usefixtures("tables_at_hand")
def test_a_sample_is_the_bytes_of_processes_though_a_worker_dies(tmp_path, monkeypatch):
    here = simulate(SMALL, tmp_path / "here", workers=1)["soft_qcd"]
    with two_workers() as cluster:
        killed = kill_one_after_the_first_result(cluster, monkeypatch)
        there = simulate(SMALL, tmp_path / "there", cluster=at(cluster))["soft_qcd"]
    assert there.read_bytes() == here.read_bytes()
    assert killed
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["soft_qcd.h5"]


def test_a_worker_that_would_make_other_events_is_refused(monkeypatch):
    fingerprint = sample_fingerprint(SMALL, "soft_qcd")
    monkeypatch.setattr(chunks, "sample_fingerprint", lambda *_: "other")
    with pytest.raises(UserError, match="a worker has other versions"):
        chunks.make_chunk_anywhere(chunks.ChunkTask(b"", SMALL, fingerprint, "soft_qcd", 0, 4))
