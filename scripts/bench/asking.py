"""A client of a server, one of several processes: the same request again and again, the seconds of each as JSON.

`python -m scripts.bench.asking ADDRESS MEDIA FILE N` imports nothing but what it asks with.
"""

import json
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit


def ask(address: str, media: str, body: bytes, n: int) -> list[float]:
    """Return the seconds that each of `n` requests took, on one connection."""
    where = urlsplit(address)
    connection = HTTPConnection(str(where.hostname), where.port)
    seconds = []
    for _ in range(n):
        began = time.perf_counter()
        connection.request("POST", "/score", body, {"Content-Type": media})
        answer = connection.getresponse()
        found = answer.read()
        seconds.append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {found[:200].decode()}")
    connection.close()
    return seconds


def main() -> None:
    """Begin when a line comes on standard input; print begin and end by the system's clock, and the seconds."""
    address, media, path, n = sys.argv[1:]
    body = Path(path).read_bytes()
    ask(address, media, body, 1)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.time()
    seconds = ask(address, media, body, int(n))
    print(json.dumps({"began": began, "ended": time.time(), "seconds": seconds}))


if __name__ == "__main__":
    main()
