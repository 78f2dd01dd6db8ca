/* SPDX-License-Identifier: MIT */
/*
 * fetch_webpages: pages of the web as text, several at once.
 *
 * Addresses come from a model, so every connection goes through the guard.  HTML becomes Markdown; anything else is saved
 * as it came.  The whole of it is kept in the workspace, the answer holds the beginning.
 */
#include "tool/html_text.h"
#include "tool/internal.h"

#include <sodium.h>

#include "net/client.h"
#include "rt/offload.h"
#include "rt/sem.h"
#include "rt/sleep.h"

enum { URLS_MAX = 20, PARALLEL = 4, BODY_MAX = 10 << 20, RETRIES_MAX = 3, TIMEOUT_MAX = 120, LENGTH_MAX = 100000 };

/* One page on its way through the pool: bytes in, result out. */
typedef struct {
    arena *a;
    const char *url;
    const char *workspace; /* may be NULL: nothing is saved then */
    const char *media_type, *charset;
    str body;
    int64_t max_length;
    json_t *result;
} page_job;

typedef struct {
    const tool_context *cx;
    sem *slots;
    const char *url;
    int64_t max_length, timeout, retries;
    json_t *result;
} fetch_job;

static bool is_html(const char *media_type)
{
    return cstr_eq(media_type, "text/html") || cstr_eq(media_type, "application/xhtml+xml");
}

static bool is_text(const char *media_type)
{
    return cstr_starts(media_type, "text/") || cstr_eq(media_type, "application/json") ||
           cstr_eq(media_type, "application/xml") || cstr_ends(media_type, "+json") || cstr_ends(media_type, "+xml");
}

/* "webpages/example.com-name-1a2b3c4d.md": readable, and different for different addresses. */
static const char *file_name(arena *a, const page_job *p)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    unsigned char hash[crypto_generichash_BYTES_MIN];
    const char *from = strstr(p->url, "://"), *last, *dot;
    char hex[9], name[81];
    size_t n = 0;
    bool html = is_html(p->media_type);

    crypto_generichash(hash, sizeof hash, (const unsigned char *)p->url, strlen(p->url), NULL, 0);
    hex_encode(hash, 4, hex);
    from = from != NULL ? from + 3 : p->url;
    for (; *from != '\0' && *from != '?' && *from != '#' && n < sizeof name - 1; from++)
        name[n++] = strchr(plain, *from) != NULL ? *from : '-';
    name[n] = '\0';
    if (html)
        return arena_printf(a, "webpages/%s-%s.md", name, hex);
    last = strrchr(name, '-');
    dot = last != NULL ? strrchr(last, '.') : NULL;
    return arena_printf(a, "downloads/%.*s-%s%s", dot != NULL ? (int)(dot - name) : (int)n, name, hex,
                        dot != NULL ? dot : "");
}

/* Absolute path of the saved file; NULL when it could not be. */
static const char *save(page_job *p, const char *rel, str text)
{
    workspace w;
    const char *path = NULL;

    if (p->workspace == NULL || workspace_open(p->a, p->workspace, &w) < 0)
        return NULL;
    if (workspace_write(&w, rel, text.p, text.len) == 0)
        path = workspace_absolute(p->a, &w, rel);
    workspace_close(&w);
    return path;
}

static json_t *metadata(page_job *p, const char *title, str whole, size_t shown, const json_t *images)
{
    json_t *o = json_object();
    const char *rel = file_name(p->a, p), *path = save(p, rel, whole), *slash = strrchr(rel, '/');

    json_set_str(o, "title", title);
    json_set_str(o, "save_path", path);
    json_set_str(o, "filename", slash + 1);
    json_set_str(o, "content_type", p->media_type);
    json_set_int(o, "content_length", (int64_t)(utf8_valid(whole.p, whole.len) ? utf8_count(whole) : whole.len));
    json_set_int(o, "return_length", (int64_t)shown);
    json_set(o, "images", images != NULL ? json_deep_copy(images) : json_array());
    return o;
}

static void on_pool(void *arg)
{
    page_job *p = arg;
    json_t *o = json_object(), *images = NULL;
    const char *title = "";
    str whole = p->body, shown = {"", 0};

    if (is_html(p->media_type)) {
        html_page page = html_to_text(p->a, p->body, p->charset, p->url);

        title = page.title;
        images = page.images;
        whole = str_of(page.text);
    }
    if ((is_html(p->media_type) || is_text(p->media_type)) && utf8_valid(whole.p, whole.len) &&
        memchr(whole.p, '\0', whole.len) == NULL)
        shown = utf8_prefix(whole, (size_t)p->max_length);
    json_set_str(o, "url", p->url);
    json_set_str(o, "status", "success");
    json_set_str(o, "type", is_html(p->media_type) ? "html" : "file");
    json_set(o, "content", json_stringn(shown.p, shown.len));
    json_set(o, "metadata", metadata(p, title, whole, utf8_count(shown), images));
    p->result = o;
}

static json_t *failed_page(const char *url, const char *why)
{
    json_t *o = json_object();

    json_set_str(o, "url", url);
    json_set_str(o, "status", "error");
    json_set_str(o, "type", "html");
    json_set_str(o, "content", "");
    json_set(o, "metadata", json_object());
    json_set_str(o, "error", why);
    return o;
}

static bool worth_a_retry(err e, int status)
{
    return e == ERR_UPSTREAM || e == ERR_TIMEOUT || e == ERR_CLOSED || (e == OK && (status >= 500 || status == 429));
}

/* The page, after as many tries as asked for.  `own` holds what comes back. */
static err get(scope *own, const fetch_job *j, http_head *head, str *body)
{
    static const http_header headers[] = {{"User-Agent", "Mozilla/5.0 (compatible; Sluice/" SLUICE_VERSION ")"},
                                          {"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
    http_call call = {.method = GET,
                      .url = j->url,
                      .headers = headers,
                      .n_headers = COUNT(headers),
                      .guard = GUARD_PUBLIC,
                      .connect_timeout = MIN_OF(j->timeout, SECONDS(10)),
                      .first_byte_timeout = j->timeout,
                      .idle_timeout = j->timeout,
                      .max_body = BODY_MAX,
                      .max_redirects = 5};
    err e = OK;

    for (int64_t try = 0; try <= j->retries; try++) {
        *head = (http_head){0};
        if (try > 0)
            TRY(sleep_for(own, MILLISECONDS(500) * try));
        e = http_fetch(own, &call, head, body);
        if (!worth_a_retry(e, head->status) || scope_check(own) != OK)
            break;
    }
    return e;
}

static err fetch_page(scope *own, fetch_job *j)
{
    http_head head;
    str body;
    err e = get(own, j, &head, &body);
    const char *type;
    page_job p;

    if (e != OK)
        return e;
    if (head.status < 200 || head.status > 299) {
        j->result = failed_page(j->url, arena_printf(own->arena, "HTTP %d %s", head.status, http_phrase(head.status)));
        return OK;
    }
    type = http_headers_get(&head.headers, "content-type");
    p = (page_job){.a = arena_new(own->arena),
                   .url = j->url,
                   .workspace = j->cx->workspace,
                   .media_type = type != NULL ? http_media_type(own->arena, type) : "text/html",
                   .charset = type != NULL ? http_param(own->arena, type, "charset") : NULL,
                   .body = body,
                   .max_length = j->max_length};
    e = offload(own, on_pool, &p);
    j->result = p.result;
    return e;
}

static err fetch_fiber(scope *s, void *arg)
{
    fetch_job *j = arg;
    scope *own;
    err e;

    TRY(sem_take(s, j->slots));
    own = scope_child(s, j->timeout * (j->retries + 1) + SECONDS(5));
    e = fetch_page(own, j);
    if (e != OK && j->result == NULL)
        j->result = failed_page(j->url, scope_failure(own, e).text);
    scope_close(own);
    sem_give(j->slots);
    return scope_check(s);
}

static int64_t between(int64_t n, int64_t least, int64_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* Fetches all; results are in order. */
static err fetch_all(scope *s, const tool_context *cx, const json_t *args, fetch_job *jobs, size_t n)
{
    scope *group = scope_child(s, NO_LIMIT);
    sem slots;
    err e;

    sem_setup(&slots, PARALLEL);
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (fetch_job){
            .cx = cx,
            .slots = &slots,
            .url = json_string_value(json_array_get(json_get_arr(args, "urls"), i)),
            .max_length = between(json_get_int(args, "max_length_per_url", 8000), 100, LENGTH_MAX),
            .timeout = SECONDS(between(json_get_int(args, "timeout", 30), 1, TIMEOUT_MAX)),
            .retries = between(json_get_int(args, "retries", 1), 0, RETRIES_MAX),
        };
        scope_spawn(group, fetch_fiber, &jobs[i]);
    }
    e = scope_join(group);
    scope_close(group);
    return e;
}

static json_t *summary(scope *s, const tool_context *cx, fetch_job *jobs, size_t n)
{
    json_t *o = json_object(), *results = json_array();
    size_t good = 0;

    for (size_t i = 0; i < n; i++) {
        good += cstr_eq(json_get_str(jobs[i].result, "status", ""), "success");
        json_array_append(results, jobs[i].result);
    }
    json_set_str(o, "status", good > 0 ? "success" : "error");
    json_set_str(o, "message", arena_printf(s->arena, "Fetched %zu of %zu pages", good, n));
    json_set_int(o, "total_urls", (int64_t)n);
    json_set_int(o, "success_count", (int64_t)good);
    json_set_int(o, "error_count", (int64_t)(n - good));
    json_set_str(o, "workspace", cx->workspace);
    json_set(o, "results", results);
    return o;
}

static err call_fetch(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const json_t *urls = json_get_arr(args, "urls");
    size_t n = json_array_size(urls), i;
    fetch_job *jobs;
    json_t *url, *o = NULL;
    err e;

    (void)t;
    if (n == 0 || n > URLS_MAX)
        return answer_json(s, tool_failure("INVALID_ARGUMENT", "urls must be a list of 1 to %d addresses", URLS_MAX),
                           out);
    json_array_foreach(
        urls, i,
        url) if (!json_is_string(url) ||
                 strlen(json_string_value(url)) !=
                     json_string_length(url)) return answer_json(s,
                                                                 tool_failure("INVALID_ARGUMENT",
                                                                              "Every entry of urls must be a text"),
                                                                 out);
    jobs = arena_array(s->arena, fetch_job, n);
    e = fetch_all(s, cx, args, jobs, n);
    if (e == OK)
        o = summary(s, cx, jobs, n);
    for (i = 0; i < n; i++)
        json_decref(jobs[i].result);
    return e == OK ? answer_json(s, o, out) : e;
}

static const param params[] = {
    {"urls", "array", "Addresses, http or https", .required = true, .extra = "{\"items\":{\"type\":\"string\"}}"},
    {"max_length_per_url", "integer", "Characters of each page in the answer; the whole is saved in the workspace",
     .fallback = "8000"},
    {"timeout", "integer", "Seconds for each page", .fallback = "30"},
    {"retries", "integer", "How often a failed page is tried again", .fallback = "1"},
};

const builtin builtin_fetch_webpages = {
    .name = "fetch_webpages",
    .text = "Fetches web pages and returns them as text; saves the full text, and files that are no pages, in the "
            "workspace.",
    PARAMS(params),
    .call = call_fetch,
    .timeout = MINUTES(10),
};
