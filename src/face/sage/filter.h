/* SPDX-License-Identifier: MIT */
/*
 * Query parameters that filter a list, as the web client writes them (contracts/sage-knowledge-tools.md section 0.4).
 */
#ifndef FACE_SAGE_FILTER_H
#define FACE_SAGE_FILTER_H

/* NULL when nothing is filtered: absent, blank, or one of the words that JavaScript makes of a value that is not there. */
const char *sage_filter(const char *sent);

#endif
