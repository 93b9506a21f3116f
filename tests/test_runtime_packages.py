"""packaging/runtime-packages.txt names what the binary needs where it runs, and docs/install.md prints the same names."""

import os
import pathlib
import re
import subprocess

from support import ROOT, binary

LIST = ROOT / "packaging/runtime-packages.txt"


def listed() -> list[str]:
    return [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]


def output_of(*command: str | pathlib.Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def with_dependencies(packages: list[str]) -> set[str]:
    """The packages and those that they depend on, by what dpkg knows of the installed ones."""
    depends = {}
    for line in output_of("dpkg-query", "-W", "-f", "${Package}\t${Depends}, ${Pre-Depends}\n").splitlines():
        name, _, others = line.partition("\t")
        depends[name] = re.findall(r"[a-z0-9][a-z0-9+.-]+(?=[ ,:|(]|$)", re.sub(r"\([^)]*\)", "", others))
    known, left = set(), list(packages)
    while left:
        name = left.pop()
        if name not in known and name in depends:
            known.add(name)
            left += depends[name]
    return known


def owners_of(libraries: list[str]) -> dict[str, str]:
    """The package that installed each file. A path may lead through the link /lib -> usr/lib, so two spellings are asked for."""
    real = {library: os.path.realpath(library) for library in libraries}
    spellings = {library: (path, path.removeprefix("/usr")) for library, path in real.items()}
    asked = sorted({path for both in spellings.values() for path in both})
    # Its exit code is 1, because dpkg knows one spelling only.
    found = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, timeout=120).stdout
    owner = {path: package.split(":")[0] for package, path in re.findall(r"^(\S+): (/\S+)$", found, re.MULTILINE)}
    unknown = [library for library, both in spellings.items() if not any(path in owner for path in both)]
    assert not unknown, "no package owns these"
    return {library: next(owner[path] for path in both if path in owner) for library, both in spellings.items()}


def test_every_shared_library_belongs_to_a_listed_package():
    libraries = re.findall(r"(/\S+) \(0x", output_of("ldd", binary()))
    assert libraries, "ldd names the libraries of the binary"
    known = with_dependencies(listed())
    missing = {library: owner for library, owner in owners_of(libraries).items() if owner not in known}
    assert not missing, f"add these to {LIST.name}"


def test_no_listed_package_is_superfluous():
    """Each one owns a library that the binary itself asks for, or data that it reads: certificates, time zones."""
    wanted = set(re.findall(r"NEEDED.*\[(\S+)\]", output_of("readelf", "-d", binary())))
    paths = dict(re.findall(r"(\S+) => (/\S+)", output_of("ldd", binary())))
    owners = owners_of([paths[name] for name in wanted if name in paths])
    assert set(listed()) - set(owners.values()) == {"ca-certificates", "tzdata"}


def test_the_documentation_prints_the_list():
    text = (ROOT / "docs/install.md").read_text()
    block = text.split("<!-- runtime packages -->")[1].split("<!-- end -->")[0]
    assert re.findall(r"[a-z][a-z0-9+.-]+", block.split("--no-install-recommends")[1].replace("\\", " ").replace("```", " ")) == listed()
