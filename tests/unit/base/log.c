/* SPDX-License-Identifier: MIT */
/* Tests of base/log.c: what arrives on standard error. */
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "test.h"

static char said[65536];

static char *line_of(void (*fn)(void))
{
    CHECK_INT(test_in_child(fn, said, sizeof said), 0);
    return said;
}

static const char *hostile_id(void)
{
    return "x\" ]\nfake";
}

static const char *plain_id(void)
{
    return "req-1";
}

static void write_all_kinds(void)
{
    log_info("request", log_str("method", "GET"), log_int("status", 200), log_num("ms", 1.5), log_str("none", NULL),
             log_str("path", "/a b\"\n"), log_num("odd", NAN));
}

static void write_text(void)
{
    log_set_context(plain_id);
    write_all_kinds();
}

static void write_json(void)
{
    log_setup(LOG_INFO, LOG_JSON);
    log_set_context(hostile_id);
    write_all_kinds();
}

TEST(text_lines_quote_what_could_be_misread)
{
    char *line = line_of(write_text);

    CHECK(
        strstr(line, "Z info  [req-1] request method=GET status=200 ms=1.5 none=\"\" path=\"/a b\\\"\\n\" odd=nan\n") !=
            NULL,
        "%s", line);
    CHECK(strchr(line, '\n') == line + strlen(line) - 1, "one line");
}

TEST(json_lines_are_json)
{
    arena *a = arena_new(NULL);
    json_t *v = NULL;
    char *line = line_of(write_json);

    CHECK(json_parse(a, line, strlen(line), NULL, &v) == OK, "%s", line);
    CHECK_STR(json_get_str(v, "level", NULL), "info");
    CHECK_STR(json_get_str(v, "event", NULL), "request");
    CHECK_STR(json_get_str(v, "request_id", NULL), hostile_id());
    CHECK_STR(json_get_str(v, "path", NULL), "/a b\"\n");
    CHECK_INT(json_get_int(v, "status", 0), 200);
    CHECK(json_is_null(json_object_get(v, "odd")), "not a number");
    arena_free(a);
}

static void write_hostile_id(void)
{
    log_set_context(hostile_id);
    log_warn("event");
}

TEST(a_request_id_cannot_forge_a_line)
{
    char *line = line_of(write_hostile_id);

    CHECK(strstr(line, " [\"x\\\" ]\\nfake\"] event\n") != NULL, "%s", line);
}

static void write_long(void)
{
    static char big[20001];

    for (size_t i = 0; i < 20000; i += 2)
        memcpy(big + i, "\xc3\xa4", 2);
    log_setup(LOG_INFO, LOG_JSON);
    log_error("long", log_str("a", big), log_str("b", big), log_int("n", 7));
}

TEST(a_long_line_is_cut_and_stays_json)
{
    arena *a = arena_new(NULL);
    json_t *v = NULL;
    char *line = line_of(write_long);
    json_fault f;

    CHECK(strlen(line) <= 8192, "%zu bytes", strlen(line));
    CHECK(json_parse(a, line, strlen(line), &f, &v) == OK, "%s", f.reason);
    CHECK_INT(json_get_int(v, "n", 0), 7);
    CHECK_INT(strlen(json_get_str(v, "a", "")), 4096);
    arena_free(a);
}

static void write_levels(void)
{
    int evaluated = 0;

    log_setup(LOG_WARN, LOG_TEXT);
    log_info("hidden", log_int("n", ++evaluated));
    log_debug("hidden", log_int("n", ++evaluated));
    errno = EINTR;
    log_warn("shown", log_int("evaluated", evaluated));
    CHECK_INT(errno, EINTR);
}

TEST(levels_below_the_least_cost_nothing)
{
    char *line = line_of(write_levels);

    CHECK(strstr(line, "hidden") == NULL, "%s", line);
    CHECK(strstr(line, "warn  shown evaluated=0\n") != NULL, "%s", line);
}
