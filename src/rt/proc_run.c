/* SPDX-License-Identifier: MIT */
/* The common case of a child process: it gets its input, says what it has to say, and ends. */
#include <stdlib.h>

#include "base/mem.h"
#include "rt/fiber.h"
#include "rt/proc.h"

enum { COPY_SIZE = 16 * 1024 };

typedef struct {
    proc *p;
    int stream;
    buf *into;
    str input;
    bool truncated;
} flow;

static err collect(scope *s, void *arg)
{
    flow *f = arg;
    char *bytes = mem_alloc(COPY_SIZE); /* not on a stack that should stay small */
    size_t len = 0, room;
    err e;

    while ((e = proc_read(s, f->p, f->stream, bytes, COPY_SIZE, &len)) == OK && len > 0) {
        room = MIN_OF(len, f->into->max - f->into->len);
        buf_add(f->into, bytes, room);
        f->truncated = f->truncated || room < len;
    }
    free(bytes);
    return e;
}

static err feed(scope *s, void *arg)
{
    flow *f = arg;
    err e = proc_write(s, f->p, f->input.p, f->input.len);

    proc_close_stdin(f->p);
    return e == ERR_CLOSED ? OK : e; /* a program need not read all of its input */
}

err proc_run(scope *s, const proc_spec *spec, str input, size_t max_output, proc_result *result)
{
    scope *run = scope_child(s, NO_LIMIT);
    flow in = {.input = input};
    flow out = {.stream = 1, .into = buf_new(s->arena, max_output)};
    flow errors = {.stream = 2, .into = buf_new(s->arena, max_output)};
    int status = 0;
    err e = proc_start(run, spec, &in.p);

    if (e == OK) {
        out.p = errors.p = in.p;
        scope_spawn(run, feed, &in);
        scope_spawn(run, collect, &out);
        if (!spec->merge_stderr)
            scope_spawn(run, collect, &errors);
        if ((e = scope_join(run)) == OK)
            e = proc_wait(run, in.p, &status);
    }
    if (e == OK)
        *result = (proc_result){
            .status = status,
            .out = out.into,
            .err = spec->merge_stderr ? NULL : errors.into,
            .truncated = out.truncated || errors.truncated,
        };
    else
        e = fail_from(s, run, e);
    scope_close(run);
    return e;
}
