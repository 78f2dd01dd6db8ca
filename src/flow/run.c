/* SPDX-License-Identifier: MIT */
/*
 * The life of a flow's run: prepare, begin, execute layer by layer, end (contracts/langflow-flows.md section 10).
 *
 * Nodes of one layer run at the same time; the first error ends the others and the run.  What was said is stored in the
 * conversation of the session before anybody sees the end.  Runs of one session go on beside each other: clients that name no
 * session all have the flow's.
 */
#include <sodium.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "flow/message.h"
#include "flow/result.h"
#include "model/turn.h"
#include "rt/loop.h"

enum { TWEAKS_MAX = 2 * GRAPH_MAX_NODES, KEPT_OF_SESSION = 200, HASH_SIZE = 16, MADE_MAX = 256 << 20 };

typedef struct {
    scope *s;     /* of the run; closed by its fiber */
    scope *nodes; /* below it, of the components: its arena keeps their results */
    run *run;
    graph *graph;
    flow_record record;
    flow_call call;
    run_row row;
    conversation_row conversation;
} execution;

static int64_t longest_run = MINUTES(60);

void flow_configure(int64_t run_timeout)
{
    longest_run = run_timeout;
}

/* Values on edges */

static const flow_value *output_of(const graph_edge *e)
{
    const flow_component *c = e->source->component;

    for (size_t i = 0; c != NULL && i < c->n_outputs; i++)
        if (strcmp(c->outputs[i].name, e->output) == 0 && e->source->done[i])
            return &e->source->results[i];
    return NULL;
}

flow_value component_input(component_call *c, const char *field)
{
    const graph_edge *e = graph_edge_into(c->graph, c->node, field);
    const flow_value *fed = e != NULL ? output_of(e) : NULL;
    json_t *literal = node_field(c->node, field);

    if (fed != NULL)
        return *fed;
    if (json_is_string(literal))
        return (flow_value){.kind = VALUE_TEXT, .text = json_string_value(literal)};
    return (flow_value){.kind = literal != NULL ? VALUE_JSON : VALUE_NONE, .json = literal};
}

const char *component_input_text(component_call *c, const char *field)
{
    flow_value v = component_input(c, field);

    return value_text(c->s->arena, &v);
}

/* Executing */

static bool has_consumers(const graph *g, const graph_node *n)
{
    for (size_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].source == n)
            return true;
    return false;
}

static bool is_wanted(const graph *g, const graph_node *n, const char *output)
{
    for (size_t i = 0; i < g->n_edges; i++)
        if (g->edges[i].source == n && g->edges[i].target->selected && strcmp(g->edges[i].output, output) == 0)
            return true;
    return !has_consumers(g, n);
}

typedef struct {
    execution *x;
    graph_node *node;
} node_job;

/* The first component that fails tells why; those beside it have nothing to work for any more. */
static err node_failed(execution *x, err e, const char *code, const char *subject, const char *text)
{
    const char *why = arena_strdup(x->s->arena, text);

    e = fail_code(x->s, e, code, subject, "%s", why);
    scope_cancel(x->nodes, "another component failed");
    return e;
}

static err run_node(scope *s, void *arg)
{
    node_job *job = arg;
    execution *x = job->x;
    graph_node *n = job->node;
    component_call c = {.s = s,
                        .run = x->run,
                        .graph = x->graph,
                        .node = n,
                        .flow_id = x->call.flow_id,
                        .session_id = x->call.session_id,
                        .user_id = x->call.user_id,
                        .admin = x->call.admin,
                        .stream = x->call.stream,
                        .record = &x->record};

    if (n->component == NULL)
        return node_failed(x, ERR_UNSUPPORTED, "flow.component", n->type,
                           arena_printf(s->arena,
                                        "Error building Component %s: \n\nThis server has no component of type %s",
                                        n->display_name, n->type));
    TRY(scope_check(s)); /* or each of a thousand would still make what the first had no room for */
    if (arena_size(s->arena) > MADE_MAX)
        return node_failed(x, ERR_TOO_LARGE, "flow.too_large", n->id,
                           arena_printf(x->s->arena, "the components made more than %d MiB", MADE_MAX >> 20));
    for (size_t i = 0; i < n->component->n_outputs; i++) {
        err e;

        if (!is_wanted(x->graph, n, n->component->outputs[i].name))
            continue;
        e = n->component->outputs[i].produce(&c, &n->results[i]);
        if (e != OK && scope_check(s) == OK)
            return node_failed(x, e, scope_failure(s, e).code, n->id,
                               arena_printf(s->arena, "Error building Component %s: \n\n%s", n->display_name,
                                            scope_failure(s, e).text));
        TRY(e);
        n->done[i] = true;
    }
    return OK;
}

static err run_layer(execution *x, size_t layer)
{
    for (size_t i = 0; i < x->graph->n_nodes; i++) {
        graph_node *n = &x->graph->nodes[i];
        node_job *job;

        if (!n->selected || n->layer != layer)
            continue;
        job = arena_one(x->nodes->arena, node_job);
        *job = (node_job){.x = x, .node = n};
        scope_spawn(x->nodes, run_node, job);
    }
    return scope_join(x->nodes);
}

static err execute(execution *x)
{
    x->nodes = scope_child(x->s, NO_LIMIT);
    for (size_t i = 0; i < x->graph->n_nodes; i++) {
        size_t n = x->graph->nodes[i].component != NULL ? x->graph->nodes[i].component->n_outputs : 0;

        x->graph->nodes[i].results = arena_array(x->s->arena, flow_value, n);
        x->graph->nodes[i].done = arena_array(x->s->arena, bool, n);
    }
    for (size_t layer = 0; layer < x->graph->n_layers; layer++)
        TRY(run_layer(x, layer));
    return OK;
}

/* Storing */

static size_t message_rows(const execution *x, arena *a, message_row **out)
{
    message_row *rows = arena_array(a, message_row, x->record.n);
    size_t n = 0;

    for (size_t i = 0; i < x->record.n; i++) {
        const flow_message *m = x->record.items[i];
        bool user = cstr_eq(m->sender, "User");
        json_t *body = json_hold(a, json_object()), *meta = json_object();

        json_set_str(body, "content", m->text);
        json_set_str(meta, "sender", m->sender);
        json_set_str(meta, "sender_name", m->sender_name);
        json_set_str(meta, "flow_id", x->call.flow_id);
        json_set(body, "metadata", meta);
        rows[n++] = (message_row){.message_id = m->id,
                                  .role = user ? "user" : "assistant",
                                  .type = user ? "user_input" : "assistant_text",
                                  .body = json_text(a, body),
                                  .created_at = m->time};
    }
    *out = rows;
    return n;
}

static err save_end(scope *s, execution *x, run_status status, const char *reason)
{
    message_row *rows;
    turn_finish end = {
        .session_id = x->row.session_id,
        .n_messages = message_rows(x, s->arena, &rows),
        .run = &x->row,
        .beside = true,
    };

    end.messages = rows;
    x->row.status = status == RUN_COMPLETED ? "completed" : status == RUN_FAILED ? "failed" : "interrupted";
    x->row.error = status == RUN_FAILED ? reason : NULL;
    x->row.finished_at = clock_wall();
    return turn_end(s, &end);
}

/* The last word, which goes nowhere when the run's log is full; its end says why, too. */
static err tell_last(scope *s, execution *x, buf *b)
{
    err e;

    buf_puts(b, "}}");
    e = run_emit_buf(s, x->run, EV_OUTPUT, NULL, b);
    buf_close(b);
    if (e != OK)
        log_warn("flow.result_too_large", log_str("run", x->row.id));
    return e;
}

static err tell_result(scope *s, execution *x)
{
    buf b = BUF_INIT(run_room(x->run));

    buf_puts(&b, "{\"event\":\"end\",\"data\":{\"result\":");
    flow_result(&b, x->graph, &x->call);
    return tell_last(s, x, &b);
}

static err tell_error(scope *s, execution *x, const char *text)
{
    buf b = BUF_INIT(run_room(x->run));

    buf_puts(&b, "{\"event\":\"error\",\"data\":{\"error\":");
    json_put_cstr(&b, text);
    return tell_last(s, x, &b);
}

static void finish(execution *x, err e)
{
    run_status status = e == OK ? RUN_COMPLETED : x->s->ended == ERR_CANCELLED ? RUN_INTERRUPTED : RUN_FAILED;
    const char *reason = e == OK ? NULL : scope_failure(x->s, e).text;
    scope *end = scope_new("run-end");
    err stored;

    scope_set_timeout(end, SECONDS(30));
    stored = save_end(end, x, status, reason);
    if (stored != OK) {
        reason = arena_strdup(end->arena, scope_failure(end, stored).text);
        log_error("run.not_stored", log_str("run", x->row.id), log_str("reason", reason));
        status = RUN_FAILED;
    }
    if (status == RUN_COMPLETED && tell_result(end, x) != OK) {
        reason = arena_strdup(end->arena, end->failure.text);
        status = RUN_FAILED;
    }
    if (status == RUN_FAILED) {
        const char *text = arena_printf(end->arena, "Error running graph: %s", reason);

        if (tell_error(end, x, text) != OK)
            reason = arena_strdup(end->arena, text);
    }
    run_finish(x->run, status, reason);
    scope_close(end);
}

static err flow_fiber(scope *root, void *arg)
{
    execution *x = arg;
    scope *s = x->s;

    (void)root;
    finish(x, execute(x));
    run_unref(x->run);
    scope_close(s);
    return OK;
}

/* Preparing */

static bool sets_input(const json_t *tweaks, const char *a, const char *b)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)tweaks, key, value)
    {
        if ((strstr(key, a) != NULL || strstr(key, b) != NULL) && json_is_object(value) &&
            json_object_get(value, "input_value") != NULL && !json_is_null(json_object_get(value, "input_value")))
            return true;
    }
    return false;
}

static err check_tweaks(scope *s, const flow_request *rq)
{
    static const char text[] =
        "If you pass an input_value to the %s input, you cannot pass a tweak with the same name.";

    if (json_object_size(rq->tweaks) > TWEAKS_MAX)
        return fail_code(s, ERR_TOO_LARGE, "flow.invalid", NULL, "there are more than %d tweaks", TWEAKS_MAX);
    if (rq->input_value == NULL)
        return OK;
    if (cstr_eq(rq->input_type, "chat") && sets_input(rq->tweaks, "ChatInput", "Chat Input"))
        return fail_code(s, ERR_INVALID, "flow.tweak_conflict", NULL, text, "chat");
    if (cstr_eq(rq->input_type, "text") && sets_input(rq->tweaks, "TextInput", "Text Input"))
        return fail_code(s, ERR_INVALID, "flow.tweak_conflict", NULL, text, "text");
    return OK;
}

/* The request's input goes to the input components of its type (section 10.2). */
static void set_inputs(graph *g, const flow_request *rq)
{
    const char *type = rq->input_type != NULL ? rq->input_type : "chat";
    json_t *value = json_str(rq->input_value); /* one for all of them */

    for (size_t i = 0; rq->input_value != NULL && i < g->n_nodes; i++) {
        graph_node *n = &g->nodes[i];

        if (!graph_is_input(n) || (!cstr_eq(type, "any") && strcasestr(n->id, type) == NULL) ||
            graph_edge_into(g, n, "input_value") != NULL)
            continue;
        node_set(n, "input_value", json_incref(value));
    }
    json_decref(value);
}

static err prepare(execution *x, const flow_request *rq)
{
    arena *a = x->s->arena;
    json_t *data;

    if (rq->flow->data == NULL || json_parse(a, rq->flow->data, strlen(rq->flow->data), NULL, &data) != OK)
        return fail_code(x->s, ERR_INVALID, "flow.invalid", rq->flow->id, "the flow has no graph");
    TRY(graph_read(x->s, a, data, &x->graph));
    graph_tweak(a, x->graph, rq->tweaks, rq->stream);
    graph_break_lines(a, x->graph);
    set_inputs(x->graph, rq);
    TRY(graph_plan(x->s, x->graph));
    x->call = (flow_call){
        .flow_id = arena_strdup(a, rq->flow->id),
        .session_id = arena_strdup(a, cstr_blank(rq->session_id) ? rq->flow->id : rq->session_id),
        .user_id = arena_strdup(a, rq->user_id),
        .admin = rq->admin,
        .stream = rq->stream,
        .input_value = arena_strdup(a, rq->input_value),
        .output_type = arena_strdup(a, rq->output_type != NULL ? rq->output_type : "chat"),
        .output_component = arena_strdup(a, rq->output_component),
    };
    x->record.a = a;
    return OK;
}

/* Names of sessions are each user's own, and conversations have ids of the whole server.  The name is the id as long as nobody
 * else has it. */
static const char *own_id(arena *a, const flow_call *call)
{
    str kept = utf8_prefix(str_of(call->session_id), KEPT_OF_SESSION);
    const char *whole = arena_printf(a, "%s %s", call->user_id, call->session_id);
    unsigned char hash[HASH_SIZE];
    char hex[2 * HASH_SIZE + 1];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)whole, strlen(whole), NULL, 0);
    hex_encode(hash, sizeof hash, hex);
    return arena_printf(a, "%.*s~%s", (int)kept.len, kept.p, hex);
}

static err choose_conversation(execution *x, const char **id)
{
    conversation_row *there = NULL;
    err e = conversation_find(x->s, OWNED_BY_ANYONE, x->call.session_id, &there);

    *id = x->call.session_id;
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    if (!cstr_eq(there->user_id, x->call.user_id))
        *id = own_id(x->s->arena, &x->call);
    return OK;
}

static err begin(execution *x, const flow_request *rq)
{
    arena *a = x->s->arena;
    const char *id;
    json_t *query = rq->input_value != NULL ? json_hold(a, json_string(rq->input_value)) : NULL;
    run_info info = {.user_id = x->call.user_id,
                     .agent_id = x->call.flow_id,
                     .query = query != NULL ? json_text(a, query) : NULL,
                     .beside = true};
    str title = utf8_prefix(str_of(rq->input_value), 50);
    turn_start start = {.who = owned_by_user(rq->user_id), /* an administrator's sessions are their own, too */
                        .conversation = &x->conversation,
                        .run = &x->row};
    err e;

    TRY(choose_conversation(x, &id));
    info.session_id = id;
    TRY(run_begin(x->s, &info, &x->run));
    x->conversation = (conversation_row){.session_id = id,
                                         .user_id = x->call.user_id,
                                         .agent_id = x->call.flow_id,
                                         .agent_name = arena_strdup(a, rq->flow->name),
                                         .title = title.len > 0 ? str_dup(a, title) : "Flow"};
    x->row = (run_row){.id = run_facts(x->run)->id,
                       .session_id = id,
                       .user_id = x->call.user_id,
                       .agent_id = x->call.flow_id,
                       .source = "flow",
                       .status = "running",
                       .started_at = clock_wall()};
    e = turn_begin(x->s, &start);
    if (e != OK) {
        run_finish(x->run, RUN_FAILED, NULL);
        run_unref(x->run);
    }
    return e;
}

err flow_start(scope *s, const flow_request *rq, run **out)
{
    scope *rs;
    execution *x;
    err e;

    TRY(check_tweaks(s, rq));
    rs = scope_new("flow"); /* not below the loop's: at a stop, runs get their grace (cli/serve.c) */
    scope_set_timeout(rs, longest_run);
    rs->id = arena_strdup(rs->arena, s->id);
    x = arena_one(rs->arena, execution);
    x->s = rs;
    e = prepare(x, rq);
    if (e == OK)
        e = begin(x, rq);
    if (e == ERR_CONFLICT && cstr_eq(rs->failure.code, "conversation.not_yours")) /* since it was chosen */
        e = begin(x, rq);
    if (e != OK) {
        fail_from(s, rs, e);
        scope_close(rs);
        return e;
    }
    *out = run_ref(x->run);
    scope_spawn(loop_root(s->loop), flow_fiber, x);
    return OK;
}
