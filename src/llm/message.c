/* SPDX-License-Identifier: MIT */
/* The parts of a message: text and images, in the shapes that clients send. */
#include "llm/llm_internal.h"

const char *llm_part_image(const json_t *part)
{
    const json_t *image = json_object_get(part, "image_url");
    const char *url = json_is_string(image) ? json_string_value(image) : json_get_str(image, "url", NULL);

    return url != NULL ? url : json_get_str(part, "url", NULL);
}

/* Whether a text of the message names the address already. */
static bool is_quoted(const json_t *parts, const char *url)
{
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *text = json_get_str(json_array_get(parts, i), "text", NULL);

        if (text != NULL && strstr(text, url) != NULL)
            return true;
    }
    return false;
}

/* An image for a model that sees none: a link under the file's name. */
static void tell_image(arena *a, const json_t *parts, const char *url, const part_visitor *v)
{
    str path = {url, strcspn(url, "?#")}, name;

    if (cstr_starts(url, "data:")) {
        v->text(v->arg, "![image](not shown)");
        return;
    }
    if (is_quoted(parts, url))
        return;
    name = path;
    for (size_t i = 0; i < path.len; i++)
        if (path.p[i] == '/')
            name = (str){path.p + i + 1, path.len - i - 1};
    if (name.len == 0)
        name = STR("image");
    v->text(v->arg, arena_printf(a, "![%.*s](%s)", STR_ARG(name), url));
}

void message_visit(arena *a, const llm_message *m, bool no_images, const part_visitor *v)
{
    size_t i;
    json_t *part;

    if (!json_is_array(m->parts)) {
        if (m->text != NULL && m->text[0] != '\0')
            v->text(v->arg, m->text);
        return;
    }
    json_array_foreach(m->parts, i, part)
    {
        const char *text = json_get_str(part, "text", NULL);
        const char *url = llm_part_image(part);

        if (url != NULL && no_images)
            tell_image(a, m->parts, url, v);
        else if (url != NULL)
            v->image(v->arg, part, url);
        else if (text != NULL && text[0] != '\0')
            v->text(v->arg, text);
        else if (text == NULL && cstr_eq(json_get_str(part, "type", NULL), "input_audio"))
            v->image(v->arg, part, NULL);
    }
}
