/* SPDX-License-Identifier: MIT */
#include "script/runner/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script/runner/runner.h"

JSValueRef raise_type(JSContextRef js, JSValueRef *exception, const char *sentence)
{
    JSStringRef words = JSStringCreateWithUTF8CString(sentence);
    JSValueRef arg = JSValueMakeString(js, words);

    *exception = JSObjectCallAsConstructor(js, run.type_error, 1, &arg, NULL);
    JSStringRelease(words);
    return NULL;
}

JSValueRef raise_error(JSContextRef js, JSValueRef *exception, const char *sentence)
{
    JSStringRef words = text_from_utf8(sentence, strlen(sentence));
    JSValueRef arg = JSValueMakeString(js, words);

    *exception = JSObjectMakeError(js, 1, &arg, NULL);
    JSStringRelease(words);
    return NULL;
}

void *value_memory(void *p)
{
    if (p == NULL)
        run_fail("memory", "Out of memory");
    return p;
}

static bool array_bytes(JSContextRef js, JSObjectRef o, JSTypedArrayType kind, span *out)
{
    if (kind == kJSTypedArrayTypeArrayBuffer) {
        out->p = JSObjectGetArrayBufferBytesPtr(js, o, NULL);
        out->len = JSObjectGetArrayBufferByteLength(js, o, NULL);
    } else {
        /* Makes the view keep its bytes in a buffer; the address is that of the buffer, not of the view. */
        JSObjectRef buffer = JSObjectGetTypedArrayBuffer(js, o, NULL);

        if (buffer == NULL)
            return false;
        out->p = (const uint8_t *)JSObjectGetArrayBufferBytesPtr(js, buffer, NULL) +
                 JSObjectGetTypedArrayByteOffset(js, o, NULL);
        out->len = JSObjectGetTypedArrayByteLength(js, o, NULL);
    }
    return true;
}

bool take_bytes(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, span *out, JSValueRef *exception)
{
    JSTypedArrayType kind;

    *out = (span){.p = (const uint8_t *)""};
    if (i >= argc || JSValueIsUndefined(js, argv[i]) || JSValueIsNull(js, argv[i]))
        return true;
    kind = JSValueGetTypedArrayType(js, argv[i], NULL);
    if (kind != kJSTypedArrayTypeNone && array_bytes(js, (JSObjectRef)(uintptr_t)argv[i], kind, out)) {
        if (out->len == 0 || out->p == NULL)
            *out = (span){.p = (const uint8_t *)""};
        return true;
    }
    raise_type(js, exception, "An ArrayBuffer or typed array was expected");
    return false;
}

bool take_text(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, text *out, JSValueRef *exception)
{
    if (i >= argc || !JSValueIsString(js, argv[i])) {
        raise_type(js, exception, "A string was expected");
        return false;
    }
    out->string = JSValueToStringCopy(js, argv[i], exception);
    if (out->string == NULL)
        return false;
    out->p = JSStringGetCharactersPtr(out->string);
    out->len = JSStringGetLength(out->string);
    return true;
}

char *value_utf8(const text *t, size_t *len)
{
    char *out = value_memory(malloc(3 * t->len + 1));

    *len = codec_utf8(t->p, t->len, out);
    out[*len] = '\0';
    return out;
}

char *take_utf8(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len, JSValueRef *exception)
{
    text t;
    char *out;

    if (!take_text(js, argc, argv, i, &t, exception))
        return NULL;
    out = value_utf8(&t, len);
    JSStringRelease(t.string);
    return out;
}

char *take_json(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len, JSValueRef *exception)
{
    char *json = take_utf8(js, argc, argv, i, len, exception);

    if (json != NULL)
        codec_clean_json(json, *len);
    return json;
}

double take_number(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i)
{
    return i < argc && JSValueIsNumber(js, argv[i]) ? JSValueToNumber(js, argv[i], NULL) : NAN;
}

bool take_flag(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i)
{
    return i < argc && JSValueToBoolean(js, argv[i]);
}

static void release_bytes(void *bytes, void *unused)
{
    (void)unused;
    free(bytes);
}

JSValueRef give_buffer(JSContextRef js, void *bytes, size_t len, JSValueRef *exception)
{
    return JSObjectMakeArrayBufferWithBytesNoCopy(js, bytes, len, release_bytes, NULL, exception);
}

JSValueRef give_copy(JSContextRef js, const void *bytes, size_t len, JSValueRef *exception)
{
    return give_buffer(js, memcpy(value_memory(malloc(len + 1)), bytes, len), len, exception);
}

JSValueRef give_text(JSContextRef js, JSStringRef string)
{
    JSValueRef v = JSValueMakeString(js, string);

    JSStringRelease(string);
    return v;
}

JSValueRef give_ascii(JSContextRef js, char *ascii, size_t len)
{
    JSStringRef string;

    ascii[len] = '\0';
    string = JSStringCreateWithUTF8CString(ascii);
    free(ascii);
    return give_text(js, string);
}

static bool is_ascii(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] <= 0)
            return false;
    return true;
}

JSStringRef text_decode(const char *bytes, size_t len, bool *good)
{
    JSChar *units;
    JSStringRef string;
    size_t n;

    *good = true;
    if (is_ascii(bytes, len)) { /* the engine keeps these in one byte a character */
        char *ascii = value_memory(malloc(len + 1));

        memcpy(ascii, bytes, len);
        ascii[len] = '\0';
        string = JSStringCreateWithUTF8CString(ascii);
        free(ascii);
        return string;
    }
    units = value_memory(malloc((len + 1) * sizeof *units));
    *good = codec_utf16((const uint8_t *)bytes, len, units, &n);
    string = JSStringCreateWithCharacters(units, n);
    free(units);
    return string;
}

JSStringRef text_from_utf8(const char *bytes, size_t len)
{
    bool good;

    return text_decode(bytes, len, &good);
}

char *take_quoted(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t max, size_t *len)
{
    JSValueRef unused = NULL;
    char *out;
    text t;

    if (!take_text(js, argc, argv, i, &t, &unused)) {
        *len = 4;
        return memcpy(value_memory(malloc(5)), "null", 5);
    }
    if (t.len > max)
        t.len = max;
    out = value_memory(malloc(6 * t.len + 3));
    *len = codec_quote(t.p, t.len, out);
    out[*len] = '\0';
    JSStringRelease(t.string);
    return out;
}
