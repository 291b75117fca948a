"""Benchmarks of hepad beside what it could be at best: `make bench`, or `python -m scripts.bench --help`."""
