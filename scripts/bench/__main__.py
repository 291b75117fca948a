"""The command line of the benchmarks: `python -m scripts.bench [--device cuda] [--only training,scoring]`."""

from scripts.bench.suite import main

if __name__ == "__main__":
    raise SystemExit(main())
