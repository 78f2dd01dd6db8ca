/* SPDX-License-Identifier: MIT */
/*
 * From a request to an identity: which credentials to look at, in which order, and the cache in front of the database.
 */
#include "auth/authenticate.h"

#include <sodium.h>

#include "auth/apikey.h"
#include "auth/auth.h"
#include "auth/cache.h"
#include "auth/csrf.h"
#include "auth/jws.h"
#include "auth/network.h"
#include "auth/scopes.h"
#include "auth/session.h"
#include "auth/token.h"
#include "base/clock.h"

enum { KEY_TEXT_MAX = 512, PROXY_NAME_MAX = 128 };

#define NOTE_USES_AFTER MINUTES(1)

/* What the rows behind a credential say. */
typedef struct {
    identity who;
    int64_t ends, renew_at;
} loaded;

static const char *or_else(const char *text, const char *fallback)
{
    return text != NULL && text[0] != '\0' ? text : fallback;
}

identity identity_of_user(const user_row *u)
{
    return (identity){.user_id = u->id,
                      .username = u->username,
                      .nickname = or_else(u->nickname, u->username),
                      .email = or_else(u->email, ""),
                      .phone = or_else(u->phone, ""),
                      .avatar_url = or_else(u->avatar_url, ""),
                      .role = or_else(u->role, "user"),
                      .admin = user_is_admin(u),
                      .via = VIA_TOKEN};
}

static err load_token(scope *s, str text, loaded *out)
{
    token_claims claims;
    user_row *u;

    TRY(token_read(s, text, TOKEN_ACCESS, clock_wall() / 1000000, &claims));
    TRY(token_user(s, &claims, &u));
    out->who = identity_of_user(u);
    out->who.expires = claims.expires;
    if (MUL_OVERFLOWS(claims.expires, (int64_t)1000000, &out->ends))
        out->ends = INT64_MAX;
    return OK;
}

static err load_session(scope *s, const char *hash, loaded *out)
{
    web_session_row *w;
    user_row *u;

    TRY(session_find_usable(s, hash, &w, &u));
    out->who = identity_of_user(u);
    out->who.via = VIA_SESSION;
    out->ends = w->expires_at;
    out->renew_at = w->expires_at - SESSION_LIFETIME + SESSION_RENEW_AFTER;
    return OK;
}

/* "*" means no limit; a missing list means nothing at all. */
static const char *unless_all(const char *list)
{
    if (list == NULL)
        return "";
    return scopes_cover(list, "*") ? NULL : list;
}

static err load_key(scope *s, const char *hash, loaded *out)
{
    api_key_row *k;
    user_row *u;

    TRY(apikey_find_usable(s, hash, &k, &u));
    out->who = identity_of_user(u);
    out->who.via = VIA_KEY;
    out->who.key_id = k->id;
    out->who.scopes = unless_all(k->scopes);
    out->who.faces = unless_all(k->faces);
    out->ends = k->expires_at;
    return OK;
}

static err load(scope *s, credential_kind kind, str text, const char *hash, loaded *out)
{
    switch (kind) {
    case CREDENTIAL_TOKEN:
        return load_token(s, text, out);
    case CREDENTIAL_SESSION:
        return load_session(s, hash, out);
    case CREDENTIAL_KEY:
        return load_key(s, hash, out);
    }
    return fail(s, ERR_INTERNAL, "no such kind of credential");
}

static void note_evicted(const credential *old)
{
    if (old->kind == CREDENTIAL_KEY && old->uses > 0)
        apikey_note_uses(old->who->key_id, old->uses, clock_wall());
}

/* The first use is written down at once, later ones together once a minute. */
static void count_use(credential *c, int64_t mono, int64_t wall)
{
    c->uses++;
    if (c->noted_at != 0 && mono - c->noted_at < NOTE_USES_AFTER)
        return;
    apikey_note_uses(c->who->key_id, c->uses, wall);
    c->uses = 0;
    c->noted_at = mono;
}

/* Good credentials come from the cache; the others from the database, into the cache. */
static err find_credential(scope *s, credential_kind kind, str text, const unsigned char *digest, const char *hash,
                           credential **out)
{
    int64_t mono = clock_mono();
    credential *c = cache_find(digest, kind, mono, clock_wall());
    uint64_t version;
    loaded l = {0};

    if (c == NULL) {
        version = cache_version(kind);
        TRY(load(s, kind, text, hash, &l));
        c = cache_put(digest, kind, &l.who, l.ends, version, mono, note_evicted);
        c->renew_at = l.renew_at;
    }
    *out = c;
    return OK;
}

static err identify(request *rq, credential_kind kind, str text, const identity **out)
{
    scope *s = rq->scope;
    unsigned char digest[DIGEST_SIZE];
    char hash[2 * DIGEST_SIZE + 1];
    int64_t wall = clock_wall();
    credential *c;
    identity *who;

    crypto_hash_sha256(digest, (const unsigned char *)text.p, text.len);
    hex_encode(digest, sizeof(digest), hash);
    TRY(find_credential(s, kind, text, digest, hash, &c));
    who = identity_copy(s->arena, c->who);
    if (kind == CREDENTIAL_KEY)
        count_use(c, clock_mono(), wall);
    if (kind == CREDENTIAL_SESSION && c->renew_at <= wall) {
        c->renew_at =
            wall + SESSION_RENEW_AFTER; /* the other requests of this moment need not; `c` is void when it parks */
        who->set_cookie = session_renew(s, hash, str_dup(s->arena, text));
    }
    *out = who;
    return OK;
}

static err unauthorized(request *rq)
{
    return fail_code(rq->scope, ERR_UNAUTHENTICATED, "auth.unauthorized", NULL, "missing credentials");
}

static err identify_key(request *rq, str text, unsigned accepted, const identity **out)
{
    static const struct {
        unsigned flag;
        const char *name;
    } faces[] = {{AUTH_ON_SAGE, "sage"},
                 {AUTH_ON_LANGBOT, "langbot"},
                 {AUTH_ON_LANGFLOW, "langflow"},
                 {AUTH_ON_LANGDOCK, "langdock"}};
    const identity *who;

    if (text.len > KEY_TEXT_MAX)
        return fail_code(rq->scope, ERR_UNAUTHENTICATED, "auth.key_invalid", NULL, "invalid API key");
    TRY(identify(rq, CREDENTIAL_KEY, text, &who));
    for (size_t i = 0; i < COUNT(faces); i++)
        if ((accepted & faces[i].flag) && !identity_on_face(who, faces[i].name))
            return fail_code(rq->scope, ERR_DENIED, "auth.key_face", faces[i].name,
                             "this API key is not for the %s API", faces[i].name);
    *out = who;
    return OK;
}

static err check_csrf(request *rq)
{
    csrf_facts facts = csrf_facts_of(rq);

    if (csrf_permits(&facts, auth_settings()->trusted_origins))
        return OK;
    return fail_code(rq->scope, ERR_DENIED, "auth.csrf", NULL,
                     "a write with a session cookie must come from this site's own pages");
}

/* Each source: ERR_NOT_FOUND when the request carries no such credential, OK or why it is bad. */

static err from_key_header(request *rq, unsigned accepted, const identity **out)
{
    const char *key = request_header(rq, "X-API-Key");

    return key == NULL || key[0] == '\0' ? ERR_NOT_FOUND : identify_key(rq, str_of(key), accepted, out);
}

static err from_key_query(request *rq, unsigned accepted, const identity **out)
{
    const char *key = request_query(rq, "x-api-key");

    return key == NULL || key[0] == '\0' ? ERR_NOT_FOUND : identify_key(rq, str_of(key), accepted, out);
}

/* The credential of an Authorization header; false when there is none that `accepted` covers. */
static bool bearer_text(const request *rq, unsigned accepted, str *out)
{
    const char *header = request_header(rq, "Authorization");
    str value = str_trim(str_of(header));
    str word = {value.p, MIN_OF(value.len, (size_t)7)};

    if (str_is_nocase(word, "Bearer "))
        *out = str_trim((str){value.p + 7, value.len - 7});
    else if ((accepted & AUTH_BARE_TOKEN) && !str_is_nocase(value, "Bearer"))
        *out = value;
    else
        return false;
    return out->len > 0;
}

static err from_authorization(request *rq, unsigned accepted, const identity **out)
{
    str text;
    err e = ERR_NOT_FOUND;

    if (!bearer_text(rq, accepted, &text))
        return ERR_NOT_FOUND;
    if ((accepted & AUTH_BEARER_TOKEN) && (jws_looks_like(text) || !(accepted & AUTH_BEARER_KEY)))
        return identify(rq, CREDENTIAL_TOKEN, text, out);
    if (accepted & AUTH_BEARER_KEY)
        e = identify_key(rq, text, accepted, out);
    return e;
}

static err from_token_cookie(request *rq, unsigned accepted, const identity **out)
{
    const char *header = request_header(rq, "Cookie");
    const char *token = header != NULL ? http_cookie(rq->scope->arena, header, "access_token_lf") : NULL;

    (void)accepted;
    if (token == NULL || token[0] == '\0')
        return ERR_NOT_FOUND;
    TRY(identify(rq, CREDENTIAL_TOKEN, str_of(token), out));
    return check_csrf(rq);
}

static err from_session(request *rq, unsigned accepted, const identity **out)
{
    const char *value = session_value(rq);

    (void)accepted;
    if (value == NULL)
        return ERR_NOT_FOUND;
    TRY(identify(rq, CREDENTIAL_SESSION, str_of(value), out));
    return check_csrf(rq);
}

/* The peer's word counts only when it is one of the configured proxies.  There is no row behind such a user. */
static err from_proxy(request *rq, unsigned accepted, const identity **out)
{
    const char *header = request_header(rq, "X-Sage-Internal-UserId");
    csrf_facts facts = csrf_facts_of(rq);
    const char *name;
    identity *who;

    (void)accepted;
    if (cstr_blank(header) || !networks_hold(auth_settings()->identity_proxies, rq->peer))
        return ERR_NOT_FOUND;
    if (csrf_cross_site(&facts, auth_settings()->trusted_origins)) /* the proxy's own login may be a cookie too */
        TRY(check_csrf(rq));
    name = str_dup(rq->scope->arena, str_trim(str_of(header)));
    if (strlen(name) > PROXY_NAME_MAX)
        return unauthorized(rq);
    who = arena_one(rq->scope->arena, identity);
    *who = (identity){.user_id = name,
                      .username = name,
                      .nickname = name,
                      .email = "",
                      .phone = "",
                      .avatar_url = "",
                      .role = "user",
                      .via = VIA_PROXY};
    *out = who;
    return OK;
}

err auth_identify(request *rq, unsigned accepted, const identity **out)
{
    static const struct {
        unsigned needs; /* all of these flags … */
        unsigned one;   /* … and one of these */
        err (*find)(request *rq, unsigned accepted, const identity **out);
    } sources[] = {
        {AUTH_KEY_DECIDES, AUTH_KEY_HEADER, from_key_header},
        {0, AUTH_BEARER_TOKEN | AUTH_BEARER_KEY, from_authorization},
        {0, AUTH_TOKEN_COOKIE, from_token_cookie},
        {0, AUTH_KEY_QUERY, from_key_query},
        {0, AUTH_KEY_HEADER, from_key_header},
        {0, AUTH_SESSION, from_session},
        {0, AUTH_PROXY, from_proxy},
    };
    scope *s = rq->scope;
    failure first = {0};
    const identity *found;

    for (size_t i = 0; i < COUNT(sources); i++) {
        err e;

        if ((accepted & sources[i].needs) != sources[i].needs || !(accepted & sources[i].one))
            continue;
        e = sources[i].find(rq, accepted, &found);
        if (e == OK) {
            *out = found;
            return OK;
        }
        if (e == ERR_NOT_FOUND)
            continue;
        if (!(accepted & AUTH_LENIENT) || (e != ERR_UNAUTHENTICATED && e != ERR_DENIED))
            return e;
        if (first.e == OK)
            first = scope_failure(s, e);
    }
    return first.e != OK ? fail_code(s, first.e, first.code, first.subject, "%s", first.text) : unauthorized(rq);
}
