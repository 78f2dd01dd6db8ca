/* SPDX-License-Identifier: MIT */
/* OAuth for connections; see oauth.h. */
#include "script/oauth.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "db/seal.h"
#include "model/user.h"
#include "rt/sleep.h"
#include "script/oauth_http.h"

enum { SECRET_BYTES = 32, STORE_TRIES = 5 };

static const int64_t state_lifetime = (int64_t)600 * 1000000, lease_time = (int64_t)60 * 1000000;
static const int64_t work_time = SECONDS(50), end_time = SECONDS(8); /* together less than the lease */

bool oauth_is_kind(const char *auth_type)
{
    return cstr_eq(auth_type, "OAUTH") || cstr_eq(auth_type, "OAUTH_DCR");
}

/* Small parts */

static char *base64url(arena *a, const unsigned char *bytes, size_t len)
{
    size_t cap = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *out = arena_alloc(a, cap);

    return sodium_bin2base64(out, cap, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static char *random_text(arena *a)
{
    unsigned char bytes[SECRET_BYTES];

    random_bytes(bytes, sizeof bytes);
    return base64url(a, bytes, sizeof bytes);
}

static const char *challenge_of(arena *a, const char *verifier)
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)verifier, strlen(verifier));
    return base64url(a, hash, sizeof hash);
}

static const char *state_hash(arena *a, const char *state)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char *hex = arena_alloc(a, 2 * sizeof hash + 1);

    crypto_hash_sha256(hash, (const unsigned char *)state, strlen(state));
    hex_encode(hash, sizeof hash, hex);
    return hex;
}

/* A member of the integration's shown OAuth settings; NULL when there is none. */
static const char *shown(scope *s, const integration_row *i, const char *member)
{
    json_t *o = NULL;

    if (i->oauth == NULL || json_parse(s->arena, i->oauth, strlen(i->oauth), NULL, &o) != OK)
        return NULL;
    return cstr_blank(json_get_str(o, member, NULL)) ? NULL : json_get_str(o, member, NULL);
}

static err not_set_up(scope *s, const integration_row *i, const char *what)
{
    return fail_code(s, ERR_INVALID, "oauth.setup", i->id, "The integration %s has no %s", i->name, what);
}

/* Runs one of the scripts of section 4.3; *value is what it returned. */
static err run_script(scope *s, const integration_row *i, const credentials *c, const char *member, json_t *input,
                      json_t **value)
{
    const char *code = shown(s, i, member);
    script_job job = {.name = arena_printf(s->arena, "%s/%s", i->name, member),
                      .owner = c->row->owner_id,
                      .code = str_of(code),
                      .input = json_hold(s->arena, input),
                      .auth = c->auth,
                      .env = credentials_env(s->arena, c)};
    script_outcome out;

    credentials_limit_hosts(s, i, c, &job);
    TRY(script_run(s, &job, &out));
    if (out.status != SCRIPT_DONE)
        return fail_code(s, ERR_DENIED, "oauth.refused", i->id, "%s failed: %s", member,
                         credentials_redact(s->arena, i, c, out.message));
    *value = out.value;
    return OK;
}

/* Consent */

static err plain_url(scope *s, const integration_row *i, const credentials *c, const char *redirect_url,
                     const char *state, const char *verifier, const char **url)
{
    const char *at = json_get_str(c->client, "authUrl", NULL), *client = json_get_str(c->client, "clientId", NULL);
    form_pair pairs[] = {
        {"response_type", "code"},        {"client_id", client}, {"redirect_uri", redirect_url},
        {"scope", shown(s, i, "scopes")}, {"state", state},      {"code_challenge", challenge_of(s->arena, verifier)},
        {"code_challenge_method", "S256"}};

    if (cstr_blank(at))
        return not_set_up(s, i, "authUrl and no authorizationCode");
    if (!cstr_starts(at, "https://") && !cstr_starts(at, "http://")) /* a server's metadata may say anything */
        return not_set_up(s, i, "web address for authUrl");
    if (cstr_blank(client))
        return not_set_up(s, i, "clientId");
    *url = arena_printf(s->arena, "%s%c%s", at, strchr(at, '?') != NULL ? '&' : '?',
                        oauth_form(s->arena, pairs, COUNT(pairs)));
    return OK;
}

static err scripted_url(scope *s, const integration_row *i, const credentials *c, const char *redirect_url,
                        const char *state, const char *verifier, const char **url)
{
    const char *scopes = shown(s, i, "scopes");
    json_t *input = json_object(), *value;
    err e;

    json_set_str(input, "scope", percent_encode(s->arena, str_of(scopes)));
    json_set_str(input, "redirectUrl", redirect_url);
    json_set_str(input, "state", state);
    json_set_str(input, "codeChallenge", challenge_of(s->arena, verifier));
    e = run_script(s, i, c, "authorizationCode", input, &value);
    if (e == ERR_DENIED) /* nobody has been asked yet: the integration is at fault */
        return fail_code(s, ERR_INVALID, "oauth.setup", i->id, "%s", scope_failure(s, e).text);
    TRY(e);
    *url = json_string_value(value);
    if (*url == NULL || (!cstr_starts(*url, "https://") && !cstr_starts(*url, "http://")))
        return fail_code(s, ERR_INVALID, "oauth.setup", i->id, "authorizationCode of %s did not return a web address",
                         i->name);
    return OK;
}

/* A client of the connection's own, registered for this redirect address. */
static err register_client(scope *s, const integration_row *i, credentials *c, const char *redirect_url)
{
    if (cstr_eq(json_get_str(c->client, "redirectUrl", NULL), redirect_url))
        return OK;
    json_object_del(c->client, "clientId");
    json_object_del(c->client, "clientSecret");
    TRY(oauth_register_client(s, i, redirect_url, shown(s, i, "scopes"), c->client));
    json_set_str(c->client, "redirectUrl", redirect_url);
    return connection_change(s, OWNED_BY_ANYONE, c->row->id,
                             &(connection_patch){.sealed_values = connection_seal(s->arena, c->values, c->client)});
}

err oauth_begin(scope *s, const integration_row *i, credentials *c, const char *redirect_url, const char **url)
{
    const char *state = random_text(s->arena), *verifier = random_text(s->arena);
    json_t *data = json_hold(s->arena, json_object());
    oauth_state_row row = {.state_hash = state_hash(s->arena, state),
                           .connection_id = c->row->id,
                           .user_id = c->row->owner_id,
                           .expires_at = clock_wall() + state_lifetime};

    if (cstr_eq(i->auth_type, "OAUTH_DCR"))
        TRY(register_client(s, i, c, redirect_url));
    if (shown(s, i, "authorizationCode") != NULL)
        TRY(scripted_url(s, i, c, redirect_url, state, verifier, url));
    else
        TRY(plain_url(s, i, c, redirect_url, state, verifier, url));
    json_set_str(data, "verifier", verifier);
    json_set_str(data, "redirect", redirect_url);
    row.sealed_data = seal_text(s->arena, json_text(s->arena, data));
    return oauth_state_insert(s, &row);
}

/* Tokens */

static int64_t expiry_of(const json_t *token)
{
    const json_t *v = json_object_get(token, "expires_in");
    double seconds = json_number_value(v);

    if (json_is_string(v) && !str_to_double(str_of(json_string_value(v)), &seconds))
        return 0;
    if (!(seconds > 0))
        return 0;
    return clock_wall() + (int64_t)(seconds > 1e9 ? 1e9 : seconds) * 1000000;
}

/* What a provider has given out is not there to be asked for again: the database gets several chances, and time of its own. */
static err store(scope *s, const char *id, const char *replaced, const json_t *token)
{
    scope *own = scope_new("oauth.store");
    const char *sealed = seal_text(own->arena, json_text(own->arena, token));
    err e = OK;

    scope_set_timeout(own, end_time);
    for (int i = 0; i < STORE_TRIES; i++) {
        e = connection_store_oauth(own, id, replaced, sealed, expiry_of(token));
        if (e == OK || e == ERR_CONFLICT || sleep_for(own, MILLISECONDS(200)) != OK)
            break;
    }
    if (e != OK)
        e = fail_from(s, own, e);
    scope_close(own);
    return e;
}

static err exchange(scope *s, const integration_row *i, const credentials *c, const char *code, const json_t *data,
                    json_t **token)
{
    const char *redirect = json_get_str(data, "redirect", NULL), *verifier = json_get_str(data, "verifier", NULL),
               *url = json_get_str(c->client, "tokenUrl", NULL);
    form_pair pairs[] = {{"grant_type", "authorization_code"},
                         {"code", code},
                         {"redirect_uri", redirect},
                         {"client_id", json_get_str(c->client, "clientId", NULL)},
                         {"client_secret", json_get_str(c->client, "clientSecret", NULL)},
                         {"code_verifier", verifier}};
    json_t *input;

    if (shown(s, i, "accessTokenCode") == NULL)
        return cstr_blank(url) ? not_set_up(s, i, "tokenUrl and no accessTokenCode")
                               : oauth_token_request(s, i, url, pairs, COUNT(pairs), token);
    input = json_object();
    json_set_str(input, "code", code);
    json_set_str(input, "redirectUrl", redirect);
    json_set_str(input, "codeVerifier", verifier);
    TRY(run_script(s, i, c, "accessTokenCode", input, token));
    return oauth_check_token(s, *token);
}

/* The end of a consent */

typedef struct {
    connection_row *row;
    integration_row *integration;
    json_t *data;
} consent;

static err take_consent(scope *s, const oauth_return *r, consent *out)
{
    oauth_state_row *state;
    char *text = NULL;

    if (cstr_blank(r->state))
        return fail(s, ERR_INVALID, "the address has no state");
    TRY(oauth_state_take(s, state_hash(s->arena, r->state), &state));
    if (r->user_id != NULL && !cstr_eq(r->user_id, state->user_id))
        return fail_code(s, ERR_DENIED, "oauth.user", NULL, "this connection was begun by another user");
    TRY(connection_find(s, OWNED_BY_ANYONE, NULL, state->connection_id, &out->row));
    TRY(integration_find(s, OWNED_BY_ANYONE, out->row->integration_id, &out->integration));
    TRY(seal_open(s->arena, state->sealed_data, &text));
    return json_parse(s->arena, text, strlen(text), NULL, &out->data);
}

err oauth_look(scope *s, const char *state, oauth_purpose *out)
{
    oauth_state_row *found;
    integration_row *i;
    connection_row *c;
    user_row *u;

    if (cstr_blank(state))
        return fail(s, ERR_INVALID, "the address has no state");
    TRY(oauth_state_find(s, state_hash(s->arena, state), &found));
    TRY(connection_find(s, OWNED_BY_ANYONE, NULL, found->connection_id, &c));
    TRY(integration_find(s, OWNED_BY_ANYONE, c->integration_id, &i));
    TRY(user_find(s, found->user_id, &u));
    *out = (oauth_purpose){.integration = i->name, .user = u->username};
    return OK;
}

static err refusal(scope *s, const oauth_return *r)
{
    if (r->error != NULL)
        return fail_code(
            s, ERR_DENIED, "oauth.refused", NULL, "%s",
            str_dup(s->arena,
                    utf8_prefix(str_of(!cstr_blank(r->error_description) ? r->error_description : r->error), 300)));
    return cstr_blank(r->code) ? fail(s, ERR_INVALID, "the address has no code") : OK;
}

/* Tests the new tokens and names the connection after what the test returned. */
static err prove(scope *s, const consent *k, const char **label)
{
    connection_patch p = {.status = "active", .error = ""};
    json_t *result = NULL;
    credentials c;
    err e;

    TRY(connection_change(s, OWNED_BY_ANYONE, k->row->id, &(connection_patch){.status = "testing"}));
    TRY(credentials_open(s, k->integration, k->row, &c));
    e = connection_test(s, k->integration, &c, &result);
    if (e == OK)
        p.label = *label = connection_label(s->arena, k->integration, result);
    if (e == ERR_DENIED) {
        p.status = "needs_reconnect";
        p.error = credentials_redact(s->arena, k->integration, &c, scope_failure(s, e).text);
    }
    TRY(connection_change(s, OWNED_BY_ANYONE, k->row->id, &p));
    if (e == ERR_DENIED)
        return fail_code(s, e, "connection.test", NULL, "%s", p.error);
    return e == ERR_UNSUPPORTED ? OK : e; /* nothing here can run the test */
}

static err complete(scope *s, const oauth_return *r, consent *k, const char **label)
{
    json_t *token = NULL, *all;
    credentials c;
    err e;

    TRY(credentials_open(s, k->integration, k->row, &c));
    e = refusal(s, r);
    if (e == OK)
        e = exchange(s, k->integration, &c, r->code, k->data, &token);
    if (e != OK) {
        const char *why = credentials_redact(s->arena, k->integration, &c, scope_failure(s, e).text);
        connection_patch p = {.status = cstr_eq(k->row->status, "pending") ? "needs_reconnect" : NULL, .error = why};

        if (connection_change(s, OWNED_BY_ANYONE, k->row->id, &p) != OK)
            log_warn("connection.not_marked", log_str("connection", k->row->id));
        return fail_code(s, e, "oauth.refused", NULL, "%s", why);
    }
    all = json_hold(s->arena, json_deep_copy(token));
    TRY(store(s, k->row->id, NULL, all));
    TRY(connection_find(s, OWNED_BY_ANYONE, NULL, k->row->id, &k->row));
    return prove(s, k, label);
}

err oauth_finish(scope *s, const oauth_return *r, oauth_result *out)
{
    scope *own = scope_new("oauth.finish");
    const char *label = NULL;
    consent k = {0};
    err e;

    *out = (oauth_result){0};
    scope_set_timeout(own, work_time);
    e = take_consent(own, r, &k);
    if (k.integration != NULL)
        out->integration = arena_strdup(s->arena, k.integration->name);
    if (e == OK)
        e = complete(own, r, &k, &label);
    if (k.row != NULL)
        out->label = arena_strdup(s->arena, label != NULL ? label : k.row->label);
    if (e != OK)
        e = fail_from(s, own, e);
    scope_close(own);
    return e;
}

/* Refreshing */

/* Also when the time for the refresh is over: the next one must not wait for the lease. */
static void end_lease(const connection_row *row, const char *status, const char *why)
{
    scope *own = scope_new("oauth.lease");

    scope_set_timeout(own, end_time);
    if (connection_end_lease(own, row->id, row->lease_until, row->version, status, why) != OK)
        log_warn("connection.lease_not_ended", log_str("connection", row->id));
    scope_close(own);
}

static err reconnect(scope *s, const connection_row *row, const char *why)
{
    end_lease(row, "needs_reconnect", why);
    log_info("connection.needs_reconnect", log_str("connection", row->id));
    return fail_code(s, ERR_CONFLICT, "connection.needs_reconnect", row->id,
                     "The connection %s must be connected again: %s", row->label, why);
}

static err ask_for_tokens(scope *s, const integration_row *i, const credentials *c, json_t **token)
{
    const char *refresh = json_get_str(c->token, "refresh_token", NULL),
               *url = json_get_str(c->client, "tokenUrl", NULL);
    form_pair pairs[] = {{"grant_type", "refresh_token"},
                         {"refresh_token", refresh},
                         {"client_id", json_get_str(c->client, "clientId", NULL)},
                         {"client_secret", json_get_str(c->client, "clientSecret", NULL)}};
    json_t *input;

    if (shown(s, i, "refreshTokenCode") == NULL) {
        if (cstr_blank(refresh))
            return fail_code(s, ERR_DENIED, "oauth.refused", NULL, "there is no refresh token");
        return cstr_blank(url)
                   ? fail_code(s, ERR_DENIED, "oauth.refused", NULL, "the integration cannot refresh tokens")
                   : oauth_token_request(s, i, url, pairs, COUNT(pairs), token);
    }
    input = json_object();
    json_set_str(input, "refresh_token", refresh);
    json_set_str(input, "refreshToken", refresh);
    TRY(run_script(s, i, c, "refreshTokenCode", input, token));
    return oauth_check_token(s, *token);
}

/* With the lease in hand.  Tokens that came by a new consent meanwhile are better than ours. */
static err exchange_tokens(scope *s, const integration_row *i, const connection_row *row, const credentials *c)
{
    json_t *token = NULL, *all;
    err e = ask_for_tokens(s, i, c, &token);

    if (e == ERR_DENIED)
        return reconnect(s, row, credentials_redact(s->arena, i, c, scope_failure(s, e).text));
    if (e != OK) { /* the provider is away: the tokens may still be good */
        const char *why = credentials_redact(s->arena, i, c, scope_failure(s, e).text);

        end_lease(row, "active", why);
        return fail(s, ERR_UPSTREAM, "The tokens of the connection %s could not be refreshed: %s", row->label, why);
    }
    all = json_hold(s->arena, json_deep_copy(c->token)); /* what the provider does not repeat stays */
    json_object_del(all, "expires_in");
    json_object_update(all, token);
    e = store(s, row->id, row->sealed_oauth, all);
    if (e != OK)
        end_lease(row, "active", NULL);
    return e == ERR_CONFLICT ? OK : e;
}

static err refresh(scope *s, const integration_row *i, connection_row *row)
{
    credentials c;
    err e = credentials_open(s, i, row, &c);

    if (e != OK) {
        end_lease(row, "active", NULL);
        return e;
    }
    return exchange_tokens(s, i, row, &c);
}

/* Until these tokens have been replaced, by us or somebody else. */
static err refresh_tokens(scope *s, const integration_row *i, const char *id, const char *sealed_oauth)
{
    for (;;) {
        connection_row *row = NULL;
        int64_t until = clock_wall() + lease_time;
        bool mine = false;

        TRY(connection_find(s, OWNED_BY_ANYONE, NULL, id, &row));
        if (!cstr_eq(row->sealed_oauth, sealed_oauth))
            return OK;
        if (cstr_eq(row->status, "needs_reconnect"))
            return fail_code(s, ERR_CONFLICT, "connection.needs_reconnect", id,
                             "The connection %s must be connected again", row->label);
        if (row->lease_until < clock_wall())
            TRY(connection_lease(s, id, row->version, until, &mine));
        if (mine) {
            row->lease_until = until;
            return refresh(s, i, row);
        }
        TRY(sleep_for(s, MILLISECONDS(30)));
    }
}

err oauth_refresh(scope *s, const integration_row *i, credentials *c)
{
    scope *own = scope_new("oauth.refresh");
    connection_row *row = NULL;
    err e;

    scope_set_timeout(own, work_time);
    e = refresh_tokens(own, i, c->row->id, c->row->sealed_oauth);
    if (e != OK)
        e = fail_from(s, own, e);
    scope_close(own);
    TRY(e);
    TRY(connection_find(s, OWNED_BY_ANYONE, NULL, c->row->id, &row));
    return credentials_open(s, i, row, c);
}
