/* SPDX-License-Identifier: MIT */
/* See oauth_http.h. */
#include "script/oauth_http.h"

#include <strings.h>

#include "net/client.h"
#include "net/location.h"

enum { ANSWER_MAX = 1 << 20, WORDS_MAX = 300 };

char *oauth_form(arena *a, const form_pair *pairs, size_t n)
{
    buf *b = buf_new(a, MIB(1));

    for (size_t i = 0; i < n; i++) {
        if (pairs[i].value == NULL)
            continue;
        buf_printf(b, "%s%s=", b->len > 0 ? "&" : "", pairs[i].name);
        buf_puts(b, percent_encode(a, str_of(pairs[i].value)));
    }
    return arena_strdup(a, buf_str(b));
}

/* An administrator may have opened private addresses for hosts that he named. */
static guard_policy policy(scope *s, const integration_row *i, const char *url)
{
    json_t *list = NULL;
    const char **hosts;
    location at;
    size_t n;

    if (!i->private_ok || i->allowed_hosts == NULL || !location_parse(s->arena, NULL, url, &at) ||
        json_parse(s->arena, i->allowed_hosts, strlen(i->allowed_hosts), NULL, &list) != OK)
        return GUARD_PUBLIC;
    n = json_array_size(list);
    hosts = arena_array(s->arena, const char *, n);
    for (size_t k = 0; k < n; k++)
        hosts[k] = json_string_value(json_array_get(list, k));
    return n > 0 && location_permitted(&at, hosts, n) ? GUARD_ANY : GUARD_PUBLIC;
}

typedef struct {
    http_method method;
    const char *url, *type, *body;
} provider_call;

/* The answer as JSON, or as a form where providers are old; NULL when it is neither. */
static err call(scope *s, const integration_row *i, const provider_call *c, int *status, json_t **out)
{
    http_header headers[2] = {{"Accept", "application/json"}, {"Content-Type", c->type}};
    http_call h = {.method = c->method,
                   .url = c->url,
                   .headers = headers,
                   .n_headers = c->body != NULL ? 2 : 1,
                   .body = c->body,
                   .body_len = c->body != NULL ? strlen(c->body) : 0,
                   .guard = policy(s, i, c->url),
                   .first_byte_timeout = SECONDS(20),
                   .idle_timeout = SECONDS(20),
                   .max_body = ANSWER_MAX};
    http_head head;
    str body, rest, pair, name;

    TRY(http_fetch(s, &h, &head, &body));
    *status = head.status;
    if (json_parse(s->arena, body.p, body.len, NULL, out) == OK)
        return OK;
    *out = json_hold(s->arena, json_object());
    rest = body;
    while (str_next(&rest, '&', &pair) && json_object_size(*out) < 100) {
        char *key, *value;

        if (str_next(&pair, '=', &name) && percent_decode(s->arena, name, true, &key) &&
            percent_decode(s->arena, pair, true, &value) && utf8_valid(key, strlen(key)))
            json_set_str(*out, key, value);
    }
    return OK;
}

/* The provider's own words, short and on one line. */
static const char *words(arena *a, const json_t *answer)
{
    const char *text = json_get_str(answer, "error_description", json_get_str(answer, "error", NULL));
    char *copy;

    if (text == NULL)
        return NULL;
    copy = str_dup(a, utf8_prefix(str_of(text), WORDS_MAX));
    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return copy;
}

err oauth_check_token(scope *s, const json_t *token)
{
    const char *why = words(s->arena, token);

    if (!cstr_blank(json_get_str(token, "access_token", NULL)))
        return OK;
    return fail_code(s, ERR_DENIED, "oauth.refused", NULL, "%s",
                     why != NULL ? why : "the provider's answer has no access_token");
}

err oauth_token_request(scope *s, const integration_row *i, const char *url, const form_pair *pairs, size_t n,
                        json_t **out)
{
    provider_call c = {.method = POST,
                       .url = url,
                       .type = "application/x-www-form-urlencoded",
                       .body = oauth_form(s->arena, pairs, n)};
    const char *why;
    int status = 0;

    TRY(call(s, i, &c, &status, out));
    if (status >= 500 || status == 429 || status == 408)
        return fail(s, ERR_UPSTREAM, "the provider answered with status %d", status);
    why = words(s->arena, *out);
    if (status >= 300)
        return fail_code(s, ERR_DENIED, "oauth.refused", NULL, "%s",
                         why != NULL ? why : arena_printf(s->arena, "the provider answered with status %d", status));
    return oauth_check_token(s, *out);
}

/* Registration */

/* "https://host:port" of an address, and its path. */
static bool split(arena *a, const char *url, const char **origin, const char **path)
{
    const char *host;
    size_t len;

    if (url == NULL || (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0))
        return false;
    host = strstr(url, "://") + 3;
    len = strcspn(host, "/?#");
    *origin = arena_strndup(a, url, (size_t)(host - url) + len);
    *path = host[len] == '/' ? arena_strndup(a, host + len, strcspn(host + len, "?#")) : "";
    return len > 0;
}

static err find_metadata(scope *s, const integration_row *i, const char *at, json_t **out)
{
    const char *origin, *path;
    int status = 0;

    if (!split(s->arena, at, &origin, &path))
        return fail_code(s, ERR_INVALID, "oauth.setup", NULL, "The integration has no authUrl to find its server by");
    if (strlen(path) > 1) { /* the issuer may have a path; an address of its endpoints will not be found, then */
        provider_call c = {.url = arena_printf(s->arena, "%s/.well-known/oauth-authorization-server%s", origin, path)};

        TRY(call(s, i, &c, &status, out));
        if (status == 200 && json_get_str(*out, "registration_endpoint", NULL) != NULL)
            return OK;
    }
    TRY(call(s, i, &(provider_call){.url = arena_printf(s->arena, "%s/.well-known/oauth-authorization-server", origin)},
             &status, out));
    if (status != 200 || json_get_str(*out, "registration_endpoint", NULL) == NULL)
        return fail(s, ERR_UPSTREAM, "the server does not say where clients are registered");
    return OK;
}

static json_t *registration(const char *redirect_url, const char *scopes)
{
    json_t *o = json_object(), *list = json_array();

    json_set_str(o, "client_name", "Sluice");
    json_array_append_new(list, json_string(redirect_url));
    json_set(o, "redirect_uris", list);
    list = json_array();
    json_array_append_new(list, json_string("authorization_code"));
    json_array_append_new(list, json_string("refresh_token"));
    json_set(o, "grant_types", list);
    list = json_array();
    json_array_append_new(list, json_string("code"));
    json_set(o, "response_types", list);
    json_set_str(o, "token_endpoint_auth_method", "client_secret_post");
    if (!cstr_blank(scopes))
        json_set_str(o, "scope", scopes);
    return o;
}

err oauth_register_client(scope *s, const integration_row *i, const char *redirect_url, const char *scopes,
                          json_t *client)
{
    json_t *meta = NULL, *made = NULL, *ask = json_hold(s->arena, registration(redirect_url, scopes));
    int status = 0;

    TRY(find_metadata(s, i, json_get_str(client, "authUrl", NULL), &meta));
    TRY(call(s, i,
             &(provider_call){.method = POST,
                              .url = json_get_str(meta, "registration_endpoint", ""),
                              .type = "application/json",
                              .body = json_text(s->arena, ask)},
             &status, &made));
    if (status >= 300 || json_get_str(made, "client_id", NULL) == NULL)
        return fail(s, ERR_UPSTREAM, "the server did not register a client (status %d)", status);
    json_set_str(client, "clientId", json_get_str(made, "client_id", NULL));
    if (json_get_str(made, "client_secret", NULL) != NULL)
        json_set_str(client, "clientSecret", json_get_str(made, "client_secret", NULL));
    if (json_get_str(meta, "authorization_endpoint", NULL) != NULL)
        json_object_set(client, "authUrl", json_object_get(meta, "authorization_endpoint"));
    if (json_get_str(meta, "token_endpoint", NULL) != NULL)
        json_object_set(client, "tokenUrl", json_object_get(meta, "token_endpoint"));
    return OK;
}
