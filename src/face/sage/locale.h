/* SPDX-License-Identifier: MIT */
/*
 * Messages by code in Chinese and English, and which of them a caller reads (contracts/sage-platform.md section 1.2).
 */
#ifndef FACE_SAGE_LOCALE_H
#define FACE_SAGE_LOCALE_H

#include "net/request.h"

typedef enum { LOCALE_ZH, LOCALE_EN } sage_locale;

sage_locale locale_of(const request *rq); /* of messages */
const char *locale_name(sage_locale l);   /* "zh-CN", "en-US" */

/* The language of generated texts and descriptions: X-Accept-Language, else Accept-Language: "zh", "en" or "pt". */
const char *locale_prompt_language(const request *rq);

/* The text with `subject` in its placeholder {}; the code itself when there is no such message. */
const char *locale_text(arena *a, sage_locale l, const char *code, const char *subject);

/* `text` with `subject` (NULL: nothing) for each {} in it; `text` itself when there is none. */
const char *locale_fill(arena *a, const char *text, const char *subject);

#endif
