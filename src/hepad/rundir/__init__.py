"""A run's directory, as somebody else may have written it: each file read by one reader, with limits and a schema.

A directory that came from a stranger may hold anything under the names of docs/architecture.md, "A run's directory".
The readers here take regular files alone, of a bounded size, depth and number of values, check the type of everything
that hepad looks at, and raise `UserError` for the rest. Nothing here needs torch.
"""
