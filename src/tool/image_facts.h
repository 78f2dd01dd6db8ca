/* SPDX-License-Identifier: MIT */
/*
 * What the first bytes of an image tell: PNG (RFC 2083 section 4.1.1), JPEG (ITU T.81 annex B.2), GIF (GIF89a section 18) and WebP
 * (RFC 9649 section 2).  Nothing is decoded.
 */
#ifndef TOOL_IMAGE_FACTS_H
#define TOOL_IMAGE_FACTS_H

#include "base/str.h"

typedef struct {
    const char *format;     /* "png", "jpeg", "gif", "webp"; NULL: none of them, whatever its name says */
    uint32_t width, height; /* 0 when the bytes end before they tell, or make no sense */
} image_facts;

/* Any bytes may be given, the beginning of a file among them. */
image_facts image_look(str bytes);

#endif
