#!/bin/sh
# SPDX-License-Identifier: MIT
# join.sh first FILE..., join.sh second FIRST-FILE... -- FILE...: a half of the prelude as one function expression on standard output
# (native.h says what C does with it).  The second half sees every constant and function of the first: the first hands them over
# in shared().
set -eu

# The top-level constants and functions of the files, with commas.
names() {
    sed -n -E -e 's/^(async )?function ([A-Za-z_0-9]+).*/\2/p' -e 's/^const ([A-Za-z_0-9]+) =.*/\1/p' \
        -e 's/^const \{ (.*) \} = .*/\1/p' "$@" | tr '\n' ',' | sed 's/,/, /g'
}

half=$1
shift
if [ "$half" = first ]; then
    echo "(function (native) {"
    echo "'use strict';"
    echo "const shared = () => ({ __proto__: null, $(names "$@") });"
else
    count=0
    for file in "$@"; do
        [ "$file" != -- ] || break
        count=$((count + 1))
    done
    first=$(
        i=0
        for file in "$@"; do
            i=$((i + 1))
            [ "$i" -gt "$count" ] || printf '%s\n' "$file"
        done
    )
    shift $((count + 1))
    echo "(function (shared) {"
    echo "'use strict';"
    # shellcheck disable=SC2086
    echo "const { $(names $first) } = shared;"
fi
cat "$@"
echo "})"
