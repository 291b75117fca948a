"""The project's site: docs/ as pages, with a reference made of the configs and of docstrings when it is built.

`python -m scripts.site` copies docs/ and what stands beside it into build/site-source, writes the pages that are
made of the code there, and lets Sphinx build build/site, warnings as errors.
"""
