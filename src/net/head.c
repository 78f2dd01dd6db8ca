/* SPDX-License-Identifier: MIT */
/* Finding and parsing the head of a request; see head.h. */
#include "net/head.h"

#include <string.h>
#include <strings.h>

/* ---- where it ends ---- */

static scan_result scan_bad(refusal *why, const char *detail)
{
    *why = (refusal){400, detail};
    return SCAN_BAD;
}

scan_result head_scan_feed(head_scan *sc, const char *bytes, size_t len, size_t *used, refusal *why)
{
    const char *p = bytes, *end = bytes + len;

    while (p < end) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        const char *stop = lf != NULL ? lf + 1 : end;

        if (sc->line == 0 && sc->lines > 0 && (*p == ' ' || *p == '\t'))
            return scan_bad(why, "folded header lines are not accepted");
        sc->line += (uint32_t)(stop - p);
        sc->len += (uint32_t)(stop - p);
        if (lf == NULL) {
            sc->last = end[-1];
            break;
        }
        if ((lf > p ? lf[-1] : sc->last) != '\r')
            return scan_bad(why, "lines must end with CR LF");
        p = stop;
        if (sc->line == 2) {
            *used = (size_t)(p - bytes);
            return SCAN_DONE;
        }
        sc->lines++;
        sc->line = 0;
        sc->last = '\n';
    }
    *used = len;
    return SCAN_MORE;
}

/* ---- small grammar ---- */

static const uint8_t token_chars[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

bool head_is_token(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_chars[(unsigned char)s.p[i]])
            return false;
    return s.len > 0;
}

static bool is_field_value(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_target(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#') /* char is signed: this refuses 0x80 and up too */
            return false;
    return s.len > 0;
}

static bool is_port(str s)
{
    int64_t port;

    return s.len == 0 || (s.len <= 5 && s.p[0] != '-' && str_to_int(s, &port) && port <= 65535);
}

/* RFC 3986 section 3.2.2 with an optional port: a name, an IPv4 address or a literal in brackets; never user@. */
static bool is_host(str s)
{
    size_t i = 0;

    if (s.len == 0 || s.len > 255)
        return false;
    if (s.p[0] == '[') {
        for (i = 1; i < s.len && s.p[i] != ']'; i++)
            if (strchr("0123456789abcdefABCDEF:.", s.p[i]) == NULL || s.p[i] == '\0')
                return false;
        if (i < 3 || i == s.len)
            return false;
        i++;
    } else {
        for (; i < s.len && s.p[i] != ':'; i++)
            if (s.p[i] == '\0' || (!token_chars[(unsigned char)s.p[i]] && strchr("()=,;", s.p[i]) == NULL) ||
                strchr("#^`|", s.p[i]) != NULL)
                return false;
        if (i == 0)
            return false;
    }
    if (i == s.len)
        return true;
    return s.p[i] == ':' && is_port((str){s.p + i + 1, s.len - i - 1});
}

/* ---- the request line ---- */

static refusal parse_version(str v, request_head *out)
{
    if (v.len != 8 || memcmp(v.p, "HTTP/", 5) != 0 || v.p[5] < '0' || v.p[5] > '9' || v.p[6] != '.' || v.p[7] < '0' ||
        v.p[7] > '9')
        return (refusal){400, "malformed request line"};
    if (v.p[5] != '1' || v.p[7] > '1')
        return (refusal){505, "this version of HTTP is not supported"};
    out->http10 = v.p[7] == '0';
    return ACCEPTED;
}

/* Absolute form (RFC 9112 section 3.2.2): its authority is kept to be compared with Host. */
static refusal split_absolute(str *target, str *authority)
{
    size_t skip = strncasecmp(target->p, "http://", 7) == 0 ? 7 : strncasecmp(target->p, "https://", 8) == 0 ? 8 : 0;
    size_t end;

    if (skip == 0)
        return (refusal){400, "the request target must be a path"};
    for (end = skip; end < target->len && target->p[end] != '/' && target->p[end] != '?'; end++)
        ;
    *authority = (str){target->p + skip, end - skip};
    *target = (str){target->p + end, target->len - end};
    if (!is_host(*authority))
        return (refusal){400, "malformed request target"};
    return ACCEPTED;
}

static refusal parse_target(str target, request_head *out, str *authority)
{
    const char *mark;

    if (target.len > URI_MAX)
        return (refusal){414, "the request target is too long"};
    if (!is_target(target))
        return (refusal){400, "malformed request target"};
    if (target.p[0] != '/') {
        refusal r = split_absolute(&target, authority);

        if (r.status != 0)
            return r;
        if (target.len == 0 || target.p[0] == '?') /* "http://host" means its root */
            return (refusal){400, "the request target must have a path"};
    }
    mark = memchr(target.p, '?', target.len);
    out->path = (str){target.p, mark != NULL ? (size_t)(mark - target.p) : target.len};
    out->query = mark != NULL ? (str){mark + 1, target.len - out->path.len - 1} : STR("");
    return ACCEPTED;
}

static refusal parse_request_line(str line, request_head *out, str *authority)
{
    const char *a = memchr(line.p, ' ', line.len);
    const char *b = a != NULL ? memchr(a + 1, ' ', line.len - (size_t)(a + 1 - line.p)) : NULL;
    str method, target, version;
    refusal r;

    if (b == NULL) {
        if (line.len > URI_MAX)
            return (refusal){414, "the request target is too long"};
        return (refusal){400, "malformed request line"};
    }
    method = (str){line.p, (size_t)(a - line.p)};
    target = (str){a + 1, (size_t)(b - a - 1)};
    version = (str){b + 1, line.len - (size_t)(b + 1 - line.p)};
    if (!head_is_token(method))
        return (refusal){400, "malformed request line"};
    if ((r = parse_version(version, out)).status != 0)
        return r;
    if (!http_method_parse(method, &out->method))
        return (refusal){501, "this method is not implemented"};
    return parse_target(target, out, authority);
}

/* ---- header lines ---- */

/* What the framing headers said so far. */
typedef struct {
    bool host, length, chunked, expect, close, keep;
} seen;

static refusal take_host(str value, seen *s, request_head *out)
{
    if (s->host)
        return (refusal){400, "more than one Host header"};
    s->host = true;
    if (!is_host(value))
        return (refusal){400, "malformed Host header"};
    out->host = value;
    return ACCEPTED;
}

static refusal take_length(str value, seen *s, request_head *out)
{
    if (s->length)
        return (refusal){400, "more than one Content-Length header"};
    s->length = true;
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return (refusal){400, "malformed Content-Length header"};
    if (value.len == 0)
        return (refusal){400, "malformed Content-Length header"};
    if (value.len > 18)
        return (refusal){413, "the request body is too large"};
    if (!str_to_int(value, &out->content_length))
        return (refusal){400, "malformed Content-Length header"};
    return ACCEPTED;
}

static refusal take_encoding(str value, seen *s)
{
    if (s->chunked || !str_is_nocase(value, "chunked"))
        return (refusal){400, "only \"Transfer-Encoding: chunked\" is understood"};
    s->chunked = true;
    return ACCEPTED;
}

static refusal take_expect(str value, seen *s)
{
    if (s->expect || !str_is_nocase(value, "100-continue"))
        return (refusal){417, "this expectation cannot be met"};
    s->expect = true;
    return ACCEPTED;
}

static refusal take_connection(str value, seen *s)
{
    str option;

    while (str_next(&value, ',', &option)) {
        option = str_trim(option);
        s->close = s->close || str_is_nocase(option, "close");
        s->keep = s->keep || str_is_nocase(option, "keep-alive");
    }
    return ACCEPTED;
}

static refusal take_header(str name, str value, seen *s, request_head *out)
{
    switch (name.len) { /* few names matter here, and their lengths tell most others apart */
    case 4:
        return str_is_nocase(name, "host") ? take_host(value, s, out) : ACCEPTED;
    case 6:
        return str_is_nocase(name, "expect") ? take_expect(value, s) : ACCEPTED;
    case 10:
        return str_is_nocase(name, "connection") ? take_connection(value, s) : ACCEPTED;
    case 14:
        return str_is_nocase(name, "content-length") ? take_length(value, s, out) : ACCEPTED;
    case 17:
        return str_is_nocase(name, "transfer-encoding") ? take_encoding(value, s) : ACCEPTED;
    default:
        return ACCEPTED;
    }
}

static refusal parse_header(const char *text, str line, seen *s, request_head *out)
{
    const char *colon = memchr(line.p, ':', line.len);
    str name, value;

    if (colon == NULL)
        return (refusal){400, "malformed header line"};
    name = (str){line.p, (size_t)(colon - line.p)};
    if (!head_is_token(name))
        return (refusal){400, "malformed header name"};
    value = (str){colon + 1, line.len - name.len - 1};
    if (!is_field_value(value.p, value.len))
        return (refusal){400, "a header value holds control characters"};
    while (value.len > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
        value = (str){value.p + 1, value.len - 1};
    while (value.len > 0 && (value.p[value.len - 1] == ' ' || value.p[value.len - 1] == '\t'))
        value.len--;
    out->lines[out->n_lines++] =
        (head_line){(uint32_t)(name.p - text), (uint32_t)name.len, (uint32_t)(value.p - text), (uint32_t)value.len};
    return take_header(name, value, s, out);
}

/* ---- the whole ---- */

static refusal check_framing(const seen *s, str authority, request_head *out)
{
    if (s->length && s->chunked)
        return (refusal){400, "both Content-Length and Transfer-Encoding"};
    if (s->chunked && out->http10)
        return (refusal){400, "Transfer-Encoding in an HTTP/1.0 request"};
    if (!s->host && !out->http10)
        return (refusal){400, "the Host header is missing"};
    if (authority.len > 0) {
        if (s->host && (authority.len != out->host.len || strncasecmp(authority.p, out->host.p, authority.len) != 0))
            return (refusal){400, "the Host header contradicts the request target"};
        out->host = authority;
    }
    if (s->chunked)
        out->content_length = -1;
    out->keep_alive = !s->close && (!out->http10 || s->keep);
    out->expects_continue = s->expect && !out->http10 && out->content_length != 0;
    return ACCEPTED;
}

/* The second opinion.  llhttp pauses at the end of a message without body (on_message_complete says so). */
static refusal ask_llhttp(const char *text, size_t len, llhttp_t *parser, const llhttp_settings_t *settings,
                          request_head *out)
{
    static const refusal malformed = {400, "malformed request"};
    void *data = parser->data;
    bool chunked;
    llhttp_errno_t e;

    llhttp_init(parser, HTTP_REQUEST, settings);
    parser->data = data;
    e = llhttp_execute(parser, text, len);
    if (e != HPE_OK && e != HPE_PAUSED && e != HPE_PAUSED_UPGRADE)
        return malformed;
    if (out->content_length == 0)
        return e == HPE_OK ? malformed : ACCEPTED;
    chunked = (parser->flags & F_CHUNKED) != 0;
    if (e != HPE_OK || chunked != (out->content_length < 0))
        return malformed;
    if (!chunked && parser->content_length != (uint64_t)out->content_length)
        return malformed;
    return ACCEPTED;
}

refusal head_parse(const char *text, size_t len, size_t max_lines, llhttp_t *parser, const llhttp_settings_t *settings,
                   request_head *out)
{
    const char *p = text, *end = text + len - 2; /* without the empty line */
    str authority = STR("");
    seen s = {0};
    refusal r = ACCEPTED;

    memset(out, 0, offsetof(request_head, lines)); /* the lines are counted */
    out->host = STR("");
    for (bool first = true; p < end; first = false) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        str line;

        if (lf == NULL || lf == p)
            return (refusal){400, "malformed request"};
        line = (str){p, (size_t)(lf - 1 - p)};
        p = lf + 1;
        if (!first && out->n_lines == MIN_OF(max_lines, (size_t)HEAD_LINES_MAX))
            return (refusal){431, "too many header lines"};
        r = first ? parse_request_line(line, out, &authority) : parse_header(text, line, &s, out);
        if (r.status != 0)
            return r;
    }
    if ((r = check_framing(&s, authority, out)).status != 0)
        return r;
    if ((r = ask_llhttp(text, len, parser, settings, out)).status != 0)
        return r;
    out->upgrade = parser->upgrade != 0;
    return ACCEPTED;
}
