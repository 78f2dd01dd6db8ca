/* SPDX-License-Identifier: MIT */
/*
 * Images of the workspace that messages refer to, put into a request as data: providers cannot fetch them
 * (contracts/sage-agent-runtime.md section 3.2).
 *
 * Only the request carries them; the conversation keeps the reference.  One that cannot be read becomes a sentence, so that
 * the model can tell the user.
 */
#include "agent/agent_internal.h"

#include "base/log.h"

enum { IMAGES_MOST = 20, BYTES_MOST = 48 << 20 }; /* of one request */

typedef struct {
    size_t n, bytes;
} shown_images;

static bool is_local(const char *url)
{
    return strstr(url, "://") == NULL ? strncasecmp(url, "data:", 5) != 0 : strncasecmp(url, "file:", 5) == 0;
}

static json_t *image_part(const char *url)
{
    json_t *part = json_object(), *inner = json_object();

    json_set_str(inner, "url", url);
    json_set_str(part, "type", "image_url");
    json_set(part, "image_url", inner);
    return part;
}

static json_t *apology(arena *a, const char *ref, const char *why)
{
    json_t *part = json_object();
    str shown = utf8_prefix(str_of(ref), 200);

    json_set_str(part, "type", "text");
    json_set_str(part, "text", arena_printf(a, "(The image %.*s cannot be shown: %s)", STR_ARG(shown), why));
    return part;
}

/* The part to send in place of a reference, new reference. */
static json_t *resolve(agent_state *st, arena *a, const char *ref, shown_images *sum)
{
    scope *own = scope_child(st->s, SECONDS(30));
    const char *url = NULL, *why = "too many or too large images in one request";
    json_t *part;
    err e = OK;

    if (sum->n < IMAGES_MOST && sum->bytes < BYTES_MOST)
        e = tool_image_url(own, &st->p->tool_context, ref, &url, &why);
    if (e != OK)
        why = "it could not be read in time";
    if (e == OK && url != NULL) {
        sum->n++;
        sum->bytes += strlen(url);
        part = image_part(url);
    } else {
        log_warn("image.not_shown", log_str("session", st->p->session_id), log_str("why", why));
        part = apology(a, ref, why);
    }
    scope_close(own);
    return part;
}

void images_inline(agent_state *st, arena *a, llm_message *m, size_t n)
{
    shown_images sum = {0};

    if (st->p->model.at.no_images)
        return;          /* they become text anyway */
    for (; n > 0; n--) { /* the newest first, in case that there are too many */
        json_t **parts = &m[n - 1].parts;
        bool copied = false;

        for (size_t i = 0; i < json_array_size(*parts); i++) {
            const char *url = llm_part_image(json_array_get(*parts, i));

            if (url == NULL || !is_local(url))
                continue;
            url = arena_strdup(a, url);
            if (!copied)
                *parts = json_hold(a, json_copy(*parts)); /* the ledger keeps its own */
            copied = true;
            json_array_set_new(*parts, i, resolve(st, a, url, &sum));
        }
    }
}
