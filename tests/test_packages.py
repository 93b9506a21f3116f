"""What `cmake --install` and packaging/build-deb make."""

import gzip
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from catalogue_rows import NOT_RUN
from support import ROOT, binary, build_dir
from test_documents import anchors


def run(*command, **options) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def install(folder: pathlib.Path, prefix: str) -> pathlib.Path:
    run("cmake", "--install", build_dir(), "--prefix", prefix, env=os.environ | {"DESTDIR": str(folder)})
    return folder / prefix.removeprefix("/")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> pathlib.Path:
    return install(tmp_path_factory.mktemp("installed"), "/usr")


def dead_links(folder: pathlib.Path) -> list[str]:
    """Links between the pages below `folder` that lead to no file, or to no heading of it."""
    dead = []
    for page in folder.rglob("*.md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"https?://", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(f"{page.relative_to(folder)}: {link}")
    return dead


def test_no_link_of_the_installed_pages_is_dead(installed):
    pages = installed / "share/doc/vodlift"
    assert dead_links(pages) == []
    for unit in (installed / "lib/systemd/system").iterdir():
        documentation = re.search(r"^Documentation=file:///usr/share/doc/vodlift/(.*)$", unit.read_text(), re.MULTILINE)[1]
        assert (pages / documentation).is_file()


def test_the_program_prints_its_pages(installed):
    for name, command in {"man/man1/vodlift.1": ("man",), "bash-completion/completions/vodlift": ("completion", "bash"),
                          "zsh/vendor-completions/_vodlift": ("completion", "zsh"),
                          "fish/vendor_completions.d/vodlift.fish": ("completion", "fish")}.items():
        page = installed / "share" / name
        assert page.read_text() == run(binary(), *command) != ""
        assert page.stat().st_mode & 0o777 == 0o644
    assert os.access(installed / "bin/vodlift", os.X_OK)
    assert "--endpoint" in run(installed / "bin/vodlift-s3check", "--help")
    assert (installed / "share/man/man1/vodlift-s3check.1").read_text() == (installed / "share/man/man1/vodlift.1").read_text()


def test_units_name_the_program_where_it_is(tmp_path):
    prefix = install(tmp_path, "/opt/vodlift")
    unit = (prefix / "lib/systemd/system/vodlift.service").read_text()
    assert "\nExecStart=/opt/vodlift/bin/vodlift serve --config /etc/vodlift/vodlift.toml\n" in unit and "/usr/" not in unit


def build_package(folder: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(run(ROOT / "packaging/build-deb", build_dir(), folder).strip())


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> pathlib.Path:
    if not shutil.which("dh"):
        pytest.skip(f"{NOT_RUN}a package is made with debhelper")
    return build_package(tmp_path_factory.mktemp("package"))


def test_a_package_without_fault(package):
    run("lintian", "--allow-root", "--fail-on", "error,warning", package)


def test_the_same_commit_makes_the_same_package(package, tmp_path):
    again = build_package(tmp_path)
    assert again.name == package.name and again.read_bytes() == package.read_bytes()


def test_it_needs_what_the_list_names(package):
    depends = re.findall(r"[a-z][a-z0-9+.-]+(?= \(| \||,|$)", run("dpkg-deb", "--field", package, "Depends"))
    listed = [line for line in (ROOT / "packaging/runtime-packages.txt").read_text().splitlines() if line[:1] not in "#"]
    assert [name for name in listed if not any(found.startswith(name) for found in depends)] == []


def test_what_is_in_it(package, tmp_path):
    run("dpkg-deb", "--raw-extract", package, tmp_path / "tree")
    tree = tmp_path / "tree"
    assert (tree / "DEBIAN/conffiles").read_text() == "/etc/vodlift/vodlift.toml\n"
    assert (tree / "etc/vodlift/vodlift.toml").read_bytes() == (ROOT / "packaging/vodlift.example.toml").read_bytes()
    assert (tree / "lib/systemd/system/vodlift.service").read_bytes() == (ROOT / "packaging/vodlift.service").read_bytes()
    assert dead_links(tree / "usr/share/doc/vodlift") == []
    assert gzip.decompress((tree / "usr/share/man/man1/vodlift.1.gz").read_bytes()).decode() == run(binary(), "man")
    names = {path.relative_to(tree).parts[:2] for path in tree.rglob("*") if path.is_file() and path.parent != tree / "DEBIAN"}
    assert names == {("etc", "vodlift"), ("lib", "systemd"), ("usr", "bin"), ("usr", "lib"), ("usr", "share")}
