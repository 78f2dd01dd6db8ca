/* SPDX-License-Identifier: MIT */
/*
 * One run: hands the script to a process, answers what it asks for, and says how it ended.
 *
 * The process is hostile: what it says is checked, counted and limited here whatever the runner has checked itself, and any
 * nonsense ends the run.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "script/internal.h"

#define FAILURE_MAX KIB(256) /* message and stack */

/* ---- the job as text ---- */

static void put_json(buf *b, const char *key, const json_t *v, const char *otherwise)
{
    buf_printf(b, ",\"%s\":", key);
    if (v != NULL)
        json_write(b, v);
    else
        buf_puts(b, otherwise);
}

static void put_file(buf *b, arena *a, const script_input_file *f)
{
    buf_puts(b, "{\"field\":");
    json_put_cstr(b, f->field);
    buf_printf(b, ",\"list\":%s,\"name\":", f->in_list ? "true" : "false");
    json_put_cstr(b, f->name);
    buf_puts(b, ",\"mime\":");
    json_put_cstr(b, f->mime);
    buf_printf(b, ",\"size\":%" PRId64 ",\"modified\":\"%s\"}", f->size, clock_iso_ms(a, f->modified));
}

static buf *job_text(arena *a, const script_job *job)
{
    buf *b = buf_new(a, WIRE_JSON_MAX);

    buf_printf(b, "{\"check\":%s,\"warnUndeclared\":%s", job->check_only ? "true" : "false",
               job->warn_undeclared ? "true" : "false");
    put_json(b, "input", job->input, "{}");
    put_json(b, "aliases", job->aliases, "{}");
    put_json(b, "auth", job->auth, "{}");
    put_json(b, "env", job->env, "{}");
    if (job->last_poll_time != NULL) {
        buf_puts(b, ",\"lastPollTime\":");
        json_put_cstr(b, job->last_poll_time);
    }
    buf_puts(b, ",\"files\":[");
    for (size_t i = 0; i < job->n_files; i++) {
        if (i > 0)
            buf_putc(b, ',');
        put_file(b, a, &job->files[i]);
    }
    buf_puts(b, "]}");
    return b;
}

/* ---- sending ---- */

err exec_send(script_exec *x, scope *s, uint8_t type, uint32_t id, str json, str bytes)
{
    uint8_t head[WIRE_HEAD];
    err e;

    frames_head(head, type, id, json.len, bytes.len);
    TRY(sem_take(s, &x->writing));
    if ((e = proc_write(s, x->w->p, head, sizeof head)) == OK && (e = proc_write(s, x->w->p, json.p, json.len)) == OK)
        e = proc_write(s, x->w->p, bytes.p, bytes.len);
    sem_give(&x->writing);
    return e;
}

static err send_job(script_exec *x)
{
    size_t memory = x->job->memory > 0 ? x->job->memory : script_config.memory;
    buf *text = job_text(x->s->arena, x->job);
    const char *limits =
        arena_printf(x->s->arena, "{\"memory\":%zu,\"cpu\":%" PRId64 "}", memory, script_config.cpu_timeout);

    if (!buf_ok(text))
        return fail_code(x->caller, ERR_TOO_LARGE, "script.input", NULL, "the input of the script is too large");
    TRY(exec_send(x, x->s, WIRE_LIMITS, 0, str_of(limits), (str){0}));
    return exec_send(x, x->s, WIRE_RUN, 0, (str){buf_str(text), text->len}, x->job->code);
}

/* ---- how it ended ---- */

static void ended(script_exec *x, script_status status, const char *message)
{
    x->out->status = status;
    x->out->message = arena_strdup(x->caller->arena, message);
}

static void timed_out(script_exec *x, int64_t after)
{
    const char *text =
        after % SECONDS(1) == 0
            ? arena_printf(x->caller->arena, "Execution timed out after %" PRId64 " seconds", after / SECONDS(1))
            : arena_printf(x->caller->arena, "Execution timed out after %" PRId64 " milliseconds",
                           after / MILLISECONDS(1));

    ended(x, SCRIPT_TIMED_OUT, text);
}

static void nonsense(script_exec *x)
{
    ended(x, SCRIPT_CRASHED, "The process of the script sent something that makes no sense");
}

static void take_failure(script_exec *x, str json)
{
    static const struct {
        const char *kind;
        script_status status;
    } kinds[] = {{"throw", SCRIPT_THREW},
                 {"syntax", SCRIPT_BAD_SYNTAX},
                 {"memory", SCRIPT_NO_MEMORY},
                 {"output", SCRIPT_TOO_MUCH}};
    const char *kind;
    json_t *o;

    nonsense(x);
    if (json.len > FAILURE_MAX || json_parse(x->s->arena, json.p, json.len, NULL, &o) != OK)
        return;
    kind = json_get_str(o, "kind", "");
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            ended(x, kinds[i].status, json_get_str(o, "message", "The script failed"));
    if (strcmp(kind, "cpu") == 0)
        timed_out(x, SECONDS(script_config.cpu_timeout));
    x->out->stack = arena_strdup(x->caller->arena, json_get_str(o, "stack", NULL));
    x->out->line = MAX_OF(json_get_int(o, "line", 0), (int64_t)0);
}

/* False: too much. */
static bool take_log(script_exec *x, str json)
{
    const char *text;
    json_t *o;

    x->log_bytes += json.len;
    if (x->log_bytes > 2 * SCRIPT_LOG_BYTES || json_array_size(x->out->logs) >= SCRIPT_LOG_LINES ||
        json_parse(x->s->arena, json.p, json.len, NULL, &o) != OK || (text = json_get_str(o, "text", NULL)) == NULL)
        return false;
    return json_array_append_new(x->out->logs, json_string(text)) == 0;
}

static err take_frame(script_exec *x, const script_frame *f, bool *over)
{
    const char *problem = NULL;

    *over = true;
    switch (f->type) {
    case WIRE_CALL:
        if (!(*over = !host_call(x, f)))
            return OK;
        ended(x, SCRIPT_TOO_MUCH, "The script asked for too much at once");
        return OK;
    case WIRE_LOG:
        if (!(*over = !take_log(x, f->json)))
            return OK;
        ended(x, SCRIPT_TOO_MUCH, "The script wrote too much to its log");
        return OK;
    case WIRE_FILE:
        TRY(output_file(x, f, &problem));
        if (!(*over = problem != NULL))
            return OK;
        ended(x, SCRIPT_TOO_MUCH, problem);
        return OK;
    case WIRE_DONE:
        TRY(output_value(x, f->json, &problem));
        if (problem != NULL)
            ended(x, SCRIPT_TOO_MUCH, problem);
        return OK;
    case WIRE_FAIL:
        take_failure(x, f->json);
        return OK;
    default:
        nonsense(x);
        return OK;
    }
}

static err follow_frames(script_exec *x, frame_source *src)
{
    bool over = false;

    while (!over) {
        bool whole, bad;
        script_frame f;

        TRY(worker_read(x->s, x->w, src, &f, &whole, &bad));
        if (bad) {
            nonsense(x);
            return OK;
        }
        if (!whole) {
            ended(x, SCRIPT_CRASHED, "The process of the script ended unexpectedly");
            return OK;
        }
        TRY(take_frame(x, &f, &over));
    }
    return OK;
}

static err follow_process(script_exec *x)
{
    frame_source src = {.chunk = mem_alloc(FRAME_CHUNK)};
    err e = send_job(x);

    if (e == OK || e == ERR_CLOSED) /* it may have ended early, and said why */
        e = follow_frames(x, &src);
    free(src.chunk);
    return e;
}

/* ---- the run ---- */

/* What an error of the inner scope is for the caller: its own end, the end of the wall clock, or a broken process. */
static err explain(script_exec *x, err e, int64_t wall)
{
    err own = scope_check(x->caller);

    if (own != OK)
        return own;
    if (e == ERR_TOO_LARGE || (e == ERR_IO && x->caller->failure.e == ERR_IO))
        return e; /* said why already */
    if (e == ERR_TIMEOUT)
        timed_out(x, wall);
    else
        ended(x, SCRIPT_CRASHED, "The process of the script broke off");
    return OK;
}

static err run_in(script_exec *x)
{
    int64_t wall = x->job->wall_timeout > 0 ? x->job->wall_timeout : script_config.wall_timeout, began = clock_mono();
    bool clean;
    err e;

    scope_set_timeout(x->s, wall);
    e = follow_process(x);
    clean = e == OK &&
            (x->out->status == SCRIPT_DONE || x->out->status == SCRIPT_THREW || x->out->status == SCRIPT_BAD_SYNTAX);
    if (e != OK)
        e = explain(x, e, wall);
    if (x->out->duration <= 0 || x->out->duration > clock_mono() - began)
        x->out->duration = clock_mono() - began;
    scope_close(x->s); /* what it still asks for ends with it */
    host_forget(x);
    pool_give_back(x->w, !clean);
    return e;
}

err script_run(scope *s, const script_job *job, script_outcome *out)
{
    script_exec x = {.caller = s, .job = job, .out = out};
    err e;

    *out = (script_outcome){.logs = json_hold(s->arena, json_array())};
    if (job->code.len > SCRIPT_CODE_MAX)
        return fail_code(s, ERR_TOO_LARGE, "script.code", NULL, "the code is longer than %u bytes", SCRIPT_CODE_MAX);
    TRY(pool_take(s, job->owner, &x.w));
    sem_setup(&x.writing, 1);
    list_init(&x.queue);
    x.s = scope_child(s, NO_LIMIT);
    script_gauge_running(1);
    e = run_in(&x);
    script_gauge_running(-1);
    if (e != OK)
        return e;
    script_count(out->status, out->duration);
    log_debug("script", log_str("name", job->name), log_int("status", (int64_t)out->status),
              log_int("us", out->duration / 1000));
    return OK;
}
