/* SPDX-License-Identifier: MIT */
/* Tests of script/host.c: requests of scripts against a server of this test. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fake_server.h"
#include "net/guard.h"
#include "fixture.h"
#include "rt/fiber.h"
#include "rt/sleep.h"

static int port, other_port;

/* Says on the second server what arrived there. */
static bool echo(fake_conn *c, const fake_request *rq, void *arg)
{
    char text[4096];
    const char *const names[] = {"Authorization", "Cookie",     "X-Api-Key",       "X-Plain",   "Content-Type",
                                 "Host",          "Connection", "Accept-Encoding", "User-Agent"};
    int n = snprintf(text, sizeof text, "%s %s", rq->method, rq->path);

    (void)arg;
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = fake_header(rq, names[i]);

        if (value != NULL)
            n += snprintf(text + n, sizeof text - (size_t)n, "\n%s: %s", names[i], value);
    }
    snprintf(text + n, sizeof text - (size_t)n, "\n\n%.*s", (int)MIN_OF(rq->body_len, (size_t)1000), rq->body);
    return fake_reply(c, 200, "text/plain", text);
}

/* A gzip of "packed". */
static const unsigned char packed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0x48, 0x4c,
                                       0xce, 0x4e, 0x4d, 0x01, 0x00, 0x10, 0xb4, 0xf6, 0x21, 0x06, 0x00, 0x00, 0x00};

static bool large(fake_conn *c)
{
    static const char block[1 << 20];
    bool well = fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 8 << 20);

    for (int i = 0; i < 8 && well; i++)
        well = fake_write(c, block, sizeof block);
    return well;
}

static bool endless(fake_conn *c)
{
    static const char block[16384];

    if (!fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"))
        return false;
    while (fake_write(c, block, sizeof block))
        ;
    return false;
}

/* Begins with some of a long body, and says no more. */
static bool stalls(fake_conn *c)
{
    static const char block[300000];

    if (!fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n") || !fake_write(c, block, sizeof block))
        return false;
    fake_sleep_ms(3000);
    return false;
}

static bool serve(fake_conn *c, const fake_request *rq, void *arg)
{
    int status, hops;

    if (sscanf(rq->path, "/redirect/%d", &status) == 1)
        return fake_printf(c, "HTTP/1.1 %d X\r\nLocation: /landed\r\nContent-Length: 0\r\n\r\n", status);
    if (sscanf(rq->path, "/hops/%d", &hops) == 1 && hops > 0)
        return fake_printf(c, "HTTP/1.1 302 X\r\nLocation: %d\r\nContent-Length: 0\r\n\r\n", hops - 1);
    if (strcmp(rq->path, "/away") == 0)
        return fake_printf(c, "HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:%d/there\r\nContent-Length: 0\r\n\r\n",
                           other_port);
    if (strcmp(rq->path, "/to-localhost") == 0)
        return fake_printf(c, "HTTP/1.1 302 X\r\nLocation: http://localhost:%d/\r\nContent-Length: 0\r\n\r\n",
                           other_port);
    /* From now on this machine is out of bounds, as it would be if the first answer had come from a public address. */
    if (strcmp(rq->path, "/public/away") == 0) {
        guard_allow_private(false);
        return fake_printf(c, "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
                           other_port);
    }
    if (strcmp(rq->path, "/public") == 0) {
        guard_allow_private(false);
        return fake_printf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok") && false;
    }
    if (strcmp(rq->path, "/to-file") == 0)
        return fake_printf(c, "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
    if (sscanf(rq->path, "/status/%d", &status) == 1)
        return fake_reply(c, status, "application/json", "{\"status\":true}");
    if (strcmp(rq->path, "/gzip") == 0)
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                           sizeof packed) &&
               fake_write(c, packed, sizeof packed);
    if (strcmp(rq->path, "/name") == 0)
        return fake_printf(
            c, "HTTP/1.1 200 OK\r\nX-Latin: M\xfcller\r\nX-Utf8: M\u00fcller\r\nContent-Length: %zu\r\n\r\nX-Plain: %s",
            strlen("X-Plain: ") + strlen(fake_header(rq, "X-Plain")), fake_header(rq, "X-Plain"));
    if (strcmp(rq->path, "/endless") == 0)
        return endless(c);
    if (strcmp(rq->path, "/stalls") == 0)
        return stalls(c);
    if (strcmp(rq->path, "/large") == 0)
        return large(c);
    if (strcmp(rq->path, "/slow") == 0)
        fake_sleep_ms(30000);
    if (strcmp(rq->path, "/breaks") == 0)
        return fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort") && false;
    return echo(c, rq, arg);
}

/* With BASE and OTHER in it, as "http://127.0.0.1:PORT". */
static const char *with_base(scope *s, const char *code)
{
    return arena_printf(s->arena, "const BASE = 'http://127.0.0.1:%d', OTHER = 'http://127.0.0.1:%d'; %s", port,
                        other_port, code);
}

static script_outcome run_of(scope *s, const char *code)
{
    script_job job = {.name = "test", .code = str_of(with_base(s, code)), .private_ok = true};

    return fixture_run_job(s, &job);
}

static const char *text_of(scope *s, const char *code)
{
    script_outcome out = run_of(s, code);

    CHECK(out.status == SCRIPT_DONE, "%s: %s", code, out.message);
    return json_is_string(out.value) ? json_string_value(out.value) : json_text(s->arena, out.value);
}

#define SERVERS_OR_SKIP(...)                                                                                           \
    do {                                                                                                               \
        RUNNER_OR_SKIP(__VA_ARGS__);                                                                                   \
        port = fake_server_start(serve, NULL);                                                                         \
        other_port = fake_server_start(echo, NULL);                                                                    \
    } while (0)

static size_t most_fibers;

/* Looks now and then, until its scope ends. */
static err count_fibers(scope *s, void *unused)
{
    (void)unused;
    while (sleep_for(s, MILLISECONDS(5)) == OK)
        most_fibers = MAX_OF(most_fibers, fiber_count());
    return OK;
}

#define HAS(text, part) CHECK(strstr((text), (part)) != NULL, "%s", (text))
#define LACKS(text, part) CHECK(strstr((text), (part)) == NULL, "%s", (text))

FIBER_TEST(a_request_goes_out_as_the_script_wants_it)
{
    const char *got;
    script_outcome out;

    SERVERS_OR_SKIP(0);
    got = text_of(
        s,
        "return (await fetch(BASE + '/a?b=1#c', {method: 'PUT', headers: {'X-Plain': 'p', Authorization: 'Bearer t'}, "
        "body: 'the body'})).text()");
    HAS(got, "PUT /a?b=1\n");
    HAS(got, "X-Plain: p");
    HAS(got, "Authorization: Bearer t");
    HAS(got, "\n\nthe body");
    out = run_of(s,
                 "const r = await fetch(BASE + '/status/404'); return [r.status, r.ok, r.headers.get('Content-Type')]");
    CHECK_STR(json_text(s->arena, out.value), "[404,false,\"application/json\"]");
    CHECK_INT(out.requests, 1);
    CHECK(!out.unauthorized, "no 401");
}

FIBER_TEST(every_method_word_can_be_sent_and_tunnels_cannot)
{
    static const char *const methods[] = {"PROPFIND", "REPORT", "MKCOL", "DELETE", "PATCH", "OPTIONS"};
    char code[256];

    SERVERS_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(methods); i++) {
        snprintf(code, sizeof code, "return (await ld.request({url: BASE + '/m', method: '%s', body: '<x/>'})).text",
                 methods[i]);
        HAS(text_of(s, code), arena_printf(s->arena, "%s /m\n", methods[i]));
    }
    CHECK_INT(run_of(s, "await ld.request({url: BASE, method: 'CONNECT'})").status, SCRIPT_THREW);
    CHECK_INT(run_of(s, "await ld.request({url: BASE, method: 'TRACE'})").status, SCRIPT_THREW);
    CHECK_INT(run_of(s, "await ld.request({url: BASE, method: 'GET / HTTP/1.1\\r\\nX: y'})").status, SCRIPT_THREW);
}

FIBER_TEST(headers_of_the_connection_stay_the_servers_and_injection_is_refused)
{
    const char *got;

    SERVERS_OR_SKIP(0);
    got = text_of(
        s, "return (await ld.request({url: BASE + '/h', method: 'POST', body: 'four', headers: {"
           "'Content-Length': '999', 'Transfer-Encoding': 'chunked', Connection: 'upgrade', 'X-Plain': 'p'}})).text");
    HAS(got, "Host: 127.0.0.1");
    HAS(got, "X-Plain: p");
    LACKS(got, "upgrade");
    HAS(got, "\n\nfour");
    CHECK_INT(run_of(s, "await ld.request({url: BASE, headers: {'X-A': 'b\\r\\nX-C: d'}})").status, SCRIPT_THREW);
    CHECK_INT(run_of(s, "await ld.request({url: BASE, headers: {'X A': 'b'}})").status, SCRIPT_THREW);
}

FIBER_TEST(header_values_beyond_ascii_are_bytes_as_in_the_fetch_standard)
{
    SERVERS_OR_SKIP(0);
    CHECK_STR(
        text_of(s, "const r = await fetch(BASE + '/name', {headers: {'X-Plain': 'M\u00fcller'}});\n"
                   "return [r.headers.get('x-latin'), r.headers.get('x-utf8'),\n"
                   "        Buffer.from(await r.arrayBuffer()).toString('latin1').includes('X-Plain: M\u00fcller')]"),
        "[\"M\u00fcller\",\"M\u00fcller\",true]");
}

/* The prelude refuses these, but what it does is not relied upon. */
FIBER_TEST(credentials_of_an_address_become_a_header_that_stays_with_its_origin)
{
    script_job job = {.name = "test", .private_ok = true};

    SERVERS_OR_SKIP(.runner = getenv("FAKE_RUNNER"));
    job.code = str_of(arena_printf(s->arena, "ask http://user:p%%40ss@127.0.0.1:%d/u", port));
    CHECK_STR(fixture_value_of(s, &job), "\"sent\"");
    job.code = str_of(arena_printf(s->arena, "ask http://user:p%%40ss@127.0.0.1:%d/redirect/302", port));
    CHECK_STR(fixture_value_of(s, &job), "\"sent\"");
    job.code = str_of(arena_printf(s->arena, "ask http://user:p%%40ss@127.0.0.1:%d/away", port));
    CHECK_STR(fixture_value_of(s, &job), "\"not sent\"");
}

FIBER_TEST(bodies_come_decoded)
{
    SERVERS_OR_SKIP(0);
    CHECK_STR(
        text_of(s, "const r = await fetch(BASE + '/gzip'); return await r.text() + r.headers.get('content-encoding')"),
        "packednull");
}

FIBER_TEST(redirects_are_followed_as_fetch_does)
{
    static const struct {
        int status;
        const char *method, *then;
    } cases[] = {{301, "POST", "GET"}, {302, "POST", "GET"}, {303, "PUT", "GET"}, {307, "POST", "POST"},
                 {308, "PUT", "PUT"},  {301, "PUT", "PUT"},  {302, "GET", "GET"}};
    char code[256];

    SERVERS_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got;

        snprintf(
            code, sizeof code,
            "return (await fetch(BASE + '/redirect/%d', {method: '%s', %s headers: {'Content-Type': 'a/b'}})).text()",
            cases[i].status, cases[i].method, strcmp(cases[i].method, "GET") == 0 ? "" : "body: 'payload',");
        got = text_of(s, code);
        HAS(got, arena_printf(s->arena, "%s /landed\n", cases[i].then));
        if (strcmp(cases[i].method, cases[i].then) != 0) {
            LACKS(got, "payload");
            LACKS(got, "Content-Type");
        } else if (strcmp(cases[i].method, "GET") != 0) {
            HAS(got, "payload");
        }
    }
}

FIBER_TEST(at_most_five_redirects_are_followed)
{
    script_outcome out;

    SERVERS_OR_SKIP(0);
    HAS(text_of(s, "return (await fetch(BASE + '/hops/5')).text()"), "GET /hops/0");
    out = run_of(s, "await fetch(BASE + '/hops/6')");
    CHECK_INT(out.status, SCRIPT_THREW);
    HAS(out.message, "redirects");
}

FIBER_TEST(credentials_do_not_follow_to_another_origin)
{
    const char *got;

    SERVERS_OR_SKIP(0);
    got = text_of(
        s, "return (await fetch(BASE + '/away', {headers: {Authorization: 'Bearer t', Cookie: 'a=b', 'X-Api-Key': 'k', "
           "'X-Plain': 'p'}})).text()");
    HAS(got, "GET /there\n");
    HAS(got, "X-Plain: p");
    LACKS(got, "Bearer");
    LACKS(got, "a=b");
    LACKS(got, "X-Api-Key");
    HAS(text_of(s, "return (await fetch(BASE + '/redirect/302', {headers: {Authorization: 'Bearer t'}})).text()"),
        "Bearer t");
}

FIBER_TEST(only_listed_hosts_are_called_and_redirects_are_held_to_the_list)
{
    static const char *const only[] = {"api.example.org", "*.example.com"};
    static const char *const here[] = {"127.0.0.1"};
    script_job job = {.name = "test", .private_ok = true, .hosts = only, .n_hosts = 2};
    script_outcome out;

    SERVERS_OR_SKIP(0);
    job.code = str_of(with_base(s, "await fetch(BASE)"));
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_THREW);
    HAS(out.message, "127.0.0.1 is not among the hosts");
    CHECK_INT(out.requests, 0);
    job.hosts = here;
    job.n_hosts = 1;
    CHECK_INT(fixture_run_job(s, &job).status, SCRIPT_DONE);
    job.code = str_of(with_base(s, "await fetch(BASE + '/to-localhost')"));
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_THREW);
    HAS(out.message, "localhost is not among the hosts");
    CHECK_INT(out.requests, 1);
}

FIBER_TEST(private_addresses_in_any_form_are_out_of_reach)
{
    static const char *const forms[] = {
        "http://127.0.0.1:PORT/",
        "http://localhost:PORT/",
        "http://[::1]:PORT/",
        "http://2130706433:PORT/",
        "http://0x7f000001:PORT/",
        "http://0177.0.0.1:PORT/",
        "http://127.1:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::]:PORT/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "http://[64:ff9b::7f00:1]:PORT/",
        "http://user@127.0.0.1:PORT/",
        "http://127.0.0.1.:PORT/",
        "http://[fd00::1]/",
        "http://192.168.0.1/",
        "http://\\u0661\\u0662\\u0667.0.0.1:PORT/",
    };

    SERVERS_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(forms); i++) {
        script_job job = {.name = "test"};
        script_outcome out;

        job.code = str_of(arena_printf(s->arena, "await fetch('%s'.replace('PORT', '%d'))", forms[i], port));
        out = fixture_run_job(s, &job);
        CHECK(out.status == SCRIPT_THREW, "%s", forms[i]);
    }
}

FIBER_TEST(a_redirect_to_a_private_address_is_not_followed)
{
    script_job job = {.name = "test"};
    script_outcome out;

    SERVERS_OR_SKIP(0);
    guard_allow_private(true);
    job.code = str_of(with_base(s, "return (await fetch(BASE + '/away')).status"));
    out = fixture_run_job(s, &job);
    CHECK(out.status == SCRIPT_DONE && json_integer_value(out.value) == 200, "where nothing is forbidden it is");
    job.code = str_of(with_base(s, "return (await fetch(BASE + '/public/away')).status"));
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_THREW);
    CHECK_INT(out.requests, 2);
}

/* The name is asked for again at each connection, and what it says then counts. */
FIBER_TEST(a_name_that_has_become_private_is_refused_although_it_was_called_before)
{
    script_job job = {.name = "test"};
    script_outcome out;

    SERVERS_OR_SKIP(0);
    guard_allow_private(true);
    job.code =
        str_of(arena_printf(s->arena,
                            "const url = 'http://localhost:%d/public'; const first = await (await fetch(url)).text();"
                            " return await fetch(url).then(() => 'reached', () => first + ', then refused')",
                            port));
    out = fixture_run_job(s, &job);
    CHECK(out.status == SCRIPT_DONE, "%s", out.message);
    CHECK_STR(json_string_value(out.value), "ok, then refused");
}

FIBER_TEST(only_web_addresses_are_called)
{
    static const char *const codes[] = {
        "await fetch('file:///etc/passwd')",
        "await fetch('ftp://127.0.0.1/')",
        "await fetch('/relative')",
        "await fetch('gopher://127.0.0.1')",
        "await fetch(BASE + '/to-file')",
        "await fetch('')",
        "await fetch('http://')",
        "await fetch('http:///no-host')",
        "await fetch('dict://127.0.0.1/x')",
        "await ld.request({})",
        "await ld.request({url: 'telnet://127.0.0.1'})",
    };

    SERVERS_OR_SKIP(0);
    for (size_t i = 0; i < COUNT(codes); i++) {
        script_outcome out = run_of(s, codes[i]);

        CHECK(out.status == SCRIPT_THREW && out.message[0] != '\0', "%s", codes[i]);
    }
}

FIBER_TEST(a_response_that_is_too_large_is_cut_off, .limit = 60)
{
    script_outcome out;

    SERVERS_OR_SKIP(0);
    out = run_of(s, "try { await ld.request({url: BASE + '/endless'}) } catch (e) { return e.message }");
    CHECK_INT(out.status, SCRIPT_DONE);
    CHECK_STR(json_string_value(out.value), "Response too large");
}

FIBER_TEST(responses_are_bounded_over_all_runs_and_counted_down_again, .limit = 60)
{
    static const char ask[] =
        "try { return (await ld.request({url: BASE + '/a'})).status } catch (e) { return e.message }";

    SERVERS_OR_SKIP(0);
    script_configure(&(script_settings){.held = 1});
    CHECK(strstr(text_of(s, ask), "all scripts") != NULL, "%s", text_of(s, ask));
    script_configure(&(script_settings){.held = 600});
    for (int i = 0; i < 20; i++) { /* more than the limit, one after the other */
        script_outcome out = run_of(s, ask);

        CHECK(out.status == SCRIPT_DONE && json_integer_value(out.value) == 200, "request %d", i);
    }
}

FIBER_TEST(what_a_run_holds_is_counted_down_however_it_ends, .limit = 60)
{
    script_job job = {.name = "test", .private_ok = true, .wall_timeout = SECONDS(1)};

    SERVERS_OR_SKIP(.held = MIB(1));
    job.code = str_of(with_base(s, "await fetch(BASE + '/stalls')"));
    for (int i = 0; i < 4; i++) {
        CHECK_INT(run_of(s, "fetch(BASE + '/stalls'); await ld.wait(300); return 1").status, SCRIPT_DONE);
        CHECK_INT(fixture_run_job(s, &job).status, SCRIPT_TIMED_OUT);
    }
    CHECK_STR(text_of(s, "return (await fetch(BASE + '/a')).status"), "200");
}

FIBER_TEST(bodies_of_requests_that_wait_are_bounded_over_all_runs_too, .limit = 60)
{
    SERVERS_OR_SKIP(.held = MIB(1));
    for (int i = 0; i < 2; i++) { /* what the first run sent does not count in the second */
        CHECK_STR(text_of(s, "const most = {method: 'POST', body: 'x'.repeat(700000)};\n"
                             "fetch(BASE + '/slow', most);\n"
                             "return await fetch(BASE + '/a', most).then(r => r.status, e => e.message)"),
                  "The requests and responses of all scripts are too large together: try again later");
        CHECK_STR(text_of(s, "return (await fetch(BASE + '/a', {method: 'POST', body: 'x'.repeat(700000)})).status"),
                  "200");
    }
}

FIBER_TEST(a_request_has_its_own_time_limit_and_failures_can_be_caught, .limit = 30)
{
    int64_t began = clock_mono();

    SERVERS_OR_SKIP(0);
    HAS(text_of(s, "try { await ld.request({url: BASE + '/slow', timeout: 200}) } catch (e) { return e.message }"),
        "timed out");
    CHECK(clock_mono() - began < SECONDS(20), "before the answer");
    HAS(text_of(s, "try { await fetch('http://127.0.0.1:1/') } catch (e) { return e.message }"), "127.0.0.1");
    HAS(text_of(s, "try { await fetch(BASE + '/breaks').then(r => r.text()) } catch (e) { return e.message }"),
        "127.0.0.1");
    HAS(text_of(s, "try { await fetch('http://no-such-host.invalid/') } catch (e) { return e.message }"),
        "no-such-host");
}

FIBER_TEST(a_401_is_noted)
{
    SERVERS_OR_SKIP(0);
    CHECK(run_of(s, "await fetch(BASE + '/status/401')").unauthorized, "for the caller, who may renew a token");
}

FIBER_TEST(many_requests_at_once_are_answered_and_each_gets_its_own_answer)
{
    SERVERS_OR_SKIP(0);
    CHECK_STR(
        text_of(s, "const all = await Promise.all(Array.from({length: 60}, (_, i) => fetch(BASE + '/n/' + i).then(r => "
                   "r.text())));\n"
                   "return all.every((t, i) => t.startsWith('GET /n/' + i + '\\n'))"),
        "true");
}

FIBER_TEST(the_number_of_requests_of_a_run_is_limited, .limit = 60)
{
    script_outcome out;

    SERVERS_OR_SKIP(0);
    out = run_of(s, "let n = 0; try { for (;; n++) await fetch(BASE + '/x') } catch (e) { return [n, e.message] }");
    CHECK(out.status == SCRIPT_DONE || out.status == SCRIPT_TOO_MUCH, "%s", out.message);
    if (out.status == SCRIPT_DONE)
        CHECK_INT(json_integer_value(json_array_get(out.value, 0)), 1000);
    CHECK_INT(out.requests, 1000);
}

/* The first ones take all that may go out at once; the others wait here. */
FIBER_TEST(what_waits_for_its_turn_is_limited_with_all_that_it_holds, .limit = 60)
{
    script_job job = {.name = "test", .private_ok = true};
    script_outcome out;

    SERVERS_OR_SKIP(.runner = getenv("FAKE_RUNNER"));
    job.code = str_of(arena_printf(s->arena, "hoard http://127.0.0.1:%d/slow", port));
    out = fixture_run_job(s, &job);
    CHECK_INT(out.status, SCRIPT_TOO_MUCH);
    CHECK_STR(out.message, "The script asked for too much at once");
}

FIBER_TEST(calls_that_wait_take_no_fiber_each, .limit = 60)
{
    scope *counting = scope_child(s, NO_LIMIT);
    script_outcome out;

    SERVERS_OR_SKIP(0);
    scope_spawn(counting, count_fibers, NULL);
    out = run_of(s, "for (let i = 0; i < 900; i++) fetch(BASE + '/slow?' + i);\nawait ld.wait(500); return 1");
    scope_close(counting);
    CHECK_INT(out.status, SCRIPT_DONE);
    CHECK(most_fibers > 10 && most_fibers < 100, "%zu", most_fibers);
}

FIBER_TEST(a_script_that_never_takes_its_answers_ends_with_its_time, .limit = 60)
{
    script_job job = {.name = "test", .private_ok = true, .wall_timeout = SECONDS(1)};

    SERVERS_OR_SKIP(0);
    job.code = str_of(with_base(s, "for (let i = 0; i < 12; i++) fetch(BASE + '/large'); await ld.wait(1); for (;;);"));
    CHECK_INT(fixture_run_job(s, &job).status, SCRIPT_TIMED_OUT);
    CHECK_INT(fixture_await_runners(s, 0), 0);
    HAS(text_of(s, "return (await fetch(BASE + '/x')).text()"), "GET /x");
}

FIBER_TEST(a_request_that_nobody_awaits_ends_with_the_run, .limit = 30)
{
    int64_t began = clock_mono();

    SERVERS_OR_SKIP(0);
    CHECK_STR(text_of(s, "fetch(BASE + '/slow'); return 1"), "1");
    CHECK(clock_mono() - began < SECONDS(20), "without waiting for it");
}
