/* SPDX-License-Identifier: MIT */
/* Icons of integrations (contracts/langdock.md section 2.7). */
#include <stdio.h>

#include "auth/rules.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "face/langdock/shape.h"
#include "net/multipart.h"
#include "rt/offload.h"
#include "store/object.h"

enum { ICON_MAX = 20 * 1024 * 1024 };

/* GET /integrations/v1/{integrationId}/icon */
err dock_icon_get(request *rq, response *rs)
{
    integration_row *row;
    const char *id;
    json_t *o;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    TRY(integration_find(rq->scope, rows_of(rq->user), id, &row));
    o = dock_wrap(rq, "iconUrl", json_str(dock_icon_url(rq, row)));
    json_set_str(o, "url", dock_icon_url(rq, row));
    return reply_json(rs, 200, o);
}

/* What the file says of itself by its first bytes; whoever sent it may have said anything. */
typedef struct {
    const char *path;
    unsigned char bytes[12];
    size_t len;
} head_job;

static void read_head(void *arg)
{
    head_job *j = arg;
    FILE *f = fopen(j->path, "rbe");

    if (f == NULL)
        return;
    j->len = fread(j->bytes, 1, sizeof j->bytes, f);
    fclose(f);
}

static const char *sniff(const head_job *j)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    if (j->len >= sizeof png && memcmp(j->bytes, png, sizeof png) == 0)
        return "image/png";
    if (j->len >= 3 && j->bytes[0] == 0xff && j->bytes[1] == 0xd8 && j->bytes[2] == 0xff)
        return "image/jpeg";
    if (j->len >= 12 && memcmp(j->bytes, "RIFF", 4) == 0 && memcmp(j->bytes + 8, "WEBP", 4) == 0)
        return "image/webp";
    return NULL;
}

/* The part "icon" as a staged object; *type NULL when it is no image that we take. */
static err receive(request *rq, const char **staged, const char **type)
{
    bool found = true;
    head_job head = {0};
    multipart *m;
    int64_t size;
    part p;

    TRY(multipart_open(rq, &m));
    do {
        TRY(multipart_next(m, &p, &found));
    } while (found && !cstr_eq(p.name, "icon"));
    if (!found)
        return fail(rq->scope, ERR_INVALID, "The form has no part named icon");
    TRY(object_stage(rq->scope, rq->scope->arena, &head.path));
    TRY(multipart_to_file(m, head.path, ICON_MAX, &size));
    *staged = head.path;
    TRY(offload(rq->scope, read_head, &head));
    *type = sniff(&head);
    return OK;
}

static err store(request *rq, const integration_row *row, const char *staged, const char *type)
{
    const char *key, *replaced = NULL;
    err e;

    TRY(object_put_staged(rq->scope, rq->scope->arena, staged, &key));
    e = integration_change(rq->scope, rows_of(rq->user), row->id,
                           &(integration_patch){.icon_object = key, .icon_type = type, .icon_url = ""}, &replaced);
    object_discard(e == OK ? replaced : key);
    return e;
}

/* PUT /integrations/v1/{integrationId}/icon */
err dock_icon_put(request *rq, response *rs)
{
    const char *staged = NULL, *type = NULL;
    integration_row *row;
    json_t *o, *one;
    err e;

    TRY(dock_own_integration(rq, rs, &row));
    e = receive(rq, &staged, &type);
    if (e == OK && type == NULL)
        e = fail(rq->scope, ERR_INVALID, "The icon must be a PNG, JPEG or WebP image");
    if (e != OK)
        object_drop_staged(staged);
    TRY(e);
    TRY(store(rq, row, staged, type));
    TRY(integration_find(rq->scope, rows_of(rq->user), row->id, &row));
    o = dock_wrap(rq, "iconUrl", json_str(dock_icon_url(rq, row)));
    one = json_object();
    json_set_str(one, "id", row->id);
    json_set_str(one, "name", row->name);
    json_set_str(one, "description", row->description);
    json_set_str(one, "iconUrl", dock_icon_url(rq, row));
    json_set(o, "integration", one);
    return reply_json(rs, 200, o);
}

/* GET /integrations/v1/{integrationId}/icon/raw: for <img>, so nobody is asked who he is. */
err dock_icon_raw(request *rq, response *rs)
{
    integration_row *row;
    object_file file;
    const char *id;

    TRY(dock_id(rq, rs, "integrationId", "integration", &id));
    TRY(integration_find(rq->scope, OWNED_BY_ANYONE, id, &row));
    if (row->icon_object == NULL)
        return dock_error(rq, rs, 404, "This integration has no icon");
    TRY(object_fetch(rq->scope, row->icon_object, &file));
    reply_header(rs, "X-Content-Type-Options", "nosniff");
    reply_header(rs, "Cache-Control", "public, max-age=86400");
    return reply_file(rs, 200, row->icon_type, file.path, NULL);
}
