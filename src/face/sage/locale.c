/* SPDX-License-Identifier: MIT */
/*
 * Which language a caller reads, and texts in it.
 */
#include "face/sage/locale.h"

#include <strings.h>

#include "face/sage/messages.h"

/* Whether a tag ("en-US", "en_us", "EN") is of a language. */
static bool is_language(str tag, const char *two_letters)
{
    tag = str_trim(tag);
    return tag.len >= 2 && strncasecmp(tag.p, two_letters, 2) == 0;
}

/* The first entry of Accept-Language that is one of `languages`; its index, or -1.  Quality values are not looked at. */
static int first_accepted(const char *header, const char *const *languages, size_t n)
{
    str rest = str_of(header), entry;

    for (size_t count = 0; count < 50 && str_next(&rest, ',', &entry); count++)
        for (size_t i = 0; i < n; i++)
            if (is_language(entry, languages[i]))
                return (int)i;
    return -1;
}

sage_locale locale_of(const request *rq)
{
    static const char *const languages[] = {[LOCALE_ZH] = "zh", [LOCALE_EN] = "en"};
    const char *chosen = request_header(rq, "X-Sage-Locale");
    int found;

    if (chosen != NULL)
        return is_language(str_of(chosen), "en") ? LOCALE_EN : LOCALE_ZH;
    found = first_accepted(request_header(rq, "Accept-Language"), languages, COUNT(languages));
    return found == LOCALE_EN ? LOCALE_EN : LOCALE_ZH;
}

const char *locale_name(sage_locale l)
{
    return l == LOCALE_EN ? "en-US" : "zh-CN";
}

const char *locale_prompt_language(const request *rq)
{
    static const char *const languages[] = {"zh", "en", "pt"};
    const char *chosen = request_header(rq, "X-Accept-Language");
    int found = -1;

    if (!cstr_blank(chosen))
        found = first_accepted(chosen, languages, COUNT(languages));
    else
        found = first_accepted(request_header(rq, "Accept-Language"), languages, COUNT(languages));
    return found >= 0 ? languages[found] : "en";
}

const char *locale_fill(arena *a, const char *text, const char *subject)
{
    str rest = str_of(text), gap = STR("{}");
    ptrdiff_t at = str_find(rest, gap);
    buf *b;

    if (at < 0)
        return text;
    b = buf_new(a, KIB(64));
    for (; at >= 0; at = str_find(rest, gap)) {
        buf_add(b, rest.p, (size_t)at);
        buf_puts(b, subject != NULL ? subject : "");
        rest = (str){rest.p + at + gap.len, rest.len - (size_t)at - gap.len};
    }
    buf_add(b, rest.p, rest.len);
    return buf_str(b);
}

const char *locale_text(arena *a, sage_locale l, const char *code, const char *subject)
{
    const sage_message *m = sage_message_find(code);

    if (m == NULL)
        return code != NULL ? code : "";
    return locale_fill(a, l == LOCALE_EN ? m->en : m->zh, subject);
}
