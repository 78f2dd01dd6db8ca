/* SPDX-License-Identifier: MIT */
/*
 * LangBot's answers (contracts/langbot.md section 1).
 */
#ifndef FACE_LANGBOT_ENVELOPE_H
#define FACE_LANGBOT_ENVELOPE_H

#include "net/route.h"

/* There is one workspace. */
#define BOT_WORKSPACE "00000000-0000-4000-8000-000000000001"

/* {"code":0,"msg":"ok","data":…}; steals `data`; NULL is null. */
err bot_ok(request *rq, response *rs, json_t *data);

/* {"code":…,"msg":…}: the code is a number, or a word when `word` is not NULL. */
err bot_error(request *rq, response *rs, int status, int code, const char *word, const char *msg);

void bot_envelope(request *rq, response *rs, failure f);
void bot_invalid(request *rq, response *rs, const schema_faults *faults, const char *part);
void bot_no_route(request *rq, response *rs, const char *allow);
err bot_authorize(request *rq, response *rs, const route *r);
bool bot_intercept(request *rq, response *rs);

/* Naive UTC: "2026-11-22T04:05:06"; JSON null for 0.  New reference. */
json_t *bot_time(arena *a, int64_t wall_us);

/* Whether the caller may see the secrets of what this user owns (NULL: the system, whose secrets are the administrators'). */
bool bot_sees_secrets(const request *rq, const char *owner_id);

#endif
