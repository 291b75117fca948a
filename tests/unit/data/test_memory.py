"""How much memory a process may still take: of the machine, and of its control groups."""

import pytest

from hepad.data import memory

GIB = 1 << 30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a function that writes a control group, and one that says which is this process's."""
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "_OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(memory, "_machine", lambda: 100 * GIB)

    def write(place, limit, used, cached, names=("memory.max", "memory.current", "inactive_file")):
        directory = tmp_path / "cgroup" / place
        directory.mkdir(parents=True, exist_ok=True)
        for name, value in zip(names, (limit, used), strict=False):
            (directory / name).write_text(f"{value}\n")
        (directory / "memory.stat").write_text(f"anon 1\n{names[2]} {cached}\n")

    return write, lambda text: (tmp_path / "own").write_text(text)


def test_pages_of_files_are_free(groups):
    write, own = groups
    own("0::/\n")
    write("", 16 * GIB, 15 * GIB, 14 * GIB)
    assert memory.available_memory() == 15 * GIB


def test_the_narrowest_group_around_counts(groups):
    write, own = groups
    own("0::/slurm/job_7/task_0\n")
    write("slurm", 64 * GIB, 2 * GIB, 0)
    write("slurm/job_7", 4 * GIB, GIB, 0)
    write("slurm/job_7/task_0", "max", GIB, 0)
    assert memory.available_memory() == 3 * GIB


def test_version_1(groups):
    write, own = groups
    own("5:cpu,cpuacct:/a\n4:memory:/b\n")
    write("memory/b", 4 * GIB, 3 * GIB, GIB, ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))
    assert memory.available_memory() == 2 * GIB


def test_without_groups_the_machine_counts(groups):
    assert memory.available_memory() == 100 * GIB
