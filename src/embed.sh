#!/bin/sh
# SPDX-License-Identifier: MIT
# embed.sh SYMBOL FILE: assembler that puts a file into the binary, from SYMBOL to SYMBOL_end, with a NUL after it.
set -eu
cat <<END
    .section .rodata
    .globl $1
    .type $1, %object
    .globl $1_end
    .type $1_end, %object
$1:
    .incbin "$2"
$1_end:
    .byte 0
    .size $1, $1_end - $1
    .section .note.GNU-stack, "", %progbits
END
