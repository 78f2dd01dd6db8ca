/* SPDX-License-Identifier: MIT */
/* Files as a model gets them; see attach.h. */
#include "agent/attach.h"

#include <sodium.h>

#include "store/object.h"

static json_t *text_part(arena *a, const char *text)
{
    json_t *part = json_hold(a, json_object());

    json_set_str(part, "type", "text");
    json_set_str(part, "text", text);
    return part;
}

static bool is_image(const char *mime)
{
    static const char *const kinds[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (cstr_eq(mime, kinds[i]))
            return true;
    return false;
}

static bool is_text(str bytes)
{
    return memchr(bytes.p, '\0', bytes.len) == NULL && utf8_valid(bytes.p, bytes.len);
}

/* The name stands in an attribute of ours, so that a file cannot speak for another. */
static char *plain_name(arena *a, const char *name)
{
    char *plain = arena_strdup(a, name);

    for (char *p = plain; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || strchr("\"<>", *p) != NULL)
            *p = '_';
    return plain;
}

static json_t *image_part(arena *a, const char *mime, str bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = arena_alloc(a, size);
    json_t *part = json_hold(a, json_object()), *url = json_object();

    sodium_bin2base64(text, size, (const unsigned char *)bytes.p, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    json_set_str(url, "url", arena_printf(a, "data:%s;base64,%s", mime, text));
    json_set_str(part, "type", "image_url");
    json_set(part, "image_url", url);
    return part;
}

err attach_bytes(scope *s, arena *a, const char *name, const char *mime, str bytes, json_t **part)
{
    if (is_image(mime) && bytes.len <= ATTACH_IMAGE_MAX) {
        *part = image_part(a, mime, bytes);
        return OK;
    }
    if (!is_text(bytes))
        return fail_code(s, ERR_UNSUPPORTED, "attachment.no_text", name,
                         "the text of %s (%s) cannot be read on this server; send it as plain text", name, mime);
    if (bytes.len > ATTACH_TEXT_MAX)
        return fail_code(s, ERR_TOO_LARGE, "attachment.too_long", name, "the text of %s is longer than %d bytes", name,
                         ATTACH_TEXT_MAX);
    *part = text_part(
        a, arena_printf(a, "<attachment name=\"%s\">\n%.*s\n</attachment>", plain_name(a, name), STR_ARG(bytes)));
    return OK;
}

err attach_stored(scope *s, arena *a, const attachment_row *at, json_t **part)
{
    arena *own = arena_new(s->arena);
    str bytes;
    err e = object_read(s, own, at->object_key, ATTACH_IMAGE_MAX, &bytes);

    if (e == ERR_TOO_LARGE)
        e = fail_code(s, e, "attachment.too_long", at->name, "%s is too large to be read as a whole", at->name);
    if (e == OK)
        e = attach_bytes(s, a, at->name, at->mime, bytes, part);
    arena_free(own);
    return e;
}

json_t *attach_note(arena *a, const attachment_row *at)
{
    return text_part(
        a, arena_printf(a,
                        "<attachment name=\"%s\" type=\"%s\" bytes=\"%lld\" reference=\"attachment/%s/%s\">"
                        "Its text cannot be read here; tools that take files can.</attachment>",
                        plain_name(a, at->name), at->mime, (long long)at->size, at->id, plain_name(a, at->name)));
}

/* What there is to say about one of an agent's files; only text fits a system prompt. */
static err describe(scope *s, arena *a, owned_by who, const char *id, buf *out)
{
    attachment_row *at;
    json_t *part = NULL;
    err e = attachment_find(s, who, id, &at);

    if (e == ERR_NOT_FOUND) {
        buf_puts(out, "<attachment>A file of the agent was deleted.</attachment>\n");
        return OK;
    }
    TRY(e);
    e = attach_stored(s, a, at, &part);
    if (e != OK && e != ERR_UNSUPPORTED && e != ERR_TOO_LARGE && e != ERR_NOT_FOUND)
        return e;
    if (e != OK || json_get_str(part, "text", NULL) == NULL)
        part = attach_note(a, at);
    buf_puts(out, json_get_str(part, "text", ""));
    buf_putc(out, '\n');
    return OK;
}

err attach_for_prompt(scope *s, arena *a, owned_by who, const json_t *ids, const char **out)
{
    enum { ALL_MAX = 4 * ATTACH_TEXT_MAX };
    buf text = BUF_INIT(ALL_MAX);
    err e = OK;

    *out = NULL;
    for (size_t i = 0; i < json_array_size(ids) && i < ATTACH_FILES_MAX && e == OK; i++)
        if (json_is_string(json_array_get(ids, i)))
            e = describe(s, s->arena, who, json_string_value(json_array_get(ids, i)), &text);
    if (e == OK && !buf_ok(&text))
        e = fail_code(s, ERR_TOO_LARGE, "attachment.too_long", NULL, "the agent's files are too long together");
    if (e == OK && text.len > 0)
        *out = arena_strdup(a, buf_str(&text));
    buf_close(&text);
    return e;
}
