/* SPDX-License-Identifier: MIT */
/*
 * The request for Anthropic's Messages API.
 *
 * It differs from chat completions in shape: system messages are one member; turns alternate, so neighbours of one role
 * become one message; tool results are blocks of a user message; calls carry objects instead of JSON text.
 */
#include <ctype.h>

#include "llm/anthropic.h"

enum { DEFAULT_MAX_TOKENS = 4096 };

typedef struct {
    arena *a;
    const llm_request *rq;
    const llm_quirks *quirks;
    buf *out;
    size_t loop;   /* the first message since a person spoke last: of the model's work with tools */
    bool think;    /* the model is to think in this request */
    llm_role open; /* role of the message being written; ROLE_SYSTEM: none yet */
    size_t blocks; /* in it */
} writer;

/* --- blocks --- */

/* Begins a block in a message of `role`, opening the message when the last one was of the other. */
static void begin_block(writer *w, llm_role role)
{
    if (w->open != role) {
        buf_puts(w->out, w->open == ROLE_SYSTEM ? "{\"role\":" : "]},{\"role\":");
        buf_puts(w->out, role == ROLE_USER ? "\"user\",\"content\":[" : "\"assistant\",\"content\":[");
        w->open = role;
        w->blocks = 0;
    }
    if (w->blocks++ > 0)
        buf_putc(w->out, ',');
}

typedef struct {
    writer *w;
    llm_role role; /* ROLE_TOOL: inside a tool result */
    size_t n;
} block_list;

static void begin_part(block_list *l)
{
    if (l->role != ROLE_TOOL)
        begin_block(l->w, l->role);
    else if (l->n > 0)
        buf_putc(l->w->out, ',');
    l->n++;
}

static void put_text(void *arg, const char *text)
{
    block_list *l = arg;

    if (cstr_blank(text))
        return; /* refused by the API */
    begin_part(l);
    buf_puts(l->w->out, "{\"type\":\"text\",\"text\":");
    json_put_cstr(l->w->out, text);
    buf_putc(l->w->out, '}');
}

/* The API refuses an image whose type is not the one it is said to be, as clients often get it wrong. */
static str sniffed(const char *base64, str said)
{
    static const struct {
        const char *begin, *type;
    } known[] = {{"iVBORw0KGgo", "image/png"},
                 {"/9j/", "image/jpeg"},
                 {"R0lGODdh", "image/gif"},
                 {"R0lGODlh", "image/gif"},
                 {"UklGR", "image/webp"}};

    for (size_t i = 0; i < COUNT(known); i++)
        if (cstr_starts(base64, known[i].begin))
            return str_of(known[i].type);
    return said;
}

/* "data:image/png;charset=x;base64,…" in its two parts; false when it is not in that form. */
static bool split_data_url(arena *a, const char *url, str *type, const char **data)
{
    const char *comma = strchr(url, ',');
    str head = {url + strlen("data:"), 0};
    char *decoded;

    if (comma == NULL)
        return false;
    head.len = (size_t)(comma - head.p);
    if (head.len < 7 || strncasecmp(comma - 7, ";base64", 7) != 0)
        return false;
    *data = comma + 1;
    if (strchr(*data, '%') != NULL) {
        if (!percent_decode(a, str_of(*data), false, &decoded))
            return false;
        *data = decoded;
    }
    head.len = MIN_OF(head.len, (size_t)strcspn(head.p, ";"));
    *type = sniffed(*data, head);
    return true;
}

static void put_image(void *arg, const json_t *part, const char *url)
{
    block_list *l = arg;
    buf *out = l->w->out;
    const char *data;
    str type;

    (void)part;
    if (url == NULL) {
        put_text(arg, "(an audio recording that this model cannot hear)");
        return;
    }
    if (strncasecmp(url, "data:", 5) != 0) {
        begin_part(l);
        buf_puts(out, "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":");
        json_put_cstr(out, url);
        buf_puts(out, "}}");
        return;
    }
    if (!split_data_url(l->w->a, url, &type, &data)) {
        put_text(arg, "(an image in a form that this model does not take)");
        return;
    }
    begin_part(l);
    buf_puts(out, "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":");
    json_put_string(out, type.p, type.len);
    buf_puts(out, ",\"data\":");
    json_put_cstr(out, data);
    buf_puts(out, "}}");
}

static void put_parts(writer *w, const llm_message *m, llm_role role)
{
    block_list l = {.w = w, .role = role};

    message_visit(w->a, m, w->rq->at.no_images, &(part_visitor){.text = put_text, .image = put_image, .arg = &l});
}

/* Ids may come from another provider, with characters that this one refuses. */
static void put_id(buf *out, const char *id)
{
    buf_putc(out, '"');
    for (const char *p = id != NULL && id[0] != '\0' ? id : "none"; *p != '\0'; p++)
        buf_putc(out, isalnum((unsigned char)*p) || *p == '_' || *p == '-' ? *p : '_');
    buf_putc(out, '"');
}

static void put_call(writer *w, const llm_tool_call *call)
{
    const char *text = call->arguments != NULL ? call->arguments : "";
    json_t *input = NULL;

    begin_block(w, ROLE_ASSISTANT);
    buf_puts(w->out, "{\"type\":\"tool_use\",\"id\":");
    put_id(w->out, call->id);
    buf_puts(w->out, ",\"name\":");
    json_put_cstr(w->out, call->name);
    buf_puts(w->out, ",\"input\":");
    if (json_parse(w->a, text, strlen(text), NULL, &input) == OK && json_is_object(input))
        json_write(w->out, input);
    else
        buf_puts(w->out, "{}");
    buf_putc(w->out, '}');
}

static void put_result(writer *w, const llm_message *m)
{
    begin_block(w, ROLE_USER);
    buf_puts(w->out, "{\"type\":\"tool_result\",\"tool_use_id\":");
    put_id(w->out, m->tool_call_id);
    buf_puts(w->out, ",\"content\":[");
    put_parts(w, m, ROLE_TOOL);
    buf_puts(w->out, m->failed ? "],\"is_error\":true}" : "]}");
}

/* --- thinking --- */

/* The blocks of a message, when they are this model's own; NULL when there are none. */
static const json_t *thoughts_of(arena *a, const llm_request *rq, const llm_message *m)
{
    json_t *v = NULL;

    if (m->thoughts == NULL || json_parse(a, m->thoughts, strlen(m->thoughts), NULL, &v) != OK ||
        !cstr_eq(json_get_str(v, "model", NULL), rq->at.model) || json_array_size(json_get_arr(v, "blocks")) == 0)
        return NULL;
    return json_get_arr(v, "blocks");
}

/* Where the work with tools begins that the request goes on with; the end when a person has spoken last.  What the runtime
 * adds to results of tools belongs to them. */
static size_t loop_start(const llm_request *rq)
{
    size_t at = rq->n_messages;

    for (;;) {
        size_t i = at;
        bool results = false;

        while (i > 0 && rq->messages[i - 1].role != ROLE_ASSISTANT)
            results |= rq->messages[--i].role == ROLE_TOOL;
        if (!results || i == 0)
            return at;
        while (i > 0 && rq->messages[i - 1].role == ROLE_ASSISTANT)
            i--;
        at = i;
    }
}

/* A model that thinks wants to see, before the results of its calls, what it thought when it made them; where that is not
 * known (another model made the calls) it does not think until a person speaks again. */
static bool may_think(writer *w)
{
    size_t i = w->rq->n_messages;

    if (w->rq->thinking != THINKING_ON || quirks_drop(w->quirks, "thinking"))
        return false;
    if (w->loop == w->rq->n_messages)
        return true;
    while (i > w->loop && w->rq->messages[i - 1].role != ROLE_ASSISTANT)
        i--;
    while (i > w->loop + 1 && w->rq->messages[i - 2].role == ROLE_ASSISTANT)
        i--; /* they become one message, and the thoughts must be at its front */
    return i > w->loop && thoughts_of(w->a, w->rq, &w->rq->messages[i - 1]) != NULL;
}

static void put_thoughts(writer *w, const llm_message *m)
{
    const json_t *blocks = thoughts_of(w->a, w->rq, m);

    for (size_t i = 0; i < json_array_size(blocks); i++) {
        begin_block(w, ROLE_ASSISTANT);
        json_write(w->out, json_array_get(blocks, i));
    }
}

/* --- messages --- */

static void put_message(writer *w, const llm_message *m)
{
    if (m->role == ROLE_TOOL) {
        put_result(w, m);
        return;
    }
    if (w->open == ROLE_SYSTEM && m->role == ROLE_ASSISTANT) {
        block_list first = {.w = w, .role = ROLE_USER};

        put_text(&first, "(the conversation begins with the assistant)");
    }
    if (w->think && m->role == ROLE_ASSISTANT && m >= w->rq->messages + w->loop)
        put_thoughts(w, m);
    put_parts(w, m, m->role);
    for (size_t i = 0; i < m->n_calls; i++)
        put_call(w, &m->calls[i]);
}

static void put_messages(writer *w)
{
    buf_puts(w->out, ",\"messages\":[");
    for (size_t i = 0; i < w->rq->n_messages; i++)
        if (w->rq->messages[i].role != ROLE_SYSTEM)
            put_message(w, &w->rq->messages[i]);
    buf_puts(w->out, w->open == ROLE_SYSTEM ? "]" : "]}]");
}

/* --- the other members --- */

static void add_system_text(void *arg, const char *text)
{
    buf *all = arg;

    if (all->len > 0)
        buf_puts(all, "\n\n");
    buf_puts(all, text);
}

static void skip_image(void *arg, const json_t *part, const char *url)
{
    (void)arg;
    (void)part;
    (void)url;
}

static void put_system(writer *w)
{
    buf *all = buf_new(w->a, BODY_MAX);

    for (size_t i = 0; i < w->rq->n_messages; i++)
        if (w->rq->messages[i].role == ROLE_SYSTEM)
            message_visit(w->a, &w->rq->messages[i], true,
                          &(part_visitor){.text = add_system_text, .image = skip_image, .arg = all});
    if (all->len > 0) {
        buf_puts(w->out, ",\"system\":");
        json_put_string(w->out, all->data, all->len);
    }
    buf_close(all);
}

static void put_tools(writer *w)
{
    for (size_t i = 0; i < w->rq->n_tools; i++) {
        const llm_tool *t = &w->rq->tools[i];

        buf_puts(w->out, i == 0 ? ",\"tools\":[{\"name\":" : ",{\"name\":");
        json_put_cstr(w->out, t->name);
        buf_puts(w->out, ",\"description\":");
        json_put_cstr(w->out, t->description != NULL ? t->description : "");
        buf_puts(w->out, ",\"input_schema\":");
        if (t->parameters != NULL)
            json_write(w->out, t->parameters);
        else
            buf_puts(w->out, "{\"type\":\"object\",\"properties\":{}}");
        buf_putc(w->out, '}');
    }
    if (w->rq->n_tools > 0)
        buf_putc(w->out, ']');
}

static int64_t thinking_budget(const char *level)
{
    static const struct {
        const char *level;
        int64_t tokens;
    } budgets[] = {{"minimal", 1024}, {"low", 2048},    {"medium", 8192},
                   {"high", 16384},   {"xhigh", 32768}, {"max", 32768}};

    for (size_t i = 0; i < COUNT(budgets); i++)
        if (cstr_eq(budgets[i].level, level))
            return budgets[i].tokens;
    return 8192;
}

static void put_limits(writer *w)
{
    int64_t max = json_get_int(w->rq->at.params, "max_tokens", 0), budget = thinking_budget(w->rq->thinking_level);

    if (max <= 0)
        max = json_get_int(w->rq->at.params, "max_completion_tokens", 0);
    if (max <= 0)
        max = DEFAULT_MAX_TOKENS;
    if (w->think) {
        max = MAX_OF(max, budget + DEFAULT_MAX_TOKENS);
        buf_printf(w->out, ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":%lld}", (long long)budget);
    }
    buf_printf(w->out, ",\"max_tokens\":%lld", (long long)max);
}

/* Members of the API that a provider's parameters may set; everything else is of other APIs. */
static void put_params(writer *w)
{
    static const char *const known[] = {"top_k", "stop_sequences", "metadata", "service_tier"};
    static const char *const not_with_thinking[] = {"temperature", "top_p"};
    const json_t *params = w->rq->at.params;
    const json_t *stop = json_object_get(params, "stop"), *v;

    for (size_t i = 0; i < COUNT(known) + (w->think ? 0 : COUNT(not_with_thinking)); i++) {
        const char *name = i < COUNT(known) ? known[i] : not_with_thinking[i - COUNT(known)];

        v = json_object_get(params, name);
        if (v == NULL || json_is_null(v) || quirks_drop(w->quirks, name))
            continue;
        buf_printf(w->out, ",\"%s\":", name);
        json_write(w->out, v);
    }
    if (json_is_array(stop) && json_array_size(stop) > 0 && json_object_get(params, "stop_sequences") == NULL) {
        buf_puts(w->out, ",\"stop_sequences\":");
        json_write(w->out, stop);
    }
}

static void put_tool_choice(writer *w)
{
    if (w->rq->n_tools == 0 || w->rq->tool_choice == TOOL_CHOICE_NONE_SET || quirks_drop(w->quirks, "tool_choice"))
        return;
    buf_puts(w->out, w->rq->tool_choice == TOOL_CHOICE_REQUIRED && !w->think ? ",\"tool_choice\":{\"type\":\"any\"}"
                                                                             : ",\"tool_choice\":{\"type\":\"auto\"}");
}

void anthropic_body(scope *s, const llm_request *rq, const llm_quirks *q, buf *out)
{
    writer w = {.a = s->arena, .rq = rq, .quirks = q, .out = out, .open = ROLE_SYSTEM};

    w.loop = loop_start(rq);
    w.think = may_think(&w);
    buf_puts(out, "{\"model\":");
    json_put_cstr(out, rq->at.model);
    put_limits(&w);
    put_system(&w);
    put_messages(&w);
    put_tools(&w);
    put_tool_choice(&w);
    put_params(&w);
    buf_puts(out, ",\"stream\":true}");
}
