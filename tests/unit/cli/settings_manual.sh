#!/bin/sh
# SPDX-License-Identifier: MIT
# settings_manual.sh SLUICE FILE: fails with the difference when the manual is not what the program prints.
set -eu
"$1" config --markdown | diff -u "$2" - || {
    echo "run: sluice config --markdown >docs/settings.md" >&2
    exit 1
}
