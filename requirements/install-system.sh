#!/usr/bin/env bash
# Install the Debian packages of system.txt that are missing, when we may; never fails for lack of them.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package proof _; do
  case "$package" in '' | '#'*) continue ;; esac
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
  echo "system: to run every test: sudo apt-get install ${missing[*]}" >&2
fi
echo "system: tests that need ${missing[*]} will be skipped (a failure in CI)" >&2
