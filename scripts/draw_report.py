"""Draw the picture of a report for README.md: `python scripts/draw_report.py [RUN]`, from a run or from one of its own.

Needs a Chromium. The page is drawn as it opens in a window of 1280 × 960.
"""

import io
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

import hepad

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "report.png"
SIZE = {"width": 1280, "height": 960}


def main() -> None:
    """Take a picture of the top of a report."""
    with TemporaryDirectory() as directory:
        run = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(hepad.train(run_dir=f"{directory}/first_run").directory)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, color_scheme="light")
            page.goto((run / "report.html").absolute().as_uri())
            shot = page.screenshot()
            browser.close()
    # As a palette it takes a third of the bytes.
    few = Image.open(io.BytesIO(shot)).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE)
    few.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
