/* SPDX-License-Identifier: MIT */
/*
 * Values of scripts taken by C and given by it, for the functions of native.h.
 *
 * take_…() reads the argument `i`; what is no such value raises a TypeError and gives NULL or false.  raise_…() returns NULL,
 * for the caller to return.  There is no end of memory to be seen: the run ends with it.
 */
#ifndef SCRIPT_RUNNER_VALUE_H
#define SCRIPT_RUNNER_VALUE_H

#include <JavaScriptCore/JavaScript.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *p;
    size_t len;
} span;

/* UTF-16 of a string, borrowed from it. */
typedef struct {
    JSStringRef string;
    const JSChar *p;
    size_t len;
} text;

#define NATIVE(name)                                                                                                   \
    static JSValueRef name(JSContextRef js, JSObjectRef function, JSObjectRef self, size_t argc,                       \
                           const JSValueRef argv[], JSValueRef *exception)
#define UNUSED_HERE ((void)function, (void)self, (void)argc, (void)argv, (void)exception)

typedef struct {
    const char *name; /* NULL: the end of a list */
    JSObjectCallAsFunctionCallback fn;
} native_function;

extern const native_function native_bytes[]; /* native_bytes.c */

JSValueRef raise_type(JSContextRef js, JSValueRef *exception, const char *sentence);
JSValueRef raise_error(JSContextRef js, JSValueRef *exception, const char *sentence);

void *value_memory(void *p); /* what an allocation gave; ends the run when that is NULL */

/* Bytes are borrowed from the value; a text is released by the caller, the others are freed by it.  `len` is without the NUL that
 * ends them. */
bool take_bytes(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, span *out, JSValueRef *exception);
bool take_text(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, text *out, JSValueRef *exception);
char *take_utf8(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len, JSValueRef *exception);

/* JSON text that readers of all kinds take. */
char *take_json(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len, JSValueRef *exception);

/* A JSON string of at most `max` units of the argument; "null" when it is no string. */
char *take_quoted(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t max, size_t *len);

double take_number(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i); /* NAN when it is none */
bool take_flag(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i);

char *value_utf8(const text *t, size_t *len); /* allocated, with a NUL at its end */

/* A new ArrayBuffer, which takes `bytes` over; they were allocated even when there are none. */
JSValueRef give_buffer(JSContextRef js, void *bytes, size_t len, JSValueRef *exception);
JSValueRef give_copy(JSContextRef js, const void *bytes, size_t len, JSValueRef *exception);
JSValueRef give_text(JSContextRef js, JSStringRef string);       /* releases it */
JSValueRef give_ascii(JSContextRef js, char *ascii, size_t len); /* takes it over; has room for a NUL */

/* What is not UTF-8 becomes U+FFFD; *good says whether there was nothing of it. */
JSStringRef text_decode(const char *bytes, size_t len, bool *good);
JSStringRef text_from_utf8(const char *bytes, size_t len);

#endif
