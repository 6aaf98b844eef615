#!/usr/bin/env bash
# Install the Debian packages of system.txt that are missing, when we may; never fails for lack of them.
# `install-system.sh bench` installs what the benchmarks compare with too, `install-system.sh deep` what `make deep`
# needs (Java, 260 MB); without a word it installs what the tests need.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package proof group; do
  case "$package" in '' | '#'*) continue ;; esac
  if [ "$group" = bench ] && [ "${1:-}" != bench ]; then continue; fi
  if [ "$group" = jdbc ] && [ "${1:-}" != deep ]; then continue; fi
  [ -e "$proof" ] || missing+=("$package")
done <system.txt
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "system: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null; then
    exit 0
  fi
  echo "system: apt-get failed" >&2
else
  echo "system: to run all of it: sudo apt-get install ${missing[*]}" >&2
fi
echo "system: what needs ${missing[*]} will be skipped (a failure in CI)" >&2
