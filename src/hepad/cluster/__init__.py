"""Work on several machines: independent tasks on the workers of a Dask cluster, their results in order.

| file | holds |
|---|---|
| `request` | what a user asked for, checked before anything is imported |
| `workers` | the cluster itself, and tasks on it |
| `jobs` | workers that a batch system starts |

Who has work for it writes a function and a list of tasks, both of which can be pickled; nothing else knows of Dask.
"""

from hepad.cluster.request import Cluster, Jobs, read_cluster
from hepad.cluster.workers import Workers, cluster_workers

__all__ = ["Cluster", "Jobs", "Workers", "cluster_workers", "read_cluster"]
