/* SPDX-License-Identifier: MIT */
/*
 * grep: searching the text of files by regular expression.
 *
 * Lines are matched one by one unless `multiline` asks otherwise.  A file that is not text is skipped.  The deadline is
 * looked at between lines and during a match, so neither a large tree nor a wicked pattern holds the thread.
 */
#include "tool/pattern.h"
#include "tool/textfile.h"
#include "tool/walk.h"

#include <errno.h>

enum { HEAD_MAX = 2000, LINE_SHOWN = 400, CONTEXT_MAX = 20, FILE_MAX = 10 << 20, PROBE = 8192 };

typedef enum { SHOW_CONTENT, SHOW_FILES, SHOW_COUNT } output_mode;

static const struct {
    const char *type, *pattern;
} file_types[] = {
    {"c", "*.{c,h}"},
    {"cpp", "*.{cpp,cc,cxx,hpp,hh,hxx,h}"},
    {"cs", "*.cs"},
    {"css", "*.{css,scss,less}"},
    {"csv", "*.csv"},
    {"go", "*.go"},
    {"html", "*.{html,htm}"},
    {"java", "*.java"},
    {"js", "*.{js,jsx,mjs,cjs}"},
    {"json", "*.json"},
    {"kotlin", "*.{kt,kts}"},
    {"lua", "*.lua"},
    {"md", "*.{md,markdown}"},
    {"php", "*.php"},
    {"py", "*.{py,pyi}"},
    {"ruby", "*.rb"},
    {"rust", "*.rs"},
    {"sh", "*.{sh,bash,zsh}"},
    {"sql", "*.sql"},
    {"swift", "*.swift"},
    {"toml", "*.toml"},
    {"ts", "*.{ts,tsx}"},
    {"txt", "*.txt"},
    {"vue", "*.vue"},
    {"xml", "*.xml"},
    {"yaml", "*.{yaml,yml}"},
};

typedef struct {
    work *w;
    pattern *expression;
    path_pattern *glob, *type;
    output_mode mode;
    bool multiline;
    size_t before, after, limit;
    json_t *out;     /* the list in the result */
    int64_t total;   /* matches in all files */
    bool full, hard; /* the limit is reached; the pattern is too hard */
    arena *file;     /* reset for each file */
} grep_job;

static json_t *line_json(const char *p, size_t len)
{
    str shown = {p, len};
    buf b = BUF_INIT(LINE_SHOWN * 8);
    json_t *v;

    while (shown.len > 0 && (shown.p[shown.len - 1] == '\n' || shown.p[shown.len - 1] == '\r'))
        shown.len--;
    if (shown.len > LINE_SHOWN) {
        buf_add(&b, shown.p, utf8_valid(shown.p, shown.len) ? utf8_prefix(shown, LINE_SHOWN).len : LINE_SHOWN);
        buf_puts(&b, "…");
        shown = (str){buf_str(&b), b.len};
    }
    v = json_stringn(shown.p, shown.len);
    buf_close(&b);
    return v != NULL ? v : json_string("");
}

static json_t *context_json(str text, const size_t *lines, size_t from, size_t to)
{
    json_t *list = json_array();

    for (size_t i = from; i < to; i++)
        json_array_append_new(list, line_json(text.p + lines[i], lines[i + 1] - lines[i]));
    return list;
}

static void add_match(grep_job *g, const walk_file *f, str text, const size_t *lines, size_t n, size_t line,
                      size_t start, size_t end)
{
    size_t line_end = lines[line + 1];
    json_t *o;

    if (json_array_size(g->out) >= g->limit) {
        g->full = true;
        return;
    }
    o = json_object();
    json_set_str(o, "file", workspace_absolute(g->file, &g->w->ws, f->rel));
    json_set_int(o, "line", (int64_t)line + 1);
    json_set_int(o, "col", (int64_t)(start - lines[line]) + 1);
    json_set(o, "match", line_json(text.p + start, end - start));
    json_set(o, "line_text", line_json(text.p + lines[line], line_end - lines[line]));
    if (g->before > 0)
        json_set(o, "before", context_json(text, lines, line > g->before ? line - g->before : 0, line));
    if (g->after > 0)
        json_set(o, "after", context_json(text, lines, line + 1, MIN_OF(line + 1 + g->after, n)));
    json_array_append_new(g->out, o);
}

static bool keeps_on(grep_job *g)
{
    return !g->full && !g->hard && !work_over(g->w);
}

/* One match a line, as grep counts. */
static int64_t match_lines(grep_job *g, const walk_file *f, str text, const size_t *lines, size_t n)
{
    int64_t found = 0;
    size_t start, end;

    for (size_t i = 0; i < n && keeps_on(g); i++) {
        str line = {text.p + lines[i], lines[i + 1] - lines[i]};
        pattern_found hit;

        while (line.len > 0 && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
            line.len--;
        hit = pattern_find(g->expression, line, 0, &start, &end);
        g->hard |= hit == PATTERN_TOO_HARD;
        if (hit != PATTERN_YES)
            continue;
        found++;
        if (g->mode == SHOW_FILES)
            break;
        if (g->mode == SHOW_CONTENT)
            add_match(g, f, text, lines, n, i, lines[i] + start, lines[i] + end);
    }
    return found;
}

static int64_t match_whole(grep_job *g, const walk_file *f, str text, const size_t *lines, size_t n)
{
    size_t at = 0, start, end, line = 0;
    int64_t found = 0;

    while (at <= text.len && keeps_on(g)) {
        pattern_found hit = pattern_find(g->expression, text, at, &start, &end);

        g->hard |= hit == PATTERN_TOO_HARD;
        if (hit != PATTERN_YES)
            break;
        found++;
        if (g->mode == SHOW_FILES)
            break;
        while (line + 1 < n && lines[line + 1] <= start)
            line++;
        if (g->mode == SHOW_CONTENT && n > 0)
            add_match(g, f, text, lines, n, line, start, end);
        at = end > start ? end : end + 1;
    }
    return found;
}

static void add_file(grep_job *g, const walk_file *f, int64_t found)
{
    const char *path = workspace_absolute(g->file, &g->w->ws, f->rel);
    json_t *o;

    if (g->mode == SHOW_CONTENT || found == 0)
        return;
    if (json_array_size(g->out) >= g->limit) {
        g->full = true;
        return;
    }
    if (g->mode == SHOW_FILES) {
        json_array_append_new(g->out, json_string(path));
        return;
    }
    o = json_object();
    json_set_str(o, "file", path);
    json_set_int(o, "matches", found);
    json_array_append_new(g->out, o);
}

static bool grep_visit(void *arg, const walk_file *f)
{
    grep_job *g = arg;
    size_t *lines, n;
    int64_t found;
    str text;

    if ((g->glob != NULL && !path_pattern_matches(g->glob, f->path)) ||
        (g->type != NULL && !path_pattern_matches(g->type, f->path)) || f->size > FILE_MAX)
        return true;
    arena_reset(g->file);
    if (workspace_read(g->file, &g->w->ws, f->rel, FILE_MAX, &text) < 0 ||
        memchr(text.p, '\0', MIN_OF(text.len, PROBE)) != NULL)
        return true;
    n = text_lines(g->file, text, &lines);
    found = g->multiline ? match_whole(g, f, text, lines, n) : match_lines(g, f, text, lines, n);
    g->total += found;
    add_file(g, f, found);
    return keeps_on(g);
}

static size_t bounded(const json_t *args, const char *name, int64_t fallback, int64_t most)
{
    int64_t n = json_get_int(args, name, fallback);

    return (size_t)(n < 0 ? 0 : n > most ? most : n);
}

/* NULL, or the failure. */
static json_t *read_options(work *w, grep_job *g)
{
    const char *mode = arg_str(w->args, "output_mode", "content"), *glob = arg_str(w->args, "glob", NULL);
    const char *type = arg_str(w->args, "type", NULL), *reason, *type_pattern = NULL;
    size_t around = bounded(w->args, "context_lines", 0, CONTEXT_MAX);

    g->mode = cstr_eq(mode, "count") ? SHOW_COUNT : cstr_eq(mode, "files_with_matches") ? SHOW_FILES : SHOW_CONTENT;
    g->multiline = json_get_bool(w->args, "multiline", false);
    g->before = MAX_OF(around, bounded(w->args, "before_lines", 0, CONTEXT_MAX));
    g->after = MAX_OF(around, bounded(w->args, "after_lines", 0, CONTEXT_MAX));
    g->limit = MAX_OF(bounded(w->args, "head_limit", 200, HEAD_MAX), 1);
    g->expression = pattern_new(w->a, arg_str(w->args, "pattern", ""),
                                (pattern_options){.ignore_case = json_get_bool(w->args, "case_insensitive", false),
                                                  .multiline = g->multiline,
                                                  .over = work_ask_over,
                                                  .arg = w},
                                &reason);
    if (g->expression == NULL)
        return tool_failure("INVALID_ARGUMENT", "Bad regular expression: %s", reason);
    if (!cstr_blank(glob) && (g->glob = path_pattern_new(w->a, glob, &reason)) == NULL)
        return tool_failure("INVALID_ARGUMENT", "Bad glob: %s", reason);
    for (size_t i = 0; i < COUNT(file_types) && !cstr_blank(type); i++)
        if (cstr_eq(file_types[i].type, type))
            type_pattern = file_types[i].pattern;
    if (!cstr_blank(type) && type_pattern == NULL)
        return tool_failure("INVALID_ARGUMENT", "Unknown file type '%s'; use glob instead", type);
    if (type_pattern != NULL)
        g->type = path_pattern_new(w->a, type_pattern, &reason);
    return NULL;
}

static json_t *grep_result(const grep_job *g, walk_end end)
{
    static const struct {
        const char *mode, *list, *sum;
    } shapes[] = {
        {"content", "matches", "count"}, {"files_with_matches", "files", "count"}, {"count", "counts", "total"}};
    json_t *o = json_object();

    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_str(o, "tool", "builtin");
    json_set_str(o, "output_mode", shapes[g->mode].mode);
    json_set(o, shapes[g->mode].list, json_incref(g->out));
    json_set_int(o, shapes[g->mode].sum, g->mode == SHOW_COUNT ? g->total : (int64_t)json_array_size(g->out));
    json_set_bool(o, "truncated", g->full || end == WALK_BOUNDED || work_over(g->w));
    if (work_over(g->w))
        json_set_str(o, "hint", "The search ran out of time; narrow it with path, glob or type");
    return o;
}

static walk_end search(work *w, grep_job *g, const char *rel, const struct stat *st)
{
    walk_file one = {.rel = rel, .path = rel, .size = st->st_size};

    if (S_ISDIR(st->st_mode))
        return walk_files(w, rel, grep_visit, g);
    g->glob = g->type = NULL; /* the file was named itself */
    return grep_visit(g, &one) ? WALK_DONE : WALK_STOPPED;
}

static json_t *work_grep(work *w)
{
    const char *given = arg_str(w->args, "path", "."), *rel;
    grep_job g = {.w = w, .file = arena_new(w->a)};
    struct stat st;
    walk_end end;
    json_t *o = read_options(w, &g);
    int e;

    if (o != NULL)
        return o;
    given = cstr_blank(given) ? "." : given;
    e = workspace_relative(w->a, &w->ws, given, &rel);
    if (e == 0)
        e = workspace_stat(&w->ws, rel, &st);
    if (e < 0)
        return tool_path_failure(e, given);
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return tool_path_failure(-EINVAL, given);
    g.out = json_array();
    end = search(w, &g, rel, &st);
    o = g.hard ? tool_failure("INVALID_ARGUMENT", "The pattern backtracks too much on this text; make it simpler "
                                                  "(no nested repetition)")
               : grep_result(&g, end);
    json_decref(g.out);
    return o;
}

static err call_grep(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *result;

    (void)t;
    TRY(work_run(s, cx, args, SECONDS(20), work_grep, &result));
    return answer_json(s, result, out);
}

static const param grep_params[] = {
    {"pattern", "string", "Regular expression (Perl syntax)", .required = true},
    {"path", "string", "File or directory; the workspace itself when left out"},
    {"glob", "string", "Only files that match this path pattern, such as \"*.py\""},
    {"type", "string", "Only files of this type, such as py, js, c, md"},
    {"output_mode", "string", "content shows the lines, files_with_matches the paths, count the number a file",
     .fallback = "\"content\"", .extra = "{\"enum\":[\"content\",\"files_with_matches\",\"count\"]}"},
    {"case_insensitive", "boolean", "Ignore case", .fallback = "false"},
    {"multiline", "boolean", "Let a match go over line ends", .fallback = "false"},
    {"before_lines", "integer", "Lines to show before each match", .fallback = "0"},
    {"after_lines", "integer", "Lines to show after each match", .fallback = "0"},
    {"context_lines", "integer", "Lines to show on both sides", .fallback = "0"},
    {"head_limit", "integer", "Most entries to return", .fallback = "200"},
};

const builtin builtin_grep = {
    .name = "grep",
    .text = "Searches the text of the workspace's files by regular expression.",
    PARAMS(grep_params),
    .call = call_grep,
    .timeout = SECONDS(60),
};
