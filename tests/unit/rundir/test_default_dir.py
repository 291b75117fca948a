"""The default directory of a run: free, whoever else begins in the same second."""

import subprocess
import sys

from hepad.rundir.locking import claim_directory


def test_names_are_counted_on(tmp_path):
    wanted = tmp_path / "2026-01-01" / "12-00-00_dense_ae_jets"
    claimed = [claim_directory(wanted).name for _ in range(3)]
    assert claimed == ["12-00-00_dense_ae_jets", "12-00-00_dense_ae_jets_2", "12-00-00_dense_ae_jets_3"]


def test_processes_that_begin_at_once_get_one_each(tmp_path):
    program = (
        "import sys; from pathlib import Path; from hepad.rundir.locking import claim_directory; sys.stdin.read();"
        "print(*(claim_directory(Path(sys.argv[1])).name for _ in range(50)))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "run")]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in started:
        process.stdin.close()
    names = [name for process in started for name in process.stdout.read().split()]
    for process in started:
        process.stdout.close()
        assert process.wait() == 0
    assert len(names) == len(set(names)) == 200
