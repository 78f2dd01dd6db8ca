#!/bin/sh
# SPDX-License-Identifier: MIT
# embed.sh SYMBOL FILE: assembler that puts a file into the binary, from SYMBOL to SYMBOL_end, with a NUL after it.
# The checksum makes the text differ when the file does: build tools do not see through .incbin.
set -eu
cat <<END
/* $(cksum <"$2") */
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
