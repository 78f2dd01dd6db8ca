/* SPDX-License-Identifier: MIT */
/* What several tests of model/ need to exist. */
#ifndef UNIT_MODEL_MADE_H
#define UNIT_MODEL_MADE_H

#include "engine.h"
#include "model/user.h"

static inline const char *made_user(scope *s, const char *name)
{
    user_row u = {.username = name, .active = true};

    CHECK(user_insert(s, &u) == OK, "user %s", name);
    return u.id;
}

/* The stable code of the last failure. */
static inline const char *code_of(scope *s)
{
    return s->failure.code;
}

#endif
