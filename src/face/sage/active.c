/* SPDX-License-Identifier: MIT */
/*
 * GET /api/stream/active_sessions: the caller's running sessions as server-sent events, one event a change
 * (contracts/sage-chat-agents.md section 4.6).
 */
#include <stdlib.h>

#include "auth/identity.h"
#include "base/mem.h"
#include "face/sage/handlers.h"
#include "store/run.h"

typedef struct {
    source src;
    hub_watch *watch;
    char *user_id; /* NULL: everybody's */
    bool changed;
} active_list;

static json_t *session_json(run *r)
{
    const run_info *facts = run_facts(r);
    json_t *o = json_object();
    json_error_t fault;
    json_t *query = facts->query != NULL ? json_loads(facts->query, JSON_DECODE_ANY, &fault) : NULL;

    json_set_str(o, "session_id", facts->session_id);
    json_set_num(o, "created_at", (double)run_created(r) / 1e6);
    json_set_bool(o, "is_completed", false);
    json_set_str(o, "status", run_interrupt_reason(r) != NULL ? "interrupted" : "running");
    json_set_num(o, "last_activity", (double)run_last_activity(r) / 1e6);
    json_set(o, "query", query != NULL ? query : json_string(""));
    return o;
}

static void on_change(void *arg)
{
    active_list *l = arg;

    l->changed = true;
    source_ready(&l->src);
}

static source_state pull(source *src, buf *out, size_t room)
{
    active_list *l = CONTAINER_OF(src, active_list, src);
    arena *a;
    json_t *list;
    run **runs;
    size_t n;

    (void)room;
    if (!l->changed)
        return SOURCE_WAIT;
    l->changed = false;
    a = arena_new(NULL);
    list = json_hold(a, json_array());
    n = hub_list(a, l->user_id, &runs);
    for (size_t i = 0; i < n; i++)
        if (run_facts(runs[i])->managed)
            json_array_append_new(list, session_json(runs[i]));
    buf_puts(out, "data: ");
    json_write(out, list);
    buf_puts(out, "\n\n");
    arena_free(a);
    return SOURCE_WAIT;
}

static void on_close(source *src)
{
    active_list *l = CONTAINER_OF(src, active_list, src);

    hub_watch_close(l->watch);
    free(l->user_id);
    free(l);
}

err sage_active_sessions(request *rq, response *rs)
{
    active_list *l = mem_zalloc(1, sizeof *l);

    l->src = (source){.pull = pull, .close = on_close, .endless = true};
    l->user_id = rq->user->admin ? NULL : mem_strdup(rq->user->user_id);
    l->changed = true;
    l->watch = hub_watch_open(on_change, l);
    return reply_follow(rs, 200, "text/event-stream; charset=utf-8", &l->src);
}
