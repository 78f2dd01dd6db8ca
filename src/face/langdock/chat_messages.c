/* SPDX-License-Identifier: MIT */
/* Messages of clients; see chat_messages.h. */
#include "face/langdock/chat_messages.h"

#include <sodium.h>

#include "agent/attach.h"
#include "auth/rules.h"
#include "face/langdock/envelope.h"

typedef struct {
    request *rq;
    arena *a;
    chat_history_in *out;
    size_t at;         /* which message is read */
    json_t *assistant; /* the message being put together; NULL: none */
    json_t *results;   /* messages of tools behind it */
    json_t *parts;     /* content of a user's message */
} reader;

static err refuse(const reader *r, const char *why)
{
    return fail(r->rq->scope, ERR_INVALID, "messages[%zu]: %s", r->at, why);
}

/* Files */

/* What the core says about a file that it cannot give to a model is for the client. */
static err refuse_file(const reader *r, err e)
{
    failure f = scope_failure(r->rq->scope, e);

    return e == ERR_UNSUPPORTED || e == ERR_TOO_LARGE ? refuse(r, f.text) : e;
}

static err count_file(reader *r)
{
    return r->out->files++ < ATTACH_FILES_MAX ? OK : refuse(r, "too many files");
}

static err add_attachment(reader *r, const char *id)
{
    scope *s = r->rq->scope;
    attachment_row *at;
    json_t *part;
    err e = dock_is_id(id) ? attachment_find(s, own_rows_of(r->rq->user), id, &at) : ERR_NOT_FOUND;

    if (e == ERR_NOT_FOUND)
        return refuse(r, arena_printf(r->a, "Attachment not found: %s", id));
    TRY(e);
    TRY(count_file(r));
    e = attach_stored(s, r->a, at, &part);
    if ((e == ERR_UNSUPPORTED || e == ERR_TOO_LARGE) && r->out->tools_take_files) {
        part = attach_note(r->a, at);
        e = OK;
    }
    if (e != OK)
        return refuse_file(r, e);
    json_array_append(r->parts, part);
    return OK;
}

static err add_attachments(reader *r, const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));

        if (id == NULL)
            return refuse(r, "attachments must be ids");
        TRY(add_attachment(r, id));
    }
    return OK;
}

/* "data:TYPE;base64,BYTES", or percent-encoded text. */
static bool decode_data_uri(arena *a, const char *url, const char **mime, str *bytes)
{
    const char *comma = strchr(url, ','), *mark;
    size_t room, len;
    char *out;
    str head;

    if (comma == NULL)
        return false;
    head = (str){url + 5, (size_t)(comma - url) - 5};
    mark = memchr(head.p, ';', head.len);
    *mime = str_dup(a, (str){head.p, mark != NULL ? (size_t)(mark - head.p) : head.len});
    if (!str_ends(head, ";base64")) {
        if (!percent_decode(a, str_of(comma + 1), false, &out))
            return false;
        *bytes = str_of(out);
        return true;
    }
    room = strlen(comma + 1);
    out = arena_alloc(a, room + 1);
    if (sodium_base642bin((unsigned char *)out, room, comma + 1, room, " \r\n", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    out[len] = '\0';
    *bytes = (str){out, len};
    return true;
}

static err add_data(reader *r, const json_t *part, const char *url)
{
    const char *name = json_get_str(part, "filename", "file"), *mime;
    json_t *made;
    str bytes;
    err e;

    if (!decode_data_uri(r->a, url, &mime, &bytes))
        return refuse(r, "the data URI of a file is malformed");
    TRY(count_file(r));
    e = attach_bytes(r->rq->scope, r->a, name, json_get_str(part, "mediaType", mime), bytes, &made);
    if (e != OK)
        return refuse_file(r, e);
    json_array_append(r->parts, made);
    return OK;
}

/* The provider fetches images; nothing is fetched here on a client's word. */
static err add_link(reader *r, const json_t *part, const char *url)
{
    json_t *image = json_object(), *made = json_hold(r->a, json_object());

    json_set_str(image, "url", url);
    json_set_str(made, "type", "image_url");
    json_set(made, "image_url", image);
    if (!cstr_starts(json_get_str(part, "mediaType", ""), "image/"))
        return refuse(r, "only images may be links; send other files as data URIs or attachments");
    TRY(count_file(r));
    json_array_append(r->parts, made);
    return OK;
}

static err add_file(reader *r, const json_t *part)
{
    static const char ours[] = "attachment://";
    const char *url = json_get_str(part, "url", NULL);

    if (url == NULL)
        return refuse(r, "a file part has no url");
    if (cstr_starts(url, ours))
        return add_attachment(r, url + sizeof ours - 1);
    if (cstr_starts(url, "data:"))
        return add_data(r, part, url);
    if (cstr_starts(url, "https://") || cstr_starts(url, "http://"))
        return add_link(r, part, url);
    return refuse(r, "the url of a file must be a data URI, a link to an image, or attachment://ID");
}

/* Users */

static void add_text(reader *r, const char *text)
{
    json_t *part = json_object();

    json_set_str(part, "type", "text");
    json_set_str(part, "text", text);
    json_array_append_new(r->parts, part);
}

static void add_message(reader *r, json_t *owned)
{
    json_array_append_new(r->out->messages, owned);
}

/* A text alone is sent as text. */
static void end_user(reader *r)
{
    json_t *m = json_object(), *only = json_array_get(r->parts, 0);
    const char *text = json_get_str(only, "text", NULL);

    json_set_str(m, "role", "user");
    if (json_array_size(r->parts) == 1 && text != NULL)
        json_set_str(m, "content", text);
    else
        json_set(m, "content", json_incref(r->parts));
    add_message(r, m);
}

static err read_user(reader *r, const json_t *m)
{
    const json_t *parts = json_get_arr(m, "parts");
    const char *content = json_get_str(m, "content", NULL);

    r->parts = json_hold(r->a, json_array());
    if (content != NULL && json_array_size(parts) == 0)
        add_text(r, content);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        const char *type = json_get_str(part, "type", ""), *text = json_get_str(part, "text", NULL);

        if (cstr_eq(type, "text") && text != NULL)
            add_text(r, text);
        else if (cstr_eq(type, "file"))
            TRY(add_file(r, part));
        else if (!cstr_eq(type, "step-start"))
            return refuse(r, arena_printf(r->a, "a part of a user cannot be of the type '%s'", type));
    }
    TRY(add_attachments(r, json_object_get(json_get_obj(m, "metadata"), "attachments")));
    TRY(add_attachments(r, json_object_get(m, "attachmentIds")));
    if (json_array_size(r->parts) == 0)
        return refuse(r, "the message is empty");
    end_user(r);
    return OK;
}

/* Assistants: what they said, the calls that they made, and the results */

static void end_assistant(reader *r)
{
    if (r->assistant != NULL)
        json_array_append(r->out->messages, r->assistant);
    if (r->results != NULL)
        json_array_extend(r->out->messages, r->results);
    r->assistant = r->results = NULL;
}

static json_t *open_assistant(reader *r)
{
    if (r->assistant != NULL)
        return r->assistant;
    r->assistant = json_hold(r->a, json_object());
    json_set_str(r->assistant, "role", "assistant");
    return r->assistant;
}

static void append_to(reader *r, const char *key, const char *text)
{
    json_t *m = open_assistant(r);
    const char *before = json_get_str(m, key, NULL);

    json_set_str(m, key, before != NULL ? arena_printf(r->a, "%s%s", before, text) : text);
}

/* As the model is to see it again: text as text, anything else as JSON. */
static const char *value_text(arena *a, const json_t *v)
{
    return json_is_string(v) ? json_string_value(v) : v != NULL ? json_text(a, v) : "";
}

static void add_call(reader *r, const char *id, const char *name, const json_t *input)
{
    json_t *m = open_assistant(r), *calls = json_object_get(m, "tool_calls"), *call = json_object();

    if (calls == NULL)
        json_set(m, "tool_calls", calls = json_array());
    json_set_str(call, "id", id);
    json_set_str(call, "name", name);
    json_set_str(call, "arguments", json_is_object(input) ? json_text(r->a, input) : "{}");
    json_array_append_new(calls, call);
}

static void add_result(reader *r, const char *id, const char *text)
{
    json_t *m = json_object();

    json_set_str(m, "role", "tool");
    json_set_str(m, "tool_call_id", id);
    json_set_str(m, "content", text);
    if (r->results == NULL)
        r->results = json_hold(r->a, json_array());
    json_array_append_new(r->results, m);
}

/* {"type":"tool-NAME", toolCallId, state, input, output, errorText}; names and places differ in older clients. */
static err read_tool_part(reader *r, const json_t *part, const char *name)
{
    const json_t *output = json_object_get(part, "output"), *input = json_object_get(part, "input");
    const char *id = json_get_str(part, "toolCallId", NULL), *error = json_get_str(part, "errorText", NULL);

    if (cstr_blank(id) || cstr_blank(name))
        return refuse(r, "a tool part has no toolCallId or no name");
    add_call(r, id, name, input != NULL ? input : json_object_get(part, "args"));
    if (output == NULL)
        output = json_object_get(part, "result");
    if (output != NULL || error != NULL)
        add_result(r, id, error != NULL ? error : value_text(r->a, output));
    return OK;
}

static err read_part(reader *r, const json_t *part)
{
    const char *type = json_get_str(part, "type", ""), *text = json_get_str(part, "text", "");
    const json_t *older = json_get_obj(part, "toolInvocation");

    if (cstr_eq(type, "step-start")) {
        end_assistant(r);
    } else if (cstr_eq(type, "text")) {
        if (r->results != NULL) /* what is said after results is another message */
            end_assistant(r);
        append_to(r, "content", text);
    } else if (cstr_eq(type, "reasoning")) {
        if (r->results != NULL)
            end_assistant(r);
        append_to(r, "reasoning_content", text);
    } else if (cstr_eq(type, "tool-invocation")) {
        return read_tool_part(r, older != NULL ? older : part,
                              json_get_str(older != NULL ? older : part, "toolName", NULL));
    } else if (cstr_eq(type, "tool-result")) {
        add_result(
            r, json_get_str(part, "toolCallId", ""),
            value_text(r->a, json_object_get(part, json_object_get(part, "result") != NULL ? "result" : "output")));
    } else if (cstr_eq(type, "dynamic-tool") || cstr_eq(type, "tool-call")) {
        return read_tool_part(r, part, json_get_str(part, "toolName", NULL));
    } else if (cstr_starts(type, "tool-")) {
        return read_tool_part(r, part, type + strlen("tool-"));
    } else if (!cstr_starts(type, "source-") && !cstr_starts(type, "data-") && !cstr_eq(type, "file")) {
        return refuse(r, arena_printf(r->a, "a part of an assistant cannot be of the type '%s'", type));
    }
    return OK;
}

static err read_assistant(reader *r, const json_t *m)
{
    const json_t *parts = json_get_arr(m, "parts");
    const json_t *content = json_object_get(m, "content");

    if (parts == NULL && json_is_array(content))
        parts = content;
    for (size_t i = 0; i < json_array_size(parts); i++)
        TRY(read_part(r, json_array_get(parts, i)));
    if (parts == NULL && json_is_string(content))
        append_to(r, "content", json_string_value(content));
    end_assistant(r);
    return OK;
}

/* A message of role tool: its results belong to calls before it. */
static err read_tool(reader *r, const json_t *m)
{
    const json_t *parts = json_get_arr(m, "parts");

    if (parts == NULL)
        parts = json_get_arr(m, "content");
    for (size_t i = 0; i < json_array_size(parts); i++)
        TRY(read_part(r, json_array_get(parts, i)));
    end_assistant(r);
    return OK; /* a text says nothing about which call it answers */
}

static void read_system(reader *r, const json_t *m)
{
    const json_t *parts = json_get_arr(m, "parts");
    const char *content = json_get_str(m, "content", NULL);

    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *text = json_get_str(json_array_get(parts, i), "text", NULL);

        if (text != NULL)
            content = content != NULL ? arena_printf(r->a, "%s\n%s", content, text) : text;
    }
    if (content != NULL)
        r->out->system = r->out->system != NULL ? arena_printf(r->a, "%s\n\n%s", r->out->system, content) : content;
}

static err read_message(reader *r, const json_t *m)
{
    const char *role = json_get_str(m, "role", "");

    if (cstr_eq(role, "user"))
        return read_user(r, m);
    if (cstr_eq(role, "assistant"))
        return read_assistant(r, m);
    if (cstr_eq(role, "tool"))
        return read_tool(r, m);
    if (!cstr_eq(role, "system"))
        return refuse(r, "the role must be user, assistant, system or tool");
    read_system(r, m);
    return OK;
}

err chat_read_messages(request *rq, const json_t *list, chat_history_in *out)
{
    reader r = {.rq = rq, .a = rq->scope->arena, .out = out};

    out->messages = json_hold(r.a, json_array());
    for (; r.at < json_array_size(list); r.at++)
        TRY(read_message(&r, json_array_get(list, r.at)));
    if (json_array_size(out->messages) == 0)
        return fail(rq->scope, ERR_INVALID, "messages must have at least one message that is not empty");
    return OK;
}
