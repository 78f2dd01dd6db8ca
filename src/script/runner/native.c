/* SPDX-License-Identifier: MIT */
/*
 * The functions that C gives the prelude; native.h is their specification.
 */
#include "script/runner/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "script/runner/runner.h"

extern const char script_platform[], script_platform_end[];

enum { RANDOM_MAX = 65536, MESSAGE_MAX = 10000, STACK_MAX = 20000, LOG_LINE_MAX = 16384 };

#define NATIVE(name)                                                                                                   \
    static JSValueRef name(JSContextRef js, JSObjectRef function, JSObjectRef self, size_t argc,                       \
                           const JSValueRef argv[], JSValueRef *exception)
#define UNUSED_HERE ((void)function, (void)self, (void)argc, (void)argv, (void)exception)

/* ---- values ---- */

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

static JSValueRef raise_type(JSContextRef js, JSValueRef *exception, const char *sentence)
{
    JSStringRef words = JSStringCreateWithUTF8CString(sentence);
    JSValueRef arg = JSValueMakeString(js, words);

    *exception = JSObjectCallAsConstructor(js, run.type_error, 1, &arg, NULL);
    JSStringRelease(words);
    return NULL;
}

static JSValueRef raise_error(JSContextRef js, JSValueRef *exception, const char *sentence)
{
    JSStringRef words = text_from_utf8(sentence, strlen(sentence));
    JSValueRef arg = JSValueMakeString(js, words);

    *exception = JSObjectMakeError(js, 1, &arg, NULL);
    JSStringRelease(words);
    return NULL;
}

static void *need(void *p)
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

static bool take_bytes(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, span *out,
                       JSValueRef *exception)
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

static bool take_text(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, text *out, JSValueRef *exception)
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

/* Allocated, NUL-terminated UTF-8. */
static char *utf8_of(const text *t, size_t *len)
{
    char *out = need(malloc(3 * t->len + 1));

    *len = codec_utf8(t->p, t->len, out);
    out[*len] = '\0';
    return out;
}

static char *take_utf8(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len,
                       JSValueRef *exception)
{
    text t;
    char *out;

    if (!take_text(js, argc, argv, i, &t, exception))
        return NULL;
    out = utf8_of(&t, len);
    JSStringRelease(t.string);
    return out;
}

/* JSON text that readers of all kinds take. */
static char *take_json(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t *len,
                       JSValueRef *exception)
{
    char *json = take_utf8(js, argc, argv, i, len, exception);

    if (json != NULL)
        codec_clean_json(json, *len);
    return json;
}

static double take_number(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i)
{
    return i < argc && JSValueIsNumber(js, argv[i]) ? JSValueToNumber(js, argv[i], NULL) : NAN;
}

static bool take_flag(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i)
{
    return i < argc && JSValueToBoolean(js, argv[i]);
}

static void release_bytes(void *bytes, void *unused)
{
    (void)unused;
    free(bytes);
}

/* Takes `bytes` over, which were allocated even when there are none. */
static JSValueRef give_buffer(JSContextRef js, void *bytes, size_t len, JSValueRef *exception)
{
    return JSObjectMakeArrayBufferWithBytesNoCopy(js, bytes, len, release_bytes, NULL, exception);
}

static JSValueRef give_copy(JSContextRef js, const void *bytes, size_t len, JSValueRef *exception)
{
    return give_buffer(js, memcpy(need(malloc(len + 1)), bytes, len), len, exception);
}

static JSValueRef give_text(JSContextRef js, JSStringRef string)
{
    JSValueRef v = JSValueMakeString(js, string);

    JSStringRelease(string);
    return v;
}

/* Takes `ascii` over. */
static JSValueRef give_ascii(JSContextRef js, char *ascii, size_t len)
{
    JSStringRef string;

    ascii[len] = '\0';
    string = JSStringCreateWithUTF8CString(ascii);
    free(ascii);
    return give_text(js, string);
}

/* ---- calls ---- */

static bool count_call(JSContextRef js, double id, JSValueRef *exception)
{
    if (!(id >= 1 && id <= UINT32_MAX)) {
        raise_type(js, exception, "A call needs an id");
        return false;
    }
    if (run.calls >= SCRIPT_CALLS_MAX) {
        raise_error(js, exception, "This script has made too many requests (the limit is 1000)");
        return false;
    }
    run.calls++;
    return true;
}

NATIVE(native_call)
{
    double id = take_number(js, argc, argv, 0);
    size_t len;
    char *json;
    span body;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 2, &body, exception) ||
        (json = take_json(js, argc, argv, 1, &len, exception)) == NULL)
        return NULL;
    if (len > WIRE_JSON_MAX || body.len > WIRE_MAX - WIRE_HEAD - len) {
        free(json);
        return raise_error(js, exception, "Request too large");
    }
    if (count_call(js, id, exception)) {
        run.unanswered++;
        run.last_call = (uint32_t)id;
        if (!run.rehearsal)
            link_send(WIRE_CALL, (uint32_t)id, json, len, body.p, body.len);
    }
    free(json);
    return JSValueMakeUndefined(js);
}

static JSValueRef file_answer(JSContextRef js, frame *f, JSValueRef *exception)
{
    JSStringRef json = text_from_utf8(f->json, f->json_len), key = JSStringCreateWithUTF8CString("error");
    JSValueRef answer = JSValueMakeFromJSONString(js, json), error = NULL, result = NULL;
    uint8_t *bytes = f->bytes;

    if (answer != NULL && JSValueIsObject(js, answer))
        error = JSObjectGetProperty(js, (JSObjectRef)(uintptr_t)answer, key, NULL);
    if (error != NULL && JSValueIsString(js, error)) {
        *exception = JSObjectMakeError(js, 1, &error, NULL);
    } else {
        f->bytes = NULL;
        result = give_buffer(js, bytes, f->n_bytes, exception);
    }
    JSStringRelease(json);
    JSStringRelease(key);
    return result;
}

NATIVE(native_call_sync)
{
    double id = take_number(js, argc, argv, 0);
    JSValueRef result;
    frame *f;
    size_t len;
    char *json = take_json(js, argc, argv, 1, &len, exception);

    UNUSED_HERE;
    if (json == NULL)
        return NULL;
    if (!count_call(js, id, exception)) {
        free(json);
        return NULL;
    }
    link_send(WIRE_CALL, (uint32_t)id, json, len, NULL, 0);
    free(json);
    f = link_read_reply((uint32_t)id);
    result = file_answer(js, f, exception);
    link_free(f);
    return result;
}

NATIVE(native_now)
{
    UNUSED_HERE;
    return JSValueMakeNumber(js, (double)run_clock() / 1e6);
}

NATIVE(native_set_deadline)
{
    double at = take_number(js, argc, argv, 0);

    UNUSED_HERE;
    run.deadline = isnan(at) || at == INFINITY ? -1 : at < 0 ? 0 : at;
    return JSValueMakeUndefined(js);
}

/* ---- text and bytes ---- */

NATIVE(native_utf8_encode)
{
    text t;
    size_t len;
    char *bytes, *fitting;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    bytes = utf8_of(&t, &len);
    JSStringRelease(t.string);
    fitting = realloc(bytes, len + 1);
    return give_buffer(js, fitting != NULL ? fitting : bytes, len, exception);
}

static bool is_ascii(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] <= 0)
            return false;
    return true;
}

static JSStringRef decode(const char *bytes, size_t len, bool *good)
{
    JSChar *units;
    JSStringRef string;
    size_t n;

    *good = true;
    if (is_ascii(bytes, len)) { /* the engine keeps these in one byte a character */
        char *ascii = need(malloc(len + 1));

        memcpy(ascii, bytes, len);
        ascii[len] = '\0';
        string = JSStringCreateWithUTF8CString(ascii);
        free(ascii);
        return string;
    }
    units = need(malloc((len + 1) * sizeof *units));
    *good = codec_utf16((const uint8_t *)bytes, len, units, &n);
    string = JSStringCreateWithCharacters(units, n);
    free(units);
    return string;
}

JSStringRef text_from_utf8(const char *bytes, size_t len)
{
    bool good;

    return decode(bytes, len, &good);
}

NATIVE(native_utf8_decode)
{
    JSStringRef string;
    span in;
    bool good;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    string = decode((const char *)in.p, in.len, &good);
    if (!good && take_flag(js, argc, argv, 1)) {
        JSStringRelease(string);
        return JSValueMakeNull(js);
    }
    return give_text(js, string);
}

NATIVE(native_latin1_encode)
{
    uint8_t *bytes;
    size_t len;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    len = t.len;
    bytes = need(malloc(len + 1));
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)t.p[i];
    JSStringRelease(t.string);
    return give_buffer(js, bytes, len, exception);
}

NATIVE(native_latin1_decode)
{
    JSChar *units;
    JSStringRef string;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    units = need(malloc((in.len + 1) * sizeof *units));
    for (size_t i = 0; i < in.len; i++)
        units[i] = in.p[i];
    string = JSStringCreateWithCharacters(units, in.len);
    free(units);
    return give_text(js, string);
}

NATIVE(native_base64_encode)
{
    char *out;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    out = need(malloc(codec_base64_size(in.len) + 1));
    return give_ascii(js, out, codec_base64(in.p, in.len, take_flag(js, argc, argv, 1), out));
}

NATIVE(native_base64_decode)
{
    uint8_t *out;
    size_t len;
    bool good;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    out = need(malloc(t.len + 1));
    good = codec_unbase64(t.p, t.len, take_flag(js, argc, argv, 1), out, &len);
    JSStringRelease(t.string);
    if (good)
        return give_buffer(js, out, len, exception);
    free(out);
    return JSValueMakeNull(js);
}

NATIVE(native_hex_encode)
{
    char *out;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    out = need(malloc(2 * in.len + 1));
    codec_hex(in.p, in.len, out);
    return give_ascii(js, out, 2 * in.len);
}

NATIVE(native_hex_decode)
{
    uint8_t *out;
    size_t len;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    out = need(malloc(t.len / 2 + 1));
    len = codec_unhex(t.p, t.len, out);
    JSStringRelease(t.string);
    return give_buffer(js, out, len, exception);
}

/* ---- cryptography ---- */

NATIVE(native_digest)
{
    uint8_t out[DIGEST_MAX];
    size_t n, len;
    char *name;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &in, exception) || (name = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    len = digest_bytes(name, in.p, in.len, out);
    free(name);
    return len > 0 ? give_copy(js, out, len, exception) : raise_error(js, exception, "There is no such digest");
}

NATIVE(native_hmac)
{
    uint8_t out[DIGEST_MAX];
    size_t n, len;
    char *name;
    span key, in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &key, exception) || !take_bytes(js, argc, argv, 2, &in, exception) ||
        (name = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    len = digest_hmac(name, key.p, key.len, in.p, in.len, out);
    free(name);
    return len > 0 ? give_copy(js, out, len, exception) : raise_error(js, exception, "There is no such digest");
}

NATIVE(native_sign_rs256)
{
    const char *problem;
    uint8_t *out;
    size_t n, len;
    char *pem;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &in, exception) || (pem = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    problem = digest_sign_rs256(pem, n, in.p, in.len, &out, &len);
    free(pem);
    return problem == NULL ? give_buffer(js, out, len, exception) : raise_error(js, exception, problem);
}

NATIVE(native_random)
{
    double wanted = take_number(js, argc, argv, 0);
    size_t n, have = 0;
    uint8_t *out;

    UNUSED_HERE;
    if (!(wanted >= 0 && wanted <= RANDOM_MAX))
        return raise_type(js, exception, "At most 65536 random bytes at a time");
    n = (size_t)wanted;
    out = need(malloc(n + 1));
    while (have < n) {
        ssize_t got = getrandom(out + have, n - have, 0);

        have += got > 0 ? (size_t)got : 0;
    }
    return give_buffer(js, out, n, exception);
}

/* ---- what the run leaves ---- */

/* A JSON string of at most `max` units of argument `i`; "null" when it is no string.  Allocated. */
static char *quoted(JSContextRef js, size_t argc, const JSValueRef argv[], size_t i, size_t max, size_t *len)
{
    JSValueRef unused = NULL;
    char *out;
    text t;

    if (!take_text(js, argc, argv, i, &t, &unused)) {
        *len = 4;
        return memcpy(need(malloc(5)), "null", 5);
    }
    if (t.len > max)
        t.len = max;
    out = need(malloc(6 * t.len + 3));
    *len = codec_quote(t.p, t.len, out);
    out[*len] = '\0';
    JSStringRelease(t.string);
    return out;
}

NATIVE(native_log)
{
    size_t n_level, n_text, len;
    char *level = quoted(js, argc, argv, 0, 16, &n_level), *line = quoted(js, argc, argv, 1, LOG_LINE_MAX, &n_text);
    char *json = need(malloc(n_level + n_text + 32));

    UNUSED_HERE;
    run.log_bytes += n_text;
    if (++run.log_lines > SCRIPT_LOG_LINES || run.log_bytes > SCRIPT_LOG_BYTES)
        run_fail("output", "The script wrote too much to its log");
    len = (size_t)snprintf(json, n_level + n_text + 32, "{\"level\":%s,\"text\":%s}", level, line);
    link_send(WIRE_LOG, 0, json, len, NULL, 0);
    free(json);
    free(level);
    free(line);
    return JSValueMakeUndefined(js);
}

NATIVE(native_memory)
{
    JSStringRef key = JSStringCreateWithUTF8CString("heapSize");
    JSValueRef size;

    extern JSObjectRef JSGetMemoryUsageStatistics(JSContextRef); /* exported, but not in the public headers */
    UNUSED_HERE;
    size = JSObjectGetProperty(js, JSGetMemoryUsageStatistics(js), key, exception);
    JSStringRelease(key);
    return size;
}

NATIVE(native_file)
{
    size_t len;
    char *json;
    span bytes;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &bytes, exception) ||
        (json = take_json(js, argc, argv, 0, &len, exception)) == NULL)
        return NULL;
    if (len > 65536 || bytes.len > WIRE_MAX - WIRE_HEAD - len)
        run_fail("output", "A returned file is too large");
    run.file_bytes += bytes.len;
    if (run.files >= SCRIPT_FILES_MAX || run.file_bytes > SCRIPT_FILES_BYTES)
        run_fail("output", "The script returned more than 20 files or 100 MB of files");
    link_send(WIRE_FILE, run.files++, json, len, bytes.p, bytes.len);
    free(json);
    return JSValueMakeUndefined(js);
}

NATIVE(native_done)
{
    size_t len, n;
    char *json = take_json(js, argc, argv, 0, &len, exception), *whole;

    UNUSED_HERE;
    if (json == NULL)
        return NULL;
    if (run.rehearsal) {
        run.rehearsed = true;
        free(json);
        return JSValueMakeUndefined(js);
    }
    if (len > SCRIPT_RESULT_MAX)
        run_fail("output", "The script returned too much (the limit is 10 MB)");
    whole = need(malloc(len + len / 8 + 72));
    n = (size_t)snprintf(whole, 64, "{\"ms\":%.3f,\"value\":", run_elapsed_ms());
    n += codec_tame_integers(json, len, whole + n);
    whole[n++] = '}';
    link_send(WIRE_DONE, 0, whole, n, NULL, 0);
    _exit(EXIT_OVER);
}

/* The engine takes code from C whether eval is on or off. */
NATIVE(native_platform)
{
    JSStringRef source = text_from_utf8(script_platform, (size_t)(script_platform_end - script_platform));
    JSStringRef url = JSStringCreateWithUTF8CString("platform");
    JSValueRef made = JSEvaluateScript(js, source, NULL, url, 1, exception);

    UNUSED_HERE;
    JSStringRelease(source);
    JSStringRelease(url);
    return made;
}

NATIVE(native_fail)
{
    size_t n_kind, n_message, n_stack, len;
    char *kind = quoted(js, argc, argv, 0, 16, &n_kind), *message = quoted(js, argc, argv, 1, MESSAGE_MAX, &n_message);
    char *stack = quoted(js, argc, argv, 2, STACK_MAX, &n_stack);
    double line = take_number(js, argc, argv, 3);
    char *json = need(malloc(n_kind + n_message + n_stack + 128));

    UNUSED_HERE;
    if (run.rehearsal)
        return JSValueMakeUndefined(js);
    if (!(line >= 0 && line < 1e9))
        line = 0;
    len = (size_t)snprintf(json, n_kind + n_message + n_stack + 128,
                           "{\"kind\":%s,\"message\":%s,\"stack\":%s,\"line\":%.0f,\"ms\":%.3f}", kind, message, stack,
                           line, run_elapsed_ms());
    link_send(WIRE_FAIL, 0, json, len, NULL, 0);
    _exit(EXIT_OVER);
}

static const struct {
    const char *name;
    JSObjectCallAsFunctionCallback fn;
} functions[] = {
    {"call", native_call},
    {"callSync", native_call_sync},
    {"log", native_log},
    {"now", native_now},
    {"setDeadline", native_set_deadline},
    {"utf8Encode", native_utf8_encode},
    {"utf8Decode", native_utf8_decode},
    {"latin1Encode", native_latin1_encode},
    {"latin1Decode", native_latin1_decode},
    {"base64Encode", native_base64_encode},
    {"base64Decode", native_base64_decode},
    {"hexEncode", native_hex_encode},
    {"hexDecode", native_hex_decode},
    {"digest", native_digest},
    {"hmac", native_hmac},
    {"signRS256", native_sign_rs256},
    {"random", native_random},
    {"memory", native_memory},
    {"platform", native_platform},
    {"file", native_file},
    {"done", native_done},
    {"fail", native_fail},
};

JSObjectRef native_object(JSContextRef js)
{
    JSObjectRef o = JSObjectMake(js, NULL, NULL);

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        JSStringRef name = JSStringCreateWithUTF8CString(functions[i].name);

        JSObjectSetProperty(js, o, name, JSObjectMakeFunctionWithCallback(js, name, functions[i].fn), 0, NULL);
        JSStringRelease(name);
    }
    return o;
}
