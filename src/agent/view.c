/* SPDX-License-Identifier: MIT */
/*
 * From ledger to request: which messages a model sees, and in an order that providers accept
 * (contracts/sage-agent-runtime.md section 3.2).
 *
 * A call without result, or a result without call, makes providers answer 400; so does a result that does not follow its
 * call.  Everything here exists to rule that out, whatever happened to the session before.
 */
#include "agent/ledger.h"

static bool for_model(const entry *e)
{
    const char *when = entry_meta_str(e, "llm_scope");

    if (cstr_eq(when, "never"))
        return false;
    if (cstr_eq(when, "next_request") && cstr_eq(entry_meta_str(e, "llm_state"), "consumed"))
        return false;
    if (e->role == ROLE_TOOL)
        return true;
    return e->n_calls > 0 || e->parts != NULL || !cstr_blank(e->text); /* reasoning alone is no message to providers */
}

bool entry_is_summary(const entry *e)
{
    return (e->n_calls > 0 || e->role == ROLE_TOOL) && entry_meta_true(e, "compression_anchor");
}

map *ledger_covered(const ledger *l)
{
    map *covered = NULL;

    for (size_t i = 0; i < l->n; i++) {
        const entry *e = l->items[i];
        const json_t *ids;

        if (!entry_is_summary(e) || !for_model(e))
            continue;
        ids = json_get_arr(e->metadata, "source_message_ids");
        if (covered == NULL)
            covered = map_new();
        for (size_t k = 0; k < json_array_size(ids); k++)
            if (json_string_value(json_array_get(ids, k)) != NULL)
                map_put(covered, json_string_value(json_array_get(ids, k)), (void *)(uintptr_t)1);
    }
    return covered;
}

/* The result of a call, anywhere behind it; NULL when there is none that the model may see. */
static const entry *result_of(const ledger *l, size_t from, const char *call_id)
{
    for (size_t i = from; i < l->n; i++) {
        const entry *e = l->items[i];

        if (e->role == ROLE_TOOL && cstr_eq(e->tool_call_id, call_id))
            return entry_meta_true(e, "streamed_tool_rejected") || !for_model(e) ? NULL : e;
    }
    return NULL;
}

static bool is_json_object(const char *text)
{
    arena *a = arena_new(NULL);
    json_t *v;
    bool object = text != NULL && json_parse(a, text, strlen(text), NULL, &v) == OK && json_is_object(v);

    arena_free(a);
    return object;
}

/* Calls of earlier turns that only the runtime cared about: their outcome is old news. */
static bool is_stale_call(const ledger *l, size_t at, const char *name)
{
    bool status = cstr_eq(name, "turn_status"), recall = cstr_eq(name, "search_memory");

    if (!status && !recall)
        return false;
    for (size_t i = at + 1; i < l->n; i++) {
        if (recall && l->items[i]->role == ROLE_USER)
            return true;
        for (size_t c = 0; status && c < l->items[i]->n_calls; c++)
            if (cstr_eq(l->items[i]->calls[c].name, "turn_status"))
                return true;
    }
    return false;
}

/* A status that did not mean what the model thought: it is to remember why. */
static bool is_lesson(const entry *result)
{
    return entry_meta_true(result, "turn_status_rejected") || entry_meta_str(result, "coerced_from") != NULL;
}

/* An assistant message with calls, followed at once by the results of those that have one. */
static size_t add_with_results(const ledger *l, size_t at, arena *a, llm_message *out)
{
    const entry *e = l->items[at];
    llm_tool_call *calls = arena_array(a, llm_tool_call, e->n_calls);
    size_t kept = 0, n = 1;

    for (size_t c = 0; c < e->n_calls; c++) {
        const entry *result = result_of(l, at + 1, e->calls[c].id);

        if (result == NULL || !is_json_object(e->calls[c].arguments) ||
            (is_stale_call(l, at, e->calls[c].name) && !is_lesson(result)))
            continue;
        calls[kept++] = e->calls[c];
        out[n++] = (llm_message){.role = ROLE_TOOL,
                                 .text = result->text != NULL ? result->text : "",
                                 .tool_call_id = result->tool_call_id,
                                 .failed = entry_failed(result)};
    }
    if (kept == 0 && cstr_blank(e->text))
        return 0;
    out[0] = (llm_message){.role = ROLE_ASSISTANT,
                           .text = e->text,
                           .reasoning = e->reasoning,
                           .thoughts = e->thoughts,
                           .calls = calls,
                           .n_calls = kept};
    return n;
}

/* What went wrong is told to the model as a report, not as its own words. */
static const char *text_of(const entry *e, arena *a)
{
    if (!cstr_eq(e->type, "agent_execution_error"))
        return e->text;
    return arena_printf(a, "<runtime_diagnostic source=\"sage_runtime\">\n%s\n</runtime_diagnostic>", e->text);
}

size_t ledger_view(const ledger *l, arena *a, llm_message **out)
{
    map *covered = ledger_covered(l);
    llm_message *view;
    size_t room = 0, n = 0;

    for (size_t i = 0; i < l->n; i++)
        room += 1 + l->items[i]->n_calls;
    view = arena_array(a, llm_message, room);
    for (size_t i = 0; i < l->n; i++) {
        const entry *e = l->items[i];

        if (!for_model(e) || e->role == ROLE_TOOL || (covered != NULL && map_get(covered, e->id) != NULL))
            continue; /* results come with their calls */
        if (e->n_calls > 0)
            n += add_with_results(l, i, a, view + n);
        else
            view[n++] =
                (llm_message){.role = e->role, .text = text_of(e, a), .parts = e->parts, .reasoning = e->reasoning};
    }
    map_free(covered);
    *out = view;
    return n;
}

/* A character's weight in thousandths of a token, by class (section 5.2). */
static int64_t milli_tokens(const unsigned char *p, size_t step)
{
    if (step >= 3) {
        uint32_t c = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        bool cjk =
            step == 3 && ((c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3));

        return cjk ? 600 : 400;
    }
    if (step == 2)
        return 250;
    if (p[0] >= '0' && p[0] <= '9')
        return 200;
    return (p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z' ? 250 : 400;
}

int64_t tokens_of_text(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    int64_t sum = 0;
    size_t step;

    for (size_t i = 0; i < s.len; i += step) {
        step = p[i] >= 0xf0 ? 4 : p[i] >= 0xe0 ? 3 : p[i] >= 0xc0 ? 2 : 1;
        if (step > s.len - i)
            break;
        sum += milli_tokens(p + i, step);
    }
    return sum / 1000;
}

static int64_t tokens_of_parts(const json_t *parts)
{
    int64_t sum = 0;

    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const char *text = json_get_str(part, "text", NULL);

        sum += text != NULL ? tokens_of_text(str_of(text)) : 1000; /* an image: between 500 and 3000 */
    }
    return sum;
}

int64_t tokens_of_messages(const llm_message *m, size_t n)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += 4 + (m[i].parts != NULL ? tokens_of_parts(m[i].parts) : tokens_of_text(str_of(m[i].text)));
        sum += tokens_of_text(str_of(m[i].reasoning));
        for (size_t c = 0; c < m[i].n_calls; c++)
            sum += 8 + tokens_of_text(str_of(m[i].calls[c].name)) + tokens_of_text(str_of(m[i].calls[c].arguments));
    }
    return sum;
}
