"""Links of the Markdown files lead somewhere, and what documents and sources say of each other is true."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILES = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True,
                       text=True, check=True, timeout=60).stdout.splitlines()
PAGES = [name for name in FILES if name.endswith(".md") and (ROOT / name).exists()]


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(page: pathlib.Path) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links(name):
    page = ROOT / name
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or anchor and anchor not in anchors(target):
            broken.append(link)
    assert not broken


def test_index_names_every_page():
    index = (ROOT / "docs/README.md").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(re.findall(r"\]\(([a-z-]+\.md)\)", index))


def test_pages_named_elsewhere_exist():
    missing = []
    for name in FILES:
        if name.endswith((".cc", ".h", ".sql", ".py", ".toml", ".service", ".txt")) and (ROOT / name).is_file():
            named = re.findall(r"\bdocs/[\w/-]+\.md\b", (ROOT / name).read_text(errors="replace"))
            missing += [f"{name}: {page}" for page in named if not (ROOT / page).exists()]
    assert not missing


def test_messages_of_the_failures_page_are_the_programs():
    """The texts in the first column of docs/failures.md, up to their first `…`, are in the sources."""
    sources = "".join((ROOT / name).read_text() for name in FILES
                      if name.startswith("src/") and name.endswith((".cc", ".h")) and (ROOT / name).exists())
    rows = re.findall(r"^\| `([^`]+)`", (ROOT / "docs/failures.md").read_text(), re.MULTILINE)
    assert rows
    joined = re.sub(r'"\s*\n\s*"', "", sources)
    missing = [part for row in rows for part in row.split("…") if part.strip() and part.strip() not in joined]
    assert not missing
