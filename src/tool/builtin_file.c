/* SPDX-License-Identifier: MIT */
/*
 * file_read and file_write: text files of the workspace.
 *
 * Files are UTF-8 text of at most 20 MB; anything else is refused with a sentence that says so, because a model cannot do
 * anything with replacement characters but write them back.
 */
#include "tool/internal.h"
#include "tool/textfile.h"

#include <errno.h>

enum { DEFAULT_END = 400, SHOWN_MAX = 256 << 10 };

json_t *text_load(work *w, const char *given, const char **rel, str *text)
{
    int e = workspace_relative(w->a, &w->ws, given, rel);

    if (e == 0)
        e = workspace_read(w->a, &w->ws, *rel, FILE_LIMIT, text);
    if (e < 0)
        return tool_path_failure(e, given);
    if (!utf8_valid(text->p, text->len) || memchr(text->p, '\0', text->len) != NULL)
        return tool_failure("UNSUPPORTED", "The file is not UTF-8 text (binary, or another encoding): %s", given);
    return NULL;
}

/* Where each line begins; lines[n] is the end of the text. */
size_t text_lines(arena *a, str text, size_t **lines)
{
    size_t n = 0, at = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.p[i] == '\n';
    n += text.len > 0 && text.p[text.len - 1] != '\n';
    *lines = arena_array(a, size_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *end = memchr(text.p + at, '\n', text.len - at);

        (*lines)[i] = at;
        at = end != NULL ? (size_t)(end - text.p) + 1 : text.len;
    }
    (*lines)[n] = text.len;
    return n;
}

static char *numbered(arena *a, str text, const size_t *lines, size_t from, size_t to)
{
    buf *b = buf_new(a, SHOWN_MAX * 4);

    for (size_t i = from; i < to; i++) {
        size_t len = lines[i + 1] - lines[i];

        if (len > 0 && text.p[lines[i] + len - 1] == '\n')
            len--;
        if (i > from)
            buf_putc(b, '\n');
        buf_printf(b, "%4zu | ", i + 1);
        buf_add(b, text.p + lines[i], len);
    }
    return arena_strdup(a, buf_str(b));
}

/* A huge range is cut at a line's end: the token limit would cut it anyway, less usefully. */
static size_t shown_end(const size_t *lines, size_t from, size_t to)
{
    while (to > from + 1 && lines[to] - lines[from] > SHOWN_MAX)
        to = from + (to - from) / 2;
    return to;
}

static json_t *read_result(work *w, const char *rel, str text)
{
    int64_t start = json_get_int(w->args, "start_line", 0), end;
    json_t *asked = json_object_get(w->args, "end_line"), *o;
    bool with_numbers = json_get_bool(w->args, "include_line_numbers", true);
    size_t *lines, n = text_lines(w->a, text, &lines), from, to, want;
    str raw;

    end = json_is_null(asked) ? INT64_MAX : json_get_int(w->args, "end_line", DEFAULT_END);
    if (asked == NULL && start >= DEFAULT_END && start < INT64_MAX - DEFAULT_END)
        end = start + DEFAULT_END; /* only the start was given: a page from there */
    if (start < 0 || end < start)
        return tool_failure("INVALID_ARGUMENT", "start_line must be 0 or more, and end_line not before it");
    from = MIN_OF((size_t)start, n);
    want = MIN_OF((size_t)end, n);
    to = shown_end(lines, from, want);
    raw = utf8_prefix((str){text.p + lines[from], lines[to] - lines[from]}, SHOWN_MAX);
    o = json_object();
    json_set_str(o, "status", "success");
    json_set(o, "raw_content", json_stringn(raw.p, raw.len));
    json_set(o, "content",
             with_numbers ? json_string(numbered(w->a, (str){text.p, lines[from] + raw.len}, lines, from, to))
                          : json_stringn(raw.p, raw.len));
    json_set_int(o, "total_lines", (int64_t)n);
    json_set_int(o, "start_line", (int64_t)from);
    json_set_int(o, "end_line", (int64_t)to);
    json_set_int(o, "lines_read", (int64_t)(to - from));
    json_set_str(o, "file_path", workspace_absolute(w->a, &w->ws, rel));
    json_set_bool(o, "line_numbers_included", with_numbers);
    if (to < want || raw.len < lines[to] - lines[from])
        json_set_str(o, "hint", "The range is too long for one answer; read on from end_line");
    return o;
}

static json_t *work_read(work *w)
{
    const char *rel;
    str text;
    json_t *problem = text_load(w, arg_str(w->args, "file_path", ""), &rel, &text);

    return problem != NULL ? problem : read_result(w, rel, text);
}

static const param read_params[] = {
    {"file_path", "string", "Path of the file, absolute or relative to the workspace", .required = true},
    {"start_line", "integer", "First line, counted from 0", .fallback = "0"},
    {"end_line", "integer", "Line to stop before; null reads to the end", .nullable = true, .fallback = "400"},
    {"include_line_numbers", "boolean", "Put the line number (from 1) before each line of content", .fallback = "true"},
};

const builtin builtin_file_read = {
    .name = "file_read",
    .text = "Reads a text file of the workspace, or a range of its lines.",
    PARAMS(read_params),
    .work = work_read,
    .baseline = true,
};

/* What can be said about the new text without a compiler: JSON is parsed, other kinds are not checked. */
json_t *text_validate(arena *a, const char *rel, str text)
{
    const char *dot = strrchr(rel, '.'), *slash = strrchr(rel, '/');
    json_t *o = json_object(), *errors = json_array();
    bool is_json = dot != NULL && cstr_eq(dot, ".json"), passed = true;
    json_fault fault;
    json_t *parsed;

    if (is_json && json_parse(a, text.p, text.len, &fault, &parsed) != OK) {
        passed = false;
        json_array_append_new(errors, json_string(arena_printf(a, "at byte %zu: %s", fault.offset, fault.reason)));
    }
    json_set_bool(o, "enabled", true);
    json_set_bool(o, "skipped", !is_json);
    json_set_bool(o, "passed", passed);
    json_set_str(o, "status", !is_json ? "skipped" : passed ? "passed" : "failed");
    json_set_str(o, "validator", is_json ? "json" : NULL);
    json_set_str(o, "file_extension", dot != NULL && (slash == NULL || dot > slash) ? dot : "");
    json_set_str(o, "message",
                 !is_json ? "No validator for this kind of file"
                 : passed ? "Valid JSON"
                          : "The file is not valid JSON");
    json_set(o, "warnings", json_array());
    json_set(o, "errors", errors);
    return o;
}

/* The text to write: in append mode after what is there. */
static int assemble(work *w, const char *rel, str *text)
{
    str before = {"", 0};
    char *joined;
    int e = workspace_read(w->a, &w->ws, rel, FILE_LIMIT, &before);

    if (e < 0 && e != -ENOENT)
        return e;
    if (before.len + text->len > FILE_LIMIT)
        return -EFBIG;
    joined = arena_alloc(w->a, before.len + text->len + 1);
    memcpy(joined, before.p, before.len);
    memcpy(joined + before.len, text->p, text->len);
    joined[before.len + text->len] = '\0';
    *text = (str){joined, before.len + text->len};
    return 0;
}

static int write_text(work *w, const char *rel, bool append, str *text)
{
    int e = 0;

    if (text->len > FILE_LIMIT)
        return -EFBIG;
    workspace_lock(&w->ws);
    if (append)
        e = assemble(w, rel, text);
    if (e == 0)
        e = workspace_write(&w->ws, rel, text->p, text->len);
    workspace_unlock(&w->ws);
    return e;
}

static json_t *work_write(work *w)
{
    const char *given = arg_str(w->args, "file_path", ""), *mode = arg_str(w->args, "mode", "overwrite"), *rel;
    str text = str_of(arg_str(w->args, "content", ""));
    int64_t length = (int64_t)utf8_count(text);
    int e = workspace_relative(w->a, &w->ws, given, &rel);
    json_t *o;

    if (e == 0)
        e = write_text(w, rel, cstr_eq(mode, "append"), &text);
    if (e < 0)
        return tool_path_failure(e, given);
    o = json_object();
    json_set_str(o, "status", "success");
    json_set_bool(o, "success", true);
    json_set_str(o, "message", "File written successfully.");
    json_set_str(o, "file_path", workspace_absolute(w->a, &w->ws, rel));
    json_set_int(o, "content_length", length);
    json_set_str(o, "mode", mode);
    json_set(o, "validation", text_validate(w->a, rel, text));
    return o;
}

static const param write_params[] = {
    {"file_path", "string", "Path of the file, absolute or relative to the workspace", .required = true},
    {"content", "string", "The text to write", .required = true},
    {"mode", "string", "overwrite replaces the file, append adds to its end", .fallback = "\"overwrite\"",
     .extra = "{\"enum\":[\"overwrite\",\"append\"]}"},
};

const builtin builtin_file_write = {
    .name = "file_write",
    .text = "Writes a text file of the workspace; creates it and its directories when they are missing.",
    PARAMS(write_params),
    .work = work_write,
    .baseline = true,
};
