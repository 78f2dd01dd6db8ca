/* SPDX-License-Identifier: MIT */
/* Requests that are sent again under the same Idempotency-Key are carried out once; see envelope.h. */
#include "auth/apikey.h"
#include "auth/identity.h"
#include "base/log.h"
#include "db/seal.h"
#include "face/langdock/envelope.h"
#include "model/idempotency.h"

/* The key of a request that is being carried out hangs on rq->face_data until its answer is kept. */

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
    idempotency_key *k;
    idempotency_claim c;

    *answered = false;
    if (name == NULL)
        return OK;
    k = arena_one(rq->scope->arena, idempotency_key);
    TRY(read_key(rq, name, content, k));
    TRY(idempotency_begin(rq->scope, k, &c));
    switch (c.state) {
    case IDEMPOTENCY_MINE:
        rq->face_data = k;
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

/* Kept under seal, since some answers tell a secret once.  One that cannot be kept leaves the key taken: better refused for a while than carried out twice. */
err dock_created(request *rq, response *rs, int status, const json_t *answer)
{
    const idempotency_key *k = rq->face_data;

    rq->face_data = NULL;
    if (k != NULL &&
        idempotency_store(rq->scope, k, status, seal_text(rq->scope->arena, json_text(rq->scope->arena, answer))) != OK)
        log_warn("idempotency.not_kept", log_str("path", rq->path));
    return reply_json(rs, status, answer);
}

void dock_after(request *rq, response *rs)
{
    const idempotency_key *k = rq->face_data;
    scope *s;

    (void)rs;
    if (k == NULL)
        return;
    s = scope_new("idempotency"); /* the request's own may have ended */
    scope_set_timeout(s, SECONDS(10));
    if (idempotency_drop(s, k) != OK)
        log_warn("idempotency.not_dropped", log_str("error", scope_failure(s, ERR_IO).text));
    scope_close(s);
}
