#!/usr/bin/env bash
# The one entry to building, testing and trying vodlift. ./do alone lists what it can.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")"
export PATH=/usr/sbin:/sbin:$PATH
python=/usr/bin/python3
short_fuzz_seconds=20
e2e_processes=3  # most of the tests wait most of the time

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# Installs the Debian packages named in packaging/NAME-packages.txt that are not there yet.
need() {
  local missing=() package list
  for list in "$@"; do
    while read -r package; do
      [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done < <(grep -v '^#' "packaging/$list-packages.txt")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || { echo "vodlift builds on Debian 12; please install: ${missing[*]}" >&2; exit 1; }
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

build() {  # build PRESET [TARGET...]
  local preset=$1
  shift
  need build
  say "Building ($preset)"
  local output
  output=$(cmake --preset "$preset" 2>&1) || { echo "$output"; exit 1; }
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

##: build [PRESET]      build everything; the binary is build/release/vodlift (presets: dev release asan tsan)
do_build() { build "${1:-release}"; }

##: demo [FILE]         the whole job on a real video (or your FILE): a real S3 server, a signed call, a callback
do_demo() {
  local file=("$@")
  case "${1-}" in "" | /*) ;; *) file=("$called_from/$1") ;; esac
  need build s3 demo
  build release vodlift
  say "Demo"
  "$python" demo/demo.py --binary build/release/vodlift "${file[@]}"
}

##: test                install what it needs, build, run every test
do_test() {
  need build s3 test
  build release
  say "Unit and conformance tests"
  ctest --preset release -j2
  do_e2e
}

##: e2e [ARGS]          only the end-to-end tests; ARGS go to pytest (./do e2e -k resume), which then is one process
do_e2e() {
  need build s3 test
  build release vodlift bench_signature_timing sigv4_tool php_tool failing_sync failing_read full_disk \
    hanging_storage replays
  say "End-to-end tests"
  # A file's tests share fixtures, and stay together.
  [ $# -gt 0 ] || set -- -n "$e2e_processes" --dist loadfile
  with_rights env VODLIFT_BINARY="$PWD/build/release/vodlift" PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest -p no:cacheprovider -q tests "$@"
}

# Runs a command with the rights that some tests need (mounts, a look into other processes). Another user than root has
# them in a user namespace, or by sudo where the system allows no such namespace. Without them the tests that need them are
# listed at the end of the run.
with_rights() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif unshare --user --map-root-user --mount true 2>/dev/null; then
    unshare --user --map-root-user --mount "$@"
  elif sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    "$@"
  fi
}

##: check               format, clang-tidy, include rule, a short fuzz run, unit and conformance tests under ASan+UBSan and TSan
do_check() {
  need build check fuzz
  say "Include rule"
  "$python" tests/check_includes.py
  say "Format"
  git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror
  local preset
  for preset in asan tsan; do
    build "$preset"
    say "Tests under $preset"
    ctest --preset "$preset" -j2
  done
  say "Fuzzing"
  "$python" fuzz/run.py --build build/asan "$short_fuzz_seconds"
  say "clang-tidy"
  build tidy src/base/CMakeFiles/vodlift_base.dir/cmake_pch.hxx.pch
  "$python" tests/tidy.py
  echo "clang-tidy: clean"
}

##: fuzz SECONDS [TARGET...]  let libFuzzer look for faults of the parsers, so long for each (./do fuzz 60 json)
do_fuzz() {
  need build fuzz
  build fuzz fuzzers
  say "Fuzzing"
  "$python" fuzz/run.py "$@"
}

##: bench [ARGS]        measure beside curl, rclone and aws; writes bench/RESULTS.md (--quick, --only a|b|c)
do_bench() {
  need build bench
  build release vodlift bench_null_sink bench_enqueue_load bench_queue_scale
  "$python" bench/run.py "$@"
}

##: fmt                 format the C++ sources
do_fmt() {
  need check
  git ls-files '*.cc' '*.h' | xargs clang-format -i
}

##: run CONFIG          build and start the server with a configuration file
do_run() {
  build release vodlift
  exec build/release/vodlift serve --config "$1"
}

command=${1:-help}
[ $# -gt 0 ] && shift
case "$command" in
  build | demo | test | e2e | check | fuzz | bench | fmt | run) "do_$command" "$@" ;;
  help | -h | --help)
    echo "usage: ./do COMMAND"
    grep '^##:' "$0" | cut -c4-
    ;;
  *)
    echo "unknown command: $command (./do lists them)" >&2
    exit 2
    ;;
esac
