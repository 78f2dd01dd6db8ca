/* SPDX-License-Identifier: MIT */
/* The Sage face behind a server: cross-origin pages, roles, sessions that are extended; see face/sage/access.c and cors.c. */
#include <stdio.h>

#include "auth/apikey.h"
#include "auth/session.h"
#include "auth/token.h"
#include "auth/world.h"
#include "face/sage/routes.h"
#include "model/web_session.h"
#include "net/client.h"
#include "net/server.h"

typedef struct {
    server *sv;
    router *routes;
    scope *running;
    int port;
} site;

static err serve(scope *s, void *sv)
{
    return server_serve(s, sv, SECONDS(1));
}

static site site_start(scope *s)
{
    static const face_mount mounts[] = {{"/", &sage_face}};
    site at = {.routes = router_new(mounts, COUNT(mounts)), .running = scope_child(s, NO_LIMIT)};
    char why[256];

    router_log_requests(at.routes, false);
    at.sv = server_new(router_serve, at.routes, &server_default_limits);
    CHECK(server_listen(at.sv, "127.0.0.1:0", NULL, &at.port, why, sizeof(why)) == OK, "%s", why);
    scope_spawn(at.running, serve, at.sv);
    return at;
}

static void site_stop(site *at)
{
    scope_close(at->running);
    server_free(at->sv);
    router_free(at->routes);
}

/* Headers are "Name: value" one a line. */
static http_head ask(scope *s, const site *at, http_method method, const char *path, const char *headers,
                     const char *body, str *answer)
{
    const request *lines = world_request(s, method, headers);
    http_call call = {.method = method,
                      .url = arena_printf(s->arena, "http://127.0.0.1:%d%s", at->port, path),
                      .headers = lines->headers.items,
                      .n_headers = lines->headers.count,
                      .body = body,
                      .body_len = body != NULL ? strlen(body) : 0,
                      .guard = GUARD_ANY};
    http_head head;
    str unused;

    CHECK(http_fetch(s, &call, &head, answer != NULL ? answer : &unused) == OK, "%s: %s", path, s->failure.text);
    return head;
}

static void load_settings(const setting_given *flags, size_t n)
{
    char why[512];

    CHECK(settings_load(&(settings_sources){.flags = flags, .n_flags = n}, why, sizeof(why)) == OK, "%s", why);
}

static const char *header_of(const http_head *head, const char *name)
{
    return http_headers_get(&head->headers, name);
}

ENGINE_TEST(listed_origins_may_send_cookies_and_others_hear_nothing)
{
    static const setting_given flags[] = {{"cors.origins", "https://app.example, https://b.example"},
                                          {"cors.credentials", "yes"},
                                          {"cors.methods", "GET, POST"},
                                          {"cors.headers", "X-One"},
                                          {"cors.expose_headers", "X-Request-ID"}};
    http_head head;
    site at;
    str body;

    load_settings(flags, COUNT(flags));
    world_setup();
    at = site_start(s);
    head = ask(s, &at, GET, "/api/health", "Origin: https://app.example", NULL, NULL);
    CHECK_STR(header_of(&head, "Access-Control-Allow-Origin"), "https://app.example");
    CHECK_STR(header_of(&head, "Access-Control-Allow-Credentials"), "true");
    CHECK_STR(header_of(&head, "Access-Control-Expose-Headers"), "X-Request-ID");
    CHECK_STR(header_of(&head, "Vary"), "Origin");
    head = ask(s, &at, GET, "/api/health", "Origin: https://evil.example", NULL, NULL);
    CHECK_INT(head.status, 200);
    CHECK_STR(header_of(&head, "Access-Control-Allow-Origin"), NULL);

    head = ask(s, &at, OPTIONS, "/api/agent/list",
               "Origin: https://b.example\nAccess-Control-Request-Method: POST\n"
               "Access-Control-Request-Headers: x-one, Content-Type",
               NULL, &body);
    CHECK_INT(head.status, 200);
    CHECK_STR(header_of(&head, "Access-Control-Allow-Methods"), "GET, POST");
    CHECK_STR(header_of(&head, "Access-Control-Allow-Headers"), "X-One");
    head = ask(
        s, &at, OPTIONS, "/api/agent/list",
        "Origin: https://evil.example\nAccess-Control-Request-Method: DELETE\nAccess-Control-Request-Headers: x-two",
        NULL, &body);
    CHECK_INT(head.status, 400);
    CHECK_STR(body.p, "Disallowed CORS origin, method, headers");
    CHECK_STR(header_of(&head, "Access-Control-Allow-Origin"), NULL);
    site_stop(&at);
    load_settings(NULL, 0);
}

ENGINE_TEST(what_is_for_administrators_answers_others_with_a_code_of_its_own)
{
    static const char allow[] = "{\"allow_registration\":true}";
    user_row *u;
    http_head head;
    const char *headers;
    site at;
    str body;

    world_setup();
    at = site_start(s);
    u = world_user(s, "mira");
    headers = arena_printf(s->arena, "Content-Type: application/json\nAccept-Language: en\nAuthorization: Bearer %s",
                           token_sage_access(s->arena, u, token_expiry(60)));
    head = ask(s, &at, POST, "/api/system/update_settings", headers, allow, &body);
    CHECK_INT(head.status, 200);
    CHECK(cstr_starts(body.p, "{\"code\":403,\"message\":\"Permission denied\",\"data\":null,\"timestamp\":"), "%s",
          body.p);
    (void)ask(s, &at, GET, "/api/system/info", "", NULL, &body);
    CHECK(strstr(body.p, "\"allow_registration\":false") != NULL, "nothing changed: %s", body.p);

    u->role = "admin";
    CHECK(user_update(s, u) == OK, "promoted");
    head = ask(s, &at, POST, "/api/system/update_settings", headers, "{\"allow_registration\":1}", &body);
    CHECK_INT(head.status, 422);
    (void)ask(s, &at, POST, "/api/system/update_settings", headers, allow, &body);
    CHECK(cstr_starts(body.p, "{\"code\":200,\"message\":\"System settings updated\",\"data\":{},"), "%s", body.p);
    (void)ask(s, &at, GET, "/api/system/info", "", NULL, &body);
    CHECK(strstr(body.p, "\"allow_registration\":true") != NULL, "%s", body.p);
    site_stop(&at);
}

ENGINE_TEST(guests_are_let_in_only_where_the_settings_say_so)
{
    static const setting_given closed[] = {{"auth.anonymous", "no"}};
    static const struct {
        http_method method;
        const char *path, *body;
        int open, closed; /* status by setting; what is open goes on to the check of the request */
    } cases[] = {
        {POST, "/api/chat", "{}", 422, 401},       {POST, "/api/stream", "{}", 422, 401},
        {GET, "/api/chat", NULL, 405, 401},        {GET, "/api/share/conversations/none/messages", NULL, 404, 401},
        {POST, "/api/web-stream", "{}", 401, 401}, {GET, "/api/health", NULL, 200, 200},
        {GET, "/api/system/info", NULL, 200, 200}, {POST, "/api/auth/login", "{}", 422, 422},
    };
    const char *token;
    site at;

    world_setup();
    at = site_start(s);
    token = arena_printf(s->arena, "Content-Type: application/json\nAuthorization: Bearer %s",
                         token_sage_access(s->arena, world_user(s, "mira"), token_expiry(60)));
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *type = "Content-Type: application/json", *path = cases[i].path;

        load_settings(NULL, 0);
        CHECK_INT(ask(s, &at, cases[i].method, path, type, cases[i].body, NULL).status, cases[i].open);
        load_settings(closed, COUNT(closed));
        CHECK_INT(ask(s, &at, cases[i].method, path, type, cases[i].body, NULL).status, cases[i].closed);
        CHECK(ask(s, &at, cases[i].method, path, token, cases[i].body, NULL).status != 401, "%s", path);
    }
    site_stop(&at);
    load_settings(NULL, 0);
}

ENGINE_TEST(a_session_that_is_extended_sends_its_cookie_with_whatever_is_answered)
{
    char *set_cookie;
    const char *value, *cookie;
    http_head head;
    site at;

    world_setup();
    at = site_start(s);
    CHECK(session_begin(s, world_user(s, "mira")->id, &set_cookie) == OK, "begun");
    value = arena_strndup(s->arena, set_cookie + strlen("sage_session="), 43);
    cookie = arena_printf(s->arena, "Cookie: sage_session=%s", value);
    head = ask(s, &at, GET, "/api/auth/providers", cookie, NULL, NULL);
    CHECK_STR(header_of(&head, "Set-Cookie"), NULL);
    CHECK(web_session_extend(s, apikey_hash(s->arena, str_of(value)),
                             clock_wall() + SESSION_LIFETIME - 2 * SESSION_RENEW_AFTER) == OK,
          "aged by two hours");
    head = ask(s, &at, GET, "/api/no/such/path", cookie, NULL, NULL);
    CHECK_INT(head.status, 404);
    CHECK_STR(header_of(&head, "Set-Cookie"), set_cookie);
    site_stop(&at);
}

ENGINE_TEST(a_cookie_that_may_not_vouch_leaves_an_open_route_open_and_a_closed_one_closed)
{
    char *set_cookie;
    const char *headers;
    http_head head;
    site at;
    str body;

    world_setup();
    at = site_start(s);
    CHECK(session_begin(s, world_user(s, "mira")->id, &set_cookie) == OK, "begun");
    headers = arena_printf(
        s->arena, "Origin: https://evil.example\nAccept-Language: en\nContent-Type: application/json\nCookie: %.*s",
        (int)strcspn(set_cookie, ";"), set_cookie);
    head = ask(s, &at, POST, "/api/auth/logout", headers, "{}", &body);
    CHECK_INT(head.status, 403);
    CHECK(cstr_starts(body.p, "{\"success\":false,\"code\":403,\"message\":\"Cross-site request refused\","), "%s",
          body.p);
    head = ask(s, &at, POST, "/api/auth/login", headers, "{}", &body);
    CHECK_INT(head.status, 422);
    site_stop(&at);
}
