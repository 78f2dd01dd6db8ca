/* SPDX-License-Identifier: MIT */
/*
 * Providers' errors: what a status and a body mean, and the sentence that the user reads.
 *
 * Providers agree on the status codes only roughly, so their own codes and words are looked at first.  What a provider
 * says is shown only where it helps (a refused request), cut, and without anything that looks like a key.
 */
#include <ctype.h>

#include "base/log.h"
#include "llm/llm_internal.h"

enum { DETAIL_MAX = 300 };

static const struct {
    const char *code, *text;
} texts[] = {
    {"llm.rate_limit", "Too many requests. Try again later"},
    {"llm.quota", "API quota is insufficient. Check the account balance or quota settings"},
    {"llm.auth", "API authentication failed. Check whether the API key is correct"},
    {"llm.model_not_found", "The selected model does not exist or is unavailable. Check the model configuration"},
    {"llm.context_length", "The input is too long. Shorten it and try again"},
    {"llm.connection", "Network connection failed. Check the network settings or try again later"},
    {"llm.unavailable", "The service is temporarily unavailable. Try again later"},
    {"llm.content_filter", "The provider's content inspection refused this request"},
    {"llm.bad_request", "The model provider refused the request"},
    {"llm.garbage", "The provider's answer is not in the expected format. Check the base URL and the kind of provider"},
    {"llm.truncated", "The model's answer broke off before its end. Try again"},
    {"llm.no_driver", "There is no driver for this kind of model provider"},
};

static const char *text_of(const char *code)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (cstr_eq(texts[i].code, code))
            return texts[i].text;
    return "The model provider failed";
}

/* Words in a provider's code, type or message, in the order of precedence. */
static const struct {
    const char *word, *code;
} hints[] = {
    {"context_length", "llm.context_length"},
    {"context length", "llm.context_length"},
    {"context window", "llm.context_length"},
    {"prompt is too long", "llm.context_length"},
    {"input is too long", "llm.context_length"},
    {"too many tokens", "llm.context_length"},
    {"max_model_len", "llm.context_length"},
    {"range of input length", "llm.context_length"},
    {"string_above_max_length", "llm.context_length"},
    {"content_filter", "llm.content_filter"},
    {"content_policy", "llm.content_filter"},
    {"content management policy", "llm.content_filter"},
    {"data_inspection_failed", "llm.content_filter"},
    {"datainspectionfailed", "llm.content_filter"},
    {"inappropriate content", "llm.content_filter"},
    {"insufficient_quota", "llm.quota"},
    {"insufficient balance", "llm.quota"},
    {"insufficient credit", "llm.quota"},
    {"credit balance", "llm.quota"},
    {"exceeded your current quota", "llm.quota"},
    {"arrearage", "llm.quota"},
    {"billing", "llm.quota"},
    {"invalid_api_key", "llm.auth"},
    {"invalid api key", "llm.auth"},
    {"incorrect api key", "llm.auth"},
    {"authentication_error", "llm.auth"},
    {"permission_error", "llm.auth"},
    {"model_not_found", "llm.model_not_found"},
    {"model not found", "llm.model_not_found"},
    {"model not exist", "llm.model_not_found"},
    {"unknown model", "llm.model_not_found"},
    {"invalid model", "llm.model_not_found"},
    {"rate_limit", "llm.rate_limit"},
    {"rate limit", "llm.rate_limit"},
    {"too many requests", "llm.rate_limit"},
    {"overloaded", "llm.unavailable"},
};

/* Without a status: the type of an error object in a stream. */
static const char *code_of_type(const char *type)
{
    if (cstr_eq(type, "invalid_request_error") || cstr_eq(type, "bad_request"))
        return "llm.bad_request";
    if (cstr_eq(type, "not_found_error"))
        return "llm.model_not_found";
    if (cstr_eq(type, "request_too_large"))
        return "llm.context_length";
    return "llm.unavailable";
}

static const char *code_of_status(int status, const char *type)
{
    switch (status) {
    case 401:
    case 403:
        return "llm.auth";
    case 402:
        return "llm.quota";
    case 404:
        return "llm.model_not_found";
    case 413:
        return "llm.context_length";
    case 429:
        return "llm.rate_limit";
    case 408:
    case 409:
    case 425:
        return "llm.unavailable";
    default:
        if (status == 0)
            return code_of_type(type);
        return status >= 500 ? "llm.unavailable" : status >= 400 ? "llm.bad_request" : "llm.garbage";
    }
}

/* "The model `x` does not exist" comes with many codes. */
static bool says_no_model(const char *text)
{
    return strcasestr(text, "model") != NULL &&
           (strcasestr(text, "does not exist") != NULL || strcasestr(text, "not found") != NULL);
}

static const char *classify(int status, const char *code, const char *type, const char *message)
{
    const char *const where[] = {code, type, message};

    if (status == 401)
        return "llm.auth";
    for (size_t i = 0; i < COUNT(hints); i++)
        for (size_t k = 0; k < COUNT(where); k++)
            if (strcasestr(where[k], hints[i].word) != NULL)
                return hints[i].code;
    if ((status == 0 || (status >= 400 && status < 500)) && says_no_model(message))
        return "llm.model_not_found";
    return code_of_status(status, type);
}

/* --- the provider's own sentence, without secrets --- */

static void blank(char *at, size_t len)
{
    memset(at, '*', len);
}

static void redact(const llm_request *rq, char *text)
{
    for (size_t i = 0; i < rq->at.n_keys; i++) {
        const char *key = rq->at.keys[i];
        size_t len = strlen(key);

        for (char *p = text; len >= 4 && (p = strstr(p, key)) != NULL; p += len)
            blank(p, len);
    }
    for (char *p = text; (p = strstr(p, "sk-")) != NULL;) {
        size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

        if (len >= 8)
            blank(p, len);
        p += len;
    }
    for (char *p = text; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            *p = ' ';
}

static const char *detail_of(arena *a, const llm_request *rq, const char *message)
{
    char *copy;

    if (message[0] == '\0' || !utf8_valid(message, strlen(message)))
        return NULL;
    copy = arena_strdup(a, message);
    redact(rq, copy);
    return str_dup(a, str_trim(utf8_prefix(str_of(copy), DETAIL_MAX)));
}

/* --- a parameter that the provider does not know --- */

static bool word_in(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = text; (p = strstr(p, word)) != NULL; p += len) {
        bool left = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
        bool right = !(isalnum((unsigned char)p[len]) || p[len] == '_');

        if (left && right)
            return true;
    }
    return false;
}

static bool says_unsupported(const char *text)
{
    static const char *const words[] = {"unsupported",   "not supported",   "not support", "unknown",    "unrecognized",
                                        "not permitted", "extra_forbidden", "unexpected",  "not allowed"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasestr(text, words[i]) != NULL)
            return true;
    return false;
}

/* A schema of the request's own is at fault, whatever the parameter that carries it. */
static bool says_bad_schema(const char *text)
{
    static const char *const words[] = {"invalid_json_schema", "invalid schema", "invalid json schema",
                                        "schema is invalid"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcasestr(text, words[i]) != NULL)
            return true;
    return false;
}

/* What a request may do without.  Its own parameters come on top. */
static const char *const optional[] = {
    "response_format", "chat_template_kwargs", "enable_thinking", "thinking",   "reasoning_effort",
    "stream_options",  "reasoning_content",    "tool_choice",     "max_tokens", "parallel_tool_calls",
};

/* Only what was sent can be the culprit, so the names are looked for in the provider's words, not read out of them. */
static const char *find_parameter(arena *a, const llm_request *rq, const char *named, const char *text)
{
    const char *key;
    json_t *value;

    if (!says_unsupported(text) || says_bad_schema(text))
        return NULL;
    for (int exact = 1; exact >= 0; exact--) {
        json_object_foreach(rq->at.params, key,
                            value) if (exact ? cstr_eq(named, key) : word_in(text, key)) return arena_strdup(a, key);
        for (size_t i = 0; i < COUNT(optional); i++)
            if (exact ? cstr_eq(named, optional[i]) : word_in(text, optional[i]))
                return optional[i];
    }
    return NULL;
}

/* "X is not supported", by anybody or this model, and not: in that mode, when, together with. */
static bool refuses_whole(const char *text, const char *parameter)
{
    static const char *const words[] = {" is not supported", " not supported", " is unsupported", " is not permitted",
                                        " is not allowed",   " is unknown",    " is unrecognized"};
    static const char *const ends[] = {" by ", " with this ", " for this ", " on this "};

    for (const char *p = text; (p = strcasestr(p, parameter)) != NULL;) {
        p += strlen(parameter);
        p += strspn(p, "'\"`");
        for (size_t i = 0; i < COUNT(words); i++) {
            const char *rest = p + strlen(words[i]);

            if (strncasecmp(p, words[i], strlen(words[i])) != 0)
                continue;
            if (*rest == '\0' || strchr(" .,;:\"", rest[strspn(rest, " ")]) != NULL)
                return true;
            for (size_t k = 0; k < COUNT(ends); k++)
                if (cstr_starts(rest, ends[k]))
                    return true;
        }
    }
    return false;
}

/* These say what one request wants, and a provider that refuses that may take others: it is not told of them for an hour
 * because of one user's wish, unless it does not know the parameter at all. */
static bool is_passing(const char *parameter, const char *text)
{
    static const char *const unknown[] = {
        "unsupported parameter", "unsupported_parameter", "unknown parameter", "unknown_parameter",
        "unrecognized",          "extra_forbidden",       "unknown field",     "unexpected"};

    if (!cstr_eq(parameter, "response_format") && !cstr_eq(parameter, "tool_choice"))
        return false;
    for (size_t i = 0; i < COUNT(unknown); i++)
        if (strcasestr(text, unknown[i]) != NULL)
            return false;
    return !refuses_whole(text, parameter);
}

/* --- reading an error --- */

static const char *member_text(arena *a, const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);

    if (json_is_string(v))
        return json_string_value(v);
    return v == NULL || json_is_null(v) ? "" : json_text(a, v);
}

llm_fault fault_of_json(arena *a, const llm_request *rq, int status, const json_t *v)
{
    const json_t *e = json_object_get(v, "error");
    const char *code, *type, *message;
    llm_fault f = {0};

    e = json_is_object(e) ? e : v;
    code = member_text(a, e, "code");
    type = member_text(a, e, "type");
    message = member_text(a, e, "message");
    if (message[0] == '\0')
        message = member_text(a, v, "error");
    if (message[0] == '\0')
        message = member_text(a, v, "detail");
    if (message[0] == '\0' && json_is_string(v))
        message = json_string_value(v);
    if (status == 0 && json_is_integer(json_object_get(e, "code")))
        status = (int)MIN_OF(json_get_int(e, "code", 0), (int64_t)999);
    f.code = classify(status, code, type, message);
    f.detail = detail_of(a, rq, message);
    f.retry = cstr_eq(f.code, "llm.rate_limit") || cstr_eq(f.code, "llm.unavailable");
    f.other_key = cstr_eq(f.code, "llm.rate_limit") || cstr_eq(f.code, "llm.auth") || cstr_eq(f.code, "llm.quota");
    if (cstr_eq(f.code, "llm.bad_request")) {
        const char *text = arena_printf(a, "%s %s %s", code, type, message);

        f.parameter = find_parameter(a, rq, member_text(a, e, "param"), text);
        f.passing = f.parameter != NULL && is_passing(f.parameter, text);
    }
    return f;
}

llm_fault fault_read(arena *a, const llm_request *rq, int status, str body)
{
    json_t *v;

    if (json_parse(a, body.p, body.len, NULL, &v) != OK)
        v = json_hold(a, json_object()); /* a page of some proxy: only the status counts */
    return fault_of_json(a, rq, status, v);
}

err fault_fail(scope *s, const llm_fault *f, const char *model)
{
    if (cstr_eq(f->code, "llm.bad_request") && f->detail != NULL)
        return fail_code(s, ERR_UPSTREAM, f->code, model, "%s: %s", text_of(f->code), f->detail);
    return fail_code(s, ERR_UPSTREAM, f->code, model, "%s", text_of(f->code));
}

err fault_code(scope *s, const char *code, const char *model)
{
    return fail_code(s, ERR_UPSTREAM, code, model, "%s", text_of(code));
}

err fault_of_http(scope *s, err e, const char *model, bool begun)
{
    failure f = scope_failure(s, e);

    if (scope_check(s) != OK)
        return s->ended; /* the caller's own end, not the provider's */
    log_warn("llm connection", log_str("model", model), log_str("why", f.text));
    if (e == ERR_INVALID)
        return fail_code(s, e, "llm.bad_request", model, "The address of the model provider cannot be called: %s",
                         f.text);
    if (e == ERR_DENIED)
        return fail_code(s, e, "llm.connection", model, "The model provider cannot be called: %s", f.text);
    return fault_code(s, begun ? "llm.truncated" : "llm.connection", model);
}

err fault_late(scope *s, const char *model, int64_t waited, int attempts, const char *setting)
{
    long long seconds = (long long)MAX_OF((waited + SECONDS(1) / 2) / SECONDS(1), 1);
    const char *unit = seconds == 1 ? "second" : "seconds";
    const char *again = attempts > 1 ? arena_printf(s->arena, " (asked %d times)", attempts) : "";

    log_warn("llm late", log_str("model", model), log_int("seconds", seconds), log_int("attempts", attempts));
    if (attempts == 0)
        return fail_code(s, ERR_UPSTREAM, "llm.timeout", model,
                         "The model fell silent in the middle of its answer: nothing came for %lld %s. Try again; "
                         "%s allows longer silences",
                         seconds, unit, setting);
    return fail_code(s, ERR_UPSTREAM, "llm.timeout", model,
                     "The model did not answer within %lld %s%s. Check that its server is up and not overloaded; "
                     "%s allows more time",
                     seconds, unit, again, setting);
}

bool fault_retries(const scope *s)
{
    static const char *const codes[] = {"llm.rate_limit", "llm.unavailable", "llm.connection", "llm.timeout",
                                        "llm.truncated"};

    for (size_t i = 0; i < COUNT(codes); i++)
        if (s->failure.e == ERR_UPSTREAM && cstr_eq(s->failure.code, codes[i]))
            return true;
    return false;
}
