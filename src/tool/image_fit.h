/* SPDX-License-Identifier: MIT */
/*
 * Large images made smaller before models see them (contracts/sage-agent-runtime.md section 3.2): providers refuse more than a
 * few megabytes, and look at no more than some 1,500 points anyway.
 *
 * GraphicsMagick does it, in a box without network and files.  Without it, images are sent as they are.
 */
#ifndef TOOL_IMAGE_FIT_H
#define TOOL_IMAGE_FIT_H

#include "rt/scope.h"

enum { IMAGE_EDGE_MAX = 1536, IMAGE_SENT_MAX = 4 << 20 }; /* points; bytes */

/* A data URL whose image is within these limits: `url` itself when it is already, when it is no image, or when nothing can be
 * made of it; else a JPEG, upright and on white, in `s`'s arena.  An error only when `s` ended.  Parks. */
MUST_USE err image_fit(scope *s, const char *url, const char **out);

/* Whether this machine can.  When not, *why is a sentence that says how to mend it.  Blocks the first time. */
bool image_fit_available(const char **why);

#endif
