/* SPDX-License-Identifier: MIT */
/* Methods, phrases, header lists and header parameters; see http.h. */
#include "net/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const method_names[METHOD_COUNT] = {
    [GET] = "GET",     [HEAD] = "HEAD",     [POST] = "POST",       [PUT] = "PUT",
    [PATCH] = "PATCH", [DELETE] = "DELETE", [OPTIONS] = "OPTIONS",
};

const char *http_method_name(http_method m)
{
    return m < METHOD_COUNT ? method_names[m] : "UNKNOWN";
}

bool http_method_parse(str name, http_method *out)
{
    for (size_t i = 0; i < METHOD_COUNT; i++) {
        if (str_is(name, method_names[i])) {
            *out = (http_method)i;
            return true;
        }
    }
    return false;
}

const char *http_phrase(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {203, "Non-Authoritative Information"},
        {204, "No Content"},
        {205, "Reset Content"},
        {206, "Partial Content"},
        {300, "Multiple Choices"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {305, "Use Proxy"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {407, "Proxy Authentication Required"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
        {511, "Network Authentication Required"},
    };

    if (status == 200)
        return "OK";
    for (size_t i = 0; i < COUNT(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

void http_headers_add(arena *a, http_headers *h, const char *name, const char *value)
{
    if (h->count == h->cap) {
        size_t cap = h->cap == 0 ? 8 : h->cap * 2;
        http_header *items = arena_array(a, http_header, cap);

        if (h->count > 0)
            memcpy(items, h->items, h->count * sizeof *items);
        h->items = items;
        h->cap = cap;
    }
    h->items[h->count++] = (http_header){name, value};
}

const char *http_headers_get(const http_headers *h, const char *name)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcasecmp(h->items[i].name, name) == 0)
            return h->items[i].value;
    return NULL;
}

char *http_media_type(arena *a, const char *content_type)
{
    str rest = str_of(content_type), type = STR("");
    char *out;

    (void)str_next(&rest, ';', &type); /* an empty value leaves the empty type */
    out = str_dup(a, str_trim(type));
    for (char *p = out; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static bool is_token_char(char c)
{
    return c > 0x20 && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* The parameter's value at `p`, token or quoted-string (RFC 9110 section 5.6.4); NULL when the quote never ends. */
static const char *take_value(arena *a, const char *p, char **out)
{
    size_t len = 0;
    char *text;

    if (*p != '"') {
        while (p[len] != '\0' && p[len] != ';')
            len++;
        *out = str_dup(a, str_trim((str){p, len}));
        return p + len;
    }
    text = arena_alloc(a, strlen(p) + 1);
    for (p++; *p != '"'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        if (*p == '\0')
            return NULL;
        text[len++] = *p;
    }
    text[len] = '\0';
    *out = text;
    return p + 1;
}

char *http_param(arena *a, const char *value, const char *param)
{
    const char *p = value != NULL ? strchr(value, ';') : NULL;

    while (p != NULL && *p == ';') {
        const char *name = p = skip_space(p + 1);
        size_t len;
        char *text;

        while (is_token_char(*p))
            p++;
        len = (size_t)(p - name);
        p = skip_space(p);
        if (*p != '=') { /* a name without value, or none at all: on to the next */
            p = strchr(p, ';');
            continue;
        }
        p = take_value(a, skip_space(p + 1), &text);
        if (p == NULL)
            return NULL;
        if (len == strlen(param) && strncasecmp(name, param, len) == 0)
            return text;
        p = strchr(p, ';');
    }
    return NULL;
}

char *http_cookie(arena *a, const char *cookie_header, const char *name)
{
    str rest = str_of(cookie_header), pair;
    size_t len = strlen(name);

    while (str_next(&rest, ';', &pair)) {
        pair = str_trim(pair);
        if (pair.len > len && pair.p[len] == '=' && memcmp(pair.p, name, len) == 0) {
            str v = {pair.p + len + 1, pair.len - len - 1};

            if (v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"')
                v = (str){v.p + 1, v.len - 2};
            return str_dup(a, v);
        }
    }
    return NULL;
}

const char *http_type_of_file(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {".eml", "message/rfc822"},
        {".epub", "application/epub+zip"},
        {".gif", "image/gif"},
        {".gz", "application/gzip"},
        {".htm", "text/html; charset=utf-8"},
        {".html", "text/html; charset=utf-8"},
        {".ico", "image/vnd.microsoft.icon"},
        {".jpeg", "image/jpeg"},
        {".jpg", "image/jpeg"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".md", "text/markdown; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".mp3", "audio/mpeg"},
        {".mp4", "video/mp4"},
        {".pdf", "application/pdf"},
        {".png", "image/png"},
        {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
        {".wasm", "application/wasm"},
        {".wav", "audio/wav"},
        {".webp", "image/webp"},
        {".woff2", "font/woff2"},
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {".xml", "application/xml"},
        {".yaml", "application/yaml"},
        {".yml", "application/yaml"},
        {".zip", "application/zip"},
    };
    const char *ending = name != NULL ? strrchr(name, '.') : NULL;

    for (size_t i = 0; ending != NULL && i < COUNT(types); i++)
        if (strcasecmp(ending, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}
