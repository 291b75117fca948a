"""Checks of a config before anything is read: types, names, files, and combinations that cannot work."""
