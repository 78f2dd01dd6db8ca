/* SPDX-License-Identifier: MIT */
/* See code.h. */
#include "face/langdock/code.h"

/* Nothing in this build runs scripts: any code is taken. */
err dock_check_code(request *rq, response *rs, const char *member, const char *code, bool *answered)
{
    (void)rq;
    (void)rs;
    (void)member;
    (void)code;
    *answered = false;
    return OK;
}
