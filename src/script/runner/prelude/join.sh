#!/bin/sh
# SPDX-License-Identifier: MIT
# join.sh FILE...: the prelude as one function expression on standard output (native.h says what C does with it).
set -eu
echo "(function (native) {"
echo "'use strict';"
cat "$@"
echo "})"
