/* SPDX-License-Identifier: MIT */
/*
 * What a script asks the server for: requests, through the guarded client, and the bytes of its input files.
 *
 * Redirects are followed here, one by one, because each target must pass the list of permitted hosts, and credentials stay with
 * the origin that they were given for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/client.h"
#include "rt/offload.h"
#include "net/location.h"
#include "script/internal.h"

enum { REDIRECTS_MAX = 5, HEADERS_MAX = 100, HEADER_BYTES_MAX = 64 << 10, METHOD_MAX = 32 };

static atomic_size_t held; /* by all runs */

#define ALL_TOO_LARGE "The requests and responses of all scripts are too large together: try again later"

/* A CALL, copied out of its frame. */
typedef struct {
    list_link link; /* in script_exec.queue */
    uint32_t id;
    bool refused; /* there was no room for it, and it is empty */
    size_t json_len, n_bytes;
    char text[]; /* the JSON, then the bytes */
} call_copy;

/* ---- the request as the script wants it ---- */

typedef struct {
    char method[METHOD_MAX + 1];
    http_header *headers;
    size_t n_headers;
    str body;
    size_t max;
    int64_t timeout; /* ns, 0: none of its own */
} wish;

static bool is_token(const char *s)
{
    static const char tokens[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *s != '\0' && strspn(s, tokens) == strlen(s);
}

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcasecmp(name, *list) == 0)
            return true;
    return false;
}

/* These belong to the connection, or to the client that decodes. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {
        "Host",    "Connection", "Content-Length",   "Transfer-Encoding", "Keep-Alive",          "TE", "Trailer",
        "Upgrade", "Expect",     "Proxy-Connection", "Accept-Encoding",   "Proxy-Authorization", NULL};

    return is_one_of(name, ours);
}

/* By the names that are in use. */
static bool is_credential(const char *name)
{
    static const char *const parts[] = {"auth", "cookie", "key", "token", "secret", "password", "signature"};

    for (size_t i = 0; i < COUNT(parts); i++)
        if (strcasestr(name, parts[i]) != NULL)
            return true;
    return false;
}

/* Characters up to U+00FF are sent as one byte each: the Fetch standard's isomorphic encoding. */
static const char *header_bytes(arena *a, const char *utf8)
{
    char *bytes = arena_strdup(a, utf8), *at = bytes;

    for (const unsigned char *c = (const unsigned char *)utf8; *c != '\0'; c++, at++) {
        bool is_pair = (*c == 0xC2 || *c == 0xC3) && c[1] != '\0';

        *at = (char)(is_pair ? *c << 6 | (c[1] & 0x3F) : *c);
        c += is_pair;
    }
    *at = '\0';
    return bytes;
}

static const char *take_headers(arena *a, const json_t *list, wish *w)
{
    size_t n = json_array_size(list), bytes = 0;

    if (n > HEADERS_MAX)
        return "Too many request headers";
    w->headers = arena_array(a, http_header, n + 1); /* one more for credentials of the URL */
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(list, i);
        const char *name = json_string_value(json_array_get(pair, 0)),
                   *value = json_string_value(json_array_get(pair, 1));

        if (name == NULL || value == NULL || !is_token(name) || strpbrk(value, "\r\n") != NULL)
            return "A request header holds characters that are not allowed";
        bytes += strlen(name) + strlen(value);
        if (bytes > HEADER_BYTES_MAX)
            return "The request headers are too large";
        if (!is_ours(name))
            w->headers[w->n_headers++] = (http_header){name, header_bytes(a, value)};
    }
    return NULL;
}

static const char *take_method(const char *method, wish *w)
{
    static const char *const refused[] = {"CONNECT", "TRACE", "TRACK", NULL};

    if (strlen(method) > METHOD_MAX || !is_token(method) || is_one_of(method, refused))
        return "This request method is not allowed";
    for (size_t i = 0; i <= strlen(method); i++)
        w->method[i] = (char)(method[i] >= 'a' && method[i] <= 'z' ? method[i] - 32 : method[i]);
    return NULL;
}

static const char *take_wish(arena *a, const json_t *o, str body, wish *w)
{
    double timeout = json_get_num(o, "timeout", 0);
    int64_t max = json_get_int(o, "max", SCRIPT_BYTES_RESPONSE_MAX);
    const char *problem = take_method(json_get_str(o, "method", "GET"), w);

    w->body = body;
    w->max = (size_t)MAX_OF(MIN_OF(max, (int64_t)SCRIPT_BYTES_RESPONSE_MAX), (int64_t)0);
    w->timeout = timeout > 0 && timeout < 1e9 ? (int64_t)(timeout * 1e6) : 0;
    return problem != NULL ? problem : take_headers(a, json_get_arr(o, "headers"), w);
}

static void drop_headers(wish *w, bool (*unwanted)(const char *name))
{
    size_t kept = 0;

    for (size_t i = 0; i < w->n_headers; i++)
        if (!unwanted(w->headers[i].name))
            w->headers[kept++] = w->headers[i];
    w->n_headers = kept;
}

static bool has_header(const wish *w, const char *name)
{
    for (size_t i = 0; i < w->n_headers; i++)
        if (strcasecmp(w->headers[i].name, name) == 0)
            return true;
    return false;
}

static bool is_of_body(const char *name)
{
    return strncasecmp(name, "content-", 8) == 0;
}

/* ---- sending it ---- */

typedef struct {
    http_head head;
    http_stream *stream;
    buf *body;
} answer;

static err send_once(script_exec *x, scope *c, const location *to, const wish *w, answer *ans)
{
    bool open = x->job->private_ok || script_config.allow_private;
    http_call call = {
        .url = to->url,
        .headers = w->headers,
        .n_headers = w->n_headers,
        .body = w->body.p,
        .body_len = w->body.len,
        .guard = open ? GUARD_ANY : GUARD_PUBLIC,
        .first_byte_timeout = x->s->deadline == NO_LIMIT ? 0 : scope_remaining(x->s) + SECONDS(1),
        .decode = true,
    };

    call.idle_timeout = call.first_byte_timeout;
    if (!http_method_parse(str_of(w->method), &call.method)) {
        call.method = w->body.len > 0 ? POST : GET;
        call.verb = w->method;
    }
    x->out->requests++;
    return http_open(c, &call, &ans->head, &ans->stream);
}

static const char *redirect_of(const answer *ans)
{
    int status = ans->head.status;

    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return NULL;
    return http_headers_get(&ans->head.headers, "Location");
}

/* The Fetch standard's "HTTP-redirect fetch". */
static void rewrite(wish *w, int status, bool foreign)
{
    bool get = strcmp(w->method, "GET") == 0 || strcmp(w->method, "HEAD") == 0;

    if ((status == 303 && !get) || (status <= 302 && strcmp(w->method, "POST") == 0)) {
        memcpy(w->method, "GET", 4);
        w->body = (str){0};
        drop_headers(w, is_of_body);
    }
    if (foreign)
        drop_headers(w, is_credential);
}

static err request(script_exec *x, scope *c, const char *url, wish *w, answer *ans)
{
    location from, to;

    if (!location_parse(c->arena, NULL, url, &to))
        return fail(c, ERR_INVALID, "Invalid URL: only absolute http and https addresses can be called");
    for (int followed = 0;; followed++) {
        const char *next;

        if (!location_permitted(&to, x->job->hosts, x->job->n_hosts))
            return fail(c, ERR_DENIED, "%s is not among the hosts that this integration may call", to.host);
        if (to.authorization != NULL && !has_header(w, "Authorization"))
            w->headers[w->n_headers++] = (http_header){"Authorization", to.authorization};
        TRY(send_once(x, c, &to, w, ans));
        if ((next = redirect_of(ans)) == NULL)
            return OK;
        if (followed == REDIRECTS_MAX)
            return fail(c, ERR_UPSTREAM, "Too many redirects: more than %d", REDIRECTS_MAX);
        http_finish(ans->stream);
        ans->stream = NULL;
        from = to;
        if (!location_parse(c->arena, from.url, next, &to))
            return fail(c, ERR_UPSTREAM, "%s redirects to something that is not an http or https address", from.host);
        to.authorization = NULL;
        rewrite(w, ans->head.status, !location_same_origin(&from, &to));
    }
}

/* What is in memory for scripts is counted, for the run and over all of them. */
static bool add_held(size_t n)
{
    if (atomic_fetch_add(&held, n) + n <= script_config.held)
        return true;
    atomic_fetch_sub(&held, n);
    return false;
}

/* NULL, or why there may be no more. */
static const char *hold(script_exec *x, size_t n)
{
    if (n > CALLS_BYTES - x->response_bytes)
        return "Response too large";
    if (!add_held(n))
        return ALL_TOO_LARGE;
    x->response_bytes += n;
    return NULL;
}

static void let_go(script_exec *x, size_t n)
{
    x->response_bytes -= n;
    atomic_fetch_sub(&held, n);
}

static err read_answer(script_exec *x, scope *c, const wish *w, answer *ans)
{
    const char *problem;
    str piece;

    ans->body = buf_new(c->arena, w->max);
    for (;;) {
        TRY(http_read(c, ans->stream, &piece));
        if (piece.len == 0)
            return OK;
        problem = piece.len > w->max - ans->body->len ? "Response too large" : hold(x, piece.len);
        if (problem != NULL)
            return fail(c, ERR_TOO_LARGE, "%s", problem);
        buf_add(ans->body, piece.p, piece.len);
    }
}

/* ---- answering ---- */

static bool is_of_transport(const char *name)
{
    static const char *const names[] = {"content-encoding", "content-length", "transfer-encoding",
                                        "connection",       "keep-alive",     NULL};

    return is_one_of(name, names);
}

static char *lowered(arena *a, const char *name)
{
    char *copy = arena_strdup(a, name);

    for (char *c = copy; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return copy;
}

/* Services send UTF-8, against the standard, or the bytes of ISO 8859-1. */
static void put_header_value(buf *b, const char *value)
{
    buf utf8 = BUF_INIT(MIB(1));

    if (utf8_valid(value, strlen(value))) {
        json_put_cstr(b, value);
        return;
    }
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (*c >= 0x80)
            buf_putc(&utf8, (char)(0xC0 | *c >> 6));
        buf_putc(&utf8, (char)(*c >= 0x80 ? 0x80 | (*c & 0x3F) : *c));
    }
    json_put_cstr(b, buf_str(&utf8));
    buf_close(&utf8);
}

static str head_json(arena *a, const http_head *head)
{
    buf *b = buf_new(a, MIB(1));
    size_t put = 0;

    buf_printf(b, "{\"status\":%d,\"statusText\":", head->status);
    json_put_cstr(b, http_phrase(head->status));
    buf_puts(b, ",\"url\":");
    json_put_cstr(b, head->url);
    buf_puts(b, ",\"headers\":[");
    for (size_t i = 0; i < head->headers.count; i++) {
        const http_header *h = &head->headers.items[i];

        if (is_of_transport(h->name))
            continue;
        buf_puts(b, put++ > 0 ? ",[" : "[");
        json_put_cstr(b, lowered(a, h->name));
        buf_putc(b, ',');
        put_header_value(b, h->value);
        buf_putc(b, ']');
    }
    buf_puts(b, "]}");
    return (str){buf_str(b), b->len};
}

static err answer_error(script_exec *x, scope *c, uint32_t id, const char *sentence)
{
    buf *b = buf_new(c->arena, KIB(16));

    buf_puts(b, "{\"error\":");
    json_put_cstr(b, sentence);
    buf_putc(b, '}');
    return exec_send(x, x->s, WIRE_REPLY, id, (str){buf_str(b), b->len}, (str){0});
}

static const char *why_failed(scope *c, err e, const wish *w)
{
    if (e == ERR_TIMEOUT && w->timeout > 0 && scope_remaining(c) == 0)
        return arena_printf(c->arena, "Request timed out after %lld ms", (long long)(w->timeout / MILLISECONDS(1)));
    return arena_strdup(c->arena, scope_failure(c, e).text);
}

static err do_request(script_exec *x, scope *c, uint32_t id, const json_t *o, str body)
{
    scope *limited = scope_child(c, NO_LIMIT);
    wish w = {0};
    answer ans = {0};
    const char *problem = take_wish(c->arena, o, body, &w);
    err e;

    if (problem != NULL)
        return answer_error(x, c, id, problem);
    if (w.timeout > 0)
        scope_set_timeout(limited, w.timeout);
    if ((e = request(x, limited, json_get_str(o, "url", ""), &w, &ans)) == OK)
        e = read_answer(x, limited, &w, &ans);
    TRY(scope_check(x->s));
    if (e != OK) {
        problem = why_failed(limited, e, &w);
        http_close(ans.stream);
        e = answer_error(x, c, id, problem);
    } else {
        x->out->unauthorized = x->out->unauthorized || ans.head.status == 401;
        e = exec_send(x, x->s, WIRE_REPLY, id, head_json(c->arena, &ans.head), (str){buf_str(ans.body), ans.body->len});
    }
    if (ans.body != NULL)
        let_go(x, ans.body->len);
    return e;
}

/* ---- files ---- */

typedef struct {
    const char *path;
    size_t size;
    char *bytes;
    bool good;
} reading;

/* On a thread of the pool. */
static void read_whole(void *arg)
{
    reading *r = arg;
    int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    size_t at = 0;
    ssize_t n = 1;

    while (fd >= 0 && at < r->size && n != 0) {
        n = read(fd, r->bytes + at, r->size - at);
        if (n < 0 && errno != EINTR)
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    r->good = fd >= 0 && at == r->size;
    if (fd >= 0)
        close(fd);
}

static err do_file(script_exec *x, scope *c, uint32_t id, const json_t *o)
{
    int64_t index = json_get_int(o, "index", -1);
    const script_input_file *file;
    reading r;
    err e;

    if (index < 0 || (size_t)index >= x->job->n_files)
        return answer_error(x, c, id, "There is no such file");
    file = &x->job->files[index];
    if (file->size < 0 || (uint64_t)file->size > WIRE_MAX - KIB(1) || hold(x, (size_t)file->size) != NULL)
        return answer_error(x, c, id, "The file is too large to be read by a script");
    r = (reading){.path = file->path, .size = (size_t)file->size, .bytes = mem_alloc((size_t)file->size + 1)};
    e = offload(x->s, read_whole, &r);
    if (e == OK)
        e = r.good ? exec_send(x, x->s, WIRE_REPLY, id, STR("{}"), (str){r.bytes, r.size})
                   : answer_error(x, c, id, "The file cannot be read");
    let_go(x, (size_t)file->size);
    free(r.bytes);
    return e;
}

/* ---- calls ---- */

static err answer_call(script_exec *x, scope *c, const call_copy *copy)
{
    str body = {copy->text + copy->json_len, copy->n_bytes};
    const char *op;
    json_t *o;

    if (copy->refused)
        return answer_error(x, c, copy->id, ALL_TOO_LARGE);
    if (json_parse(c->arena, copy->text, copy->json_len, NULL, &o) != OK)
        return answer_error(x, c, copy->id, "The request cannot be understood");
    op = json_get_str(o, "op", "");
    if (strcmp(op, "file") == 0)
        return do_file(x, c, copy->id, o);
    if (strcmp(op, "request") == 0)
        return do_request(x, c, copy->id, o, body);
    return answer_error(x, c, copy->id, "There is no such operation");
}

static call_copy *next_call(script_exec *x)
{
    list_link *first = list_take_first(&x->queue);

    return first != NULL ? LIST_OF(first, call_copy, link) : NULL;
}

static void drop_call(script_exec *x, call_copy *copy)
{
    size_t n = copy->json_len + copy->n_bytes;

    x->pending_bytes -= n;
    atomic_fetch_sub(&held, n);
    free(copy);
}

/* Answers what waits until there is nothing left.  What goes wrong with a request is its answer; an error is the end of the run. */
static err call_fiber(scope *s, void *arg)
{
    script_exec *x = arg;
    call_copy *copy;
    err e = OK;

    while (e == OK && (copy = next_call(x)) != NULL) {
        scope *c = scope_child(s, NO_LIMIT);

        e = answer_call(x, c, copy);
        scope_close(c);
        drop_call(x, copy);
    }
    x->calling--;
    if (e != OK && e != ERR_CLOSED)
        scope_cancel(s, NULL);
    return e == ERR_CLOSED ? OK : e;
}

static call_copy *copy_call(const script_frame *f)
{
    size_t n = f->json.len + f->bytes.len;
    call_copy *copy;

    if (!add_held(n)) {
        copy = mem_alloc(sizeof *copy);
        *copy = (call_copy){.id = f->id, .refused = true};
        return copy;
    }
    copy = mem_alloc(sizeof *copy + n + 1);
    *copy = (call_copy){.id = f->id, .json_len = f->json.len, .n_bytes = f->bytes.len};
    memcpy(copy->text, f->json.p, n); /* the bytes follow the text in the frame */
    copy->text[n] = '\0';
    return copy;
}

bool host_call(script_exec *x, const script_frame *f)
{
    size_t n = f->json.len + f->bytes.len;
    call_copy *copy;

    if (++x->asked > SCRIPT_CALLS_MAX || x->pending_bytes + n > CALLS_BYTES || f->json.len > KIB(512))
        return false;
    copy = copy_call(f);
    x->pending_bytes += copy->json_len + copy->n_bytes;
    list_append(&x->queue, &copy->link);
    if (x->calling < CALLS_AT_ONCE) {
        x->calling++;
        scope_spawn(x->s, call_fiber, x);
    }
    return true;
}

void host_forget(script_exec *x)
{
    call_copy *copy;

    while ((copy = next_call(x)) != NULL)
        drop_call(x, copy);
    let_go(x, x->response_bytes); /* of requests that the end of the run cut short */
}
