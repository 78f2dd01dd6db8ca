/* SPDX-License-Identifier: MIT */
/*
 * The functions that C gives the prelude; native.h is their specification.  Here are those that reach the server or end the
 * run; those of native_bytes.c only compute.
 */
#include "script/runner/native.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "script/runner/runner.h"
#include "script/runner/value.h"

extern const char script_platform[], script_platform_end[];

enum { MESSAGE_MAX = 10000, STACK_MAX = 20000, LOG_LINE_MAX = 16384 };

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

/* ---- what the run leaves ---- */

NATIVE(native_log)
{
    size_t n_level, n_text, len;
    char *level = take_quoted(js, argc, argv, 0, 16, &n_level),
         *line = take_quoted(js, argc, argv, 1, LOG_LINE_MAX, &n_text);
    char *json = value_memory(malloc(n_level + n_text + 32));

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
    whole = value_memory(malloc(len + len / 8 + 72));
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
    char *kind = take_quoted(js, argc, argv, 0, 16, &n_kind),
         *message = take_quoted(js, argc, argv, 1, MESSAGE_MAX, &n_message);
    char *stack = take_quoted(js, argc, argv, 2, STACK_MAX, &n_stack);
    double line = take_number(js, argc, argv, 3);
    char *json = value_memory(malloc(n_kind + n_message + n_stack + 128));

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

static const native_function native_run[] = {
    {"call", native_call},
    {"callSync", native_call_sync},
    {"log", native_log},
    {"now", native_now},
    {"setDeadline", native_set_deadline},
    {"memory", native_memory},
    {"platform", native_platform},
    {"file", native_file},
    {"done", native_done},
    {"fail", native_fail},
    {NULL, NULL},
};

static void add(JSContextRef js, JSObjectRef o, const native_function *list)
{
    for (; list->name != NULL; list++) {
        JSStringRef name = JSStringCreateWithUTF8CString(list->name);

        JSObjectSetProperty(js, o, name, JSObjectMakeFunctionWithCallback(js, name, list->fn), 0, NULL);
        JSStringRelease(name);
    }
}

JSObjectRef native_object(JSContextRef js)
{
    JSObjectRef o = JSObjectMake(js, NULL, NULL);

    add(js, o, native_run);
    add(js, o, native_bytes);
    return o;
}
