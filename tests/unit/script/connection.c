/* SPDX-License-Identifier: MIT */
/* Tests of script/connection.c: what needs neither database nor scripts. */
#include "script/connection.h"

#include "db/seal.h"
#include "test.h"

static json_t *parsed(scope *s, const char *text)
{
    json_t *v = NULL;

    CHECK(json_parse(s->arena, text, strlen(text), NULL, &v) == OK, "%s", text);
    return v;
}

FIBER_TEST(a_label_is_the_template_over_the_tests_result)
{
    static const struct {
        const char *template, *result, *label;
    } cases[] = {
        {"Calendar - {{data.input.user.email}}", "{\"user\":{\"email\":\"a@b.org\"}}", "Calendar - a@b.org"},
        {"{{ data.input.id }} / {{data.input.name}}!", "{\"id\":7,\"name\":\"n\"}", "7 / n!"},
        {"{{data.input.list.1}}", "{\"list\":[\"a\",\"b\"]}", "b"},
        {"Plain", "null", "Plain"},
        {"{{data.input.user.email}}", "{\"user\":{}}", "Desk"},
        {"{{data.input.user}}", "{\"user\":{}}", "Desk"},
        {"{{data.auth.access_token}}", "{\"a\":1}", "Desk"},
        {"{{other}}", "{\"a\":1}", "Desk"},
        {"{{data.input.a", "{\"a\":1}", "{{data.input.a"},
        {"", "{\"a\":1}", "Desk"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *o = json_hold(s->arena, json_object());
        integration_row row = {.name = "Desk"};

        json_set_str(o, "label", cases[i].template);
        row.oauth = json_text(s->arena, o);
        CHECK_STR(connection_label(s->arena, &row, parsed(s, cases[i].result)), cases[i].label);
    }
    CHECK_STR(connection_label(s->arena, &(integration_row){.name = "Desk"}, parsed(s, "{}")), "Desk");
}

static const char *hosts_of(scope *s, const integration_row *i, const char *values, const char *client,
                            bool *private_ok)
{
    credentials c = {.values = parsed(s, values), .client = parsed(s, client)};
    buf *b = buf_new(s->arena, 4096);
    script_job job = {0};

    credentials_limit_hosts(s, i, &c, &job);
    *private_ok = job.private_ok;
    for (size_t k = 0; k < job.n_hosts; k++)
        buf_printf(b, "%s%s", k > 0 ? " " : "", job.hosts[k]);
    return buf_str(b);
}

FIBER_TEST(hosts_are_those_of_the_list_and_what_it_cannot_name)
{
    const char *values = "{\"base_url\":\"https://me@my.example.org:8443/x?y\",\"key\":\"k\",\"n\":5}",
               *client = "{\"authUrl\":\"https://id.example.org/a\",\"tokenUrl\":\"HTTP://tok.example.org\"}";
    integration_row any = {.name = "x"}, listed = {.name = "x", .allowed_hosts = "[\"api.example.org\",\"*.b.org\"]"};
    bool open = true;

    CHECK_STR(hosts_of(s, &any, values, client, &open), "");
    CHECK(!open, "no administrator said so");
    CHECK_STR(hosts_of(s, &listed, values, client, &open),
              "api.example.org *.b.org id.example.org tok.example.org my.example.org");
    CHECK_STR(hosts_of(s, &listed, "{}", "{}", &open), "api.example.org *.b.org");
    listed.private_ok = true;
    CHECK_STR(hosts_of(s, &listed, values, client, &open), "api.example.org *.b.org");
    CHECK(open, "an administrator did");
    listed = (integration_row){.name = "x", .allowed_hosts = "[]"};
    CHECK_STR(hosts_of(s, &listed, "{}", "{}", &open), "-");
}

FIBER_TEST(values_are_taken_by_the_fields_of_the_integration)
{
    integration_row i = {.name = "x",
                         .auth_fields = "[{\"slug\":\"key\",\"type\":\"PASSWORD\",\"required\":true},"
                                        "{\"slug\":\"n\",\"type\":\"NUMBER\"},{\"slug\":\"t\",\"type\":\"TEXT\"}]"};
    json_t *out = NULL;

    CHECK_INT(connection_take_values(s, &i, parsed(s, "{\"key\":\"k\",\"n\":\"2\",\"t\":\"\",\"other\":1}"), &out), OK);
    CHECK_STR(json_text(s->arena, out), "{\"key\":\"k\",\"n\":2.0}");
    CHECK_INT(connection_take_values(s, &i, NULL, &out), ERR_INVALID);
    CHECK_STR(s->failure.text, "key is required");
    CHECK_INT(connection_take_values(s, &i, parsed(s, "{\"key\":\"k\",\"n\":\"x\"}"), &out), ERR_INVALID);
    CHECK_INT(connection_take_values(s, &i, parsed(s, "{\"key\":{}}"), &out), ERR_INVALID);
}

FIBER_TEST(what_is_sealed_is_opened_again_with_tokens_over_values)
{
    integration_row i = {.name = "x", .oauth = "{\"authUrl\":\"https://a\",\"scopes\":\"s\"}"};
    connection_row row = {.id = "c"};
    credentials c;
    char why[200];

    CHECK(seal_setup("a master key for tests", NULL, why, sizeof why) == OK, "%s", why);
    row.sealed_values =
        connection_seal(s->arena, parsed(s, "{\"key\":\"k\",\"scope\":\"mine\"}"), parsed(s, "{\"clientId\":\"own\"}"));
    row.sealed_oauth = seal_text(s->arena, "{\"access_token\":\"t\",\"scope\":\"theirs\"}");
    i.sealed_oauth = seal_text(s->arena, "{\"clientId\":\"shared\",\"clientSecret\":\"z\"}");
    CHECK_INT(credentials_open(s, &i, &row, &c), OK);
    CHECK_STR(json_get_str(c.auth, "key", NULL), "k");
    CHECK_STR(json_get_str(c.auth, "scope", NULL), "theirs");
    CHECK_STR(json_get_str(c.values, "scope", NULL), "mine");
    CHECK_STR(json_text(s->arena, credentials_env(s->arena, &c)), "{\"CLIENT_ID\":\"own\",\"CLIENT_SECRET\":\"z\"}");
    CHECK_STR(json_get_str(c.client, "authUrl", NULL), "https://a");
    row.sealed_oauth = "v1:damaged";
    CHECK_INT(credentials_open(s, &i, &row, &c), ERR_INTERNAL);
    CHECK_INT(credentials_open(s, &(integration_row){.name = "x"}, NULL, &c), OK);
    CHECK_INT(json_object_size(c.auth), 0);
}

FIBER_TEST(sentences_lose_their_secrets_and_nothing_else)
{
    integration_row i = {.name = "x",
                         .auth_fields =
                             "[{\"slug\":\"key\",\"type\":\"PASSWORD\"},{\"slug\":\"url\",\"type\":\"TEXT\"},"
                             "{\"slug\":\"pin\",\"type\":\"PASSWORD\"}]"};
    credentials c = {
        .values = parsed(s, "{\"key\":\"secret-key\",\"url\":\"https://a.org\",\"pin\":\"123\"}"),
        .token = parsed(s, "{\"access_token\":\"token-1\",\"refresh_token\":\"token-12\",\"scope\":\"read it\"}"),
        .client = parsed(s, "{\"clientId\":\"client\",\"clientSecret\":\"clients own\"}")};

    CHECK_STR(credentials_redact(s->arena, &i, &c, "secret-key,secret-key at https://a.org with token-1 as client"),
              "**********,********** at https://a.org with ******* as client");
    CHECK_STR(credentials_redact(s->arena, &i, &c, "123 read it: clients own"), "123 read it: ***********");
    CHECK_STR(credentials_redact(s->arena, &i, &c, ""), "");
    CHECK_STR(credentials_redact(s->arena, &i, &c, NULL), NULL);
}

FIBER_TEST(secrets_that_look_like_what_hides_them_end_no_loop)
{
    integration_row i = {.name = "x", .auth_fields = "[{\"slug\":\"key\",\"type\":\"PASSWORD\"}]"};
    credentials c = {.values = parsed(s, "{\"key\":\"********\"}"),
                     .token = parsed(s, "{\"access_token\":\"abcdef\",\"refresh_token\":\"abcdef-and-more\"}"),
                     .client = parsed(s, "{\"clientSecret\":\"aaaaaa\"}")};

    CHECK_STR(credentials_redact(s->arena, &i, &c, "it was ******** today"), "it was ******** today");
    CHECK_STR(credentials_redact(s->arena, &i, &c, "abcdef-and-more and abcdef"), "*************** and ******");
    CHECK_STR(credentials_redact(s->arena, &i, &c, "aaaaaaaa"), "********");
}
