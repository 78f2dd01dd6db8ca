/* SPDX-License-Identifier: MIT */
/* Where settings come from, which source counts, and what is refused. */
#include "db/settings.h"

#include <stdio.h>

#include "test.h"

/* One source more than the last each time: what each test needs is given by name. */
static err load(const char *const *env, const char *file, const char *flag, const char *value, char *why, size_t size)
{
    setting_given flags[] = {{"data", test_dir()}, {flag, value}};
    settings_sources from = {.flags = flags, .n_flags = flag != NULL ? 2 : 1, .env = (char *const *)(uintptr_t)env};

    if (file != NULL) {
        char path[4096];
        FILE *f;

        snprintf(path, sizeof path, "%s/sluice.conf", test_dir());
        f = fopen(path, "w");
        CHECK(f != NULL && fputs(file, f) >= 0 && fclose(f) == 0, "write %s", path);
    }
    return settings_load(&from, why, size);
}

TEST(without_any_source_the_defaults_hold)
{
    const struct settings *s = settings_get();

    CHECK_STR(s->data, "data");
    CHECK_STR(s->db_url, "sqlite:data/sluice.db");
    CHECK_STR(s->agents_dir, "data/agents");
    CHECK_STR(s->listen, "127.0.0.1:8000");
    CHECK_STR(s->listen_sage, "");
    CHECK_STR(s->cors_origins[0], "*");
    CHECK(s->cors_origins[1] == NULL && s->auth_identity_proxies[0] == NULL, "lists end with NULL");
    CHECK_INT(s->auth_jwt_lifetime, SECONDS(86400));
    CHECK_INT(s->http_max_body, (int64_t)MIB(512));
    CHECK(s->default_llm_temperature == 0.7 && !s->allow_private_networks && s->demo_model, "numbers and switches");
    CHECK(!settings_given("data") && !settings_given("no.such"), "nothing was given");
}

TEST(a_flag_beats_the_environment_which_beats_the_file)
{
    static const char *const env[] = {"SLUICE_LOG_LEVEL=warn", "SLUICE_THREADS=3", NULL};
    char why[300] = "";

    CHECK(load(env, "log.level = error\nthreads = 4\n# a comment\n\n run.timeout=90s \n", "threads", "5", why,
               sizeof why) == OK,
          "%s", why);
    CHECK_INT(settings_get()->threads, 5);
    CHECK_STR(settings_get()->log_level, "warn");
    CHECK_INT(settings_get()->run_timeout, SECONDS(90));
    CHECK(settings_given("threads") && settings_given("run.timeout") && !settings_given("log.format"), "given");
}

TEST(every_setting_has_its_variable_and_some_have_those_of_other_platforms)
{
    static const char *const env[] = {
        "SAGE_JWT_EXPIRE_HOURS=0.5",
        "LANGFLOW_ACCESS_TOKEN_EXPIRE_SECONDS=120",
        "LANGFLOW_MAX_FILE_SIZE_UPLOAD=64",
        "SAGE_CORS_ALLOWED_ORIGINS= https://a.example , ,https://b.example",
        "OPENAI_API_KEY=sk-from-openai",
        "SAGE_DEFAULT_LLM_MODEL_NAME=sage-model",
        "SLUICE_DEFAULT_LLM_MODEL_NAME=own-model",
        "SLUICE_ALLOW_PRIVATE_NETWORKS=1",
        "SLUICE_DEMO_MODEL=0",
        "SAGE_TASK_COMPLETION_MODE=Turn_Status",
        "SLUICE_ADMIN_USERNAME=",
        NULL,
    };
    const struct settings *s;
    char why[300] = "";

    CHECK(load(env, NULL, NULL, NULL, why, sizeof why) == OK, "%s", why);
    s = settings_get();
    CHECK_INT(s->auth_jwt_lifetime, SECONDS(1800));
    CHECK_INT(s->auth_langflow_lifetime, SECONDS(120));
    CHECK_INT(s->http_max_body, (int64_t)MIB(64));
    CHECK_STR(s->cors_origins[0], "https://a.example");
    CHECK_STR(s->cors_origins[1], "https://b.example");
    CHECK(s->cors_origins[2] == NULL, "empty parts are left out");
    CHECK_STR(s->default_llm_api_key, "sk-from-openai");
    CHECK_STR(s->default_llm_model_name, "own-model");
    CHECK(s->allow_private_networks && !s->demo_model, "switches");
    CHECK_STR(s->task_completion_mode, "turn_status");
    CHECK_STR(s->admin_username, "admin"); /* empty counts as not set */
}

TEST(older_spellings_of_a_choice_mean_the_same)
{
    static const struct {
        const char *given, *meant;
    } cases[] = {
        {"SAGE_TASK_COMPLETION_MODE=status", "turn_status"},
        {"SAGE_TASK_COMPLETION_MODE=Protocol", "turn_status"},
        {"SAGE_TASK_COMPLETION_MODE=no_tools", "no_tool_call"},
        {"SAGE_TASK_COMPLETION_MODE=text_final", "no_tool_call"},
        {"SAGE_TASK_COMPLETION_MODE=LEGACY", "llm_judge"},
        {"SLUICE_TASK_COMPLETION_MODE=judge", "llm_judge"},
        {"SLUICE_TASK_COMPLETION_MODE=llm_judge", "llm_judge"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *env[] = {cases[i].given, NULL};
        char why[300] = "";

        CHECK(load(env, NULL, NULL, NULL, why, sizeof why) == OK, "%s", why);
        CHECK_STR(settings_get()->task_completion_mode, cases[i].meant);
    }
}

TEST(what_is_wrong_is_refused_with_its_source_and_changes_nothing)
{
    static const struct {
        const char *env, *file, *flag, *value, *why;
    } cases[] = {
        {NULL, NULL, "threads", "65", "--threads: threads must be at most 64"},
        {NULL, NULL, "threads", "many", "--threads: threads must be a whole number"},
        {NULL, NULL, "nonsense", "1", "command line: there is no setting \"nonsense\""},
        {NULL, NULL, "log.levl", "info", "command line: there is no setting \"log.levl\"; did you mean log.level?"},
        {"SLUICE_LOG_FORMAT=xml", NULL, NULL, NULL,
         "environment SLUICE_LOG_FORMAT: log.format must be one of text, json"},
        {"SAGE_JWT_EXPIRE_HOURS=soon", NULL, NULL, NULL,
         "environment SAGE_JWT_EXPIRE_HOURS: auth.jwt_lifetime must be a time such as 30s, 10m or 1h"},
        {"SAGE_JWT_EXPIRE_HOURS=0", NULL, NULL, NULL,
         "environment SAGE_JWT_EXPIRE_HOURS: auth.jwt_lifetime must be at least 1 seconds"},
        {"SLUICE_DEMO_MODEL=perhaps", NULL, NULL, NULL, "environment SLUICE_DEMO_MODEL: demo.model must be yes or no"},
        {"SLUICE_DEFAULT_LLM_TEMPERATURE=2.5", NULL, NULL, NULL,
         "environment SLUICE_DEFAULT_LLM_TEMPERATURE: default_llm.temperature must be at most 2"},
        {"SAGE_CORS_ALLOW_CREDENTIALS=true", NULL, NULL, NULL,
         "cors.credentials cannot be on while cors.origins is *: list the origins"},
        {"SLUICE_SECRET_KEY=short", NULL, NULL, NULL,
         "environment SLUICE_SECRET_KEY: secret_key must have at least 16 characters"},
        {NULL, "threads = 2\nhttp.max_body = 1\n", NULL, NULL,
         "sluice.conf:2: http.max_body must be at least 1024 bytes"},
        {NULL, "# x\nhttp.max_bdy = 1M\n", NULL, NULL,
         "sluice.conf:2: there is no setting \"http.max_bdy\"; did you mean http.max_body?"},
        {NULL, "threads = 2\nthreads = 3\n", NULL, NULL, "sluice.conf:2: threads is set twice"},
        {NULL, "just words\n", NULL, NULL, "sluice.conf:1: a line is \"name = value\""},
        {NULL, "data = /elsewhere\n", NULL, NULL,
         "sluice.conf:1: data cannot be set in the file that is found by it; use --data or --config"},
        {NULL, "listen = \xff\n", NULL, NULL, "sluice.conf is not a configuration file"},
    };
    char why[600];

    CHECK(load(NULL, "", "threads", "7", why, sizeof why) == OK, "%s", why);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *env[] = {cases[i].env, NULL};

        CHECK(load(env, cases[i].file != NULL ? cases[i].file : "", cases[i].flag, cases[i].value, why, sizeof why) ==
                  ERR_INVALID,
              "accepted: %zu", i);
        CHECK(strlen(why) >= strlen(cases[i].why) &&
                  strcmp(why + strlen(why) - strlen(cases[i].why), cases[i].why) == 0,
              "said \"%s\" instead of \"%s\"", why, cases[i].why);
        CHECK_INT(settings_get()->threads, 7);
    }
}

TEST(a_file_named_on_the_command_line_may_set_the_data_directory_and_must_exist)
{
    char path[4096], why[600];
    settings_sources from = {.config = path};
    FILE *f;

    snprintf(path, sizeof path, "%s/own.conf", test_dir());
    CHECK(settings_load(&from, why, sizeof why) == ERR_IO, "it is not there");
    f = fopen(path, "w");
    CHECK(f != NULL && fputs("data = /srv/sluice", f) >= 0 && fclose(f) == 0, "write");
    CHECK(settings_load(&from, why, sizeof why) == OK, "%s", why);
    CHECK_STR(settings_get()->data, "/srv/sluice");
    CHECK_STR(settings_get()->db_url, "sqlite:/srv/sluice/sluice.db");
}

TEST(what_is_printed_can_be_read_again_and_shows_no_secret)
{
    static const char *const env[] = {"SLUICE_DB_URL=postgres://sluice:hunter2secret@db.example/sluice",
                                      "SLUICE_SECRET_KEY=0123456789abcdef-hidden", "OPENAI_API_KEY=sk-hidden", NULL};
    buf out = BUF_INIT(KIB(64));
    char why[300];

    CHECK(load(env, "", "threads", "2", why, sizeof why) == OK, "%s", why);
    settings_print(&out);
    CHECK(strstr(buf_str(&out), "hidden") == NULL && strstr(buf_str(&out), "hunter2secret") == NULL, "%s",
          buf_str(&out));
    CHECK(strstr(buf_str(&out), "db.url = postgres://sluice:***@db.example/sluice") != NULL, "%s", buf_str(&out));
    CHECK(strstr(buf_str(&out), "secret_key = (set)") != NULL, "a secret shows that it is set");
    CHECK(strstr(buf_str(&out), "# environment OPENAI_API_KEY\n") != NULL, "where it comes from");
    CHECK(strstr(buf_str(&out), "threads = 2 ") != NULL && strstr(buf_str(&out), "# --threads\n") != NULL, "flags too");
    buf_close(&out);
}

TEST(the_table_is_alphabetical_and_the_manual_has_every_setting)
{
    buf out = BUF_INIT(KIB(256));
    const char *name, *last = "";
    bool flag;

    settings_manual(&out);
    for (size_t i = 0; settings_name_at(i, &name, &flag); i++) {
        char row[200];

        snprintf(row, sizeof row, "\n| `%s` | ", name);
        CHECK(strcmp(last, name) < 0, "%s after %s", name, last);
        CHECK(strstr(buf_str(&out), row) != NULL, "%s is not in the manual", name);
        last = name;
    }
    CHECK(strcmp(last, "tools.shell_processes") == 0, "all were seen");
    buf_close(&out);
}
