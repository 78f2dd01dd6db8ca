/* SPDX-License-Identifier: MIT */
/* Where providers send people back to after a consent: a page that says how it ended (contracts/langdock.md section 4.3). */
#include "auth/authenticate.h"
#include "face/langdock/envelope.h"
#include "face/langdock/handlers.h"
#include "script/oauth.h"

static void put_escaped(buf *b, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            buf_puts(b, "&lt;");
            break;
        case '>':
            buf_puts(b, "&gt;");
            break;
        case '&':
            buf_puts(b, "&amp;");
            break;
        case '"':
            buf_puts(b, "&quot;");
            break;
        default:
            buf_putc(b, *text);
        }
    }
}

/* `link`: where the reader can go on, with what it says; NULL: nowhere. */
static err answer_page(request *rq, response *rs, int status, const char *title, const char *text, const char *link)
{
    buf *b = buf_new(rq->scope->arena, KIB(64));

    buf_puts(b, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>");
    put_escaped(b, title);
    buf_puts(b, "</title><body style=\"font-family:sans-serif;margin:4rem auto;max-width:32rem\"><h1>");
    put_escaped(b, title);
    buf_puts(b, "</h1><p>");
    put_escaped(b, text);
    if (link != NULL) {
        buf_puts(b, "</p><p><a href=\"");
        put_escaped(b, link);
        buf_puts(b, "\">Yes, connect</a>");
    }
    buf_puts(b, "</p></body></html>\n");
    reply_header(rs, "Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    reply_header(rs, "Referrer-Policy", "no-referrer"); /* the address has the code in it */
    reply_header(rs, "Cache-Control", "no-store");
    reply_header(rs, "X-Content-Type-Options", "nosniff");
    return reply_buf(rs, status, "text/html; charset=utf-8", b);
}

/* Who is logged in here, if anybody is. */
static const char *who_is_here(request *rq)
{
    const identity *who = NULL;

    return auth_identify(rq, AUTH_SESSION, &who) == OK && who != NULL ? who->user_id : NULL;
}

static err answer_failure(request *rq, response *rs, const char *what, err e)
{
    return answer_page(
        rq, rs, e == ERR_UPSTREAM || e == ERR_TIMEOUT ? 502 : 400, "Not connected",
        arena_printf(rq->scope->arena, "%s was not connected: %s.", what, scope_failure(rq->scope, e).text), NULL);
}

/* Nobody is logged in here: keys have no browser.  But the link of a consent can be sent to somebody else, whose account would then
 * be another's to use; so whoever comes back is told whose it will be.  Only the provider sends people here, to the bare
 * address, so the link on the page cannot be made by anybody who has not got the code. */
static err ask_first(request *rq, response *rs, const char *state)
{
    arena *a = rq->scope->arena;
    oauth_purpose purpose;
    err e = oauth_look(rq->scope, state, &purpose);

    if (e != OK)
        return answer_failure(rq, rs, "The integration", e);
    return answer_page(
        rq, rs, 200, arena_printf(a, "Connect %s?", purpose.integration),
        arena_printf(a,
                     "%s will be able to act with your account. Go on only if you began this yourself, as %s "
                     "on this server.",
                     purpose.user, purpose.user),
        arena_printf(a, "?confirm=yes&%s", rq->query));
}

/* GET /oauth/integrations/callback */
err dock_oauth_callback(request *rq, response *rs)
{
    oauth_return r = {.state = request_query(rq, "state"),
                      .code = request_query(rq, "code"),
                      .error = request_query(rq, "error"),
                      .error_description = request_query(rq, "error_description"),
                      .user_id = who_is_here(rq)};
    arena *a = rq->scope->arena;
    oauth_result done;
    const char *what;
    err e;

    if (r.user_id == NULL && r.error == NULL && request_query(rq, "confirm") == NULL)
        return ask_first(rq, rs, r.state);
    e = oauth_finish(rq->scope, &r, &done);
    what = done.integration != NULL ? done.integration : "The integration";
    if (e != OK)
        return answer_failure(rq, rs, what, e);
    return answer_page(rq, rs, 200, "Connected",
                       arena_printf(a, "%s is connected as \"%s\". You can close this page.", what, done.label), NULL);
}
