/* SPDX-License-Identifier: MIT */
/* The parts of a message: text and images, in the shapes that clients send. */
#include "llm/llm_internal.h"

const char *llm_part_image(const json_t *part)
{
    const json_t *image = json_object_get(part, "image_url");
    const char *url = json_is_string(image) ? json_string_value(image) : json_get_str(image, "url", NULL);

    return url != NULL ? url : json_get_str(part, "url", NULL);
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
            v->text(v->arg, cstr_starts(url, "data:") ? "![image](not shown)" : arena_printf(a, "![image](%s)", url));
        else if (url != NULL)
            v->image(v->arg, part, url);
        else if (text != NULL && text[0] != '\0')
            v->text(v->arg, text);
        else if (text == NULL && cstr_eq(json_get_str(part, "type", NULL), "input_audio"))
            v->image(v->arg, part, NULL);
    }
}
