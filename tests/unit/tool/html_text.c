/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include "tool/html_text.h"

static html_page page_of(arena *a, const char *html)
{
    return html_to_text(a, str_of(html), NULL, "https://example.com/dir/page.html");
}

TEST(pages_read_as_markdown)
{
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"<h1>Title</h1><p>One  two\n three</p><p>Four</p>", "# Title\n\nOne two three\n\nFour"},
        {"<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n  - c"},
        {"<p>See <a href=\"../x?q=1\">this <b>link</b></a>.</p>", "See [this link](https://example.com/x?q=1)."},
        {"<p><a href=\"javascript:alert(1)\">no</a> <a href=\"#x\">anchor</a></p>", "no anchor"},
        {"<p>a<br>b</p>", "a\nb"},
        {"<pre>  x\n    y</pre>", "```\n  x\n    y\n```"},
        {"<script>alert(1)</script><style>p{}</style><nav>menu</nav><p>text</p><footer>f</footer>", "text"},
        {"<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "a | b\n1 | 2"},
        {"<p>&lt;tag&gt; &amp; &eacute;</p>", "<tag> & é"},
        {"<p>caf\xc3\xa9</p>", "café"},
        {"<p>broken <b>markup <i>here", "broken markup here"},
        {"just text", "just text"},
        {"", ""},
        {"<h2>  </h2>", "##"},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(page_of(a, cases[i].html).text, cases[i].text);
    arena_free(a);
}

TEST(titles_images_and_character_sets_are_found)
{
    arena *a = arena_new(NULL);
    html_page p = page_of(a, "<html><head><title> My\n page </title></head><body><img src='i.png' alt='A cat'>"
                             "<img src='data:image/png;base64,AAAA'></body></html>");

    CHECK_STR(p.title, "My page");
    CHECK_STR(json_text(a, p.images), "[\"https://example.com/dir/i.png\"]");
    CHECK_STR(p.text, "![A cat](https://example.com/dir/i.png)");
    p = html_to_text(a, STR("<p>caf\xe9</p>"), "ISO-8859-1", "http://x/");
    CHECK_STR(p.text, "café");
    p = html_to_text(a, STR("<meta charset='windows-1252'><p>\x80uro</p>"), NULL, "http://x/");
    CHECK_STR(p.text, "€uro");
    arena_free(a);
}

TEST(hostile_pages_are_survived, .limit = 60)
{
    arena *a = arena_new(NULL);
    buf *b = buf_new(a, MIB(16));
    html_page p;

    for (int i = 0; i < 200000; i++)
        buf_puts(b, "<div>");
    buf_puts(b, "deep");
    (void)html_to_text(a, (str){buf_str(b), b->len}, NULL, "http://x/");
    buf_reset(b);
    for (int i = 0; i < 100000; i++)
        buf_puts(b, "<ul><li><a href=x>");
    (void)html_to_text(a, (str){buf_str(b), b->len}, NULL, "http://x/");
    (void)html_to_text(a, STR("\0\1\2\xff\xfe<\0p>"), NULL, "http://x/");
    p = html_to_text(a, STR("<html><head1<!itle>T>/title></head><?\xba\xba\xba?body><h1>A<<htmli>"), NULL, "http://x/");
    CHECK(utf8_valid(p.text, strlen(p.text)), "the parser lets foreign bytes through, we do not");
    (void)html_to_text(a, STR("<!DOCTYPE html [<!ENTITY a \"&a;&a;\">]><p>&a;</p>"), "no-such-charset", "::not a url");
    arena_free(a);
}
