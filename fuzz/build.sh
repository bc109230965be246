#!/usr/bin/env bash
# Builds the fuzz targets for libFuzzer without cargo-fuzz; needs nightly and c++. Prints where they are.
#   "$(fuzz/build.sh)/qpack_reader" -max_total_time=600 fuzz/corpus/qpack
set -euo pipefail
cd "$(dirname "$0")"
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing"
# With a target named, the flags do not reach build scripts, which could not link with them.
host=$(rustc +nightly --print host-tuple)
RUSTFLAGS="$flags" cargo +nightly build --release --bins --target "$host" "$@"
echo "${CARGO_TARGET_DIR:-$PWD/target}/$host/release"
