/* SPDX-License-Identifier: MIT */
/*
 * Images for models: files of the workspace as data URLs.
 *
 * What the bytes are is read off the bytes, not off the name.
 */
#include <errno.h>
#include <sodium.h>

#include "tool/image_facts.h"
#include "tool/image_fit.h"
#include "tool/internal.h"

static char *data_url(arena *a, const char *format, str bytes)
{
    const char *head = arena_printf(a, "data:image/%s;base64,", format);
    size_t at = strlen(head), room = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *out = arena_alloc(a, at + room);

    memcpy(out, head, at);
    sodium_bin2base64(out + at, room, (const unsigned char *)bytes.p, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    return out;
}

json_t *image_encode(arena *a, str bytes, const char *shown)
{
    const char *format = image_look(bytes).format;
    json_t *o;

    if (format == NULL)
        return tool_failure("UNSUPPORTED", "Not a PNG, JPEG, GIF or WebP image: %s", shown);
    o = json_object();
    json_set_str(o, "format", format);
    json_set_str(o, "url", data_url(a, format, bytes));
    return o;
}

err image_shrink(scope *s, const char *shown, json_t **image)
{
    const char *url = json_get_str(*image, "url", NULL), *fitted;
    json_t *as_it_was = json_hold(s->arena, *image);

    if (url == NULL) {
        *image = json_incref(as_it_was);
        return OK;
    }
    TRY(image_fit(s, url, &fitted));
    if (strlen(fitted) > IMAGE_URL_MOST) {
        *image = tool_failure("INVALID_ARGUMENT", "The image is larger than the 8 MB that models take: %s", shown);
    } else if (fitted != url) {
        *image = json_object();
        json_set_str(*image, "format", "jpeg");
        json_set_str(*image, "url", fitted);
    } else {
        *image = json_incref(as_it_was);
    }
    return OK;
}

/* "file:///a%20b.png" and "file://localhost/a.png" as a path; anything else is one already.  NULL: another machine's. */
static const char *path_of(arena *a, const char *given)
{
    const char *rest = given + strlen("file:");
    char *path;

    if (strncasecmp(given, "file:", strlen("file:")) != 0)
        return given;
    if (cstr_starts(rest, "//localhost/"))
        rest += strlen("//localhost");
    else if (cstr_starts(rest, "//"))
        rest += strlen("//");
    /* Two slashes and a name are meant as a path in the workspace by those who write them. */
    return percent_decode(a, (str){rest, strcspn(rest, "?#")}, false, &path) ? path : NULL;
}

static json_t *work_image(work *w)
{
    const char *given = arg_str(w->args, "image_path", ""), *path = path_of(w->a, given), *rel;
    str bytes = {0};
    int e = path != NULL ? workspace_relative(w->a, &w->ws, path, &rel) : -EINVAL;

    if (e == 0)
        e = workspace_read(w->a, &w->ws, rel, IMAGE_MAX, &bytes);
    return e < 0 ? tool_path_failure(e, given) : image_encode(w->a, bytes, given);
}

err image_of_workspace(scope *s, const tool_context *cx, const char *given, json_t **out)
{
    json_t *args = json_hold(s->arena, json_object());

    json_set_str(args, "image_path", given);
    TRY(work_run(s, cx, args, NO_LIMIT, work_image, out)); /* on a pool thread: the encoding takes a while */
    return image_shrink(s, given, out);
}

err tool_image_url(scope *s, const tool_context *cx, const char *path, const char **url, const char **why)
{
    json_t *image;

    TRY(image_of_workspace(s, cx, path, &image));
    json_hold(s->arena, image);
    *url = json_get_str(image, "url", NULL);
    *why = *url == NULL ? json_get_str(image, "message", "it cannot be read") : NULL;
    return OK;
}
