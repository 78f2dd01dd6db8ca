/* SPDX-License-Identifier: MIT */
#include "tool/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { ARGS_MAX = 128, ENV_MAX = 64, ENV_VALUE_MAX = 32 << 10, PROBE_MS = 5000 };

#define NOBODY "65534"
#define TMP_BYTES "1073741824"
#define SHM_BYTES "268435456"
#define FILE_BLOCKS "2097152" /* of 512 bytes: the largest file a command may write */

static const char *bwrap_path = "/usr/bin/bwrap";

typedef struct {
    arena *a;
    const char *argv[ARGS_MAX];
    size_t n;
} args;

static void add(args *v, const char *text)
{
    if (v->n < ARGS_MAX - 1)
        v->argv[v->n++] = text;
}

static void add_all(args *v, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        add(v, *texts);
}

/* /bin and its like are links into /usr on merged systems, directories elsewhere. */
static void add_system_dir(args *v, const char *path)
{
    char target[64];
    ssize_t n = readlink(path, target, sizeof target - 1);

    if (n > 0) {
        add(v, "--symlink");
        add(v, arena_strndup(v->a, target, (size_t)n));
    } else {
        add(v, "--ro-bind-try");
        add(v, path);
    }
    add(v, path);
}

/* Only what programs need: /etc as a whole holds other people's secrets. */
static void add_etc(args *v, bool network)
{
    static const char *const always[] = {"/etc/alternatives", "/etc/ld.so.cache",   "/etc/ld.so.conf",
                                         "/etc/ld.so.conf.d", "/etc/localtime",     "/etc/passwd",
                                         "/etc/group",        "/etc/nsswitch.conf", "/etc/mime.types",
                                         "/etc/fonts",        "/etc/python3",       "/etc/python3.11"};
    static const char *const online[] = {"/etc/resolv.conf",     "/etc/hosts",           "/etc/ssl/certs",
                                         "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/services"};

    for (size_t i = 0; i < COUNT(always); i++)
        add_all(v, (const char *const[]){"--ro-bind-try", always[i], always[i], NULL});
    for (size_t i = 0; network && i < COUNT(online); i++)
        add_all(v, (const char *const[]){"--ro-bind-try", online[i], online[i], NULL});
}

/* No --new-session: the child already has one of its own, without a terminal, and staying in its process group lets a kill
 * of the group reach the box's first process even while it is being set up, when --die-with-parent does not hold yet. */
static void add_box(args *v, bool network)
{
    static const char *const head[] = {"--unshare-all",
                                       "--unshare-user",
                                       "--uid",
                                       NOBODY,
                                       "--gid",
                                       NOBODY,
                                       "--disable-userns",
                                       "--die-with-parent",
                                       "--cap-drop",
                                       "ALL",
                                       "--hostname",
                                       "sluice",
                                       "--ro-bind",
                                       "/usr",
                                       "/usr",
                                       NULL};
    static const char *const tail[] = {"--proc",  "/proc",   "--dev",    "/dev",         "--size",
                                       SHM_BYTES, "--tmpfs", "/dev/shm", "--remount-ro", "/dev",
                                       "--size",  TMP_BYTES, "--tmpfs",  "/tmp",         NULL};

    add(v, bwrap_path);
    add_all(v, head);
    if (network)
        add(v, "--share-net");
    add_system_dir(v, "/bin");
    add_system_dir(v, "/sbin");
    add_system_dir(v, "/lib");
    add_system_dir(v, "/lib64");
    add_etc(v, network);
    add_all(v, tail);
}

/* The limits hold for each process; dash and bash name the one for processes differently. */
static const char *limits_script(arena *a)
{
    const tool_settings *set = tool_settings_now();

    return arena_printf(a,
                        "ulimit -c 0; ulimit -t %lld; ulimit -v %lld; ulimit -f " FILE_BLOCKS
                        "; ulimit -p %lld 2>/dev/null || ulimit -u %lld; "
                        "if [ -x /bin/bash ]; then exec /bin/bash -c \"$1\"; fi; exec /bin/sh -c \"$1\"",
                        (long long)set->shell_cpu, (long long)(set->shell_memory / 1024),
                        (long long)set->shell_processes, (long long)set->shell_processes);
}

static const char *const *add_shell(args *v, const char *command)
{
    add_all(
        v, (const char *const[]){"--remount-ro", "/", "--", "/bin/sh", "-c", limits_script(v->a), "sh", command, NULL});
    return arena_memdup(v->a, v->argv, sizeof v->argv);
}

const char *const *sandbox_argv(arena *a, const char *source, const char *home, const char *workdir,
                                const char *command)
{
    args v = {.a = a};

    add_box(&v, tool_settings_now()->shell_network);
    add_all(&v, (const char *const[]){"--bind", source, home, "--chdir", workdir, NULL});
    return add_shell(&v, command);
}

const char *const *sandbox_filter_argv(arena *a, const char *command)
{
    args v = {.a = a};

    add_box(&v, false);
    return add_shell(&v, command);
}

static bool is_env_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < 100 && (name[0] < '0' || name[0] > '9') &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

bool sandbox_env(arena *a, const char *home, const json_t *extra, const char *const **out)
{
    const char **env = arena_array(a, const char *, ENV_MAX + 1), *key;
    size_t n = 0;
    json_t *v;

    env[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    env[n++] = arena_printf(a, "HOME=%s", home);
    env[n++] = "LANG=C.UTF-8";
    env[n++] = "TMPDIR=/tmp";
    env[n++] = "TERM=dumb";
    env[n++] = "PYTHONUNBUFFERED=1";
    json_object_foreach((json_t *)(uintptr_t)extra, key, v)
    {
        char *text = json_is_string(v) ? arena_strdup(a, json_string_value(v)) : json_text(a, v);

        if (!is_env_name(key) || n == ENV_MAX || strlen(text) > ENV_VALUE_MAX)
            return false;
        env[n++] = arena_printf(a, "%s=%s", key, text);
    }
    *out = env;
    return true;
}

/* ---- is it there, and may it? ---- */

static pthread_mutex_t probe_lock = PTHREAD_MUTEX_INITIALIZER;
static bool probed, usable;
static char reason[512];

static const char *find_bwrap(void)
{
    static const char *const places[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};

    for (size_t i = 0; i < COUNT(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* What the child says until it ends or time is over; false then. */
static bool listen_to(int fd, char *said, size_t cap)
{
    int64_t until = clock_mono() + MILLISECONDS(PROBE_MS);
    size_t len = 0;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = (until - clock_mono()) / MILLISECONDS(1);
        ssize_t n;

        if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
            return false;
        n = p.revents != 0 ? read(fd, said + len, cap - 1 - len) : -1;
        if (n == 0 || len == cap - 1)
            return true;
        len += n > 0 ? (size_t)n : 0;
        said[len] = '\0';
    }
}

/* Runs the box around `true`.  Blocks. */
static bool try_box(char *said, size_t cap)
{
    arena *a = arena_new(NULL);
    const char *const *argv = sandbox_argv(a, "/usr", "/mnt", "/", "true");
    char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    pid_t pid;
    bool ok = false;

    said[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) < 0) {
        arena_free(a);
        return false;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    if (posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env) == 0) {
        close(ends[1]);
        if (!listen_to(ends[0], said, cap))
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    } else {
        close(ends[1]);
    }
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    arena_free(a);
    return ok;
}

static void probe(void)
{
    const char *found = find_bwrap();
    char said[200];

    if (found == NULL) {
        snprintf(reason, sizeof reason, "Shell commands are off: bubblewrap is not installed (apt install bubblewrap)");
        return;
    }
    bwrap_path = found;
    usable = try_box(said, sizeof said);
    said[strcspn(said, "\n")] = '\0';
    if (!usable)
        snprintf(
            reason, sizeof reason,
            "Shell commands are off: bubblewrap cannot make a sandbox here (%s). Allow unprivileged user namespaces "
            "(sysctl kernel.unprivileged_userns_clone=1, or kernel.apparmor_restrict_unprivileged_userns=0); in a "
            "container, allow nested namespaces",
            said[0] != '\0' ? said : "no reason given");
}

bool tool_sandbox_available(const char **why)
{
    bool ok;

    pthread_mutex_lock(&probe_lock);
    if (!probed)
        probe();
    probed = true;
    ok = usable;
    pthread_mutex_unlock(&probe_lock);
    if (why != NULL)
        *why = ok ? NULL : reason;
    return ok;
}
