/* SPDX-License-Identifier: MIT */
/*
 * How built-in tools answer, and how they get to a pool thread and back.
 */
#include "tool/internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "rt/offload.h"
#include "rt/sleep.h"

enum { FAILURE_TEXT_MAX = 2000 };

json_t *tool_failure(const char *code, const char *format, ...)
{
    json_t *o = json_object();
    char text[FAILURE_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t len = strlen(text); !utf8_valid(text, len);
         len--) /* cut inside a character, or somebody else's bytes */
        text[len - 1] = '\0';
    json_set_bool(o, "success", false);
    json_set_str(o, "status", "error");
    json_set_str(o, "error_code", code);
    json_set_str(o, "error", text);
    json_set_str(o, "message", text);
    return o;
}

str text_repair(arena *a, str bytes)
{
    buf b = BUF_INIT(bytes.len * 3 + 1);
    str out;

    for (size_t i = 0; i < bytes.len;) {
        unsigned char c = (unsigned char)bytes.p[i];
        size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

        if (c != '\0' && n <= bytes.len - i && utf8_valid(bytes.p + i, n)) {
            buf_add(&b, bytes.p + i, n);
            i += n;
        } else {
            buf_puts(&b, "\xef\xbf\xbd");
            i++;
        }
    }
    out = (str){arena_strndup(a, buf_str(&b), b.len), b.len};
    buf_close(&b);
    return out;
}

json_t *tool_path_failure(int error, const char *path)
{
    switch (-error) {
    case EXDEV:
    case ELOOP:
        return tool_failure("PERMISSION_DENIED", "Access denied: path outside sandbox workspace or mounted paths: %s",
                            path);
    case ENOENT:
        return tool_failure("NOT_FOUND", "File or directory not found: %s", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return tool_failure("PERMISSION_DENIED", "Permission denied: %s", path);
    case EISDIR:
        return tool_failure("INVALID_ARGUMENT", "The path is a directory, not a file: %s", path);
    case ENOTDIR:
        return tool_failure("INVALID_ARGUMENT", "A part of the path is not a directory: %s", path);
    case EINVAL:
        return tool_failure("INVALID_ARGUMENT", "Not a regular file, or not a path: '%s'", path);
    case ENAMETOOLONG:
        return tool_failure("INVALID_ARGUMENT", "The path is too long");
    case EFBIG:
        return tool_failure("INVALID_ARGUMENT", "The file is larger than the limit of %d MB: %s", FILE_LIMIT >> 20,
                            path);
    case EEXIST:
        return tool_failure("PRECONDITION_FAILED", "It exists already: %s", path);
    case ENOSPC:
    case EDQUOT:
        return tool_failure("SANDBOX_ERROR", "No space is left for writing %s", path);
    default:
        return tool_failure("INTERNAL_ERROR", "%s: error %d", path, -error);
    }
}

err answer_json(scope *s, json_t *owned, tool_result *out)
{
    json_t *v = json_hold(s->arena, owned);

    *out = (tool_result){.value = v,
                         .failed = json_is_false(json_object_get(v, "success")) || json_object_get(v, "error") != NULL};
    out->text = json_text(s->arena, v);
    return OK;
}

err answer_text(scope *s, const char *text, tool_result *out)
{
    *out = (tool_result){.text = arena_strdup(s->arena, text)};
    return OK;
}

bool work_over(const work *w)
{
    return atomic_load_explicit(&w->stop, memory_order_relaxed) || clock_mono() >= w->deadline;
}

bool work_ask_over(void *w)
{
    return work_over(w);
}

typedef struct {
    work w;
    json_t *(*fn)(work *w);
    json_t *result;
} work_job;

static void on_pool(void *arg)
{
    work_job *j = arg;
    const char *path = j->w.cx->workspace;
    int e = workspace_open(j->w.a, path, &j->w.ws);

    if (e < 0) {
        j->result = tool_path_failure(e, path);
        return;
    }
    j->result = j->fn(&j->w);
    workspace_close(&j->w.ws);
}

/* Sleeps as long as the call's scope lives: offload() itself cannot tell a running function that nobody wants it now. */
static err watch_for_end(scope *s, void *arg)
{
    work *w = arg;
    err e = sleep_for(s, SECONDS(365 * 86400));

    atomic_store(&w->stop, true);
    return e == ERR_TIMEOUT ? e : OK;
}

err work_run(scope *s, const tool_context *cx, json_t *args, int64_t limit, json_t *(*fn)(work *w), json_t **out)
{
    int64_t left = MIN_OF(scope_remaining(s), limit), now = clock_mono();
    work_job j = {.w = {.a = arena_new(s->arena), .cx = cx, .args = args, .ws.fd = -1}, .fn = fn};
    scope *watch;
    err e;

    if (cx->workspace == NULL) {
        *out = tool_failure("PRECONDITION_FAILED", "This tool works on the files of an agent's workspace, "
                                                   "and this call has none");
        return OK;
    }
    j.w.deadline = left > NO_LIMIT - now ? NO_LIMIT : now + left;
    watch = scope_child(s, NO_LIMIT);
    scope_spawn(watch, watch_for_end, &j.w);
    e = offload(s, on_pool, &j);
    scope_close(watch);
    if (e == OK)
        e = scope_check(s); /* work that saw the deadline itself gave half an answer */
    if (e != OK) {
        json_decref(j.result);
        return e;
    }
    *out = j.result;
    return OK;
}
