/* SPDX-License-Identifier: MIT */
/*
 * Images as requests carry them (contracts/sage-agent-runtime.md section 3.2): those of the workspace that messages refer to are
 * put in as data, since providers cannot fetch them, and large ones are made smaller.
 *
 * Only the request carries them; the conversation keeps the reference.  One that cannot be read becomes a sentence, so that
 * the model can tell the user.
 */
#include "agent/agent_internal.h"

#include "base/log.h"
#include "tool/image_fit.h"

enum { IMAGES_MOST = 20, BYTES_MOST = 48 << 20 }; /* of one request */

typedef struct {
    size_t n, bytes;
} shown_images;

static bool is_data(const char *url)
{
    return strncasecmp(url, "data:", 5) == 0;
}

static bool is_local(const char *url)
{
    return strstr(url, "://") == NULL ? !is_data(url) : strncasecmp(url, "file:", 5) == 0;
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

/* NULL when it can stay as it is: also when there is no time, since the model may take it all the same. */
static json_t *fit(agent_state *st, const char *url)
{
    scope *own = scope_child(st->s, SECONDS(60));
    const char *fitted = url;
    json_t *part = NULL;

    if (image_fit(own, url, &fitted) == OK && fitted != url)
        part = image_part(fitted);
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
            json_t *instead = NULL;

            if (url != NULL && is_local(url))
                instead = resolve(st, a, arena_strdup(a, url), &sum);
            else if (url != NULL && is_data(url))
                instead = fit(st, url);
            if (instead == NULL)
                continue;
            if (!copied)
                *parts = json_hold(a, json_copy(*parts)); /* the ledger keeps its own */
            copied = true;
            json_array_set_new(*parts, i, instead);
        }
    }
}
