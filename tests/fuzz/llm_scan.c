/* SPDX-License-Identifier: MIT */
/*
 * The scanner of common chunks against the JSON library: what it accepts must be valid JSON in which the first choice's
 * delta has just that text, and nothing that a driver would have to see.
 */
#include <stdlib.h>

#include "llm/llm_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const json_t *v, str text, str model)
{
    const json_t *choices = json_object_get(v, "choices");
    const json_t *choice = json_array_get(choices, 0);
    const json_t *delta = json_object_get(choice, "delta");
    const json_t *content = json_object_get(delta, "content");
    const char *finish = json_string_value(json_object_get(choice, "finish_reason"));

    must(json_array_size(choices) == 1 && finish == NULL);
    must(json_is_string(content) && str_eq(text, (str){json_string_value(content), json_string_length(content)}));
    must(!json_is_array(json_object_get(delta, "tool_calls")) && !json_is_string(json_object_get(delta, "reasoning")));
    must(!json_is_object(json_object_get(v, "usage")) && !json_is_object(json_object_get(v, "error")));
    if (model.len > 0)
        must(str_is(model, json_string_value(json_object_get(v, "model"))));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    buf room = BUF_INIT(len);
    str text, model, data = {(const char *)bytes, len};
    json_error_t e;
    json_t *v;

    if (scan_text_chunk(data, &room, &text, &model)) {
        v = json_loadb(data.p, data.len, 0, &e); /* a member of no interest may come twice */
        must(v != NULL);
        check(v, text, model);
        json_decref(v);
    }
    buf_close(&room);
    return 0;
}
