/* SPDX-License-Identifier: MIT */
/* The ledger: keeping and storing entries.  Its conversion into requests is in view.c. */
#include "agent/ledger.h"

#include "base/clock.h"
#include "base/id.h"

ledger *ledger_new(arena *a)
{
    ledger *l = arena_one(a, ledger);

    l->a = a;
    return l;
}

entry *ledger_add(ledger *l, entry e)
{
    entry *kept = arena_one(l->a, entry);

    if (l->n == l->cap) {
        size_t cap = l->cap == 0 ? 8 : l->cap * 2;
        entry **grown = arena_array(l->a, entry *, cap);

        if (l->n > 0)
            memcpy(grown, l->items, l->n * sizeof *grown);
        l->items = grown;
        l->cap = cap;
    }
    *kept = e;
    if (kept->id == NULL)
        kept->id = id_uuid4(l->a);
    if (kept->time == 0)
        kept->time = clock_wall();
    l->items[l->n++] = kept;
    return kept;
}

entry *ledger_find(const ledger *l, const char *id)
{
    for (size_t i = l->n; i > 0; i--)
        if (cstr_eq(l->items[i - 1]->id, id))
            return l->items[i - 1];
    return NULL;
}

entry *ledger_last_user(const ledger *l)
{
    for (size_t i = l->n; i > 0; i--)
        if (l->items[i - 1]->role == ROLE_USER && entry_meta_str(l->items[i - 1], "llm_scope") == NULL)
            return l->items[i - 1];
    return NULL;
}

void entry_mark(ledger *l, entry *e, const char *key, json_t *owned)
{
    if (e->metadata == NULL)
        e->metadata = json_hold(l->a, json_object());
    json_set(e->metadata, key, owned);
    e->stored = false;
}

const char *entry_meta_str(const entry *e, const char *key)
{
    return e->metadata != NULL ? json_get_str(e->metadata, key, NULL) : NULL;
}

bool entry_meta_true(const entry *e, const char *key)
{
    return e->metadata != NULL && json_get_bool(e->metadata, key, false);
}

bool entry_failed(const entry *e)
{
    return e->role == ROLE_TOOL && cstr_eq(entry_meta_str(e, "tool_execution_status"), "error");
}

static void put_part(buf *b, const json_t *part)
{
    const char *text = json_get_str(part, "text", NULL), *url = llm_part_image(part);

    if (text != NULL)
        buf_puts(b, text);
    else if (url != NULL && strncasecmp(url, "data:", 5) != 0)
        buf_printf(b, "(an image: %.500s)", url);
    else
        buf_puts(b, url != NULL ? "(an image)" : "(an attachment)");
}

void entry_put_text(buf *b, const entry *e)
{
    json_t *part;
    size_t i;

    if (e->parts == NULL && e->text != NULL)
        buf_puts(b, e->text);
    json_array_foreach(e->parts, i, part)
    {
        if (i > 0)
            buf_putc(b, '\n');
        put_part(b, part);
    }
}

static bool has_result(const ledger *l, size_t from, const char *call_id)
{
    for (size_t i = from; i < l->n; i++)
        if (l->items[i]->role == ROLE_TOOL && cstr_eq(l->items[i]->tool_call_id, call_id))
            return true;
    return false;
}

static void add_interrupted(ledger *l, const char *call_id)
{
    entry *e =
        ledger_add(l, (entry){
                          .role = ROLE_TOOL,
                          .type = "tool_call_result",
                          .tool_call_id = call_id,
                          .text = "{\"status\":\"interrupted\",\"message\":\"Tool execution was interrupted before a "
                                  "result was recorded; a newer user message started the next turn.\"}",
                      });

    entry_mark(l, e, "synthetic_interrupted_tool_result", json_true());
}

void ledger_settle(ledger *l)
{
    size_t n = l->n;

    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < l->items[i]->n_calls; c++)
            if (!has_result(l, i + 1, l->items[i]->calls[c].id))
                add_interrupted(l, l->items[i]->calls[c].id);
}

static void write_calls(buf *b, const entry *e)
{
    buf_puts(b, ",\"tool_calls\":[");
    for (size_t i = 0; i < e->n_calls; i++) {
        if (i > 0)
            buf_putc(b, ',');
        buf_puts(b, "{\"id\":");
        json_put_cstr(b, e->calls[i].id);
        buf_puts(b, ",\"type\":\"function\",\"function\":{\"name\":");
        json_put_cstr(b, e->calls[i].name);
        buf_puts(b, ",\"arguments\":");
        json_put_cstr(b, e->calls[i].arguments);
        buf_puts(b, "}}");
    }
    buf_putc(b, ']');
}

char *entry_write(arena *a, const entry *e)
{
    buf b = BUF_INIT(SIZE_MAX - 1);
    char *text;

    buf_puts(&b, "{\"content\":");
    if (e->parts != NULL)
        json_write(&b, e->parts);
    else
        json_put_cstr(&b, e->text);
    if (e->reasoning != NULL) {
        buf_puts(&b, ",\"reasoning_content\":");
        json_put_cstr(&b, e->reasoning);
    }
    if (e->thoughts != NULL) {
        buf_puts(&b, ",\"thoughts\":");
        buf_puts(&b, e->thoughts);
    }
    if (e->n_calls > 0)
        write_calls(&b, e);
    if (e->tool_call_id != NULL) {
        buf_puts(&b, ",\"tool_call_id\":");
        json_put_cstr(&b, e->tool_call_id);
    }
    if (e->agent_name != NULL) {
        buf_puts(&b, ",\"agent_name\":");
        json_put_cstr(&b, e->agent_name);
    }
    if (e->metadata != NULL) {
        buf_puts(&b, ",\"metadata\":");
        json_write(&b, e->metadata);
    }
    buf_putc(&b, '}');
    text = arena_strndup(a, b.data, b.len);
    buf_close(&b);
    return text;
}

static llm_role role_of(const char *name)
{
    return cstr_eq(name, "user") ? ROLE_USER : cstr_eq(name, "tool") ? ROLE_TOOL : ROLE_ASSISTANT;
}

static void read_calls(arena *a, const json_t *list, entry *out)
{
    llm_tool_call *calls = arena_array(a, llm_tool_call, json_array_size(list));

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *call = json_array_get(list, i), *function = json_object_get(call, "function");

        calls[i] = (llm_tool_call){
            .id = json_get_str(call, "id", ""),
            .name = json_get_str(function, "name", ""),
            .arguments = json_get_str(function, "arguments", "{}"),
        };
    }
    out->calls = calls;
    out->n_calls = json_array_size(list);
}

err entry_read(arena *a, const char *id, const char *role, const char *type, int64_t time, const char *body, entry *out)
{
    json_t *v, *content;
    const json_t *thoughts;

    TRY(json_parse(a, body, strlen(body), NULL, &v));
    thoughts = json_get_obj(v, "thoughts");
    content = json_object_get(v, "content");
    *out = (entry){
        .id = id,
        .role = role_of(role),
        .type = type,
        .text = json_string_value(content),
        .parts = json_is_array(content) ? content : NULL,
        .reasoning = json_get_str(v, "reasoning_content", NULL),
        .thoughts = thoughts != NULL ? json_text(a, thoughts) : NULL,
        .tool_call_id = json_get_str(v, "tool_call_id", NULL),
        .agent_name = json_get_str(v, "agent_name", NULL),
        .metadata = json_get_obj(v, "metadata"),
        .time = time,
        .stored = true,
    };
    if (json_get_arr(v, "tool_calls") != NULL)
        read_calls(a, json_get_arr(v, "tool_calls"), out);
    return OK;
}
