"""Training on entries that do not fit into memory: blocks of rows are read from disk, shuffled, and thrown away."""
