"""Build the site into build/site: `python -m scripts.site`."""

import sys
import time

from sphinx.cmd.build import build_main

from scripts.site.places import DOCS, ROOT, SITE, SOURCE
from scripts.site.staging import stage


def main() -> int:
    """Write the sources, build the site with warnings as errors, check its links; return the exit code."""
    begun = time.process_time()
    stage()
    doctrees = ROOT / "build" / "site-doctrees"
    words = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(DOCS), "-d", str(doctrees)]
    code = build_main([*words, str(SOURCE), str(SITE)])
    print(f"{SITE.relative_to(ROOT)}/index.html, {time.process_time() - begun:.0f} s of CPU")
    return code


if __name__ == "__main__":
    sys.exit(main())
