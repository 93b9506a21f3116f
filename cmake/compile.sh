#!/bin/sh
# Runs the compiler through ccache: compile.sh PROJECT COMPILER ARGUMENT...
#
# A clone in another folder finds what this one compiled: ccache hashes paths below PROJECT relative to it, and
# -ffile-prefix-map (targets.cmake) keeps them out of the objects.
set -e
project=$1
shift
export CCACHE_BASEDIR="$project" CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1 CCACHE_MAXSIZE="${CCACHE_MAXSIZE-3G}"
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime

# ccache does not do so for the value of an -Xclang.
for word; do
  shift
  set -- "$@" "${word#"$PWD"/}"
done

case " $* " in
  *" -emit-pch "*) ;;
  *) exec ccache "$@" ;;
esac

# Clang writes absolute paths into its precompiled header. So this header never comes from the cache, and ccache compares
# HEADER.sum instead, a checksum of the text that the header was made from.
"$@"
left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $word in
    -MD) ;;
    -MF | -MT) shift; left=$((left - 1)) ;;
    -o) header=$1; shift; left=$((left - 1)) ;;
    -emit-pch) set -- "$@" -P ;;  # another argument for the -Xclang in front of it
    *) set -- "$@" "$word" ;;
  esac
done
"$@" -E -dD -o "$header.text"
sha256sum <"$header.text" >"$header.sum"
rm "$header.text"
