#!/usr/bin/env bash
# The one entry to building, testing and trying vodlift. Without arguments it lists its commands.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")"
export PATH=/usr/sbin:/sbin:$PATH
python=/usr/bin/python3
short_fuzz_seconds=12
panel=${VODLIFT_PANEL:-ON}
e2e_processes=3  # most of the tests wait most of the time
# What the end-to-end tests run: the program as it ships, and tools of theirs.
e2e_targets=(vodlift bench_signature_timing sigv4_tool php_tool failing_sync failing_read failing_memory full_disk refusing_open
  hanging_storage dying_rename replays)
# The suites whose code has threads.
tsan_suites=(base_test core_test audit_test net_test door_test store_test s3_test callback_test telemetry_test storage_test worker_test legacy_test
  rest_test conformance_test)

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# Runs COMMAND as the part NAME of a check, and adds its time to the file VODLIFT_TIMES, which .ci/run prints.
part() {  # part NAME COMMAND [ARGUMENT...]
  local name=$1 began=$SECONDS
  shift
  say "$name"
  "$@"
  [ -z "${VODLIFT_TIMES-}" ] || printf '%5d s  %s\n' $((SECONDS - began)) "$name" >>"$VODLIFT_TIMES"
}

# Installs the Debian packages named in packaging/NAME-packages.txt that are not there yet.
need() {
  local missing=() package list lock
  mkdir -p build
  exec {lock}>build/packages.lock
  flock "$lock"
  for list in "$@"; do
    while read -r package; do
      [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done < <(grep -v '^#' "packaging/$list-packages.txt")
  done
  [ ${#missing[@]} -eq 0 ] && { exec {lock}>&-; return 0; }
  command -v apt-get >/dev/null || { echo "vodlift builds on Debian 12; please install: ${missing[*]}" >&2; exit 1; }
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null {lock}>&-
  exec {lock}>&-
}

# Node.js and npm: those that are installed, or Debian's.
need_node() { { command -v node && command -v npm; } >/dev/null || need panel; }

build() {  # build PRESET [TARGET...]
  local preset=$1
  shift
  need build
  case $preset in dev | release) [ "$panel" = OFF ] || need_node ;; esac
  part "build $preset" compile "$preset" "$@"
}

compile() {  # compile PRESET [TARGET...]
  local preset=$1 output lock options=()
  shift
  case $preset in dev | release) options=(-DVODLIFT_PANEL="$panel") ;; esac
  # Two builds at once in one folder would spoil it.
  mkdir -p build
  exec {lock}>"build/$preset.lock"
  flock "$lock"
  output=$(cmake --preset "$preset" "${options[@]}" 2>&1 {lock}>&-) || { echo "$output"; exit 1; }
  cmake --build --preset "$preset" ${1:+--target "$@"} {lock}>&-
  exec {lock}>&-
}

##: build [PRESET]      build everything; the binary is build/release/vodlift (presets: dev release asan tsan)
##:                     VODLIFT_PANEL=OFF ./do build makes a binary without Control Panel, and needs no Node.js
do_build() { build "${1:-release}"; }

##: deb                 the Debian package of this commit: build/deb/vodlift_VERSION_amd64.deb
do_deb() {
  need build package
  build release vodlift
  part "package" packaging/build-deb build/release build/deb
}

##: image               an OCI image of the package, without a daemon: build/image/vodlift-image_VERSION.tar (needs root)
do_image() {
  do_deb
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  part "image" "${root[@]}" packaging/build-image build/deb/vodlift_*.deb build/image
}

##: package-test        installs, upgrades, removes and purges the package in a Debian 12 below a folder (needs root)
do_package-test() {
  need build s3 test package
  build release vodlift
  local root=()
  [ "$(id -u)" -eq 0 ] || root=(sudo)
  part "life of a package" "${root[@]}" env VODLIFT_BINARY="$PWD/build/release/vodlift" PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest -p no:cacheprovider -q tests/packages/life_of_a_package.py "$@"
}

##: demo [FILE]         the whole job on a real video (or your FILE): a real S3 server, a signed call, a callback
do_demo() {
  local file=("$@")
  case "${1-}" in "" | /*) ;; *) file=("$called_from/$1") ;; esac
  need build s3 demo
  build release vodlift
  part "demo" "$python" demo/demo.py --binary build/release/vodlift "${file[@]}"
}

##: test                install missing packages, build, run every test; unit tests run under ASan and UBSan
do_test() {
  need build s3 test package fuzz
  build release "${e2e_targets[@]}"
  do_asan
  do_e2e
}

##: e2e [ARGS]          only the end-to-end tests; ARGS go to pytest (./do e2e -k resume), which then is one process
do_e2e() {
  need build s3 test package
  build release "${e2e_targets[@]}"
  [ $# -gt 0 ] || set -- -n "$e2e_processes" --dist loadgroup
  local word all=(tests)
  for word; do [ ! -e "${word%%::*}" ] || all=(); done  # only the files that are named
  part "end-to-end tests" with_rights env VODLIFT_BINARY="$PWD/build/release/vodlift" PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest -p no:cacheprovider -q "${all[@]}" "$@"
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

##: check               all of: includes, format, panel, tidy, tsan, and a short fuzz run
do_check() {
  need build check fuzz
  do_includes
  do_format
  do_panel
  do_tidy
  do_tsan
  build asan fuzzers
  part "fuzz" "$python" fuzz/run.py --build build/asan "$short_fuzz_seconds"
}

##: panel               type check and unit tests of the Control Panel, and a check of docs/openapi.yaml
do_panel() {
  need_node
  mkdir -p build
  part "Control Panel" check_panel
}
check_panel() {
  flock panel node panel/embed.mjs npm build/panel.cc
  (cd panel && npm run --silent check && npm run --silent openapi)
}

##: pictures            makes the pictures of docs/panel/, with the real server and a browser
do_pictures() {
  need build test
  build release vodlift
  part "pictures of the Control Panel" env VODLIFT_BINARY="$PWD/build/release/vodlift" PYTHONDONTWRITEBYTECODE=1 "$python" tests/e2e/panel_pictures.py
}

##: asan [TEST...]      the unit and conformance tests under ASan and UBSan, or some of them: ./do asan core_test
do_asan() { sanitize asan "$@"; }

##: tsan [TEST...]      those whose code has threads, or some of them, under TSan
do_tsan() {
  [ $# -gt 0 ] || set -- "${tsan_suites[@]}"
  sanitize tsan "$@"
}

# Where unit tests make their files. They make thousands of small databases, and each waits for its disk. End-to-end tests use a
# real disk.
folder_in_memory() {
  local free
  free=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)  # KiB
  if [ "${free:-0}" -ge 2000000 ] && [ -w /dev/shm ]; then echo /dev/shm; else echo "${TMPDIR:-/tmp}"; fi
}

sanitize() {  # sanitize PRESET [TEST...]
  local preset=$1
  shift
  need build fuzz
  build "$preset" "${@:-unit_tests}"
  local only=$(IFS='|'; echo "$*")
  part "tests under $preset" env TMPDIR="$(folder_in_memory)" ctest --preset "$preset" -j2 --no-tests=error ${only:+-R "^($only)\$"}
}

##: tidy [--all] [FILE...]  clang-tidy on files that changed since they were clean, or on all (--all; more of each: --deep)
do_tidy() {
  need build check fuzz
  build tidy src/base/CMakeFiles/vodlift_base.dir/cmake_pch.hxx.pch
  part "clang-tidy" "$python" tests/tidy.py "$@"
}

##: format [FILE...]    whether the C++ sources are formatted; ./do fmt formats them
do_format() {
  need check
  part "format" formatted "$@"
}
formatted() {
  if [ $# -gt 0 ]; then clang-format --dry-run --Werror "$@"; else git ls-files '*.cc' '*.h' | xargs clang-format --dry-run --Werror; fi
}

##: includes            the include rule: which folder of src/ may include which
do_includes() { part "include rule" "$python" tests/check_includes.py; }

##: fuzz SECONDS [TARGET...]  let libFuzzer look for faults in each parser for SECONDS (./do fuzz 60 json)
do_fuzz() {
  need build fuzz
  build fuzz fuzzers
  part "fuzz" "$python" fuzz/run.py "$@"
}

##: bench [ARGS]        compare with curl, rclone and aws; writes bench/RESULTS.md (--quick, --only a|b|c)
do_bench() {
  need build bench
  build release vodlift bench_null_sink bench_enqueue_load bench_queue_scale
  "$python" bench/run.py "$@"
}

##: soak [TIME] [ARGS]  clients, faults and a judge for TIME (600: seconds, 2h: hours), or a round of each plan; --seed N, --plan NAME
##: soak --broken       builds that are broken on purpose: the campaign must find each (docs/campaign.md)
do_soak() {
  need build s3 test
  build release vodlift
  local program=campaign time=()
  case "${1-}" in
    --broken) program=broken; shift ;;
    [0-9]*h) time=(--seconds $((${1%h} * 3600))); shift ;;
    [0-9]*) time=(--seconds "$1"); shift ;;
  esac
  part "campaign" with_rights env VODLIFT_BINARY="$PWD/build/release/vodlift" PYTHONDONTWRITEBYTECODE=1 \
    "$python" "tests/campaign/$program.py" "${time[@]}" "$@"
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
  build | deb | image | package-test | demo | test | e2e | check | asan | tsan | tidy | format | includes | fuzz | bench | soak | fmt | panel | pictures | run) "do_$command" "$@" ;;
  help | -h | --help)
    echo "usage: ./do COMMAND"
    grep '^##:' "$0" | cut -c4-
    ;;
  *)
    echo "unknown command: $command (./do lists them)" >&2
    exit 2
    ;;
esac
