/* SPDX-License-Identifier: MIT */
/* Failures of models; see agent_errors.h. */
#include "base/str.h"
#include "face/langdock/agent_errors.h"

err dock_model_failed(scope *s, const char *code, const char *reason)
{
    static const struct {
        const char *code;
        err e;
    } kinds[] = {
        {"llm.rate_limit", ERR_RATE},        {"llm.quota", ERR_RATE},          {"llm.context_length", ERR_INVALID},
        {"llm.content_filter", ERR_INVALID}, {"llm.bad_request", ERR_INVALID}, {"llm.timeout", ERR_TIMEOUT},
        {"chat.timeout", ERR_TIMEOUT},
    };

    for (size_t i = 0; code != NULL && i < COUNT(kinds); i++)
        if (cstr_eq(kinds[i].code, code))
            return fail_code(s, kinds[i].e, code, NULL, "%s", reason);
    return fail_code(s, ERR_UPSTREAM, code, NULL, "%s", reason);
}

err dock_model_error(scope *s, err e)
{
    failure f = scope_failure(s, e);

    if (s->ended != OK || !cstr_starts(f.code != NULL ? f.code : "", "llm."))
        return e;
    return dock_model_failed(s, f.code, f.text);
}
