/* SPDX-License-Identifier: MIT */
/* Requests that are sent again under the same Idempotency-Key are carried out once; see envelope.h. */
#include "auth/apikey.h"
#include "auth/identity.h"
#include "base/log.h"
#include "db/seal.h"
#include "face/langdock/envelope.h"
#include "model/idempotency.h"
#include "rt/sleep.h"

enum { KEEP_TRIES = 5 };

/* The key of a request that is being carried out hangs on rq->face_data until its answer is kept.  So long the request goes on
 * without its client, too: whoever lost the answer sends it again, and is to find it done. */
typedef struct {
    idempotency_key key;
    bool written;
} pending;

static err read_key(request *rq, const char *name, str content, idempotency_key *k)
{
    buf *text = buf_new(rq->scope->arena, MIB(4));

    if (*name == '\0' || strlen(name) > IDEMPOTENCY_NAME_MAX || !utf8_valid(name, strlen(name)))
        return fail(rq->scope, ERR_INVALID, "Idempotency-Key must have 1 to %d characters", IDEMPOTENCY_NAME_MAX);
    buf_printf(text, "%s %s\n", http_method_name(rq->method), rq->path);
    buf_add(text, content.p, content.len);
    if (!buf_ok(text))
        return fail(rq->scope, ERR_TOO_LARGE, "The body is too large for an Idempotency-Key");
    *k = (idempotency_key){.user_id = rq->user->user_id,
                           .name = name,
                           .request_hash = apikey_hash(rq->scope->arena, (str){text->data, text->len})};
    return OK;
}

static err answer_again(request *rq, response *rs, const idempotency_claim *c)
{
    char *text = NULL;
    json_t *v;

    reply_header(rs, "Idempotent-Replayed", "true");
    TRY(seal_open(rq->scope->arena, c->answer, &text));
    TRY(json_parse(rq->scope->arena, text, strlen(text), NULL, &v));
    return reply_json(rs, (int)c->status, v);
}

err dock_once_of(request *rq, response *rs, str content, bool *answered)
{
    const char *name = request_header(rq, "Idempotency-Key");
    idempotency_claim c;
    pending *p;

    *answered = false;
    if (name == NULL)
        return OK;
    p = arena_one(rq->scope->arena, pending);
    TRY(read_key(rq, name, content, &p->key));
    TRY(idempotency_begin(rq->scope, &p->key, &c));
    switch (c.state) {
    case IDEMPOTENCY_MINE:
        rq->face_data = p;
        request_hold(rq);
        return OK;
    case IDEMPOTENCY_KEPT:
        *answered = true;
        return answer_again(rq, rs, &c);
    case IDEMPOTENCY_BUSY:
        reply_header(rs, "Retry-After", "1");
        return fail(rq->scope, ERR_CONFLICT, "A request with this Idempotency-Key is still being carried out");
    case IDEMPOTENCY_OTHER:
        break;
    }
    return fail_code(rq->scope, ERR_CONFLICT, "idempotency.other", NULL,
                     "This Idempotency-Key was used for another request");
}

err dock_once(request *rq, response *rs, bool *answered)
{
    str body;

    *answered = false;
    if (request_header(rq, "Idempotency-Key") == NULL)
        return OK;
    TRY(request_body_all(rq, MIB(4), &body)); /* it was read for its schema already */
    return dock_once_of(rq, rs, body, answered);
}

void dock_written(request *rq)
{
    pending *p = rq->face_data;

    if (p != NULL)
        p->written = true;
}

/* Kept under seal, since some answers tell a secret once.  In a scope of its own, since the request's may have ended.  One that cannot
 * be kept leaves the key taken: better refused for a while than carried out twice. */
static void keep(const idempotency_key *k, int status, const json_t *answer)
{
    scope *s = scope_new("idempotency");
    const char *sealed = seal_text(s->arena, json_text(s->arena, answer));
    err e = ERR_IO;

    scope_set_timeout(s, SECONDS(10));
    for (int i = 0; e != OK && i < KEEP_TRIES; i++)
        if ((e = idempotency_store(s, k, status, sealed)) != OK && sleep_for(s, MILLISECONDS(200)) != OK)
            break;
    if (e != OK)
        log_warn("idempotency.not_kept", log_str("error", scope_failure(s, e).text));
    scope_close(s);
}

static void give_back(const idempotency_key *k)
{
    scope *s = scope_new("idempotency");
    err e;

    scope_set_timeout(s, SECONDS(10));
    if ((e = idempotency_drop(s, k)) != OK)
        log_warn("idempotency.not_dropped", log_str("error", scope_failure(s, e).text));
    scope_close(s);
}

err dock_created(request *rq, response *rs, int status, const json_t *answer)
{
    const pending *p = rq->face_data;

    rq->face_data = NULL;
    if (p != NULL) {
        keep(&p->key, status, answer);
        request_release(rq);
    }
    return reply_json(rs, status, answer);
}

/* What has been written is not written again, although its answer is lost. */
static void keep_loss(const idempotency_key *k)
{
    static const char text[] = "This request was carried out, but its answer was lost";
    json_t *o = json_object();

    json_set_str(o, "message", text);
    json_set_str(o, "error", text);
    keep(k, 409, o);
    json_decref(o);
}

void dock_after(request *rq, response *rs)
{
    const pending *p = rq->face_data;

    (void)rs;
    if (p == NULL)
        return;
    if (p->written)
        keep_loss(&p->key);
    else
        give_back(&p->key);
    request_release(rq);
}
