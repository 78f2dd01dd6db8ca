/* SPDX-License-Identifier: MIT */
/*
 * `sluice serve`: puts the house together, from the bottom up, and takes it down again in reverse.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/chat.h"
#include "agent/recall.h"
#include "auth/auth.h"
#include "auth/bootstrap.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/background.h"
#include "cli/cli.h"
#include "cli/descriptors.h"
#include "cli/faces.h"
#include "cli/memory.h"
#include "db/db.h"
#include "db/seal.h"
#include "face/core/routes.h"
#include "flow/flow.h"
#include "model/provider.h"
#include "model/run_log.h"
#include "model/user.h"
#include "net/guard.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/offload.h"
#include "rt/sleep.h"
#include "script/action.h"
#include "script/script.h"
#include "store/object.h"
#include "store/run.h"

typedef struct {
    db *database;
    server *server;
    router *router;
    char url[128]; /* of the first listener */
    bool welcome;
    char admin[256];      /* the administrator that this start has made, or "" */
    bool random_password; /* of his */
    bool no_users;
    atomic_bool prepared; /* by the first loop: the database */
    atomic_bool failed;
} house;

static bool refuse(const char *what, const char *why)
{
    fprintf(stderr, "sluice: %s: %s\n", what, why);
    return false;
}

/* A directory for ourselves alone, and those above it. */
static bool make_directory(const char *what, const char *path)
{
    char part[PATH_MAX], why[PATH_MAX + 128];
    size_t len = strlen(path);
    struct stat st;

    if (len == 0 || len >= sizeof part)
        return refuse(what, len == 0 ? "the path is empty" : "the path is too long");
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) == 0 || errno == EEXIST)
            continue;
        if (errno == EROFS && stat(part, &st) == 0) /* told before that it exists */
            continue;
        snprintf(why, sizeof why, "%s: %s", part, strerror(errno));
        return refuse(what, why);
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    snprintf(why, sizeof why, "%s: %s", path, strerror(ENOTDIR));
    return refuse(what, why);
}

/* One server a data directory: a second one would take the first one's runs and uploads for leftovers.  Held until the end of
 * the process, however that comes. */
static bool lock_data(const char *data)
{
    char path[PATH_MAX], why[PATH_MAX + 64];
    int fd;

    if ((size_t)snprintf(path, sizeof path, "%s/serve.lock", data) >= sizeof path)
        return refuse("data directory", "the path is too long");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)) /* not every file system has locks */
        return true;
    snprintf(why, sizeof why, "%s: %s", data, fd >= 0 ? "another server works in it" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return refuse("data directory", why);
}

static completion_mode completion_of(const char *name)
{
    return cstr_eq(name, "turn_status") ? UNTIL_TURN_STATUS
           : cstr_eq(name, "llm_judge") ? UNTIL_JUDGED
                                        : UNTIL_NO_TOOL_CALL;
}

/* What is configured process-wide, before there are threads. */
static bool configure(const struct settings *st)
{
    char why[512], path[PATH_MAX];

    if (!make_directory("cannot make the data directory", st->data) || !lock_data(st->data))
        return false;
    if ((size_t)snprintf(path, sizeof path, "%s/secret.key", st->data) >= sizeof path)
        return refuse("data directory", "the path is too long");
    if (seal_setup(*st->secret_key != '\0' ? st->secret_key : NULL, path, why, sizeof why) != OK)
        return refuse("master key", why);
    auth_config auth = auth_config_of(st);
    if (auth_setup(&auth, why, sizeof why) != OK)
        return refuse("authentication", why);
    if (!make_directory("cannot make the directory of workspaces", st->agents_dir))
        return false;
    if ((size_t)snprintf(path, sizeof path, "%s/objects", st->data) >= sizeof path)
        return refuse("data directory", "the path is too long");
    if (object_setup(path, why, sizeof why) != OK)
        return refuse("directory of uploaded files", why);
    guard_allow_private(st->allow_private_networks);
    llm_demo_set_delay(MILLISECONDS(st->demo_delay_ms));
    llm_configure(&(llm_limits){
        .answer = st->llm_answer_timeout,
        .connect = st->llm_connect_timeout,
        .first_byte = st->llm_first_byte_timeout,
        .idle = st->llm_idle_timeout,
        .max_attempts = (int)st->llm_max_attempts,
    });
    tool_setup();
    action_setup();
    tool_configure(&(tool_settings){
        .result_tokens = st->tools_result_tokens,
        .shell_cpu = st->tools_shell_cpu / SECONDS(1),
        .shell_memory = st->tools_shell_memory,
        .shell_processes = st->tools_shell_processes,
        .shell_network = st->tools_shell_network,
    });
    tool_set_history_search(recall_search);
    chat_configure(&(chat_settings){
        .workspaces = st->agents_dir,
        .run_timeout = st->run_timeout,
        .until = completion_of(st->task_completion_mode),
        .max_parallel_tools = (size_t)st->run_max_parallel_tools,
        .default_max_loops = st->run_max_loops,
    });
    flow_configure(st->run_timeout);
    background_setup();
    script_configure(&(script_settings){
        .runner = st->script_runner,
        .pool = (size_t)st->script_pool,
        .max_running = (size_t)st->script_max_running,
        .max_waiting = (size_t)st->script_max_waiting,
        .wall_timeout = st->script_timeout,
        .cpu_timeout = st->script_cpu_timeout / SECONDS(1),
        .memory = (size_t)st->script_memory,
        .allow_private = st->allow_private_networks,
    });
    return true;
}

static bool listen_at(house *h, const char *address, const void *tag, bool announce)
{
    char why[256];
    int port;

    if (address == NULL || *address == '\0')
        return true;
    if (server_listen(h->server, address, tag, &port, why, sizeof why) != OK)
        return refuse("listen", why);
    if (announce)
        snprintf(h->url, sizeof h->url, "http://%.*s:%d", (int)(strrchr(address, ':') - address), address, port);
    return true;
}

static void say_welcome(const house *h)
{
    printf("\n  Sluice %s is ready.\n\n", SLUICE_VERSION);
    printf("  API and documentation   %s/docs\n", h->url);
    if (h->admin[0] != '\0')
        printf("  Administrator           %s   with the password %s\n", h->admin,
               h->random_password ? "above" : "that you configured");
    else if (h->no_users)
        printf("  Administrator           none yet: the first who registers in the LangBot interface is\n");
    else
        printf("  Administrator           made at an earlier start (`sluice user list --data %s` shows who;\n"
               "                          `sluice user passwd NAME --data %s` sets a new password)\n",
               settings_get()->data, settings_get()->data);
    printf("\n  A first answer, as a stream with a tool call in it:\n\n"
           "  curl -N %s/api/stream -H 'Content-Type: application/json' -H 'Accept-Language: en' \\\n"
           "    -d '{\"max_loop_count\":5,\"messages\":[{\"role\":\"user\",\"content\":\"What time is it?\"}]}'\n\n",
           h->url);
}

/* Once every loop accepts: who waits for this line may connect. */
static void on_ready(void *arg)
{
    const house *h = arg;

    if (h->welcome)
        say_welcome(h);
    printf("listening on %s\n", h->url);
    fflush(stdout);
}

static bool open_house(house *h, const struct settings *st)
{
    server_limits limits = server_default_limits;
    char why[512];

    if (db_open(st->db_url, &h->database, why, sizeof why) != OK)
        return refuse("database", why);
    h->router = router_new(faces_mounts, faces_n_mounts);
    router_log_requests(h->router, st->log_requests);
    limits.max_body = st->http_max_body;
    limits.idle_timeout = st->http_idle_timeout;
    limits.max_connections = (size_t)st->http_max_connections;
    limits.trusted_proxies = st->http_trusted_proxies;
    h->server = server_new(router_serve, h->router, &limits);
    server_on_ready(h->server, on_ready, h);
    core_setup(h->server);
    if (!listen_at(h, st->listen, NULL, true))
        return false;
    for (size_t i = 0; i < faces_n_listeners; i++)
        if (!listen_at(h, faces_listeners[i].address(st), faces_listeners[i].face, false))
            return false;
    return true;
}

/* The system's default model: what is configured, else the demo model. */
static err set_default_model(scope *s, const struct settings *st)
{
    bool real = *st->default_llm_api_key != '\0' || settings_given("default_llm.base_url");
    const char *key = st->default_llm_api_key;
    json_t *args = json_hold(s->arena, json_object());
    served_model sm;

    if (!real && !st->demo_model)
        return OK;
    if (real) {
        json_set_num(args, "temperature", st->default_llm_temperature);
        json_set_num(args, "top_p", st->default_llm_top_p);
        json_set_num(args, "presence_penalty", st->default_llm_presence_penalty);
        if (st->default_llm_max_tokens > 0)
            json_set_int(args, "max_tokens", st->default_llm_max_tokens);
    }
    sm = (served_model){
        .provider = {.name = "Default LLM Provider",
                     .requester = real ? st->default_llm_driver : "demo",
                     .base_url = real ? st->default_llm_base_url : "demo:",
                     .sealed_keys = provider_seal_keys(s->arena, &key, real && *key != '\0' ? 1 : 0),
                     .is_default = true},
        .model = {.name = real ? st->default_llm_model_name : "demo",
                  .kind = MODEL_LLM,
                  .abilities = "[\"func_call\",\"vision\",\"structured_output\"]",
                  .extra_args = json_text(s->arena, args),
                  .context_length = st->default_llm_max_model_len},
    };
    return served_set_system_default(s, &sm);
}

static err prepare(scope *root, house *h)
{
    const struct settings *st = settings_get();
    char *name = NULL, *password = NULL;
    int64_t users = 1;
    run_row *cut;
    size_t n;

    if (st->admin_at_start)
        TRY(bootstrap_admin(root, st->admin_username, st->admin_password, &name, &password));
    else
        TRY(user_count(root, &users));
    if (password != NULL) { /* at once: nothing that fails later may lose it */
        printf("created the administrator %s with the password %s (shown this once); where an e-mail address is asked "
               "for, it is %s\n",
               name, password, BOOTSTRAP_EMAIL);
        fflush(stdout);
    }
    if (users == 0)
        log_warn("admin.missing", log_str("reason", "the first who registers in the LangBot interface will be it"));
    TRY(run_row_mark_interrupted(root, "the server was stopped", &cut, &n));
    if (n > 0)
        log_warn("runs.interrupted", log_int("count", (int64_t)n));
    TRY(set_default_model(root, st));
    snprintf(h->admin, sizeof h->admin, "%s", name != NULL ? name : "");
    h->random_password = password != NULL;
    h->no_users = users == 0;
    return OK;
}

/* Stopping: requests and runs get `shutdown.grace` from the first signal on; runs that are still going are interrupted then,
 * so that those who follow them see a proper end before the server cuts their connections. */
static _Atomic int64_t stop_began;
static const int64_t farewell = SECONDS(2);

static void on_run_change(void *waiter)
{
    fiber_wake(waiter);
}

/* Waits until no run is left or the grace is over; then interrupts those that are. */
static void end_runs(int64_t grace)
{
    scope *s = scope_new("stop");
    hub_watch *watch = hub_watch_open(on_run_change, fiber_self());
    run **left;
    size_t n;

    scope_set_timeout(s, MAX_OF(atomic_load(&stop_began) + grace - clock_mono(), (int64_t)0));
    while (hub_read_stats().live > 0 && fiber_park(s) == OK)
        ;
    hub_watch_close(watch);
    n = hub_list(s->arena, NULL, &left);
    for (size_t i = 0; i < n; i++)
        run_interrupt(left[i], "the server was stopped");
    scope_close(s);
}

static err watch_runs(scope *root, void *unused)
{
    (void)unused;
    while (fiber_park(root) == OK)
        ;
    if (atomic_load(&stop_began) != 0)
        end_runs(settings_get()->shutdown_grace);
    return OK;
}

/* Once requests are answered: starting processes would hold up the first of them. */
static err warm_scripts(scope *root, void *unused)
{
    (void)unused;
    if (sleep_for(root, MILLISECONDS(100)) == OK)
        script_pool_open();
    return OK;
}

static err serve_loop(scope *root, void *arg)
{
    int64_t grace = settings_get()->shutdown_grace;
    house *h = arg;
    err e = OK;

    if (loop_index(root->loop) == 0) {
        if ((e = prepare(root, h)) != OK) {
            if (e != ERR_CANCELLED) /* told to stop before it was ready: no failure */
                refuse("cannot start", scope_failure(root, e).text);
            atomic_store(&h->failed, true);
            loops_stop();
            return e;
        }
        atomic_store(&h->prepared, true);
        scope_spawn(root, session_purge_loop, NULL);
        scope_spawn(root, integration_upkeep, NULL);
        scope_spawn(root, watch_runs, NULL);
        scope_spawn(root, memory_keep_small, h->server);
    }
    while (!atomic_load(&h->prepared)) {
        if (atomic_load(&h->failed) || sleep_for(root, MILLISECONDS(1)) != OK)
            return OK;
    }
    scope_spawn(root, warm_scripts, NULL);
    background_open(root);
    if ((e = server_serve(root, h->server, grace + farewell)) != OK) {
        refuse("cannot serve", scope_failure(root, e).text);
        loops_stop();
    } else if (atomic_load(&stop_began) != 0) {
        end_runs(grace); /* those that began after the others were told to end */
    }
    return e;
}

/* Signals have a thread of their own: loops are never interrupted in their waiting, and no handler can do harm. */
static void *wait_for_signals(void *set)
{
    int number;

    if (sigwait(set, &number) != 0)
        return NULL;
    atomic_store(&stop_began, clock_mono());
    log_info("stopping", log_str("signal", strsignal(number)), log_int("live_runs", (int64_t)hub_read_stats().live));
    loops_stop();
    if (sigwait(set, &number) != 0)
        return NULL;
    log_warn("stopped at once", log_str("signal", strsignal(number)));
    _exit(128 + number); /* what was acknowledged is on disk; runs are marked at the next start */
}

/* Before there are other threads: they inherit what is blocked. */
static bool catch_signals(void)
{
    static sigset_t stops;
    pthread_t waiter;

    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &stops, NULL) != 0 || pthread_create(&waiter, NULL, wait_for_signals, &stops) != 0)
        return refuse("cannot start", "no thread for signals");
    pthread_detach(waiter);
    return true;
}

static int serve(bool welcome)
{
    const struct settings *st = settings_get();
    house h = {.welcome = welcome};
    int status = 1;

    descriptors_allow(st);
    if (catch_signals() && configure(st) && open_house(&h, st)) {
        status = loops_run((size_t)st->threads, serve_loop, &h);
        log_info("stopped");
    }
    server_free(h.server);
    hub_close();
    router_free(h.router);
    if (h.database != NULL)
        db_close(h.database);
    return status;
}

static int run_serve(const cli_args *args)
{
    return serve(cli_get(args, "welcome") != NULL);
}

static const cli_option options[] = {
    {"welcome", NULL, "Say how to begin: address, login and a first request"},
};

const cli_command cli_serve = {
    .name = "serve",
    .summary = "Run the server",
    .options = options,
    .n_options = COUNT(options),
    .settings = true,
    .run = run_serve,
};
