/* SPDX-License-Identifier: MIT */
/*
 * Fitting a long history into the model's window: old messages are replaced by a summary that the model itself writes
 * (contracts/sage-agent-runtime.md section 5.3).
 *
 * The summary is a pair of ledger entries, a call and its result, put behind what it covers.  The originals stay stored;
 * requests carry the pair instead.  A summary that does not make the request smaller is kept for audit only.
 */
#include "agent/agent_internal.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"

enum { KEEP_LAST = 12, KEEP_LAST_FORCED = 2, PERCENT_OF_WINDOW = 85, WINDOW_MAX = 1 << 30 };
enum { WORTH_IT = 2000 }; /* bytes: what is shorter, a summary and what stands around it do not make smaller */

/* In tokens.  A limit of the request alone counts as the window of which it is the part that may be filled. */
static int64_t window_of(const plan *p)
{
    int64_t n = p->model.at.max_model_len, input = p->model.at.max_input_len;

    n = n > 0 ? MIN_OF(n, WINDOW_MAX) : 128000;
    if (input > 0 && input < n)
        n = MIN_OF(n, (input * 100 + PERCENT_OF_WINDOW - 1) / PERCENT_OF_WINDOW);
    return n;
}

/* Where the part that is summarised ends: never between a call and its result, never at or behind the last user message
 * unless that is all there is. */
static size_t segment_end(const ledger *l, size_t keep)
{
    const entry *user = ledger_last_user(l);
    size_t end = l->n > keep ? l->n - keep : 0, first_user = l->n;

    for (size_t i = 0; i < l->n; i++)
        if (l->items[i]->role == ROLE_USER) {
            first_user = i;
            break;
        }
    for (size_t i = 0; i < end; i++)
        if (l->items[i] == user && i != first_user)
            end = i;
    while (end > 0 && end < l->n && l->items[end]->role == ROLE_TOOL)
        end--; /* results go with their call */
    return end;
}

static void put_entry(buf *b, const entry *e)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};

    buf_printf(b, "[%s] ", roles[e->role]);
    entry_put_text(b, e);
    for (size_t c = 0; c < e->n_calls; c++)
        buf_printf(b, "\n  called %s %s", e->calls[c].name, e->calls[c].arguments);
    buf_putc(b, '\n');
}

/* What is to be summarised. */
typedef struct {
    buf text;
    json_t *ids;  /* of the messages in it */
    size_t end;   /* the summary's place in the ledger */
    size_t fresh; /* messages that are no summary themselves */
} segment;

/* Takes the messages in front of sg->end; what would be too much for one summary is left for the next. */
static void segment_fill(agent_state *st, segment *sg)
{
    const entry *user = ledger_last_user(st->l);
    map *covered = ledger_covered(st->l);

    for (size_t i = 0; i < sg->end; i++) {
        const entry *e = st->l->items[i];
        size_t before = sg->text.len;

        if (e == user || cstr_eq(entry_meta_str(e, "llm_scope"), "never") ||
            (covered != NULL && map_get(covered, e->id) != NULL))
            continue;
        put_entry(&sg->text, e);
        if (!buf_ok(&sg->text)) {
            sg->text.len = before;
            sg->end = i;
            break;
        }
        json_array_append_new(sg->ids, json_string(e->id));
        sg->fresh += !entry_is_summary(e);
    }
    map_free(covered);
}

static const char request_text[] =
    "Summarise the following part of a conversation between a user and an assistant that works with tools, so that the "
    "assistant can go on without it. Keep every fact, decision, file path, number, error and open task that may still "
    "matter, "
    "and what the user asked for and ruled out. Leave out greetings and repetition. Answer with the summary alone.\n\n";

static err summarise(agent_state *st, arena *a, str rest, const char **summary)
{
    llm_request rq = st->p->model;
    llm_usage usage = {0};
    /* A batch is about a third of the window, so that the summary of what went before fits beside it.  The window may be
     * what a request says, so it is not trusted to be sensible. */
    size_t batch = (size_t)MIN_OF(MAX_OF(window_of(st->p), 2000), 4000000) * 35 / 100 * 3;
    const char *so_far = "";

    rq.thinking = THINKING_OFF;
    rq.response_format = NULL; /* that of the answer */
    while (rest.len > 0) {
        str piece = rest.len > batch ? (str){rest.p, batch} : rest;
        llm_message m = {.role = ROLE_USER};

        while (piece.len < rest.len && ((unsigned char)rest.p[piece.len] & 0xc0) == 0x80)
            piece.len--;
        m.text = arena_printf(a, "%s%s%s\n\n%.*s", request_text,
                              *so_far != '\0' ? "Summary of what came before:\n" : "", so_far, STR_ARG(piece));
        rq.messages = &m;
        rq.n_messages = 1;
        TRY(llm_complete(st->s, &rq, &so_far, &usage));
        usage_add(st->s->arena, &st->out->usage, "compress_history", rq.at.model, &usage);
        rest = (str){rest.p + piece.len, rest.len - piece.len};
    }
    *summary = so_far;
    return OK;
}

static json_t *anchor_meta(agent_state *st, json_t *ids)
{
    json_t *meta = json_hold(st->l->a, json_object());
    size_t n = json_array_size(ids);

    json_set_str(meta, "tool_name", "compress_conversation_history");
    json_set_bool(meta, "auto_generated", true);
    json_set_bool(meta, "compression_anchor", true);
    json_set(meta, "source_start_message_id", json_incref(json_array_get(ids, 0)));
    json_set(meta, "source_end_message_id", json_incref(json_array_get(ids, n - 1)));
    json_set(meta, "source_message_ids", json_incref(ids));
    json_set_int(meta, "source_message_count", (int64_t)n);
    return meta;
}

static char *result_text(arena *a, const char *summary, size_t before, size_t count)
{
    static const char *const lists[] = {"decisions",    "open_tasks",       "files_touched",
                                        "commands_run", "important_errors", "user_requirements"};
    json_t *o = json_hold(a, json_object()), *stats = json_object();

    json_set_str(o, "summary", summary);
    for (size_t i = 0; i < COUNT(lists); i++)
        json_set(o, lists[i], json_array());
    json_set_bool(o, "reference_only", true);
    json_set_str(o, "reference_note", "A summary of earlier messages; what the user said last goes before it.");
    json_set_str(o, "context_recovery_guidance",
                 "Read the files or ask again when a detail that matters is missing here.");
    json_set_int(stats, "source_messages", (int64_t)count);
    json_set_int(stats, "source_chars", (int64_t)before);
    json_set_int(stats, "summary_chars", (int64_t)strlen(summary));
    json_set(o, "stats", stats);
    return json_text(a, o);
}

/* Moves the newest entry to position `at`. */
static void move_last_to(ledger *l, size_t at)
{
    entry *e = l->items[l->n - 1];

    memmove(l->items + at + 1, l->items + at, (l->n - 1 - at) * sizeof *l->items);
    l->items[at] = e;
}

static err tell(agent_state *st, const entry *call, const entry *result)
{
    const run_message *m = run_message_new(st->r, call->id, st->p->session_id, st->p->speaker);
    json_t *o = json_object();

    json_set_int(o, "index", 0);
    json_set_str(o, "id", call->calls[0].id);
    json_set_str(o, "name", call->calls[0].name);
    json_set_str(o, "arguments", call->calls[0].arguments);
    json_set(o, "metadata", json_incref(call->metadata));
    TRY(run_emit_json(st->s, st->r, EV_TOOL_CALL, m, o));
    o = json_object();
    json_set_str(o, "tool_call_id", result->tool_call_id);
    json_set_str(o, "name", call->calls[0].name);
    json_set_str(o, "content", result->text);
    json_set(o, "metadata", json_incref(result->metadata));
    m = run_message_new(st->r, result->id, st->p->session_id, st->p->speaker);
    return run_emit_json(st->s, st->r, EV_TOOL_RESULT, m, o);
}

static err insert_pair(agent_state *st, size_t at, json_t *ids, const char *text, bool useless)
{
    arena *a = st->l->a;
    llm_tool_call *c = arena_one(a, llm_tool_call);
    int64_t time = at > 0 ? st->l->items[at - 1]->time : clock_wall();
    json_t *meta = anchor_meta(st, ids);
    json_t *args = json_hold(a, json_object());
    entry *call, *result;

    json_set_str(args, "session_id", st->p->session_id);
    *c = (llm_tool_call){
        .id = arena_printf(a, "auto_compress_%s", id_hex(a, 8)),
        .name = "compress_conversation_history",
        .arguments = json_text(a, args),
    };
    if (useless)
        json_set_str(meta, "llm_scope", "never");
    call = ledger_add(st->l, (entry){.role = ROLE_ASSISTANT,
                                     .type = "tool_call",
                                     .calls = c,
                                     .n_calls = 1,
                                     .metadata = meta,
                                     .time = time,
                                     .agent_name = st->p->speaker});
    move_last_to(st->l, at);
    meta = json_hold(a, json_copy(meta));
    json_set_str(meta, "status", "success");
    result = ledger_add(st->l, (entry){.role = ROLE_TOOL,
                                       .type = "tool_call_result",
                                       .text = text,
                                       .tool_call_id = c->id,
                                       .metadata = meta,
                                       .time = time,
                                       .agent_name = st->p->speaker});
    move_last_to(st->l, at + 1);
    return useless ? OK : tell(st, call, result);
}

static err compress(agent_state *st, size_t keep, bool *done)
{
    segment sg = {.text = BUF_INIT(MIB(8)), .ids = json_hold(st->l->a, json_array()), .end = segment_end(st->l, keep)};
    arena *a = arena_new(st->s->arena);
    const char *summary, *text;
    err e = OK;

    *done = false;
    segment_fill(st, &sg);
    if (sg.fresh == 0 || json_array_size(sg.ids) < 2 || sg.text.len < WORTH_IT)
        goto out;
    if ((e = summarise(st, a, (str){sg.text.data, sg.text.len}, &summary)) != OK)
        goto out;
    text = result_text(st->l->a, summary, sg.text.len, json_array_size(sg.ids));
    *done = strlen(text) < sg.text.len;
    e = insert_pair(st, sg.end, sg.ids, text, !*done);
out:
    buf_close(&sg.text);
    arena_free(a);
    return e;
}

/* The estimate is no more than that: when the summary fails the request goes out as it is, and the provider decides. */
err compress_when_needed(agent_state *st, int64_t prompt_tokens, bool *compressed)
{
    err e;

    *compressed = false;
    if (prompt_tokens <= window_of(st->p) * PERCENT_OF_WINDOW / 100)
        return OK;
    e = compress(st, KEEP_LAST, compressed);
    if (e != OK)
        log_warn("run.compression_failed", log_str("run", run_facts(st->r)->id), log_str("reason", err_name(e)));
    return st->s->ended;
}

err compress_by_force(agent_state *st)
{
    bool done;

    TRY(compress(st, KEEP_LAST_FORCED, &done));
    return done ? OK : ERR_NOT_FOUND;
}
