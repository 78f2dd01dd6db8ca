/* SPDX-License-Identifier: MIT */
/* What provider.c and model.c share: how a provider is shown. */
#ifndef FACE_LANGBOT_PROVIDER_JSON_H
#define FACE_LANGBOT_PROVIDER_JSON_H

#include "model/provider.h"
#include "net/request.h"

/* Without the counts; held by the request's arena.  Keys are masked unless the caller may see them. */
MUST_USE err bot_provider_json(request *rq, const provider_row *p, json_t **out);

#endif
