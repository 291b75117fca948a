"""Texts of the project: paths that they name are there, and every page is reached from the site's first one."""

import re
from pathlib import Path

import pytest
from scripts.site.places import BESIDE_DOCS, DOCS, ROOT, document_of
from scripts.site.staging import sources

TEXTS = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
PLACES = "docs|src|scripts|tests|configs|packaging"
PATH = re.compile(rf"(?<![\w/.<])((?:{PLACES})/[\w./-]*[\w/]|(?:CONTRIBUTING|CHANGELOG|SECURITY)\.md)(?![\w<*{{])")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
# What the example of a page makes.
MADE = {"configs/model/conditioned.yaml"}


def named_paths(text: str) -> set[str]:
    """Return the paths of the project that a text names in words."""
    return {path for path in PATH.findall(text) if path not in MADE and "NAME" not in path}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [path for path in sorted(named_paths(text)) if not (ROOT / path).exists()] == []
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


def test_a_path_that_is_not_there_is_found():
    text = "See docs/metrics.md, `scripts/gone.py` and tests/unit/, not my_lab/tests or <run>/tests/x."
    assert named_paths(text) == {"docs/metrics.md", "scripts/gone.py", "tests/unit/"}
    assert not (ROOT / "scripts/gone.py").exists()


@pytest.fixture(scope="module")
def staged() -> dict[str, str]:
    """The site's sources, document → text."""
    return {
        name.rpartition(".")[0]: content.decode()
        for name, content in sources().items()
        if name.endswith((".md", ".rst"))
    }


def entries_of(document: str, text: str) -> list[str]:
    """Return the documents that a page's tables of contents name."""
    blocks = re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL)
    blocks += re.findall(r"\.\. toctree::\n((?:\s+.*\n)*)", text)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [(Path(document).parent / line).as_posix() for line in lines if line and not line.startswith(":")]


def test_every_page_is_reached_once(staged):
    reached, waiting = ["index"], ["index"]
    while waiting:
        found = entries_of(waiting[0], staged[waiting.pop(0)])
        reached += found
        waiting += found
    assert sorted(reached) == sorted(staged)


def test_every_page_of_docs_is_a_page_of_the_site(staged):
    assert {document_of(f"docs/{path.relative_to(DOCS)}") for path in DOCS.rglob("*.md")} <= set(staged)
    assert set(BESIDE_DOCS.values()) <= set(staged)


def test_every_option_and_key_is_in_the_reference(staged):
    page = staged["reference/config/model"]
    options = [path.stem for path in (ROOT / "configs/model").glob("*.yaml")]
    assert all(f"\n## {option}\n" in page for option in options)
    beta = page[page.index("\n## vae\n") :]
    assert "`model.beta` = `1.0`\n: weight of KL; *a number of at least 0*" in beta
    groups = {path.name for path in (ROOT / "configs").iterdir() if path.is_dir()} - {"schema"}
    pages = {name.removeprefix("reference/config/") for name in staged if name.startswith("reference/config/")}
    assert groups == pages - {"index", "commands"}


def test_every_public_name_is_in_the_reference(staged):
    from tests.unit.test_examples import PUBLIC

    pages = "\n".join(text for name, text in staged.items() if name.startswith("reference/api/"))
    inside = set(re.findall(r":: (hepad\.[\w.]+)\n", pages))
    inside |= {f"hepad.{name}" for name in ("train", "load_run", "load_pretrained", "list_pretrained", "Detector")}
    assert set(PUBLIC) <= inside


def test_every_picture_has_a_command_in_the_gallery():
    gallery = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"\*\*[^\n]*\*\* · `([^`]+)`[^\n]*\n\n!\[[^\n]*\]\(pictures/(\w+)\.png\)", gallery))
    found = re.findall(r"· `([^`]+)`[^\n]*\n\n!\[[^\n]*\]\(pictures/(\w+)\.png\)", gallery)
    assert {name for _, name in found} == {path.stem for path in (DOCS / "pictures").glob("*.png")}
    assert shown
    for command, _ in found:
        _, *words = command.split()
        module = words[1] if words[0] == "-m" else words[0]
        path = module if module.endswith(".py") else module.replace(".", "/")
        places = [ROOT / path, ROOT / f"{path}.py", ROOT / "src" / f"{path}.py"]
        assert any(place.exists() for place in places), command
