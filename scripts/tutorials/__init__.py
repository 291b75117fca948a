"""The notebooks of docs/tutorials: Markdown that jupytext reads, run as a whole to show in the site what they give.

`python -m scripts.tutorials [NAME …]` runs them in a Jupyter kernel, each in an empty directory, and writes what their
cells showed to docs/tutorials/shown and docs/pictures/tutorials.
"""
