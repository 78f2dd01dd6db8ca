/* SPDX-License-Identifier: MIT */
#include "tool/patch_text.h"

#include "base/buf.h"

enum { SECTIONS_MAX = 200, HUNK_LINES_MAX = 20000, PATCH_MAX = 4 << 20, RESULT_MAX = 20 << 20 };
enum { STEPS_BETWEEN_LOOKS = 16384, BYTES_PER_STEP = 64 }; /* of looking for a hunk */

typedef struct {
    arena *a;
    str rest;
    str line; /* the current one, without its end */
    size_t number;
    bool more;
    const char **reason;
} reader;

static void next_line(reader *r)
{
    r->more = r->rest.len > 0;
    if (!r->more) {
        r->line = (str){"", 0};
        return;
    }
    r->number++;
    (void)str_next(&r->rest, '\n', &r->line);
    if (r->line.len > 0 && r->line.p[r->line.len - 1] == '\r')
        r->line.len--;
}

static void *wrong(reader *r, const char *what)
{
    *r->reason = arena_printf(r->a, "line %zu: %s", r->number, what);
    return NULL;
}

/* The rest of the line after `head`, trimmed; false when it does not begin so. */
static bool heading(const reader *r, const char *head, str *rest)
{
    size_t len = strlen(head);

    if (!str_starts(r->line, head))
        return false;
    *rest = str_trim((str){r->line.p + len, r->line.len - len});
    return true;
}

static bool is_heading(const reader *r)
{
    return str_starts(r->line, "*** ") && !str_starts(r->line, "*** End of File");
}

static bool read_added(reader *r, patch_section *s)
{
    buf *b = buf_new(r->a, PATCH_MAX);

    for (; r->more && !is_heading(r); next_line(r)) {
        if (r->line.len == 0 || r->line.p[0] != '+')
            return wrong(r, "every line of an added file begins with '+'") != NULL;
        buf_add(b, r->line.p + 1, r->line.len - 1);
        buf_putc(b, '\n');
    }
    s->text = (str){buf_str(b), b->len};
    return true;
}

static bool is_hunk_line(const reader *r)
{
    return r->line.len == 0 || strchr(" +-", r->line.p[0]) != NULL;
}

static bool add_line(reader *r, patch_hunk *h)
{
    char op = r->line.len > 0 ? r->line.p[0] : ' ';
    str text = r->line.len > 0 ? (str){r->line.p + 1, r->line.len - 1} : r->line;

    if (h->n_old == HUNK_LINES_MAX || h->n_new == HUNK_LINES_MAX)
        return wrong(r, "the hunk is too long") != NULL;
    if (op != '+')
        h->old[h->n_old++] = text;
    if (op != '-')
        h->new[h->n_new++] = text;
    return true;
}

/* How many lines the hunk has at most, so that its lists are made once. */
static size_t count_lines(const reader *r)
{
    reader ahead = *r;
    size_t n = 0;

    for (; ahead.more && is_hunk_line(&ahead); next_line(&ahead))
        n++;
    return n;
}

static patch_hunk *read_hunk(reader *r)
{
    patch_hunk *h = arena_one(r->a, patch_hunk);
    size_t n;

    h->line = r->number;
    if (heading(r, "@@", &h->anchor))
        next_line(r);
    n = MIN_OF(count_lines(r), HUNK_LINES_MAX);
    h->old = arena_array(r->a, str, n + 1);
    h->new = arena_array(r->a, str, n + 1);
    for (; r->more && is_hunk_line(r); next_line(r))
        if (!add_line(r, h))
            return NULL;
    if (str_starts(r->line, "*** End of File")) {
        h->at_end = true;
        next_line(r);
    }
    if (h->n_old == 0 && h->n_new == 0)
        return wrong(r, "the hunk is empty");
    return h;
}

static bool read_hunks(reader *r, patch_section *s)
{
    patch_hunk **last = &s->hunks;
    str rest;

    if (heading(r, "*** Move to: ", &rest)) {
        s->move_to = str_dup(r->a, rest);
        next_line(r);
    }
    while (r->more && !is_heading(r)) {
        if (!is_hunk_line(r) && !str_starts(r->line, "@@"))
            return wrong(r, "a hunk line begins with ' ', '+', '-' or '@@'") != NULL;
        if ((*last = read_hunk(r)) == NULL)
            return false;
        last = &(*last)->next;
    }
    if (s->hunks == NULL && s->move_to == NULL)
        return wrong(r, "the update has no hunks") != NULL;
    return true;
}

static patch_section *read_section(reader *r)
{
    patch_section *s = arena_one(r->a, patch_section);
    bool ok = true;
    str path;

    if (heading(r, "*** Add File: ", &path))
        s->kind = PATCH_ADD;
    else if (heading(r, "*** Update File: ", &path))
        s->kind = PATCH_UPDATE;
    else if (heading(r, "*** Delete File: ", &path))
        s->kind = PATCH_DELETE;
    else
        return wrong(r, "expected *** Add File, *** Update File, *** Delete File or *** End Patch");
    if (path.len == 0)
        return wrong(r, "the path is missing");
    s->path = str_dup(r->a, path);
    next_line(r);
    if (s->kind == PATCH_ADD)
        ok = read_added(r, s);
    else if (s->kind == PATCH_UPDATE)
        ok = read_hunks(r, s);
    return ok ? s : NULL;
}

patch_section *patch_parse(arena *a, const char *text, const char **reason)
{
    reader r = {.a = a, .rest = str_of(text), .reason = reason};
    patch_section *first = NULL, **last = &first;
    size_t n = 0;

    if (r.rest.len > PATCH_MAX)
        return wrong(&r, "the patch is too long");
    for (next_line(&r); r.more && str_trim(r.line).len == 0;)
        next_line(&r);
    if (!str_is(str_trim(r.line), "*** Begin Patch"))
        return wrong(&r, "the patch must begin with *** Begin Patch");
    for (next_line(&r); r.more && !str_is(str_trim(r.line), "*** End Patch"); last = &(*last)->next) {
        if (++n > SECTIONS_MAX)
            return wrong(&r, "the patch has too many sections");
        if ((*last = read_section(&r)) == NULL)
            return NULL;
    }
    if (!r.more)
        return wrong(&r, "the patch must end with *** End Patch");
    return first != NULL ? first : wrong(&r, "the patch changes nothing");
}

/* ---- applying ---- */

typedef struct {
    str *lines;
    size_t n;
    bool ends_with_newline;
} file_lines;

static file_lines split(arena *a, str text)
{
    file_lines f = {.ends_with_newline = text.len == 0 || text.p[text.len - 1] == '\n'};
    size_t n = 1;
    str rest = text;

    for (size_t i = 0; i < text.len; i++)
        n += text.p[i] == '\n';
    f.lines = arena_array(a, str, n);
    while (rest.len > 0 && str_next(&rest, '\n', &f.lines[f.n]))
        f.n++;
    return f;
}

static str trim_end(str s)
{
    while (s.len > 0 && strchr(" \t\r", s.p[s.len - 1]) != NULL)
        s.len--;
    return s;
}

/* The search for a hunk's place. */
typedef struct {
    const file_lines *f;
    bool (*over)(void *arg);
    void *arg;
    size_t work; /* since `over` was asked */
    bool stopped;
} finder;

static bool goes_on(finder *d, size_t bytes)
{
    d->work += 1 + bytes / BYTES_PER_STEP;
    if (d->work >= STEPS_BETWEEN_LOOKS) {
        d->work = 0;
        d->stopped = d->stopped || (d->over != NULL && d->over(d->arg));
    }
    return !d->stopped;
}

/* How alike two lines must be: exactly, but for white space at the end, but for white space at both ends.  When it is over,
 * none are. */
static bool same_line(finder *d, str a, str b, int tolerance)
{
    if (!goes_on(d, a.len + b.len))
        return false;
    if (tolerance == 0)
        return str_eq(a, b);
    return tolerance == 1 ? str_eq(trim_end(a), trim_end(b)) : str_eq(str_trim(a), str_trim(b));
}

static bool matches_at(finder *d, const patch_hunk *h, size_t at, int tolerance)
{
    if (at + h->n_old > d->f->n)
        return false;
    for (size_t i = 0; i < h->n_old; i++)
        if (!same_line(d, d->f->lines[at + i], h->old[i], tolerance))
            return false;
    return true;
}

static size_t after_anchor(finder *d, str anchor, size_t from)
{
    const file_lines *f = d->f;

    for (int tolerance = 0; tolerance < 3; tolerance++)
        for (size_t i = from; i < f->n; i++)
            if (same_line(d, f->lines[i], anchor, tolerance))
                return i + 1;
    for (size_t i = from; i < f->n && goes_on(d, f->lines[i].len); i++) /* a part is enough: "@@ class A" */
        if (str_find(f->lines[i], anchor) >= 0)
            return i + 1;
    return SIZE_MAX;
}

/* Where the hunk's old lines are; SIZE_MAX when they are not, or it is over. */
static size_t locate(finder *d, const patch_hunk *h, size_t from)
{
    const file_lines *f = d->f;

    if (h->anchor.len > 0 && (from = after_anchor(d, h->anchor, from)) == SIZE_MAX)
        return SIZE_MAX;
    if (h->n_old == 0)
        return h->anchor.len > 0 ? from : f->n;
    for (int tolerance = 0; tolerance < 3; tolerance++) {
        if (h->at_end && f->n >= h->n_old && f->n - h->n_old >= from && matches_at(d, h, f->n - h->n_old, tolerance))
            return f->n - h->n_old;
        for (size_t at = from; !h->at_end && !d->stopped && at + h->n_old <= f->n; at++)
            if (matches_at(d, h, at, tolerance))
                return at;
    }
    return SIZE_MAX;
}

static void put_line(buf *out, str line, size_t *count)
{
    if (*count > 0)
        buf_putc(out, '\n');
    buf_add(out, line.p, line.len);
    ++*count;
}

bool patch_apply(arena *a, const patch_section *s, str before, bool (*over)(void *arg), void *arg, str *after,
                 const char **reason)
{
    file_lines f = split(a, before);
    finder d = {.f = &f, .over = over, .arg = arg};
    buf *out = buf_new(a, RESULT_MAX);
    size_t at = 0, written = 0;

    for (const patch_hunk *h = s->hunks; h != NULL; h = h->next) {
        size_t found = locate(&d, h, at);

        if (found == SIZE_MAX) {
            *reason =
                arena_printf(a,
                             d.stopped ? "it takes too long to find the lines of the hunk at line %zu of the patch"
                                       : "the lines of the hunk at line %zu of the patch are not in the file",
                             h->line);
            return false;
        }
        for (; at < found; at++)
            put_line(out, f.lines[at], &written);
        for (size_t i = 0; i < h->n_new; i++)
            put_line(out, h->new[i], &written);
        at = found + h->n_old;
    }
    for (; at < f.n; at++)
        put_line(out, f.lines[at], &written);
    if (written > 0 && f.ends_with_newline)
        buf_putc(out, '\n');
    *reason = "the file would be too large";
    *after = (str){buf_str(out), out->len};
    return buf_ok(out);
}
