/* SPDX-License-Identifier: MIT */
/*
 * sluice-script: runs one script for the server and ends.
 *
 * The VM and the prelude start first, then the process encloses itself (limits.c) and says READY; a pool of these waits in the
 * server.  One loop waits for the socket and for the script's next timer; there is nothing else to wait for.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "script/runner/native.h"
#include "script/runner/runner.h"
#include "script/runner/value.h"

extern const char script_prelude[], script_prelude_end[];

/* Exported by the engine, but not in its public headers. */
void JSGlobalContextSetEvalEnabled(JSGlobalContextRef js, bool enabled, JSStringRef message);

run_state run = {.deadline = -1};
static JSObjectRef prepare, start, reply, tick; /* of the prelude */

int64_t run_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

double run_elapsed_ms(void)
{
    return run.started == 0 ? 0 : (double)(run_clock() - run.started) / 1e6;
}

void run_fail(const char *kind, const char *sentence)
{
    char json[512];
    int len = snprintf(json, sizeof json, "{\"kind\":\"%s\",\"message\":\"%s\",\"ms\":%.3f}", kind, sentence,
                       run_elapsed_ms());

    link_send(WIRE_FAIL, 0, json, (size_t)len, NULL, 0);
    _exit(EXIT_OVER);
}

/* ---- the engine ---- */

static _Noreturn void no_engine(const char *why)
{
    fprintf(stderr, "sluice-script: %s\n", why);
    _exit(EXIT_NO_VM);
}

static JSObjectRef member(JSObjectRef of, const char *name)
{
    JSStringRef key = JSStringCreateWithUTF8CString(name);
    JSValueRef v = JSObjectGetProperty(run.js, of, key, NULL);

    JSStringRelease(key);
    if (v == NULL || !JSValueIsObject(run.js, v))
        no_engine("the prelude does not give what it should");
    JSValueProtect(run.js, v);
    return (JSObjectRef)(uintptr_t)v;
}

static _Noreturn void prelude_failed(JSValueRef exception)
{
    JSStringRef words = exception != NULL ? JSValueToStringCopy(run.js, exception, NULL) : NULL;
    char why[500] = "the prelude failed";

    if (words != NULL)
        JSStringGetUTF8CString(words, why, sizeof why);
    no_engine(why);
}

static JSValueRef evaluate(const char *code, size_t len, const char *name)
{
    JSStringRef source = text_from_utf8(code, len), url = JSStringCreateWithUTF8CString(name);
    JSValueRef exception = NULL, v = JSEvaluateScript(run.js, source, NULL, url, 1, &exception);

    if (v == NULL)
        prelude_failed(exception);
    JSStringRelease(source);
    JSStringRelease(url);
    return v;
}

static void start_engine(void)
{
    JSValueRef made, arg, exception = NULL;

    run.js = JSGlobalContextCreate(NULL);
    if (run.js == NULL)
        no_engine("the engine does not start");
    run.type_error = member(JSContextGetGlobalObject(run.js), "TypeError");
    made = evaluate(script_prelude, (size_t)(script_prelude_end - script_prelude), "prelude");
    if (!JSValueIsObject(run.js, made))
        no_engine("the prelude is no function");
    arg = native_object(run.js);
    made = JSObjectCallAsFunction(run.js, (JSObjectRef)(uintptr_t)made, NULL, 1, &arg, &exception);
    if (made == NULL || !JSValueIsObject(run.js, made))
        prelude_failed(exception);
    prepare = member((JSObjectRef)(uintptr_t)made, "prepare");
    start = member((JSObjectRef)(uintptr_t)made, "run");
    reply = member((JSObjectRef)(uintptr_t)made, "reply");
    tick = member((JSObjectRef)(uintptr_t)made, "tick");
}

/* The prelude catches what scripts throw: what gets here has run out of memory or of stack. */
static _Noreturn void escaped(JSValueRef exception)
{
    JSStringRef words = JSValueToStringCopy(run.js, exception, NULL);
    char said[64] = "";

    if (words != NULL)
        JSStringGetUTF8CString(words, said, sizeof said);
    if (strstr(said, "memory") != NULL)
        run_fail("memory", "Out of memory");
    run_fail("throw", "The script broke the functions that it runs on");
}

static JSValueRef call(JSObjectRef function, size_t argc, const JSValueRef argv[])
{
    JSValueRef exception = NULL, v = JSObjectCallAsFunction(run.js, function, NULL, argc, argv, &exception);

    if (v == NULL)
        escaped(exception);
    return v;
}

/* ---- the run ---- */

static frame *expect(uint8_t type)
{
    frame *f = link_read();

    if (f->type != type)
        _exit(EXIT_GONE);
    return f;
}

static void take_limits(void)
{
    frame *f = expect(WIRE_LIMITS);
    unsigned long long memory, cpu;

    if (sscanf(f->json, "{\"memory\":%llu,\"cpu\":%llu}", &memory, &cpu) != 2)
        _exit(EXIT_GONE);
    limits_job(memory, cpu);
    link_free(f);
}

static JSValueRef string_of(const char *bytes, size_t len)
{
    return give_text(run.js, text_from_utf8(bytes, len));
}

static bool prepare_job(void)
{
    JSStringRef why = JSStringCreateWithUTF8CString("Code cannot be made from strings in a script");
    frame *f = expect(WIRE_RUN);
    JSValueRef args[] = {string_of(f->json, f->json_len), string_of((const char *)f->bytes, f->n_bytes)}, ready;

    link_free(f);
    ready = call(prepare, 2, args);
    JSGlobalContextSetEvalEnabled(run.js, false, why);
    JSStringRelease(why);
    return JSValueToBoolean(run.js, ready);
}

/* A script that does what most do, while there is none that waits: functions are compiled when they are called first.  It is the
 * prelude's business that prepare() can be called again. */
static void rehearse(const char *code)
{
    static const char job[] = "{\"input\":{\"a\":1},\"auth\":{},\"env\":{},\"files\":[]}";
    static const char head[] = "{\"status\":200,\"statusText\":\"OK\",\"url\":\"https://localhost/\","
                               "\"headers\":[[\"content-type\",\"application/json\"]]}";
    JSValueRef args[] = {string_of(job, sizeof job - 1), string_of(code, strlen(code))}, answer[3];
    char *body = strdup("{\"a\":[1]}");

    run.rehearsal = true;
    run.rehearsed = false;
    call(prepare, 2, args);
    call(start, 0, NULL);
    answer[0] = JSValueMakeNumber(run.js, run.last_call);
    answer[1] = string_of(head, sizeof head - 1);
    answer[2] = give_buffer(run.js, body, strlen(body), NULL);
    call(reply, 3, answer);
    if (!run.rehearsed || run.calls != 1)
        no_engine("the prelude fails its rehearsal");
    run.rehearsal = false;
    run.calls = run.unanswered = 0;
    run.deadline = -1;
}

/* Time that would be spent waiting is spent on rehearsals; under load, when the script comes at once, there are none. */
static void wait_for_job(void)
{
    static const char *const codes[] = {
        "const r = await ld.request({url: 'https://localhost/a?b=c', method: 'POST', headers: {Accept: '*/*'}, "
        "body: {a: data.input.a}});\nreturn [r.status, r.json]",
        "const r = await fetch('https://localhost/a?b=c', {method: 'POST', headers: {Accept: '*/*'}, "
        "body: JSON.stringify({a: data.input.a})});\nreturn [r.ok, r.headers.get('content-type'), await r.json()]",
    };
    struct pollfd server = {.fd = 0, .events = POLLIN};

    for (size_t i = 0; i < sizeof codes / sizeof *codes && poll(&server, 1, 20) == 0; i++)
        rehearse(codes[i]);
}

static void take_reply(frame *f)
{
    JSValueRef exception = NULL, args[3];

    if (f->type == WIRE_REPLY && run.unanswered > 0) {
        run.unanswered--;
        args[0] = JSValueMakeNumber(run.js, f->id);
        args[1] = string_of(f->json, f->json_len);
        args[2] = give_buffer(run.js, f->bytes, f->n_bytes, &exception);
        if (args[2] == NULL)
            escaped(exception);
        f->bytes = NULL;
        call(reply, 3, args);
    }
    link_free(f);
}

/* Milliseconds until the next timer, -1 without one. */
static int until_timer(void)
{
    double left = run.deadline - (double)run_clock() / 1e6;

    if (run.deadline < 0)
        return -1;
    return left <= 0 ? 0 : left > 1e6 ? 1000000 : (int)left + 1;
}

static void take_turn(void)
{
    struct pollfd server = {.fd = 0, .events = POLLIN};
    frame *f = link_next();

    if (f != NULL) {
        take_reply(f);
        return;
    }
    if (run.unanswered == 0 && run.deadline < 0)
        run_fail("throw", "The script waits for something that never happens: a promise that is never settled");
    if (poll(&server, 1, until_timer()) > 0)
        take_reply(link_read());
    if (run.deadline >= 0 && (double)run_clock() / 1e6 >= run.deadline) {
        run.deadline = -1;
        call(tick, 0, NULL);
    }
}

/* Without arguments: one runner, on standard input.  With "template": see template.c. */
int main(int argc, char **argv)
{
    static const char ready[] = "{\"version\":1}";

    digest_init();
    if (argc > 1 && strcmp(argv[1], "template") == 0)
        template_serve();
    limits_begin();
    start_engine();
    limits_enclose();
    link_send(WIRE_READY, 0, ready, sizeof ready - 1, NULL, 0);
    wait_for_job();
    take_limits();
    if (!prepare_job())
        _exit(EXIT_OVER);
    run.started = run_clock();
    call(start, 0, NULL);
    for (;;)
        take_turn();
}
