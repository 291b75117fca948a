"""Build the site into build/site: `python -m scripts.site`."""

import sys
import time

from scripts.site import links
from scripts.site.places import DOCS, ROOT, SITE, SOURCE
from scripts.site.staging import stage
from scripts.tutorials import notebooks
from sphinx.cmd.build import build_main


def main() -> int:
    """Write the sources, build the site with warnings as errors, check links and tutorials; return the exit code."""
    stage()
    doctrees = ROOT / "build" / "site-doctrees"
    words = ["-b", "html", "-W", "--keep-going", "-q", "-c", str(DOCS), "-d", str(doctrees)]
    code = int(build_main([*words, str(SOURCE), str(SITE)]))
    broken = [*notebooks.problems(), *links.problems(SITE)]
    print(*broken, sep="\n", end="\n" if broken else "", file=sys.stderr)
    print(f"{(SITE / 'index.html').relative_to(ROOT)}, {time.process_time():.0f} s of CPU")
    return code or int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
