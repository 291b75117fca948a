"""The contracts that every room may use: batches, names in files, errors, files, progress."""
