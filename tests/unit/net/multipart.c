/* SPDX-License-Identifier: MIT */
/* Multipart forms: framing, names, limits, and streaming to disk. */
#include "net/multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "probe.h"
#include "test.h"

/* ---- the framing alone ---- */

typedef struct {
    buf text; /* "[name]data;" a part */
    size_t parts;
} record;

static void on_part(void *arg, const http_headers *h)
{
    record *r = arg;
    const char *d = http_headers_get(h, "Content-Disposition");

    r->parts++;
    buf_printf(&r->text, "[%s]", d != NULL ? d : "");
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    record *r = arg;

    buf_add(&r->text, bytes, len);
}

static void on_part_end(void *arg)
{
    record *r = arg;

    buf_putc(&r->text, ';');
}

static const multipart_events events = {on_part, on_data, on_part_end};

/* Feeds `text` in pieces of `step` bytes. */
static err parse(const char *text, size_t step, record *r, bool *complete)
{
    arena *a = arena_new(NULL);
    multipart_parser *p = multipart_parser_new(a, "B", &events, r);
    size_t len = strlen(text);
    const char *why = NULL;
    err e = OK;

    *r = (record){.text = BUF_INIT(MIB(64))};
    for (size_t i = 0; i < len && e == OK; i += step)
        e = multipart_feed(p, text + i, MIN_OF(step, len - i), &why);
    CHECK((e == OK) == (why == NULL), "an error has its sentence");
    *complete = multipart_complete(p);
    arena_free(a);
    return e;
}

TEST(parts_are_the_same_however_the_bytes_are_cut)
{
    static const char text[] = "preamble\r\n--B\r\nContent-Disposition: a\r\n\r\none\r\n--B \t\r\nX: y\r\n\r\n"
                               "\r\n--\r\r\n--A\r\n-\r\n--B\r\n\r\n\r\n--B--\r\nepilogue\r\n--B\r\n\r\nmore";

    for (size_t step = 1; step < sizeof text; step++) {
        record r;
        bool complete;

        CHECK_INT(parse(text, step, &r, &complete), OK);
        CHECK(complete, "step %zu", step);
        CHECK_STR(buf_str(&r.text), "[a]one;[]\r\n--\r\r\n--A\r\n-;[];");
        buf_close(&r.text);
    }
}

TEST(broken_framing_is_invalid)
{
    static const char *const cases[] = {
        "--B\r\nno colon\r\n\r\nx\r\n--B--",
        "--B\r\nBad Name: x\r\n\r\nx\r\n--B--",
        "--B-x",
        "--Bx\r\n\r\n",
        "--B\rx",
        "--B\r\nX: a\nb\r\n\r\n",
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        record r;
        bool complete;

        CHECK(parse(cases[i], 1, &r, &complete) == ERR_INVALID, "%s", cases[i]);
        CHECK(!complete, "%s", cases[i]);
        buf_close(&r.text);
    }
}

TEST(parts_and_their_headers_are_limited)
{
    buf b = BUF_INIT(MIB(4));
    record r;
    bool complete;

    for (int i = 0; i < 1001; i++)
        buf_puts(&b, "--B\r\n\r\nx\r\n");
    buf_puts(&b, "--B--");
    CHECK_INT(parse(b.data, 1000, &r, &complete), ERR_TOO_LARGE);
    CHECK_INT(r.parts, 1000);
    buf_close(&r.text);
    buf_reset(&b);
    buf_puts(&b, "--B\r\nX: ");
    for (int i = 0; i < 17000; i++)
        buf_putc(&b, 'x');
    CHECK_INT(parse(b.data, 1000, &r, &complete), ERR_TOO_LARGE);
    buf_close(&r.text);
    for (int lines = 32; lines <= 33; lines++) {
        buf_reset(&b);
        buf_puts(&b, "--B\r\n");
        for (int i = 0; i < lines; i++)
            buf_puts(&b, "X: y\r\n");
        buf_puts(&b, "\r\n--B--");
        CHECK_INT(parse(b.data, 1000, &r, &complete), lines == 32 ? OK : ERR_TOO_LARGE);
        buf_close(&r.text);
    }
    buf_close(&b);
}

/* ---- as a request ---- */

static err result;
static char seen[4096], folder[512];
static int64_t max_file = 1 << 30;

static err describe(request *rq, buf *out)
{
    multipart *m;
    part p;
    bool found;

    TRY(multipart_open(rq, &m));
    for (;;) {
        str text;

        TRY(multipart_next(m, &p, &found));
        if (!found)
            return OK;
        buf_printf(out, "%s|%s|%s|", p.name, p.filename != NULL ? p.filename : "-", p.type);
        if (strcmp(p.name, "skipped") == 0)
            continue;
        if (strcmp(p.name, "upload") == 0) {
            int64_t size = 0;

            TRY(multipart_to_file(m, arena_printf(rq->scope->arena, "%s/upload", folder), max_file, &size));
            buf_printf(out, "%lld bytes\n", (long long)size);
            continue;
        }
        TRY(multipart_text(m, 100, &text));
        buf_printf(out, "%.*s\n", STR_ARG(text));
    }
}

static void app(request *rq, response *rs, void *arg)
{
    buf *out = buf_new(rq->scope->arena, KIB(64));

    (void)arg;
    result = describe(rq, out);
    snprintf(seen, sizeof seen, "%s", buf_str(out));
    reply_text(rs, result == OK ? 200 : 400, result == OK ? "ok" : scope_failure(rq->scope, result).text);
}

typedef struct {
    int port;
    const char *type;
    const char *body;
    size_t len;
    int status;
} form;

static void send_form(void *arg)
{
    const form *f = arg;
    char head[512], out[4096];
    int fd = probe_connect(f->port);

    snprintf(head, sizeof head,
             "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
             f->type, f->len);
    probe_send(fd, head);
    probe_send_bytes(fd, f->body, f->len);
    probe_read(fd, out, sizeof out);
    CHECK(atoi(out + 9) == f->status, "%s", out);
    close(fd);
}

static void post(scope *s, const char *type, const char *body, size_t len, int status)
{
    probe_server p = {0};
    form f = {.type = type, .body = body, .len = len, .status = status};

    snprintf(folder, sizeof folder, "%s", test_dir());
    probe_start(s, &p, app, NULL, NULL);
    f.port = p.port;
    probe_client(s, send_form, &f);
    probe_stop(&p);
}

#define FORM "multipart/form-data; boundary=\"B\""
#define PART(headers, data) "--B\r\nContent-Disposition: form-data; " headers "\r\n\r\n" data "\r\n"

FIBER_TEST(fields_and_files_of_a_form_are_told_apart)
{
    static const char body[] = PART("name=\"a\"", "value") PART("name=\"skipped\"; filename=\"x\"", "lots of\r\ndata")
        PART("name=b; filename=plain.txt\r\nContent-Type: text/csv", "1,2") "--B--\r\n";

    post(s, FORM, body, sizeof body - 1, 200);
    CHECK_STR(seen, "a|-|text/plain|value\nskipped|x|text/plain|b|plain.txt|text/csv|1,2\n");
}

FIBER_TEST(file_names_lose_their_paths)
{
    static const char body[] = PART("name=\"a\"; filename=\"../../etc/passwd\"", "")
        PART("name=\"a\"; filename=\"..\"", "") PART("name=\"a\"; filename=\"a\\\\b\\\"c.txt\"", "")
            PART("name=\"a\"; filename=\"old.txt\"; filename*=UTF-8''na%C3%AFve%2F%E2%82%AC.txt", "")
                PART("name=\"a\"; filename=\"\"", "") PART("name=\"a\"; filename=\"\xff.txt\"", "")
                    PART("name=\"a\"; filename=\"x.txt\"; filename*=latin1''%E4", "") "--B--";

    post(s, FORM, body, sizeof body - 1, 200);
    CHECK_STR(seen, "a|passwd|text/plain|\na|file|text/plain|\na|b\"c.txt|text/plain|\na|\xe2\x82\xac.txt|text/plain|\n"
                    "a|file|text/plain|\na|file|text/plain|\na|x.txt|text/plain|\n");
}

FIBER_TEST(what_is_no_proper_form_is_invalid)
{
    static const struct {
        const char *type, *body;
    } cases[] = {
        {"application/json", "{}"},
        {"multipart/form-data", "--B--"},
        {"multipart/form-data; boundary=\"a<b\"", "--a<b--"},
        {"multipart/form-data; boundary=01234567890123456789012345678901234567890123456789012345678901234567890", "--"},
        {FORM, ""},
        {FORM, "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ncut off"},
        {FORM, "--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--"},
        {FORM, "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--"},
        {FORM, "--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--B--"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        post(s, cases[i].type, cases[i].body, strlen(cases[i].body), 400);
        CHECK(result == ERR_INVALID, "%s %s: %s", cases[i].type, cases[i].body, err_name(result));
    }
}

FIBER_TEST(a_field_over_its_limit_is_too_large)
{
    char body[1024], data[102];

    memset(data, 'x', 101);
    data[101] = '\0';
    snprintf(body, sizeof body, PART("name=\"a\"", "%s") "--B--", data);
    post(s, FORM, body, strlen(body), 400);
    CHECK_INT(result, ERR_TOO_LARGE);
}

static char *large_form(size_t size, size_t *len)
{
    static const char head[] = "--B\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"big\"\r\n\r\n";
    char *body = mem_alloc(size + 256);

    memcpy(body, head, sizeof head - 1);
    for (size_t i = 0; i < size; i++)
        body[sizeof head - 1 + i] = "\r\n--A"[i % 5];
    memcpy(body + sizeof head - 1 + size, "\r\n--B--\r\n", 9);
    *len = sizeof head - 1 + size + 9;
    return body;
}

FIBER_TEST(an_upload_streams_into_a_new_private_file)
{
    enum { SIZE = 3000000 };
    size_t len, right = 0;
    char *body = large_form(SIZE, &len), file[600], byte;
    struct stat st;
    FILE *f;

    post(s, FORM, body, len, 200);
    CHECK_STR(seen, "upload|big|text/plain|3000000 bytes\n");
    snprintf(file, sizeof file, "%s/upload", folder);
    CHECK(stat(file, &st) == 0 && st.st_size == SIZE && (st.st_mode & 0777) == 0600, "size and mode");
    f = fopen(file, "r");
    while (fread(&byte, 1, 1, f) == 1)
        right += byte == "\r\n--A"[right % 5];
    fclose(f);
    CHECK_INT(right, SIZE);
    post(s, FORM, body, len, 400);
    CHECK_INT(result, ERR_CONFLICT); /* it exists */
    CHECK(stat(file, &st) == 0 && st.st_size == SIZE, "and stays as it was");
    free(body);
}

FIBER_TEST(an_upload_over_the_limit_leaves_nothing_behind)
{
    size_t len;
    char *body = large_form(200000, &len), file[600];

    max_file = 100000;
    post(s, FORM, body, len, 400);
    CHECK_INT(result, ERR_TOO_LARGE);
    snprintf(file, sizeof file, "%s/upload", folder);
    CHECK(access(file, F_OK) != 0, "removed");
    post(s, FORM, body, len - 9, 400);
    CHECK(access(file, F_OK) != 0, "nor does one that breaks off");
    free(body);
}
