"""The keys of commands that work on a cluster: where it is, and the jobs that its workers come from."""

from collections.abc import Mapping
from typing import Final

from hepad.config.keys.compound import ListOf, optional
from hepad.config.keys.kinds import Kind, Pattern, Text, Whole

_HOST: Final = r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})"
_WORDS: Final = f"local|slurm|htcondor|(tcp|tls)://{_HOST}:[0-9]{{1,5}}"
SIZE: Final = Pattern(r"[0-9]{1,9}(\.[0-9]{1,3})?[kMGT]i?B", "a size such as 4GB")
_TIME: Final = Pattern(
    r"([0-9]{1,3}-)?[0-9]{1,3}:[0-9]{2}:[0-9]{2}", "a time such as 02:00:00 (hours, minutes, seconds)"
)

CLUSTER_KEYS: Final[Mapping[str, Kind]] = {
    "cluster": optional(Pattern(_WORDS, "local, slurm, htcondor or the address of a scheduler, tcp://HOST:PORT,")),
    "jobs.cores": Whole(1, 1024),
    "jobs.memory": SIZE,
    "jobs.disk": SIZE,
    "jobs.walltime": optional(_TIME),
    "jobs.queue": optional(Text("the name of a queue, a partition of SLURM's,")),
    "jobs.account": optional(Text("the name of an account")),
    "jobs.extra": ListOf(Text(), 0, 100, "lines", "['--qos=short']"),
    "jobs.prologue": ListOf(Text(), 0, 100, "lines of a shell", "['source env/bin/activate']"),
}
