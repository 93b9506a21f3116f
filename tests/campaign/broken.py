#!/usr/bin/python3
"""Builds vodlift broken on purpose, once for each patch of broken/, and runs the campaign that is aimed at the broken promise: it must find
the break with one of three seeds. The program as it is must pass the same campaigns, with the same seeds. docs/campaign.md says which patch breaks what."""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATCHES = sorted((HERE / "broken").glob("*.patch"))
# The plan of campaign.py, and the invariant that has to be found broken.
AIMED = {"no-fence": ("fences", "I7"), "no-sync": ("commits", "I1"), "callback-before-commit": ("callbacks", "I6"), "repeat-not-recognised": ("repeats", "I4")}
SEEDS = 3  # so many are tried until one finds it: on a machine that is busy with other work less happens
PLACE = ROOT / "build/broken"


def sources() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", "src", "cmake", "CMakeLists.txt", "CMakePresets.json"], cwd=ROOT,
                            capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def copy_sources(tree: pathlib.Path) -> str:
    """Makes the tree what is checked out here; what is the same stays untouched, so that it is not compiled again. Their checksum."""
    digest = hashlib.sha256()
    for name in sources():
        content = (ROOT / name).read_bytes()
        digest.update(name.encode() + b"\0" + content + b"\0")
        there = tree / name
        if not there.exists() or there.read_bytes() != content:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, there)
    return digest.hexdigest()


def build(patch: pathlib.Path) -> pathlib.Path:
    """The program with this patch, made in a copy of the sources."""
    tree, made = PLACE / "tree", PLACE / patch.stem
    stamp = copy_sources(tree) + hashlib.sha256(patch.read_bytes()).hexdigest()
    noted = made.with_suffix(".stamp")
    if made.exists() and noted.exists() and noted.read_text() == stamp:
        return made
    run = {"cwd": tree, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["git", "apply", "--directory", tree.relative_to(ROOT), patch], cwd=ROOT, check=True)
    try:
        subprocess.run(["cmake", "--preset", "release", "-DVODLIFT_PANEL=OFF", "-DVODLIFT_TESTS=OFF", "-DVODLIFT_BENCH=OFF"], **run)
        subprocess.run(["cmake", "--build", "--preset", "release", "--target", "vodlift"], **run)
        shutil.copy(tree / "build/release/vodlift", made)
        noted.write_text(stamp)
    finally:
        copy_sources(tree)
    return made


def campaign(binary: pathlib.Path, plan: str, seed: int) -> tuple[int, str]:
    done = subprocess.run([sys.executable, HERE / "campaign.py", "--plan", plan, "--seed", str(seed), "--evidence", PLACE / "evidence" / binary.name],
                          capture_output=True, text=True, env=os.environ | {"VODLIFT_BINARY": str(binary), "PYTHONDONTWRITEBYTECODE": "1"})
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("patch", nargs="*", help="only these, by name")
    options = parser.parse_args()
    if unknown := set(options.patch) - set(AIMED):
        parser.error(f"no such patch: {', '.join(sorted(unknown))} (there are {', '.join(AIMED)})")
    whole = pathlib.Path(os.environ.get("VODLIFT_BINARY", ROOT / "build/release/vodlift"))
    failures = 0
    for patch in PATCHES:
        if options.patch and patch.stem not in options.patch:
            continue
        failures += not any(is_found(patch, whole, seed) for seed in range(options.seed, options.seed + SEEDS))
    return 1 if failures else 0


def is_found(patch: pathlib.Path, whole: pathlib.Path, seed: int) -> bool:
    """Whether the campaign with this seed finds the break. Ends the program where it fails without one."""
    plan, invariant = AIMED[patch.stem]
    status, text = campaign(whole, plan, seed)
    if status:
        sys.exit(f"{text}\n{plan}, seed {seed}: the program as it is FAILS")
    print(f"{plan}, seed {seed}: the program as it is passes\n   {text.splitlines()[-1]}", flush=True)
    status, text = campaign(build(patch), plan, seed)
    found = status == 1 and f"{invariant} BROKEN" in text
    print(f"{plan}, seed {seed}: {patch.stem} is {'found' if found else 'NOT FOUND'} by {invariant}", flush=True)
    print("\n".join(line for line in text.splitlines() if not found or "BROKEN" in line or line.startswith(("    ", "=="))), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
