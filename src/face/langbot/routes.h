/* SPDX-License-Identifier: MIT */
/*
 * The LangBot face: its service API (contracts/langbot.md).
 */
#ifndef FACE_LANGBOT_ROUTES_H
#define FACE_LANGBOT_ROUTES_H

#include "net/route.h"

/* Values of route.access: the kind of credential, and the permission it must carry. */
enum {
    BOT_NONE = 0,          /* anonymous */
    BOT_ACCOUNT = 1 << 0,  /* a user token */
    BOT_EITHER = 1 << 1,   /* a user token or an API key */
    BOT_VIEW = 1 << 8,     /* resource.view */
    BOT_MANAGE = 1 << 9,   /* resource.manage */
    BOT_SECRETS = 1 << 10, /* provider_secret.manage */
    BOT_KEYS = 1 << 11,    /* api_key.manage */
};

extern const face langbot_face;

#endif
