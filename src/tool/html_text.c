/* SPDX-License-Identifier: MIT */
/*
 * The tree is walked without recursion: a page may be nested as deeply as its author likes.
 */
#include "tool/html_text.h"

#include "tool/internal.h"

#include <libxml/HTMLparser.h>
#include <libxml/uri.h>

enum { TEXT_MAX = 4 << 20, IMAGES_MAX = 20, URL_SHOWN_MAX = 500, TITLE_MAX = 300, HTML_MAX = 10 << 20 };

typedef struct {
    buf *out;
    const char *url;
    json_t *images;
    size_t n_links;
    bool space; /* white space seen, not written yet */
    int pre, skipped, list_depth;
    size_t link_at; /* where the text of the open link begins */
    const char *href;
    arena *a;
} renderer;

typedef enum {
    TAG_INLINE,
    TAG_BLOCK,
    TAG_HEADING,
    TAG_SKIP,
    TAG_PRE,
    TAG_ITEM,
    TAG_LIST,
    TAG_LINK,
    TAG_IMAGE,
    TAG_BREAK,
    TAG_CELL,
    TAG_ROW
} tag_kind;

static const struct {
    const char *name;
    tag_kind kind;
} tags[] = {
    {"a", TAG_LINK},           {"address", TAG_BLOCK},  {"article", TAG_BLOCK},    {"aside", TAG_BLOCK},
    {"blockquote", TAG_BLOCK}, {"br", TAG_BREAK},       {"button", TAG_SKIP},      {"canvas", TAG_SKIP},
    {"dd", TAG_BLOCK},         {"details", TAG_BLOCK},  {"div", TAG_BLOCK},        {"dl", TAG_BLOCK},
    {"dt", TAG_BLOCK},         {"fieldset", TAG_BLOCK}, {"figcaption", TAG_BLOCK}, {"figure", TAG_BLOCK},
    {"footer", TAG_SKIP},      {"form", TAG_BLOCK},     {"h1", TAG_HEADING},       {"h2", TAG_HEADING},
    {"h3", TAG_HEADING},       {"h4", TAG_HEADING},     {"h5", TAG_HEADING},       {"h6", TAG_HEADING},
    {"head", TAG_SKIP},        {"header", TAG_BLOCK},   {"hr", TAG_BLOCK},         {"iframe", TAG_SKIP},
    {"img", TAG_IMAGE},        {"li", TAG_ITEM},        {"main", TAG_BLOCK},       {"nav", TAG_SKIP},
    {"noscript", TAG_SKIP},    {"object", TAG_SKIP},    {"ol", TAG_LIST},          {"option", TAG_SKIP},
    {"p", TAG_BLOCK},          {"pre", TAG_PRE},        {"script", TAG_SKIP},      {"section", TAG_BLOCK},
    {"select", TAG_SKIP},      {"style", TAG_SKIP},     {"svg", TAG_SKIP},         {"table", TAG_BLOCK},
    {"td", TAG_CELL},          {"template", TAG_SKIP},  {"textarea", TAG_SKIP},    {"th", TAG_CELL},
    {"tr", TAG_ROW},           {"ul", TAG_LIST},
};

static tag_kind kind_of(const xmlNode *n)
{
    for (size_t i = 0; i < COUNT(tags); i++)
        if (str_is_nocase(str_of((const char *)n->name), tags[i].name))
            return tags[i].kind;
    return TAG_INLINE;
}

static size_t newlines_at_end(const buf *b)
{
    size_t n = 0;

    while (n < b->len && b->data[b->len - 1 - n] == '\n')
        n++;
    return n;
}

/* Ends the line; with 2, leaves an empty one. */
static void break_lines(renderer *r, size_t n)
{
    r->space = false;
    if (r->out->len == 0)
        return;
    for (size_t have = newlines_at_end(r->out); have < n; have++)
        buf_putc(r->out, '\n');
}

static void add_text(renderer *r, const char *text)
{
    if (r->pre > 0) {
        buf_puts(r->out, text);
        return;
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(" \t\r\n\f", *p) != NULL) {
            r->space = true;
            continue;
        }
        if (r->space && r->out->len > 0 && r->out->data[r->out->len - 1] != '\n')
            buf_putc(r->out, ' ');
        r->space = false;
        buf_putc(r->out, *p);
    }
}

static char *attribute(renderer *r, xmlNode *n, const char *name)
{
    xmlChar *value = xmlGetProp(n, (const xmlChar *)name);
    char *copy = arena_strdup(r->a, (const char *)value);

    xmlFree(value);
    return copy;
}

/* An http(s) address that is not too long to show, or NULL. */
static const char *absolute(renderer *r, const char *link)
{
    xmlChar *built;
    char *copy;

    if (cstr_blank(link) || link[0] == '#' || strlen(link) > URL_SHOWN_MAX)
        return NULL;
    built = xmlBuildURI((const xmlChar *)link, (const xmlChar *)r->url);
    copy = arena_strdup(r->a, (const char *)built);
    xmlFree(built);
    if (copy == NULL || strlen(copy) > URL_SHOWN_MAX ||
        !(cstr_starts(copy, "http://") || cstr_starts(copy, "https://")))
        return NULL;
    return copy;
}

static void add_image(renderer *r, xmlNode *n)
{
    const char *src = absolute(r, attribute(r, n, "src")), *alt = attribute(r, n, "alt");

    if (src == NULL)
        return;
    if (json_array_size(r->images) < IMAGES_MAX)
        json_array_append_new(r->images, json_string(src));
    if (!cstr_blank(alt)) {
        add_text(r, " ");
        add_text(r, arena_printf(r->a, "![%s](%s)", alt, src));
    }
}

static void open_link(renderer *r, xmlNode *n)
{
    r->href = absolute(r, attribute(r, n, "href"));
    if (r->href == NULL)
        return;
    add_text(r, "[");
    r->link_at = r->out->len;
}

static void close_link(renderer *r)
{
    if (r->href == NULL)
        return;
    if (r->out->len == r->link_at) { /* a link without text says nothing */
        if (r->out->len > 0 && r->out->data[r->out->len - 1] == '[')
            r->out->data[--r->out->len] = '\0';
    } else {
        buf_printf(r->out, "](%s)", r->href);
        r->n_links++;
    }
    r->href = NULL;
}

static void enter(renderer *r, xmlNode *n)
{
    switch (kind_of(n)) {
    case TAG_SKIP:
        r->skipped++;
        break;
    case TAG_BLOCK:
        break_lines(r, str_is_nocase(str_of((const char *)n->name), "div") ? 1 : 2);
        break;
    case TAG_HEADING:
        break_lines(r, 2);
        buf_printf(r->out, "%.*s ", n->name[1] - '0', "######");
        break;
    case TAG_PRE:
        break_lines(r, 2);
        buf_puts(r->out, "```\n");
        r->pre++;
        break;
    case TAG_LIST:
        break_lines(r, r->list_depth > 0 ? 1 : 2);
        r->list_depth++;
        break;
    case TAG_ITEM:
        break_lines(r, 1);
        buf_printf(r->out, "%*s- ", r->list_depth > 1 ? 2 * MIN_OF(r->list_depth - 1, 10) : 0, "");
        break;
    case TAG_ROW:
        break_lines(r, 1);
        break;
    case TAG_CELL:
        if (newlines_at_end(r->out) == 0 && r->out->len > 0)
            buf_puts(r->out, " | ");
        r->space = false;
        break;
    case TAG_BREAK:
        break_lines(r, 1);
        break;
    case TAG_IMAGE:
        add_image(r, n);
        break;
    case TAG_LINK:
        open_link(r, n);
        break;
    case TAG_INLINE:
        break;
    }
}

static void leave(renderer *r, xmlNode *n)
{
    switch (kind_of(n)) {
    case TAG_SKIP:
        r->skipped--;
        break;
    case TAG_BLOCK:
        break_lines(r, str_is_nocase(str_of((const char *)n->name), "div") ? 1 : 2);
        break;
    case TAG_HEADING:
        break_lines(r, 2);
        break;
    case TAG_PRE:
        r->pre--;
        break_lines(r, 1);
        buf_puts(r->out, "```\n\n");
        break;
    case TAG_LIST:
        r->list_depth--;
        break_lines(r, r->list_depth > 0 ? 1 : 2);
        break;
    case TAG_LINK:
        close_link(r);
        break;
    default:
        break;
    }
}

static void visit(renderer *r, xmlNode *n)
{
    if (n->type == XML_ELEMENT_NODE)
        enter(r, n);
    else if (r->skipped == 0 && n->content != NULL && (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE))
        add_text(r, (const char *)n->content);
}

static bool enters(const renderer *r, const xmlNode *n)
{
    return n->children != NULL && n->type == XML_ELEMENT_NODE && r->skipped == 0;
}

static void render(renderer *r, xmlNode *root)
{
    xmlNode *n = root;

    while (n != NULL && !r->out->overflow) {
        visit(r, n);
        if (enters(r, n)) {
            n = n->children;
            continue;
        }
        for (;;) {
            if (n->type == XML_ELEMENT_NODE)
                leave(r, n);
            if (n == root)
                return;
            if (n->next != NULL)
                break;
            n = n->parent;
        }
        n = n->next;
    }
}

/* The first <title>, found without recursion too. */
static char *title_of(arena *a, xmlNode *root)
{
    renderer r = {.a = a, .out = buf_new(a, KIB(64))};
    xmlNode *n = root;
    str cut;

    while (n != NULL) {
        if (n->type == XML_ELEMENT_NODE && str_is_nocase(str_of((const char *)n->name), "title"))
            break;
        if (n->children != NULL && n->type == XML_ELEMENT_NODE) {
            n = n->children;
            continue;
        }
        while (n != root && n->next == NULL && n->parent != NULL)
            n = n->parent;
        n = n == root ? NULL : n->next;
    }
    if (n != NULL && n->children != NULL && n->children->content != NULL)
        add_text(&r, (const char *)n->children->content);
    cut = utf8_prefix(text_repair(a, (str){buf_str(r.out), r.out->len}), TITLE_MAX);
    return arena_strndup(a, cut.p, cut.len);
}

html_page html_to_text(arena *a, str html, const char *charset, const char *url)
{
    html_page page = {
        .title = (char *)(uintptr_t) "", .text = (char *)(uintptr_t) "", .images = json_hold(a, json_array())};
    renderer r = {.out = buf_new(a, TEXT_MAX), .url = url, .images = page.images, .a = a};
    xmlNode *root;
    xmlDoc *doc;

    if (cstr_blank(charset))
        charset = utf8_valid(html.p, html.len) ? "UTF-8" : NULL; /* else the parser looks for <meta> */
    doc = htmlReadMemory(html.p, (int)MIN_OF(html.len, (size_t)HTML_MAX), NULL, charset,
                         HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
                             HTML_PARSE_COMPACT);
    root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    if (root != NULL) {
        page.title = title_of(a, root);
        render(&r, root);
        page.text = str_dup(a, text_repair(a, str_trim((str){buf_str(r.out), r.out->len}))); /* the parser is lenient */
        page.n_links = r.n_links;
    }
    xmlFreeDoc(doc);
    return page;
}
